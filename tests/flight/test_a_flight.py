"""A flight, from the last tyre that leaves to torque given back."""

from dataclasses import replace

import numpy as np
import pytest

from d7xr.ecu import faults
from tests.car import G_mps2, dampers, pedal, wheels
from tests.flight.flights import (
    AIR,
    LANDING,
    RAMP,
    SUSPECT,
    GROUND_radps,
    Jump,
    STATIC_mm,
    calibrated,
    fault_is_active,
    first_ms,
    fly,
    fly_with_driven_wheels,
    flying_start,
    is_in,
    joined,
    spans_ms,
    states,
)  # fmt: skip

JUMP = Jump(air_ms=400)
WHOLE_FLIGHT = ["Ground", "Suspect", "Air", "Landing", "Ramp", "Ground"]
LENGTHS_ms = (150, 165, 180, 200, 250, 300, 400, 550, 700, 1000, 1500, 2000, 2450)
FLIGHT_TIMEOUT = next(f.number for f in faults() if f.name == "FlightTimeout")
FULL_Nm = 750.0


def test_a_clean_flight_goes_through_every_state_in_order_and_tells_why() -> None:
    flown = fly(JUMP)

    assert states(flown) == WHOLE_FLIGHT
    assert flown.texts("flight_mode.cause") == [
        "Start", "LowForce", "DampersAgree", "DamperHit", "HoldOver", "Restored",
    ]  # fmt: skip
    assert flown["flight_mode.flight_count"][-1] == 1
    assert flown["flight_mode.record.number"][-1] == 1
    assert flown["flight_mode.record.is_touched_down"][-1] == 1


@pytest.mark.parametrize("is_lip", [False, True], ids=["edge", "lip"])
@pytest.mark.parametrize("air_ms", LENGTHS_ms)
def test_a_flight_of_any_length_is_found_in_time_and_measured(air_ms: int, is_lip: bool) -> None:
    # The bus samples every 5 ms: the take-off falls on several of its phases.
    for lead_ms in (300, 302, 304):
        jump = Jump(air_ms, lead_ms=lead_ms, is_lip=is_lip)
        flown = fly(jump)

        assert states(flown) == WHOLE_FLIGHT
        assert first_ms(is_in(flown, SUSPECT)) - jump.lead_ms <= 61
        assert first_ms(is_in(flown, AIR)) - jump.lead_ms <= 120
        assert first_ms(is_in(flown, LANDING)) - jump.touchdown_ms <= 30
        assert abs(int(flown["flight_mode.record.air_time_ms"][-1]) - air_ms) <= 20
        back = flown["torque.granted_Nm"][jump.touchdown_ms :] >= 0.9 * FULL_Nm
        assert first_ms(back) <= 450


@pytest.mark.parametrize("hung_ms", [120, 150, 170, 190])
def test_a_car_that_hung_over_a_lip_for_the_length_of_a_suspicion_is_still_found_flying(
    hung_ms: int,
) -> None:
    jump = Jump(300, lead_ms=400)
    seen = jump.signals()
    force_mps2 = np.array(seen["SpecificForceZ_mps2"])
    force_mps2[jump.lead_ms - hung_ms : jump.lead_ms] = 3.8

    flown = flying_start().drive(jump.duration_ms, **seen | {"SpecificForceZ_mps2": force_mps2})

    assert flown["flight_mode.flight_count"][-1] == 1
    assert first_ms(is_in(flown, AIR)) - jump.lead_ms <= 120


def test_rising_off_a_lip_and_falling_over_an_edge_are_found_alike() -> None:
    edge = fly(JUMP)
    lip = fly(replace(JUMP, is_lip=True))

    for state in (SUSPECT, AIR):
        assert abs(first_ms(is_in(edge, state)) - first_ms(is_in(lip, state))) <= 10


def test_a_suspicion_takes_torque_by_spark_alone_and_leaves_the_engine_burning() -> None:
    flown = fly(JUMP)

    suspect = is_in(flown, SUSPECT)
    assert np.all(flown["torque.granted_Nm"][suspect] <= 0.3 * FULL_Nm + 0.01)
    assert np.all(flown["torque.granted_Nm"][suspect] > 0.0)
    assert np.all(flown["torque.air_path_Nm"][suspect] == FULL_Nm)
    assert not flown["torque.is_cut"][suspect].any()


