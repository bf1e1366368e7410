"""Two machines, the same frames: equal after every tick, or where they part and in what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.compare.frames import frame_differences
from d7xr.compare.model import (
    Comparison,
    NanFound,
    Side,
    ValueDifference,
    counted,
    value_difference,
)
from d7xr.ecu import Ecu, calibration_default, calibration_parameters
from d7xr.errors import InconclusiveError, RigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from d7xr.target import Answer, Target

_STRETCH_TICKS: Final = 10_000
_FRAMES_TOLD: Final = 100
_DTYPE_OF: Final = {"float": "<f4", "uint32_t": "<u4", "uint16_t": "<u2", "uint8_t": "u1"}


def back_to_back(
    left: Target,
    right: Target,
    frame: NDArray[np.void],
    frame_tick: NDArray[np.int64],
    ticks: int,
    calibration: bytes,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Run the same frames on two targets and compare them after every tick.

    Compared are the digest of the state after each tick, every frame sent, and each byte of the
    state every ten seconds and at the end. At the first difference both are started anew, run up to
    that tick, and their states are compared field by field. What comes after it is not looked at:
    one difference leads to the next. Where one does not tell its state, as a board does not, the
    digests alone are compared, and a difference has no name.

    Args:
        left: A target within its ``with`` block.
        right: The other.
        frame: Frames, ``FRAME_DTYPE``, shape ``(n,)``.
        frame_tick: Tick of each, int64, shape ``(n,)``, never decreasing.
        ticks: How many ticks to run.
        calibration: The set to start both with.
        on_progress: Called with the ticks done, every ten seconds of virtual time.

    Raises:
        InconclusiveError: There was no tick to compare.
        RigError: A target ended, or ran fewer ticks than it was told to.
    """
    if ticks <= 0:
        raise InconclusiveError("nothing was compared: there is no tick to run")
    left.start(calibration)
    right.start(calibration)
    done = Comparison(left.name, right.name, 0, 0, state_bytes=state_bytes())
    for first in range(0, ticks, _STRETCH_TICKS):
        last = min(first + _STRETCH_TICKS, ticks)
        begin, end = np.searchsorted(frame_tick, (first, last)).tolist()
        stretch = (frame[begin:end], frame_tick[begin:end] - first, last - first)
        answers = (_run(left, *stretch), _run(right, *stretch))
        done = _compare(done, answers, first)
        if not done.is_equal:
            return _explained(done, left, right, frame, frame_tick, answers, first, calibration)
        if left.tells_state and right.tells_state:
            values, nan = _states(left.snapshot(), right.snapshot(), last - 1)
            done = replace(done, differences=values, nan=nan)
            if not done.is_equal:
                return done
        if on_progress is not None:
            on_progress(last)
    return done


def state_bytes() -> int:
    """Return how many bytes of state a digest covers."""
    return sum(field.size for field in Ecu.fields())


def _run(
    target: Target, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int
) -> Answer:
    answer = target.run(frame, frame_tick, ticks)
    if len(answer.digest) != ticks:
        raise RigError(f"{target.name} ran {len(answer.digest)} of {ticks} ticks")
    return answer


def _compare(done: Comparison, answers: tuple[Answer, Answer], first: int) -> Comparison:
    """Add a stretch; a state that differs is found here and explained later."""
    left, right = answers
    found = frame_differences(
        left.sent_tick + first, left.sent, right.sent_tick + first, right.sent
    )
    parted = _parted(answers)
    unexplained: tuple[ValueDifference, ...] = ()
    if parted is not None:
        tick = first + parted
        both = left.digest[parted], right.digest[parted]
        unexplained = (value_difference("digest of the state", "", tick, *both),)
    return replace(
        done,
        ticks=done.ticks + len(left.digest),
        frames=done.frames + len(left.sent),
        differences=unexplained,
        frame_differences=tuple(found[:_FRAMES_TOLD]),
        frame_counts=counted(found),
    )


def _parted(answers: tuple[Answer, Answer]) -> int | None:
    """Return the index of the first digest that differs, or None."""
    unequal = np.flatnonzero(answers[0].digest != answers[1].digest)
    return int(unequal[0]) if unequal.size else None


