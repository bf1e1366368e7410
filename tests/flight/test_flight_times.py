"""Durations: each transition needs its dwell to the millisecond, and no counter ever wraps."""

import numpy as np
import pytest

from d7xr.ecu import Ecu
from tests.car import Car, G_mps2, Stretch, dampers
from tests.flight.flights import (
    AIR,
    LANDING,
    RAMP,
    SUSPECT,
    Jump,
    STATIC_mm,
    first_ms,
    fly,
    flying_start,
    is_in,
    patched,
    spans_ms,
    states,
)

JUMP = Jump(400)
COUNTER_MAX = 2**16 - 1


def dips(length_ms: int, *, travel_mm: float) -> Stretch:
    """Let the force go for a while, with all dampers in one place."""
    force = np.where(np.arange(700) < length_ms, 0.0, G_mps2)
    return flying_start().drive(700, SpecificForceZ_mps2=force, **dampers(travel_mm))


# ---- a condition that holds for its dwell, and for one tick less


@pytest.mark.parametrize("length_ms", range(30, 61, 5))
def test_suspect_needs_its_40_ms_to_the_millisecond(length_ms: int) -> None:
    driven = dips(length_ms, travel_mm=STATIC_mm)

    longest_ms = int(driven["flight_mode.low_suspect_ticks"].max())
    suspect = is_in(driven, SUSPECT)
    assert suspect.any() == (longest_ms >= 40)
    if suspect.any():
        assert driven["flight_mode.low_suspect_ticks"][first_ms(suspect)] == 40


@pytest.mark.parametrize("length_ms", range(80, 111, 5))
def test_air_needs_its_90_ms_to_the_millisecond(length_ms: int) -> None:
    driven = dips(length_ms, travel_mm=60.0)

    longest_ms = int(driven["flight_mode.low_air_ticks"].max())
    air = is_in(driven, AIR)
    assert air.any() == (longest_ms >= 90)
    if air.any():
        assert driven["flight_mode.low_air_ticks"][first_ms(air)] == 90


@pytest.mark.parametrize("length_ms", range(5, 56, 5))
def test_air_ends_without_a_landing_when_the_force_is_back_for_40_ms(length_ms: int) -> None:
    # A gust that carries the car: the force is back at 0.8 g, no damper moves, and then it is gone
    car = flying_start()
    fly(Jump(2000), car=car, duration_ms=1000)
    force = np.where(np.arange(400) < length_ms, 0.8 * G_mps2, 0.0)
    carried = car.drive(400, SpecificForceZ_mps2=force)

    longest_ms = int(carried["flight_mode.force_back_ticks"].max())
    assert ("Ramp" in states(carried)) == (longest_ms >= 40)
    assert not is_in(carried, LANDING).any()


@pytest.mark.parametrize("length_ms", range(5, 41, 5))
def test_a_landing_needs_a_hit_of_20_ms(length_ms: int) -> None:
    car = flying_start()
    fly(Jump(2000), car=car, duration_ms=1000)
    hit = 20.0 + np.minimum(np.arange(300, dtype=np.float64), length_ms)
    landed = car.drive(300, **dampers(hit))

    longest_ms = int(landed["flight_mode.touchdown_ticks"].max())
    assert is_in(landed, LANDING).any() == (longest_ms >= 20)


