"""Flight Mode on real recordings: what flew is seen, what did not fly is not.

No recording has all of the car's sensors, so each feeds what it has, and says what the unit may
conclude from it. Numbers of the detector are the built-in ones. What differs is named: the ride
height of a bicycle, and the age that a sample of a slow logger may reach.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.database import Database
from d7xr.ecu import Ecu, Run, calibration_check
from d7xr.frames import Frames
from d7xr.mapping import apply, find_mapping, load_mapping
from d7xr.trace import read_trace
from tests.car import CORNERS
from tests.flight.flights import AIR, LANDING, SUSPECT, calibrated
from tests.recordings import recordings

type Column = NDArray[np.float64]

WATCHED = (
    "flight_mode.state", "flight_mode.detector_mode", "flight_mode.has_timed_out",
    "flight_mode.missing_mask", "flight_mode.evidence.is_inertial_usable",
    "flight_mode.evidence.is_force_back", "flight_mode.evidence.damper_flight_count",
    "flight_mode.evidence.topped_out_ticks", "flight_mode.flight_count",
)  # fmt: skip
OFF, INERTIAL_ONLY = 4, 3
MISSING_ALL_BUT_DAMPERS = 1 | 4 | 8

AGES_ms = (15, 15, 15, 30, 30, 30, 30, 150, 60, 1000, 500, 300, 1500)
SLOW_LOGGER_ms = (150, 15, 30, *AGES_ms[3:])
"""Inertial units of 50 to 100 Hz with gaps, dampers of 100 Hz: the car's own come every 5 ms."""


def fed(messages: Mapping[str, tuple[Column, Mapping[str, Column]]], calibration: bytes) -> Run:
    """Feed columns of our own signals, each message at its times in seconds, from its first one."""
    bus = Database.own()
    first_s = min(time_s[0] for time_s, _ in messages.values())
    frames, ticks = [], []
    for name, (time_s, columns) in messages.items():
        tick = np.round((time_s - first_s) * 1000.0).astype(np.int64)
        frames.append(bus.encode_columns(name, tick * 1000, columns).frame)
        ticks.append(tick)
    order = np.argsort(np.concatenate(ticks), kind="stable")
    tick = np.concatenate(ticks)[order]
    return Ecu(calibration).run(
        np.concatenate(frames)[order], tick, int(tick[-1]) + 1, record=WATCHED, every_ticks=1
    )


