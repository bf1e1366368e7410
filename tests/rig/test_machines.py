"""Where the unit can run: supplies that are switched, lines that are pulled, strangers refused."""

import os
import subprocess
import tty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import serial
from numpy.typing import NDArray

from d7xr.errors import LinkError, RigError, UsageError
from d7xr.hil.identity import Identity, check, expected, handshake
from d7xr.hil.line import Line
from d7xr.hil.machines import Plain, Wired, find_machine
from d7xr.rig import Board, choose_board
from d7xr.target import Answer
from d7xr.target.sil import Sil
from tests.rig.bench import BENCH1, PORT, ports, read


def board(tmp_path: Path, text: str = BENCH1) -> Board:
    return choose_board(read(tmp_path, text))


class Clock:
    """A clock that goes on only when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, time_s: float) -> None:
        self.now_s += time_s


def ended(status: int, says: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.CompletedProcess([], status, "", says)


def test_names_are_those_of_places_and_of_the_boards_of_the_rig(tmp_path: Path) -> None:
    rig = read(tmp_path, BENCH1)

    assert find_machine("sil").capabilities >= {"stepped", "snapshot", "calibration"}
    assert find_machine("emulated").port is None
    assert find_machine("board", rig=rig).name == "bench1"
    assert find_machine("bench1", rig=rig).board == rig.boards["bench1"]
    assert find_machine("serial:/dev/ttyACM7").name == "serial:/dev/ttyACM7"
    with pytest.raises(UsageError, match="no target 'bensh1'") as told:
        find_machine("bensh1", rig=rig)
    assert told.value.hint == "nearest: bench1"


def test_a_machine_tells_who_it_is_by_its_own_frames() -> None:
    assert handshake(find_machine("sil")) == expected()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"build_id": "ffffff"}, "runs build ffffff"),
        ({"layout_hash": "ffff"}, "layout ffff"),
    ],
)
def test_pain_28_another_build_is_refused_with_both_numbers_and_the_remedy(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    ours = expected()
    told = Identity(
        change.get("build_id", ours.build_id), ours.calibration_id,
        change.get("layout_hash", ours.layout_hash), "0042",
    )  # fmt: skip

    with pytest.raises(RigError, match=message) as refused:
        check(told, Wired(board(tmp_path)))
    assert f"this host is build {ours.build_id}, layout {ours.layout_hash}" in str(refused.value)
    assert "d7xr flash --board bench1" in str(refused.value.hint)


def test_another_board_of_the_same_build_is_refused(tmp_path: Path) -> None:
    ours = expected()
    meant = Wired(board(tmp_path, BENCH1 + 'board_id = "00A7"\n'))
    told = Identity(ours.build_id, ours.calibration_id, ours.layout_hash, "0042")

    with pytest.raises(RigError, match="board 0042 answers, the rig file means 00A7"):
        check(told, meant)
    check(Identity(ours.build_id, ours.calibration_id, ours.layout_hash, "00a7"), meant)


def test_a_unit_that_ticks_and_never_says_who_it_is_is_refused() -> None:
    class Mute(Sil):
        def run(self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int) -> Answer:
            answer = super().run(frame, frame_tick, ticks)
            return replace(answer, sent=answer.sent[:0], sent_tick=answer.sent_tick[:0])

    machine = Plain("mute", frozenset({"stepped"}), Mute)

    with pytest.raises(RigError, match="mute ticks but did not tell its identity"):
        handshake(machine)


def test_the_supply_is_switched_by_the_command_of_the_rig_file(tmp_path: Path) -> None:
    by_id = ports(tmp_path, ttyUSB0=PORT)
    text = BENCH1.replace("/dev/serial/by-id", str(by_id))
    said: list[list[str]] = []

    def run(words: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        said.append(words)
        return ended(0)

    machine = Wired(board(tmp_path, text), by_id=by_id, run=run, wait=Clock().wait)
    machine.power(is_on=False)
    machine.power(is_on=True)

    assert said == [["switch", "off"], ["switch", "on"]]


def test_a_port_that_comes_back_late_is_waited_for(tmp_path: Path) -> None:
    by_id = ports(tmp_path)
    clock = Clock()

    def wait(time_s: float) -> None:
        clock.wait(time_s)
        if clock.now_s > 3.0:
            (by_id / PORT).touch()

    text = BENCH1.replace("/dev/serial/by-id", str(by_id))
    machine = Wired(board(tmp_path, text), by_id=by_id, run=lambda *_, **__: ended(0), clock=clock,
                    wait=wait)  # fmt: skip
    machine.power(is_on=True)

    assert 3.0 < clock.now_s < 3.1


def test_a_port_that_does_not_come_back_is_rig_trouble(tmp_path: Path) -> None:
    clock = Clock()
    machine = Wired(board(tmp_path), run=lambda *_, **__: ended(0), clock=clock, wait=clock.wait)

    with pytest.raises(RigError, match="15 s after its supply came back its port has not"):
        machine.power(is_on=True)


def test_a_power_command_that_fails_is_rig_trouble(tmp_path: Path) -> None:
    machine = Wired(board(tmp_path), run=lambda *_, **__: ended(2, "usage\nno such hub\n"))

    with pytest.raises(RigError, match="ended with status 2: no such hub") as told:
        machine.power(is_on=False)
    assert told.value.hint == "try it by hand: switch off"


def test_a_power_command_that_is_not_there_is_rig_trouble(tmp_path: Path) -> None:
    with pytest.raises(RigError, match="power command switch did not run"):
        Wired(board(tmp_path)).power(is_on=False)


def test_a_board_without_a_power_command_says_what_to_add(tmp_path: Path) -> None:
    text = "\n".join(line for line in BENCH1.splitlines() if not line.startswith("power"))
    machine = Wired(board(tmp_path, text))

    assert "power" not in machine.capabilities
    with pytest.raises(RigError, match="cannot be switched"):
        machine.power(is_on=True)


@pytest.fixture
def far() -> Iterator[tuple[int, str]]:
    """A unit's end of a serial line: a handle, and the path of its port."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def test_a_line_carries_bytes_both_ways(far: tuple[int, str]) -> None:
    handle, port = far
    with Line(port) as line, serial.Serial(line.port, timeout=2.0) as host:
        host.write(b"t0011AA\r")
        assert os.read(handle, 100) == b"t0011AA\r"
        os.write(handle, b"\x00\xff\r")
        assert host.read(3) == b"\x00\xff\r"


def test_a_line_that_is_disturbed_brings_the_noise_to_the_unit_alone(far: tuple[int, str]) -> None:
    handle, port = far
    with Line(port) as line, serial.Serial(line.port, timeout=2.0) as host:
        line.disturb(b"noise")
        assert os.read(handle, 100) == b"noise"
        os.write(handle, b"V")
        assert host.read(1) == b"V"


def test_a_line_that_is_pulled_hangs_up_on_the_host(far: tuple[int, str]) -> None:
    _, port = far
    with Line(port) as line, serial.Serial(line.port, timeout=2.0) as host:
        line.pull()
        with pytest.raises((serial.SerialException, OSError)):
            host.read(1)
        line.pull()


def test_a_line_to_nowhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="cannot open"):
        Line(str(tmp_path / "none")).__enter__()
