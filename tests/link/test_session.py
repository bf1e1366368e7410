"""Stepped and free-running: who owns time, and what a Sync is answered with."""

import ctypes

import pytest

from d7xr.ecu import Ecu
from tests.link.bench import (
    CR,
    SILENCE_MS,
    START,
    STATE_DIGEST,
    SYNC,
    Frame,
    LinkBench,
    digest_of,
    frames_in,
    opened,
    sync,
)

TORQUE_COMMAND = 0x090
WHEEL_SPEEDS = 0x0B0


def answers(bench: LinkBench, tick: int) -> tuple[int, int]:
    """Ask for a tick and return tick and digest of the answer, which comes last and once."""
    sent = bench.step(tick, [])
    assert [frame.id for frame in sent].count(STATE_DIGEST) == 1
    return digest_of(sent[-1])


def new_digest(ticks: int = 0) -> int:
    """Return the digest of a new unit after ticks without a frame."""
    ecu = Ecu()
    for _ in range(ticks):
        ecu.tick()
        ecu.transmit()
    return ecu.digest


def test_a_stepped_run_begins_with_a_new_unit(open_bench: LinkBench) -> None:
    open_bench.timer(1234)
    open_bench.send()

    sent = open_bench.step(START, [])  # behind what the former unit had sent already

    assert digest_of(sent[-1]) == (START, new_digest())
    assert open_bench.state.mode == "stepped"
    assert open_bench.state.tick_count == 0


def test_each_sync_runs_one_tick_and_its_frames_come_before_the_digest(
    open_bench: LinkBench,
) -> None:
    open_bench.step(START, [])

    sent = [open_bench.step(tick, []) for tick in range(6)]

    assert [frames[-1].id for frames in sent] == [STATE_DIGEST] * 6
    assert [digest_of(frames[-1]) for frames in sent] == [(n, new_digest(n + 1)) for n in range(6)]
    assert [TORQUE_COMMAND in {f.id for f in frames} for frames in sent] == [
        True, False, False, False, False, True,
    ]  # fmt: skip


def test_time_stands_still_between_two_syncs(open_bench: LinkBench) -> None:
    open_bench.step(START, [])
    expected = open_bench.state

    open_bench.timer(SILENCE_MS - 1)

    assert open_bench.state == expected
    assert answers(open_bench, 0) == (0, new_digest(1))
    open_bench.timer(SILENCE_MS - 1)
    assert open_bench.state.mode == "stepped"


@pytest.mark.parametrize("asked", [0, 2, 4, 5, 0x80000000, START - 1])
def test_a_sync_out_of_turn_is_answered_with_where_the_unit_is(
    open_bench: LinkBench, asked: int
) -> None:
    for tick in (START, 0, 1, 2):
        open_bench.step(tick, [])
    before = open_bench.state

    assert answers(open_bench, asked) == (2, before.digest)

    assert open_bench.state.tick_count == before.tick_count
    assert open_bench.state.mismatches == before.mismatches + 1
    assert answers(open_bench, 3) == (3, new_digest(4))


def test_a_repeated_sync_is_answered_again_and_runs_nothing_twice(open_bench: LinkBench) -> None:
    open_bench.step(START, [])
    first = answers(open_bench, 0)

    assert answers(open_bench, 0) == first
    assert open_bench.state.tick_count == 1


def test_a_unit_that_runs_free_does_not_step(open_bench: LinkBench) -> None:
    open_bench.timer(3)
    open_bench.send()

    assert answers(open_bench, 3) == (2, new_digest(3))

    assert open_bench.state.mode == "free"
    assert open_bench.state.tick_count == 3


def test_a_unit_that_was_reset_mid_run_says_so(library: ctypes.CDLL) -> None:
    # Given a host that has come to tick 500 when the unit behind the line starts anew
    bench = opened(library)

    assert answers(bench, 500) == (START, new_digest())


def test_a_second_run_equals_the_first(open_bench: LinkBench) -> None:
    wheel = Frame(WHEEL_SPEEDS, bytes(8))

    first = [open_bench.step(tick, [wheel]) for tick in (START, *range(50))]
    second = [open_bench.step(tick, [wheel]) for tick in (START, *range(50))]

    assert second == first
    assert first[-1][-1] != first[-2][-1]


def test_frames_of_the_first_tick_reach_it(open_bench: LinkBench) -> None:
    # A wheel speed frame with a wrong CRC is counted by the unit, so it shows in the digest
    open_bench.step(START, [])

    sent = open_bench.step(0, [Frame(WHEEL_SPEEDS, bytes(8))])

    ecu = Ecu()
    ecu.receive(WHEEL_SPEEDS, bytes(8))
    ecu.tick()
    ecu.transmit()
    assert digest_of(sent[-1]) == (0, ecu.digest)
    assert ecu.digest != new_digest(1)


def test_running_free_is_a_tick_a_millisecond(open_bench: LinkBench) -> None:
    open_bench.timer(11)

    sent = frames_in(open_bench.send())

    ecu = Ecu()
    expected: list[tuple[int, bytes]] = []
    for _ in range(11):
        ecu.tick()
        expected += ecu.transmit()
    assert [(frame.id, frame.data) for frame in sent] == expected
    assert open_bench.state.digest == ecu.digest


