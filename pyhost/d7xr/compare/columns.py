"""Recorded columns of two runs, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.compare.frames import pairs
from d7xr.compare.model import (
    FrameDifference,
    NanFound,
    Side,
    ValueDifference,
    value_difference,
)
from d7xr.database import Database
from d7xr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from d7xr.compare.runfiles import Run, RunColumn, RunGroup

US_PER_TICK: Final = 1000
_SAMPLES_OF_ONE_TIME: Final = 1 << 16


@dataclass(slots=True)
class Found:
    """What the groups of two runs gave, added up."""

    values: int = 0
    frames: int = 0
    differences: list[ValueDifference] = field(default_factory=list)
    frame_differences: list[FrameDifference] = field(default_factory=list)
    nan: list[NanFound] = field(default_factory=list)
    tolerated: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


def refuse_unknown(tolerances: Mapping[str, float], runs: tuple[Run, Run]) -> None:
    """Refuse a tolerance for a signal that neither run has.

    Raises:
        UsageError: With the nearest name.
    """
    known = {name for run in runs for group in run.groups.values() for name in group.columns}
    for name in tolerances:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see `d7xr signals`"
            raise UsageError(f"no signal '{name}' was recorded", hint=hint)


def compare_groups(
    left: Mapping[str, RunGroup], right: Mapping[str, RunGroup], tolerances: Mapping[str, float]
) -> Found:
    """Compare all groups that both runs have."""
    found = Found()
    for name, group in left.items():
        if name in right:
            _compare_group(name, group, right[name], tolerances, found)
    found.frame_differences.sort(key=lambda difference: (difference.tick, difference.can_id))
    return found


def _compare_group(
    name: str, left: RunGroup, right: RunGroup, tolerances: Mapping[str, float], found: Found
) -> None:
    """Compare two groups at the times that both have; what a unit sent must meet frame by frame."""
    rows = _common_rows(left.time_us, right.time_us)
    is_sent = left.origin == "sent"
    shared = [column for column in left.columns if column in right.columns]
    unequal = np.zeros(len(rows[0]), dtype=np.bool_)
    is_accepted = np.zeros(len(rows[0]), dtype=np.bool_)
    differs: dict[str, NDArray[np.bool_]] = {}
    for column in shared:
        pair = left.columns[column], right.columns[column]
        differs[column], accepted = _unequal(pair, rows, tolerances.get(column))
        is_accepted |= accepted
        if accepted.any():
            found.tolerated[column] = int(accepted.sum())
        found.values += len(rows[0])
    for column, unlike in differs.items():
        if is_sent and column == f"{name}.{name}_Crc":
            unlike &= ~is_accepted
        unequal |= unlike
        if unlike.any():
            pair = left.columns[column], right.columns[column]
            found.differences.append(_first(column, pair, left.time_us, rows, unlike))
    if left.origin != "input":
        _find_nan(left, right, shared, found)
    alone = len(left.time_us) + len(right.time_us) - 2 * len(rows[0])
    if is_sent:
        found.frames += max(len(left.time_us), len(right.time_us))
        if alone or unequal.any():
            found.frame_differences += _frames(name, left, right, shared, rows, unequal)
    elif alone:
        found.left_out[name] = alone


def _common_rows(
    left_us: NDArray[np.int64], right_us: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of one time in both; samples of one time are paired in their order."""
    if np.array_equal(left_us, right_us):
        rows = np.arange(len(left_us))
        return rows, rows
    keys = [_numbered(time_us) for time_us in (left_us, right_us)]
    _, left, right = np.intersect1d(keys[0], keys[1], assume_unique=True, return_indices=True)
    return left, right


def _numbered(time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    first = np.searchsorted(time_us, time_us, side="left")
    nth = np.arange(len(time_us)) - first
    return np.asarray(time_us * _SAMPLES_OF_ONE_TIME + nth, dtype=np.int64)


def _unequal(
    pair: tuple[RunColumn, RunColumn],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    tolerance: float | None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where two columns differ, and where they do within the tolerance."""
    values = [column.values[row] for column, row in zip(pair, rows, strict=True)]
    valid = [column.is_valid[row] for column, row in zip(pair, rows, strict=True)]
    unlike: NDArray[np.bool_] = (_bits(values[0], values[1]) != _bits(values[1], values[0])) | (
        valid[0] != valid[1]
    )
    accepted = np.zeros_like(unlike)
    if tolerance is not None and all(v.dtype.kind in "fiub" for v in values):
        far = np.abs(values[0].astype(np.float64) - values[1].astype(np.float64))
        accepted = unlike & valid[0] & valid[1] & (far <= tolerance)
    return unlike & ~accepted, accepted


def _bits(values: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Return floats as their bits where both columns are of one type, so that NaN equals itself."""
    if values.dtype.kind == "f" and values.dtype == other.dtype:
        return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    return values


def _first(
    name: str,
    pair: tuple[RunColumn, RunColumn],
    time_us: NDArray[np.int64],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    unlike: NDArray[np.bool_],
) -> ValueDifference:
    """Describe the first sample that differs, and count them all."""
    at = int(np.flatnonzero(unlike)[0])
    samples = [
        column.values[row[at]] if column.is_valid[row[at]] else None
        for column, row in zip(pair, rows, strict=True)
    ]
    tick = int(time_us[rows[0][at]]) // US_PER_TICK
    return value_difference(
        name, pair[0].unit, tick, samples[0], samples[1], count=int(unlike.sum())
    )


def _find_nan(left: RunGroup, right: RunGroup, shared: list[str], found: Found) -> None:
    """Find the first sample of each signal that counts and is not a number."""
    sides: tuple[tuple[Side, RunGroup], ...] = (("left", left), ("right", right))
    for side, group in sides:
        for name in shared:
            column = group.columns[name]
            if column.values.dtype.kind == "f":
                bad = np.flatnonzero(np.isnan(column.values) & column.is_valid)
                if bad.size:
                    tick = int(group.time_us[bad[0]]) // US_PER_TICK
                    found.nan.append(NanFound(side, name, tick))


def _frames(
    name: str,
    left: RunGroup,
    right: RunGroup,
    shared: list[str],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    unequal: NDArray[np.bool_],
) -> list[FrameDifference]:
    """Return how the frames of one message differ; frames that were found equal stay out of it."""
    can_id = Database.own().message(name.partition(".")[0]).frame_id
    found = [
        FrameDifference("changed", can_id, name, tick, tick)
        for tick in (left.time_us[rows[0][unequal]] // US_PER_TICK).tolist()
    ]
    rest = [
        np.setdiff1d(np.arange(len(group.time_us)), row)
        for group, row in zip((left, right), rows, strict=True)
    ]
    stamped = [
        [
            (int(group.time_us[row]) // US_PER_TICK, _row(group, shared, row))
            for row in alone.tolist()
        ]
        for group, alone in zip((left, right), rest, strict=True)
    ]
    for kind, i, j in pairs(stamped[0], stamped[1]):
        ticks = [None if k is None else side[k][0] for k, side in zip((i, j), stamped, strict=True)]
        found.append(FrameDifference(kind, can_id, name, ticks[0], ticks[1]))
    return found


def _row(group: RunGroup, shared: list[str], row: int) -> bytes:
    """Return the samples of one frame as bytes, to tell it from others of its message."""
    columns = [group.columns[name] for name in shared]
    return b"".join(
        repr(c.values[row].item() if c.is_valid[row] else None).encode() for c in columns
    )
