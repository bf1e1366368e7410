"""Engine, converter, gears and shafts against the two-inertia formulas."""

import math
from typing import Any

import numpy as np
import pytest

from d7xr.simulator.car import Car, Start
from tests.simulator.bench import KPH, level_ground, lifted, throttled

LOSSLESS: dict[str, Any] = {"lash_deg": 0.0, "shaft_Nmsprad": 0.0, "efficiency_ratio": 1.0}


def engine_at_wheels_kgm2(car: Car) -> float:
    """Inertia of engine, converter and output as the wheels feel it."""
    p = car.c.p
    return float((p.engine_kgm2 + p.turbine_kgm2) * car.c.line.ratio**2 + p.output_kgm2)


def mean_radps(car: Car) -> float:
    """Speed of all that turns, at the wheels, whatever the shafts do in between."""
    one, two = engine_at_wheels_kgm2(car), 4.0 * car.c.p.wheel_kgm2
    turning = one * car.c.line.output_radps + two * np.mean(list(car.c.line.wheel_radps))
    return float(turning / (one + two))


def swing_hz(values: list[float]) -> float:
    """Frequency of a swing by the mean distance of its zero crossings upwards."""
    around = np.array(values) - np.mean(values)
    up = np.flatnonzero((around[:-1] < 0.0) & (around[1:] >= 0.0))
    assert up.size >= 4
    return 1000.0 * (up.size - 1) / float(up[-1] - up[0])


@pytest.mark.parametrize("gear", [2, 3, 4, 5, 6])
def test_shuffle_in_the_air_has_the_frequency_of_two_inertias(gear: int) -> None:
    car = lifted(Car(level_ground(), Start(speed_mps=20.0, gear=gear), LOSSLESS), 30.0)
    car.c.command.wanted_gear = gear
    car.tick(5)
    for corner in range(4):
        car.c.line.wheel_radps[corner] -= 2.0  # a jerk
    shaft_Nm = []

    for _ in range(900):
        car.tick()
        shaft_Nm.append(car.c.line.shaft_Nm)

    one, two = engine_at_wheels_kgm2(car), 4.0 * car.c.p.wheel_kgm2
    expected = math.sqrt(car.c.p.shaft_Nmprad * (1.0 / one + 1.0 / two)) / (2.0 * math.pi)
    assert swing_hz(shaft_Nm) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("gear", "study_Nm"), [(3, 7900.0), (4, 6300.0), (5, 4800.0)])
def test_pinned_wheels_meet_the_peak_of_the_formula(gear: int, study_Nm: float) -> None:
    # Wheels that cannot turn faster than the ground; engine and shafts come 10 rad/s too fast.
    no_drag = LOSSLESS | {"drag_Nm": 0.0}
    car = lifted(Car(level_ground(), Start(speed_mps=30.0, gear=gear), no_drag), 30.0)
    car.c.command.wanted_gear = gear
    car.c.command.is_cut = 1
    pinned_radps = car.c.line.output_radps
    car.c.line.output_radps += 10.0
    car.c.line.turbine_radps = car.c.line.engine_radps = car.c.line.output_radps * car.c.line.ratio
    peak_Nm = 0.0

    for _ in range(150):
        car.tick()
        for corner in range(4):
            car.c.line.wheel_radps[corner] = pinned_radps
        peak_Nm = max(peak_Nm, car.c.line.shaft_Nm)

    expected_Nm = 10.0 * math.sqrt(car.c.p.shaft_Nmprad * engine_at_wheels_kgm2(car))
    assert peak_Nm == pytest.approx(expected_Nm, rel=0.02)
    assert peak_Nm == pytest.approx(study_Nm, rel=0.05)  # which leaves the output's inertia out


@pytest.mark.parametrize(
    ("speed_kph", "gear", "expected_radps2"),
    [(60, 3, 108), (80, 3, 92), (100, 4, 94), (130, 5, 92)],
)
def test_wheels_run_away_in_the_air_as_the_study_says(
    speed_kph: float, gear: int, expected_radps2: float
) -> None:
    car = throttled(level_ground(), Start(speed_mps=speed_kph * KPH, gear=gear))
    car.c.line.air_Nm = car.c.line.engine_Nm = 700.0
    car.c.command.wanted_gear = gear
    car = lifted(car, 30.0)
    car.tick(60)  # the shafts wind up
    before = mean_radps(car)

    car.tick(100)

    gained_radps2 = (mean_radps(car) - before) / 0.1
    assert gained_radps2 == pytest.approx(expected_radps2, rel=0.12)


