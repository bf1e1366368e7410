"""A serial port as bytes in, bytes out: what is written never waits for what is not read."""

from __future__ import annotations

import errno
import os
import select
import time
from typing import TYPE_CHECKING, Final, Self

from d7xr.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from serial import Serial

_CHUNK_BYTES: Final = 4096
_CONSOLE_BYTES: Final = 64 * 1024


class Port:
    """A serial port, a pseudo-terminal, or any URL of pyserial that has a file handle.

    Args:
        name: Path or URL, as ``/dev/ttyACM0`` or ``socket://host:port``.
        baudrate: Bit/s; a pseudo-terminal does not mind.
        clock: Seconds, monotonic.

    Raises:
        LinkError: No such port, no right to use it, somebody else has it, or it vanished.
    """

    def __init__(
        self, name: str, *, baudrate: int = 2_000_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember the port; nothing is opened yet."""
        self.name = name
        self._baudrate = baudrate
        self._clock = clock
        self._serial: Serial | None = None
        self._handle = -1
        self._console = bytearray()

    def __enter__(self) -> Self:
        """Open the port, for nobody but us."""
        import serial

        try:
            self._serial = serial.serial_for_url(
                self.name, baudrate=self._baudrate, timeout=0, exclusive=True
            )
            self._handle = self._serial.fileno()
            os.set_blocking(self._handle, False)
        except (serial.SerialException, OSError, ValueError) as error:
            self.__exit__(None, None, None)
            raise _cannot_open(self.name, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Let the port go."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    @property
    def console(self) -> bytes:
        """The last 64 KiB that came, as they came; opening the port anew drops none of them."""
        return bytes(self._console[-_CONSOLE_BYTES:])

    def deadline(self, within_s: float) -> float:
        """Return the time after which waiting is over."""
        return self._clock() + within_s

    def exchange(self, content: bytes, deadline: float) -> bytes:
        """Write, and read what comes meanwhile; with nothing to write, wait for a byte.

        Args:
            content: What to write.
            deadline: When to give up, by ``deadline``.

        Returns:
            What came; empty where nothing did in time, or before all was written.

        Raises:
            LinkError: The port vanished, or it does not take what is written in time.
        """
        came = bytearray()
        unsent = memoryview(content)
        while True:
            left_s = deadline - self._clock()
            readable, writable, _ = select.select(
                [self._handle], [self._handle] if unsent else [], [], max(left_s, 0.0)
            )
            if readable:
                came += self._read()
            if writable:
                unsent = unsent[self._write(unsent) :]
            if not unsent and (came or left_s <= 0.0 or content):
                return bytes(came)
            if unsent and left_s <= 0.0:
                raise LinkError(
                    f"{self.name} took {len(content) - len(unsent)} of {len(content)} bytes",
                    hint="the unit does not read: is it held in reset, or by a debugger?",
                )

    def _read(self) -> bytes:
        try:
            content = os.read(self._handle, _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._vanished(error) from error
        if not content:
            raise self._vanished(None)
        self._console += content
        if len(self._console) > 2 * _CONSOLE_BYTES:  # seldom, since it moves all that is kept
            del self._console[:-_CONSOLE_BYTES]
        return content

    def _write(self, content: memoryview) -> int:
        try:
            return os.write(self._handle, content[:_CHUNK_BYTES])
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._vanished(error) from error

    def _vanished(self, error: OSError | None) -> LinkError:
        why = f": {error.strerror}" if error is not None and error.errno != errno.EIO else ""
        return LinkError(
            f"{self.name} vanished{why}",
            hint="unplugged, switched off, or its emulator ended; connect it and run again",
        )


def _cannot_open(name: str, error: Exception) -> LinkError:
    number = getattr(error, "errno", None)
    text = str(error)
    if number == errno.ENOENT:
        return LinkError(f"no port {name}", hint="plug the board in; d7xr doctor lists the ports")
    if number in (errno.EACCES, errno.EPERM):
        return LinkError(
            f"no right to open {name}",
            hint='join its group: sudo usermod -aG dialout "$USER", then log in again',
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "lock" in text:
        return LinkError(f"{name} is busy", hint="another program has it: close that one")
    return LinkError(f"cannot open {name}: {text}", hint="is this a serial port?")
