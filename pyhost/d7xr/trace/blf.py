"""Vector binary logs: objects, in containers that are mostly deflated.

python-can skips objects, header versions and compressions it does not know, loses what follows a
container cut short, and never ends on an object of size 0. So the containers are opened and the
objects walked here; python-can then decodes a stream that holds whole frames and nothing else.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, cast

from d7xr.errors import TraceError
from d7xr.trace.channels import numbered
from d7xr.trace.messages import columns_of
from d7xr.trace.model import Problem
from d7xr.trace.others import Others
from d7xr.trace.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import can

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns
    from d7xr.trace.source import Source

_FILE_HEADER: Final = struct.Struct("<4sLBBBBBBBBQQLL8H8H")
_OBJECT_HEADER: Final = struct.Struct("<4sHHLL")
_CONTAINER_HEADER: Final = struct.Struct("<H6xL4x")
_SIGNATURE: Final = b"LOBJ"
_CONTAINER: Final = 10
_PLAIN, _DEFLATED = 0, 2
_PADDING: Final = 8
"""Between two objects lie at most 3 bytes; the signature starts within 8, as python-can has it."""

_SMALLEST_BODY: Final = {1: 16, 86: 16, 73: 32, 100: 84, 101: 40}
"""Object types that python-can decodes, with the bytes that each needs behind its header.

1 and 86 classic frame, 73 error frame, 100 and 101 CAN FD frame.
"""
_HEADER_BYTES: Final = {1: 32, 2: 40}
"""Header version -> size."""

_NAMES: Final = {
    2: "CAN error (old)",
    3: "CAN overload",
    4: "CAN statistics",
    5: "trigger",
    31: "CAN driver error",
    65: "text",
    92: "system variable",
    96: "marker",
    104: "CAN FD error",
}
_LARGEST_OBJECT: Final = 1 << 24
"""Far above any object of a CAN log: a larger size is damage, not a reason to wait for its end."""

_FEED_BYTES: Final = 1 << 24


@dataclass(slots=True)
class _Walk:
    """Walks the objects of a file and keeps account of them."""

    path: Path
    is_complete: bool
    others: Others = field(default_factory=Others)
    problems: list[Problem] = field(default_factory=list)
    frames: int = 0
    objects: int = 0

    def frames_in(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield whole frame objects from the containers' content, which may split objects."""
        tail = b""
        for piece in pieces:
            buffer = tail + piece
            position = 0
            while (found := self._next(buffer, position)) is not None:
                start, size = found
                if start + size > len(buffer):
                    break
                frame = self._frame(buffer[start : start + size])
                self.objects += 1
                if frame is not None:
                    yield frame
                position = start + size
            tail = buffer[position:]
        if tail.strip(b"\0"):
            self.ends_early(f"object {self.objects + 1}")

    def _next(self, buffer: bytes, position: int) -> tuple[int, int] | None:
        """Return where the next object starts and its size; None if it is not all here."""
        start = buffer.find(_SIGNATURE, position, position + _PADDING)
        if start < 0:
            if len(buffer) - position >= _PADDING:
                raise self.damaged("no object where one should begin")
            return None
        if len(buffer) - start < _OBJECT_HEADER.size:
            return None
        _, header_size, _, size, _ = _OBJECT_HEADER.unpack_from(buffer, start)
        if not max(header_size, _OBJECT_HEADER.size) <= size <= _LARGEST_OBJECT:
            raise self.damaged(f"an object of {size} bytes")
        return start, size

    def _frame(self, item: bytes) -> bytes | None:
        """Return an object that is a frame; count any other."""
        _, _, version, size, kind = _OBJECT_HEADER.unpack_from(item)
        if kind not in _SMALLEST_BODY:
            self.others.add(_NAMES.get(kind, f"object type {kind}"), f"object {self.objects + 1}")
            return None
        if version not in _HEADER_BYTES:
            self.others.add(f"header version {version}", f"object {self.objects + 1}")
            return None
        if size < _HEADER_BYTES[version] + _SMALLEST_BODY[kind]:
            raise self.damaged(f"a frame object of {size} bytes")
        self.frames += 1
        return item

    def ends_early(self, place: str) -> None:
        """Take what does not end within the file for a cut, or for damage if the file is whole."""
        if self.is_complete:
            raise TraceError(
                f"{self.path}: {place}: runs past the end of the file",
                hint="the file is damaged: copy or record it again",
            )
        self.cut_short(place)

    def cut_short(self, place: str) -> None:
        """Tell once that the file is cut short."""
        if not any(problem.kind == "cut_short" for problem in self.problems):
            self.problems.append(
                Problem(
                    "cut_short",
                    1,
                    place,
                    "the file is cut short: what was whole before is delivered",
                    is_left_out=True,
                )
            )

    def damaged(self, what: str) -> TraceError:
        return TraceError(
            f"{self.path}: object {self.objects + 1}: {what}",
            hint="the file is damaged: copy or record it again",
        )


