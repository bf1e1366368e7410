"""What a replay found in the demo, against the truth that its generator knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d7xr.events import Flight

TOLERANCE_MS: Final = 20.0
"""Air times may differ from the truth by this much."""


class TrueFlight(Protocol):
    """What is known of a flight that was driven; times in the time of the trace."""

    @property
    def name(self) -> str:
        """Where it began."""
        ...

    @property
    def take_off_us(self) -> int:
        """When it began."""
        ...

    @property
    def touchdown_us(self) -> int:
        """When it ended."""
        ...

    @property
    def air_time_ms(self) -> float:
        """How long it took."""
        ...


@dataclass(frozen=True, slots=True)
class FlightCheck:
    """A true flight and what was found of it, or a found one that is not true.

    Attributes:
        name: Leg of the drive; empty for a flight that never was.
        true_ms: Air time by the generator; None for a flight that never was.
        found_ms: Air time by the unit; None for one that it missed.
        is_good: Found, and within the tolerance.
    """

    name: str
    true_ms: float | None
    found_ms: float | None

    @property
    def difference_ms(self) -> float | None:
        """How much longer the unit took the flight to be."""
        if self.true_ms is None or self.found_ms is None:
            return None
        return self.found_ms - self.true_ms

    @property
    def is_good(self) -> bool:
        """Whether the flight was found with its air time."""
        return self.difference_ms is not None and abs(self.difference_ms) <= TOLERANCE_MS


def check_flights(found: Sequence[Flight], truth: Sequence[TrueFlight]) -> tuple[FlightCheck, ...]:
    """Pair found flights with true ones that they overlap, each at most once.

    Returns:
        One entry per true flight in order, then one per found flight that overlaps none.
    """
    left = list(found)
    checks = []
    for true in truth:
        hit = next((flight for flight in left if _overlap(flight, true)), None)
        if hit is not None:
            left.remove(hit)
        air_time_ms = None if hit is None else float(hit.air_time_ms)
        checks.append(FlightCheck(true.name, true.air_time_ms, air_time_ms))
    checks += [FlightCheck("", None, float(flight.air_time_ms)) for flight in left]
    return tuple(checks)


def _overlap(flight: Flight, true: TrueFlight) -> bool:
    start_us, end_us = 1e6 * flight.take_off_s, 1e6 * flight.touchdown_s
    return start_us < true.touchdown_us and end_us > true.take_off_us
