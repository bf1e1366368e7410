"""What is in a trace, counted: per channel, per identifier, and what was odd about the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.trace.model import Problem, Trace

_ID_BITS: Final = 29


@dataclass(frozen=True, slots=True)
class IdSummary:
    """One identifier on one channel, error frames aside.

    Attributes:
        channel: Channel, from 0.
        id: Identifier without flag bits.
        is_extended: Whether it has 29 bits.
        name: Message name where one was given.
        count: Frames.
        rate_Hz: One over the median time between two frames; None for a single frame, or where more
            than half of the stamps are equal to the one before.
        longest_gap_ms: Longest time between two frames; None for a single frame.
        lengths: Lengths of data that occur, ascending.
    """

    channel: int
    id: int
    is_extended: bool
    name: str | None
    count: int
    rate_Hz: float | None  # noqa: N815 - a unit keeps its spelling
    longest_gap_ms: float | None
    lengths: tuple[int, ...]

    @property
    def id_text(self) -> str:
        """The identifier in hexadecimal, 3 or 8 digits."""
        return f"{self.id:08X}" if self.is_extended else f"{self.id:03X}"


@dataclass(frozen=True, slots=True)
class ChannelSummary:
    """One channel.

    Attributes:
        number: From 0.
        name: The file's own name.
        frames: Frames of all kinds.
    """

    number: int
    name: str
    frames: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What `d7xr info` tells.

    Attributes:
        source: The file.
        format: Name of its format.
        records: Records met in the file.
        frames: Frames of all kinds that were delivered.
        kinds: Frames by kind: ``data``, ``fd``, ``remote``, ``error``.
        duration_us: From the first frame to the latest stamp.
        start_utc_us: First frame in UTC, Unix microseconds; None if unknown.
        start_text: The start as the file writes it.
        longest_gap_ms: Longest silence of the whole trace; 0 for a single frame.
        channels: Per channel, ascending.
        ids: Per identifier, ascending by channel and identifier.
        problems: What the reader saw.
    """

    source: Path
    format: str
    records: int
    frames: int
    kinds: dict[str, int]
    duration_us: int
    start_utc_us: int | None
    start_text: str | None
    longest_gap_ms: float
    channels: tuple[ChannelSummary, ...]
    ids: tuple[IdSummary, ...]
    problems: tuple[Problem, ...]


def summarize(trace: Trace, names: Mapping[int, str] | None = None) -> Summary:
    """Count what is in a trace.

    Gaps and rates use the time at which frames would be delivered: a backward stamp counts as the
    largest so far.

    Args:
        trace: As read.
        names: Message names by 11-bit identifier. They are used only where every 11-bit identifier
            of the trace has one: a foreign bus shares some by accident.

    Example:
        >>> summarize(read_trace(Path("drive.log"))).ids[0].id_text
        '041'
    """
    time_us = np.maximum.accumulate(trace.time_us)
    steps_us = np.diff(time_us)
    return Summary(
        source=trace.source,
        format=trace.format,
        records=trace.records,
        frames=len(trace),
        kinds=_kinds(trace),
        duration_us=trace.duration_us,
        start_utc_us=trace.start_utc_us,
        start_text=trace.start_text,
        longest_gap_ms=float(steps_us.max(initial=0)) / 1000,
        channels=tuple(
            ChannelSummary(
                number, trace.channel_names[number], int((trace.channel == number).sum())
            )
            for number in trace.channels
        ),
        ids=_ids(trace, time_us, names or {}),
        problems=trace.problems,
    )


def _kinds(trace: Trace) -> dict[str, int]:
    is_error = (trace.flags & FRAME_ERROR) != 0
    is_remote = ~is_error & ((trace.flags & FRAME_REMOTE) != 0)
    is_fd = ~is_error & ~is_remote & ((trace.flags & FRAME_FD) != 0)
    rest = len(trace) - int(is_error.sum()) - int(is_remote.sum()) - int(is_fd.sum())
    return {
        "data": rest,
        "fd": int(is_fd.sum()),
        "remote": int(is_remote.sum()),
        "error": int(is_error.sum()),
    }


def _ids(
    trace: Trace, time_us: NDArray[np.int64], names: Mapping[int, str]
) -> tuple[IdSummary, ...]:
    """Group frames by channel, width and identifier; one sort, then slices."""
    rows = np.flatnonzero((trace.flags & FRAME_ERROR) == 0)
    is_extended = (trace.flags[rows] & FRAME_EXTENDED) != 0
    key = (
        (trace.channel[rows].astype(np.int64) << (_ID_BITS + 1))
        | (is_extended.astype(np.int64) << _ID_BITS)
        | trace.id[rows].astype(np.int64)
    )
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    standard = keys[(keys >> _ID_BITS) & 1 == 0] & 0x7FF
    is_ours = standard.size > 0 and all(int(number) in names for number in standard)
    ids = []
    for value, mine in zip(keys.tolist(), np.split(rows[order], first[1:]), strict=True):
        steps_us = np.diff(time_us[mine])
        median_us = float(np.median(steps_us)) if steps_us.size else 0.0
        is_wide = bool(value >> _ID_BITS & 1)
        number = value & ((1 << _ID_BITS) - 1)
        ids.append(
            IdSummary(
                channel=value >> (_ID_BITS + 1),
                id=number,
                is_extended=is_wide,
                name=names.get(number) if is_ours and not is_wide else None,
                count=int(mine.size),
                rate_Hz=1e6 / median_us if median_us > 0 else None,
                longest_gap_ms=float(steps_us.max()) / 1000 if steps_us.size else None,
                lengths=tuple(int(size) for size in np.unique(trace.length[mine])),
            )
        )
    return tuple(ids)
