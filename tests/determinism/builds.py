"""The firmware as a program of its own, by any compiler; and drives that show all it does."""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from d7xr.database import Database
from d7xr.ecu import Ecu, core_identity
from d7xr.frames import FRAME_DTYPE
from tests.car import CAR_AT_60_KPH, Level
from tests.gates import firmware_build
from tests.gates.checks.flags import read_flags
from tests.gates.checks.sources import REPOSITORY, files
from tests.torque.test_laws import random_frames

RECORD_DTYPE = np.dtype([("tick", "<u4"), ("frame", FRAME_DTYPE)])
DRIVER = Path(__file__).parent / "driver.c"
NATIVE = REPOSITORY / "pyhost" / "native"
FLAGS = firmware_build.FIRMWARE / "flags.mk"


@dataclass(frozen=True, slots=True)
class Drive:
    """Frames for a stretch of ticks."""

    frame: NDArray[np.void]
    tick: NDArray[np.int64]
    ticks: int

    def digests(self) -> NDArray[np.uint32]:
        """Run it in this process: the digest of every tick, then that of the run."""
        run = Ecu().run(self.frame, self.tick, self.ticks, with_digests=True)
        assert run.digest is not None
        return np.append(run.digest, np.uint32(run.run_digest))


def assert_same_tree(codec: Path) -> None:
    """Check that the package was built from the sources that are about to be compiled."""
    identity = (codec / "bus_identity.h").read_text(encoding="ascii")
    found = re.search(r"BUS_IDENTITY_BUILD \(0x([0-9A-F]{8})UL", identity)
    assert found is not None
    built = core_identity()["build_id"]
    assert built == found[1].lower(), "the package is older than the firmware here: make setup"


