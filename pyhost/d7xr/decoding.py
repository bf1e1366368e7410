"""A trace decoded by a database: every signal as a column with its unit and words, nothing lost.

What the database does not know is counted, and so is every value that is not there: a frame too
short for a signal, a float that is no number.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.errors import InconclusiveError, UsageError
from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_REMOTE
from d7xr.names import nearest
from d7xr.recording import Recording
from d7xr.recording.decoded import source_groups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from d7xr.database import Column, Database, Message
    from d7xr.trace import Trace

_WITHOUT_DATA: Final = FRAME_REMOTE | FRAME_ERROR


@dataclass(frozen=True, slots=True)
class SignalSummary:
    """One signal of a trace.

    Attributes:
        name: ``<Message>.<Signal>``.
        unit: As the database spells it.
        samples: Frames in which it should be.
        valid: Those in which it has a value.
        least: The least value, None without one.
        greatest: The greatest value, None without one.
        last: The last value, in words where the database has a word for it; None without one.
    """

    name: str
    unit: str
    samples: int
    valid: int
    least: float | None
    greatest: float | None
    last: str | float | None


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """One message of a trace: its name, identifier, frames and signals."""

    name: str
    id_text: str
    frames: int
    signals: tuple[SignalSummary, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A trace as a database reads it.

    Attributes:
        recording: The signals; time from the first frame of the channel.
        messages: What occurs, in the order of the database.
        frames: Frames of the trace.
        decoded: Frames that are one of these messages.
        left_out: Why the others were not decoded -> how many.
        unknown: Identifiers that the database does not have -> how many frames.
        notes: What had to be let pass to read the database.
    """

    recording: Recording
    messages: tuple[MessageSummary, ...]
    frames: int
    decoded: int
    left_out: Mapping[str, int]
    unknown: Mapping[str, int]
    notes: tuple[str, ...]


def decode(
    trace: Trace, database: Database, *, channel: int | None = None, patterns: Sequence[str] = ()
) -> Decoded:
    """Decode a trace, classic and FD frames alike.

    A stamp that steps backward counts as the largest so far, as in a replay.

    Args:
        trace: The recording.
        database: What its frames mean.
        channel: Which of its channels; may be None when the trace has one.
        patterns: Messages wanted, by name with ``*`` and ``?``; all if empty.

    Raises:
        UsageError: Several channels and none chosen; a pattern that fits no message.
        InconclusiveError: No frame is one of the messages wanted.
    """
    wanted = _wanted(database, patterns)
    others = {p.kind: p.count for p in trace.left_out(channel) if p.kind == "other_channel"}
    only = trace if channel is None else trace.only(channel)
    rows = _Rows(np.maximum.accumulate(only.time_us), only.id, only.flags, only.length, only.data)
    is_data = (rows.flags & _WITHOUT_DATA) == 0
    is_known = np.zeros(len(only), dtype=np.bool_)
    columns: dict[str, Column] = {}
    messages: list[MessageSummary] = []
    decoded = 0
    for message, at in database.rows_of_messages(rows):
        is_known[at] = True
        if message.name not in wanted:
            continue
        decoded += len(at)
        mine = database.decode_columns(rows, message, at)
        columns |= {f"{message.name}.{name}": column for name, column in mine.items()}
        messages.append(_summary(message, len(at), mine))
    unknown = _unknown(rows, is_data & ~is_known)
    left_out = {
        **others,
        "error_frame": int(np.count_nonzero(rows.flags & FRAME_ERROR)),
        "remote_frame": int(np.count_nonzero((rows.flags & _WITHOUT_DATA) == FRAME_REMOTE)),
        "unknown_id": sum(unknown.values()),
        "not_wanted": int(np.count_nonzero(is_known)) - decoded,
    }
    if not decoded:
        raise _nothing(trace, database, patterns, unknown)
    first_us = int(rows.time_us[0])
    start_us = trace.start_utc_us
    return Decoded(
        recording=Recording(
            groups=tuple(source_groups(database, columns, first_us)),
            start_utc_us=None if start_us is None else start_us + first_us - int(trace.time_us[0]),
        ),
        messages=tuple(messages),
        frames=len(trace),
        decoded=decoded,
        left_out={reason: count for reason, count in left_out.items() if count},
        unknown=unknown,
        notes=database.relaxed,
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    time_us: NDArray[np.int64]
    id: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    length: NDArray[np.uint8]
    data: NDArray[np.uint8]


def _wanted(database: Database, patterns: Sequence[str]) -> frozenset[str]:
    names = [message.name for message in database.messages]
    wanted = set(names if not patterns else ())
    for pattern in patterns:
        found = fnmatch.filter(names, pattern)
        if not found:
            raise UsageError(
                f"{database.path.name} has no message {pattern!r}", hint=nearest(pattern, names)
            )
        wanted.update(found)
    return frozenset(wanted)


def _summary(message: Message, frames: int, columns: Mapping[str, Column]) -> MessageSummary:
    digits = 8 if message.is_extended else 3
    return MessageSummary(
        name=message.name,
        id_text=f"{message.frame_id:0{digits}X}",
        frames=frames,
        signals=tuple(_signal_summary(message, name, c) for name, c in columns.items()),
    )


def _signal_summary(message: Message, name: str, column: Column) -> SignalSummary:
    signal = message.signal(name)
    values = column.values[column.valid]
    last: str | float | None = None
    if values.size:
        last = float(values[-1])
        raw = (last - signal.offset) / signal.scale
        last = signal.choices.get(round(raw), last) if signal.choices else last
    return SignalSummary(
        name=f"{message.name}.{name}",
        unit=signal.unit,
        samples=column.values.size,
        valid=values.size,
        least=float(values.min()) if values.size else None,
        greatest=float(values.max()) if values.size else None,
        last=last,
    )


def _unknown(rows: _Rows, is_unknown: NDArray[np.bool_]) -> dict[str, int]:
    """Count frames by identifier, the most frequent first."""
    extended = (rows.flags[is_unknown] & FRAME_EXTENDED).astype(np.int64) << 32
    keys, counts = np.unique(rows.id[is_unknown] | extended, return_counts=True)
    order: Any = np.argsort(-counts, kind="stable")
    texts = [f"{key & 0xFFFF_FFFF:0{8 if key >> 32 else 3}X}" for key in keys[order].tolist()]
    return dict(zip(texts, counts[order].tolist(), strict=True))


def _nothing(
    trace: Trace, database: Database, patterns: Sequence[str], unknown: Mapping[str, int]
) -> InconclusiveError:
    seen = ", ".join([*list(unknown)[:5], *(["..."] if len(unknown) > 5 else [])])
    what = f"message {' or '.join(patterns)}" if patterns else f"message of {database.path.name}"
    return InconclusiveError(
        f"{trace.source.name}: none of its {len(trace):,} frames is a {what}"
        + (f"; it has {seen}" if seen else ""),
        hint="check that database and trace are of the same car, and the channel",
    )
