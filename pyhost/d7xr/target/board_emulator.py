"""The image of the board under QEMU: a serial port with a unit on it, and nothing to buy.

It is the very image that is flashed to a board. The emulator has the chip's serial ports, timer and
interrupts; it has no CAN controller, clock tree, watchdog or flash controller.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from typing import TYPE_CHECKING, Final, Self

from d7xr.errors import RigError
from d7xr.target.qemu import IMAGES, command, hold_one_core

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

IMAGE: Final = IMAGES / "d7xr.elf"

_START_S: Final = 10.0
_STOP_S: Final = 5.0
_TERMINAL: Final = re.compile(rb"char device redirected to (\S+) \(label serial1\)")


class BoardEmulator:
    """An emulated board on a pseudo-terminal.

    Args:
        image: The board's image; None takes what ``make firmware`` built.
        extra: More words for the emulator's command line.

    Attributes:
        port: Path of the pseudo-terminal, while it runs.

    Raises:
        RigError: No emulator, no image, or the emulator ended.

    Example:
        ``with BoardEmulator() as board, SerialTarget(board.port) as unit: ...``
    """

    def __init__(self, image: Path | None = None, *, extra: Sequence[str] = ()) -> None:
        """Remember what to start; nothing is started yet."""
        self.port = ""
        self._image = image or IMAGE
        self._extra = tuple(extra)
        self._process: subprocess.Popen[bytes] | None = None
        self._held = -1

    def __enter__(self) -> Self:
        """Start the emulator and wait for its terminal."""
        start = command(self._image)
        cores = hold_one_core()
        try:
            self._process = subprocess.Popen(
                [*start, "-serial", "null", "-serial", "pty", *self._extra],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        finally:
            os.sched_setaffinity(0, cores)
        try:
            self.port = self._terminal()
            # Held open: the emulator looks once a second for whether somebody has its terminal.
            self._held = os.open(self.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """End the emulator at once, as when a plug is pulled."""
        self._stop()

    @property
    def has_ended(self) -> bool:
        """Whether the emulator ended by itself, or was never started."""
        return self._process is None or self._process.poll() is not None

    def _terminal(self) -> str:
        """Read the emulator's output until it names its terminal."""
        assert self._process is not None
        assert self._process.stdout is not None
        said = b""
        deadline = time.monotonic() + _START_S
        while (found := _TERMINAL.search(said)) is None:
            left_s = deadline - time.monotonic()
            ready, _, _ = select.select([self._process.stdout], [], [], max(left_s, 0.0))
            part = os.read(self._process.stdout.fileno(), 4096) if ready else b""
            if not part:
                text = said.decode("utf-8", "replace").strip()
                raise RigError(
                    f"the emulator named no terminal within {_START_S:.0f} s"
                    if not ready
                    else f"the emulator ended: {text or 'it said nothing'}",
                    hint="try it by hand: qemu-system-arm --version",
                )
            said += part
        return found[1].decode()

    def _stop(self) -> None:
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=_STOP_S)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
        self.port = ""
