"""Which frame of one side is which of the other: missing, extra, moved or changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.compare.model import FrameDifference, ValueDifference, value_difference
from d7xr.database import Database
from d7xr.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from d7xr.compare.model import Kind

_MOVED_AT_MOST_TICKS: Final = 1000
"""The same bytes later than that are another frame: no message of the bus is slower."""

type Stamped = tuple[int, bytes]
type Pair = tuple[Kind, int | None, int | None]


def pairs(left: Sequence[Stamped], right: Sequence[Stamped]) -> Iterator[Pair]:
    """Yield what differs between two sequences of frames of one message.

    Frames equal in tick and bytes are the same frame. Of the rest, two of one tick are one frame
    that changed, two of equal bytes are one that moved, and what is still left over was sent by one
    side alone.

    Args:
        left: Tick and bytes of each frame.
        right: Those of the other side.

    Yields:
        Kind, index in ``left`` or None, index in ``right`` or None; in no order.
    """
    rest_left, rest_right = _without_equal(left, right), _without_equal(right, left)
    by_tick: defaultdict[int, list[int]] = defaultdict(list)
    for index in reversed(rest_right):
        by_tick[right[index][0]].append(index)
    alone: list[int] = []
    for index in rest_left:
        same_tick = by_tick[left[index][0]]
        if same_tick:
            yield "changed", index, same_tick.pop()
        else:
            alone.append(index)
    by_bytes: defaultdict[bytes, list[int]] = defaultdict(list)
    for index in sorted(index for indices in by_tick.values() for index in indices):
        by_bytes[right[index][1]].append(index)
    for index in alone:
        tick, payload = left[index]
        near = [i for i in by_bytes[payload] if abs(right[i][0] - tick) <= _MOVED_AT_MOST_TICKS]
        if near:
            other = min(near, key=lambda i: abs(right[i][0] - tick))
            by_bytes[payload].remove(other)
            yield "moved", index, other
        else:
            yield "missing", index, None
    for indices in by_bytes.values():
        for index in indices:
            yield "extra", None, index


def frame_differences(
    left_tick: NDArray[np.int64], left: NDArray[np.void],
    right_tick: NDArray[np.int64], right: NDArray[np.void],
) -> list[FrameDifference]:  # fmt: skip
    """Compare what two units sent, and return what differs, the earliest first.

    Args:
        left_tick: Tick of each frame, int64, shape ``(n,)``.
        left: These frames, ``FRAME_DTYPE``, shape ``(n,)``.
        right_tick: Tick of each frame of the other side, shape ``(m,)``.
        right: These frames, shape ``(m,)``.
    """
    if np.array_equal(left_tick, right_tick) and np.array_equal(left, right):
        return []
    names = {message.frame_id: message.name for message in Database.own().messages}
    found: list[FrameDifference] = []
    for identifier in np.union1d(left["id"], right["id"]).tolist():
        name = names.get(identifier, "unknown")
        left_rows = np.flatnonzero(left["id"] == identifier)
        right_rows = np.flatnonzero(right["id"] == identifier)
        lefts = _stamped(left_tick[left_rows], left[left_rows])
        rights = _stamped(right_tick[right_rows], right[right_rows])
        for kind, i, j in pairs(lefts, rights):
            signals: tuple[ValueDifference, ...] = ()
            if i is not None and j is not None and kind == "changed" and identifier in names:
                frames = left[left_rows[[i]]], right[right_rows[[j]]]
                signals = _signals(name, lefts[i][0], *frames)
            found.append(
                FrameDifference(
                    kind=kind,
                    can_id=identifier,
                    name=name,
                    left_tick=None if i is None else lefts[i][0],
                    right_tick=None if j is None else rights[j][0],
                    left_data="" if i is None else _payload(left[left_rows[i]]),
                    right_data="" if j is None else _payload(right[right_rows[j]]),
                    signals=signals,
                )
            )
    return sorted(found, key=lambda difference: (difference.tick, difference.can_id))


def _without_equal(some: Sequence[Stamped], others: Sequence[Stamped]) -> list[int]:
    """Return the indices of those that have no equal on the other side."""
    equals = Counter(others)
    rest: list[int] = []
    for index, entry in enumerate(some):
        if equals[entry]:
            equals[entry] -= 1
        else:
            rest.append(index)
    return rest


def _stamped(tick: NDArray[np.int64], frame: NDArray[np.void]) -> list[Stamped]:
    return [(at, row.tobytes()) for at, row in zip(tick.tolist(), frame, strict=True)]


def _payload(frame: np.void) -> str:
    return bytes(frame["data"][: frame["length"]]).hex()


def _signals(
    name: str, tick: int, left: NDArray[np.void], right: NDArray[np.void]
) -> tuple[ValueDifference, ...]:
    """Return the signals in which two frames of one message differ, each of shape ``(1,)``."""
    own = Database.own()
    both = [
        own.decode_columns(Frames(np.array([tick * 1000]), frame), name) for frame in (left, right)
    ]
    found: list[ValueDifference] = []
    for signal in own.message(name).signals:
        samples: list[np.float64 | None] = []
        for columns in both:
            column = columns[signal.name]
            is_there = column.values.size and column.valid[0]
            samples.append(np.float64(column.values[0]) if is_there else None)
        if samples[0] != samples[1]:
            full = f"{name}.{signal.name}"
            found.append(value_difference(full, signal.unit, tick, samples[0], samples[1]))
    return tuple(found)
