"""A serial line with a hand on it: between host and unit, to be pulled or disturbed by a test."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
import tty
from typing import TYPE_CHECKING, Final, Self

from d7xr.errors import LinkError

if TYPE_CHECKING:
    from types import TracebackType

    from serial import Serial

_CHUNK_BYTES: Final = 4096


class Line:
    """A pseudo-terminal that is joined to a serial port byte by byte.

    To the host it is the unit's port. Pulling it hangs up as a USB adapter does that is unplugged;
    the port behind it is let go.

    Args:
        port: Path or URL of the port.
        baudrate: Of the port, bit/s.

    Attributes:
        port: Path of the near end, for the host.

    Raises:
        LinkError: The port cannot be opened.
    """

    def __init__(self, port: str, baudrate: int = 2_000_000) -> None:
        """Remember the port; nothing is opened yet."""
        self.port = ""
        self._far = port
        self._baudrate = baudrate
        self._serial: Serial | None = None
        self._master = -1
        self._slave = -1
        self._wake: tuple[int, int] = (-1, -1)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Open the port and join the line to it."""
        import serial

        try:
            self._serial = serial.serial_for_url(self._far, baudrate=self._baudrate, timeout=0)
        except serial.SerialException as error:
            raise LinkError(f"cannot open {self._far}: {error}") from error
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="line", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Take the line away."""
        self.pull()

    def pull(self) -> None:
        """Unplug: the host's end hangs up, and the unit hears no more."""
        if self._thread is None:
            return
        os.write(self._wake[1], b"x")
        self._thread.join()
        self._thread = None
        for handle in (*self._wake, self._slave, self._master):
            os.close(handle)
        if self._serial is not None:
            self._serial.close()

    def disturb(self, noise: bytes) -> None:
        """Send bytes to the unit that no host meant, between two of the host's writes."""
        assert self._serial is not None, "used outside its with block"
        self._serial.write(noise)

    def _carry(self) -> None:
        """Carry bytes both ways until told to stop or an end is gone."""
        assert self._serial is not None
        far = self._serial.fileno()
        ends = {self._master: far, far: self._master}
        while True:
            ready, _, _ = select.select([*ends, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            for handle in ready:
                try:
                    _write_all(ends[handle], os.read(handle, _CHUNK_BYTES))
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    return


def _write_all(handle: int, content: bytes) -> None:
    while content:
        try:
            content = content[os.write(handle, content) :]
        except BlockingIOError:
            with contextlib.suppress(InterruptedError):
                select.select([], [handle], [])
