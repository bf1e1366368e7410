"""A run in real time keeps its schedule, counts what is lost, and says how late it was."""

from collections.abc import Sequence
from pathlib import Path

import can
import numpy as np
import pytest

from d7xr.ecu import Ecu, core_identity
from d7xr.errors import InconclusiveError, LinkError, RigError
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.target import board_emulator
from d7xr.target.can_bus import FreeCan
from d7xr.target.free_running import FreeRun, run_free
from d7xr.target.slcan import LineFrame
from tests.board.test_bad_links import adapter, somebody
from tests.cli.bench import Command, runner
from tests.replay.bench import Drive

TORQUE_COMMAND, IDENTITY = 0x090, 0x198
PERIOD_S = 0.005


class Clock:
    """Time that passes only while somebody waits or works."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    """A unit that sends TorqueCommand each 5 ms of the clock, and acknowledges after 1 ms.

    Args:
        clock: Its time.
        drop: Numbers of its frames that nobody hears.
        silent_from: Number of the frame from which it is silent.
        busy_s: How long the host is kept by each frame that it sends.
    """

    name = "bench"

    def __init__(
        self, clock: Clock, *, drop: Sequence[int] = (), silent_from: int = 1_000_000,
        busy_s: float = 0.0,
    ) -> None:  # fmt: skip
        self.clock, self.drop, self.silent_from, self.busy_s = clock, drop, silent_from, busy_s
        self.number = 0
        self.next_s = 0.0
        self.fed_s: list[float] = []
        self.unanswered = 0

    def run_free(self) -> None:
        self.next_s = self.clock.now_s + PERIOD_S

    def pack(self, frame: np.ndarray) -> list[int]:
        return frame["id"].tolist()  # type: ignore[no-any-return]

    def send(self, packed: Sequence[int]) -> None:
        self.fed_s += [self.clock.now_s] * len(packed)
        self.unanswered += len(packed)
        self.clock.now_s += self.busy_s * len(packed)

    def hear(self, until_s: float) -> tuple[list[LineFrame], int]:
        self.clock.now_s += 1e-7  # to look takes time, else a wait for a rounding error never ends
        if self.unanswered and self.clock.now_s + 0.001 <= until_s:
            self.clock.now_s += 0.001
            answered, self.unanswered = self.unanswered, 0
            return [], answered
        self.clock.now_s = max(self.clock.now_s, min(until_s, self.next_s))
        if self.clock.now_s < self.next_s:
            return [], 0
        self.next_s += PERIOD_S
        self.number += 1
        if self.number in self.drop or self.number >= self.silent_from:
            return [], 0
        data = bytes([0, 0, 0, 0, 0, 0, self.number % 16 << 4, 0])
        return [LineFrame(TORQUE_COMMAND, data), LineFrame(0x7F2, bytes(8))], 0

    def losses(self) -> dict[str, int]:
        return {}


def each_ms(*time_ms: int) -> Frames:
    """Return frames of a trace that begins somewhere in the day."""
    frame = np.zeros(len(time_ms), FRAME_DTYPE)
    frame["id"], frame["length"] = 0x0B8, 8
    return Frames(np.array(time_ms, np.int64) * 1000 + 7_000_000, frame)


def ran(bench: Bench, frames: Frames, seconds: float = 1.0) -> FreeRun:
    return run_free(bench, frames, seconds, clock=bench.clock)


def test_frames_leave_at_their_times_again_and_again() -> None:
    bench = Bench(Clock())

    done = ran(bench, each_ms(0, 10, 10, 39), seconds=0.1)

    since = np.array(bench.fed_s) - bench.fed_s[0]
    assert np.allclose(since * 1000, [0, 10, 10, 39, 40, 50, 50, 79, 80, 90, 90], atol=0.01)
    assert done.fed == 11
    assert done.lateness_ms.max() == pytest.approx(0.0, abs=0.01)
    assert done.histogram()["< 0.1"] == 11


def test_a_host_that_was_late_once_is_not_late_for_good_and_says_so() -> None:
    bench = Bench(Clock(), busy_s=0.004)

    done = ran(bench, each_ms(0, 1, 2, 40), seconds=0.0405)

    # The second and third are behind the first, the last has caught up with the schedule.
    assert np.allclose(done.lateness_ms[:4], [0.0, 3.0, 2.0, 0.0], atol=0.01)
    assert sum(done.histogram().values()) == done.fed
    assert done.histogram()["< 5"] == 2


def test_a_host_that_was_held_up_for_seconds_hears_the_unit_while_it_makes_up_for_it() -> None:
    class HeldUp(Bench):
        longest = 0

        def send(self, packed: Sequence[int]) -> None:
            if not self.fed_s:
                self.clock.now_s += 4.0
            self.longest = max(self.longest, len(packed))
            super().send(packed)

    bench = HeldUp(Clock())

    done = ran(bench, each_ms(*range(6000)), seconds=6.0)

    assert bench.longest <= 100, "what a port holds is a few thousand bytes"
    assert done.fed == 6000
    assert done.lateness_ms.max() == pytest.approx(4000.0, abs=50.0)
    assert done.lateness_ms[-1] == pytest.approx(0.0, abs=1.5)


def test_each_missing_frame_of_the_unit_is_counted() -> None:
    done = ran(Bench(Clock(), drop=(7, 20, 21)), each_ms(*range(0, 1000, 10)))

    assert done.lost == {"TorqueCommand": 3}
    assert not done.is_whole
    assert done.as_document()["frames_lost"] == {"TorqueCommand": 3}


def test_times_are_those_of_the_unit() -> None:
    done = ran(Bench(Clock()), each_ms(*range(2, 1000, 5)))

    assert done.is_whole
    assert np.allclose(done.period_ms, 5.0, atol=0.01)
    assert np.allclose(done.acknowledged_ms[:-2], 1.0, atol=0.01)
    assert len(done.answer_ms) == pytest.approx(done.fed, abs=1)
    assert 0.0 < done.answer_ms.max() <= 5.0


def test_a_unit_that_falls_silent_ends_the_run() -> None:
    with pytest.raises(LinkError, match=r"bench was silent for 1\.0 s"):
        ran(Bench(Clock(), silent_from=50), each_ms(*range(0, 3000, 10)), seconds=3.0)


def test_running_nothing_is_inconclusive() -> None:
    with pytest.raises(InconclusiveError, match="no frame or no time"):
        ran(Bench(Clock()), each_ms())
    with pytest.raises(InconclusiveError, match="no frame that carries a counter"):
        ran(Bench(Clock(), silent_from=0), each_ms(0), seconds=0.5)


def test_a_bus_is_heard_once_its_unit_has_said_who_it_is() -> None:
    frame = each_ms(0).frame
    with (
        can.Bus(interface="virtual", channel="free", ignore_config=True) as node,
        FreeCan("can:virtual:free") as link,
    ):
        for number, data in ((TORQUE_COMMAND, bytes(8)), identity()):
            node.send(can.Message(arbitration_id=number, data=data, is_extended_id=False))
        link.run_free()

        link.send(link.pack(frame))
        fed = node.recv(1.0)
        node.send(can.Message(arbitration_id=TORQUE_COMMAND, data=bytes(8), is_extended_id=False))

        assert fed is not None
        assert fed.arbitration_id == 0x0B8
        assert link.hear(1e12) == ([LineFrame(TORQUE_COMMAND, bytes(8))], 0)
        assert link.hear(0.0) == ([], 0)
        assert link.losses() == {}


def test_a_bus_with_another_build_or_nobody_is_refused() -> None:
    times = iter([0.0, 2.49, 3.0])
    with (
        can.Bus(interface="virtual", channel="other", ignore_config=True) as node,
        FreeCan("can:virtual:other") as link,
    ):
        data = bytes(3) + identity()[1][3:]
        node.send(can.Message(arbitration_id=IDENTITY, data=data, is_extended_id=False))
        with pytest.raises(RigError, match="is build 000000"):
            link.run_free()
    with (
        FreeCan("can:virtual:none", clock=lambda: next(times)) as link,
        pytest.raises(LinkError, match="after a minute of silence"),
    ):
        link.run_free()


def identity() -> tuple[int, bytes]:
    """Return the Identity frame of this build."""
    ecu = Ecu()
    for _ in range(1100):
        ecu.tick()
        for number, data in ecu.transmit():
            if number == IDENTITY:
                return number, data
    raise AssertionError(f"no identity from build {core_identity()['build_id']}")


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``d7xr`` with the given words."""
    return runner(capsys)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A short drive on our bus."""
    return Drive(seconds=1.5).write(tmp_path / "drive.log")


def test_the_emulated_board_runs_free_and_loses_nothing(
    image: Path, trace: Path, d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_emulator, "IMAGE", image)

    ending = d7xr("replay", trace, "--free-running", "--seconds", "2.5",
                  "--target", "board-emulated", "--json")  # fmt: skip

    assert ending.code == 0, ending.out + ending.err
    told = ending.document
    assert told["is_whole"]
    # An emulated timer is as late as its machine is busy: how many came is no claim, that none is
    # missing between them is.
    assert told["frames_heard"]["TorqueCommand"] > 100
    assert told["frames_lost"]["TorqueCommand"] == 0
    assert told["link_losses"] == {
        "refused": 0, "garbled": 0, "to_host_lost": 0, "from_host_lost": 0,
    }  # fmt: skip
    assert sum(told["lateness_histogram_ms"].values()) == told["frames_fed"] > 1_000
    for name in ("lateness", "answer", "acknowledged", "period"):
        assert told[f"{name}_ms"]["p50"] <= told[f"{name}_ms"]["max"]
    assert told["period_ms"]["p50"] > 1.0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--target", "sil"), 2, "target sil has no timer of its own"),
        (("--target", "serial:/dev/ttyNOWHERE"), 3, "no port /dev/ttyNOWHERE"),
        ((), 2, "takes one target"),
        (("--target", "sil", "--target", "emulated"), 2, "takes one target"),
        (("--target", "board-emulated", "--out", "run"), 2, "--out has no meaning in real time"),
        (("--target", "board-emulated", "--seconds", "0"), 2, "cannot run for 0 s"),
    ],
)
def test_a_run_in_real_time_that_makes_no_sense_is_refused(
    trace: Path, d7xr: Command, words: tuple[str, ...], code: int, said: str
) -> None:
    ending = d7xr("replay", trace, "--free-running", *words)

    assert ending.code == code
    assert said in ending.err


def test_seconds_without_real_time_are_refused(trace: Path, d7xr: Command) -> None:
    ending = d7xr("replay", trace, "--seconds", "3")

    assert ending.code == 2
    assert "add --free-running" in ending.err


def test_a_port_without_a_unit_ends_with_3(
    trace: Path, d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("d7xr.target.serial._REFUSED_S", 0.1)
    with somebody(adapter) as port:
        ending = d7xr("replay", trace, "--free-running", "--target", f"serial:{port}")

    assert ending.code == 3
    assert "flash it again" in ending.err
