"""Why torque is what it is."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from d7xr.explain.words import CUTS, REASONS, TEMPERATURES, TORQUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from d7xr.explain.moment import Moment, Statement

_TOPIC: Final = "torque"
_KILL, _IGNITION = 1, 2
"""Bits of torque.stop_mask."""

_NOTICEABLE_Nm: Final = 1.0


def explain(m: Moment) -> Iterator[Statement]:
    """Say what was granted, which bound won and why, and what came second."""
    reason = m.word("torque.reason")
    yield from _granted(m, reason)
    if reason != "None":
        yield m.say(_TOPIC, TORQUE["since"])
    yield from _runner_up(m, reason)
    yield m.say(_TOPIC, TORQUE["pedal"])
    if m.is_set("torque.is_cut"):
        why = m.say(_TOPIC, CUTS[_cut(m)]).text
        yield m.say(_TOPIC, TORQUE["cut"], why=why)
    if float(m["torque.air_path_Nm"]) > float(m["torque.granted_Nm"]) + _NOTICEABLE_Nm:
        yield m.say(_TOPIC, TORQUE["air_path"])


def is_bound_now(m: Moment, reason: str) -> bool:
    """Say whether a reason's bound of this tick lies below the demand: it wins by itself.

    Otherwise torque is merely still on its way up after it.
    """
    code = _code(reason)
    bound = float(m[f"torque.bound_Nm[{code}]"])
    return m.is_offered(code) and bound < float(m["torque.demand_Nm"])


def _granted(m: Moment, reason: str) -> Iterator[Statement]:
    noun = REASONS[reason].noun
    if reason == "None":
        is_overrun = float(m["torque.demand_Nm"]) < 0.0
        yield m.say(_TOPIC, TORQUE["overrun" if is_overrun else "all"])
    elif reason == "Slew":
        yield m.say(_TOPIC, TORQUE["slew"])
    elif not is_bound_now(m, reason):
        yield m.say(_TOPIC, TORQUE["rising"], noun=noun)
    else:
        yield m.say(_TOPIC, TORQUE["bound"], noun=noun)
        yield from _because(m, reason)
        bound_Nm = float(m[f"torque.bound_Nm[{_code(reason)}]"])
        if float(m["torque.granted_Nm"]) < bound_Nm - _NOTICEABLE_Nm:
            yield m.say(_TOPIC, TORQUE["below"], bound_Nm=bound_Nm)


def _because(m: Moment, reason: str) -> Iterator[Statement]:
    """Say why the bound is what it is; a fault that has healed is still being withdrawn."""
    if reason in _IS_HEALING and _IS_HEALING[reason](m):
        yield m.say(_TOPIC, TORQUE["healing"])
        return
    words = REASONS[reason]
    case = _CASE[reason](m) if reason in _CASE else ""
    template = words.cases.get(case, words.because)
    if template:
        yield m.say(_TOPIC, template, **_told(m, reason))


def _runner_up(m: Moment, reason: str) -> Iterator[Statement]:
    second = m.word("torque.runner_up")
    if second == "None":
        yield m.say(_TOPIC, TORQUE["alone"])
        return
    bound_Nm = float(m[f"torque.bound_Nm[{_code(second)}]"])
    if reason == "None" or not is_bound_now(m, reason):
        key = "nearest"
    elif float(m["torque.margin_Nm"]) < _NOTICEABLE_Nm:
        key = "runner_up_equal"
    else:
        key = "runner_up"
    yield m.say(_TOPIC, TORQUE[key], noun=REASONS[second].noun, bound_Nm=bound_Nm)


def _cut(m: Moment) -> str:
    if int(m["torque.stop_mask"]):
        return "stop"
    return "rev" if m.is_set("torque.is_rev_cut") else "flight"


# ---- which of several cases a reason is in


def _pedal(m: Moment) -> str:
    return m.word("demand.pedal")


def _restrictor(m: Moment) -> str:
    return "assumed" if m.is_set("intake.is_assumed") else ""


def _temperature(index: int) -> Callable[[Moment], str]:
    def case(m: Moment) -> str:
        if m.is_set(f"derate.is_limp[{index}]"):
            return "limp"
        start_degC = m.cal(f"derate.start_degC[{index}]")
        return "after" if float(m[f"temperature[{index}].degC"]) <= start_degC else ""

    return case


def _suspect(m: Moment) -> str:
    return "rough" if m.is_set("flight_mode.is_rough") else ""


def _air(m: Moment) -> str:
    if m.is_set("flight_mode.is_alone"):
        return "alone"
    return "blind" if int(m["flight_mode.evidence.usable_wheels"]) == 0 else ""


def _ramp(m: Moment) -> str:
    if int(m["flight_mode.low_suspect_ticks"]) and not m.is_set("flight_mode.is_locked_out"):
        return "leaving"
    differ = abs(float(m["flight_mode.overspeed_ratio"])) > m.cal("flight_mode.agree_ratio")
    waited = int(m["flight_mode.disagree_ticks"]) > m.cal("flight_mode.agree_wait_ms")
    has_wheels = int(m["flight_mode.evidence.usable_wheels"]) > 0
    return "waits" if differ and not waited and has_wheels else ""


def _limp(m: Moment) -> str:
    return "gearbox" if _lost_temperature(m) is None else "temperature"


def _stop(m: Moment) -> str:
    mask = int(m["torque.stop_mask"])
    return {_KILL: "kill", _IGNITION: "ignition", _KILL | _IGNITION: "both"}.get(mask, "")


_CASE: Final[Mapping[str, Callable[[Moment], str]]] = {
    "Driver": _pedal,
    "Restrictor": _restrictor,
    "Coolant": _temperature(0),
    "EngineOil": _temperature(1),
    "ChargeAir": _temperature(2),
    "GearboxOil": _temperature(3),
    "FlightSuspect": _suspect,
    "FlightAir": _air,
    "FlightRamp": _ramp,
    "SensorLimp": _limp,
    "Stop": _stop,
}

_IS_HEALING: Final[Mapping[str, Callable[[Moment], bool]]] = {
    "Driver": lambda m: m.word("demand.pedal") == "Both",
    "SensorLimp": lambda m: _lost_temperature(m) is None and m.is_set("inputs.gear.is_usable"),
    "Link": lambda m: m.is_set("inputs.engine_speed_rpm.is_usable"),
    "Stop": lambda m: int(m["torque.stop_mask"]) == 0,
}
"""Reasons of faults: whether the cause is gone and merely the bound is left."""


def _lost_temperature(m: Moment) -> int | None:
    """Return the lost temperature that binds most, or None where none is lost."""
    lost = [i for i in range(len(TEMPERATURES)) if m.is_set(f"derate.is_fallback[{i}]")]
    return min(lost, key=lambda i: float(m[f"derate.bound_Nm[{i}]"]), default=None)


def _told(m: Moment, reason: str) -> dict[str, str]:
    if reason == "SensorLimp":
        return {"what": TEMPERATURES[_lost_temperature(m) or 0]}
    if reason == "Driver":
        return {"first": track(m, 1), "second": track(m, 2)}
    return {}


def track(m: Moment, number: int) -> str:
    """Return what a pedal track reads; the value of an unusable one is not for reading."""
    name = f"inputs.accelerator_{number}_pct"
    if not m.is_set(f"{name}.is_usable"):
        return "nothing"
    return m.say(_TOPIC, f"{{{name}.value}}").text


@cache
def _codes() -> Mapping[str, int]:
    from d7xr.ecu import choices_of

    return {word: code for code, word in choices_of("torque_reason_t").items()}


def _code(reason: str) -> int:
    return _codes()[reason]
