"""The unit decides as the desk does: the same state after every tick of the shipped drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from d7xr.demo import demo_truth
from d7xr.frames import Frames

if TYPE_CHECKING:
    from d7xr.hil.fixtures import Recorder, Replay

pytestmark = pytest.mark.hil

FLIGHTS = {flight.name: flight for flight in demo_truth().flights}
BEFORE_MS, AFTER_MS = 400, 200
"""Long enough for the unit to know that it drives, and for the ramp after touchdown to begin."""


STRETCH_MS = 600
SILENT_MS = (200, 700, 900)


@pytest.mark.req("HIL-001")
@pytest.mark.needs("bulk")
def test_the_whole_drive_is_equal_at_every_tick(replay: Replay) -> None:
    done = replay()

    assert done.is_equal, done.summary
    assert done.ticks > 80_000


@pytest.mark.parametrize("name", FLIGHTS)
def test_a_flight_is_equal_at_every_tick(
    replay: Replay, recorder: Recorder, drive: Frames, name: str
) -> None:
    flight = FLIGHTS[name]
    from_ms = flight.take_off_us // 1000 - BEFORE_MS
    to_ms = flight.touchdown_us // 1000 + AFTER_MS

    done = replay(drive, from_ms=from_ms, to_ms=to_ms)

    assert done.is_equal, done.summary
    assert done.ticks >= to_ms - from_ms - 10
    assert recorder.signal("FlightStatus.FlightState").values.max() > 0, "it never left the ground"


@pytest.mark.parametrize("from_ms", [0, 40_000])
def test_a_stretch_is_equal_from_a_standing_start(
    replay: Replay, drive: Frames, from_ms: int
) -> None:
    done = replay(drive, from_ms=from_ms, to_ms=from_ms + STRETCH_MS)

    assert done.is_equal, done.summary
    assert done.ticks > STRETCH_MS - 10


@pytest.mark.upsets("bus.rejected_count")
def test_frames_that_were_spoilt_on_the_way_are_refused_alike(
    replay: Replay, drive: Frames
) -> None:
    # Given the beginning of the drive in which every seventh frame has one bit turned
    spoilt = Frames(drive.time_us[:600], drive.frame[:600].copy())
    bits = np.random.default_rng(3).integers(0, 64, size=len(spoilt))
    for row in range(0, len(spoilt), 7):
        spoilt.frame["data"][row][bits[row] // 8] ^= 1 << (bits[row] % 8)

    # When unit and desk hear it, then both make the same of it
    done = replay(spoilt)
    assert done.is_equal, done.summary
    assert done.ticks > 500


def test_a_bus_that_falls_silent_is_the_same_silence(replay: Replay, drive: Frames) -> None:
    tick = drive.tick
    heard = (tick < SILENT_MS[0]) | ((tick >= SILENT_MS[1]) & (tick < SILENT_MS[2]))
    torn = Frames(drive.time_us[heard], drive.frame[heard])

    done = replay(torn)

    assert done.is_equal, done.summary
    assert done.ticks > SILENT_MS[2] - 10
