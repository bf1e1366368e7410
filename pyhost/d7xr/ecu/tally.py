"""Evidence on the torque that a unit commands, counted in C stretch by stretch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.ecu.core import ffi, lib
from d7xr.frames import FRAME_DTYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_NEVER: Final = (1 << 64) - 1


class TorqueTally:
    """Looks at every torque command in frames that a unit sent.

    Args:
        command_id: Identifier of the command.
        granted: Of the signal: ``start``, ``length``, ``scale``, ``offset``, ``not_available``.
        demand: Likewise.
        slack: A difference up to it is none.
    """

    def __init__(
        self,
        command_id: int,
        granted: Mapping[str, float | None],
        demand: Mapping[str, float | None],
        slack: float,
    ) -> None:
        """Make the C struct."""
        self._c: Any = ffi.new("tally_t *")
        self._c.command_id, self._c.slack = command_id, slack
        for name, signal in (("granted", granted), ("demand", demand)):
            known = {key: _NEVER if value is None else value for key, value in signal.items()}
            setattr(self._c, name, known)
        for breaches in (self._c.excesses, self._c.flips, self._c.unknowns):
            breaches.first_tick = -1

    def take(self, tick: NDArray[np.int64], sent: NDArray[np.void]) -> None:
        """Take frames; the arrays may be overwritten afterwards."""
        frames = ffi.from_buffer("can_frame_t[]", np.ascontiguousarray(sent, dtype=FRAME_DTYPE))
        ticks = ffi.from_buffer("int64_t[]", np.ascontiguousarray(tick, dtype=np.int64))
        lib.tally_take(self._c, frames, ticks, len(sent))

    @property
    def frames(self) -> int:
        """Frames so far."""
        return int(self._c.frames)

    @property
    def commands(self) -> int:
        """Torque commands among them."""
        return int(self._c.commands)

    @property
    def known(self) -> int:
        """Commands with both values."""
        return int(self._c.known)

    def breaches(self, name: str) -> tuple[int, int]:
        """Return how many ``excesses``, ``flips`` or ``unknowns``, and the first tick, else -1."""
        breaches = getattr(self._c, name)
        return int(breaches.count), int(breaches.first_tick)
