"""A bus and its values as columns: decode any, encode our own.

cantools is the measure of every value; it works frame by frame, and a drive has a million frames,
so here they go by columns.
"""

import functools
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from d7xr import payload
from d7xr.dbc import Message, Signal, own_dbc_path, parse_dbc, selectors_first
from d7xr.encoding import encode_payloads
from d7xr.errors import ConfigError
from d7xr.frames import (
    FRAME_DTYPE,
    FRAME_ERROR,
    FRAME_EXTENDED,
    FRAME_REMOTE,
    Frames,
    Rows,
)
from d7xr.names import nearest

__all__ = ["Column", "Database", "Message", "RawColumn", "Signal", "own_dbc_path"]

EXACT_BITS: Final = 53
"""Integers below 2 to this power are exact in float64."""

_WITHOUT_DATA: Final = FRAME_REMOTE | FRAME_ERROR
_EXTENDED_BIT: Final = 1 << 31


class Column(NamedTuple):
    """One signal over time; all three have shape ``(n,)``.

    Attributes:
        time_us: Time of each frame that should hold the signal, int64 microseconds.
        values: Physical values, float64; NaN where the frame is too short for the signal.
        valid: Whether the value may be used; what an invalid one reads has no meaning.
    """

    time_us: NDArray[np.int64]
    values: NDArray[np.float64]
    valid: NDArray[np.bool_]


