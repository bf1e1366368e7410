"""A calibration set goes into a unit over its link: kept, in use and told, or refused in words."""

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.database import Database
from d7xr.ecu import (
    calibration_default,
    calibration_hash,
    calibration_parameters,
    calibration_rules,
    core_identity,
)
from d7xr.errors import ConfigError, D7xrError, LinkError, RigError
from d7xr.frames import Frames
from d7xr.target.board_emulator import BoardEmulator
from d7xr.target.serial import SerialTarget
from d7xr.target.sil import Sil
from d7xr.target.slcan import LineFrame
from d7xr.target.stepped import IDENTITY_ID
from d7xr.target.upload import ANSWER_ID, LOAD_ID, Command, Result, load
from tests.board.can_bench import CanBench
from tests.board.gdb import Debugger
from tests.board.test_can import report_of
from tests.board.test_memory import (
    BROKEN,
    EMPTY,
    FOREIGN,
    HEADER,
    READ,
    SLOT_BYTES,
    START_MS,
    record,
    restarted,
    standing,
)  # fmt: skip
from tests.board.test_stepped import CRASH_AT
from tests.cli.bench import runner
from tests.replay.bench import Drive

SET_TOML = "[flight_mode]\nair_dwell_ms = 100\n"
TICKS = 300


def other_set() -> bytes:
    """Return the built-in set with one number changed."""
    number = next(p for p in calibration_parameters() if p.name == "flight_mode.air_dwell_ms")
    blob = bytearray(calibration_default())
    struct.pack_into("<I", blob, number.offset, 100)
    return bytes(blob)


def told(blob: bytes) -> str:
    """Return a set's number as Identity tells it."""
    return f"{calibration_hash(blob):08x}"[-6:]


class BenchLink:
    """A chip's end of a CAN bus as a link; its clock is the chip's own."""

    name = "bench"

    def __init__(self, bench: CanBench) -> None:
        self._bench = bench
        self._now_ms = 0

    def clock(self) -> float:
        """Return the time of the chip."""
        return self._now_ms / 1000

    def run_free(self) -> None:
        """It does already."""

    def pack(self, frame: NDArray[np.void]) -> list[tuple[int, bytes]]:
        """Return frames as the bench takes them."""
        return [(int(row["id"]), row["data"].tobytes()) for row in frame]

    def send(self, packed: Sequence[tuple[int, bytes]]) -> None:
        """Put frames on the bus."""
        self._bench.send(*packed)

    def hear(self, until_s: float) -> tuple[list[LineFrame], int]:
        """Let a millisecond pass."""
        self._now_ms += 1
        return [LineFrame(number, data) for number, data in self._bench.run(1).frames], 0

    def losses(self) -> Mapping[str, int]:
        """Return nothing."""
        return {}


@pytest.mark.slow
def test_a_set_that_came_over_the_bus_outlives_power(image: Path) -> None:
    wanted, default = core_identity(other_set()), core_identity()
    with CanBench(image) as bench:
        # Given a chip of silicon, whose flash controller takes no mistake
        bench.run(START_MS)
        link = BenchLink(bench)

        # When it is given a set in frames of its own bus, then it runs with it and says so
        assert load(link, other_set(), clock=link.clock) == told(other_set())
        assert bench.run(1).violations == []

        # And so it does once power has gone and come
        after = restarted(bench)
        assert after.memory["state"] == READ
        assert f"{after.identity['calibration_id']:08x}" == wanted["calibration_id"]

        # But a set of another firmware, or one that power or time has spoilt, is not used
        magic, sequence, length, layout, _ = HEADER.unpack_from(bench.slots()[0])
        words = bench.slots()[0][HEADER.size : HEADER.size + len(other_set())]
        assert (magic, sequence, length, words) == (
            0x73373764, 0, len(other_set()) // 4, other_set()
        )  # fmt: skip
        bench.burn(record(words, layout ^ 1, 1), SLOT_BYTES)
        foreign = restarted(bench)
        assert foreign.memory["state"] == FOREIGN
        assert f"{foreign.identity['calibration_id']:08x}" == default["calibration_id"]
        for at in (0, SLOT_BYTES):
            bench.burn(b"\0\0\0\0", at + HEADER.size)
        broken = restarted(bench)
        assert broken.memory["state"] == BROKEN
        assert f"{broken.identity['calibration_id']:08x}" == default["calibration_id"]

        # And a new set puts that right
        assert load(link, calibration_default(), clock=link.clock) == told(calibration_default())
        assert restarted(bench).memory["state"] == READ


