"""A unit on a CAN bus is stepped through python-can: the desk's bits, or one sentence."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import can
import numpy as np
import pytest

from d7xr.compare import back_to_back
from d7xr.ecu import Ecu, calibration_default
from d7xr.errors import D7xrError, LinkError, RigError, UsageError
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.target.can_bus import BusName, CanTarget
from d7xr.target.sil import Sil
from d7xr.target.stepped import STATE_DIGEST_ID, SYNC_ID, SYNC_START
from tests.board.can_bench import CanBench
from tests.cli.bench import runner
from tests.replay.bench import Drive

type Sent = list[tuple[int, bytes]]
type Node = Callable[[int, bytes], Sent]

TICKS = 3_000
CHIP_TICKS = 60
START_MS = 20
IDENTITY_ID = 0x198
NO_FRAME = np.zeros(0, FRAME_DTYPE)
NO_TICK = np.zeros(0, np.int64)


class Desk:
    """A unit in this process that hears Sync, as ``session.h`` has it."""

    def __init__(self) -> None:
        self.ecu = Ecu()
        self.is_stepped = False

    def __call__(self, number: int, data: bytes) -> Sent:
        if number != SYNC_ID:
            self.ecu.receive(number, data)
            return []
        asked = int.from_bytes(data[:4], "little")
        sent: Sent = []
        if asked == SYNC_START:
            self.ecu, self.is_stepped = Ecu(), True
        elif self.is_stepped and asked == self.ecu.tick_count:
            self.ecu.tick()
            sent = self.ecu.transmit()
        last = (self.ecu.tick_count - 1) & 0xFFFFFFFF
        digest = last.to_bytes(4, "little") + self.ecu.digest.to_bytes(4, "little")
        return [*sent, (STATE_DIGEST_ID, digest)]


@contextmanager
def served(node: Node, channel: str) -> Iterator[str]:
    """Put somebody on a virtual bus who answers each frame by a rule; yield the target's name."""
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            heard = bus.recv(0.05)
            for number, data in node(heard.arbitration_id, bytes(heard.data)) if heard else ():
                bus.send(can.Message(arbitration_id=number, data=data, is_extended_id=False))

    with can.Bus(interface="virtual", channel=channel, ignore_config=True) as bus:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"can:virtual:{channel}"
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def channel(request: pytest.FixtureRequest) -> str:
    """A channel that no other test has."""
    return str(request.node.nodeid).replace(":", "-")


def refused(name: str, kind: type[D7xrError]) -> str:
    """Return what is said when a target cannot be opened."""
    with pytest.raises(kind) as caught, CanTarget(name, answer_s=0.1):
        pass
    assert caught.value.hint
    return str(caught.value)


def test_the_demo_over_a_bus_gives_the_bits_of_the_desk(channel: str, demo: Frames) -> None:
    count = int(np.searchsorted(demo.tick, TICKS))

    with served(Desk(), channel) as name, CanTarget(name) as unit:
        found = back_to_back(
            Sil(), unit, demo.frame[:count], demo.tick[:count], TICKS, calibration_default()
        )

    assert found.is_equal, found.summary
    assert found.ticks == TICKS
    assert found.frames > TICKS / 5


def test_the_boards_own_image_is_stepped_through_its_can_driver(
    image: Path, channel: str, demo: Frames
) -> None:
    count = int(np.searchsorted(demo.tick, CHIP_TICKS))
    with CanBench(image) as bench:
        bench.run(START_MS)

        def chip(number: int, data: bytes) -> Sent:
            bench.send((number, data))
            frames = bench.run(1).frames
            while number == SYNC_ID and STATE_DIGEST_ID not in (sent for sent, _ in frames):
                frames += bench.run(1).frames
            return frames

        with served(chip, channel) as name, CanTarget(name) as unit:
            found = back_to_back(
                Sil(), unit, demo.frame[:count], demo.tick[:count], CHIP_TICKS,
                calibration_default(),
            )  # fmt: skip

    assert found.is_equal, found.summary
    assert found.ticks == CHIP_TICKS


def test_replay_compares_the_unit_on_a_bus_with_the_desk(
    channel: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = Drive(seconds=2.0).write(tmp_path / "drive.log")
    d7xr = runner(capsys)

    with served(Desk(), channel) as name:
        ending = d7xr("replay", trace, "--target", name, "--json")

    assert ending.code == 0, ending.err
    (comparison,) = ending.document["comparisons"]
    assert comparison["is_equal"]
    assert comparison["ticks"] > 1_900


def test_a_unit_that_parts_is_found_at_its_tick_though_it_tells_no_state(channel: str) -> None:
    class Bent(Desk):
        def __call__(self, number: int, data: bytes) -> Sent:
            if int.from_bytes(data[:4], "little") == 77:
                self.ecu.receive(0x0B8, bytes(8))
            return super().__call__(number, data)

    with served(Bent(), channel) as name, CanTarget(name) as unit:
        found = back_to_back(Sil(), unit, NO_FRAME, NO_TICK, 200, calibration_default())

    assert found.first_tick == 77
    assert "digest of the state" in found.summary


def test_nobody_on_the_bus(channel: str) -> None:
    said = refused(f"can:virtual:{channel}", RigError)

    assert "does not answer Sync" in said
    assert "did not answer its start within 0.1 s" in said


def test_a_unit_of_another_build(channel: str) -> None:
    class Old(Desk):
        def __call__(self, number: int, data: bytes) -> Sent:
            return [
                (sent, bytes(3) + told[3:] if sent == IDENTITY_ID else told)
                for sent, told in super().__call__(number, data)
            ]

    with served(Old(), channel) as name:
        assert "is build 000000" in refused(name, RigError)


def test_a_unit_that_is_restarted_mid_run(channel: str) -> None:
    desk = Desk()
    with served(desk, channel) as name, CanTarget(name) as unit:
        unit.run(NO_FRAME, NO_TICK, 5)
        desk.ecu, desk.is_stepped = Ecu(), False

        with pytest.raises(RigError, match="was asked for tick 5 and is at its start"):
            unit.run(NO_FRAME, NO_TICK, 1)


def test_a_unit_that_falls_silent_mid_run(channel: str) -> None:
    with served(Desk(), channel) as name:
        unit = CanTarget(name, answer_s=0.1).__enter__()
    with pytest.raises(LinkError, match="did not answer tick 0 within"):
        unit.run(NO_FRAME, NO_TICK, 1)
    unit.__exit__(None, None, None)


def test_a_bus_that_is_not_there() -> None:
    assert "cannot open can:socketcan:nowhere0" in refused("can:socketcan:nowhere0", LinkError)


def test_a_bus_is_named_with_its_options() -> None:
    where = BusName.read("can:slcan:/dev/ttyACM0?bitrate=500000&listen_only=false")

    assert (where.interface, where.channel) == ("slcan", "/dev/ttyACM0")
    assert where.options == {"bitrate": 500_000, "listen_only": False}
    with pytest.raises(UsageError):
        BusName.read("can:virtual")
