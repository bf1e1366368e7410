"""``d7xr replay`` on a board behind a serial port: equal to the desk, or exit 3 and what to do."""

import select
from pathlib import Path

import numpy as np
import pytest
import serial

from d7xr.ecu import core_identity
from d7xr.frames import FRAME_DTYPE
from d7xr.target import board_emulator
from d7xr.target.board_emulator import BoardEmulator
from d7xr.target.report import BoardReport
from d7xr.target.serial import SerialTarget
from d7xr.target.slcan import LineReader, frame_of
from tests.board.test_bad_links import adapter, somebody
from tests.cli.bench import Command, runner
from tests.recordings import REPOSITORY
from tests.replay.bench import Drive
from tests.targets import arm

OTHER_FLAGS = REPOSITORY / "build" / "firmware-flags-board" / "d7xr.elf"


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``d7xr`` with the given words."""
    return runner(capsys)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A short drive on our bus."""
    return Drive(seconds=1.5).write(tmp_path / "drive.log")


def test_a_port_with_a_board_is_compared_at_every_tick(
    board: BoardEmulator, trace: Path, d7xr: Command
) -> None:
    ending = d7xr("replay", trace, "--target", "sil", "--target", f"serial:{board.port}")

    assert ending.code == 0, ending.err
    assert f"sil and serial:{board.port}: equal at 1," in ending.out


def test_the_emulated_board_is_started_and_stopped_for_it(
    image: Path, trace: Path, d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_emulator, "IMAGE", image)

    ending = d7xr("replay", trace, "--target", "board-emulated", "--json")

    assert ending.code == 0, ending.err
    assert ending.document["target"] == "board-emulated"
    (comparison,) = ending.document["comparisons"]
    assert comparison["is_equal"]
    assert comparison["ticks"] > 1_400


def test_a_port_that_is_not_there_ends_with_3(trace: Path, tmp_path: Path, d7xr: Command) -> None:
    run = tmp_path / "run"

    ending = d7xr("replay", trace, "--target", "serial:/dev/ttyNOWHERE", "--out", run)

    assert ending.code == 3
    assert "no port /dev/ttyNOWHERE" in ending.err
    assert [path.name for path in tmp_path.iterdir()] == ["drive.log"]


def test_a_port_that_is_busy_ends_with_3(trace: Path, d7xr: Command) -> None:
    with somebody(adapter) as port, serial.Serial(port, exclusive=True):
        ending = d7xr("replay", trace, "--target", f"serial:{port}")

    assert ending.code == 3
    assert f"{port} is busy" in ending.err


def test_a_firmware_that_is_too_old_ends_with_3(trace: Path, d7xr: Command) -> None:
    with somebody(adapter) as port:
        ending = d7xr("replay", trace, "--target", f"serial:{port}")

    assert ending.code == 3
    assert "does not answer Sync" in ending.err
    assert "flash it again" in ending.err


def test_a_board_of_another_build_ends_with_3(
    board: BoardEmulator, trace: Path, d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = core_identity() | {"build_id": "deadbeef"}
    monkeypatch.setattr("d7xr.target.stepped.core_identity", lambda *_: other)

    ending = d7xr("replay", trace, "--target", f"serial:{board.port}")

    assert ending.code == 3
    assert "this host is build adbeef" in ending.err


def test_an_image_of_other_flags_ends_with_3(
    trace: Path, d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm.require()
    image = arm.built(OTHER_FLAGS, "EXTRA_CFLAGS=-ffp-contract=fast")
    monkeypatch.setattr(board_emulator, "IMAGE", image)

    ending = d7xr("replay", trace, "--target", "board-emulated")

    assert ending.code == 3
    assert "board-emulated is build" in ending.err


def test_a_board_that_vanishes_in_the_middle_ends_with_3(
    board: BoardEmulator, trace: Path, d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = SerialTarget._step

    def pulled(self: SerialTarget, tick: int, given: list[bytes]) -> object:
        if tick == 700:
            board.__exit__(None, None, None)
        return original(self, tick, given)

    monkeypatch.setattr(SerialTarget, "_step", pulled)
    ending = d7xr("replay", trace, "--target", f"serial:{board.port}")

    assert ending.code == 3
    assert "vanished" in ending.err
    assert "connect it and run again" in ending.err


def test_the_port_keeps_its_last_bytes_from_before_the_greeting(board: BoardEmulator) -> None:
    unit = SerialTarget(board.port)
    with unit:
        greeted = unit.console
        told = unit.run(np.zeros(0, FRAME_DTYPE), np.zeros(0, np.int64), 3_000)
        ended = unit.console

    assert b"V1013\r" in greeted
    assert b"t1988" in greeted, "identity"
    assert len(ended) == 64 * 1024
    last = (2_999).to_bytes(4, "little") + int(told.digest[-1]).to_bytes(4, "little")
    assert f"t7F18{last.hex().upper()}\r".encode() in ended[-100:]
    # And a port that is opened anew, as after a reset, has not forgotten what came before
    with unit:
        assert ended[-100:] in unit.console


def test_a_channel_that_is_closed_and_opened_in_one_breath_is_told_all_again(
    board: BoardEmulator,
) -> None:
    with serial.Serial(board.port, timeout=0) as port:
        while not select.select([port], [], [], 0.5)[0]:  # a board that still starts hears nothing
            port.write(b"\rC\rO\r")
        assert report(port).is_whole

        port.write(b"C\rO\r")

        assert report(port).is_whole


def report(port: serial.Serial) -> BoardReport:
    """Read a report, until it is whole or for five seconds."""
    found, reader = BoardReport(), LineReader()
    while not found.is_whole and select.select([port], [], [], 5.0)[0]:
        for line in reader.feed(port.read(4096)):
            if (frame := frame_of(line.text)) is not None:
                found.take(frame)
    return found
