"""Why Flight Mode is in the state it is in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from d7xr.explain.words import DETECTORS, FLIGHT, FLIGHT_CAUSES, FLIGHT_STATES, PERMISSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.explain.moment import Moment, Statement

_TOPIC: Final = "flight"
_EVIDENCE: Final = "flight_mode.evidence"
_NOT_DRIVEN: Final = {0: "neutral", 9: "reverse", 10: "park"}
_CORNERS_NEEDED: Final = 3


def explain(m: Moment) -> Iterator[Statement]:
    """Say the state, what brought it about, and what each kind of evidence says now."""
    yield m.say(_TOPIC, FLIGHT_STATES[m.word("flight_mode.state")])
    yield m.say(_TOPIC, FLIGHT_CAUSES[m.word("flight_mode.cause")])
    yield m.say(_TOPIC, DETECTORS[m.word("flight_mode.detector_mode")])
    yield from _force(m)
    yield from _dampers(m)
    yield from _wheels(m)
    yield m.say(_TOPIC, FLIGHT["confidence"])
    yield from _permission(m)
    if m.is_set("flight_mode.is_rough"):
        yield m.say(_TOPIC, FLIGHT["rough"])
    if m.is_set("flight_mode.is_locked_out"):
        yield m.say(_TOPIC, FLIGHT["locked"])


def _force(m: Moment) -> Iterator[Statement]:
    if not m.is_set(f"{_EVIDENCE}.is_inertial_usable"):
        return
    if m.is_set(f"{_EVIDENCE}.is_low_air"):
        key = "force_air"
    elif m.is_set(f"{_EVIDENCE}.is_low_suspect"):
        key = "force_suspect"
    elif m.is_set(f"{_EVIDENCE}.is_force_back"):
        key = "force_back"
    else:
        key = "force_between"
    norm_mps2 = math.sqrt(max(float(m[f"{_EVIDENCE}.norm2_m2ps4"]), 0.0))
    yield m.say(_TOPIC, FLIGHT[key], norm_mps2=norm_mps2)


def _dampers(m: Moment) -> Iterator[Statement]:
    if m.is_set(f"{_EVIDENCE}.is_damper_usable"):
        is_out = int(m[f"{_EVIDENCE}.corners_out"]) >= _CORNERS_NEEDED
        yield m.say(_TOPIC, FLIGHT["dampers_out" if is_out else "dampers_in"])


def _wheels(m: Moment) -> Iterator[Statement]:
    if not m.is_set(f"{_EVIDENCE}.is_wheel_usable"):
        return
    overspeed_ratio = float(m["flight_mode.overspeed_ratio"])
    if m.is_set(f"{_EVIDENCE}.is_wheel_flying"):
        yield m.say(_TOPIC, FLIGHT["wheels_away"])
    else:
        yield m.say(
            _TOPIC,
            FLIGHT["wheels_calm"],
            overspeed_pct=100.0 * abs(overspeed_ratio),
            faster="faster" if overspeed_ratio >= 0.0 else "slower",
        )


def _permission(m: Moment) -> Iterator[Statement]:
    if m.is_set("flight_mode.is_permitted"):
        return
    gear = int(m["inputs.gear.value"]) if m.is_set("inputs.gear.is_usable") else -1
    if gear in _NOT_DRIVEN:
        yield m.say(_TOPIC, PERMISSION["gear"], gear=_NOT_DRIVEN[gear])
    if m.is_set("inputs.flight_switch.is_usable") and not int(m["inputs.flight_switch.value"]):
        yield m.say(_TOPIC, PERMISSION["switch"])
    if not m.is_set(f"{_EVIDENCE}.is_speed_usable"):
        yield m.say(_TOPIC, PERMISSION["speed"])
    elif float(m[f"{_EVIDENCE}.speed_mps"]) <= m.cal("flight_mode.min_speed_mps"):
        yield m.say(_TOPIC, PERMISSION["slow"])
