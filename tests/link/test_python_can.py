"""A client that this project did not write, python-can, drives the unit over a serial port."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import cast

import can
import pytest
from can.interfaces.slcan import slcanBus

from d7xr.demo import demo_trace_path
from d7xr.ecu import Ecu
from d7xr.trace import read_trace
from tests.demo.shipped import vehicle_bus
from tests.link.bench import START, STATE_DIGEST, Frame, LinkBench, digest_of, sync
from tests.link.port import WAIT_S, Port, served

STRETCH_TICKS = 400


@pytest.fixture
def port(library: ctypes.CDLL) -> Iterator[Port]:
    """A serial port with a unit on it."""
    with served(LinkBench(library)) as port:
        yield port


@contextmanager
def client(port: Port, *, listen_only: bool = False) -> Iterator[slcanBus]:
    """Open the port as a user of python-can does."""
    bus = slcanBus(
        channel=port.name, bitrate=1_000_000, sleep_after_open=0, listen_only=listen_only
    )
    try:
        yield bus
    finally:
        bus.shutdown()


def send(bus: slcanBus, frame: Frame) -> None:
    """Send one frame."""
    bus.send(
        can.Message(
            arbitration_id=frame.id, data=frame.data, is_extended_id=frame.is_extended,
            is_remote_frame=frame.is_remote,
        )
    )  # fmt: skip


def receive(bus: slcanBus) -> Frame:
    """Receive one frame."""
    message = bus.recv(WAIT_S)
    assert message is not None, "nothing came"
    return Frame(message.arbitration_id, bytes(message.data), message.is_extended_id)


def step(bus: slcanBus, tick: int, frames: list[Frame]) -> list[Frame]:
    """Send the frames of a tick and its Sync; return what came up to the digest."""
    for frame in [*frames, sync(tick)]:
        send(bus, frame)
    found = [receive(bus)]
    while found[-1].id != STATE_DIGEST:
        found.append(receive(bus))
    return found


def test_it_reads_version_and_serial_number(port: Port) -> None:
    with client(port) as bus:
        assert bus.get_version(WAIT_S) == (10, 13)
        assert bus.get_serial_number(WAIT_S) == "D7A2"
        assert port.do(lambda bench: bench.state.channel) == "open"
        assert port.do(lambda bench: bench.state.refused) == 0


def test_it_steps_the_demo_and_gets_what_the_unit_in_this_process_sends(port: Port) -> None:
    # Given the beginning of the demo, tick by tick
    frames = read_trace(demo_trace_path()).frames()
    rows = frames.frame[frames.tick < STRETCH_TICKS]
    per_tick: list[list[Frame]] = [[] for _ in range(STRETCH_TICKS)]
    for tick, row in zip(frames.tick[: len(rows)].tolist(), rows, strict=True):
        per_tick[tick].append(Frame.from_c(row.tobytes()))

    # When python-can sends it
    ecu = Ecu()
    with client(port) as bus:
        step(bus, START, [])
        for tick, given in enumerate(per_tick):
            *sent, last = step(bus, tick, given)

            # Then the unit answers as it does in this process
            for frame in given:
                ecu.receive(frame.id, frame.data)
            ecu.tick()
            assert [(frame.id, frame.data) for frame in sent] == ecu.transmit()
            assert digest_of(last) == (tick, ecu.digest)
        assert port.do(lambda bench: bench.state.losses) == (0, 0, 0)
        assert port.do(lambda bench: bench.state.frames) == len(rows) + STRETCH_TICKS + 1


def test_a_torque_command_reads_in_engineering_units(port: Port) -> None:
    message = vehicle_bus().get_message_by_name("TorqueCommand")

    with client(port) as bus:
        step(bus, START, [])
        first, *_ = step(bus, 0, [])

    values = cast("dict[str, float]", message.decode(first.data))
    assert first.id == message.frame_id
    assert values["GrantedTorque_Nm"] == 0.0


def test_a_listener_hears_a_unit_that_runs_free_and_cannot_disturb_it(port: Port) -> None:
    with client(port, listen_only=True) as bus:
        assert bus.get_version(WAIT_S) == (10, 13)
        port.do(lambda bench: bench.timer(6))
        heard = [receive(bus).id for _ in range(3)]
        send(bus, sync(START))
        assert bus.get_version(WAIT_S) == (10, 13)

    assert heard.count(0x090) >= 1
    assert port.do(lambda bench: bench.state.mismatches) == 0
    assert port.do(lambda bench: bench.state.refused) == 1


def test_a_client_that_leaves_gives_time_back_and_another_may_come(port: Port) -> None:
    with client(port) as bus:
        first = [step(bus, tick, []) for tick in (START, 0, 1)]
        assert port.do(lambda bench: bench.state.mode) == "stepped"
    while port.do(lambda bench: bench.state.channel) != "closed":
        pass

    assert port.do(lambda bench: bench.state.mode) == "free"
    with client(port) as bus:
        assert [step(bus, tick, []) for tick in (START, 0, 1)] == first


@pytest.mark.parametrize("rest", [b"t0B08112", b"\xff\xfe\x00", b"T1FFFFFFF8" + b"A" * 40])
def test_what_a_dying_client_left_on_the_line_is_overcome(port: Port, rest: bytes) -> None:
    # Given a client that broke off in the middle of a line, its run still on
    writer = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
    os.write(writer, b"O\r" + sync(START).line() + rest)
    os.close(writer)

    # When the next one opens the port, then it has its unit
    with client(port) as bus:
        assert bus.get_version(WAIT_S) == (10, 13)
        assert digest_of(step(bus, START, [])[-1]) == (START, Ecu().digest)


def test_a_notifier_survives_what_comes_back_from_noise(port: Port) -> None:
    # python-can ends its reader thread at one byte outside ASCII, or one wrong digit
    heard: SimpleQueue[can.Message] = SimpleQueue()
    with client(port) as bus:
        assert bus.get_version(WAIT_S) == (10, 13)
        notifier = can.Notifier(bus, [heard.put], timeout=0.01)
        writer = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
        os.write(writer, bytes(byte for byte in range(256) if byte not in b"\r") + b"\r")
        os.write(writer, sync(START).line())
        os.close(writer)
        first = heard.get(timeout=WAIT_S)
        notifier.stop()

    assert notifier.exception is None
    assert first.arbitration_id == STATE_DIGEST
    assert heard.empty()
