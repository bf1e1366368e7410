"""What the engine drinks from: the collector, the warnings, and the torque that they take."""

import numpy as np
import pytest

from tests.benches import REASON, calibrated
from tests.car import G_mps2
from tests.flight.flights import Jump
from tests.fuel.tank import Column, Shake, TankCar, rough, shake

FULL_Nm = 750.0
FALL_Nm, RISE_Nm = 0.15 + 1e-3, 0.05 + 1e-3
"""The bound moves by 150 and 50 Nm/s; it is decided every 10 ms, so by ten times this."""
PLENTY, LOW, RESERVE = 1, 2, 3


def assert_no_step(bound_Nm: Column) -> None:
    steps = np.diff(bound_Nm)
    assert steps.min() >= -10 * FALL_Nm
    assert steps.max() <= 10 * RISE_Nm


@pytest.mark.parametrize("flow_mlps", [12.5, 25.5])
def test_a_dead_lift_pump_takes_torque_before_the_rail_collapses(flow_mlps: float) -> None:
    # Given a healthy car at a steady draught
    car = TankCar(300.0)
    car.drive(20, flow_mlps=flow_mlps)

    # When the lift pump dies: 2 l are left
    car.tank.lift_mlps = 0.0
    drive = car.drive(2000 / flow_mlps + 5, flow_mlps=flow_mlps)

    # Then the warning comes early, torque goes down by a slope, and the caps are reached in time
    low = drive["is_collector_low"]
    bound = drive["bound_Nm"]
    empty_ms = round(2000 / flow_mlps * 1000)
    assert empty_ms - np.argmax(low) > 0.19 * empty_ms
    assert_no_step(bound)
    assert bound[empty_ms] <= 0.6 * FULL_Nm
    assert bound[-1] == pytest.approx(0.3 * FULL_Nm)
    assert drive["torque.reason"][-1] == REASON["FuelLow"]
    assert drive["torque.granted_Nm"][-1] <= bound[-1]

    # And when it works again torque comes back as slowly
    car.tank.lift_mlps = 60.0
    healed = car.drive(40, flow_mlps=5.0, EngineTorque_Nm=100.0)
    assert_no_step(healed["bound_Nm"])
    assert healed["bound_Nm"][-1] == FULL_Nm


def test_a_side_slope_with_forty_litres_left_warns_and_makes_no_step() -> None:
    # Given 40 l and a slope of 20 degrees for three minutes: the pick-ups are dry but for the waves
    car = TankCar(40.0)
    car.drive(20)
    slope_mps2, least_mps2 = G_mps2 * np.sin(np.radians(20.0)), G_mps2 * np.cos(np.radians(20.0))
    wag = rough(3, 1.2)

    drive = car.drive(
        180, Shake(across=lambda t: slope_mps2 + wag(t),
                   heave=lambda t: np.full_like(t, least_mps2 - G_mps2)), flow_mlps=25.5,
    )  # fmt: skip

    # Then it is warned of, torque goes down with the level and comes back with it, never in a step
    collector_pct = drive["collector_pct"]
    assert collector_pct.min() < 20.0 < 90.0 < collector_pct.max()
    assert np.flatnonzero(np.diff(drive["is_collector_low"])).size >= 2
    assert 0.3 * FULL_Nm < drive["bound_Nm"].min() < FULL_Nm
    assert drive["stage"][-1] >= LOW
    assert_no_step(drive["bound_Nm"])
    assert np.diff(drive["torque.granted_Nm"]).min() >= -10 * FALL_Nm


def test_a_collector_that_fills_again_lets_torque_come_back_without_a_step() -> None:
    car = TankCar(300.0)
    car.drive(5)

    wave = 60.0 + 60.0 * np.cos(np.arange(60_000) / 60_000 * 6 * np.pi)
    drive = car.drive(60, Collector_pct=np.clip(wave, 0.0, 100.0))

    assert drive["bound_Nm"].min() < 0.5 * FULL_Nm
    assert_no_step(drive["bound_Nm"])


@pytest.mark.parametrize("read_pct", [0.0, 4.0, 50.0, 100.0])
def test_nothing_of_the_collector_is_believed_in_flight_nor_taken_while_torque_comes_back(
    read_pct: float,
) -> None:
    car = TankCar(300.0)
    car.drive(5)
    jump = Jump(1200, after_ms=1500)
    ms = np.arange(jump.duration_ms) - jump.lead_ms

    signals = {**jump.signals(), "Collector_pct": np.where(ms > 100, read_pct, 100.0)}
    flight = car.car.drive(jump.duration_ms, **signals)

    states = flight["flight_mode.state"]
    is_protected = np.isin(states, (2, 3, 4))
    assert is_protected.any()
    assert (np.diff(flight["fuel.bound_Nm"])[is_protected[1:]] == 0.0).all()
    assert (flight["fuel.bound_Nm"] == FULL_Nm).all()