@pytest.mark.slow
def test_a_running_engine_keeps_its_set(image: Path) -> None:
    with CanBench(image) as bench:
        bench.run(START_MS)
        frames = Database.own().encode_columns(
            "EngineState", standing(20).time_us, {"EngineSpeed_rpm": np.full(2, 900.0)}
        )
        for row in frames.frame:
            bench.send((int(row["id"]), row["data"].tobytes()))
            bench.run(1)
        link = BenchLink(bench)

        with pytest.raises(RigError, match="keeps no set while the engine runs"):
            load(link, other_set(), clock=link.clock)

        assert report_of(bench).memory["state"] == EMPTY


def test_a_set_that_came_over_a_serial_port_is_used_and_outlives_a_crash(
    image: Path, tmp_path: Path, demo: Frames
) -> None:
    count = int(np.searchsorted(demo.tick, TICKS))
    frame, tick = demo.frame[:count], demo.tick[:count]
    ours = Sil()
    ours.start(other_set())
    wanted = ours.run(frame, tick, TICKS).digest
    debug = ("-gdb", f"unix:{tmp_path / 'gdb'},server=on,wait=off")

    with BoardEmulator(image, extra=debug) as board:
        with SerialTarget(board.port) as unit:
            # Given a board with the built-in set, then no replay changes that behind its back
            with pytest.raises(RigError, match="d7xr calibration load SET --target serial:"):
                unit.start(other_set())

            # When it is given another, then that is the one it runs with
            assert load(unit, other_set()) == told(other_set())
        with SerialTarget(board.port) as unit:
            unit.start(other_set())
            assert np.array_equal(unit.run(frame, tick, TICKS).digest, wanted)

            # And after a crash too
            with Debugger(tmp_path / "gdb") as debugger:
                debugger.jump(CRASH_AT)
        with SerialTarget(board.port) as unit:
            assert unit.report.crash
            assert unit.report.memory["state"] == READ
            unit.start(other_set())
            assert np.array_equal(unit.run(frame, tick, TICKS).digest, wanted)


def test_the_command_loads_a_set_and_a_replay_on_an_emulated_board_takes_one(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "softer.toml").write_text(SET_TOML)
    d7xr = runner(capsys)
    with BoardEmulator(image) as board:
        port = f"serial:{board.port}"

        done = d7xr("calibration", "load", tmp_path / "softer.toml", "--target", port)

        assert done.code == 0, done.err
        assert done.out == (
            f"{port} keeps softer.toml and runs with it: calibration {told(other_set())}\n"
        )

    trace = Drive(seconds=0.5).write(tmp_path / "drive.log")
    ending = d7xr("replay", trace, "--calibration", tmp_path / "softer.toml",
                  "--target", "board-emulated", "--json")  # fmt: skip
    assert ending.code == 0, ending.err
    assert ending.document["comparisons"][0]["is_equal"]
    assert ending.document["identity"]["calibration_id"][-6:] == told(other_set())

    refused = d7xr("calibration", "load", "default", "--target", "sil")
    assert refused.code == 2
    assert "has no timer of its own" in refused.err