def _whole(source: Source) -> Reading:
    """Read a Vector binary log; see `d7xr.trace` for the rules.

    The start in its header has no time zone, so it is kept as text only. Stamps count from it.
    """
    from can.io import BLFReader

    raw = source.content()
    if len(raw) < _FILE_HEADER.size:
        raise TraceError(
            f"{source.path}: is cut short within its header", hint="copy or record it again"
        )
    header = _FILE_HEADER.unpack_from(raw)
    walk = _Walk(source.path, is_complete=header[10] == len(raw))
    stream = _feed(walk.frames_in(_pieces(raw, header[1], walk)))
    if header[10] > len(raw):
        walk.cut_short(f"byte {len(raw)}")
    channel: list[int] = []
    columns = columns_of(_noting_channels(BLFReader(stream), channel))
    if len(channel) != walk.frames:
        raise walk.damaged(f"{walk.frames} frames are there, {len(channel)} were decoded")
    numbers, names = numbered(channel, source.path)
    return Reading(
        replace(columns, channel=numbers),
        channel_names=names,
        start_text=_system_time(header[14:22]),
        problems=[*walk.problems, *walk.others.problems()],
    )


def _pieces(raw: bytes, start: int, walk: _Walk) -> Iterator[bytes]:
    """Yield what the containers hold, and objects that stand outside of one as they are."""
    position = start
    number = 0
    while position + _OBJECT_HEADER.size <= len(raw):
        signature, _, _, size, kind = _OBJECT_HEADER.unpack_from(raw, position)
        if signature != _SIGNATURE or size < _OBJECT_HEADER.size:
            raise TraceError(
                f"{walk.path}: byte {position}: no object where one should begin",
                hint="the file is damaged: copy or record it again",
            )
        number += 1
        end = position + size
        body = raw[position + _OBJECT_HEADER.size : end]
        if kind != _CONTAINER:
            yield raw[position:end]
        elif len(body) >= _CONTAINER_HEADER.size:
            yield _unpacked(body, number, end > len(raw), walk)
        if end > len(raw):
            walk.ends_early(f"container {number}")
        position = end + size % 4
    if position < len(raw) and raw[position:].strip(b"\0"):
        walk.ends_early(f"container {number + 1}")


def _unpacked(body: bytes, number: int, is_cut: bool, walk: _Walk) -> bytes:
    method, _ = _CONTAINER_HEADER.unpack_from(body)
    content = body[_CONTAINER_HEADER.size :]
    if method == _PLAIN:
        return content
    if method != _DEFLATED:
        raise TraceError(
            f"{walk.path}: container {number}: unknown compression {method}",
            hint="save it anew with the tool that wrote it, as BLF with zlib",
        )
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(content)
    except zlib.error as error:
        raise TraceError(
            f"{walk.path}: container {number} is damaged ({error})",
            hint="copy or record the file again",
        ) from error
    if not inflater.eof and not is_cut:
        raise TraceError(
            f"{walk.path}: container {number} ends too early", hint="copy or record the file again"
        )
    return content


def _feed(frames: Iterator[bytes]) -> io.BytesIO:
    """Return a log of these frames in plain containers.

    Its start is left empty: python-can would add it to each stamp, at the cost of precision.
    """
    stream = io.BytesIO()
    stream.write(_FILE_HEADER.pack(b"LOGG", _FILE_HEADER.size, *[0] * 28))
    chunk = bytearray()
    for frame in frames:
        chunk += frame
        if len(chunk) >= _FEED_BYTES:
            _write_container(stream, chunk)
            chunk.clear()
    _write_container(stream, chunk)
    stream.seek(0)
    return stream


def _write_container(stream: io.BytesIO, content: bytearray) -> None:
    size = _OBJECT_HEADER.size + _CONTAINER_HEADER.size + len(content)
    stream.write(_OBJECT_HEADER.pack(_SIGNATURE, _OBJECT_HEADER.size, 1, size, _CONTAINER))
    stream.write(_CONTAINER_HEADER.pack(_PLAIN, len(content)))
    stream.write(content)
    stream.write(b"\0" * (size % 4))


def _noting_channels(messages: Iterable[can.Message], channel: list[int]) -> Iterator[can.Message]:
    """Pass messages on and note the channels of the file, which python-can lowers by one."""
    for message in messages:
        channel.append(cast("int", message.channel) + 1)
        yield message


def _system_time(parts: tuple[int, ...]) -> str | None:
    """Return a Windows SYSTEMTIME as text; None where it is not set."""
    year, month, _, day, hour, minute, second, millisecond = parts
    if not year:
        return None
    return (
        f"{year:04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}.{millisecond:03d}"
    )


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Yield a whole file as one block."""
    return _whole(source).as_blocks(facts)