def test_closing_the_channel_ends_the_run_and_a_new_unit_runs_free(open_bench: LinkBench) -> None:
    for tick in (START, 0, 1):
        open_bench.step(tick, [Frame(WHEEL_SPEEDS, bytes(8))])

    assert open_bench.talk(b"C\r") == CR

    assert open_bench.state.mode == "free"
    assert open_bench.state.digest == new_digest()
    open_bench.timer(7)
    assert open_bench.state.tick_count == 7


def test_closing_the_channel_does_not_disturb_a_unit_that_runs_free(bench: LinkBench) -> None:
    bench.timer(7)

    bench.talk(b"C\rO\rC\r")

    assert bench.state.tick_count == 7


def test_a_host_that_falls_silent_gives_time_back(open_bench: LinkBench) -> None:
    open_bench.step(START, [])
    open_bench.step(0, [])

    open_bench.timer(SILENCE_MS)
    assert open_bench.state.mode == "free"
    assert open_bench.state.digest == new_digest()

    open_bench.timer(5)
    assert open_bench.state.tick_count == 5


@pytest.mark.parametrize(
    "frame",
    [
        Frame(SYNC, bytes(4)),
        Frame(SYNC, b""),
        Frame(SYNC, bytes(8), is_extended=True),
        Frame(SYNC, is_remote=True, remote_length=8),
        Frame(STATE_DIGEST, bytes(8)),
    ],
)
def test_a_frame_of_another_form_is_no_sync(open_bench: LinkBench, frame: Frame) -> None:
    open_bench.step(START, [])
    before = open_bench.state

    assert open_bench.talk(frame.line()) == CR

    assert open_bench.state.tick_count == 0
    assert open_bench.state.digest == before.digest


def test_a_host_that_writes_without_reading_waits_and_loses_nothing(open_bench: LinkBench) -> None:
    # Given a host that sends 60 ticks in one go
    ticks = range(60)
    open_bench.step(START, [])
    assert open_bench.receive(b"".join(sync(tick).line() for tick in ticks)) == 60 * 22
    open_bench.pump()
    while open_bench.state.waiting_bytes:
        # When it reads a little at a time, then the unit goes on as far as there is room
        assert open_bench.send(50)
        open_bench.pump()

    # Then every tick ran, and nothing was lost
    assert open_bench.state.tick_count == 60
    assert open_bench.state.losses == (0, 0, 0)


@pytest.mark.parametrize("to_host_bytes", [64, 128, 4096])
def test_every_frame_arrives_however_small_the_ring(
    library: ctypes.CDLL, to_host_bytes: int
) -> None:
    bench = LinkBench(library, to_host_bytes=to_host_bytes)
    bench.talk(b"O\r")
    whole = opened(library)
    text = b"".join(sync(tick).line() for tick in (START, *range(40)))

    bench.receive(text)
    back = b""
    for _ in range(10_000):
        bench.pump()
        back += bench.send(7)

    assert back == whole.talk(text)
    assert bench.state.losses == (0, 0, 0)


def test_every_answer_arrives_however_small_the_ring(library: ctypes.CDLL) -> None:
    bench = LinkBench(library, to_host_bytes=64)

    bench.receive(b"V\rN\r" * 100)
    back = b""
    for _ in range(1_000):
        bench.pump()
        back += bench.send(7)

    assert back == b"V1013\rND7A2\r" * 100
    assert bench.state.losses == (0, 0, 0)


def test_what_a_unit_that_runs_free_cannot_send_is_dropped_whole_counted_and_told(
    open_bench: LinkBench,
) -> None:
    # Given that nobody reads for a second
    open_bench.timer(1000)
    ecu = Ecu()
    sent = 0
    for _ in range(1000):
        ecu.tick()
        sent += len(ecu.transmit())

    # When somebody reads again
    back = b""
    while part := open_bench.send():
        back += part
        open_bench.pump()

    # Then whole lines come, and each frame has come or is counted
    lost = open_bench.state.dropped_frames
    assert lost > 0
    assert len(frames_in(back)) + lost == sent
    assert open_bench.state.digest == ecu.digest
    assert open_bench.talk(b"F\r") == b"F01\r"
    assert open_bench.talk(b"F\r") == b"F00\r"


def test_a_session_that_nobody_drains_drops_and_counts_and_goes_on(bench: LinkBench) -> None:
    # Past the bytes: a transport that does not ask for room
    for tick in (START, *range(60)):
        bench.session_receive(sync(tick))

    kept = bench.session_fetch()

    assert len(kept) == 32
    assert bench.state.dropped_frames > 0
    assert bench.state.tick_count == 60
    assert bench.state.digest == new_digest(60)


def test_a_new_unit_does_not_send_what_the_former_one_had_left(bench: LinkBench) -> None:
    for tick in (START, 0, START):
        bench.session_receive(sync(tick))

    assert [digest_of(frame) for frame in bench.session_fetch()] == [(START, new_digest())]
