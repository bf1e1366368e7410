"""The half car against what can be worked out on paper."""

import math

import pytest

from d7xr.demo.vehicle import GRAVITY_MPS2, HalfCar, HalfCarParameters

DT_S = 0.00025
LEVEL = (0.0, 0.0)


def roll_on(car: HalfCar, seconds: float, dt_s: float = DT_S) -> None:
    for _ in range(round(seconds / dt_s)):
        car.step(dt_s, LEVEL, LEVEL)


def lift(car: HalfCar, height_m: float, climb_mps: float) -> None:
    """Put the whole car into the air with its springs at the length of zero force."""
    hang_m = car.parameters.static_deflection_m
    car.body_m = height_m
    car.body_mps = climb_mps
    car.axle_m = (height_m - hang_m, height_m - hang_m)
    car.axle_mps = (climb_mps, climb_mps)


def centre_m(car: HalfCar) -> float:
    """Return the height of the centre of gravity of body and axles together."""
    p = car.parameters
    return (p.sprung_kg * car.body_m + p.unsprung_kg * sum(car.axle_m)) / p.total_kg


def test_a_car_at_rest_stays_at_rest() -> None:
    car = HalfCar()
    roll_on(car, 2.0)
    assert abs(car.body_m) < 1e-9
    assert abs(car.pitch_rad) < 1e-9
    assert sum(car.load_N) == pytest.approx(3000.0 * GRAVITY_MPS2)


def test_static_deflection_is_weight_over_stiffness() -> None:
    assert HalfCarParameters().static_deflection_m == pytest.approx(0.110, abs=0.001)


def test_a_front_axle_on_a_step_pitches_the_body_by_height_over_wheelbase() -> None:
    car = HalfCar()
    for _ in range(round(6.0 / DT_S)):
        car.step(DT_S, (0.03, 0.0), LEVEL)
    assert car.pitch_rad == pytest.approx(-0.03 / 3.0, rel=1e-3)
    assert car.body_m == pytest.approx(0.015, rel=1e-3)
    assert sum(car.load_N) == pytest.approx(3000.0 * GRAVITY_MPS2, rel=1e-6)


@pytest.mark.parametrize("climb_mps", [1.5, 3.0, 6.0])
def test_the_centre_of_gravity_of_a_flying_car_draws_a_parabola(climb_mps: float) -> None:
    car = HalfCar()
    lift(car, 1.0, climb_mps)
    start_m, rise_s = centre_m(car), climb_mps / GRAVITY_MPS2
    roll_on(car, rise_s)
    assert centre_m(car) == pytest.approx(start_m + climb_mps**2 / 2.0 / GRAVITY_MPS2, abs=0.002)
    roll_on(car, rise_s)
    assert car.is_airborne
    assert centre_m(car) == pytest.approx(start_m, abs=0.002)


def test_air_time_from_a_drop_is_the_root_of_twice_the_height_over_g() -> None:
    # Given tyres 0.5 m above the ground: at zero force a tyre is as tall as it is unloaded
    car = HalfCar()
    p = car.parameters
    tyre_m = p.total_kg * GRAVITY_MPS2 / (2.0 * p.tyre_Npm)
    lift(car, 0.5 + p.static_deflection_m + tyre_m, 0.0)
    car.step(DT_S, LEVEL, LEVEL)
    assert car.is_airborne

    steps = 1
    while car.is_airborne:
        car.step(DT_S, LEVEL, LEVEL)
        steps += 1

    # The tyre's damper feels the ground a moment before its spring does.
    assert steps * DT_S == pytest.approx(math.sqrt(2.0 * 0.5 / GRAVITY_MPS2), abs=0.004)


def test_in_flight_the_springs_relax_to_zero_force_and_not_to_the_droop_stop() -> None:
    car = HalfCar()
    lift(car, 5.0, 4.0)
    car.axle_m = (car.body_m - 0.02, car.body_m - 0.02)  # still compressed at take-off
    roll_on(car, 0.8)
    travel_mm = 1000.0 * (car.parameters.droop_travel_m + car.compression_m[0])
    assert travel_mm == pytest.approx(20.0, abs=3.0)


def test_both_stops_hold_a_hard_landing_within_a_hand_of_the_travel() -> None:
    car = HalfCar()
    lift(car, 2.0, 0.0)
    deepest_m, highest_g = 0.0, 0.0
    for _ in range(round(2.0 / DT_S)):
        car.step(DT_S, LEVEL, LEVEL)
        deepest_m = max(deepest_m, *car.compression_m)
        highest_g = max(highest_g, 1.0 + car.body_mps2 / GRAVITY_MPS2)
        assert min(car.load_N) >= 0.0
    assert 0.170 < deepest_m < 0.270
    assert 8.0 < highest_g < 20.0


def test_half_the_step_lands_the_same() -> None:
    heights_m = []
    for dt_s in (DT_S, DT_S / 2.0):
        car = HalfCar()
        lift(car, 0.8, 1.0)
        roll_on(car, 1.1, dt_s)
        heights_m.append(car.body_m)
    assert heights_m[0] == pytest.approx(heights_m[1], abs=0.003)


def test_a_moment_nose_up_lifts_the_nose_and_loads_the_rear() -> None:
    car = HalfCar()
    for _ in range(round(4.0 / DT_S)):
        car.step(DT_S, LEVEL, LEVEL, -9000.0)
    assert car.pitch_rad < -0.01
    assert car.load_N[1] - car.load_N[0] == pytest.approx(2.0 * 9000.0 / 3.0, rel=1e-3)