class RawColumn(NamedTuple):
    """Raw values of one signal; all four have shape ``(n,)``.

    Attributes:
        row: Number of each frame among all frames of the message.
        time_us: Time of each frame, int64 microseconds.
        raw: Raw values: int64, uint64 or, for a float signal, float64; 0 where it does not fit.
        fits: Whether the frame is long enough to hold the signal.
    """

    row: NDArray[np.intp]
    time_us: NDArray[np.int64]
    raw: NDArray[Any]
    fits: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Database:
    """What is on one bus.

    Attributes:
        path: File that was read.
        messages: Messages in the order of the file.
        relaxed: What had to be let pass to read the file, in words; empty for a sound file.
    """

    path: Path
    messages: tuple[Message, ...]
    relaxed: tuple[str, ...] = ()
    _by_name: Mapping[str, Message] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the messages by name."""
        object.__setattr__(self, "_by_name", {message.name: message for message in self.messages})

    @classmethod
    def own(cls) -> "Database":
        """Return our own bus, where raw values named NotAvailable are known to mean just that."""
        return _own()

    @classmethod
    def load(cls, path: Path | None = None) -> "Database":
        """Read a DBC: strictly, or if that fails, relaxed.

        Args:
            path: File, or None for our own bus.

        Raises:
            ConfigError: The file is absent or cannot be read either way.
        """
        if path is None:
            return cls.own()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot read the database {path}: {error.strerror}", hint="name a DBC file"
            ) from error
        return cls.parse(content, path)

    @classmethod
    def parse(cls, content: bytes, path: Path, *, is_own: bool = False) -> "Database":
        """Make a database of the bytes of a DBC.

        Args:
            content: The file; UTF-8, else Windows-1252, else ISO 8859-1.
            path: Where it came from, for messages.
            is_own: A raw value named NotAvailable means that there is no value.

        Raises:
            ConfigError: Not a DBC that cantools reads, even relaxed; or one without messages.
        """
        messages, relaxed = parse_dbc(content, path, is_own=is_own)
        return cls(path=path, messages=messages, relaxed=relaxed)

    def message(self, name: str) -> Message:
        """Return the message of that name.

        Raises:
            ConfigError: There is none; the message names the nearest.
        """
        if name not in self._by_name:
            raise ConfigError(
                f"{self.path.name} has no message {name!r}", hint=nearest(name, self._by_name)
            )
        return self._by_name[name]

    def raw_columns(
        self, frames: Rows, message: Message | str, rows: NDArray[np.intp] | None = None
    ) -> dict[str, RawColumn]:
        """Take the raw values of every signal of a message out of frames.

        A multiplexed signal has rows only for the frames whose multiplexer selects it.

        Args:
            frames: Any frames; those of other messages are passed over.
            message: A message of this database, or its name.
            rows: Which frames are this message, where that is known already.

        Raises:
            ConfigError: No such message.
        """
        message = self.message(message) if isinstance(message, str) else message
        if rows is None:
            rows = np.flatnonzero(_keys(frames) == _key(message))
        data = frames.data[rows]
        length = np.minimum(frames.length[rows], min(message.length, data.shape[1]))
        bits = 8 * length.astype(np.int64)
        time_us = frames.time_us[rows]
        every = np.arange(rows.size)

        columns: dict[str, RawColumn] = {}
        for signal in selectors_first(message.signals):
            row, at_us = every, time_us
            if signal.multiplexer is not None:
                row = _selected_rows(signal, columns.get(signal.multiplexer))
                at_us = time_us[row]
            fits = (bits[row] >= signal.bits_needed) & (signal.length <= payload.PAYLOAD_BITS)
            raw = np.where(fits, _raw(signal, data[row]), 0)
            columns[signal.name] = RawColumn(row, at_us, raw, fits)
        return {signal.name: columns[signal.name] for signal in message.signals}

    def decode_columns(
        self, frames: Rows, message: Message | str, rows: NDArray[np.intp] | None = None
    ) -> dict[str, Column]:
        """Decode every signal of a message; the values are those of cantools, without its names.

        A signal that a frame is too short to hold reads NaN and is not valid, and so does one of
        more than 64 bits. Not valid are also numbers that are not finite, and on our own bus the
        NotAvailable code. A multiplexed signal has rows only for the frames whose multiplexer
        selects it.

        Args:
            frames: Any frames, classic or FD; those of other messages are passed over.
            message: A message of this database, or its name.
            rows: Which frames are this message, where that is known already.

        Returns:
            One column per signal, by the signal's name.

        Raises:
            ConfigError: No such message.

        Example:
            >>> bus = Database.own()
            >>> sent = bus.encode_columns("VehicleMotion", [0, 50_000], {"ClimbRate_mps": [1, -2]})
            >>> bus.decode_columns(sent, "VehicleMotion")["ClimbRate_mps"].values
            array([ 1., -2.])
        """
        message = self.message(message) if isinstance(message, str) else message
        columns: dict[str, Column] = {}
        for name, column in self.raw_columns(frames, message, rows).items():
            signal = message.signal(name)
            values = np.where(column.fits, physical(signal, column.raw), np.nan)
            valid = column.fits & np.isfinite(values)
            if signal.not_available_raw is not None:
                valid &= column.raw != signal.not_available_raw
            columns[name] = Column(column.time_us, values, valid)
        return columns

    def rows_of_messages(self, frames: Rows) -> Iterator[tuple[Message, NDArray[np.intp]]]:
        """Yield each message that occurs, in the order of the file, and the frames that are it."""
        keys = _keys(frames)
        order = np.argsort(keys, kind="stable")
        sorted_keys = keys[order]
        for message in self.messages:
            first, last = np.searchsorted(sorted_keys, (_key(message), _key(message) + 1)).tolist()
            if first < last:
                yield message, order[first:last]

    def encode_columns(
        self,
        message_name: str,
        time_us: ArrayLike,
        values: Mapping[str, ArrayLike],
        *,
        counter_start: int = 0,
    ) -> Frames:
        """Make frames of one of our own messages out of columns of physical values.

        A value is limited to the signal's physical range and rounded to the nearest raw step, half
        a step away from zero; so what is decoded differs from the limited value by half a step at
        most. A value that is absent or not finite becomes NotAvailable, or the start value for a
        signal that has no such code. Counter and checksum are filled in.

        Args:
            message_name: A message in Intel order of at most eight bytes.
            time_us: Times, shape ``(n,)``.
            values: Physical values by signal name, each of shape ``(n,)`` or one number for all.
            counter_start: Alive counter of the first frame.

        Raises:
            ConfigError: No such message or signal, or a layout that is not ours.

        Example:
            >>> Database.own().encode_columns("Sync", [0], {"SyncTick": 7}).frame["data"][0]
            array([7, 0, 0, 0, 0, 0, 0, 0], dtype=uint8)
        """
        message = self._encodable(message_name, values)
        time = np.atleast_1d(np.asarray(time_us, dtype=np.int64))
        frame = np.zeros(time.size, dtype=FRAME_DTYPE)
        for signal in message.values:
            raw, _ = _raw_of_physical(signal, values.get(signal.name, math.nan))
            raw = np.broadcast_to(raw, time.shape)
            payload.place(frame["data"], raw, signal.start, signal.length, is_big_endian=False)
        if message.is_protected:
            counter = (counter_start + np.arange(time.size)) & 0xF
            signal = message.signal(message.counter_name)
            payload.place(frame["data"], counter, signal.start, signal.length, is_big_endian=False)

        frame["id"] = message.frame_id
        frame["length"] = message.length
        frame["flags"] = FRAME_EXTENDED if message.is_extended else 0
        if message.is_protected:
            protect(frame)
        return Frames(time_us=time, frame=frame)

    def payloads(self, message_name: str, values: Mapping[str, ArrayLike]) -> NDArray[np.uint8]:
        """Make payloads of any message, strictly; see `d7xr.encoding.encode_payloads`.

        Raises:
            ConfigError: No such message or signal, or a value that cannot be sent.

        Example:
            >>> Database.own().payloads("Sync", {"SyncTick": [7, 8]})[:, 0]
            array([7, 8], dtype=uint8)
        """
        return encode_payloads(self.message(message_name), values)

    def saturated_counts(
        self, message_name: str, values: Mapping[str, ArrayLike]
    ) -> dict[str, int]:
        """Count the values that `encode_columns` would limit, by signal; zeros are left out."""
        message = self._encodable(message_name, values)
        counts = {
            name: int(np.count_nonzero(_raw_of_physical(message.signal(name), column)[1]))
            for name, column in values.items()
        }
        return {name: count for name, count in counts.items() if count}

    def _encodable(self, message_name: str, values: Collection[str]) -> Message:
        """Return the message after a check that it and these of its signals can be encoded."""
        message = self.message(message_name)
        for name in values:
            if message.signal(name) not in message.values:
                raise ConfigError(f"{message.name}.{name} is filled in by the encoder")
        for signal in message.signals:
            odd = signal.is_big_endian or signal.is_float or signal.multiplexer is not None
            if odd or message.length > 8 or signal.length >= payload.PAYLOAD_BITS:
                raise ConfigError(
                    f"{message.name}.{signal.name} cannot be encoded: not plain Intel integers",
                    hint="only messages of our own bus are encoded",
                )
        return message


@functools.cache
def _own() -> Database:
    path = own_dbc_path()
    return Database.parse(path.read_bytes(), path, is_own=True)


def physical(signal: Signal, raw: NDArray[Any]) -> NDArray[np.float64]:
    """Scale raw values as cantools does, to the last bit."""
    reach = (1 << signal.length) * max(1.0, abs(signal.scale)) + abs(signal.offset)
    if not signal.is_float and reach > 2.0**EXACT_BITS:
        scale, offset = (
            signal.scale,
            signal.offset,
        )  # wide integers: Python's own, as cantools has it
        if float(scale).is_integer() and float(offset).is_integer():
            scale, offset = int(scale), int(offset)
        return np.array([float(value * scale + offset) for value in raw.tolist()], dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(raw.astype(np.float64) * signal.scale + signal.offset)


def protect(frame: NDArray[np.void]) -> None:
    """Write the checksum of protected frames of our bus into their last byte.

    CRC-8 SAE J1850 over bytes 0 to 6, then the identifier, low byte first.
    """
    identifier = np.stack([frame["id"] & 0xFF, frame["id"] >> 8], axis=1).astype(np.uint8)
    data = frame["data"]
    data[:, 7] = payload.crc8_j1850(np.concatenate([data[:, :7], identifier], axis=1))


def _keys(frames: Rows) -> NDArray[np.int64]:
    """Return what tells frames of one message from all others; -1 for those without data."""
    is_extended = (frames.flags & FRAME_EXTENDED) != 0
    key = frames.id.astype(np.int64) | np.where(is_extended, _EXTENDED_BIT, 0)
    key[(frames.flags & _WITHOUT_DATA) != 0] = -1
    return key


def _key(message: Message) -> int:
    return message.frame_id | (_EXTENDED_BIT if message.is_extended else 0)


def _selected_rows(signal: Signal, selector: RawColumn | None) -> NDArray[np.intp]:
    """Return the frames in which the multiplexer selects a signal; none without a multiplexer."""
    if selector is None:
        return np.zeros(0, dtype=np.intp)
    return selector.row[selector.fits & np.isin(selector.raw, signal.multiplexer_ids)]


def _raw(signal: Signal, data: NDArray[np.uint8]) -> NDArray[Any]:
    """Take a signal out of payloads; zeros if it lies beyond them or is too wide."""
    if signal.bits_needed > 8 * data.shape[1] or signal.length > payload.PAYLOAD_BITS:
        return np.zeros(data.shape[0], dtype=np.int64)
    bits = payload.extract(data, signal.start, signal.length, is_big_endian=signal.is_big_endian)
    if signal.is_float:
        return payload.floating(bits, signal.length)
    if signal.is_signed:
        return payload.signed(bits, signal.length)
    return bits if signal.length == payload.PAYLOAD_BITS else bits.astype(np.int64)


def _raw_of_physical(
    signal: Signal, values: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return raw values of physical ones, and which of them had to be limited."""
    value = np.asarray(values, dtype=np.float64)
    is_known = np.isfinite(value)
    low, high = _physical_raw_range(signal)
    step = (np.where(is_known, value, 0.0) - signal.offset) / signal.scale
    rounded = np.trunc(step + np.copysign(0.5, step))
    is_limited = is_known & ((rounded < low) | (rounded > high))
    absent = signal.not_available_raw
    if absent is None:
        absent = int(signal.start_raw or 0)
    raw = np.where(is_known, np.clip(rounded, low, high), absent).astype(np.int64)
    return raw, is_limited


def _physical_raw_range(signal: Signal) -> tuple[int, int]:
    """Return the raw values that lie within the physical range and the width."""
    low, high = signal.raw_range
    if signal.minimum is None or signal.maximum is None:
        return low, high
    slack = 1e-6  # of a step: the ends of the range are written in decimals
    ends = sorted((end - signal.offset) / signal.scale for end in (signal.minimum, signal.maximum))
    return max(low, math.ceil(ends[0] - slack)), min(high, math.floor(ends[1] + slack))