def _explained(
    done: Comparison, left: Target, right: Target, frame: NDArray[np.void],
    frame_tick: NDArray[np.int64], answers: tuple[Answer, Answer], first: int, calibration: bytes,
) -> Comparison:  # fmt: skip
    """Return the comparison with the fields in which the states part."""
    parted = _parted(answers)
    if parted is None or not (left.tells_state and right.tells_state):
        return done
    tick = first + parted
    end = int(np.searchsorted(frame_tick, tick + 1))
    snapshots: list[bytes] = []
    for target in (left, right):
        target.start(calibration)
        target.run(frame[:end], frame_tick[:end], tick + 1)
        snapshots.append(target.snapshot())
    values, nan = _states(snapshots[0], snapshots[1], tick)
    return replace(done, differences=values or done.differences, nan=nan)


def _states(
    left: bytes, right: bytes, tick: int
) -> tuple[tuple[ValueDifference, ...], tuple[NanFound, ...]]:
    """Return the fields in which two snapshots differ, and those that are not a number."""
    if len(left) != len(right):
        raise RigError(f"a state of {len(left)} bytes and one of {len(right)}: two builds")
    floats = [place for place in _places() if place.ctype == "float"]
    nan = tuple(
        NanFound(side, place.name, tick)
        for side, snapshot in _sides(left, right)
        for place, word in zip(floats, _words(snapshot, floats), strict=True)
        if np.isnan(word)
    )
    return tuple(_field_differences(left, right, tick)) if left != right else (), nan


def _words(snapshot: bytes, floats: list[_Place]) -> NDArray[np.float32]:
    """Return floats of a snapshot; each lies on a word of its own."""
    return np.frombuffer(snapshot, dtype="<f4")[[place.offset // 4 for place in floats]]


def _sides(left: bytes, right: bytes) -> tuple[tuple[Side, bytes], tuple[Side, bytes]]:
    return ("left", left), ("right", right)


def _field_differences(left: bytes, right: bytes, tick: int) -> Iterator[ValueDifference]:
    """Yield each field that differs, and each byte that differs and belongs to none."""
    covered = np.zeros(len(left), dtype=np.bool_)
    for place in _places():
        a = _sample(left, place.offset, place.ctype)
        b = _sample(right, place.offset, place.ctype)
        size = a.dtype.itemsize
        covered[place.offset : place.offset + size] = True
        if a.tobytes() != b.tobytes():
            yield value_difference(place.name, place.unit, tick, a, b, words=place.choices)
    sides = np.frombuffer(left, dtype=np.uint8), np.frombuffer(right, dtype=np.uint8)
    for offset in np.flatnonzero((sides[0] != sides[1]) & ~covered).tolist():
        yield value_difference(f"byte {offset}", "", tick, sides[0][offset], sides[1][offset])


@dataclass(frozen=True, slots=True)
class _Place:
    """One value in a snapshot: a field of the state, or a number of the calibration in use."""

    name: str
    unit: str
    offset: int
    ctype: str
    choices: Mapping[int, str] | None = None


@cache
def _places() -> tuple[_Place, ...]:
    """Return all values of a snapshot: the calibration stands before the first field."""
    fields = Ecu.fields()
    is_in_front = fields[0].offset == len(calibration_default())
    numbers = [
        _Place(
            f"calibration {p.name}" + (f"[{i}]" if p.count > 1 else ""),
            p.unit, p.offset + i * np.dtype(_DTYPE_OF[p.ctype]).itemsize, p.ctype,
        )
        for p in calibration_parameters()
        for i in range(p.count)
    ]  # fmt: skip
    states = [_Place(f.name, f.unit, f.offset, f.ctype, f.choices) for f in fields]
    return (*(numbers if is_in_front else []), *states)


def _sample(snapshot: bytes, offset: int, ctype: str) -> np.generic:
    sample: np.generic = np.frombuffer(snapshot, dtype=_DTYPE_OF[ctype], count=1, offset=offset)[0]
    return sample