def test_a_suspicion_that_passes_gives_the_torque_back_at_the_stated_rate() -> None:
    passed = flying_start().drive(
        600, SpecificForceZ_mps2=lambda t: np.where(t < 0.075, 0.0, G_mps2)
    )

    assert states(passed) == ["Ground", "Suspect", "Ground"]
    granted = passed["torque.granted_Nm"]
    assert np.diff(granted).max() <= 3.0 + 0.01
    assert granted[-1] == FULL_Nm


def test_torque_in_the_air_matches_the_wheels_to_the_ground() -> None:
    slow = fly(Jump(1000), wheels(lambda t: GROUND_radps - np.minimum(20 * t, 12.0)))

    # Wheels that fall behind the ground get torque in proportion, never more than before the flight
    air = is_in(slow, AIR)
    evidence = "flight_mode.evidence."
    lack = slow[evidence + "reference_radps"][air] - slow[evidence + "wheel_speed_radps"][air]
    asked = np.clip(8.0 * lack, 0.0, FULL_Nm)
    assert np.allclose(slow["flight_mode.bound_Nm"][air], asked, atol=0.01)
    assert slow["torque.granted_Nm"][air][-1] > 60.0


def test_the_wheels_of_a_flying_car_do_not_tell_its_speed() -> None:
    # No satellite, and wheels that run away: what was known at take-off fades by drag
    car = flying_start(silent=("VehicleMotion",))
    flown = fly(Jump(1500), wheels(lambda t: GROUND_radps * (1.0 + np.clip(t, 0, 0.6))), car=car)

    reference = flown["flight_mode.evidence.reference_radps"][is_in(flown, AIR)]
    assert np.diff(reference).max() <= 0.0
    assert 0.01 < 1.0 - reference[1000] / reference[0] < 0.03
    assert reference[0] == pytest.approx(GROUND_radps, rel=0.1)
    assert np.ptp(flown["flight_mode.evidence.speed_mps"][is_in(flown, AIR)]) == 0.0


def test_vibration_does_not_hide_a_flight() -> None:
    # 0.6 g at 37 Hz: every other sample lies above the bound
    shaking = Jump(600)
    force = np.array(shaking.signals()["SpecificForceZ_mps2"])
    time_s = np.arange(shaking.duration_ms) / 1000.0
    flown = fly(
        shaking, {"SpecificForceZ_mps2": force + 0.6 * G_mps2 * np.sin(2 * np.pi * 37 * time_s)}
    )

    assert states(flown) == WHOLE_FLIGHT
    assert first_ms(is_in(flown, AIR)) - shaking.lead_ms <= 130


def test_wheels_too_fast_in_the_air_get_no_torque_and_a_cut_until_half_of_it() -> None:
    flown = fly(Jump(700), wheels(lambda t: GROUND_radps * (1.15 - 0.2 * t)))

    air = is_in(flown, AIR)
    over = flown["flight_mode.overspeed_ratio"][air]
    cut = flown["torque.is_cut"][air] != 0
    assert np.all(flown["torque.granted_Nm"][air][over > 0] == 0.0)
    assert np.all(cut[over > 0.05])
    assert not cut[over < 0.025].any()


def test_the_landing_holds_what_was_granted_in_the_air() -> None:
    flown = fly(JUMP, wheels(GROUND_radps - 5.0))

    landing = is_in(flown, LANDING)
    held = flown["torque.granted_Nm"][landing]
    assert spans_ms(landing) == [20]
    assert held.max() - held.min() < 0.01
    assert held[0] == pytest.approx(flown["flight_mode.record.granted_at_landing_Nm"][-1])
    assert 20.0 < held[0] < 60.0


def test_torque_never_steps_up_around_a_flight() -> None:
    flown = fly(JUMP)

    assert np.diff(flown["torque.granted_Nm"]).max() <= 3.0 + 0.01


def test_a_driver_who_lifts_in_the_air_gets_it_at_once() -> None:
    flown = fly(JUMP, pedal(lambda t: np.where(t < 0.3, 100.0, 0.0)))

    demand = flown["torque.demand_Nm"]
    assert demand[315] == pytest.approx(-90.0)
    assert np.all(flown["torque.granted_Nm"] <= demand)
    assert states(flown) == WHOLE_FLIGHT


