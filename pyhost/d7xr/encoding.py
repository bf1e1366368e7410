"""Physical values to payloads of any message, column-wise and strict: what cantools makes of them.

Unlike what our own bus sends (`d7xr.database.Database.encode_columns`), nothing is limited here and
nothing is assumed: a value that is absent, out of range or too wide is refused.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from d7xr import payload
from d7xr.dbc import Message, Signal, selectors_first
from d7xr.errors import ConfigError

_EXACT: Final = 2.0**53
_SLACK: Final = 1e-6  # of a step: the ends of a range are written in decimals


def encode_payloads(message: Message, values: Mapping[str, ArrayLike]) -> NDArray[np.uint8]:
    """Make payloads of a message.

    A multiplexed signal is needed, and used, in the rows whose multiplexer selects it. Raw values
    are rounded to the nearest, halves to the even one.

    Args:
        message: Of any database; in either byte order, with floats and multiplexers, up to 64
            bytes.
        values: Physical values by signal name, each of shape ``(n,)`` or one for all; words of the
            signal's value table may stand for numbers.

    Returns:
        Payloads, shape ``(n, message.length)``; bits that no signal has are 0.

    Raises:
        ConfigError: A name that the message does not have, a value that is missing, out of range,
            no number or no word of the table; the message says which row.
    """
    given = {name: np.atleast_1d(np.asarray(column)) for name, column in values.items()}
    for name in given:
        message.signal(name)
    count = np.broadcast_shapes(*(column.shape for column in given.values()), (1,))[0]
    data = np.zeros((count, max(message.length, 8)), dtype=np.uint8)
    overlaps = _Overlaps(data)
    raws: dict[str, NDArray[Any]] = {}
    present: dict[str, NDArray[np.bool_]] = {}
    for signal in selectors_first(message.signals):
        where = _Where(message, signal)
        rows = np.ones(count, dtype=np.bool_)
        if signal.multiplexer is not None:
            if signal.multiplexer not in raws:  # it is never selected itself
                continue
            selector = raws[signal.multiplexer]
            rows = present[signal.multiplexer] & np.isin(selector, signal.multiplexer_ids)
        present[signal.name] = rows
        if not rows.any():
            continue
        if signal.name not in given:
            raise where.error(int(rows.argmax()), "is missing")
        column = np.broadcast_to(given[signal.name], (count,))
        raw = np.zeros(count, dtype=_type_of(signal))
        raw[rows] = _raw_of(where, column[rows], np.flatnonzero(rows))
        raws[signal.name] = raw
        bits = _float_bits(where, raw, rows) if signal.is_float else raw
        overlaps.refuse_contradiction(where, bits, rows)
        payload.place(data, bits, signal.start, signal.length, is_big_endian=signal.is_big_endian)
    _refuse_unselective(message, raws, present)
    return data[:, : message.length]


def _type_of(signal: Signal) -> "np.dtype[Any]":
    if signal.is_float:
        return np.dtype(np.float64)
    return np.dtype(np.int64 if signal.raw_range[1] < 1 << 63 else np.uint64)


class _Where:
    """A signal, and how it is called in an error."""

    def __init__(self, message: Message, signal: Signal) -> None:
        self.signal = signal
        self._name = f"{message.name}.{signal.name}"
        if signal.bits_needed > 8 * message.length or signal.length > payload.PAYLOAD_BITS:
            raise ConfigError(
                f"{self._name} cannot be encoded: it does not lie within its message, or is wider "
                f"than {payload.PAYLOAD_BITS} bits",
                hint="correct the database",
            )

    def error(self, row: int, told: str) -> ConfigError:
        s = self.signal
        spans = s.minimum is not None and s.maximum is not None
        told_range = f"{s.minimum:g} to {s.maximum:g} {s.unit}".rstrip() if spans else ""
        hint = f"its range is {told_range}" if told_range else "give a value that its bits can hold"
        return ConfigError(f"{self._name}, row {row}: {told}", hint=hint)


class _Overlaps:
    """Bits that signals share: a frame can hold two of them only where they say the same.

    Args:
        data: The payloads, to be filled signal by signal.
    """

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self._taken = np.zeros_like(data)

    def refuse_contradiction(
        self, where: _Where, bits: NDArray[Any], rows: NDArray[np.bool_]
    ) -> None:
        """Note which bits a signal takes, before it is placed.

        Raises:
            ConfigError: One before it has written something else there.
        """
        signal = where.signal
        mine, wanted = np.zeros_like(self._data), np.zeros_like(self._data)
        every = np.where(rows, np.uint64((1 << signal.length) - 1), np.uint64(0))
        for target, content in ((mine, every), (wanted, bits)):
            start, length = signal.start, signal.length
            payload.place(target, content, start, length, is_big_endian=signal.is_big_endian)
        is_bad = ((wanted ^ self._data) & mine & self._taken).any(axis=1)
        if is_bad.any():
            told = "lies over another signal of the frame, which says something else"
            raise where.error(int(is_bad.argmax()), told)
        self._taken |= mine


def _raw_of(where: _Where, column: NDArray[Any], row: NDArray[np.intp]) -> NDArray[Any]:
    """Return raw values of physical ones or of words."""
    if column.dtype.kind in "USO":
        return _raw_of_words(where, column, row)
    signal = where.signal
    if not signal.is_float:
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise where.error(int(row[bad[0]]), f"{column[bad[0]]} is no number")
    raw = _scaled(signal, column)
    _refuse_out_of_range(where, column, raw, row)
    if signal.is_float:
        return raw
    low, high = signal.raw_range
    wide = np.array([not low <= value <= high for value in raw.tolist()], dtype=np.bool_)
    if wide.any():
        first = int(wide.argmax())
        told = f"{column[first]} needs more than {signal.length} bits"
        raise where.error(int(row[first]), told)
    return raw


def _raw_of_words(where: _Where, column: NDArray[Any], row: NDArray[np.intp]) -> NDArray[np.int64]:
    raw_of = {word: number for number, word in where.signal.choices.items()}
    words, index = np.unique(column.astype(str), return_inverse=True)
    for number, word in enumerate(words.tolist()):
        if word not in raw_of:
            told = f"{word!r} is no word of its value table"
            raise where.error(int(row[index == number][0]), told)
    return np.array([raw_of[word] for word in words.tolist()], dtype=np.int64)[index]


def _scaled(signal: Signal, column: NDArray[Any]) -> NDArray[Any]:
    """Undo scale and offset, to the last bit of what cantools does."""
    scale, offset = signal.scale, signal.offset
    is_whole = float(scale).is_integer() and float(offset).is_integer() and not signal.is_float
    is_plain = scale == 1 and offset == 0
    if is_whole and column.dtype.kind in "iub":
        # Python's own integers: wide values would lose bits as float64.
        steps = [int(value) - int(offset) for value in column.tolist()]
        whole = [divmod(step, int(scale)) for step in steps]
        exact = [
            quotient if rest == 0 else round(step / int(scale))
            for step, (quotient, rest) in zip(steps, whole, strict=True)
        ]
        return _integers(exact)
    value = column.astype(np.float64)
    if is_plain:
        step = value
    elif is_whole:
        rest = value - int(offset)
        quotient, remainder = np.divmod(rest, float(scale))
        step = np.where(remainder == 0, quotient, rest / float(scale))
    else:
        step = (value - offset) / scale
    if signal.is_float:
        return step
    rounded = np.rint(step)
    if np.all(np.abs(rounded) < _EXACT):
        return rounded.astype(np.int64)
    return _integers([int(number) for number in rounded.tolist()])


def _integers(numbers: list[int]) -> NDArray[Any]:
    """Return integers of any size; the width of the signal is looked at later."""
    array = np.array(numbers, dtype=object)
    is_small = all(-(1 << 63) <= number < 1 << 63 for number in numbers)
    return array.astype(np.int64) if is_small else array


def _refuse_out_of_range(
    where: _Where, column: NDArray[Any], raw: NDArray[Any], row: NDArray[np.intp]
) -> None:
    """Refuse what lies outside the stated range, unless the value table has a word for it."""
    signal = where.signal
    slack = abs(signal.scale) * _SLACK
    low = -math.inf if signal.minimum is None else signal.minimum - slack
    high = math.inf if signal.maximum is None else signal.maximum + slack
    is_out = (column < low) | (column > high)
    if signal.choices and is_out.any():
        is_out &= np.array([value not in signal.choices for value in raw.tolist()], dtype=np.bool_)
    if is_out.any():
        first = int(is_out.argmax())
        raise where.error(int(row[first]), f"{column[first]} is out of range")


def _float_bits(
    where: _Where, raw: NDArray[np.float64], rows: NDArray[np.bool_]
) -> NDArray[np.uint64]:
    integer, real = payload.FLOAT_TYPES[where.signal.length]
    with np.errstate(over="ignore"):
        narrow = raw.astype(real)
    is_lost = rows & np.isinf(narrow) & np.isfinite(raw)
    if is_lost.any():
        first = int(is_lost.argmax())
        raise where.error(first, f"{raw[first]:g} is too large for {where.signal.length} bits")
    return narrow.view(integer).astype(np.uint64)


def _refuse_unselective(
    message: Message, raws: Mapping[str, NDArray[Any]], present: Mapping[str, NDArray[np.bool_]]
) -> None:
    """Refuse a multiplexer that selects nothing: nobody could read such a frame."""
    for signal in message.signals:
        selected = [s.multiplexer_ids for s in message.signals if s.multiplexer == signal.name]
        if not selected or signal.name not in raws:
            continue
        ids = sorted({number for ids in selected for number in ids})
        is_bad = present[signal.name] & ~np.isin(raws[signal.name], ids)
        if is_bad.any():
            first = int(is_bad.argmax())
            spelt = ", ".join(map(str, ids[:20])) + (", ..." if len(ids) > 20 else "")
            raise ConfigError(
                f"{message.name}.{signal.name}, row {first}: {raws[signal.name][first]} selects "
                "no signals",
                hint=f"choose from {spelt}",
            )
