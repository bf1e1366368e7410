"""Which faults are active, and which sensors are not believed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from d7xr.explain.moment import duration, quantity
from d7xr.explain.torque import track
from d7xr.explain.words import CORNERS, FAULTS, SENSORS, TEMPERATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.ecu import Input
    from d7xr.explain.moment import Moment, Statement

_FAULTS: Final = "faults"
_SENSORS: Final = "sensors"
_NEVER_TICKS: Final = 65_535
_EVIDENCE: Final = "flight_mode.evidence"


def explain(m: Moment) -> Iterator[Statement]:
    """Say which faults are active, what the unit saw and what it does about it."""
    from d7xr.ecu import faults

    active = [fault for fault in faults() if fault.number in m.fault_since]
    if not active:
        yield m.say(_FAULTS, FAULTS["none"])
    for fault in active:
        yield m.say(
            _FAULTS,
            FAULTS["active"],
            name=fault.name,
            code=fault.code,
            severity=fault.severity.lower(),
            saw=fault.saw,
            does=fault.does,
            crew=fault.crew,
            span=duration(m.tick + 1 - m.fault_since[fault.number]),
        )


def explain_sensors(m: Moment) -> Iterator[Statement]:
    """Say which input is not believed, and why."""
    found = [*_inputs(m), *_inertial(m), *_dampers(m), *_temperatures(m), *_pedals(m)]
    yield from found or [m.say(_SENSORS, SENSORS["all_believed"])]


def _inputs(m: Moment) -> Iterator[Statement]:
    from d7xr.ecu import inputs

    silent: set[int] = set()
    for entry in inputs():
        age = int(m[f"inputs.age_ticks[{entry.group}]"])
        most = m.cal(f"inputs.max_age_ms[{entry.group}]")
        if age > most:
            if entry.group not in silent:
                silent.add(entry.group)
                yield _silent(m, entry, age, most)
        elif not m.is_set(f"inputs.{entry.name}.is_valid"):
            yield _invalid(m, entry)


def _silent(m: Moment, entry: Input, age: int, most: float) -> Statement:
    message = _messages()[entry.group]
    if age >= min(m.tick + 1, _NEVER_TICKS):
        return m.say(_SENSORS, SENSORS["never"], message=message)
    return m.say(
        _SENSORS, SENSORS["silent"], message=message, age=duration(age), most=quantity(most, "ms")
    )


def _invalid(m: Moment, entry: Input) -> Statement:
    unit = m.fields[f"inputs.{entry.name}.value"].unit
    return m.say(
        _SENSORS,
        SENSORS["invalid"],
        what=entry.name,
        low=quantity(entry.minimum, unit),
        high=quantity(entry.maximum, unit),
    )


def _inertial(m: Moment) -> Iterator[Statement]:
    if m.is_set(f"{_EVIDENCE}.is_inertial_frozen"):
        yield m.say(_SENSORS, SENSORS["frozen"])


def _dampers(m: Moment) -> Iterator[Statement]:
    for i, corner in enumerate(CORNERS):
        name = f"inputs.damper_travel_{['fl', 'fr', 'rl', 'rr'][i]}_mm"
        is_usable = m.is_set(f"{_EVIDENCE}.corner[{i}].is_usable")
        if m.is_set(f"{name}.is_usable") and not is_usable:
            span = duration(int(m[f"{_EVIDENCE}.corner[{i}].still_ticks"]))
            yield m.say(_SENSORS, SENSORS["stuck"], corner=corner, span=span)


def _temperatures(m: Moment) -> Iterator[Statement]:
    for i, what in enumerate(TEMPERATURES):
        if m.word(f"temperature[{i}].state") == "Lost" and m.is_set(f"temperature[{i}].is_known"):
            is_at = m.say(_SENSORS, f"{{temperature[{i}].degC}}").text
            span = duration(int(m[f"temperature[{i}].lost_ticks"]))
            yield m.say(
                _SENSORS, SENSORS["temperature"], what=what.capitalize(), degC=is_at, span=span
            )


def _pedals(m: Moment) -> Iterator[Statement]:
    if m.word("demand.pedal") == "Disagree":
        is_healing = int(m["demand.agree_ticks"]) > 0
        yield m.say(
            _SENSORS,
            SENSORS["pedals_healing" if is_healing else "pedals"],
            first=track(m, 1),
            second=track(m, 2),
        )


@cache
def _messages() -> tuple[str, ...]:
    from d7xr.database import Database
    from d7xr.replay import heard

    return heard(Database.own())