def spans(condition: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first tick and length of every stretch in which a condition holds."""
    edges = np.flatnonzero(np.diff(np.r_[0, condition.astype(np.int8), 0]))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


# ---- suspension of a bicycle: dampers alone, so no flight, but a witness

BICYCLE = {
    # 45 mm of 160 to 175 mm: a quarter to a third of the travel, as bicycles are set up; the range
    # of learning must stay below it. All else is as on the car.
    "built-in numbers": {},
    # Stricter in both: topped out means the last 9 mm, for as long as the labels ask
    "stricter": {"flight_mode__droop_level_ratio": 0.80, "flight_mode__droop_dwell_ms": 200},
}
RIDES = {
    "ride_648": "ride_648_mm.csv",
    "ride_test": "ride_test_mm.csv",
    "ride_646": "ride_646_mm.csv",
    "ride_2022_088": "ride_2022_088_raw.csv",
}
LANDING_WINDOW_s = 0.15
"""The labels' own: the hit comes within this time of the end of the droop."""


@dataclass(frozen=True, slots=True)
class Ride:
    """A ride as the unit saw it, and what is known of it; times in seconds."""

    run: Run
    witnessed_s: Column
    labelled_s: tuple[tuple[float, float], ...]
    soft_s: tuple[tuple[float, float], ...]


@cache
def ride(name: str, setting: str) -> Ride:
    """Feed a ride: front to both front corners, rear to both rear corners, every 5 ms at most."""
    folder = recordings() / "suspension"
    table = np.loadtxt(folder / RIDES[name], delimiter=",", skiprows=1)
    # The ride of 2022 has raw counts in columns 1 and 2, nominal strokes in 3 and 4
    front, rear = table[:, -2], table[:, -1]
    step = 5 if table[1, 0] < 0.005 else 1
    travel = {f"DamperTravel{c}_mm": (front if c[0] == "F" else rear)[::step] for c in CORNERS}
    calibration = calibrated(
        flight_mode__static_travel_mm=(45.0, 45.0), flight_mode__static_learn_max_mm=30.0,
        flight_mode__static_fuel_mm=(0.0, 0.0),  # a bicycle has no tank
        inputs__max_age_ms=SLOW_LOGGER_ms, **BICYCLE[setting],
    )  # fmt: skip
    assert calibration_check(calibration) == ()
    time_s = table[::step, 0]
    run = fed(
        {"DamperTravel": (time_s, travel | {"DamperStatus": np.ones_like(time_s)})}, calibration
    )
    seen = np.diff(run.columns["flight_mode.evidence.damper_flight_count"].astype(int), prepend=0)
    label = json.loads((folder / "events.json").read_text())["files"][f"{name}.sst"]
    hard, soft = (
        tuple((event["start_s"], event["end_s"]) for event in label.get(key, []))
        for key in ("airborne_by_rule", "airborne_upstream")
    )
    return Ride(run, np.repeat(run.tick, seen) / 1000.0, hard, soft)


def landings_seen(seen: Ride, jumps: tuple[tuple[float, float], ...]) -> list[int]:
    """Count how often the witness spoke within the landing of each jump."""
    return [
        int(np.sum((seen.witnessed_s >= end_s) & (seen.witnessed_s <= end_s + LANDING_WINDOW_s)))
        for _, end_s in jumps
    ]


@pytest.mark.parametrize("setting", BICYCLE)
@pytest.mark.parametrize(("name", "jumps"), [("ride_648", 3), ("ride_test", 2)])
def test_dampers_alone_bear_witness_once_to_every_labelled_jump(
    name: str, jumps: int, setting: str
) -> None:
    seen = ride(name, setting)

    assert landings_seen(seen, seen.labelled_s) == [1] * jumps


@pytest.mark.parametrize("setting", BICYCLE)
@pytest.mark.parametrize("name", ["ride_646", "ride_2022_088"])
def test_a_bicycle_that_is_lifted_or_leaned_is_no_witness(name: str, setting: str) -> None:
    seen = ride(name, setting)

    topped_out = seen.run.columns["flight_mode.evidence.topped_out_ticks"]
    assert topped_out.max() > 1500, "both axles rest at the droop stop for seconds"
    assert seen.witnessed_s.tolist() == []


@pytest.mark.parametrize("setting", BICYCLE)
@pytest.mark.parametrize("name", RIDES)
def test_dampers_alone_never_declare_a_flight_and_say_what_is_missing(
    name: str, setting: str
) -> None:
    columns = ride(name, setting).run.columns

    assert not columns["flight_mode.state"].any()
    assert not columns["flight_mode.flight_count"].any()
    assert np.all(columns["flight_mode.detector_mode"] == OFF)
    known = columns["flight_mode.missing_mask"] == MISSING_ALL_BUT_DAMPERS
    assert known.mean() > 0.99


def test_the_soft_labels_are_reported_apart(
    record_property: Callable[[str, object], None],
) -> None:
    """Not asserted: upstream took one axle for a jump, and the fork is half compressed."""
    for setting in BICYCLE:
        seen = ride("ride_test", setting)
        hard_s = [end_s for _, end_s in seen.labelled_s]
        soft = tuple(s for s in seen.soft_s if np.min(np.abs(np.subtract(hard_s, s[1]))) > 0.05)
        record_property(f"{setting}: soft", landings_seen(seen, soft))
        record_property(f"{setting}: all", seen.witnessed_s.tolist())
        assert len(soft) == 3


# ---- specific force alone, at 60 km/h so that no speed gate hides the detector

GRAVITY_mps2 = 9.81
LONGEST_ALONE_ms = 1500


@cache
def forced(name: str) -> Run:
    """Feed an inertial recording to a unit that has no other evidence."""
    time_s, x, y, z = _FORCES[name.split("_")[0]](recordings() / "imu" / f"{name}.csv")
    speed_time_s = np.arange(time_s[0], time_s[-1], 0.05)
    fix_3d = np.full_like(speed_time_s, 2.0)
    at_60_kph = {"GroundSpeed_mps": 8.35 * fix_3d, "MotionStatus": fix_3d}
    force = {
        "SpecificForceX_mps2": x, "SpecificForceY_mps2": y, "SpecificForceZ_mps2": z,
        "AccelStatus": np.ones_like(time_s),
    }  # fmt: skip
    return fed(
        {"InertialAccel": (time_s, force), "VehicleMotion": (speed_time_s, at_60_kph)},
        calibrated(inputs__max_age_ms=SLOW_LOGGER_ms),
    )


type Force = tuple[Column, Column, Column, Column]


def _robot(path: Path) -> Force:
    time_s, _, _, _, x, y, z = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    return time_s, x, y, z


def _road_car(path: Path) -> Force:
    """Gravity lies on +X. The bad samples are fed as good ones: the worst case."""
    time_s, x, y, z, *_ = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    return time_s, -z, y, x


def _diesel(path: Path) -> Force:
    """Gravity lies on -Z: the unit is upside down."""
    time_s, x, y, z, *_ = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    return time_s, x, -y, -z


def _magnitude(time_s: Column, norm_mps2: Column) -> Force:
    """Attitude is unknown: the norm stands for the vertical, which finds every free fall."""
    zero = np.zeros_like(time_s)
    return time_s, zero, zero, norm_mps2


def _glider(path: Path) -> Force:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return _magnitude(table[:, 0] / 1000.0, table[:, 1] * GRAVITY_mps2 / 1000.0)


def _rocket(path: Path) -> Force:
    table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(1, 3, 4, 5))
    return _magnitude(table[:, 0], np.linalg.norm(table[:, 1:], axis=1) * GRAVITY_mps2)


