"""The rig is torn, disturbed and switched off: trouble is told, and the unit begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from d7xr.errors import LinkError, RigError
from d7xr.hil.identity import expected, handshake
from d7xr.hil.line import Line
from d7xr.hil.replaying import cut
from d7xr.hil.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from d7xr.frames import Frames
    from d7xr.hil.machines import Machine

pytestmark = pytest.mark.hil

type Desk = Callable[[Frames, int], list[int]]

TICKS = 200
HALF = TICKS // 2


@pytest.fixture
def stretch(drive: Frames) -> Frames:
    """The beginning of the drive."""
    return cut(drive, 0, TICKS)


def run(unit: Witness, frames: Frames, from_tick: int, to_tick: int) -> list[int]:
    """Run a part of a stretch and return the digests."""
    part = (frames.tick >= from_tick) & (frames.tick < to_tick)
    answer = unit.run(frames.frame[part], frames.tick[part] - from_tick, to_tick - from_tick)
    return [int(value) for value in answer.digest]


def test_a_unit_that_is_started_in_the_middle_of_a_run_begins_anew(
    ecu: Witness, stretch: Frames, desk: Desk
) -> None:
    run(ecu, stretch, 0, HALF)

    ecu.start()

    assert run(ecu, stretch, 0, TICKS) == desk(stretch, TICKS)


@pytest.mark.needs("serial")
def test_a_pulled_cable_is_told_and_the_next_session_finds_a_fresh_unit(
    rig: Machine, stretch: Frames, desk: Desk
) -> None:
    digests: list[int] = []

    def torn(line: Line) -> None:
        with rig.target(line.port) as target:
            unit = Witness(target)
            digests.extend(run(unit, stretch, 0, HALF))
            line.pull()
            digests.extend(run(unit, stretch, HALF, TICKS))

    # Given a run over a line that is pulled in the middle, then the host says so at once
    with Line(str(rig.port)) as line, pytest.raises((LinkError, RigError)):
        torn(line)
    assert digests == desk(stretch, HALF)

    # And once it is plugged in again, nothing of the run before is left
    with rig.target() as target:
        assert run(Witness(target), stretch, 0, TICKS) == desk(stretch, TICKS)


@pytest.mark.needs("serial")
@pytest.mark.parametrize(
    "noise", [b"\r", b"\x00\xff\xfe\r", b"t1238\r", b"Z" * 300 + b"\r"],
    ids=["empty", "bytes", "half a frame", "long"],
)  # fmt: skip
def test_noise_between_two_ticks_changes_nothing_in_the_unit(
    rig: Machine, stretch: Frames, desk: Desk, noise: bytes
) -> None:
    with Line(str(rig.port)) as line, rig.target(line.port) as target:
        unit = Witness(target)
        digests = run(unit, stretch, 0, HALF)
        line.disturb(noise)
        digests += run(unit, stretch, HALF, TICKS)

    assert digests == desk(stretch, TICKS)


@pytest.mark.needs("serial")
def test_noise_that_swallows_a_line_is_told_or_made_good_never_passed_over(
    rig: Machine, stretch: Frames, desk: Desk
) -> None:
    # Given noise without an end of line: it makes one line with what the host sends next
    told = False
    digests: list[int] = []
    with Line(str(rig.port)) as line, rig.target(line.port) as target:
        unit = Witness(target)
        try:
            digests = run(unit, stretch, 0, HALF)
            line.disturb(b"\xf0\x0f")
            digests += run(unit, stretch, HALF, TICKS)
        except (LinkError, RigError):
            told = True

    assert told or digests == desk(stretch, TICKS)


@pytest.mark.needs("power")
def test_a_supply_that_fails_in_mid_run_is_told_and_the_unit_comes_back_fresh(
    rig: Machine, stretch: Frames, desk: Desk
) -> None:
    digests: list[int] = []

    def starved() -> None:
        with rig.target() as target:
            unit = Witness(target)
            digests.extend(run(unit, stretch, 0, HALF))
            rig.power(is_on=False)
            digests.extend(run(unit, stretch, HALF, TICKS))

    # Given a run in the middle of which the supply goes, then the host says so
    with pytest.raises((LinkError, RigError)):
        starved()
    rig.power(is_on=True)
    assert digests == desk(stretch, HALF)

    # And afterwards a fresh unit of the same build answers
    assert handshake(rig).build_id == expected().build_id
    with rig.target() as target:
        assert run(Witness(target), stretch, 0, TICKS) == desk(stretch, TICKS)
