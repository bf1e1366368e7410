"""Bus messages as groups of a recording: values, units, words and comments of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from d7xr.recording import Column, Group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from d7xr.database import Column as Decoded
    from d7xr.database import Database, Message, Signal
    from d7xr.frames import Frames


def message_groups(
    database: Database, frames: Frames, names: Sequence[str], origin: str
) -> Iterator[Group]:
    """Yield the groups of messages; a message without a frame has none.

    Args:
        database: What describes them.
        frames: Frames of any messages, time from tick 0.
        names: The messages wanted.
        origin: As in ``Group``.
    """
    for name in names:
        yield from _groups(database.message(name), database.decode_columns(frames, name), origin)


def source_groups(
    database: Database, decoded: Mapping[str, Decoded], first_us: int
) -> Iterator[Group]:
    """Yield the groups of a foreign car's signals, exactly as they were decoded.

    Args:
        database: What describes them.
        decoded: By ``<Message>.<Signal>``, in the time of the trace.
        first_us: Time of tick 0 in the trace.
    """
    by_message: dict[str, dict[str, Decoded]] = {}
    for full, column in decoded.items():
        message_name, _, signal_name = full.rpartition(".")
        shifted = column._replace(time_us=column.time_us - first_us)
        by_message.setdefault(message_name, {})[signal_name] = shifted
    for message_name, columns in by_message.items():
        yield from _groups(database.message(message_name), columns, "source")


def _groups(message: Message, decoded: Mapping[str, Decoded], origin: str) -> Iterator[Group]:
    """Yield one group of the signals that every frame holds, and one per multiplexed signal."""
    comment = message.comment or ""
    with_all = {n: c for n, c in decoded.items() if message.signal(n).multiplexer is None}
    if with_all:
        time_us = next(iter(with_all.values())).time_us
        columns = {
            f"{message.name}.{name}": _column(message.signal(name), column)
            for name, column in with_all.items()
        }
        if time_us.size:
            yield Group(message.name, time_us, columns, comment, origin)
    for name, column in decoded.items():
        if name not in with_all and column.time_us.size:
            full = f"{message.name}.{name}"
            yield Group(
                full, column.time_us, {full: _column(message.signal(name), column)}, comment, origin
            )


def _column(signal: Signal, decoded: Decoded) -> Column:
    """Return a signal's column; an enumeration stays whole numbers and keeps its words."""
    is_enumeration = _is_enumeration(signal) and bool(np.isfinite(decoded.values).all())
    return Column(
        values=decoded.values.astype(_smallest(signal)) if is_enumeration else decoded.values,
        unit=signal.unit,
        choices=signal.choices if is_enumeration else {},
        comment=signal.comment or "",
        is_valid=None if is_enumeration or bool(decoded.valid.all()) else decoded.valid,
    )


def _is_enumeration(signal: Signal) -> bool:
    """Say whether a signal is a choice of words rather than a number with a code for "none".

    A number names its highest codes at most; a choice of words begins with one.
    """
    is_whole = signal.scale == 1 and signal.offset == 0 and not signal.is_float
    return is_whole and not signal.choices.keys().isdisjoint((0, 1))


def _smallest(signal: Signal) -> np.dtype[Any]:
    low, high = signal.raw_range
    return np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high))