def test_a_hit_that_stops_short_of_its_dwell_starts_again_from_nothing() -> None:
    car = flying_start()
    fly(Jump(2000), car=car, duration_ms=1000)
    twice = np.cumsum(np.isin(np.arange(300) // 10, (3, 9)), dtype=np.float64) + 20.0
    shaken = car.drive(300, **dampers(twice))

    hit = shaken["flight_mode.touchdown_ticks"] > 0
    assert len(spans_ms(hit)) == 2
    assert states(shaken) == ["Air"]


def test_the_ramp_lasts_at_least_its_100_ms_even_with_nothing_to_give_back() -> None:
    car = flying_start()
    flown = fly(JUMP, {"AcceleratorTrack1_pct": 0.0, "AcceleratorTrack2_pct": 0.0}, car=car)

    assert spans_ms(is_in(flown, RAMP)) == [100]


# ---- counters at their end

STEADY = (
    "flight_mode.force_back_ticks",
    "flight_mode.state_ticks",
    "flight_mode.air_ticks",
    "flight_mode.disagree_ticks",
    "flight_mode.suspect_age_ticks[0]",
    "flight_mode.suspect_age_ticks[1]",
    "since_start_ticks",
)
"""Counters that go on while nothing happens, or keep what the last flight left."""


def same_flight(car: Car) -> Stretch:
    return fly(JUMP, car=car)


OBSERVED = (
    "flight_mode.state",
    "flight_mode.bound_Nm",
    "flight_mode.record.air_time_ms",
    "torque.granted_Nm",
    "torque.reason",
)


@pytest.mark.parametrize("left_ms", [0, 1, 39, 41, 89, 91, 150, 300, 550])
def test_counters_at_their_end_change_nothing_about_a_flight(left_ms: int) -> None:
    reference = same_flight(flying_start())
    car = flying_start()
    car.ecu = patched(car.ecu, dict.fromkeys(STEADY, COUNTER_MAX - left_ms))

    late = same_flight(car)

    for name in OBSERVED:
        assert np.array_equal(late[name], reference[name]), name
    for name in ("flight_mode.force_back_ticks", "flight_mode.state_ticks"):
        before = late[name][: JUMP.lead_ms]
        assert np.array_equal(before, np.sort(before)), name
        assert before[-1] == COUNTER_MAX - max(left_ms - JUMP.lead_ms, 0), name


def test_a_flight_after_seventy_seconds_is_like_one_after_three() -> None:
    reference = same_flight(flying_start())
    car = flying_start()
    car.drive(70_000)

    late = same_flight(car)

    assert states(late) == states(reference)
    for state in (SUSPECT, AIR, LANDING, RAMP):
        assert abs(first_ms(is_in(late, state)) - first_ms(is_in(reference, state))) <= 5


def test_what_was_silent_for_longer_than_a_counter_reaches_is_still_silent() -> None:
    car = flying_start()
    car.silent |= {"InertialAccel", "DamperTravel", "WheelSpeeds"}
    car.record = ["flight_mode.missing_mask", "inputs.age_ticks[0]"]

    silent = car.drive(COUNTER_MAX + 2000)

    assert np.all(silent["flight_mode.missing_mask"][100:] == 7)
    assert silent["inputs.age_ticks[0]"][-1] == COUNTER_MAX


def test_a_sensor_that_was_still_for_longer_than_a_counter_reaches_is_still_frozen() -> None:
    car = flying_start()
    car.frozen |= {f"SpecificForce{axis}_mps2" for axis in "XYZ"}
    car.record = ["flight_mode.evidence.is_inertial_frozen", "flight_mode.evidence.still_ticks"]

    frozen = car.drive(COUNTER_MAX + 2000)

    assert np.all(frozen["flight_mode.evidence.is_inertial_frozen"][1100:] == 1)
    assert frozen["flight_mode.evidence.still_ticks"][-1] == COUNTER_MAX


# ---- the absolute tick


@pytest.mark.parametrize("lead_ms", [0, 100, 190, 250, 296, 297, 305, 400, 700])
def test_the_wrap_of_the_tick_counter_changes_nothing(lead_ms: int) -> None:
    # The counter wraps 296 ms after this tick; every cycle time divides 1000, so phases are kept
    wraps = {"tick_count": 2**32 // 1000 * 1000}
    jump = Jump(200, lead_ms=lead_ms)
    reference, car = flying_start(), flying_start()
    car.ecu = patched(car.ecu, wraps)

    early, late = fly(jump, car=reference), fly(jump, car=car)

    assert car.ecu["tick_count"] < 10_000
    for name in OBSERVED:
        assert np.array_equal(late[name], early[name]), name
    assert early.run.sent.tobytes() == late.run.sent.tobytes()


def test_air_time_of_a_flight_that_the_bounds_allow_fits_its_field() -> None:
    field = next(f for f in Ecu.fields() if f.name == "flight_mode.record.air_time_ms")

    assert 2 ** (8 * field.size) > 2500
    assert int(fly(Jump(2450))["flight_mode.record.air_time_ms"][-1]) > 2400
