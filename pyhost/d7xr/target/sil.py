"""The unit in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from d7xr.ecu import Ecu, calibration_default
from d7xr.target.base import Answer

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray


class Sil:
    """Software in the loop: the firmware compiled into this process."""

    name = "sil"
    tells_state = True

    def __init__(self) -> None:
        """Make a unit with the built-in calibration."""
        self._ecu = Ecu(calibration_default())

    def __enter__(self) -> Self:
        """Nothing to start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Nothing to stop."""

    def start(self, calibration: bytes) -> None:
        """Start the unit anew with a calibration."""
        self._ecu = Ecu(calibration)

    def run(self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int) -> Answer:
        """Run a stretch of ticks."""
        first = self._ecu.tick_count
        run = self._ecu.run(frame, frame_tick, ticks, with_digests=True)
        assert run.digest is not None
        return Answer(run.digest, run.sent_tick - first, run.sent)

    def snapshot(self) -> bytes:
        """Return the bytes of the unit's whole state."""
        return self._ecu.snapshot()
