"""The sand filter: one story for each rule of its estimate."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from d7xr.ecu import faults as fault_table
from tests.benches import calibrated
from tests.car import Car, Level, Stretch

FULL_gps = 246.0
RECORD = [
    "filter.index", "filter.is_known", "filter.is_bypassed", "filter.growth_per_kg",
    "filter.service_L", "filter.service_h", "intake.filter_loss_kPa", "intake.choked_flow_gps",
    "intake.power_cap_kW", "intake.torque_cap_Nm", "intake.filter_cost_kW", "intake.is_leaking",
    "intake.is_short", "torque.reason", "fault.active_mask[0]", "fault.active_mask[1]",
]  # fmt: skip
NEEDED = {
    "AirPath", "EngineState", "AmbientState", "DriverDemand", "GearboxState", "FuelSenders"
}  # fmt: skip
ALL = {
    "InertialAccel", "InertialRate", "DamperTravel", "WheelSpeeds", "EngineState", "GearboxState",
    "DriverDemand", "VehicleMotion", "AirPath", "ThermalState", "FanFeedback", "FuelSenders",
    "AmbientState",
}  # fmt: skip


def clean_kPa(flow_gps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the loss of a clean filter: 2 kPa at 250 g/s, to the power 1.8."""
    return np.asarray(2.0 * (flow_gps / 250.0) ** 1.8)


def a_car(calibration: bytes | None = None, **signals: Level) -> Car:
    """Return a car of which only what breathes is heard: hours of it take seconds."""
    levels: dict[str, Level] = {"EngineSpeed_rpm": 5000.0, "AmbientPressure_kPa": 100.0, **signals}
    return Car(calibration, signals=levels, record=RECORD, silent=ALL - NEEDED)


def breathe(car: Car, duration_s: float, flow_gps: Level, index: Level) -> Stretch:
    """Drive with a flow through a filter of some index; the sensors have their noise."""
    time_s = np.arange(round(duration_s * 1000.0)) / 1000.0
    flow = np.broadcast_to(flow_gps(time_s) if callable(flow_gps) else flow_gps, time_s.shape)
    times = np.broadcast_to(index(time_s) if callable(index) else index, time_s.shape)
    noise = np.random.default_rng(3).normal(0.0, 0.03, time_s.shape)
    return car.drive(
        len(time_s),
        MassAirFlow_gps=flow,
        FilterDp_kPa=np.maximum(clean_kPa(flow) * times + noise, 0.0),
    )


def grown(start: float, gain_per_s: float, minute: int) -> Level:
    """Return an index that grows steadily, in one of its minutes."""
    return lambda t_s: start + gain_per_s * (60.0 * minute + t_s)


