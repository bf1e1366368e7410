"""The CAN driver in the board's own image, on a model of the controller and a python-can bus."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from d7xr.database import Database
from d7xr.ecu import Ecu
from d7xr.frames import Frames
from d7xr.target.report import BoardReport
from d7xr.target.slcan import LineReader, frame_of
from d7xr.target.stepped import STATE_DIGEST_ID, SYNC_ID, SYNC_START
from tests.board.can_bench import EMULATED, SILICON, CanBench, Heard

STEPPED_TICKS = 400
TORQUE_COMMAND, FLIGHT_STATUS = 0x090, 0x0D0
RATE_1M = 0x001A0002
"""42 MHz / 3 / (1 + 11 + 2) quanta."""

START_MS = 20
RECOVERY_MS = 100
FIFO_FRAMES = 3
BAUD_REGISTER = 0x4408
BAUD_2M = 21
"""42 MHz / 2 Mbaud."""


@pytest.fixture
def bench(image: Path) -> Iterator[CanBench]:
    """A board that was just switched on, on a bus of its own."""
    with CanBench(image) as bench:
        bench.run(START_MS)
        yield bench


def report_of(bench: CanBench) -> BoardReport:
    """Open the serial channel and read what the board says of itself."""
    bench.serial("\rC\r")
    bench.run(1)
    bench.serial("O\r")
    reader, report = LineReader(), BoardReport()
    for line in reader.feed(bench.run(3).serial.encode()):
        if (frame := frame_of(line.text)) is not None:
            report.take(frame)
    assert report.is_whole
    return report


def sync(tick: int) -> tuple[int, bytes]:
    """Return a Sync frame."""
    return SYNC_ID, tick.to_bytes(4, "little") + bytes(4)


def stepped(bench: CanBench, frames: list[tuple[int, bytes]], tick: int) -> Heard:
    """Send the frames of a tick and Sync, and wait for the answer."""
    bench.send(*frames, sync(tick))
    heard = bench.run(2 + (len(frames) + 1) // 4)
    assert heard.frames, f"no answer to tick {tick}"
    return heard


def test_stepped_over_can_the_demo_gives_the_same_digest_and_frames_at_every_tick(
    bench: CanBench, demo: Frames
) -> None:
    # Given what the unit in this process does
    count = int(np.searchsorted(demo.tick, STEPPED_TICKS))
    ours = Ecu().run(demo.frame[:count], demo.tick[:count], STEPPED_TICKS, with_digests=True)
    assert ours.digest is not None
    begin = np.searchsorted(demo.tick, np.arange(STEPPED_TICKS + 1)).tolist()

    # When the same frames come over the bus, tick by tick
    stepped(bench, [], SYNC_START)
    digests: list[int] = []
    sent: list[tuple[int, int, bytes]] = []
    for tick in range(STEPPED_TICKS):
        rows = demo.frame[begin[tick] : begin[tick + 1]]
        heard = stepped(
            bench, [(int(r["id"]), r["data"][: r["length"]].tobytes()) for r in rows], tick
        )
        for number, data in heard.frames:
            if number == STATE_DIGEST_ID:
                assert int.from_bytes(data[:4], "little") == tick
                digests.append(int.from_bytes(data[4:], "little"))
            else:
                sent.append((tick, number, data))

    # Then nothing differs: the controller sends a tick's frames by priority, which is by identifier
    assert digests == ours.digest.tolist()
    expected = [
        (int(tick), int(row["id"]), row["data"].tobytes())
        for tick, row in zip(ours.sent_tick, ours.sent, strict=True)
    ]
    assert sent == sorted(expected, key=lambda frame: frame[:2])
    assert heard.violations == []
    assert heard.overruns == 0
    assert heard.filtered == 0
    assert heard.accepted >= count + STEPPED_TICKS


def test_a_running_unit_sends_on_time(bench: CanBench) -> None:
    heard = bench.run(500)

    times = [
        ms for ms, (number, _) in zip(heard.time_ms, heard.frames, strict=True)
        if number == TORQUE_COMMAND
    ]  # fmt: skip
    assert len(times) == 100
    assert set(np.diff(times).tolist()) == {5}
    counters = [data[6] >> 4 for data in heard.of(TORQUE_COMMAND)]
    assert set((np.diff(counters) % 16).tolist()) == {1}
    assert heard.violations == []


def test_every_message_for_the_unit_passes_the_filter_and_no_other(bench: CanBench) -> None:
    own = Database.own()
    received = {m.frame_id for m in own.messages if "VCU" in m.receivers}
    before = bench.run(1)

    for number in range(0x800):
        bench.send((number, bytes(8)))
        bench.run(1)
    bench.send(*((number, bytes(8)) for number in sorted(received)), is_extended=True)
    heard = bench.run(3)

    assert heard.accepted - before.accepted == len(received)
    assert heard.filtered - before.filtered == 0x800
    assert heard.overruns == 0


def test_the_controller_is_set_for_one_megabit(bench: CanBench) -> None:
    assert bench.run(1).bit_timing == RATE_1M


def test_a_burst_from_the_bus_is_taken_whole(bench: CanBench) -> None:
    wheel = (0x0B0, bytes(8))

    bench.send(*[wheel] * 40)
    heard = bench.run(10)

    assert heard.accepted == 40
    assert heard.overruns == 0
    assert report_of(bench).health["bus_lost_in"] == 0


def test_frames_that_nobody_acknowledges_give_way_to_newer_ones(bench: CanBench) -> None:
    # Given a bus with nobody else on it
    bench.acknowledge(is_on=False)
    assert bench.run(100).frames == []

    # When somebody comes
    bench.acknowledge(is_on=True)
    heard = bench.run(5)

    # Then he hears what was in the mailboxes, and then the unit's last word, not twenty old ones
    torque = heard.of(TORQUE_COMMAND)
    assert 2 <= len(torque) <= 3
    assert report_of(bench).health["bus_lost_out"] > 0


def test_bus_off_is_left_after_a_while_and_counted(bench: CanBench) -> None:
    assert report_of(bench).health["bus_off"] == 0

    # When the controller goes off the bus
    bench.go_off()
    heard = bench.run(RECOVERY_MS - 5)

    # Then it is silent, and not one old frame is kept for later
    assert heard.is_off
    assert heard.frames == []

    # And a while later it is back, with the news of the day
    heard = bench.run(RECOVERY_MS)
    assert not heard.is_off
    counters = [data[6] >> 4 for data in heard.of(TORQUE_COMMAND)]
    assert len(counters) > 5
    assert set((np.diff(counters) % 16).tolist()) == {1}
    assert report_of(bench).health["bus_off"] == 1
    assert bench.run(1).violations == []


def test_a_unit_that_is_stepped_by_wire_does_not_hear_the_bus(bench: CanBench) -> None:
    # Given a unit that a host steps over the serial port
    bench.run(10)
    bench.serial("\rC\rO\rt7F08FFFFFFFF00000000\r")
    bench.run(2)

    # When a frame comes from the bus between two ticks
    bench.send((0x0B8, bytes(8)))
    bench.run(2)
    bench.serial("t7F080000000000000000\r")
    heard = bench.run(5)

    # Then the unit has not heard it, and the bus hears nothing of a time that is not its own
    ecu = Ecu()
    ecu.tick()
    ecu.transmit()
    assert f"t7F18{bytes(4).hex()}{ecu.digest.to_bytes(4, 'little').hex()}".upper() in (
        heard.serial.upper()
    )
    assert heard.frames == []


def test_the_watchdog_is_fed_by_each_tick_and_by_nothing_else(bench: CanBench) -> None:
    before = bench.run(1).feeds

    assert bench.run(200).feeds - before == 200


def test_the_board_says_what_it_is(bench: CanBench) -> None:
    health = report_of(bench).health

    assert health["chip"] == SILICON
    assert health["start"] == 1, "power"
    assert health["clock"] == 0, "crystal"
    assert health["bus"] == 1
    assert not any(report_of(bench).trouble().values())


def test_without_its_crystal_the_board_runs_and_says_so(image: Path) -> None:
    with CanBench(image, has_crystal=False) as bench:
        bench.run(START_MS * 10)

        health = report_of(bench).health

    assert health["clock"] == 1, "internal oscillator"


def test_an_emulated_chip_needs_no_clock(image: Path) -> None:
    with CanBench(image, chip=EMULATED) as bench:
        bench.run(START_MS)

        health = report_of(bench).health

    assert health["clock"] == 3
    assert health["chip"] == 0


def test_on_silicon_a_lost_setting_is_found_and_set_again(bench: CanBench) -> None:
    assert bench.peek(BAUD_REGISTER) == BAUD_2M

    bench.poke(BAUD_REGISTER, 0)
    bench.run(100)

    assert bench.peek(BAUD_REGISTER) == BAUD_2M
    assert report_of(bench).health["registers_lost"] == 1
