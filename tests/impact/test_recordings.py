"""Impacts on real recordings: none on roads and floors, each landing of a bicycle once."""

import json
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.database import Database
from d7xr.ecu import Ecu, Run, calibration_check
from tests.benches import calibrated
from tests.car import CORNERS
from tests.impact.bench import RECORD
from tests.recordings import recordings

type Column = NDArray[np.float64]

SLOW_LOGGER_ms = (150, 15, 30, 30, 30, 30, 30, 150, 60, 1000, 500, 300, 1500)
"""Inertial units of 100 Hz with gaps: the car's own come every 5 ms."""


def fed(message: str, time_s: Column, columns: Mapping[str, Column], cal: bytes) -> Run:
    """Feed the columns of one message from its first sample on."""
    tick = np.round((time_s - time_s[0]) * 1000.0).astype(np.int64)
    frames = Database.own().encode_columns(message, tick * 1000, columns)
    return Ecu(cal).run(frames.frame, tick, int(tick[-1]) + 2000, record=RECORD, every_ticks=1)


def shaken(name: str, columns: slice) -> Run:
    """Feed the specific force of a recording, bad samples as good ones."""
    table = np.loadtxt(recordings() / "imu" / f"{name}.csv", delimiter=",", skiprows=1)
    x, y, z = table[:, columns].T
    force = {"SpecificForceX_mps2": x, "SpecificForceY_mps2": y, "SpecificForceZ_mps2": z,
             "AccelStatus": np.ones_like(x)}  # fmt: skip
    return fed("InertialAccel", table[:, 0], force, calibrated(inputs__max_age_ms=SLOW_LOGGER_ms))


def events(run: Run) -> int:
    return int(run.columns["impact.record.number"][-1])


@pytest.mark.parametrize(("name", "columns"), [
    ("road_car_2_imu", slice(1, 4)), ("diesel_idle_imu", slice(1, 4)),
    ("ugv_asphalt_05_imu", slice(4, 7)), ("ugv_flooring_02_imu", slice(4, 7)),
    ("ugv_ice_12_imu", slice(4, 7)), ("ugv_sandy_loam_06_imu", slice(4, 7)),
    ("ugv_sandy_loam_08_imu", slice(4, 7)),
])  # fmt: skip
def test_roads_floors_and_hands_are_no_impact(name: str, columns: slice) -> None:
    """The road car holds single samples of 11.3 g from a sensor's glitch, fed as good ones."""
    assert events(shaken(name, columns)) == 0


def test_what_a_robot_on_snow_runs_into_is_reported(
    record_property: Callable[[str, object], None],
) -> None:
    """No label says what the robot met; two neighbouring samples of 6 to 16 g are no noise."""
    found = {
        number: events(shaken(f"ugv_snow_{number}_imu", slice(4, 7)))
        for number in ("03", "06", "10", "20", "23")
    }
    record_property("impacts on snow", found)
    assert found["03"] == found["06"] == 0
    assert all(found[number] >= 1 for number in ("10", "20", "23"))
    assert sum(found.values()) <= 12


DEEP_mm = (85.0, 85.0)
"""Half of the travel counts as the stop: every labelled landing goes deeper."""
STOP_mm = (153.0, 166.0)
"""The true stops: 95 % of 161 and 175 mm, which no landing reaches."""
RIDES = ("ride_648_mm.csv", "ride_test_mm.csv", "ride_646_mm.csv", "ride_2022_088_raw.csv")
SMOOTHED = 1.3
"""The labels' speed is a slope over 51 ms; the unit's is one over 5 ms."""


def ridden(name: str, bottom_mm: tuple[float, float]) -> Run:
    """Feed a ride: front to both front corners, rear to both rear corners, every 5 ms."""
    table = np.loadtxt(recordings() / "suspension" / name, delimiter=",", skiprows=1)
    step = 5 if table[1, 0] < 0.005 else 1
    front, rear = table[::step, -2], table[::step, -1]
    travel = {f"DamperTravel{c}_mm": front if c[0] == "F" else rear for c in CORNERS}
    cal = calibrated(
        flight_mode__static_travel_mm=(45.0, 45.0), flight_mode__static_learn_max_mm=30.0,
        flight_mode__static_fuel_mm=(0.0, 0.0), impact__bottom_mm=bottom_mm,
    )  # fmt: skip
    assert calibration_check(cal) == ()
    columns = travel | {"DamperStatus": np.ones_like(front)}
    return fed("DamperTravel", table[::step, 0], columns, cal)


@pytest.mark.parametrize("name", ["ride_648", "ride_test"])
def test_each_labelled_landing_of_a_bicycle_is_one_event_of_its_size(name: str) -> None:
    # Given a ride with jumps, whose labels tell when and how fast it landed
    labels = json.loads((recordings() / "suspension" / "events.json").read_text())
    jumps = labels["files"][f"{name}.sst"]["airborne_by_rule"]

    run = ridden(f"{name}_mm.csv", DEEP_mm)

    # Then each landing is one event, no faster than its fastest compression
    number = run.columns["impact.record.number"]
    for jump in jumps:
        start, end = round(jump["end_s"] * 1000), round(jump["end_s"] * 1000) + 800
        assert number[end] - number[start] == 1, jump
        assert run.columns["impact.record.corner_mask"][end] != 0
        speed_mps = run.columns["impact.record.bottom_mps"][end]
        assert 0.3 <= speed_mps <= jump["peak_compression_mps"] * SMOOTHED


@pytest.mark.parametrize("name", RIDES)
def test_no_ride_reaches_its_true_stop(name: str) -> None:
    assert events(ridden(name, STOP_mm)) == 0
