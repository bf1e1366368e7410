"""Body, suspension and tyres against closed forms."""

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.simulator.car import Car, Start
from tests.simulator.bench import GRAVITY_mps2, level_ground, lifted, lip, throttled


def centre_of_mass_m(car: Car) -> float:
    """Height of everything together."""
    body, wheel_kg = car.c.body, car.c.p.unsprung_kg
    total_kg = body.sprung_kg + 4.0 * wheel_kg
    return float((body.sprung_kg * body.z_m + wheel_kg * sum(body.wheel_m)) / total_kg)


def test_a_flight_is_a_parabola_whatever_springs_and_dampers_do() -> None:
    car = lifted(Car(level_ground(), Start(speed_mps=30.0)), 5.0)
    start_m = centre_of_mass_m(car)
    fallen_m = []

    for _ in range(900):
        car.tick()
        assert car.is_airborne
        fallen_m.append(start_m - centre_of_mass_m(car))

    time_s = np.arange(1, 901) / 1000.0
    # Half a step of the integrator's first order is all that it may differ by.
    exact_m = 0.5 * GRAVITY_mps2 * time_s * (time_s + 0.001)
    np.testing.assert_allclose(fallen_m, exact_m, atol=1e-9)


def test_in_the_air_wheels_hang_at_the_length_of_the_unloaded_spring() -> None:
    car = lifted(Car(level_ground(), Start()), 10.0)

    car.tick(1200)

    for axle in (0, 1):
        free_m = -car.c.body.preload_N[axle] / car.c.p.spring_Npm[axle]
        assert car.c.body.compression_m[2 * axle] == pytest.approx(free_m, abs=0.004)
    assert car.c.body.z_mps2 == pytest.approx(-GRAVITY_mps2, abs=0.05)


def test_a_car_at_rest_stays_at_rest_and_weighs_what_it_weighs() -> None:
    car = Car(level_ground(), Start(fuel_L=400.0, is_running=False))
    weight_N = GRAVITY_mps2 * (car.c.body.sprung_kg + 4.0 * car.c.p.unsprung_kg)

    car.tick(2000)

    assert sum(car.c.body.load_N) == pytest.approx(weight_N, rel=1e-4)
    assert abs(car.c.body.z_mps) < 1e-3
    assert abs(car.c.body.pitch_radps) < 1e-3


def test_a_full_tank_presses_the_rear_down_by_its_share() -> None:
    empty, full = Car(level_ground(), Start(fuel_L=20.0)), Car(level_ground(), Start(fuel_L=550.0))

    empty.tick()
    full.tick()

    lower_mm = 1000.0 * (full.c.body.compression_m[2] - empty.c.body.compression_m[2])
    # 90 % of 410 kg on two springs of 60 kN/m: 30 mm for a whole tank.
    assert lower_mm == pytest.approx(30.0 * 530.0 / 550.0, abs=2.5)
    assert full.c.body.load_N[2] > empty.c.body.load_N[2] + 1500.0


def linear_response(car: Car, z_m: float, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heave of the linear half car after a push: its modes, each with frequency and decay."""
    body, p = car.c.body, car.c.p
    front, rear = body.corner_m
    # Rows: heave, pitch (nose-down), front axle, rear axle; compression of each axle by these.
    arm = np.array([[-1.0, front, 1.0, 0.0], [-1.0, rear, 0.0, 1.0]])
    stiff = np.diag([0.0, 0.0, 2.0 * p.tyre_Npm, 2.0 * p.tyre_Npm])
    damp = np.diag([0.0, 0.0, 2.0 * p.tyre_Nspm, 2.0 * p.tyre_Nspm])
    for row, k, c in zip(arm, p.spring_Npm, p.bump_Nspm, strict=True):
        stiff += 2.0 * k * np.outer(row, row)
        damp += 2.0 * c * np.outer(row, row)
    mass = np.diag([body.sprung_kg, body.pitch_kgm2, 2.0 * p.unsprung_kg, 2.0 * p.unsprung_kg])
    inverse = np.linalg.inv(mass)
    system = np.block([[np.zeros((4, 4)), np.eye(4)], [-inverse @ stiff, -inverse @ damp]])
    rate, mode = np.linalg.eig(system)
    share = np.linalg.solve(mode, np.array([z_m, 0, 0, 0, 0, 0, 0, 0], dtype=complex))
    return np.real((mode[0] * share) @ np.exp(np.outer(rate, time_s)))


@pytest.mark.parametrize("damper_Nspm", [500.0, 3500.0])
def test_heave_and_pitch_swing_as_the_modes_of_the_half_car(damper_Nspm: float) -> None:
    same = {"bump_Nspm": (damper_Nspm,) * 2, "rebound_Nspm": (damper_Nspm,) * 2}
    car = Car(level_ground(), Start(is_running=False, fuel_L=400.0), same)
    rest_m = car.c.body.z_m
    car.c.body.z_m += 0.02
    heave_m = []

    for _ in range(2000):
        car.tick()
        heave_m.append(car.c.body.z_m - rest_m)

    expected_m = linear_response(car, 0.02, np.arange(1, 2001) / 1000.0)
    np.testing.assert_allclose(heave_m, expected_m, atol=0.0004)  # 2 % of the push


def test_energy_is_kept_or_lost_to_something_that_is_named() -> None:
    # Full throttle over a jump, a landing and rough ground, then the brakes.
    car = throttled(lip(), Start(speed_mps=25.0, gear=4))
    begin_J = car.energy_J

    car.tick(4500)
    car.c.command.air_path_Nm = car.c.command.granted_Nm = -90.0
    car.c.command.brake_ratio = 0.4
    car.tick(1500)

    missing_J = car.energy_J - begin_J + car.lost_J
    assert car.c.ledger.engine_J > 800e3
    assert car.c.ledger.damper_J > 50e3
    assert abs(missing_J) < 0.005 * car.c.ledger.engine_J


def outcome(steps: int) -> NDArray[np.float64]:
    """Air time, deepest compression, shaft peak and impact of a jump, with steps of 1/steps ms."""
    car = throttled(lip(), Start(speed_mps=25.0, gear=4), steps=steps)
    car.c.command.wanted_gear = 4
    found = np.zeros(4)
    for _ in range(4000):
        car.tick()
        found[0] += car.is_airborne
        now = (car.c.body.compression_m[0], car.c.line.shaft_Nm, car.c.body.z_mps2)
        found[1:] = np.maximum(found[1:], now)
    return found


def test_finer_steps_change_little_and_ever_less() -> None:
    finest = outcome(16)

    off = {steps: np.abs(outcome(steps) / finest - 1.0) for steps in (1, 4)}

    assert np.all(off[1] < [0.015, 0.003, 0.01, 0.08]), off
    assert np.all(off[4] < [0.005, 0.001, 0.005, 0.02]), off


def test_the_same_start_gives_the_same_bytes() -> None:
    first, second = (throttled(lip(), Start(speed_mps=25.0)) for _ in range(2))

    first.tick(3000)
    second.tick(3000)

    for part in ("body", "line", "heat", "fuel"):
        assert first.bytes_of(part) == second.bytes_of(part)


def test_a_car_over_its_side_says_that_the_model_ends() -> None:
    car = lifted(Car(level_ground(), Start()), 3.0)
    car.c.body.roll_radps = 3.0

    car.tick(600)

    assert car.c.is_over
