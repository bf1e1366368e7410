"""Coolant, fans and supply against the tables of the study."""

from typing import Any

import pytest

from d7xr.ecu.core import ffi, lib
from d7xr.simulator.parameters import parameters_with

AIR_AT_45_DEGC = 97_000.0 / (287.05 * 318.15)
FLOW_kgps = 4.2


def radiator_WpK(face_mps: float, blocked_ratio: float = 0.0) -> float:
    """Heat per kelvin with the study's numbers."""
    return float(
        lib.plant_radiator_WpK(
            parameters_with({}, "test"), face_mps, blocked_ratio, FLOW_kgps, AIR_AT_45_DEGC
        )
    )


@pytest.mark.parametrize(
    ("face_mps", "heat_kW"),
    [(2, 55), (3, 77), (4, 96), (5, 114), (6, 129), (7, 144), (8, 157), (9, 169), (10, 180)],
)
def test_the_radiator_gives_what_the_table_says(face_mps: float, heat_kW: float) -> None:
    assert 60.0 * radiator_WpK(face_mps) / 1000.0 == pytest.approx(heat_kW, abs=1.0)


def equilibrium_degC(
    power_W: float, ratio: float, face_mps: float, *, ambient_degC: float, blocked: float = 0.0
) -> float:
    """Let the coolant come to rest under a constant load at a constant face speed."""
    p = parameters_with(
        {
            "heat_ratio": ratio, "thermostat_degC": -40.0, "thermostat_full_degC": -39.0,
            "bonnet_K": 0.0, "oil_heat_ratio": 0.0, "oil_drag_W": 0.0, "ram_ratio": 0.2,
        },
        "test",
    )  # fmt: skip
    ambient = ffi.new("plant_ambient_t *", {"degC": ambient_degC, "kPa": 97.0})
    heat = ffi.new("plant_heat_t *")
    lib.plant_heat_init(heat, p, ambient, 90.0, blocked)
    load = ffi.new("plant_heat_load_t *")
    load.brake_W, load.engine_rpm, load.speed_mps = power_W, 4000.0, face_mps / 0.2
    load.pump_duty, load.is_running = 1.0, 1
    for _ in range(4000):
        lib.plant_heat_step(heat, p, ambient, load, 1.0)
    return float(heat.coolant_degC)


@pytest.mark.parametrize(
    ("power_kW", "ratio", "ambient_degC", "expected_degC"),
    [
        (291, 0.45, 45, (147, 114, 100, 92)),
        (291, 0.60, 45, (181, 137, 118, 107)),
        (240, 0.45, 45, (129, 102, 90, 83)),
        (240, 0.60, 45, (158, 121, 105, 96)),
        (120, 0.45, 45, (87, 73, 68, 64)),
        (120, 1.00, 45, (139, 108, 95, 88)),
        (291, 0.45, 21, (119, 87, 74, 66)),
        (240, 0.60, 21, (128, 94, 79, 71)),
    ],
)
def test_the_coolant_settles_where_the_table_says(
    power_kW: float, ratio: float, ambient_degC: float, expected_degC: tuple[float, ...]
) -> None:
    found = [
        equilibrium_degC(1000.0 * power_kW, ratio, face_mps, ambient_degC=ambient_degC)
        for face_mps in (3.0, 5.0, 7.0, 9.0)
    ]

    # The table was reckoned with one density of air for each ambient; it is rounded to 1 K.
    assert found == pytest.approx(expected_degC, abs=2.0)


def test_sand_costs_what_the_table_says() -> None:
    found = [
        equilibrium_degC(291e3, 0.45, 5.0, ambient_degC=45.0, blocked=blocked)
        for blocked in (0.2, 0.4)
    ]

    assert found == pytest.approx((130.0, 158.0), abs=2.0)


def fan_run(volt_steps: int, **load: Any) -> Any:  # noqa: ANN401 - a cffi struct has no type
    """Run the heat model in its own step of 10 ms."""
    p = parameters_with({}, "test")
    ambient = ffi.new("plant_ambient_t *", {"degC": 21.0, "kPa": 97.0})
    heat, state = ffi.new("plant_heat_t *"), ffi.new("plant_heat_load_t *")
    lib.plant_heat_init(heat, p, ambient, 85.0, 0.0)
    state.engine_rpm, state.is_running, state.pump_duty = 3000.0, 1, 0.5
    duties = load.pop("duty", (0.0,) * 4)
    for name, value in load.items():
        setattr(state, name, value)
    for fan, duty in enumerate(duties):
        state.fan_duty[fan] = duty
    peak_A = 0.0
    for _ in range(volt_steps):
        lib.plant_heat_step(heat, p, ambient, state, 0.01)
        peak_A = max(peak_A, sum(heat.fan_A))
    return heat, peak_A


def test_a_fan_draws_eighty_amperes_for_half_a_second_and_then_its_running_current() -> None:
    heat, peak_A = fan_run(400, duty=(1.0, 0.0, 0.0, 0.0))

    assert 70.0 < peak_A < 90.0
    assert 15.0 < heat.fan_A[0] < 20.0
    assert heat.fan_radps[0] * 30.0 / 3.1416 == pytest.approx(2800.0, rel=0.06)


def test_four_fans_at_once_pull_the_supply_down_and_one_after_the_other_do_not() -> None:
    _, all_A = fan_run(200, duty=(1.0,) * 4)

    assert all_A > 240.0


def test_an_open_fan_draws_nothing_and_a_blocked_one_its_inrush_for_ever() -> None:
    opened, _ = fan_run(400, duty=(1.0,) * 4, open_fan_mask=1)
    blocked, _ = fan_run(400, duty=(1.0,) * 4, stalled_fan_mask=2)

    assert opened.fan_A[0] == 0.0
    assert opened.fan_A[1] > 10.0
    assert blocked.fan_A[1] > 60.0
    assert blocked.fan_radps[1] == 0.0


def test_at_idle_the_fans_take_more_than_the_alternator_gives() -> None:
    driving, _ = fan_run(6000, duty=(1.0,) * 4)
    idling, _ = fan_run(6000, duty=(1.0,) * 4, engine_rpm=750.0)

    assert driving.battery_V > 13.5
    assert idling.battery_V < 12.8
    assert idling.charge_ratio < driving.charge_ratio
