"""Vector binary logs: objects, in containers that are mostly deflated.

The containers are opened here, one at a time; the native reader walks the objects in them. An
object that it is not sure about is damage: the layout leaves no room for a second opinion. Unlike
python-can it counts objects, header versions and compressions that it does not know, delivers what
is whole in a container cut short, ends on an object of size 0, and takes the old error frames
(type 2) for error frames.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from d7xr._trace import ffi, lib
from d7xr.errors import TraceError
from d7xr.trace.channels import Numbering
from d7xr.trace.inflate import MOST_BYTES, DamagedBlockError, inflated
from d7xr.trace.model import Problem
from d7xr.trace.native import DOUBT, FD_BYTES, HUNGRY, NARROW, Block
from d7xr.trace.others import Others

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns
    from d7xr.trace.source import Source

_FILE_HEADER: Final = struct.Struct("<4sLBBBBBBBBQQLL8H8H")
_OBJECT_HEADER: Final = struct.Struct("<4sHHLL")
_CONTAINER_HEADER: Final = struct.Struct("<H6xL4x")
_SIGNATURE: Final = b"LOBJ"
_CONTAINER: Final = 10
_PLAIN, _DEFLATED = 0, 2

_NAMES: Final = {
    3: "CAN overload",
    4: "CAN statistics",
    5: "trigger",
    31: "CAN driver error",
    65: "text",
    92: "system variable",
    96: "marker",
    104: "CAN FD error",
}
_DAMAGED: Final = "the file is damaged: copy or record it again"


class _Piece(NamedTuple):
    """What stands at the top of the file: a container's content, or an object outside of one."""

    content: bytes | bytearray | memoryview
    cut: str
    """Where the file ends within it; nothing if it does not."""


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Read a Vector binary log; see `d7xr.trace` for the rules.

    The start in its header has no time zone, so it is kept as text only. Stamps count from it.
    """
    with source.open() as file:
        yield from _Reader(source.path, file, facts).blocks()


class _Reader:
    """One file on its way into blocks."""

    def __init__(self, path: Path, file: IO[bytes], facts: Facts) -> None:
        self._path = path
        self._file = file
        self._facts = facts
        self._position = 0
        self._native: Any = ffi.new("trace_blf_t *")
        self._block = Block()
        self._numbering = Numbering(facts)
        raw = self._take(_FILE_HEADER.size)
        if len(raw) < _FILE_HEADER.size:
            raise TraceError(
                f"{path}: is cut short within its header", hint="copy or record it again"
            )
        header = _FILE_HEADER.unpack(raw)
        self._take(max(0, header[1] - len(raw)))
        self._announced_bytes: int = header[10]
        facts.start_text = _system_time(header[14:22])

    def blocks(self) -> Iterator[Columns]:
        cut = ""
        for piece in self._pieces():
            yield from self._pushed(piece.content)
            cut = piece.cut
        if self._block.rows:
            yield self._turned(self._block.width)
        self._account(cut)

    def _pushed(self, content: bytes | bytearray | memoryview) -> Iterator[Columns]:
        """Give a portion to the native reader and yield the blocks that it fills."""
        native, progress = self._native, self._native.progress
        size, at = len(content), 0
        start = ffi.from_buffer("uint8_t[]", content)
        while True:
            at += lib.trace_blf_read(native, start + at, size - at, self._block.struct)
            if progress.stop == HUNGRY:
                return
            if progress.stop == DOUBT:
                raise self._damage()
            if self._block.rows:
                yield self._turned(FD_BYTES if progress.stop == NARROW else self._block.width)
            else:
                self._block = Block(FD_BYTES)

    def _turned(self, width: int) -> Columns:
        """Begin a new block and return the one before."""
        columns = self._numbering.see(self._block.columns())
        self._block = Block(width)
        self._facts.met = self._native.progress.records
        return columns

    def _take(self, size: int) -> bytes:
        taken = self._file.read(size)
        self._position += len(taken)
        return taken

    def _pieces(self) -> Iterator[_Piece]:
        """Yield what stands at the top of the file, one container in memory at a time."""
        number = 0
        while len(raw := self._take(_OBJECT_HEADER.size)) == _OBJECT_HEADER.size:
            signature, _, _, size, kind = _OBJECT_HEADER.unpack(raw)
            if signature != _SIGNATURE or not _OBJECT_HEADER.size <= size <= MOST_BYTES:
                raise TraceError(
                    f"{self._path}: byte {self._position - len(raw)}: no object where one should "
                    "begin",
                    hint=_DAMAGED,
                )
            number += 1
            body = self._take(size - len(raw))
            is_cut = len(body) < size - len(raw)
            cut = f"container {number}" if is_cut else ""
            if kind != _CONTAINER:
                yield _Piece(raw + body, cut)
            elif len(body) >= _CONTAINER_HEADER.size:
                yield _Piece(self._opened(body, number, is_cut=is_cut), cut)
            elif is_cut:
                yield _Piece(b"", cut)
            self._take(size % 4)
        if raw.strip(b"\0"):
            yield _Piece(b"", f"container {number + 1}")

    def _opened(self, body: bytes, number: int, *, is_cut: bool) -> bytes | bytearray | memoryview:
        method, size = _CONTAINER_HEADER.unpack_from(body)
        packed = memoryview(body)[_CONTAINER_HEADER.size :]
        if method == _PLAIN:
            return packed
        place = f"{self._path}: container {number}"
        if method != _DEFLATED:
            raise TraceError(
                f"{place}: unknown compression {method}",
                hint="save it anew with the tool that wrote it, as BLF with zlib",
            )
        hint = "copy or record the file again"
        try:
            content, is_whole = inflated(packed, size)
        except DamagedBlockError as error:
            raise TraceError(f"{place} is damaged ({error})", hint=hint) from error
        if not is_whole and not is_cut:
            raise TraceError(f"{place} ends too early", hint=hint)
        return content

    def _account(self, cut: str) -> None:
        """Tell what was no frame, and where the file is cut short."""
        native, facts = self._native, self._facts
        facts.met = native.progress.records
        if not cut and (native.skip or any(native.hold[0 : native.held])):
            cut = f"object {facts.met + 1}"
        if cut and self._announced_bytes == self._position:
            raise TraceError(f"{self._path}: {cut}: runs past the end of the file", hint=_DAMAGED)
        if not cut and self._announced_bytes > self._position:
            cut = f"byte {self._position}"
        if cut:
            facts.met += 1
            text = "the file is cut short: what was whole before is delivered"
            facts.problems.append(Problem("cut_short", 1, cut, text, is_left_out=True))
        others = Others()
        for other in native.other[0 : native.others]:
            others.add(_word(other.word), f"object {other.first}", other.count)
        facts.problems += others.problems()

    def _damage(self) -> TraceError:
        """Return what the native reader met, in words."""
        native = self._native
        if native.fault == lib.BLF_FAULT_CHANNEL:
            frame = native.progress.frames + 1
            what = f"channel {native.value} in frame {frame} is not plausible"
            return TraceError(f"{self._path}: {what}", hint=_DAMAGED)
        what = {
            lib.BLF_FAULT_NO_OBJECT: "no object where one should begin",
            lib.BLF_FAULT_OBJECT_SIZE: f"an object of {native.value} bytes",
            lib.BLF_FAULT_FRAME_SIZE: f"a frame object of {native.value} bytes",
            lib.BLF_FAULT_LENGTH: f"a frame of {native.value} bytes of data",
            lib.BLF_FAULT_TIME: f"{native.value} is no time",
        }[native.fault]
        place = f"{self._path}: object {native.progress.records}"
        return TraceError(f"{place}: {what}", hint=_DAMAGED)


def _word(word: int) -> str:
    """Return the kind of an object without a frame in words."""
    if word == lib.BLF_OTHER_VARIOUS:
        return "of many more kinds"
    if word & lib.BLF_OTHER_VERSION:
        return f"header version {word & 0xFFFF}"
    return _NAMES.get(word, f"object type {word}")


def _system_time(parts: tuple[int, ...]) -> str | None:
    """Return a Windows SYSTEMTIME as text; None where it is not set."""
    year, month, _, day, hour, minute, second, millisecond = parts
    if not year:
        return None
    return (
        f"{year:04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}.{millisecond:03d}"
    )
