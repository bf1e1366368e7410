"""What the unit takes along when power goes, in the board's own image on a model of its flash."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from d7xr.database import Database
from d7xr.frames import Frames
from d7xr.target.report import BoardReport
from tests.board.can_bench import CanBench
from tests.board.test_can import report_of

EMPTY, READ, FOREIGN, BROKEN = range(4)
CALIBRATION = 0
ENGINE_MS = 10
STANDING_MS = 5_000
START_MS = 20
HEADER = struct.Struct("<5I")
SLOT_BYTES = 0x20000


@pytest.fixture
def bench(image: Path) -> Iterator[CanBench]:
    """A board fresh from the factory."""
    with CanBench(image) as bench:
        yield bench


def standing(ms: int) -> Frames:
    """Return the frames of an engine that stands still."""
    time_us = np.arange(0, ms, ENGINE_MS, dtype=np.int64) * 1000
    return Database.own().encode_columns(
        "EngineState", time_us, {"EngineSpeed_rpm": np.zeros(len(time_us))}
    )


def stand(bench: CanBench, ms: int) -> None:
    """Let the car stand with its engine off."""
    for row in standing(ms).frame:
        bench.send((int(row["id"]), row["data"].tobytes()))
        bench.run(ENGINE_MS)


def restarted(bench: CanBench) -> BoardReport:
    """Let power go and come, and read what the board says."""
    bench.restart()
    bench.run(START_MS)
    return report_of(bench)


def record(words: bytes, layout: int, sequence: int) -> bytes:
    """Return a whole record of the store: a calibration set."""
    covered = struct.pack("<3I", sequence, CALIBRATION << 16 | len(words) // 4, layout)
    return struct.pack("<I", 0x73373764) + covered + struct.pack(
        "<I", zlib.crc32(covered + words)
    ) + words  # fmt: skip


@pytest.mark.slow
def test_faults_outlive_power_once_the_car_has_stood(bench: CanBench) -> None:
    # Given a unit that had faults: most of its senders are silent
    bench.run(START_MS)
    assert report_of(bench).memory["state"] == EMPTY
    stand(bench, STANDING_MS - 200)
    assert set(b"".join(bench.slots())) == {0xFF}

    # When the car has stood for long enough
    stand(bench, 400)
    before = report_of(bench)
    assert before.memory["write_failed"] == 0
    assert bench.run(1).violations == []

    # Then power may go, and the faults are still known
    after = restarted(bench)
    assert after.memory["state"] == EMPTY, "no calibration was kept"
    faults = before.memory["fault_mask"]
    assert faults
    assert after.memory["fault_mask"] & faults == faults