def test_spark_takes_torque_in_milliseconds_and_air_gives_it_in_tenths() -> None:
    car = throttled(level_ground(), Start(speed_mps=20.0, gear=3))
    car.tick(600)
    full_Nm = car.c.line.engine_Nm

    car.c.command.granted_Nm = 0.0
    car.tick(45)
    cut_Nm = car.c.line.engine_Nm
    car.c.command.granted_Nm = 750.0
    car.tick(45)
    back_Nm = car.c.line.engine_Nm
    car.c.command.granted_Nm = car.c.command.air_path_Nm = 0.0
    car.tick(1000)
    car.c.command.granted_Nm = car.c.command.air_path_Nm = 750.0
    car.tick(45)

    assert cut_Nm < 0.08 * full_Nm
    assert back_Nm > 0.9 * full_Nm
    assert car.c.line.engine_Nm < 0.6 * full_Nm  # that came by air


def test_a_gearbox_of_its_own_choice_shifts_up_and_never_tears_the_shaft() -> None:
    car = throttled(level_ground(4000.0), Start(speed_mps=3.0, gear=1))
    car.c.command.pedal_ratio = 1.0
    gears, peak = [], 0.0

    for _ in range(20_000):
        car.tick()
        if car.c.line.gear not in gears:
            gears.append(int(car.c.line.gear))
        if len(gears) > 1:  # the first gear's own torque is the largest there is
            peak = max(peak, car.c.line.shaft_Nm)

    assert gears == sorted(gears)
    assert gears[0] == 1
    assert gears[-1] >= 5
    assert peak < 17_000.0
    assert car.c.body.speed_mps > 38.0


def test_no_gear_is_changed_while_the_unit_forbids_it() -> None:
    car = throttled(level_ground(), Start(speed_mps=20.0, gear=3))
    car.c.command.is_shift_inhibited = 1
    car.c.command.wanted_gear = 4

    car.tick(500)
    held = int(car.c.line.gear)
    car.c.command.is_shift_inhibited = 0
    car.tick(1000)

    assert (held, int(car.c.line.gear)) == (3, 4)


def test_the_converter_multiplies_at_stall_and_locks_at_speed() -> None:
    values = {"brake_Nm": (12000.0, 12000.0)}
    car = throttled(level_ground(), Start(speed_mps=0.0, gear=1), values)
    car.c.command.brake_ratio = car.c.line.brake_ratio = 1.0

    car.tick(1500)
    stalled = car.c.line.converter_Nm / car.c.line.engine_Nm
    stall_rpm = car.c.line.engine_radps * 30.0 / math.pi
    car.c.command.brake_ratio = 0.0
    car.tick(6000)

    assert stalled == pytest.approx(1.9, abs=0.1)
    assert 1900.0 < stall_rpm < 2600.0
    assert car.c.line.is_locked
    assert car.c.line.engine_radps == car.c.line.turbine_radps


def test_brakes_stop_the_car_and_never_drive_it_back() -> None:
    car = Car(level_ground(), Start(speed_mps=20.0, gear=3))
    car.c.command.brake_ratio = 1.0

    car.tick(6000)

    assert abs(car.c.body.speed_mps) < 0.2
    assert all(abs(radps) < 0.5 for radps in car.c.line.wheel_radps)


def test_an_open_differential_lets_one_wheel_spin_and_a_held_one_less() -> None:
    def fastest(axle_Nm: float) -> float:
        values = {"axle_Nm": axle_Nm, "centre_Nm": 20000.0, "lash_deg": 0.0}
        car = throttled(level_ground(), Start(speed_mps=5.0, gear=2), values)
        for _ in range(600):
            car.tick()
            car.c.body.wheel_m[0] = max(car.c.body.wheel_m[0], 0.05)  # held up on a jack
            car.c.body.wheel_mps[0] = 0.0
        return float(car.c.line.wheel_radps[0] - car.c.line.wheel_radps[1])

    assert fastest(0.0) > fastest(1500.0) + 1.0
