"""How many instructions the unit takes on the chip: the measuring image under QEMU, by TIM2.

With ``-icount shift=0`` one instruction is one nanosecond of virtual time, and the timer counts
nanoseconds: the same run gives the same counts. Instructions are not cycles: a Cortex-M4F takes
several for a division and waits for its flash. This is a budget against growth.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from d7xr.frames import FRAME_DTYPE
from d7xr.target.qemu import EMULATOR, MACHINE

_BATCH_TICKS = 256
_LIMIT_S = 100.0
_TIMED_DTYPE = np.dtype([("tick", "<u4"), ("frame", FRAME_DTYPE)])


@dataclass(frozen=True, slots=True)
class Instructions:
    """Instructions of each tick, uint32, shape ``(ticks,)`` each.

    Attributes:
        thousand: What was measured for a thousand instructions.
        receive: For the frames that came in that tick.
        tick: For the tick itself.
        transmit: For the frames that were due.
    """

    thousand: int
    receive: NDArray[np.uint32]
    tick: NDArray[np.uint32]
    transmit: NDArray[np.uint32]

    @property
    def whole(self) -> NDArray[np.uint32]:
        """All that the unit does in a millisecond."""
        return self.receive + self.tick + self.transmit


def measure(
    image: Path, folder: Path, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int,
    calibration: bytes,
) -> Instructions:  # fmt: skip
    """Run frames through the measuring image.

    Args:
        image: ``measure.elf``.
        folder: An empty folder for its files.
        frame: Frames, ``FRAME_DTYPE``, shape ``(n,)``.
        frame_tick: Tick of each, never decreasing.
        ticks: How many ticks to run.
        calibration: The set to start with.
    """
    with (folder / "in").open("wb") as file:
        file.write(calibration)
        for first in range(0, ticks, _BATCH_TICKS):
            last = min(first + _BATCH_TICKS, ticks)
            begin, end = np.searchsorted(frame_tick, (first, last)).tolist()
            timed = np.zeros(end - begin, dtype=_TIMED_DTYPE)
            timed["tick"], timed["frame"] = frame_tick[begin:end] - first, frame[begin:end]
            file.write(np.array([last - first, end - begin], dtype="<u4").tobytes())
            file.write(timed.tobytes())
    subprocess.run(
        [
            EMULATOR, "-M", MACHINE, "-nographic", "-monitor", "none", "-serial", "null",
            "-icount", "shift=0", "-semihosting-config", "enable=on,target=native",
            "-kernel", str(image.resolve()),
        ],
        cwd=folder, stdin=subprocess.DEVNULL, check=True, timeout=_LIMIT_S,
    )  # fmt: skip
    words = np.fromfile(folder / "out", dtype="<u4")
    counts = words[1:].reshape(-1, 3)
    assert len(counts) == ticks, f"measured {len(counts)} of {ticks} ticks"
    return Instructions(int(words[0]), counts[:, 0], counts[:, 1], counts[:, 2])
