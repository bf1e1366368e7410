"""The unit on its own timer: nothing is lost, and how steady and how fast it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import can
    import serial

    from d7xr.hil.machines import Machine

pytestmark = [pytest.mark.hil, pytest.mark.needs("serial", "free_running")]

TORQUE_COMMAND_ID = 0x90
PERIOD_MS = 5.0
COUNTER_MODULUS = 16
SETTLE_FRAMES = 4
ROUND_TRIPS = 200
STEADY_PCT = 1.0
"""Of a unit with a crystal. An emulator is as late as its machine is busy: told, not judged."""

PERCENTILES = (50.0, 95.0, 99.0, 100.0)


def percentiles(values_ms: list[float]) -> str:
    """Return the percentiles of some times in words."""
    at = np.percentile(values_ms, PERCENTILES)
    return ", ".join(f"p{p:g} {v:.3f} ms" for p, v in zip(PERCENTILES, at, strict=True))


def test_no_frame_is_lost_and_the_period_is_kept(
    client: can.BusABC, rig: Machine, d7xr_soak_s: float,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    # Given a unit that runs on its own timer
    times_s: list[float] = []
    counters: list[int] = []
    end = time.monotonic() + d7xr_soak_s

    # When everything that it sends is read for a while
    while time.monotonic() < end or len(times_s) < 10 * SETTLE_FRAMES:
        message = client.recv(timeout=1.0)
        assert message is not None, f"silent after {len(times_s)} frames"
        if message.arbitration_id == TORQUE_COMMAND_ID:
            times_s.append(time.perf_counter())
            counters.append(message.data[6] >> 4)
    # What had waited in the port before is as old as it is; leave it out.
    periods_ms = (np.diff(times_s)[SETTLE_FRAMES:] * 1000.0).tolist()
    told = percentiles(periods_ms)
    record_property("period", told)
    print(f"{rig.name}: {len(times_s):,} frames of TorqueCommand, {told}")

    # Then its alive counter misses none, and the period is that of the bus
    gaps = (np.diff(counters) - 1) % COUNTER_MODULUS
    assert int(gaps.sum()) == 0, f"{int(gaps.sum())} of {len(counters)} frames are missing"
    if "real_time" in rig.capabilities:
        assert float(np.mean(periods_ms)) == pytest.approx(PERIOD_MS, rel=STEADY_PCT / 100)


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
    told = percentiles(trips_ms)
    record_property("latency", told)
    print(f"{rig.name}: {ROUND_TRIPS} questions answered, {told}")

    assert len(trips_ms) == ROUND_TRIPS