_FORCES = {
    "ugv": _robot, "road": _road_car, "diesel": _diesel, "glider": _glider, "rocket": _rocket,
}  # fmt: skip

ROBOTS = (
    "ugv_snow_03_imu", "ugv_snow_06_imu", "ugv_snow_10_imu", "ugv_snow_20_imu", "ugv_snow_23_imu",
    "ugv_sandy_loam_06_imu", "ugv_sandy_loam_08_imu", "ugv_asphalt_05_imu", "ugv_ice_12_imu",
    "ugv_flooring_02_imu",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "suspicions"),
    [
        *((robot, 1 if robot == "ugv_sandy_loam_08_imu" else 0) for robot in ROBOTS),
        ("road_car_2_imu", 0),
        # turned over by hand for seconds: 1 g on the wrong axis
        ("diesel_idle_imu", 6),
    ],
)
def test_rough_ground_and_wild_samples_are_never_a_flight(name: str, suspicions: int) -> None:
    columns = forced(name).columns

    assert not np.isin(columns["flight_mode.state"], (AIR, LANDING)).any()
    assert len(spans(columns["flight_mode.state"] == SUSPECT)) == suspicions
    assert (columns["flight_mode.detector_mode"] == INERTIAL_ONLY).mean() > 0.99


@pytest.mark.parametrize(
    ("name", "timeouts"),
    [
        ("glider_flight_03", 6), ("glider_flight_08", 11), ("glider_flight_10", 10),
        ("rocket_launch_3", 1),
    ],
)  # fmt: skip
def test_what_falls_for_seconds_is_no_car(name: str, timeouts: int) -> None:
    columns = forced(name).columns
    state, force_back = columns["flight_mode.state"], columns["flight_mode.evidence.is_force_back"]

    flights = [n for _, n in spans(state == AIR)]
    assert flights
    assert max(flights) <= LONGEST_ALONE_ms
    locked = spans(columns["flight_mode.has_timed_out"] == 1)
    assert len(locked) >= timeouts
    for first, length in locked:
        # Locked out from the time-out until the force has been back for 20 ms without a break
        assert not np.isin(state[first : first + length], (SUSPECT, AIR, LANDING)).any()
        if first + length < len(state):
            assert force_back[first + length - 19 : first + length].all()


