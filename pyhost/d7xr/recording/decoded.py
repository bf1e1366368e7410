"""Bus messages as groups of a recording: values, units, words and comments of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from d7xr.recording import Column, Group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from d7xr.database import Column as Decoded
    from d7xr.database import Database, Message, Signal
    from d7xr.frames import Frames


class ColumnFacts(NamedTuple):
    """What only all samples of a signal tell of its column.

    Attributes:
        is_words: Whether it is an enumeration of which every sample is one.
        is_valid: Whether every sample has a value.
        codes: Values that have to be spelt, with a word or without.
    """

    is_words: bool
    is_valid: bool
    codes: frozenset[int] = frozenset()


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
        decoded = database.decode_columns(frames, name)
        groups = _groups(database.message(name), decoded, origin, {})
        yield from (group for group in groups if group.time_us.size)


def source_groups(
    database: Database,
    decoded: Mapping[str, Decoded],
    first_us: int,
    facts: Mapping[str, ColumnFacts] | None = None,
    *,
    with_empty: bool = False,
) -> Iterator[Group]:
    """Yield the groups of a foreign car's signals, exactly as they were decoded.

    Args:
        database: What describes them.
        decoded: By ``<Message>.<Signal>``, in the time of the trace.
        first_us: Time of tick 0 in the trace.
        facts: By the same names, where there are more samples than these.
        with_empty: Whether a group without a sample is one.
    """
    by_message: dict[str, dict[str, Decoded]] = {}
    for full, column in decoded.items():
        message_name, _, signal_name = full.rpartition(".")
        shifted = column._replace(time_us=column.time_us - first_us)
        by_message.setdefault(message_name, {})[signal_name] = shifted
    for message_name, columns in by_message.items():
        message = database.message(message_name)
        groups = _groups(message, columns, "source", facts or {})
        yield from (group for group in groups if with_empty or group.time_us.size)


def _groups(
    message: Message,
    decoded: Mapping[str, Decoded],
    origin: str,
    facts: Mapping[str, ColumnFacts],
) -> Iterator[Group]:
    """Yield one group of the signals that every frame holds, and one per multiplexed signal."""
    comment = message.comment or ""
    full = {name: f"{message.name}.{name}" for name in decoded}
    columns = {
        name: _column(message.signal(name), column, facts.get(full[name]))
        for name, column in decoded.items()
    }
    with_all = [name for name in decoded if message.signal(name).multiplexer is None]
    if with_all:
        shared = {full[name]: columns[name] for name in with_all}
        yield Group(message.name, decoded[with_all[0]].time_us, shared, comment, origin)
    for name in decoded:
        if name not in with_all:
            alone = {full[name]: columns[name]}
            yield Group(full[name], decoded[name].time_us, alone, comment, origin)


def _column(signal: Signal, decoded: Decoded, facts: ColumnFacts | None) -> Column:
    """Return a signal's column; an enumeration stays whole numbers and keeps its words."""
    if facts is None:
        is_words = is_enumeration(signal) and bool(np.isfinite(decoded.values).all())
        facts = ColumnFacts(is_words, bool(decoded.valid.all()))
    words = {code: str(code) for code in facts.codes} | dict(signal.choices)
    return Column(
        values=codes(signal, decoded.values) if facts.is_words else decoded.values,
        unit=signal.unit,
        choices=words if facts.is_words else {},
        comment=signal.comment or "",
        is_valid=None if facts.is_words or facts.is_valid else decoded.valid,
    )


def is_enumeration(signal: Signal) -> bool:
    """Say whether a signal is a choice of words rather than a number with a code for "none".

    A number names its highest codes at most; a choice of words begins with one.
    """
    is_whole = signal.scale == 1 and signal.offset == 0 and not signal.is_float
    return is_whole and not signal.choices.keys().isdisjoint((0, 1))


def codes(signal: Signal, values: NDArray[np.float64]) -> NDArray[Any]:
    """Return values of an enumeration as whole numbers, in the smallest type that holds them."""
    low, high = signal.raw_range
    return values.astype(np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high)))
