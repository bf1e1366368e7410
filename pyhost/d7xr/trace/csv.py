"""Comma separated values in python-can's layout, data in base64.

The layout has neither channel nor FD mark: all is channel 0, and a frame of more than 8 bytes is
taken for CAN FD and reported. python-can would take damaged base64 and lengths that do not fit.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

from d7xr._trace import ffi, lib
from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from d7xr.trace.lines import UnmarkedFd, UnreadableLineError, microseconds, read_lines
from d7xr.trace.native import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns, Problem
    from d7xr.trace.source import Source

_LINE: Final = re.compile(
    r"(?P<time>-?\d{1,12}(?:\.\d*)?(?:e[+-]?\d\d?)?),"
    r"(?P<id>0x[0-9a-fA-F]{1,8}),(?P<extended>[01]),(?P<remote>[01]),(?P<error>[01]),"
    r"(?P<dlc>\d\d?),(?P<data>[A-Za-z0-9+/]*=?=?)\s*",
    re.ASCII,
)
_CLASSIC_BYTES: Final = 8
_MOST_BYTES: Final = 64
_LONG: Final = "more than 8 bytes: taken for CAN FD, which this layout cannot mark"


class _Grammar:
    """Reads lines; the first one is the header."""

    def __init__(self) -> None:
        self.native: Any = ffi.new("trace_csv_t *")
        self._is_header = True
        self._long = UnmarkedFd(_LONG)

    def read(self, text: Any, size: int, columns: Any) -> int:  # noqa: ANN401 - cffi has no types
        return int(lib.trace_csv_read(self.native, text, size, columns))

    def problems(self) -> list[Problem]:
        return self._long.problems()

    def accept(self, text: str, line: int) -> Row | None:
        if self._is_header:
            self._is_header = False
            return None
        match = _LINE.fullmatch(text)
        if match is None:
            raise UnreadableLineError("not a row of python-can's layout")
        time, id_text, extended, remote, error, dlc_text, base64 = match.groups()
        identifier, dlc = int(id_text, 16), int(dlc_text)
        if identifier > (0x1FFF_FFFF if extended == "1" else 0x7FF):
            raise UnreadableLineError(f"{id_text} is no identifier")
        size = len(base64) // 4 * 3 - base64.count("=")
        expected = 0 if remote == "1" else dlc
        if len(base64) % 4 or size != expected or size > _MOST_BYTES:
            raise UnreadableLineError(f"data is not {expected} bytes of base64")
        flags = FRAME_EXTENDED * (extended == "1") | FRAME_REMOTE * (remote == "1")
        if error == "1":
            flags = FRAME_ERROR
        if size > _CLASSIC_BYTES:
            flags |= FRAME_FD
            self._long.add(line)
        length = min(dlc, _CLASSIC_BYTES) if remote == "1" else size
        return Row(microseconds(time), 0, identifier, flags, length, b64decode(base64))


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Read python-can's CSV layout; see `d7xr.trace` for the rules.

    Stamps are Unix time where the logger's clock was set.
    """
    facts.zero_utc_us = 0
    facts.channel_names = ("0",)
    return read_lines(source, _Grammar(), facts)
