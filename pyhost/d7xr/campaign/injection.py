"""Ways in which an input breaks, as changes of the frames that bring it.

A signal breaks by itself: its neighbours in the message stay as they were, and counter and checksum
stay right, for the sender does not know. A message breaks as a whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.database import Database, protect
from d7xr.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from d7xr.database import Message, Signal

    type Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]

DELAY_US: Final = 300_000
"""How late a delayed message arrives: longer than any flight takes to be recognised."""

NOISE_RATIO: Final = 0.02
"""Largest noise of a number, as a share of the range that the unit takes for possible."""

_COUNTER_BYTE: Final = 6
_CRC_BYTE: Final = 7


class Kind(Enum):
    """How an input breaks."""

    FROZEN = "frozen"
    NOISY = "noisy"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    OUT_OF_RANGE = "out of range"
    NOT_AVAILABLE = "not available"
    DROPPED = "dropped"
    DELAYED = "delayed"
    WRONG_COUNTER = "wrong counter"
    WRONG_CRC = "wrong CRC"


OF_SIGNALS: Final = (Kind.FROZEN, Kind.NOISY, Kind.MINIMUM, Kind.MAXIMUM, Kind.OUT_OF_RANGE,
                     Kind.NOT_AVAILABLE)  # fmt: skip
OF_MESSAGES: Final = (Kind.FROZEN, Kind.DROPPED, Kind.DELAYED, Kind.WRONG_COUNTER, Kind.WRONG_CRC)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the unit takes for possible.

    Attributes:
        low: Lowest such value.
        high: Highest.
        beyond: A value above it that the message can carry; None where there is no room.
    """

    low: float
    high: float
    beyond: float | None = None


def kinds_of(
    message: Message, signal: Signal | None, limits: Limits | None = None
) -> tuple[Kind, ...]:
    """Return how a signal, or a message as a whole, can break."""
    if signal is None or limits is None:
        return OF_MESSAGES if message.is_protected else OF_MESSAGES[:3]
    impossible = {Kind.NOT_AVAILABLE} if signal.not_available_raw is None else set()
    impossible |= {Kind.OUT_OF_RANGE} if limits.beyond is None else set()
    return tuple(kind for kind in OF_SIGNALS if kind not in impossible)


def broken(
    frames: Frames, message: Message, signal: Signal | None, kind: Kind, span_us: tuple[int, int],
    *, limits: Limits | None, random: np.random.Generator,
) -> Frames:  # fmt: skip
    """Return frames in which one input is broken for a while.

    Args:
        frames: Of our bus, healthy.
        message: What is broken.
        signal: Which signal of it; None breaks the message as a whole.
        kind: How.
        span_us: First time of it and first time behind it.
        limits: Of the signal; None where there is none.
        random: For noise.
    """
    is_hit = hits(frames, message)
    is_hit &= (frames.time_us >= span_us[0]) & (frames.time_us < span_us[1])
    if kind is Kind.DROPPED:
        return Frames(frames.time_us[~is_hit], frames.frame[~is_hit])
    if kind is Kind.DELAYED:
        return _delayed(frames, is_hit)
    frame = frames.frame.copy()
    hit = np.flatnonzero(is_hit)
    if hit.size == 0:
        return frames
    if signal is not None and limits is not None:
        part = Frames(frames.time_us[hit], frames.frame[hit])
        frame[hit] = rewritten(
            part,
            message,
            {signal.name: lambda values: _changed(values, signal, kind, limits, random)},
        )
    elif kind is Kind.FROZEN:
        data = frame["data"][hit]
        held = np.broadcast_to(data[0], data.shape).copy()
        if message.is_protected:  # the sender's counter runs on: only what it says stands still
            held[:, _COUNTER_BYTE] = (held[:, _COUNTER_BYTE] & 0x0F) | (
                data[:, _COUNTER_BYTE] & 0xF0
            )
        frame["data"][hit] = held
        frame[hit] = _protected(message, frame[hit])
    elif kind is Kind.WRONG_COUNTER:
        counter = frame["data"][hit[0], _COUNTER_BYTE] & 0xF0
        frame["data"][hit, _COUNTER_BYTE] = (frame["data"][hit, _COUNTER_BYTE] & 0x0F) | counter
        frame[hit] = _protected(message, frame[hit])
    else:
        frame["data"][hit, _CRC_BYTE] ^= 0xFF
    return Frames(frames.time_us, frame)


def hits(frames: Frames, message: Message) -> NDArray[np.bool_]:
    """Say of each frame whether it brings a message."""
    is_hit = (frames.frame["id"] == message.frame_id) & (frames.frame["flags"] == 0)
    return np.asarray(is_hit, np.bool_)


def rewritten(
    part: Frames, message: Message, changes: Mapping[str, Change]
) -> NDArray[np.void]:  # fmt: skip
    """Return frames with some signals changed and all else as it was.

    Args:
        part: Frames of one message.
        message: That message.
        changes: For each signal to change, from its values, NaN where unknown, to new ones.
    """
    columns = Database.own().decode_columns(part, message)
    values = {
        other.name: np.where(columns[other.name].valid, columns[other.name].values, math.nan)
        for other in message.values
    }
    for name, change in changes.items():
        values[name] = change(values[name])
    encoded = Database.own().encode_columns(message.name, part.time_us, values).frame.copy()
    if message.is_protected:
        data = encoded["data"]
        counter = part.frame["data"][:, _COUNTER_BYTE] & 0xF0
        data[:, _COUNTER_BYTE] = (data[:, _COUNTER_BYTE] & 0x0F) | counter
    return _protected(message, encoded)


def _delayed(frames: Frames, is_hit: NDArray[np.bool_]) -> Frames:
    """Let frames come late; what would come behind its own successors is lost on the way."""
    time_us = frames.time_us + np.where(is_hit, DELAY_US, 0)
    same = frames.frame["id"] == frames.frame["id"][np.argmax(is_hit)]
    later = same & ~is_hit & (frames.time_us >= frames.time_us[is_hit].max(initial=0))
    first_later = frames.time_us[later].min(initial=np.iinfo(np.int64).max)
    keep = ~is_hit | (time_us < first_later)
    order = np.argsort(time_us[keep], kind="stable")
    return Frames(time_us[keep][order], frames.frame[keep][order])


def _changed(
    values: NDArray[np.float64], signal: Signal, kind: Kind, limits: Limits,
    random: np.random.Generator,
) -> NDArray[np.float64]:  # fmt: skip
    low, high = limits.low, limits.high
    if kind is Kind.FROZEN:
        known = values[np.isfinite(values)]
        return np.full_like(values, known[0] if known.size else math.nan)
    if kind is Kind.NOISY:
        codes = [code for code in signal.choices if low <= code <= high]
        if codes:
            return random.choice(np.array(codes, dtype=np.float64), values.shape)
        reach = NOISE_RATIO * (high - low)
        return np.clip(values + random.uniform(-reach, reach, values.shape), low, high)
    ends = {Kind.MINIMUM: low, Kind.MAXIMUM: high, Kind.OUT_OF_RANGE: limits.beyond}
    end = ends.get(kind)
    return np.full_like(values, math.nan if end is None else end)


def _protected(message: Message, frame: NDArray[np.void]) -> NDArray[np.void]:
    """Return frames with a right checksum, where the message has one."""
    if message.is_protected:
        frame = frame.copy()
        protect(frame)
    return frame
