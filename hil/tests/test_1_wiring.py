"""Is it wired at all: bytes go there and back, and the unit ticks when it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import serial

    from d7xr.hil.machines import Machine
    from d7xr.hil.witness import Witness

pytestmark = pytest.mark.hil

QUESTIONS = 100


@pytest.mark.needs("serial")
def test_every_question_is_answered_once_and_whole(wire: serial.Serial) -> None:
    answers = []
    for _ in range(QUESTIONS):
        wire.write(b"V\r")
        answers.append(wire.read_until(b"\r"))

    assert answers == [b"V1013\r"] * QUESTIONS


def test_the_unit_ticks_when_it_is_told_to(ecu: Witness) -> None:
    answer = ecu.run(ticks=20)

    assert len(answer.digest) == 20
    assert len(set(answer.digest.tolist())) == 20, "a state that stands still is no tick"


def test_a_machine_with_a_serial_port_says_where_it_is(rig: Machine) -> None:
    assert (rig.port is not None) == ("serial" in rig.capabilities)
