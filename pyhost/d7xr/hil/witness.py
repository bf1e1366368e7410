"""A target that remembers what it was told and what it answered, so that a failure can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from d7xr.ecu import calibration_default
from d7xr.frames import FRAME_DTYPE, Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from d7xr.target import Answer, Target

US_PER_TICK: Final = 1000


class Witness:
    """A started unit, for one test.

    Args:
        target: An open target.
        calibration: The set to start with; None takes the built-in one.

    Attributes:
        name: Name of the target.
        target: The target itself.
        calibration: The set it was started with last.
        tick: Ticks since it was started last.
        ticks_run: Ticks in all, beyond every start.
    """

    def __init__(self, target: Target, calibration: bytes | None = None) -> None:
        """Start the unit."""
        self.name = target.name
        self.target = target
        self.ticks_run = 0
        self.start(calibration)

    def start(self, calibration: bytes | None = None) -> Self:
        """Start the unit anew; what was remembered of the run before is dropped."""
        self.calibration = calibration_default() if calibration is None else calibration
        self.tick = 0
        self._fed: list[tuple[NDArray[np.int64], NDArray[np.void]]] = []
        self._sent: list[tuple[NDArray[np.int64], NDArray[np.void]]] = []
        self._digest: list[NDArray[np.uint32]] = []
        self.target.start(self.calibration)
        return self

    def run(
        self, frame: NDArray[np.void] | None = None, frame_tick: NDArray[np.int64] | None = None,
        ticks: int = 1,
    ) -> Answer:  # fmt: skip
        """Run a stretch of ticks; see ``Target.run``. Without frames the bus is silent.

        What is fed is remembered before it is fed: the stretch that breaks a rig is the one that
        matters.
        """
        frame = np.zeros(0, FRAME_DTYPE) if frame is None else frame
        frame_tick = np.zeros(0, np.int64) if frame_tick is None else frame_tick
        first = self.tick
        self._fed.append((frame_tick + first, frame))
        self.tick += ticks
        self.ticks_run += ticks
        answer = self.target.run(frame, frame_tick, ticks)
        self._sent.append((answer.sent_tick + first, answer.sent))
        self._digest.append(answer.digest)
        return answer

    def snapshot(self) -> bytes:
        """Return the bytes of the unit's whole state."""
        return self.target.snapshot()

    @property
    def fed(self) -> Frames:
        """What the unit was told since its start; a frame's time is that of its tick."""
        return _joined(self._fed)

    @property
    def sent(self) -> Frames:
        """What it answered."""
        return _joined(self._sent)

    @property
    def digest(self) -> NDArray[np.uint32]:
        """Digest of the state after each tick that was answered, uint32."""
        return np.concatenate([np.zeros(0, np.uint32), *self._digest])


def _joined(parts: list[tuple[NDArray[np.int64], NDArray[np.void]]]) -> Frames:
    ticks = [tick for tick, _ in parts]
    frames = [frame for _, frame in parts]
    return Frames(
        np.concatenate([np.zeros(0, np.int64), *ticks]) * US_PER_TICK,
        np.concatenate([np.zeros(0, FRAME_DTYPE), *frames]),
    )