def test_wheels_that_disagree_after_the_landing_are_waited_for_and_then_not_any_more() -> None:
    # Wheels 60 % too fast come down on sand, which takes most of a second to bring them back
    slow = Jump(air_ms=500, overspeed=0.6, sync_ms=2000.0)
    flown = fly(slow)

    ramp = is_in(flown, RAMP)
    risen = flown["torque.granted_Nm"][ramp] > flown["flight_mode.record.granted_at_landing_Nm"][-1]
    assert flown["flight_mode.overspeed_ratio"][ramp][200] > 0.25
    assert first_ms(risen) == pytest.approx(151, abs=3)
    assert states(flown)[-1] == "Ground"


def test_wheels_that_agree_are_not_waited_for() -> None:
    flown = fly(JUMP)

    ramp = flown["torque.granted_Nm"][is_in(flown, RAMP)]
    assert first_ms(ramp > flown["flight_mode.record.granted_at_landing_Nm"][-1]) <= 2


@pytest.mark.parametrize("bounce_ms", [50, 60, 70])
def test_a_bounce_too_short_to_be_a_flight_only_halts_the_ramp(bounce_ms: int) -> None:
    signals = joined(Jump(400, after_ms=150), Jump(bounce_ms, lead_ms=10))
    flown = flying_start().drive(400 + 250 + bounce_ms + 1510, **signals)

    assert states(flown) == WHOLE_FLIGHT
    ceiling = flown["flight_mode.ceiling_Nm"][is_in(flown, RAMP)]
    assert np.diff(ceiling).min() >= 0.0
    assert max(spans_ms(np.diff(ceiling) == 0.0)) >= bounce_ms - 20


@pytest.mark.parametrize("bounce_ms", [150, 300, 500])
def test_a_second_bounce_keeps_the_torque_of_the_ramp_and_goes_on_from_there(
    bounce_ms: int,
) -> None:
    # Wheels a little slow in the first flight, far too slow in the second: matching alone would ask
    # for more than the ramp has given back so far
    first, second = Jump(400, after_ms=190), Jump(bounce_ms, lead_ms=10)
    slow = np.repeat([GROUND_radps - 5.0, GROUND_radps - 35.0], [550, second.duration_ms + 140])
    slow_ramp = calibrated(flight_mode__agree_ratio=1.0, flight_mode__restore_Nmps=1000.0)
    flown = flying_start(slow_ramp).drive(len(slow), **{**joined(first, second), **wheels(slow)})

    assert states(flown) == [*WHOLE_FLIGHT[:-1], "Air", "Landing", "Ramp", "Ground"]
    assert flown["flight_mode.flight_count"][-1] == 2
    again = first.duration_ms + first_ms(is_in(flown, AIR)[first.duration_ms :])
    assert flown["flight_mode.is_bounce"][again] == 1
    ramp_Nm = float(flown["torque.granted_Nm"][again - 1])
    assert 150.0 < ramp_Nm < 300.0
    bounce = np.flatnonzero(is_in(flown, AIR, LANDING))
    held = flown["torque.granted_Nm"][bounce[bounce >= again]]
    assert np.all(held == held[0])
    assert held[0] == pytest.approx(ramp_Nm)
    after = flown["torque.granted_Nm"][bounce[-1] + 1 :]
    assert after[0] == pytest.approx(ramp_Nm, abs=1.1)
    assert np.diff(after)[:200].min() > 0.9


def test_a_false_landing_in_the_air_costs_a_ramp_that_stands_and_the_flight_goes_on() -> None:
    # One damper lies for 25 ms, half a second into a long flight
    jump = Jump(1200)
    lying = np.array(jump.signals()["DamperTravelRL_mm"])
    lying[600:625] += np.arange(25) * 2.0
    flown = fly(jump, {"DamperTravelRL_mm": lying} | wheels(GROUND_radps - 5.0))

    assert states(flown) == [*WHOLE_FLIGHT[:-1], "Air", "Landing", "Ramp", "Ground"]
    false_ramp = np.flatnonzero(is_in(flown, RAMP))[:100]
    assert false_ramp[-1] < 800
    held_Nm = flown["torque.granted_Nm"][false_ramp[0] - 1]
    assert np.all(flown["torque.granted_Nm"][false_ramp] == held_Nm)
    assert abs(int(flown["flight_mode.record.air_time_ms"][-1]) - jump.air_ms) <= 20


