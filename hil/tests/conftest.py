"""What the rig's tests share. They ask for capabilities, never for the name of a board."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from d7xr.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import can
    import serial

    from d7xr.frames import Frames
    from d7xr.hil.machines import Machine

BAUDRATE = 2_000_000
BITRATE = 500_000
ANSWER_S = 1.0


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to run nowhere."""
    if not session.config.pluginmanager.hasplugin("d7xr_hooks"):
        raise pytest.UsageError(
            "these tests run on a target: d7xr hil --target emulated, or pytest --d7xr-target=..."
        )


@pytest.fixture(scope="session")
def drive() -> Frames:
    """The shipped drive."""
    from d7xr.demo import demo_trace_path
    from d7xr.hil.replaying import load_drive

    return load_drive(demo_trace_path())


def baudrate(rig: Machine) -> int:
    """Return the bit rate of a machine's port."""
    return BAUDRATE if rig.board is None else rig.board.link.baudrate


@pytest.fixture
def wire(rig: Machine) -> Iterator[serial.Serial]:
    """The bare port, channel closed and silent."""
    import serial

    with serial.serial_for_url(
        rig.port, baudrate=baudrate(rig), timeout=ANSWER_S, write_timeout=ANSWER_S
    ) as port:
        quieten(port)
        yield port
        quieten(port)


def quieten(port: serial.Serial) -> None:
    """End whatever line was begun, close the channel, and drop what is on its way.

    The answer to V comes after everything else, so it is the mark up to which all is dropped.
    """
    port.reset_input_buffer()
    port.write(b"\r\rC\rV\r")
    seen = b""
    while not seen.endswith(b"V1013\r"):
        part = port.read(1)
        if not part:
            raise LinkError(
                f"no answer to V within {ANSWER_S:.0f} s; the last bytes were {seen[-64:]!r}",
                hint="check RX, TX, ground and bit rate; hil/README.md says how",
            )
        seen += part


@pytest.fixture
def client(rig: Machine) -> Iterator[can.BusABC]:
    """A client that is none of ours: python-can's own, on an open channel."""
    with opened(rig) as bus:
        yield bus


@contextlib.contextmanager
def opened(rig: Machine) -> Iterator[can.BusABC]:
    """Open the port with python-can, and make sure that the unit answers."""
    import can
    import serial

    with serial.serial_for_url(rig.port, baudrate=baudrate(rig), timeout=ANSWER_S) as port:
        quieten(port)
    bus = can.Bus(
        interface="slcan", channel=rig.port, tty_baudrate=baudrate(rig), bitrate=BITRATE,
        sleep_after_open=0,
    )  # fmt: skip
    try:
        yield bus
    finally:
        bus.shutdown()


@pytest.fixture
def desk() -> Callable[[Frames, int], list[int]]:
    """Runs frames on a unit in this process and returns its digest after each tick."""
    from d7xr.ecu import Ecu

    def run(frames: Frames, ticks: int) -> list[int]:
        done = Ecu().run(frames.frame, frames.tick, ticks, with_digests=True)
        assert done.digest is not None
        return [int(value) for value in done.digest]

    return run