def compile_driver(
    folder: Path, codec: Path, *, compiler: str = "gcc", flags: tuple[str, ...] = (),
    arithmetic: list[str] | None = None,
) -> Path:  # fmt: skip
    """Compile unit and driver with the flags of the project and some more.

    Args:
        folder: Where the program goes.
        codec: Folder of the generated codec.
        compiler: gcc or clang.
        flags: Level of optimisation, sanitizers.
        arithmetic: Instead of the project's flags of arithmetic.

    Raises:
        AssertionError: If the compiler says anything at all.
    """
    assert_same_tree(codec)
    ours = read_flags(FLAGS)
    chosen = ours["D7XR_ARITH"] if arithmetic is None else arithmetic
    target = folder / "driver"
    sources = [
        *(path for room in ("core", "bus") for path in files(firmware_build.FIRMWARE / room, ".c")),
        *sorted(firmware_build.FIRMWARE.glob("*.c")), codec / "bus_codec.c", DRIVER,
    ]  # fmt: skip
    command = [compiler, *ours["D7XR_CSTD"], *chosen, *ours["D7XR_WARN"], *flags,
               *firmware_build.include_flags(codec), "-iquote", str(NATIVE),
               *map(str, sources), "-o", str(target)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return target


def run_driver(driver: Path, drive: Drive) -> subprocess.CompletedProcess[str]:
    """Let a program run a drive; its digests stand in the file beside it."""
    record = np.zeros(len(drive.frame), dtype=RECORD_DTYPE)
    record["tick"], record["frame"] = drive.tick, drive.frame
    frames = driver.with_suffix(".frames")
    frames.write_bytes(record.tobytes())
    return subprocess.run(
        [str(driver), str(frames), str(drive.ticks), str(driver.with_suffix(".digests"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def digests_of(driver: Path, drive: Drive) -> NDArray[np.uint32]:
    """Return what a program says of a drive, in the order of ``Drive.digests``."""
    done = run_driver(driver, drive)
    assert done.returncode == 0, done.stderr
    return np.fromfile(driver.with_suffix(".digests"), dtype="<u4")


def _frames(levels: dict[str, Level], ticks: int) -> Drive:
    bus = Database.own()
    time_s = np.arange(ticks) / 1000.0
    frames, at = [], []
    for message in bus.messages:
        names = [s.name for s in message.signals if s.name in levels]
        if not names or not message.cycle_time_ms:
            continue
        tick = np.arange(0, ticks, message.cycle_time_ms)
        columns = {}
        for name in names:
            level = levels[name]
            values = level(time_s) if callable(level) else np.broadcast_to(level, ticks)
            columns[name] = np.asarray(values, dtype=np.float64)[tick]
        frames.append(bus.encode_columns(message.name, tick * 1000, columns).frame)
        at.append(tick)
    order = np.argsort(np.concatenate(at), kind="stable")
    return Drive(np.concatenate(frames)[order], np.concatenate(at)[order].astype(np.int64), ticks)


@cache
def rich_drive() -> Drive:
    """Return a minute with flights, rough road, heat, faults, cranking, a stop and a run-on."""
    ticks = 60_000
    random = np.random.default_rng(11)
    time_ms = np.arange(ticks)
    levels: dict[str, Level] = dict(CAR_AT_60_KPH)
    force = 9.81 + random.normal(0.0, 0.4, ticks)
    travel = 130.0 + 8.0 * np.sin(time_ms / 90.0) + random.normal(0.0, 0.4, ticks)
    wheel = np.full(ticks, 38.8) + random.normal(0.0, 0.1, ticks)
    for start, air in ((5000, 400), (6200, 150), (12_000, 900), (13_100, 300), (30_000, 3500)):
        flight = slice(start, start + air)
        force[flight] = random.normal(0.4, 0.3, air)
        travel[flight] = np.maximum(130.0 - 1.2 * np.arange(air), 15.0) + random.normal(0, 0.3, air)
        wheel[flight] += np.minimum(np.arange(air) * 0.04, 20.0)
        force[start + air : start + air + 60] = 35.0
        travel[start + air : start + air + 60] = np.linspace(20.0, 240.0, 60)
    force[20_000:22_000] = np.where((time_ms[:2000] // 55) % 2 == 0, 2.0, 17.0)
    levels["SpecificForceX_mps2"] = random.normal(0.0, 0.5, ticks)
    levels["SpecificForceZ_mps2"] = force
    for corner in ("FL", "FR", "RL", "RR"):
        levels[f"DamperTravel{corner}_mm"] = np.clip(travel + random.normal(0, 0.5, ticks), 0, 390)
        levels[f"WheelSpeed{corner}_radps"] = wheel + random.normal(0, 0.1, ticks)
    foot = np.clip(60.0 + 55.0 * np.sin(time_ms / 1700.0), 0.0, 100.0)
    levels["AcceleratorTrack1_pct"] = foot
    levels["AcceleratorTrack2_pct"] = np.where(
        (time_ms > 25_000) & (time_ms < 26_000), np.nan, foot
    )
    levels["EngineSpeed_rpm"] = np.select(
        [time_ms < 1000, time_ms > 57_000], [220.0, 0.0], 4200.0 + 2950.0 * np.sin(time_ms / 2300.0)
    )
    levels["TurbineSpeed_rpm"] = levels["EngineSpeed_rpm"]  # the clutch is locked
    levels["CoolantIn_degC"] = np.where(
        (time_ms > 40_000) & (time_ms < 42_000), np.nan, 84.0 + time_ms / 1000.0
    )
    levels["ChargeAir_degC"] = 50.0 + 25.0 * np.sin(time_ms / 9000.0)
    levels["FilterDp_kPa"] = 2.0 + 1.5 * np.sin(time_ms / 4000.0)
    levels["IntakeAir_degC"] = 30.0 + 12.0 * np.sin(time_ms / 7000.0)
    levels["Battery_V"] = np.where((time_ms > 35_000) & (time_ms < 39_000), 12.3, 13.8)
    levels["KillSwitch"] = np.where((time_ms > 28_000) & (time_ms < 28_300), 1.0, 0.0)
    levels["EngineStatus"] = np.select(
        [time_ms < 1000, time_ms > 57_000, (time_ms > 50_000) & (time_ms < 51_000)],
        [1, 0, np.nan],
        2,
    ).astype(np.float64)
    levels["Fan1Current_A"] = np.where(time_ms > 20_000, 0.0, 18.0)
    return _frames(levels, ticks)


@cache
def garbage(seed: int = 5, ticks: int = 20_000) -> Drive:
    """Return frames of random bytes under our identifiers, half of them with the right checksum."""
    frame, tick = random_frames(np.random.default_rng(seed), 3 * ticks, ticks, 0.5)
    return Drive(frame, tick, ticks)


def has_fused_multiply() -> bool:
    """Tell whether this machine can fuse a multiplication and an addition into one rounding."""
    cpu = Path("/proc/cpuinfo")
    return sys.platform == "linux" and cpu.is_file() and " fma" in cpu.read_text(encoding="ascii")
