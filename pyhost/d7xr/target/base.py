"""What every target can do, so that the same run can be compared on all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stretch of ticks gave.

    Attributes:
        digest: Digest of the state after each tick, uint32, shape ``(ticks,)``.
        sent_tick: Tick of each frame sent, counted from the first of the stretch, int64,
            shape ``(k,)``.
        sent: These frames, ``FRAME_DTYPE``, shape ``(k,)``.
    """

    digest: NDArray[np.uint32]
    sent_tick: NDArray[np.int64]
    sent: NDArray[np.void]


class Target(Protocol):
    """A machine that runs the unit, stepped: it ticks when it is told to, never by itself."""

    name: str
    tells_state: bool
    """Whether its state can be read; where not, its digest stands for it."""

    def __enter__(self) -> Self:
        """Start the machine, and make sure that it runs this very build."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Stop the machine."""
        ...

    def start(self, calibration: bytes) -> None:
        """Start the unit anew with a calibration; the next tick is tick 0."""
        ...

    def run(self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int) -> Answer:
        """Run a stretch of ticks.

        Args:
            frame: Frames, ``FRAME_DTYPE``, shape ``(n,)``.
            frame_tick: Tick of each, counted from the first of the stretch, never decreasing.
            ticks: How many.
        """
        ...

    def snapshot(self) -> bytes:
        """Return the bytes of the unit's whole state."""
        ...


def chain(run_digest: int, first_tick: int, answer: Answer) -> int:
    """Carry a run's digest over a stretch, by the one rule of ``run_digest.h``."""
    from d7xr.ecu import chain_digest

    return chain_digest(run_digest, first_tick, answer.digest, answer.sent_tick, answer.sent)
