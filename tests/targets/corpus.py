"""Everything that is there to be replayed, as frames of one bus in ticks.

A recording of a car is fed through its mapping, and once more as it is: foreign frames must change
nothing on one machine that they do not change on the other. A recording of sensors alone is fed as
frames of our bus, with a car around it that drives at 60 km/h.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from d7xr.database import Database
from d7xr.demo import demo_trace_path
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.mapping import find_mapping, load_mapping
from d7xr.replay import feed_of
from d7xr.trace import read_trace
from tests.car import CAR_AT_60_KPH, G_mps2, RADIUS_m
from tests.recordings import recordings

type Columns = dict[str, NDArray[np.float64]]

NOISE_TICKS = 60_000
PAUSE_S = 1.0
JUMPED_S = {"imu/rocket_launch_1.csv": 1068.2}
"""Everything is replayed whole. The one logger that was left alone for 18 minutes before the launch
is taken from the first part to the second by a jump that leaves a second between them."""
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames of one bus.

    Attributes:
        frame: ``FRAME_DTYPE``, shape ``(n,)``.
        tick: Tick of each, int64, never decreasing.
        ticks: How many ticks to run.
    """

    frame: NDArray[np.void]
    tick: NDArray[np.int64]
    ticks: int

    def beginning(self, ticks: int) -> "Stretch":
        """Return as much of it."""
        end = int(np.searchsorted(self.tick, ticks))
        return Stretch(self.frame[:end], self.tick[:end], ticks)


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to replay.

    Attributes:
        name: What it is, and how it is fed.
        source: The files that it is made of, below the recordings.
        ticks: How many it has, from its first to its last frame.
        load: Reads it.
    """

    name: str
    source: tuple[str, ...]
    ticks: int
    load: Callable[[], Stretch]


def demo() -> Stretch:
    """Return the shipped demo."""
    feed = feed_of(read_trace(demo_trace_path()))
    return stretch_of(feed.frames, feed.first_us, feed.ticks)


def stretch_of(frames: Frames, first_us: int, ticks: int) -> Stretch:
    """Return frames in ticks from the time of tick 0."""
    return Stretch(frames.frame, (frames.time_us - first_us) // 1000, ticks)


def mapped(name: str, mapping: str) -> Stretch:
    """Return a recording of another car through its mapping."""
    chosen = load_mapping(find_mapping(mapping))
    database = Database.load(recordings() / "dbc" / (chosen.dbc or ""))
    feed = feed_of(read_trace(recordings() / "can" / name), mapping=chosen, database=database)
    return stretch_of(feed.frames, feed.first_us, feed.ticks)


def raw(name: str, channel: int) -> Stretch:
    """Return a recording as it is, all its identifiers."""
    frames = read_trace(recordings() / "can" / name).frames(channel)
    return stretch_of(frames, int(frames.time_us[0]), frames.ticks)


def noise() -> Stretch:
    """Return random payloads and lengths on every identifier of our bus, twenty frames a tick."""
    random = np.random.default_rng(17)
    ticks = NOISE_TICKS
    frame = np.zeros(20 * ticks, dtype=FRAME_DTYPE)
    frame["id"] = random.choice([m.frame_id for m in Database.own().messages], len(frame))
    frame["length"] = np.where(random.random(len(frame)) < 0.9, 8, random.integers(0, 9))
    frame["data"] = random.integers(0, 256, (len(frame), 8))
    return Stretch(frame, np.repeat(np.arange(ticks, dtype=np.int64), 20), ticks)


def around(columns: Columns) -> Stretch:
    """Return a car that drives at 60 km/h with some of its signals replaced.

    Args:
        columns: By signal, one value a millisecond, all of one length.
    """
    ticks = len(next(iter(columns.values())))
    parts: list[tuple[NDArray[np.int64], NDArray[np.void]]] = []
    own = Database.own()
    for message in own.messages:
        names = [s.name for s in message.signals if s.name in CAR_AT_60_KPH]
        if names and message.cycle_time_ms:
            tick = np.arange(0, ticks, message.cycle_time_ms, dtype=np.int64)
            values = {
                n: columns[n][tick] if n in columns else np.full(len(tick), CAR_AT_60_KPH[n])
                for n in names
            }
            parts.append((tick, own.encode_columns(message.name, tick * 1000, values).frame))
    tick = np.concatenate([part[0] for part in parts])
    order = np.argsort(tick, kind="stable")
    return Stretch(np.concatenate([part[1] for part in parts])[order], tick[order], ticks)


def table(name: str, columns: tuple[int, ...], *, to_s: float = 1.0) -> NDArray[np.float64]:
    """Read columns of a text file, time first; a pause that is no drive is jumped.

    Args:
        name: The file.
        columns: Which to read.
        to_s: From the unit of its time to seconds.
    """
    rows = np.loadtxt(recordings() / name, delimiter=",", skiprows=1, usecols=columns)
    rows[:, 0] *= to_s
    pauses = np.diff(rows[:, 0])
    if pauses.max() > LONGEST_PAUSE_S:
        assert round(float(pauses.max()), 1) == JUMPED_S.get(name), f"{name}: an unknown pause"
        rows[int(pauses.argmax()) + 1 :, 0] -= pauses.max() - PAUSE_S
    return rows


def held(time_s: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one value a millisecond: each sample holds until the next."""
    since_s = time_s - time_s[0]
    at_s = np.arange(int(since_s[-1] * 1000) + 1) / 1000.0
    return np.asarray(values[np.searchsorted(since_s, at_s, side="right") - 1])


