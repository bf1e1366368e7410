"""As long as it is told to: stretch after stretch of the drive, each equal to the desk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from d7xr.frames import Frames
    from d7xr.hil.fixtures import Replay

pytestmark = [pytest.mark.hil, pytest.mark.slow]

STRETCH_MS = 500


def test_it_goes_on_being_equal(
    replay: Replay, drive: Frames, d7xr_soak_s: float,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    end = time.monotonic() + d7xr_soak_s
    ticks = 0
    from_ms = 0
    while ticks == 0 or time.monotonic() < end:
        done = replay(drive, from_ms=from_ms, to_ms=from_ms + STRETCH_MS)
        assert done.is_equal, f"from {from_ms} ms of the drive: {done.summary}"
        ticks += done.ticks
        from_ms = (from_ms + STRETCH_MS) % (drive.ticks - STRETCH_MS)
    record_property("soak_ticks", ticks)
    print(f"{ticks:,} ticks, each equal")