def test_a_starving_car_that_takes_off_keeps_its_bound_until_torque_is_back() -> None:
    car = TankCar(300.0)
    car.drive(30, Collector_pct=8.0)
    start_Nm = car.car.ecu["fuel.bound_Nm"]
    assert start_Nm < FULL_Nm
    jump = Jump(1200, after_ms=1500)

    flight = car.car.drive(jump.duration_ms, Collector_pct=2.0, **jump.signals())

    is_protected = np.isin(flight["flight_mode.state"], (2, 3, 4))
    assert (np.diff(flight["fuel.bound_Nm"])[is_protected[1:]] == 0.0).all()


@pytest.mark.parametrize("how", ["not available", "silent"])
def test_a_collector_that_is_not_heard_counts_as_the_first_cap(how: str) -> None:
    car = TankCar(300.0)
    car.drive(5)
    if how == "silent":
        car.car.silent |= {"FuelSenders"}
    else:
        car.broken = {"Collector_pct": np.nan}

    drive = car.drive(20)

    bound = drive["bound_Nm"]
    assert bound[2900] == FULL_Nm
    assert_no_step(bound)
    assert bound[-1] == pytest.approx(0.6 * FULL_Nm)


def test_losing_a_low_collector_gives_nothing_back() -> None:
    car = TankCar(300.0)
    low = car.drive(20, Collector_pct=3.0)["bound_Nm"][-1]
    car.broken = {"Collector_pct": np.nan}

    assert (car.drive(20)["bound_Nm"] == low).all()


def test_warnings_come_at_sixty_and_thirty_kilometres_and_stay_over_slosh() -> None:
    # Given 60 l/100 km, 5 l that no pump reaches and 8 l of doubt
    car = TankCar(60.0)
    car.drive(20)

    # When they are driven empty at 36 l/h
    drive = car.drive(3600, shake(1, 0.5), flow_mlps=10.0, EngineTorque_Nm=100.0)

    # Then each stage comes once, at its range
    stage, range_km = drive["stage"], drive["range_km"]
    changes = np.flatnonzero(np.diff(stage)) + 1
    assert stage[changes].tolist() == [LOW, RESERVE]
    assert range_km[changes[0]] == pytest.approx(60.0, abs=0.5)
    assert range_km[changes[1]] == pytest.approx(30.0, abs=0.5)
    # And torque is the driver's, as the built-in set says
    assert (drive["bound_Nm"] == FULL_Nm).all()


def test_the_economy_share_comes_as_a_slope_when_the_calibration_wants_it() -> None:
    car = TankCar(60.0, calibration=calibrated(fuel__economy_ratio=(0.9, 0.7)))
    drive = car.drive(3600, flow_mlps=10.0, EngineTorque_Nm=100.0)

    bound, stage = drive["bound_Nm"], drive["stage"]
    assert_no_step(bound[5000:])
    assert bound[np.flatnonzero(stage == LOW)[-1]] == pytest.approx(0.9 * FULL_Nm)
    assert bound[-1] == pytest.approx(0.7 * FULL_Nm)


def test_range_is_what_the_tank_surely_holds_at_the_worse_of_two_means() -> None:
    # Given a car that knows its tank
    car = TankCar(400.0)
    car.drive(20)

    # When it takes 90 l/100 km for 30 km and then 45 for 30 km, at 108 km/h
    fast = {"GroundSpeed_mps": 30.0, "EngineTorque_Nm": 100.0}
    thirsty = car.drive(1000, flow_mlps=27.0, **fast)
    saving = car.drive(1000, flow_mlps=13.5, **fast)

    # Then the short mean follows, the stage remembers, and the worse one counts
    weight = 1.0 - (1.0 - 0.1 / 20.0) ** 300
    after = 60.0 + (90.0 - 60.0) * weight
    assert thirsty["consumption_Lp100km"][-1] == pytest.approx(after, rel=0.01)
    last = after + (45.0 - after) * weight
    assert saving["consumption_Lp100km"][-1] == pytest.approx(last, rel=0.01)
    stage = (0.2 * 60 + 0.3 * 90 + 0.3 * 45) / 0.8
    assert saving["stage_Lp100km"][-1] == pytest.approx(stage, rel=0.01)
    sure_L = saving["volume_L"][-1] - 5.0 - saving["spread_L"][-1]
    assert saving["range_km"][-1] == pytest.approx(100.0 * sure_L / stage, rel=0.01)
    assert saving["range_km"][-1] < saving["range_likely_km"][-1]


def test_an_hour_at_idle_is_no_consumption_by_the_road() -> None:
    car = TankCar(400.0)
    car.drive(20)
    before = car.drive(60)["consumption_Lp100km"][-1]

    car.drive(3600, flow_mlps=0.8, GroundSpeed_mps=0.0, EngineTorque_Nm=10.0)
    after = car.drive(20, GroundSpeed_mps=20.0)["consumption_Lp100km"][-1]

    assert after - before < 1.5