def suspension(name: str) -> Stretch:
    """Return a bicycle's two axles as the dampers of a car, each axle on both sides."""
    rows = table(name, (0, 1, 2))
    front_mm, rear_mm = held(rows[:, 0], rows[:, 1]), held(rows[:, 0], rows[:, 2])
    return around({f"DamperTravel{c}_mm": front_mm if c[0] == "F" else rear_mm for c in CORNERS})


CORNERS = ("FL", "FR", "RL", "RR")


def inertial(
    name: str, columns: tuple[int, ...], *, force: float = 1.0, rate: float = 1.0,
    to_s: float = 1.0, wheels: str | None = None,
) -> Stretch:  # fmt: skip
    """Return an inertial unit in the car, with wheels where they were recorded.

    Args:
        name: The file.
        columns: Columns of time, three forces and, where there are some, three rates.
        force: To m/s^2.
        rate: To rad/s.
        to_s: To seconds.
        wheels: File of a robot's left and right speed in m/s.
    """
    rows = table(name, columns, to_s=to_s)
    time_s = rows[:, 0]
    found = {
        f"SpecificForce{axis}_mps2": held(time_s, rows[:, 1 + i] * force)
        for i, axis in enumerate("XYZ")
    }
    if len(columns) == 7:
        for i, name_of_rate in enumerate(("RollRate", "PitchRate", "YawRate")):
            found[f"{name_of_rate}_radps"] = held(time_s, rows[:, 4 + i] * rate)
    ticks = len(found["SpecificForceX_mps2"])
    if wheels is not None:
        speeds = table(wheels, (0, 3, 4))
        for corner in CORNERS:
            speed_mps = held(speeds[:, 0], speeds[:, 1 if corner[1] == "L" else 2])
            padded = np.pad(speed_mps, (0, max(0, ticks - len(speed_mps))), mode="edge")
            found[f"WheelSpeed{corner}_radps"] = padded[:ticks] / RADIUS_m
    return around(found)


def glider(name: str) -> Stretch:
    """Return a flight with weightless stretches."""
    return inertial(f"imu/{name}", (0, 2, 3, 4), force=G_mps2 / 1000.0, to_s=1e-3)


def logger(name: str) -> Stretch:
    """Return what a data logger decoded from a bus that is replayed as well."""
    return inertial(name, (0, 1, 2, 3, 4, 5, 6), rate=np.pi / 180.0)


