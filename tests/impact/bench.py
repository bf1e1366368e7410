"""A car that is hit: peaks of force, dampers at their stops, and what the unit wrote down."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from d7xr.ecu import Ecu
from tests.car import Car, G_mps2, Level, Stretch

NAMES = [f.name for f in Ecu.fields() if f.name.startswith("impact.")]
RECORD = [*NAMES, "flight_mode.state", "torque.granted_Nm"]
HIT, LANDING = 0, 1
LIGHT, HARD, SEVERE = range(3)
REST_mm = 130.0

type Column = NDArray[np.float64]


def car(**signals: Level) -> Car:
    """Return a car that has driven for a while."""
    result = Car(signals=signals, record=RECORD)
    result.drive(500)
    return result


def force(duration_ms: int, *peaks: tuple[int, int, float]) -> Column:
    """Return 1 g with half sines on it: each begins at a time, lasts, and reaches a peak in g."""
    column = np.full(duration_ms, G_mps2)
    for start, length, peak_g in peaks:
        wave = (peak_g - 1.0) * G_mps2 * np.sin(np.pi * np.arange(length) / length)
        column[start : start + length] += wave[: duration_ms - start]
    return column


def stroke(duration_ms: int, start: int, speed_mps: float, deepest_mm: float) -> Column:
    """Return a damper that is driven in at a speed, stays 30 ms in its stop and comes back."""
    ms = np.arange(duration_ms, dtype=np.float64) - start
    into = REST_mm + speed_mps * np.maximum(ms, 0.0)
    deepest_at = (deepest_mm - REST_mm) / speed_mps
    back = REST_mm + (deepest_mm - REST_mm) * np.exp(-(ms - deepest_at - 30.0).clip(0.0) / 60.0)
    return np.where(ms < deepest_at, into, back)


@dataclass(frozen=True, slots=True)
class Written:
    """What the unit has counted since a stretch began."""

    hits: tuple[int, int, int]
    landings: tuple[int, int, int]
    bottomed: tuple[int, int, int, int]

    @property
    def events(self) -> int:
        """All of them."""
        return sum(self.hits) + sum(self.landings)


def written(stretch: Stretch) -> Written:
    """Return the counts that a stretch has added."""

    def added(name: str) -> int:
        return int(stretch[name][-1]) - int(stretch[name][0])

    count = [added(f"impact.counts.count[{i}]") for i in range(6)]
    bottomed = [added(f"impact.counts.bottomed_count[{i}]") for i in range(4)]
    return Written(
        (count[0], count[1], count[2]),
        (count[3], count[4], count[5]),
        (bottomed[0], bottomed[1], bottomed[2], bottomed[3]),
    )
