"""Hold the contest and write docs/detector_contest.md: ``python -m tools.contest [JUMPS MINUTES]``.

Learning and judging use different seeds. Without arguments it takes some minutes on two cores.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.contest import runs, sequential
from tools.contest.score import Score, most_per_hour, percentiles, scored, share_pct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    import numpy as np
    from numpy.typing import NDArray

    from d7xr.simulator.scenario import Scenario
    from tools.contest.score import Span
    from tools.contest.sequential import Weights

    type Draw = Callable[[int, str], Scenario]

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "detector_contest.md"
JUMPS: Final = 1000
MINUTES: Final = 120
LEARN_SEED: Final = 1
JUDGE_SEED: Final = 1_000_001
_SHARES: Final = tuple(round(0.9**step, 3) for step in range(36))
DWELLS_MS: Final = (5, 10, 20)
DWELL_FAULTS: Final = ("none", "dampers noisy, 3 mm", "noisy force, 2 m/s2")
_FAULT_SHARE: Final = 5
"""With a fault a fifth of the runs."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a run is kept for learning."""

    samples: Mapping[str, NDArray[np.int64]]
    is_air: NDArray[np.bool_]


def seen(draw: Draw, seed: int) -> Seen:
    """Drive a run to learn from."""
    run = runs.run(draw(seed, "none"))
    return Seen(sequential.binned(run.evidence), run.is_air)


def judged(draw: Draw, fault: str, weights: Weights, seed: int) -> tuple[Score, Score]:
    """Drive a run and score both: threshold and dwell, sequential."""
    run = runs.run(draw(seed, fault))
    true, ticks = runs.true_spans(run.is_air), len(run.is_air)
    told = _told(Seen(sequential.binned(run.evidence), run.is_air), weights)
    return scored(true, run.unit, ticks), scored(true, told, ticks)


def _told(run: Seen, weights: Weights) -> tuple[Span, ...]:
    at, added = sequential.evidence_of(run.samples, weights, len(run.is_air))
    return sequential.spans(at, added, weights)


def with_dwell(fault: str, dwell_ms: int, seed: int) -> Score:
    """Drive a jump with another dwell of a landing, and score the unit."""
    run = runs.run(runs.jump(seed, fault), runs.with_dwell(dwell_ms))
    return scored(runs.true_spans(run.is_air), run.unit, len(run.is_air))


def learn(known: Sequence[Seen]) -> Weights:
    """Return ratios, and the largest shares that keep the stated error rates on what is known."""
    weights = sequential.learned((run.samples, run.is_air) for run in known)
    for share in _SHARES:
        weights = replace(weights, share_air=share)
        if _total(known, weights).false == 0:
            break
    for share in _SHARES:
        weights = replace(weights, share_ground=share)
        total = _total(known, weights)
        if total.early <= sequential.MISS_RATE * total.flights:
            break
    return weights


def _total(known: Iterable[Seen], weights: Weights) -> Score:
    scores = (
        scored(runs.true_spans(run.is_air), _told(run, weights), len(run.is_air)) for run in known
    )
    return sum(scores, Score())


@dataclass(frozen=True, slots=True)
class Contest:
    """What came of it.

    Attributes:
        weights: What the sequential test has learned.
        jumps: Fault -> scores of both.
        rough: The same on rough ground.
        dwells: Fault and dwell of a landing -> score of the unit.
    """

    weights: Weights
    jumps: Mapping[str, tuple[Score, Score]]
    rough: Mapping[str, tuple[Score, Score]]
    dwells: Mapping[tuple[str, int], Score]


