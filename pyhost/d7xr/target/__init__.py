"""Where the unit runs: in this process or on an emulated chip."""

from d7xr.target.base import Answer, Target, chain

__all__ = ["Answer", "Target", "chain"]
