"""Two run folders side by side: who they are, their digests, every recorded sample, frames sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from d7xr.compare.columns import compare_groups, refuse_unknown
from d7xr.compare.model import Comparison, NamedDifference, OnlyIn, Side, counted
from d7xr.compare.runfiles import read_run
from d7xr.errors import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from d7xr.compare.runfiles import Run

_FRAMES_TOLD: Final = 100


def compare_runs(
    left: Path, right: Path, *, tolerances: Mapping[str, float] | None = None
) -> Comparison:
    """Compare two run folders, as ``d7xr replay --out`` writes them.

    Identities are told and not judged: runs of two builds or targets are what one wants to compare.
    A signal that one run alone has recorded is a difference, and so is a sample that counts and is
    not a number. Samples of one signal are compared bit by bit, at the times that both runs have.

    With a tolerance, differences of a signal up to it are accepted and counted. The digest of the
    run can then no longer be judged, nor the checksum of a message in which a difference was
    accepted.

    Args:
        left: A run folder.
        right: Another.
        tolerances: Signal -> largest difference to accept, in the signal's unit.

    Raises:
        UsageError: Not a run folder, a recording that cannot be read, or a tolerance for a signal
            that neither run has.
        InconclusiveError: The runs share no format, or no sample.
    """
    accepted = dict(tolerances or {})
    runs = read_run(left, right)
    refuse_unknown(accepted, runs)
    found = compare_groups(runs[0].groups, runs[1].groups, accepted)
    if not found.values:
        raise InconclusiveError(
            f"nothing was compared: {left} and {right} share no sample",
            hint="see what was recorded: signals and times of both runs are given in events.json",
        )
    totals = _totals(runs[0], runs[1])
    identity = _identity(runs[0], runs[1])
    if accepted:
        identity += tuple(total for total in totals if total.name == "state_digest")
        totals = tuple(total for total in totals if total.name != "state_digest")
    return Comparison(
        left=str(left),
        right=str(right),
        ticks=min(run.ticks for run in runs),
        frames=found.frames,
        values=found.values,
        identity=identity,
        totals=totals,
        differences=tuple(sorted(found.differences, key=lambda difference: difference.tick)),
        frame_differences=tuple(found.frame_differences[:_FRAMES_TOLD]),
        frame_counts=counted(found.frame_differences),
        only=_only(runs[0], runs[1]),
        nan=tuple(found.nan),
        tolerated=found.tolerated,
        left_out=found.left_out,
    )


def _identity(left: Run, right: Run) -> tuple[NamedDifference, ...]:
    names = [*left.identity, *(name for name in right.identity if name not in left.identity)]
    return _named({n: (left.identity.get(n, ""), right.identity.get(n, "")) for n in names})


def _totals(left: Run, right: Run) -> tuple[NamedDifference, ...]:
    return _named(
        {
            "ticks": (left.ticks, right.ticks),
            "state_digest": (left.state_digest, right.state_digest),
        }
    )


def _named(pairs: Mapping[str, tuple[Any, Any]]) -> tuple[NamedDifference, ...]:
    return tuple(NamedDifference(n, str(a), str(b)) for n, (a, b) in pairs.items() if a != b)


def _only(left: Run, right: Run) -> tuple[OnlyIn, ...]:
    """Return what one run alone has: whole groups by their name, else single signals."""
    found: list[OnlyIn] = []
    sides: tuple[tuple[Side, Run, Run], ...] = (("left", left, right), ("right", right, left))
    for side, run, other in sides:
        for name, group in run.groups.items():
            if name not in other.groups:
                found.append(OnlyIn(side, name))
            else:
                alone = [c for c in group.columns if c not in other.groups[name].columns]
                found.extend(OnlyIn(side, column) for column in alone)
    return tuple(found)