def _pieces() -> Mapping[str, Piece]:
    degree = np.pi / 180.0
    found = [Piece("demo", (), 87_998, demo), Piece("noise", (), NOISE_TICKS, noise)]

    def add(name: str, source: tuple[str, ...], ticks: int, load: Callable[[], Stretch]) -> None:
        found.append(Piece(name, source, ticks, load))

    for name, mapping, ticks in (
        ("s550_drive.log", "ford_s550", 70_371),
        ("wrx_drive.log", "subaru_wrx", 90_283),
        ("canedge_drive_1.mf4", "canedge_car", 529_449),
        ("canedge_drive_2.mf4", "canedge_car", 599_975),
        ("canedge_drive_3.mf4", "canedge_car", 599_861),
        ("canedge_drive_4.mf4", "canedge_car", 599_872),
        ("canedge_drive_5.mf4", "canedge_car", 44_593),
    ):
        add(f"{name} mapped", (f"can/{name}",), ticks, partial(mapped, name, mapping))
    for name, channel, ticks in (
        ("s550_drive.log", 0, 70_371), ("wrx_drive.log", 0, 90_283),
        ("canedge_drive_1.mf4", 0, 544_787), ("canedge_drive_1.mf4", 1, 529_449),
        ("canedge_drive_5.mf4", 0, 44_559), ("canedge_j1939_idle.mf4", 0, 127_195),
        ("canedge_j1939_idle.mf4", 1, 115_267), ("canedge_uds.mf4", 0, 299_017),
        ("twins/candump.log", 0, 8_001), ("asc_short_header.asc", 0, 47),
        ("asc_short_header.asc", 1, 48), ("asc_one_frame.asc", 0, 1),
    ):  # fmt: skip
        load = partial(raw, name, channel)
        add(f"{name} as it is, channel {channel}", (f"can/{name}",), ticks, load)
    for name, ticks in (
        ("ride_648_mm.csv", 53_066), ("ride_646_mm.csv", 520_241), ("ride_test_mm.csv", 159_114),
    ):  # fmt: skip
        source = f"suspension/{name}"
        add(f"{name} as dampers", (source,), ticks, partial(suspension, source))
    for run, ticks in (
        ("asphalt_05", 73_051), ("flooring_02", 25_061), ("ice_12", 35_071),
        ("sandy_loam_06", 55_911), ("sandy_loam_08", 43_801), ("snow_03", 34_971),
        ("snow_06", 103_011), ("snow_10", 85_531), ("snow_20", 49_241), ("snow_23", 43_161),
    ):  # fmt: skip
        source, wheels = f"imu/ugv_{run}_imu.csv", f"imu/ugv_{run}_wheels.csv"
        load = partial(inertial, source, (0, 4, 5, 6, 1, 2, 3), wheels=wheels)
        add(f"ugv_{run}", (source, wheels), ticks, load)
    for number, ticks in (("03", 1_173_772), ("08", 935_719), ("10", 1_091_998)):
        name = f"glider_flight_{number}.csv"
        add(name, (f"imu/{name}",), ticks, partial(glider, name))
    for launch, ticks in ((1, 73_755), (3, 84_095)):
        source = f"imu/rocket_launch_{launch}.csv"
        load = partial(inertial, source, (1, 3, 4, 5, 6, 7, 8), force=G_mps2, rate=degree)
        add(f"rocket_launch_{launch}", (source,), ticks, load)
    for name, ticks in (("diesel_idle_imu.csv", 114_668), ("road_car_2_imu.csv", 599_975)):
        source = f"imu/{name}"
        add(name, (source,), ticks, partial(logger, source))
    return {piece.name: piece for piece in found}


PIECES = _pieces()

SAME_AS_S550 = "the same frames as s550_drive.log: tests/replay holds all formats to one digest"
NOT_READ = "a format that d7xr info refuses with the reason"
SUSPENSION_RAW = "the counts behind a table in mm that is replayed"
NOT_FED = {
    "can/s550_drive.asc": SAME_AS_S550,
    "can/s550_drive.blf": SAME_AS_S550,
    "can/s550_drive.mf4": SAME_AS_S550,
    "can/s550_drive.txt": NOT_READ,
    "can/carbusanalyzer.trc": NOT_READ,
    "can/canedge_drive_obd.csv": "decoded replies of diagnostics, no frames",
    **{
        f"can/twins/{name}": NOT_READ
        for name in ("busmaster.log", "crtd.txt", "generic.csv", "gvret.csv", "microchip.log")
    },
    "imu/road_car_2_speed.csv": "one signal of canedge_drive_2.mf4, which is replayed",
    "suspension/events.json": "labels",
    "suspension/linkage.csv": "a table of geometry",
    "suspension/ride_646.sst": SUSPENSION_RAW,
    "suspension/ride_648.sst": SUSPENSION_RAW,
    "suspension/ride_test.sst": SUSPENSION_RAW,
    "suspension/ride_2022_088.sst": "its calibration was never published",
    "suspension/ride_2022_088_raw.csv": "its calibration was never published",
}
"""Recordings that are not replayed here, and why."""


def files_of(folder: Path) -> set[str]:
    """Return the recordings that the folder's list names."""
    lines = (folder / "manifest.tsv").read_text(encoding="utf-8").splitlines()[1:]
    names = {line.split("\t")[0] for line in lines}
    return {name for name in names if name.split("/")[0] in {"can", "imu", "suspension"}}
