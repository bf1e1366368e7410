"""The unit on its own timer: nothing is lost, and how steady and how fast it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from d7xr.target.free_running import PERIODIC, percentiles, run_free
from d7xr.target.serial import SerialTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    import serial
    from numpy.typing import NDArray

    from d7xr.frames import Frames
    from d7xr.hil.machines import Machine

pytestmark = [pytest.mark.hil, pytest.mark.needs("serial", "free_running")]

PERIOD_MS = 5.0
SHORTEST_S = 2.0
FEWEST_FRAMES = 40
"""In that time, of an emulator on a busy machine."""

ROUND_TRIPS = 200
STEADY_PCT = 1.0
"""Of a unit with a crystal. An emulator is as late as its machine is busy: told, not judged."""


def in_words(values_ms: NDArray[np.float64]) -> str:
    """Return the percentiles of some times in words."""
    return ", ".join(f"{name} {value:.3f} ms" for name, value in percentiles(values_ms).items())


def test_in_real_time_no_frame_is_lost_in_either_direction(
    rig: Machine, drive: Frames, d7xr_soak_s: float,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    # Given a unit on its own timer, when the drive is fed at the times of its frames
    with rig.target() as link:
        assert isinstance(link, SerialTarget)
        done = run_free(link, drive, max(d7xr_soak_s, SHORTEST_S))

    # Then how late, how soon and how steadily is told
    for name, column in done.times.items():
        told = in_words(column)
        record_property(name, told)
        print(f"{rig.name}: {name}, {column.size:,} times, {told}")
    # And its alive counters miss no frame, it refused none of ours, and neither side dropped any
    assert done.is_whole, {**done.lost, **done.losses}
    assert done.fed > FEWEST_FRAMES
    assert done.heard[PERIODIC] > FEWEST_FRAMES
    # And the period is that of the bus
    if "real_time" in rig.capabilities:
        assert float(done.period_ms.mean()) == pytest.approx(PERIOD_MS, rel=STEADY_PCT / 100)


def test_how_long_an_answer_takes(
    wire: serial.Serial, rig: Machine, record_property: Callable[[str, object], None]
) -> None:
    trips_ms = []
    for _ in range(ROUND_TRIPS):
        begin = time.perf_counter()
        wire.write(b"V\r")
        answer = wire.read_until(b"\r")
        trips_ms.append((time.perf_counter() - begin) * 1000.0)
        assert answer == b"V1013\r"
    told = in_words(np.array(trips_ms))
    record_property("latency", told)
    print(f"{rig.name}: {ROUND_TRIPS} questions answered, {told}")

    assert len(trips_ms) == ROUND_TRIPS