def test_a_flight_that_never_ends_times_out_and_locks_until_the_force_is_back() -> None:
    car = flying_start()
    endless = fly(Jump(6000), wheels(GROUND_radps), car=car, duration_ms=6000)

    # 2.5 s after the force went: torque comes back, the fault says why, and no second flight begins
    assert states(endless) == ["Ground", "Suspect", "Air", "Ramp", "Ground"]
    assert "AirTimeout" in endless.texts("flight_mode.cause")
    flown_ms = first_ms(is_in(endless, RAMP)) - 100
    assert flown_ms == pytest.approx(2510, abs=15)
    assert endless["flight_mode.record.is_touched_down"][-1] == 0
    timed_out = fault_is_active(endless, FLIGHT_TIMEOUT)
    assert first_ms(timed_out) == first_ms(is_in(endless, RAMP))
    assert timed_out[-1]
    assert endless["torque.granted_Nm"][-1] == FULL_Nm

    # Force back for 20 ms: Flight Mode is at work again
    ground = car.drive(1000, SpecificForceZ_mps2=G_mps2, **dampers(STATIC_mm))
    assert first_ms(ground["flight_mode.is_locked_out"] == 0) <= 45
    again = fly(JUMP, car=car)
    assert states(again) == WHOLE_FLIGHT


def test_on_specific_force_alone_a_flight_takes_longer_lasts_shorter_and_keeps_the_precut() -> None:
    car = flying_start(silent=("DamperTravel",))
    endless = fly(Jump(3000), wheels(GROUND_radps * 1.3), car=car, duration_ms=3000)

    assert states(endless) == ["Ground", "Suspect", "Air", "Ramp", "Ground"]
    assert "NobodyToAsk" in endless.texts("flight_mode.cause")
    air = is_in(endless, AIR)
    assert 150 <= first_ms(air) - 100 <= 173
    assert first_ms(is_in(endless, RAMP)) - 100 == pytest.approx(1510, abs=15)
    assert np.allclose(endless["torque.granted_Nm"][air], 0.3 * FULL_Nm, atol=0.01)
    assert not endless["torque.is_cut"].any()
    assert fault_is_active(endless, FLIGHT_TIMEOUT)[-1]


def test_a_suspicion_that_times_out_long_after_a_flight_that_did_is_not_that_fault() -> None:
    car = flying_start()
    fly(Jump(6000), wheels(GROUND_radps), car=car, duration_ms=3500)
    car.drive(8000, SpecificForceZ_mps2=G_mps2, **dampers(STATIC_mm))
    stuck = car.drive(1000, SpecificForceZ_mps2=0.5)

    assert "SuspectTimeout" in stuck.texts("flight_mode.cause")
    assert not fault_is_active(stuck, FLIGHT_TIMEOUT).any()


def test_a_sensor_that_lies_at_zero_after_a_landing_does_not_hold_the_torque() -> None:
    car = flying_start()
    fly(JUMP, car=car, duration_ms=JUMP.touchdown_ms + 100)
    assert car.ecu.text("flight_mode.state") == "Ramp"

    stuck = car.drive(1500, SpecificForceZ_mps2=0.5, **dampers(STATIC_mm), **wheels(GROUND_radps))

    assert stuck["torque.granted_Nm"][800] == FULL_Nm
    assert stuck["torque.granted_Nm"][800:].min() == FULL_Nm


@pytest.mark.parametrize("gain_radps2", [92.0, 108.0], ids=["fifth gear", "third gear"])
@pytest.mark.parametrize("air_ms", [200, 400, 900])
def test_the_wheels_meet_the_ground_within_a_quarter_of_its_speed(
    air_ms: int, gain_radps2: float
) -> None:
    _, wheel_radps = fly_with_driven_wheels(Jump(air_ms), gain_radps2=gain_radps2)

    assert -0.03 < wheel_radps / GROUND_radps - 1.0 < 0.25
