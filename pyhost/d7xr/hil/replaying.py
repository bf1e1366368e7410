"""A drive on the unit under test and on the desk at once, compared after every tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from d7xr.frames import FRAME_DTYPE, Frames

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from d7xr.compare import Comparison
    from d7xr.hil.witness import Witness
    from d7xr.target import Answer


def load_drive(trace: Path) -> Frames:
    """Return the frames of a trace of our own bus that the unit hears.

    Raises:
        TraceError: It cannot be read.
        InconclusiveError: The unit hears none of it.
    """
    from d7xr.replay import feed_of
    from d7xr.trace import read_trace

    return feed_of(read_trace(trace)).frames


def cut(drive: Frames, from_ms: int, to_ms: int) -> Frames:
    """Return the part of a drive between two times from its first frame, the end left out."""
    time_ms = drive.tick
    kept = (time_ms >= from_ms) & (time_ms < to_ms)
    return Frames(drive.time_us[kept], drive.frame[kept])


def compare_with_desk(unit: Witness, frames: Frames, *, ticks: int | None = None) -> Comparison:
    """Start the unit and one in this process anew, and run both through the same frames.

    Args:
        unit: The unit under test.
        frames: What to feed; the first is at tick 0.
        ticks: How many ticks; None takes as many as the frames last.

    Raises:
        InconclusiveError: There was no tick to compare.
        RigError: The rig failed.
        LinkError: The link failed.
    """
    from d7xr.compare import back_to_back
    from d7xr.target.sil import Sil

    return back_to_back(
        Sil(),
        _Watched(unit),
        np.asarray(frames.frame, dtype=FRAME_DTYPE),
        frames.tick,
        frames.ticks if ticks is None else ticks,
        unit.calibration,
    )


class _Watched:
    """A witness as a target."""

    def __init__(self, unit: Witness) -> None:
        self.name = unit.name
        self.tells_state = unit.target.tells_state
        self._unit = unit

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Leave it open: the test has it."""

    def start(self, calibration: bytes) -> None:
        self._unit.start(calibration)

    def run(self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int) -> Answer:
        return self._unit.run(frame, frame_tick, ticks)

    def snapshot(self) -> bytes:
        return self._unit.snapshot()
