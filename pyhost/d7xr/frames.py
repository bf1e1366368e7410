"""CAN frames as columns, in the layout of the firmware's own frame structure."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FRAME_EXTENDED = 1
FRAME_REMOTE = 2
FRAME_ERROR = 4
FRAME_FD = 8

FRAME_DTYPE = np.dtype(
    [
        ("id", "<u4"),
        ("length", "u1"),
        ("flags", "u1"),
        ("reserved", "u1", (2,)),
        ("data", "u1", (8,)),
    ]
)
"""One ``can_frame_t`` of the firmware: 16 bytes, checked against C when the core is imported."""


class Rows(Protocol):
    """Frames as columns, each of shape ``(n,)``, data of shape ``(n, width)``."""

    @property
    def time_us(self) -> NDArray[np.int64]:
        """Time of each frame in microseconds."""
        ...

    @property
    def id(self) -> NDArray[np.uint32]:
        """Identifiers without flag bits."""
        ...

    @property
    def flags(self) -> NDArray[np.uint8]:
        """``FRAME_*`` of each."""
        ...

    @property
    def length(self) -> NDArray[np.uint8]:
        """Bytes of data."""
        ...

    @property
    def data(self) -> NDArray[np.uint8]:
        """Payloads; what stands behind the length has no meaning."""
        ...


@dataclass(frozen=True, slots=True)
class Frames:
    """Classic CAN data frames in the order of the bus.

    Attributes:
        time_us: Time of each frame in microseconds, int64, shape ``(n,)``, never decreasing.
        frame: Frames, ``FRAME_DTYPE``, shape ``(n,)``.
    """

    time_us: NDArray[np.int64]
    frame: NDArray[np.void]

    def __post_init__(self) -> None:
        """Refuse columns that do not belong together."""
        if self.time_us.shape != self.frame.shape or self.time_us.ndim != 1:
            raise ValueError(f"need equal (n,) shapes: {self.time_us.shape}, {self.frame.shape}")

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self.time_us.shape[0])

    @property
    def id(self) -> NDArray[np.uint32]:
        """Identifiers without flag bits, shape ``(n,)``."""
        return self.frame["id"]

    @property
    def flags(self) -> NDArray[np.uint8]:
        """``FRAME_EXTENDED`` or 0, shape ``(n,)``."""
        return self.frame["flags"]

    @property
    def length(self) -> NDArray[np.uint8]:
        """Bytes of data, shape ``(n,)``."""
        return self.frame["length"]

    @property
    def data(self) -> NDArray[np.uint8]:
        """Payloads, shape ``(n, 8)``."""
        return self.frame["data"]

    @property
    def tick(self) -> NDArray[np.int64]:
        """Tick of each frame when the first frame is at tick 0, shape ``(n,)``."""
        if len(self) == 0:
            return np.zeros(0, dtype=np.int64)
        return np.asarray((self.time_us - self.time_us[0]) // 1000, dtype=np.int64)

    @property
    def ticks(self) -> int:
        """Number of 1 ms ticks from the first frame to the last, both included."""
        return int(self.tick[-1]) + 1 if len(self) else 0