def test_a_jump_of_the_clock_by_a_thousand_seconds_is_no_air_time() -> None:
    # The ring buffer of this launch starts with old samples, 1068 s before the rest
    run = forced("rocket_launch_1")

    state = run.columns["flight_mode.state"]
    assert len(state) > 1_100_000
    silent = run.columns["flight_mode.evidence.is_inertial_usable"] == 0
    assert max(n for _, n in spans(silent)) > 1_060_000
    assert not state[silent].any()
    assert max(n for _, n in spans(state == AIR)) <= LONGEST_ALONE_ms


# ---- cars that were driven hard and stayed on the ground

CARS = {
    "ford_s550": ("s550_drive.log", "ford_lincoln_base_pt.dbc"),
    "subaru_wrx": ("wrx_drive.log", "wrx_drive.dbc"),
}
WHEELSPIN_s = ((37.96, 38.98), (50.18, 51.28), (60.16, 61.58))
PATIENT_ms = (500, 500, 500, 500, 500, 500, 500, 1000, 1000, 5000, 2000, 2000, 5000)
"""What was said counts for long, so that no gap of the logger hides the detector."""


@cache
def _mapped(name: str, trace: str, dbc: str) -> Frames:
    mapping = load_mapping(find_mapping(name))
    frames = read_trace(recordings() / "can" / trace).frames(mapping.channel)
    return apply(mapping, frames, Database.load(recordings() / "dbc" / dbc)).frames


def replayed(frames: Frames, calibration: bytes | None) -> Run:
    return Ecu(calibration).run(
        frames.frame, frames.tick, frames.ticks, record=WATCHED, every_ticks=1
    )


def driven(name: str, calibration: bytes | None) -> Run:
    """Replay a drive through its shipped mapping."""
    return replayed(_mapped(name, *CARS[name]), calibration)


@pytest.mark.parametrize("part", [1, 3, 4, 5])
def test_thirty_minutes_of_one_road_car_raise_not_even_a_suspicion(part: int) -> None:
    # Part 2 is above, as columns and with its bad sample fed as a good one
    run = replayed(_mapped("canedge_car", f"canedge_drive_{part}.mf4", "canmod_imu.dbc"), None)

    assert not run.columns["flight_mode.state"].any()
    assert run.columns["flight_mode.evidence.is_inertial_usable"].mean() > 0.99


@pytest.mark.parametrize("ages_ms", [AGES_ms, PATIENT_ms], ids=["built-in ages", "patient"])
@pytest.mark.parametrize("name", CARS)
def test_a_hard_drive_on_the_road_never_leaves_the_ground(
    name: str, ages_ms: tuple[int, ...]
) -> None:
    columns = driven(name, calibrated(inputs__max_age_ms=ages_ms)).columns

    assert not columns["flight_mode.state"].any()
    assert not columns["flight_mode.flight_count"].any()


@pytest.mark.parametrize("ages_ms", [AGES_ms, PATIENT_ms], ids=["built-in ages", "patient"])
def test_wheelspin_is_judged_with_specific_force_at_hand_and_is_no_flight(
    ages_ms: tuple[int, ...],
) -> None:
    run = driven("ford_s550", calibrated(inputs__max_age_ms=ages_ms))

    assert run.columns["flight_mode.evidence.is_inertial_usable"].mean() > 0.9
    for start_s, end_s in WHEELSPIN_s:
        spin = slice(int(1000 * start_s), int(1000 * end_s))
        assert run.columns["flight_mode.evidence.is_inertial_usable"][spin].all()
        assert not run.columns["flight_mode.state"][spin].any()


def test_a_car_without_vertical_force_has_no_flight_mode_and_says_so() -> None:
    columns = driven("subaru_wrx", None).columns

    assert np.all(columns["flight_mode.detector_mode"] == OFF)
    assert np.all(columns["flight_mode.missing_mask"] & 1)
