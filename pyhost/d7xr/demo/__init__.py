"""The shipped demo: a drive of a minute and a half, and the truth about it.

A car is started warm, drives over whoops and a washboard, jumps three times with the throttle open
and climbs a dune in the heat until the coolant forces the torque down. The trace is made by
`d7xr.demo.generate` from a simple vehicle model; no part of it is a recording.
"""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from d7xr.demo.truth import Truth

__all__ = ["demo_trace_path", "demo_truth"]

TRACE_NAME = "demo.log.gz"
TRUTH_NAME = "demo_truth.json"


def demo_trace_path() -> Path:
    """Return the shipped trace, candump text in gzip.

    Example:
        >>> demo_trace_path().name
        'demo.log.gz'
    """
    return _data(TRACE_NAME)


def demo_truth() -> "Truth":
    """Return what the generator knows about the shipped trace.

    Example:
        >>> [flight.name for flight in demo_truth().flights]
        ['ramp', 'table-top', 'edge']
    """
    from d7xr.demo.truth import read_truth

    return read_truth(_data(TRUTH_NAME))


def _data(name: str) -> Path:
    return Path(str(files("d7xr.demo"))) / "data" / name
