"""The vehicle control unit of a rally-raid car, run from recorded CAN traces.

What is exported here is public, everything else is internal. Names are loaded when first used, so
that ``import d7xr`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from d7xr.database import Database
    from d7xr.ecu import Ecu, Field, Run
    from d7xr.errors import (
        ConfigError,
        D7xrError,
        EnvironmentFault,
        InconclusiveError,
        LinkError,
        RigError,
        TraceError,
        UsageError,
    )
    from d7xr.frames import FRAME_DTYPE, Frames
    from d7xr.mapping import Mapping
    from d7xr.trace import Trace, read_trace

__version__ = "0.1.0"  # as in pyproject.toml; a test compares them

_HOME = {
    "ConfigError": "d7xr.errors",
    "D7xrError": "d7xr.errors",
    "Database": "d7xr.database",
    "Ecu": "d7xr.ecu",
    "EnvironmentFault": "d7xr.errors",
    "FRAME_DTYPE": "d7xr.frames",
    "Field": "d7xr.ecu",
    "Frames": "d7xr.frames",
    "InconclusiveError": "d7xr.errors",
    "LinkError": "d7xr.errors",
    "Mapping": "d7xr.mapping",
    "RigError": "d7xr.errors",
    "Run": "d7xr.ecu",
    "Trace": "d7xr.trace",
    "TraceError": "d7xr.errors",
    "UsageError": "d7xr.errors",
    "read_trace": "d7xr.trace",
}

__all__ = [
    "FRAME_DTYPE",
    "ConfigError",
    "D7xrError",
    "Database",
    "Ecu",
    "EnvironmentFault",
    "Field",
    "Frames",
    "InconclusiveError",
    "LinkError",
    "Mapping",
    "RigError",
    "Run",
    "Trace",
    "TraceError",
    "UsageError",
    "__version__",
    "read_trace",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute may be anything
    """Load a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: Any = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