class Answering:
    """A link to a unit that answers by a rule."""

    name = "unit"

    def __init__(self, rule: Callable[[int, int, int], tuple[int, int, int] | None]) -> None:
        self._rule = rule
        self._waiting: list[LineFrame] = []
        self._now_s = 0.0
        self.asked: list[int] = []

    def clock(self) -> float:
        """Return seconds that pass by listening."""
        return self._now_s

    def run_free(self) -> None:
        """It does."""

    def pack(self, frame: NDArray[np.void]) -> list[bytes]:
        """Return the data of frames."""
        assert frame["id"].tolist() == [LOAD_ID]
        return [row["data"].tobytes() for row in frame]

    def send(self, packed: Sequence[bytes]) -> None:
        """Take frames and make up answers."""
        for data in packed:
            command, index, word = struct.unpack("<BxHI", data)
            self.asked.append(command)
            if (answer := self._rule(command, index, word)) is not None:
                result, about, in_use = answer
                self._waiting.append(
                    LineFrame(ANSWER_ID, struct.pack("<BBHI", result, command, about, in_use))
                )

    def hear(self, until_s: float) -> tuple[list[LineFrame], int]:
        """Return what waits."""
        self._now_s += 0.25
        waiting, self._waiting = self._waiting, []
        return waiting or [LineFrame(IDENTITY_ID, identity_of(other_set()))], 0

    def losses(self) -> Mapping[str, int]:
        """Return nothing."""
        return {}


def identity_of(blob: bytes) -> bytes:
    """Return what an Identity says of a unit of this build with a set."""
    ours = core_identity(blob)
    numbers = (ours["build_id"][-6:], ours["calibration_id"][-6:], ours["layout_hash"][-4:])
    return b"".join(bytes.fromhex(digits)[::-1] for digits in numbers)


RULES = calibration_rules()


@pytest.mark.parametrize(
    ("result", "about", "kind", "says"),
    [
        (Result.UNKNOWN, 0, RigError, "does not know how"),
        (Result.OTHER_LAYOUT, 0, RigError, "has other numbers than this host"),
        (Result.DAMAGED, 0, LinkError, "did not get the set as it was sent"),
        (Result.OUT_OF_RANGE, 17, ConfigError, "flight_mode.air_dwell_ms is out of its range"),
        (Result.BREAKS_RULE, 3, ConfigError, RULES[3].text),
        (Result.ENGINE_RUNS, 0, RigError, "while the engine runs"),
        (Result.NO_ROOM, 0, RigError, "no room in its flash"),
        (Result.NOT_HELD, 0, RigError, "its flash does not hold"),
        (77, 0, LinkError, "result 77"),
    ],
)
def test_each_refusal_is_told_in_words(
    result: int, about: int, kind: type[D7xrError], says: str
) -> None:
    link = Answering(lambda *_: (result, about, 0))

    with pytest.raises(kind) as caught:
        load(link, other_set(), clock=link.clock)

    assert says in str(caught.value)
    assert caught.value.hint


def test_an_old_firmware_that_does_not_know_the_frames_is_told_after_three_tries() -> None:
    link = Answering(lambda *_: None)

    with pytest.raises(LinkError, match="does not answer about a calibration set"):
        load(link, other_set(), clock=link.clock)

    assert link.asked == [Command.BEGIN] * 3


def test_an_answer_that_is_lost_is_asked_for_again_and_the_last_one_too() -> None:
    lost: set[tuple[int, int]] = set()
    wanted = calibration_hash(other_set())

    def rule(command: int, index: int, word: int) -> tuple[int, int, int] | None:
        if (command, index) not in lost:
            lost.add((command, index))
            return None
        is_kept_already = command == Command.KEEP
        return (Result.OUT_OF_TURN if is_kept_already else Result.DONE, index, wanted)

    link = Answering(rule)

    assert load(link, other_set(), clock=link.clock) == told(other_set())
    assert len(link.asked) == 2 * (len(other_set()) // 4 + 2)


def test_a_unit_that_runs_with_another_set_all_the_same_is_told() -> None:
    link = Answering(lambda *_: (Result.DONE, 0, 0))

    with pytest.raises(RigError, match=f"and then told {told(other_set())}"):
        load(link, calibration_default(), clock=link.clock)
