"""How a detector did: flights found and when, landings seen and when, flights that never were."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

type Span = tuple[int, int | None]

FLIGHT_MS: Final = 250
"""A time without contact that has to be found."""

HOP_MS: Final = 10
"""A shorter time without contact excuses nobody who believes in a flight."""

NEAR_MS: Final = 50
BOUNCE_MS: Final = 1500
"""After a touchdown the body swings and the tyres skim the ground: a flight told there without one
is no flight, nor is it one on ground that never lets all wheels go."""

EARLY_MS: Final = 20
"""A landing that is told so long before touchdown gives torque back in the air."""


@dataclass(frozen=True, slots=True)
class Score:
    """What came of some runs; times in milliseconds.

    Attributes:
        flights: That had to be found.
        latency: From take-off to belief, of those that were found.
        landing: From touchdown to its end.
        early: Flights of which the end was told in the air.
        bounces: Flights that never were, told while a landing swings out.
        false: Flights that never were, told anywhere else.
        ticks: Time of all runs.
    """

    flights: int = 0
    latency: tuple[int, ...] = ()
    landing: tuple[int, ...] = ()
    early: int = 0
    bounces: int = 0
    false: int = 0
    ticks: int = 0

    def __add__(self, other: Self) -> Score:
        """Return both together."""
        return Score(
            self.flights + other.flights,
            self.latency + other.latency,
            self.landing + other.landing,
            self.early + other.early,
            self.bounces + other.bounces,
            self.false + other.false,
            self.ticks + other.ticks,
        )

    @property
    def missed(self) -> int:
        """Flights that were not found."""
        return self.flights - len(self.latency)

    @property
    def hours(self) -> float:
        """Time of all runs."""
        return self.ticks / 3.6e6


def scored(true: Sequence[Span], told: Sequence[Span], ticks: int) -> Score:
    """Compare what a detector told of a run with the truth.

    A flight that was not over when the run ended is nobody's.
    """
    latency, landing, flights, early = [], [], 0, 0
    for take_off, touchdown in true:
        if touchdown is None or touchdown - take_off < FLIGHT_MS:
            continue
        flights += 1
        mine = [s for s in told if s[0] < touchdown and _end(s, ticks) > take_off]
        if not mine:
            continue
        latency.append(mine[0][0] - take_off)
        end = _end(mine[-1], ticks)
        if end < touchdown - EARLY_MS:
            early += 1
        else:
            landing.append(end - touchdown)
    never = [span for span in told if not _is_excused(span, true, ticks)]
    bounces = sum(_is_bounce(span, true) for span in never)
    return Score(
        flights, tuple(latency), tuple(landing), early, bounces, len(never) - bounces, ticks
    )


def _end(span: Span, ticks: int) -> int:
    return ticks if span[1] is None else span[1]


def _is_excused(span: Span, true: Sequence[Span], ticks: int) -> bool:
    """Return whether a told flight lies by a time without contact."""
    return any(
        _end(real, ticks) - real[0] >= HOP_MS
        and span[0] <= _end(real, ticks) + NEAR_MS
        and _end(span, ticks) >= real[0] - NEAR_MS
        for real in true
    )


def _is_bounce(span: Span, true: Sequence[Span]) -> bool:
    """Return whether a told flight begins while a landing swings out."""
    return any(
        real[1] is not None
        and real[1] - real[0] >= HOP_MS
        and real[1] <= span[0] <= real[1] + BOUNCE_MS
        for real in true
    )


def share_pct(hits: int, of: int) -> tuple[float, float]:
    """Return a share with the lower bound of its 95 % interval (Wilson 1927), in per cent."""
    if of == 0:
        return 0.0, 0.0
    z2 = 1.96**2
    share = hits / of
    middle = share + z2 / (2 * of)
    half = 1.96 * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return 100.0 * share, 100.0 * (middle - half) / (1 + z2 / of)


def most_per_hour(count: int, hours: float) -> float:
    """Return the upper bound of a rate, with 95 % confidence; 3/hours where none was seen."""
    return (count + 3.0 if count == 0 else count + 1.96 * sqrt(count) + 1.92) / max(hours, 1e-9)


def percentiles(values: Iterable[int]) -> tuple[float, float]:
    """Return median and 99th percentile; NaN of nothing."""
    every = np.array(list(values), dtype=np.float64)
    if every.size == 0:
        return float("nan"), float("nan")
    return float(np.median(every)), float(np.percentile(every, 99))
