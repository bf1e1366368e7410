"""What can be wrong between host and board is said in one sentence, with what to do."""

import os
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import serial

from d7xr.ecu import calibration_default, core_identity
from d7xr.errors import LinkError, RigError
from d7xr.frames import FRAME_DTYPE
from d7xr.target.board_emulator import BoardEmulator
from d7xr.target.serial import SerialTarget

PATIENCE_S = 0.3
NO_FRAME = np.zeros(0, FRAME_DTYPE)
NO_TICK = np.zeros(0, np.int64)


@contextmanager
def somebody(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Put somebody behind a pseudo-terminal who answers each line by a rule."""
    master, slave = os.openpty()
    tty.setraw(slave)
    stop_read, stop_write = os.pipe()

    def serve() -> None:
        rest = b""
        while stop_read not in (ready := select.select([master, stop_read], [], [])[0]):
            assert ready
            *lines, rest = (rest + os.read(master, 4096)).split(b"\r")
            for line in lines:
                os.write(master, answer(line))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.write(stop_write, b"x")
        thread.join()
        for handle in (master, slave, stop_read, stop_write):
            os.close(handle)


def adapter(line: bytes) -> bytes:
    """Answer as a CAN adapter does: it knows the protocol and is no unit."""
    return {b"V": b"V1013\r", b"N": b"N1234\r"}.get(line, b"\r")


def refused(port: str, kind: type[LinkError | RigError]) -> str:
    """Return what is said when a target on a port cannot be opened."""
    with pytest.raises(kind) as caught, SerialTarget(port, answer_s=PATIENCE_S):
        pass
    assert caught.value.exit_code == 3
    assert caught.value.hint
    return str(caught.value)


def test_a_port_that_is_not_there() -> None:
    assert "no port /dev/ttyNOWHERE" in refused("/dev/ttyNOWHERE", LinkError)


def test_a_file_that_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no port")

    assert "cannot open" in refused(str(tmp_path / "file"), LinkError)


def test_a_port_that_another_program_has() -> None:
    with somebody(adapter) as port, serial.Serial(port, exclusive=True):
        assert f"{port} is busy" in refused(port, LinkError)


def test_nobody_there() -> None:
    with somebody(lambda _: b"") as port:
        said = refused(port, LinkError)

    assert "nothing that speaks SLCAN answered within 0.3 s; not a byte came" in said


def test_somebody_who_speaks_something_else() -> None:
    with somebody(lambda _: b"login: ") as port:
        said = refused(port, LinkError)

    assert "the last bytes were b'" in said
    assert "login: login: " in said


def test_an_adapter_that_is_no_unit_or_a_firmware_that_is_too_old() -> None:
    with somebody(adapter) as port:
        said = refused(port, RigError)

    assert "speaks SLCAN but does not answer Sync" in said
    assert "flash it again" in said


def test_a_unit_that_refuses_to_be_opened() -> None:
    with somebody(lambda line: b"\a" if line == b"O" else adapter(line)) as port:
        assert "refuses 'O'" in refused(port, LinkError)


def test_a_board_of_another_build(board: BoardEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    other = core_identity() | {"build_id": "deadbeef"}
    monkeypatch.setattr("d7xr.target.stepped.core_identity", lambda *_: other)

    with pytest.raises(RigError, match="this host is build adbeef") as caught, \
            SerialTarget(board.port):  # fmt: skip
        pass
    assert "make setup firmware" in str(caught.value)


def test_a_calibration_that_the_board_has_not(board: BoardEmulator) -> None:
    blob = bytearray(calibration_default())
    blob[0] += 1

    with SerialTarget(board.port) as unit:
        with pytest.raises(RigError, match="runs calibration"):
            unit.start(bytes(blob))
        with pytest.raises(RigError, match="cannot be read over SLCAN"):
            unit.snapshot()


def test_a_board_that_is_unplugged_in_the_middle_of_a_run(image: Path) -> None:
    with BoardEmulator(image) as board:
        unit = SerialTarget(board.port).__enter__()
        unit.run(NO_FRAME, NO_TICK, 5)
        board.__exit__(None, None, None)

        with pytest.raises(LinkError, match="vanished") as caught:
            unit.run(NO_FRAME, NO_TICK, 5)

        unit.__exit__(LinkError, caught.value, None)
    assert "unplugged" in str(caught.value)


def test_a_board_that_somebody_else_steps(board: BoardEmulator) -> None:
    with SerialTarget(board.port) as unit:
        unit.run(NO_FRAME, NO_TICK, 5)
        line = os.open(board.port, os.O_WRONLY | os.O_NOCTTY)
        os.write(line, b"t7F08FFFFFFFF00000000\r")
        os.close(line)

        with pytest.raises(RigError, match="is at its start"):
            unit.run(NO_FRAME, NO_TICK, 2)


def test_without_an_emulator(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RigError, match="no qemu-system-arm"), BoardEmulator(image):
        pass


def test_without_an_image(tmp_path: Path) -> None:
    with pytest.raises(RigError, match="no firmware image") as caught, \
            BoardEmulator(tmp_path / "d7xr.elf"):  # fmt: skip
        pass
    assert caught.value.hint == "build it: make firmware"


def test_an_emulator_that_ends_at_once(image: Path) -> None:
    with pytest.raises(RigError, match=r"the emulator ended: .*bogus"), \
            BoardEmulator(image, extra=("-bogus",)):  # fmt: skip
        pass
