"""The least of a debugger: stop the emulated processor, send it elsewhere, and go away."""

import re
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

_PACKET = re.compile(rb"\$([^#]*)#[0-9a-f]{2}")
_WAIT_S = 20.0
_PC = 15


class Debugger:
    """A client of the emulator's debug port (GDB remote protocol); it stops the processor.

    Args:
        path: Unix socket of the port.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_WAIT_S)
        self._socket.connect(str(path))
        self._came = b""

    def __enter__(self) -> Self:
        self._ask("?")
        # The emulator allows single registers to be written once their description was read.
        self._ask("qXfer:features:read:target.xml:0,1000")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._ask("D")
        self._socket.close()

    def jump(self, address: int) -> None:
        """Let the processor go on at an address."""
        digits = address.to_bytes(4, "little").hex()
        assert self._ask(f"P{_PC:x}={digits}") == "OK"

    def write(self, address: int, content: bytes) -> None:
        """Write memory or registers of peripherals."""
        assert self._ask("Qqemu.PhyMemMode:1") == "OK"
        assert self._ask(f"M{address:x},{len(content):x}:{content.hex()}") == "OK"

    def _ask(self, text: str) -> str:
        packet = text.encode()
        self._socket.sendall(b"$%b#%02x" % (packet, sum(packet) & 0xFF))
        while True:
            answer = self._packet()
            # Word that the processor stopped comes when it pleases: no answer to anything else.
            if text == "?" or not answer.startswith("T"):
                return answer

    def _packet(self) -> str:
        while (found := _PACKET.search(self._came)) is None:
            self._came += self._socket.recv(4096)
        self._came = self._came[found.end() :]
        self._socket.sendall(b"+")
        return found[1].decode("latin-1")
