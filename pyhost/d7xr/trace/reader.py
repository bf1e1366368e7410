"""`read_trace`: a whole trace in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from d7xr.errors import TraceError
from d7xr.trace.model import Columns, Trace
from d7xr.trace.stream import stream_trace

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_trace(path: Path, *, channel: int | None = None) -> Trace:
    """Read a recorded CAN trace, whatever its format.

    Args:
        path: The file; gzipped or not. Its content decides the format.
        channel: Keep only this channel, from 0.

    Returns:
        The trace, with everything that was odd about the file in `Trace.problems`.

    Raises:
        TraceError: If the file cannot be read, fits no format, is damaged, or holds no CAN frame.
        UsageError: If it lacks the chosen channel.

    Example:
        >>> trace = read_trace(Path("drive.blf"))
        >>> len(trace), trace.format, trace.problems
        (87212, 'blf', ())
    """
    stream = stream_trace(path)
    try:
        columns = _joined(list(stream), stream.first_channel)
    except MemoryError as error:
        raise TraceError(f"{path}: does not fit into memory", hint="split the trace") from error
    trace = Trace(
        source=Path(path),
        format=stream.format,
        time_us=columns.time_us,
        channel=columns.channel,
        id=columns.id,
        flags=columns.flags,
        length=columns.length,
        data=columns.data,
        channel_names=stream.channel_names,
        start_utc_us=stream.start_utc_us,
        start_text=stream.start_text,
        problems=stream.problems,
    )
    return trace if channel is None else trace.only(channel)


def _joined(blocks: list[Columns], first_channel: int) -> Columns:
    """Return blocks as one, read-only, channels counted from 0."""
    width = max(block.data.shape[1] for block in blocks)
    columns = Columns(
        time_us=np.concatenate([block.time_us for block in blocks]),
        channel=np.concatenate([block.channel for block in blocks]) - np.uint8(first_channel),
        id=np.concatenate([block.id for block in blocks]),
        flags=np.concatenate([block.flags for block in blocks]),
        length=np.concatenate([block.length for block in blocks]),
        data=np.concatenate([_widened(block.data, width) for block in blocks]),
    )
    for name in columns.__slots__:
        getattr(columns, name).flags.writeable = False
    return columns


def _widened(data: NDArray[Any], width: int) -> NDArray[Any]:
    return np.pad(data, ((0, 0), (0, width - data.shape[1])))
