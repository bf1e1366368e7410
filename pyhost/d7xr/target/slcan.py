"""Frames as lines of ASCII: SLCAN, as ``firmware/link/slcan.h`` speaks it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from d7xr.frames import FRAME_EXTENDED, FRAME_REMOTE

CR: Final = b"\r"
BEL: Final = b"\a"

_FRAME: Final = re.compile(rb"t([0-9A-F]{3})([0-8])((?:[0-9A-F]{2})*)|"
                           rb"T([0-9A-F]{8})([0-8])((?:[0-9A-F]{2})*)")  # fmt: skip
_LINE: Final = re.compile(rb"([^\r\a]*)([\r\a])")


@dataclass(frozen=True, slots=True)
class Line:
    """One answer of the unit.

    Attributes:
        text: What stood before its end; empty where something was merely done or refused.
        is_refusal: It ended with BEL.
    """

    text: bytes
    is_refusal: bool

    @property
    def is_plain(self) -> bool:
        """Whether it says done or refused and nothing else."""
        return not self.text or self.is_refusal


@dataclass(frozen=True, slots=True)
class LineFrame:
    """One data frame.

    Attributes:
        id: Identifier without flag bits.
        data: Up to eight bytes.
        is_extended: Whether the identifier has 29 bits.
    """

    id: int
    data: bytes
    is_extended: bool = False


class LineReader:
    """Cuts a stream of bytes into lines, however it is chopped."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._rest = b""

    def feed(self, content: bytes) -> list[Line]:
        """Return the lines that are whole now."""
        self._rest += content
        lines: list[Line] = []
        end = 0
        for found in _LINE.finditer(self._rest):
            lines.append(Line(found[1], found[2] == BEL))
            end = found.end()
        self._rest = self._rest[end:]
        return lines

    @property
    def rest(self) -> bytes:
        """What came after the last whole line."""
        return self._rest


def frame_line(frame_id: int, data: bytes, flags: int = 0) -> bytes:
    """Return a data frame as a line."""
    if flags & FRAME_REMOTE:
        raise ValueError(f"frame {frame_id:X} is remote: it has no data to send")
    head = f"T{frame_id:08X}" if flags & FRAME_EXTENDED else f"t{frame_id:03X}"
    return f"{head}{len(data)}{data.hex().upper()}\r".encode()


def frame_of(text: bytes) -> LineFrame | None:
    """Return the data frame that a line holds, or None: it holds something else."""
    found = _FRAME.fullmatch(text)
    if found is None:
        return None
    short = found[1] is not None
    number, length, digits = found.group(1, 2, 3) if short else found.group(4, 5, 6)
    data = bytes.fromhex(digits.decode())
    return LineFrame(int(number, 16), data, not short) if len(data) == int(length) else None
