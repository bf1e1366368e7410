"""Fuel on real recordings: real accelerations shake a simulated tank, a real sender sloshes."""

from functools import cache

import numpy as np
import pytest

from d7xr.database import Database
from d7xr.ecu import Ecu
from d7xr.mapping import apply, find_mapping, load_mapping
from d7xr.trace import read_trace
from tests.benches import calibrated
from tests.car import G_mps2
from tests.fuel.tank import NAMES, Column, STEP_s, TankCar, played
from tests.recordings import recordings


@cache
def shaken(name: str, gravity: str) -> tuple[Column, Column, Column]:
    """Return along, across and up of a recording, sampled each ``STEP_s``; bad samples left out.

    The mount is taken out: both level axes are set to a mean of 0.
    """
    table = np.loadtxt(recordings() / "imu" / f"{name}.csv", delimiter=",", skiprows=1)
    table = table[table[:, 7] == 1]
    time_s, x, y, z = table[:, :4].T
    axes = {"+x": (-z, y, x), "-z": (x, -y, -z)}[gravity]
    grid = np.arange(time_s[0], time_s[-1], STEP_s)
    along, across, up = (np.interp(grid, time_s, axis) for axis in axes)
    return along - along[:1000].mean(), across - across[:1000].mean(), up


@pytest.mark.parametrize("volume_L", [60.0, 500.0])
def test_semi_synthetic_ten_minutes_of_a_road_car_shake_the_tank_and_not_the_estimate(
    volume_L: float,
) -> None:
    """Real accelerations of a road car, fed to the simulated tank and to the unit alike."""
    car = TankCar(volume_L, flow_error=-0.02)
    columns = shaken("road_car_2_imu", "+x")
    seconds = int(columns[0].size * STEP_s) - 1

    drive = car.drive(seconds, played(*columns), flow_mlps=12.0, GroundSpeed_mps=20.0)

    raw_swing_L = np.ptp(drive["sender[0].volume_L"][20_000:])
    error_L = np.abs(drive["volume_L"] - drive.volume_L)[30_000:]
    assert raw_swing_L > 12.0, "the road does shake it"
    assert (drive["calm_ticks"] >= 10_000).any(), "and now and then it is calm enough"
    assert error_L.max() < 2.5
    assert (error_L <= drive["spread_L"][30_000:]).all()
    assert np.diff(drive["volume_L"][30_000:]).max() <= 0.101


def test_semi_synthetic_a_diesel_at_idle_is_calm_until_somebody_moves_the_sensor() -> None:
    """A sensor on an idling lorry; from 101 s to 113 s of the recording a hand moves it."""
    along, across, up = shaken("diesel_idle_imu", "-z")
    up = up * G_mps2 / up[:1000].mean()
    car = TankCar(300.0)
    seconds = int(along.size * STEP_s) - 1
    moved_ms = slice(88_400, 101_000)

    drive = car.drive(
        seconds, played(along, across, up), flow_mlps=0.8, GroundSpeed_mps=0.0, EngineTorque_Nm=10.0
    )

    assert (drive["calm_ticks"][15_000:88_000] >= 10_000).all()
    assert (drive["calm_ticks"][moved_ms] < 10_000).mean() > 0.7
    assert np.ptp(drive["volume_L"][moved_ms]) < 1.0
    assert not drive["refill_count"].any()
    assert not drive["impact.record.number"].any()


def test_three_launches_throw_a_real_gauge_from_stop_to_stop_and_not_the_estimate() -> None:
    """One level of a 60 l tank, no flow, no second sender: the least that the unit can live with.

    The recording begins at standstill with the gauge at 28 %; its median is 24.6 %, and each launch
    drives it to the stop at -4 %, which is not available, and to 44.6 % after the first.
    """
    name = "ford_s550"
    mapping = load_mapping(find_mapping(name))
    trace = read_trace(recordings() / "can" / "s550_drive.log").frames(mapping.channel)
    dbc = Database.load(recordings() / "dbc" / "ford_lincoln_base_pt.dbc")
    frames = apply(mapping, trace, dbc).frames
    cal = calibrated(fuel__capacity_L=60.6, fuel__unusable_L=1.0, fuel__sender_error_L=3.0,
                     fuel__plan_Lp100km=20.0)  # fmt: skip

    run = Ecu(cal).run(frames.frame, frames.tick, frames.ticks, record=[
        *NAMES, "inputs.fuel_sender_a_L.value", "impact.record.number"], every_ticks=1)  # fmt: skip

    raw_L = run.columns["inputs.fuel_sender_a_L.value"][2000:]
    volume_L = run.columns["fuel.volume_L"][2000:]
    spread_L = run.columns["fuel.spread_L"][2000:]
    median_L = 24.6 / 100 * 60.6
    assert np.ptp(raw_L) > 25.0
    assert np.ptp(volume_L) < 1.0
    assert (np.abs(volume_L - median_L) < spread_L).all()
    assert not run.columns["impact.record.number"].any()
