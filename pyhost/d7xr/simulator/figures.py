"""Truth beside belief, and what a scenario says must come true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.demo.check import FlightCheck, check_flights
from d7xr.errors import ConfigError
from d7xr.names import nearest
from d7xr.simulator.loop import METRICS, REAL_FLIGHT_MS
from d7xr.verdict import Law

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from d7xr.events import Events
    from d7xr.replay import Outcome
    from d7xr.simulator.loop import Drive, Truth
    from d7xr.simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Belief:
    """One quantity as it was, and as the unit believed it.

    Attributes:
        name: What it is.
        unit: As SI spells it.
        true: At the end of the run.
        believed: At the end; None where the unit knew nothing then.
        worst: The largest difference while the unit knew something; None where it never did.
        worst_s: When.
    """

    name: str
    unit: str
    true: float
    believed: float | None
    worst: float | None
    worst_s: float | None


@dataclass(frozen=True, slots=True)
class _Pair:
    name: str
    unit: str
    truth: str
    state: str
    factor: float = 1.0
    known: str = ""
    known_as: int = 1


_PAIRS: Final = (
    _Pair("speed over ground", "m/s", "speed_mps", "flight_mode.evidence.speed_mps",
          known="flight_mode.evidence.is_speed_usable"),
    _Pair("coolant", "degC", "coolant_degC", "temperature[0].degC", known="temperature[0].state"),
    _Pair("radiator left by sand", "-", "clean_ratio", "radiator.clean_ratio"),
    _Pair("fuel", "L", "fuel_L", "fuel.volume_L", known="fuel.is_known"),
    _Pair("filter loss", "kPa", "filter_kPa", "intake.measured_kPa"),
    _Pair("power by the restrictor", "kW", "power_cap_W", "intake.power_cap_kW", 0.001),
)  # fmt: skip

BELIEFS: Final = tuple(
    dict.fromkeys(name for pair in _PAIRS for name in (pair.state, pair.known) if name)
)
"""States that the comparison needs to be recorded."""


def beliefs(of: Truth, outcome: Outcome) -> tuple[Belief, ...]:
    """Compare the car with what the unit took it to be, sample by sample."""
    truth = dict(of.columns)
    truth["clean_ratio"] = 1.0 - truth["blocked_ratio"]
    rows = min(len(outcome.sample_tick), len(truth["speed_mps"]))
    return tuple(_belief(pair, truth, outcome, rows) for pair in _PAIRS)


def _belief(
    pair: _Pair, truth: dict[str, NDArray[np.float32]], outcome: Outcome, rows: int
) -> Belief:
    true = truth[pair.truth][:rows].astype(np.float64) * pair.factor
    believed = outcome.states[pair.state][:rows].astype(np.float64)
    is_known = np.ones(rows, dtype=np.bool_)
    if pair.known:
        is_known = outcome.states[pair.known][:rows] == pair.known_as
    error = np.where(is_known, np.abs(believed - true), -1.0)
    worst = int(np.argmax(error)) if is_known.any() else None
    return Belief(
        name=pair.name,
        unit=pair.unit,
        true=round(float(true[-1]), 3),
        believed=round(float(believed[-1]), 3) if is_known[-1] else None,
        worst=None if worst is None else round(float(error[worst]), 3),
        worst_s=None if worst is None else int(outcome.sample_tick[worst]) / 1000.0,
    )


def found_flights(drive: Drive, events: Events) -> tuple[FlightCheck, ...]:
    """Pair true flights with those that the unit told of.

    A true one too short to be missed counts only where it was found.
    """
    checks = check_flights(events.flights, drive.flights)
    shortest = min((flight.air_time_ms for flight in drive.flights), default=0.0)
    return tuple(
        check
        for check in checks
        if check.found_ms is not None or (check.true_ms or shortest) >= REAL_FLIGHT_MS
    )


def figures(
    drive: Drive, events: Events, checks: tuple[FlightCheck, ...], told: tuple[Belief, ...]
) -> dict[str, float]:
    """Return what a scenario can hold a run to, by name; what never was is not in it."""
    errors = {belief.name: belief.worst for belief in told}
    differences = [abs(c.difference_ms) for c in checks if c.difference_ms is not None]
    values: dict[str, float | None] = {
        **drive.metrics,
        "flights_missed": sum(check.found_ms is None for check in checks),
        "flights_false": sum(check.true_ms is None for check in checks),
        "air_time_error_ms": max(differences, default=None),
        "fan_starts": len(events.fans),
        "impacts": len(events.impacts),
        "faults": len(events.faults),
        "speed_error_mps": errors["speed over ground"],
        "coolant_error_K": errors["coolant"],
        "fuel_error_L": errors["fuel"],
    }
    return {name: float(value) for name, value in values.items() if value is not None}


FIGURES: Final = (
    *METRICS, "flights_missed", "flights_false", "air_time_error_ms", "fan_starts", "impacts",
    "faults", "speed_error_mps", "coolant_error_K", "fuel_error_L",
)  # fmt: skip
"""Every figure that there is."""


def refuse_unknown(scenario: Scenario, where: str, faults: set[str]) -> None:
    """Refuse an expectation of what cannot be.

    Raises:
        ConfigError: No such figure or fault.
    """
    for kind, names, known in (
        ("figure", tuple(scenario.expect), set(FIGURES)),
        ("fault", scenario.expect_faults, faults),
    ):
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"{where}: expects of {kind} {name!r}, which there is not",
                    hint=nearest(name, sorted(known)),
                )


def judged(scenario: Scenario, values: dict[str, float], events: Events) -> tuple[Law, ...]:
    """Hold a run to what its scenario expects, one law for each expectation."""
    laws = [_bounded(name, bounds, values.get(name)) for name, bounds in scenario.expect.items()]
    seen = {fault.name for fault in events.faults}
    told = ", ".join(sorted(seen)) or "none"
    laws += [
        Law(f"fault_{name}", f"fault {name}", "pass" if name in seen else "fail", 1,
            f"faults: {told}")
        for name in scenario.expect_faults
    ]  # fmt: skip
    return tuple(laws)


def _bounded(name: str, bounds: float | tuple[float, float], value: float | None) -> Law:
    low, high = bounds if isinstance(bounds, tuple) else (bounds, bounds)
    text = f"{name} is {low:g}" if low == high else f"{name} is between {low:g} and {high:g}"
    if value is None:
        return Law(name, text, "fail", 1, f"{name} never came to be")
    is_kept = low <= value <= high
    return Law(name, text, "pass" if is_kept else "fail", 1, f"{name} is {value:g}")