def faults(stretch: Stretch) -> set[str]:
    """Return the faults that were active at any time of a stretch."""
    masks = [int(np.bitwise_or.reduce(stretch[f"fault.active_mask[{word}]"])) for word in (0, 1)]
    return {
        fault.name
        for number, fault in enumerate(fault_table())
        if masks[number // 32] >> (number % 32) & 1
    }


@pytest.mark.parametrize("index", [1.0, 1.6, 2.4])
def test_the_index_is_the_loss_over_that_of_a_clean_filter(index: float) -> None:
    driven = breathe(a_car(), 20.0, FULL_gps, index)

    assert driven["filter.index"][-1] == pytest.approx(index, rel=0.02)


@pytest.mark.parametrize("flow_gps", [160.0, 200.0, 280.0])
def test_at_any_large_flow_it_is_the_same(flow_gps: float) -> None:
    driven = breathe(a_car(), 20.0, flow_gps, 1.8)

    assert driven["filter.index"][-1] == pytest.approx(1.8, rel=0.03)


def test_part_load_tells_nothing() -> None:
    driven = breathe(a_car(), 60.0, 90.0, 6.0)

    assert not driven["filter.is_known"].any()
    assert (driven["filter.index"] == 1.0).all()


def test_gear_changes_and_a_sensor_that_lags_do_not_fool_it() -> None:
    car = a_car()
    breathe(car, 20.0, FULL_gps, 1.5)
    time_s = np.arange(120_000) / 1000.0
    flow = np.where(time_s % 3.0 < 0.3, 60.0, FULL_gps)
    lagging = np.interp(time_s - 0.08, time_s, flow)

    driven = car.drive(120_000, MassAirFlow_gps=flow, FilterDp_kPa=1.5 * clean_kPa(lagging))

    assert np.abs(driven["filter.index"] / 1.5 - 1.0).max() < 0.03


def test_sand_loads_it_until_service_and_the_unit_says_so_once_each() -> None:
    # Given an index that grows from 1.5 to 2.8 in a quarter of an hour
    car = a_car(calibrated(filter__average_s=20.0))
    told: list[str] = []

    for minute in range(16):
        driven = breathe(car, 60.0, FULL_gps, grown(1.5, 1.3 / 900.0, minute))
        told += sorted(faults(driven) & {"FilterLoaded", "FilterService", "FilterBlocked"})

    order = list(dict.fromkeys(told))
    assert order == ["FilterLoaded", "FilterService"]
    assert driven["filter.service_L"][-1] == 0.0
    assert driven["filter.service_h"][-1] == 0.0


def test_litres_and_hours_to_service_come_true() -> None:
    # Given a filter that gains 0.002 for each kilogramme of air, all the time at full flow
    car = a_car(calibrated(filter__average_s=20.0, filter__mean_flow_gps=FULL_gps))
    gain_per_s = 0.002 * FULL_gps / 1000.0

    for minute in range(36):
        driven = breathe(car, 60.0, FULL_gps, grown(1.2, gain_per_s, minute))

    left_kg = (2.5 - driven["filter.index"][-1]) / 0.002
    assert driven["filter.growth_per_kg"][-1] == pytest.approx(0.002, rel=0.15)
    assert driven["filter.service_L"][-1] == pytest.approx(left_kg / 12.76 / 0.745, rel=0.15)
    assert driven["filter.service_h"][-1] == pytest.approx(left_kg / FULL_gps / 3.6, rel=0.15)


def test_a_duct_that_opens_is_told_within_ten_seconds_and_stays_told() -> None:
    car = a_car()
    breathe(car, 30.0, FULL_gps, 1.4)

    opened = breathe(car, 60.0, FULL_gps, lambda t_s: 1.4 * np.where(t_s > 1.0, 0.4, 1.0))
    closed = breathe(car, 60.0, FULL_gps, 1.4)

    since = int(np.flatnonzero(opened["filter.is_bypassed"])[0])
    assert 1000 < since < 10_000
    assert "FilterBypassed" in faults(opened)
    assert opened["filter.index"][-1] == pytest.approx(1.4, rel=0.1), "it is hardly learned"
    assert "FilterBypassed" in faults(closed), "the crew must look"


def test_a_new_filter_at_the_start_is_no_open_duct() -> None:
    driven = breathe(a_car(), 60.0, FULL_gps, 0.95)

    assert not driven["filter.is_bypassed"].any()


def test_a_blocked_duct_takes_torque_within_a_second_and_does_not_hunt() -> None:
    car = a_car()
    breathe(car, 30.0, FULL_gps, 1.0)
    loss = lambda t_s: clean_kPa(np.full(t_s.shape, FULL_gps)) + np.where(t_s > 0.5, 6.0, 0.0)  # noqa: E731

    blocked = car.drive(10_000, FilterDp_kPa=loss)

    cap = blocked["intake.torque_cap_Nm"]
    clean, after = cap[400], cap[1500]
    assert after == pytest.approx(clean * (100.0 - 8.0) / (100.0 - 2.0), rel=0.01)
    assert np.diff(cap[500:]).max() <= 1e-3, "it only falls"


def test_the_cap_foresees_at_part_load_what_the_filter_takes_at_full_flow() -> None:
    car = a_car()
    full = breathe(car, 30.0, 231.0, 2.4)

    part = breathe(car, 30.0, 60.0, 2.4)

    assert part["intake.filter_loss_kPa"][-1] == pytest.approx(
        full["intake.filter_loss_kPa"][-1], rel=0.05
    )
    assert part["intake.filter_cost_kW"][-1] == pytest.approx(
        part["intake.power_cap_kW"][-1] * 4.15 / 95.85, rel=0.05
    )


def test_more_air_than_can_pass_is_a_leak_and_gives_no_torque() -> None:
    car = a_car()
    tight = breathe(car, 5.0, 240.0, 1.0)

    leaking = breathe(car, 5.0, 1.1 * float(tight["intake.choked_flow_gps"][-1]), 1.0)

    assert not tight["intake.is_leaking"].any()
    assert leaking["intake.is_leaking"][-1]
    assert "AirLeak" in faults(leaking)
    assert leaking["intake.torque_cap_Nm"].max() <= tight["intake.torque_cap_Nm"].max()


def test_less_air_while_the_restrictor_alone_holds_the_engine_is_told() -> None:
    car = a_car(EngineSpeed_rpm=5500.0)
    full = breathe(car, 5.0, 240.0, 1.0)

    short = breathe(car, 5.0, 180.0, 1.0)

    assert not full["intake.is_short"].any()
    assert short["intake.is_short"][-1]


def test_less_air_at_part_throttle_is_no_wonder() -> None:
    car = a_car(EngineSpeed_rpm=5500.0, AcceleratorTrack1_pct=30.0, AcceleratorTrack2_pct=30.0)

    assert not breathe(car, 5.0, 120.0, 1.0)["intake.is_short"].any()


def any_level() -> st.SearchStrategy[Callable[[NDArray[np.float64]], NDArray[np.float64]] | float]:
    return st.one_of(st.just(float("nan")), st.floats(0.0, 409.0))


@settings(max_examples=60)
@given(st.lists(st.tuples(any_level(), any_level(), st.integers(20, 4000)), min_size=1, max_size=8))
def test_whatever_is_measured_the_estimate_is_a_sensible_number(
    stretches: list[tuple[Level, Level, int]],
) -> None:
    car = a_car()
    for flow_gps, loss_kPa, duration_ms in stretches:
        driven = car.drive(duration_ms, MassAirFlow_gps=flow_gps, FilterDp_kPa=loss_kPa)
        index = driven["filter.index"]
        assert ((index >= 0.0) & (index <= 40.0)).all()
        assert ((driven["filter.service_h"] >= 0.0) & (driven["filter.service_h"] <= 200.0)).all()
        assert (driven["filter.service_L"] >= 0.0).all()
        assert (driven["intake.filter_loss_kPa"] >= 0.0).all()
