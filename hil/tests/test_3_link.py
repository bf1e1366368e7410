"""The link, driven by a client that is none of ours, and by nobody's idea of a client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import can
    import serial

pytestmark = [pytest.mark.hil, pytest.mark.needs("serial")]

START = 0xFFFFFFFF
ANSWER_S = 2.0
SYNC_ID, DIGEST_ID = 0x7F0, 0x7F1
BELL, DONE = b"\a", b"\r"


def step(client: can.BusABC, number: int) -> tuple[int, int]:
    """Send one Sync and return tick and digest of its answer."""
    import can

    data = number.to_bytes(4, "little") + bytes(4)
    client.send(can.Message(arbitration_id=SYNC_ID, data=data, is_extended_id=False))
    deadline = time.monotonic() + ANSWER_S
    seen = 0
    while time.monotonic() < deadline:
        message = client.recv(timeout=ANSWER_S)
        if message is None:
            break
        seen += 1
        if message.arbitration_id == DIGEST_ID:
            content = bytes(message.data)
            return int.from_bytes(content[:4], "little"), int.from_bytes(content[4:], "little")
    raise AssertionError(f"no StateDigest within {ANSWER_S} s of Sync({number}); {seen} others")


def test_python_can_asks_for_version_and_number(client: can.BusABC) -> None:
    assert client.get_version(ANSWER_S) == (10, 13)  # type: ignore[attr-defined]
    assert client.get_serial_number(ANSWER_S) is not None  # type: ignore[attr-defined]


def test_python_can_steps_the_unit_tick_by_tick(client: can.BusABC) -> None:
    from d7xr.ecu import Ecu

    # Given a unit in this process beside the one on the link
    ecu = Ecu()

    # When both are started and stepped
    answers = [step(client, START)]
    expected = [(START, ecu.digest)]
    for number in range(50):
        answers.append(step(client, number))
        ecu.tick()
        ecu.transmit()
        expected.append((number, ecu.digest))

    # Then they are the same after every tick
    assert answers == expected


def test_a_sync_that_is_repeated_runs_nothing_twice(client: can.BusABC) -> None:
    step(client, START)
    step(client, 0)

    assert step(client, 0) == step(client, 0)
    assert step(client, 1)[0] == 1


def test_a_sync_out_of_turn_is_answered_with_where_the_unit_is(client: can.BusABC) -> None:
    step(client, START)
    step(client, 0)

    assert step(client, 7)[0] == 0


@pytest.mark.parametrize(
    "line",
    [b"Q", b"S9", b"t80020000", b"t1", b"t1239", b"t12G0", b"V1", b"T2000000010", b"x" * 200],
    ids=["unknown", "rate", "identifier", "short", "length", "digit", "surplus", "wide", "long"],
)
def test_a_line_that_means_nothing_is_refused_once_and_the_next_is_read_whole(
    wire: serial.Serial, line: bytes
) -> None:
    wire.write(line + DONE + b"V" + DONE)

    assert wire.read_until(DONE) == BELL + b"V1013" + DONE


def test_what_is_asked_while_open_stays_as_it_was(wire: serial.Serial) -> None:
    wire.write(b"L" + DONE)
    assert wire.read_until(DONE) == DONE

    wire.write(b"S6" + DONE)

    seen = b""
    while BELL not in seen:
        part = wire.read(1)
        assert part, f"a change of the bit rate while open was not refused: {seen[-64:]!r}"
        seen += part