def hold(pool: Executor, jumps: int, minutes: int) -> Contest:
    """Learn from some runs and judge on others."""
    known = [
        *pool.map(partial(seen, runs.jump), _seeds(LEARN_SEED, _to_learn(jumps)), chunksize=8),
        *pool.map(partial(seen, runs.rough), _seeds(LEARN_SEED, _to_learn(minutes))),
    ]
    weights = learn(known)

    def campaign(draw: Draw, fault: str, count: int) -> tuple[Score, Score]:
        many = count if fault == "none" else max(count // _FAULT_SHARE, 1)
        job = partial(judged, draw, fault, weights)
        unit, other = Score(), Score()
        for mine, theirs in pool.map(job, _seeds(JUDGE_SEED, many), chunksize=4):
            unit, other = unit + mine, other + theirs
        return unit, other

    def dwell(fault: str, dwell_ms: int) -> Score:
        job = partial(with_dwell, fault, dwell_ms)
        few = _seeds(JUDGE_SEED, max(jumps // _FAULT_SHARE, 1))
        return sum(pool.map(job, few, chunksize=4), Score())

    return Contest(
        weights,
        {fault: campaign(runs.jump, fault, jumps) for fault in runs.FAULTS},
        {fault: campaign(runs.rough, fault, minutes) for fault in runs.FAULTS},
        {(fault, ms): dwell(fault, ms) for fault in DWELL_FAULTS for ms in DWELLS_MS},
    )


def _to_learn(count: int) -> int:
    return max(count // 4, 4)


def _seeds(first: int, count: int) -> range:
    return range(first, first + count)


_HEAD: Final = """\
# Two detectors of flight

Written by `python -m tools.contest {jumps} {minutes}`: runs are drawn by their seeds, from
{learn} on to learn and from {judge} on to judge, so the command gives this page again.

*Threshold and dwell* is what the unit does (`firmware/core/flight_mode.c`). *Sequential* adds the
log-likelihood ratios of the same evidence - specific force, dampers, wheels - until they pass
log((1 - miss)/false) = {bound:.1f}, for stated error rates of {false:g} and {miss:g} per decision
(`tools/contest/sequential.py`). Its ratios are learned from {known_jumps} jumps and
{known_minutes} minutes of rough ground without a fault. Samples that follow each other are not
independent: {air:g} of each ratio counts towards flight and {ground:g} towards the ground, the
largest shares that kept the rates on the runs learned from.

Both see the same frames of the same runs. The unit closes the loop and the other looks on, so it
sees wheels that the unit has already held back. Belief counts from the last tyre's leaving the
ground, landing from the first tyre's touch; both are states of the unit at 1 kHz, without the frame
that tells of them. *Ended early*: the landing was told more than 20 ms before it came. *False*: no
time without contact of 10 ms lies by the flight that was told; where it was told in the 1.5 s after
a landing, while the car is light and a tyre skims, it is a *bounce* and stands apart. Brackets hold
the bound of the 95 % interval.

## Jumps

Speed 40 to 150 km/h, lips of 3 to 16 %, four surfaces, 20 to 540 l of fuel, sensors turned, moved
and up to twice as noisy; flights of 0.25 s and longer.

"""

_ROUGH: Final = """
## Rough ground

Whoops, washboard, rocks, kerbs, crests and side slopes at 30 to 90 km/h.

"""

_DWELL: Final = """
## How soon a landing may be believed

The same jumps with other values of `flight_mode.touchdown_dwell_ms`: what is left without a dwell
is the way of the wheels into the ground, 5 ms of sampling, 2 ms of latency and the filter of the
dampers' speed.

"""

_JUMP_COLUMNS: Final = (
    "fault", "detector", "flights", "found %", "belief ms: median, 99 %",
    "landing ms: median, 99 %", "ended early", "bounces", "false",
)  # fmt: skip
_DWELL_COLUMNS: Final = (
    "fault", "dwell ms", "flights", "landing ms: median, 99 %", "ended early",
)  # fmt: skip
_ROUGH_COLUMNS: Final = ("fault", "detector", "hours", "false flights", "per hour, at most")


def page(contest: Contest, jumps: int, minutes: int) -> str:
    """Return the page."""
    head = _HEAD.format(
        jumps=jumps,
        minutes=minutes,
        judge=JUDGE_SEED,
        learn=LEARN_SEED,
        bound=sequential.BOUND,
        false=sequential.FALSE_RATE,
        miss=sequential.MISS_RATE,
        air=contest.weights.share_air,
        ground=contest.weights.share_ground,
        known_jumps=_to_learn(jumps),
        known_minutes=_to_learn(minutes),
    )
    parts = [
        head,
        *_heading(_JUMP_COLUMNS),
        *_jump_rows(contest),
        _ROUGH,
        *_heading(_ROUGH_COLUMNS),
        *_rough_rows(contest),
        _DWELL,
        *_heading(_DWELL_COLUMNS),
        *_dwell_rows(contest),
        _result(contest),
    ]
    return "".join(parts)


def _heading(columns: Sequence[str]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |\n"
    yield f"{'|---' * len(columns)}|\n"


def _named(pair: tuple[Score, Score]) -> Iterator[tuple[str, Score]]:
    return zip(("threshold and dwell", "sequential"), pair, strict=True)


def _jump_rows(contest: Contest) -> Iterator[str]:
    for fault, pair in contest.jumps.items():
        for name, score in _named(pair):
            found, least = share_pct(len(score.latency), score.flights)
            yield (
                f"| {fault} | {name} | {score.flights:,} | {found:.2f} [{least:.2f}] | "
                f"{_both(score.latency)} | {_both(score.landing)} | "
                f"{score.early} | {score.bounces} | {score.false} |\n"
            )


def _rough_rows(contest: Contest) -> Iterator[str]:
    for fault, pair in contest.rough.items():
        for name, score in _named(pair):
            most = most_per_hour(score.false, score.hours)
            yield f"| {fault} | {name} | {score.hours:.2f} | {score.false} | {most:.2f} |\n"


def _dwell_rows(contest: Contest) -> Iterator[str]:
    for (fault, dwell_ms), score in contest.dwells.items():
        landing = _both(score.landing)
        yield f"| {fault} | {dwell_ms} | {score.flights:,} | {landing} | {score.early} |\n"


def _both(values: Sequence[int]) -> str:
    """Return median and 99th percentile as they stand in a table."""
    return ", ".join(f"{value:.0f}" for value in percentiles(values)) if values else "-, -"


def _result(contest: Contest) -> str:
    """Count what each did wrong: who misses, ends early or invents less is the better one."""

    def wrong(side: int) -> int:
        pairs = [*contest.jumps.values(), *contest.rough.values()]
        return sum(pair[side].missed + pair[side].early + pair[side].false for pair in pairs)

    unit, other = wrong(0), wrong(1)
    healthy = contest.jumps["none"]
    middle_ms = [percentiles(score.latency)[0] for score in healthy]
    sooner_ms = middle_ms[0] - middle_ms[1]
    than = f"{abs(sooner_ms):.0f} ms {'sooner' if sooner_ms > 0.0 else 'later'}"
    return f"""
## Result

Over all runs, flights missed, ended early or invented: {unit} by threshold and dwell, {other} by
the sequential test, which believes {than} at the median without a fault. The unit ships threshold
and dwell; the rows above in which it is the worse one are what is to be gained.
"""


def main(arguments: list[str]) -> int:
    """Hold the contest and write the page."""
    jumps, minutes = (int(given) for given in (arguments or (JUMPS, MINUTES)))
    with ProcessPoolExecutor(2) as pool:
        text = page(hold(pool, jumps, minutes), jumps, minutes)
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
