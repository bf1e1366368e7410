"""SavvyCAN's comma separated layout: ``166064000,0000021A,false,Rx,0,8,FE,36,12,FE,69,05,07,AD,``.

Stamps are microseconds of the adapter's clock. Older files lack the column of the direction. Cells
behind the length are zeros, so one that is not is damage. A frame of more than 8 bytes is taken for
CAN FD and reported, since the layout cannot mark it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from d7xr._trace import ffi, lib
from d7xr.errors import TraceError
from d7xr.frames import FRAME_EXTENDED, FRAME_FD
from d7xr.trace.channels import Numbering, channel_of
from d7xr.trace.lines import UnmarkedFd, UnreadableLineError, read_lines
from d7xr.trace.native import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns, Problem
    from d7xr.trace.source import Source

_HEADER: Final = re.compile(r"Time Stamp,ID,Extended,(?P<direction>Dir,)?Bus,LEN(,D\d\d?)*,?\s*")
_LINE: Final = re.compile(
    r"(?P<time>-?\d{1,16}),(?P<id>[0-9A-Fa-f]{1,8}),(?P<extended>true|false),"
    r"(?:(?P<direction>Rx|Tx),)?(?P<bus>\d{1,5}),(?P<length>\d\d?)"
    r"(?P<cells>(?:,[0-9A-Fa-f]{2})*),?\s*",
    re.ASCII,
)
_CLASSIC_BYTES: Final = 8
_FD_LENGTHS: Final = frozenset((*range(9), 12, 16, 20, 24, 32, 48, 64))
_LONG: Final = "more than 8 bytes: taken for CAN FD, which this layout cannot mark"


class _Grammar:
    """Reads lines; the first one is the header and tells the columns."""

    def __init__(self, source: Source) -> None:
        self._path = source.path
        self.native: Any = ffi.new("trace_gvret_t *")
        self._is_header = True
        self._long = UnmarkedFd(_LONG)

    def read(self, text: Any, size: int, columns: Any) -> int:  # noqa: ANN401 - cffi has no types
        return int(lib.trace_gvret_read(self.native, text, size, columns))

    def problems(self) -> list[Problem]:
        return self._long.problems()

    def accept(self, text: str, line: int) -> Row | None:
        if self._is_header:
            self._header(text)
            return None
        match = _LINE.fullmatch(text)
        if match is None or (match["direction"] is not None) != bool(self.native.has_direction):
            raise UnreadableLineError("not a row of SavvyCAN's layout")
        identifier, length = int(match["id"], 16), int(match["length"])
        is_extended = match["extended"] == "true"
        if identifier > (0x1FFF_FFFF if is_extended else 0x7FF):
            raise UnreadableLineError(
                f"{match['id']} is no {29 if is_extended else 11}-bit identifier"
            )
        cells = bytes.fromhex(match["cells"].replace(",", ""))
        data, behind = cells[:length], cells[length:]
        if len(data) != length or length not in _FD_LENGTHS:
            raise UnreadableLineError(f"length {length} with {len(data)} bytes of data")
        if any(behind) or len(cells) > max(length, _CLASSIC_BYTES):
            raise UnreadableLineError(f"more data than the length {length} says")
        flags = FRAME_EXTENDED if is_extended else 0
        if length > _CLASSIC_BYTES:
            flags |= FRAME_FD
            self._long.add(line)
        return Row(int(match["time"]), channel_of(match["bus"]), identifier, flags, length, data)

    def _header(self, text: str) -> None:
        self._is_header = False
        header = _HEADER.fullmatch(text)
        if header is None:
            raise TraceError(
                f"{self._path}: columns {text.strip()!r} are not read",
                hint="save it with the columns Time Stamp,ID,Extended,Dir,Bus,LEN,D1,...,D8",
            )
        self.native.has_direction = header["direction"] is not None


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Read SavvyCAN's CSV layout; see `d7xr.trace` for the rules."""
    numbering = Numbering(facts)
    for columns in read_lines(source, _Grammar(source), facts):
        yield numbering.see(columns)
