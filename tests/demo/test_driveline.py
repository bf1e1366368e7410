"""The driveline of the demo against the closed forms that it stands for."""

import math
from dataclasses import replace

import pytest

from d7xr.demo.driveline import Driveline, DrivelineParameters

DT_S = 0.00025
FULL_LOAD_N = 3000.0 * 9.81


def cruising(gear: int, kph: float, power_W: float = 291e3) -> Driveline:
    """Return a driveline at full throttle with its wheels at the speed of the road."""
    line = Driveline(replace(DrivelineParameters(), power_W=power_W))
    line.shift_to(gear)
    line.wheel_radps = kph / 3.6 / line.parameters.wheel_radius_m
    for _ in range(4000):  # the road holds the wheels until gear, engine and torque have settled
        line.step(DT_S, 100.0, 0.0, kph / 3.6, FULL_LOAD_N)
    return line


@pytest.mark.parametrize(
    ("kph", "gear", "alpha_radps2"), [(60, 3, 108), (80, 3, 92), (100, 4, 94), (130, 5, 92)]
)
def test_wheels_in_the_air_run_up_as_torque_over_inertia_says(
    kph: float, gear: int, alpha_radps2: float
) -> None:
    line = cruising(gear, kph)
    line.step(DT_S, 100.0, 0.0, kph / 3.6, 0.0)
    assert line.wheel_radps2 == pytest.approx(alpha_radps2, rel=0.05)


def test_on_the_ground_full_throttle_slips_but_little() -> None:
    line = cruising(3, 60.0)
    slip_ratio = line.parameters.wheel_radius_m * line.wheel_radps / (60.0 / 3.6) - 1.0
    assert 0.01 < slip_ratio < 0.06


def test_the_engine_never_passes_its_own_speed_limit() -> None:
    line = cruising(4, 100.0)
    for _ in range(round(2.5 / DT_S)):
        line.step(DT_S, 100.0, 0.0, 100.0 / 3.6, 0.0)
    assert 6800.0 < line.engine_rpm < 7050.0


def test_wheels_are_back_at_road_speed_within_a_tenth_of_a_second_of_a_landing() -> None:
    line = cruising(4, 100.0)
    for _ in range(round(0.4 / DT_S)):
        line.step(DT_S, 100.0, 0.0, 100.0 / 3.6, 0.0)
    over_radps = line.wheel_radps - 100.0 / 3.6 / line.parameters.wheel_radius_m
    assert over_radps > 20.0

    for _ in range(round(0.1 / DT_S)):
        line.step(DT_S, 100.0, 0.0, 100.0 / 3.6, 3.0 * FULL_LOAD_N)
    over_radps = line.wheel_radps - 100.0 / 3.6 / line.parameters.wheel_radius_m
    assert over_radps < 2.0


def test_power_is_capped_and_torque_is_flat_below() -> None:
    line = Driveline(replace(DrivelineParameters(), power_W=291e3))
    assert line.available_Nm(3000.0) == pytest.approx(750.0)
    for rpm in (4500.0, 5500.0, 6500.0):
        assert line.available_Nm(rpm) * rpm * math.pi / 30.0 == pytest.approx(291e3)
    assert line.available_Nm(7000.0) == 0.0


def test_a_shift_slides_to_the_new_ratio_and_names_both_gears_meanwhile() -> None:
    line = cruising(3, 80.0)
    before_rpm = line.engine_rpm
    line.shift_to(4)
    line.step(DT_S, 100.0, 0.0, 80.0 / 3.6, FULL_LOAD_N)
    assert (line.gear, line.target_gear, line.is_shifting) == (3, 4, True)
    for _ in range(1200):
        line.step(DT_S, 100.0, 0.0, 80.0 / 3.6, FULL_LOAD_N)
    assert (line.gear, line.target_gear, line.is_shifting) == (4, 4, False)
    assert line.engine_rpm == pytest.approx(before_rpm * 1.72 / 2.143, rel=0.02)
