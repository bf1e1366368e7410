"""The board's image, stepped over its serial port, gives the bits of the unit in this process."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from d7xr.ecu import Ecu, calibration_default
from d7xr.errors import RigError
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.target import Answer
from d7xr.target.board_emulator import BoardEmulator
from d7xr.target.serial import SerialTarget
from tests.board.gdb import Debugger

STRETCH_TICKS = 3_000
CRASH_AT = 0xF0000000
"""No memory is there, and none that may be executed."""


def desk(frames: Frames, ticks: int) -> Answer:
    """Return what the unit in this process does with the first ticks of a trace."""
    count = int(np.searchsorted(frames.tick, ticks))
    run = Ecu().run(frames.frame[:count], frames.tick[:count], ticks, with_digests=True)
    assert run.digest is not None
    return Answer(run.digest, run.sent_tick, run.sent)


def test_the_demo_gives_the_same_digest_and_frames_at_every_tick(
    board: BoardEmulator, demo: Frames, capsys: pytest.CaptureFixture[str]
) -> None:
    count = int(np.searchsorted(demo.tick, STRETCH_TICKS))
    ours = desk(demo, STRETCH_TICKS)

    with SerialTarget(board.port) as unit:
        unit.start(calibration_default())
        start_s = time.perf_counter()
        its = unit.run(demo.frame[:count], demo.tick[:count], STRETCH_TICKS)
        took_s = time.perf_counter() - start_s
        counters = unit.counters()

    assert np.array_equal(its.digest, ours.digest)
    assert np.array_equal(its.sent, ours.sent)
    assert np.array_equal(its.sent_tick, ours.sent_tick)
    assert len(np.unique(its.digest)) > STRETCH_TICKS / 2
    assert not any(counters.values()), counters
    with capsys.disabled():
        sys.stdout.write(
            f"\n  stepped over a pseudo-terminal: {STRETCH_TICKS / took_s:.0f} ticks/s with "
            f"{count / STRETCH_TICKS:.1f} frames in and {len(its.sent) / STRETCH_TICKS:.1f} out a "
            f"tick; {STRETCH_TICKS} digests equal\n"
        )


def test_a_tick_of_a_thousand_frames_blocks_nobody(board: BoardEmulator, demo: Frames) -> None:
    # Given more frames in one tick than any buffer on the way holds
    frames = Frames(np.zeros(1_000, dtype=np.int64), demo.frame[:1_000])
    ours = desk(frames, 2)

    with SerialTarget(board.port) as unit:
        unit.start(calibration_default())
        its = unit.run(frames.frame, frames.tick, 2)

    assert np.array_equal(its.digest, ours.digest)


def test_each_start_is_a_new_unit(board: BoardEmulator, demo: Frames) -> None:
    ours = desk(demo, 50)
    count = int(np.searchsorted(demo.tick, 50))

    for _ in range(2):
        with SerialTarget(board.port) as unit:
            for _ in range(2):
                unit.start(calibration_default())
                its = unit.run(demo.frame[:count], demo.tick[:count], 50)
                assert np.array_equal(its.digest, ours.digest)


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\xff\x80garbage",
        b"t7F08",
        b"t1234" * 40,
        b"T00000000",
        b"\a\a\n\r\r",
        bytes(range(256)),
    ],
    ids=["bytes", "half-line", "no-end", "half-frame", "ends", "all"],
)
def test_noise_between_two_ticks_is_refused_and_nothing_else(
    board: BoardEmulator, demo: Frames, noise: bytes
) -> None:
    ours = desk(demo, 40)
    middle = int(np.searchsorted(demo.tick, 20))
    end = int(np.searchsorted(demo.tick, 40))

    with SerialTarget(board.port) as unit:
        unit.start(calibration_default())
        first = unit.run(demo.frame[:middle], demo.tick[:middle], 20)
        line = os.open(board.port, os.O_WRONLY | os.O_NOCTTY)
        os.write(line, noise)
        os.close(line)
        then = unit.run(demo.frame[middle:end], demo.tick[middle:end] - 20, 20)

    assert np.array_equal(np.concatenate([first.digest, then.digest]), ours.digest)


def test_a_crash_is_told_once_and_the_unit_goes_on_as_new(
    image: Path, tmp_path: Path, demo: Frames
) -> None:
    ours = desk(demo, 50)
    count = int(np.searchsorted(demo.tick, 50))
    debug = ("-gdb", f"unix:{tmp_path / 'gdb'},server=on,wait=off")

    with BoardEmulator(image, extra=debug) as board:
        # Given a unit in the middle of a run
        with SerialTarget(board.port, answer_s=1.0) as unit:
            assert not unit.report.crash
            unit.start(calibration_default())
            unit.run(demo.frame[:count], demo.tick[:count], 50)

            # When its processor is sent where nothing is
            with Debugger(tmp_path / "gdb") as debugger:
                debugger.jump(CRASH_AT)

            # Then the run is void and says so
            with pytest.raises(RigError, match="was restarted"):
                unit.run(np.zeros(0, FRAME_DTYPE), np.zeros(0, np.int64), 1)

        # And the next host is told where it crashed, and steps a unit that is as good as new
        with SerialTarget(board.port) as unit:
            assert unit.report.crash["pc"] == CRASH_AT
            assert unit.report.crash["cfsr"] & 1, "instruction access violation"
            assert unit.report.crash["hfsr"] >> 30 & 1, "escalated to a hard fault"
            assert 0x2000_0000 <= unit.report.crash["sp"] < 0x2002_0000
            assert unit.report.memory["crash_count"] == 1
            unit.start(calibration_default())
            its = unit.run(demo.frame[:count], demo.tick[:count], 50)
            assert np.array_equal(its.digest, ours.digest)

        # But the one after that is not
        with SerialTarget(board.port) as unit:
            assert not unit.report.crash


def test_a_setting_that_is_lost_is_found_and_set_again(image: Path, tmp_path: Path) -> None:
    baud_register = 0x40004408
    debug = ("-gdb", f"unix:{tmp_path / 'gdb'},server=on,wait=off")

    with BoardEmulator(image, extra=debug) as board:
        with SerialTarget(board.port) as unit:
            assert unit.report.health["registers_lost"] == 0
            with Debugger(tmp_path / "gdb") as debugger:
                debugger.write(baud_register, bytes(4))
            unit.run(np.zeros(0, FRAME_DTYPE), np.zeros(0, np.int64), 400)
        with SerialTarget(board.port) as unit:
            assert unit.report.health["registers_lost"] == 1


def test_the_report_says_that_the_board_is_emulated_and_well(board: BoardEmulator) -> None:
    with SerialTarget(board.port) as unit:
        assert unit.report.is_whole
        assert unit.report.health["chip"] == 0
        assert unit.report.health["bus"] == 0
        assert not any(unit.report.trouble().values()), unit.report.trouble()
        assert 0 < unit.report.health["stack_bytes"] < 4096
        assert unit.board_id == "0000"
