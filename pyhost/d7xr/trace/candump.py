"""candump log files: ``(1631416514.717133) can0 0D2#0000FFFF10000000``.

The grammar admits what can-utils writes and nothing else: no half bytes, no classic frame of nine
bytes, no identifier of other widths than 3 and 8 digits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from d7xr._trace import ffi, lib
from d7xr.errors import TraceError
from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from d7xr.trace.lines import UnreadableLineError, microseconds, read_lines
from d7xr.trace.native import CHANNELS, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.frames import Frames
    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns, Problem
    from d7xr.trace.source import Source

_LINE: Final = re.compile(
    r"\s*\((?P<time>-?\d{1,12}\.\d{1,9})\)\s+(?P<interface>\S+)\s+"
    r"(?P<id>[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?:(?P<data>(?:[0-9A-Fa-f]{2}){0,8})(?:_[9A-Fa-f])?"
    r"|R(?P<remote>[0-8]?)(?:_[9A-Fa-f])?"
    r"|\#[0-9A-Fa-f](?P<fd>(?:[0-9A-Fa-f]{2}){0,64}))"
    r"(?:\s+[RT])?\s*",
    re.ASCII,
)
_FD_LENGTHS: Final = frozenset((*range(9), 12, 16, 20, 24, 32, 48, 64))
_ERROR_BIT: Final = 0x2000_0000


class _Grammar:
    """Reads lines; numbers interfaces by their first appearance."""

    def __init__(self, source: Source) -> None:
        self._path = source.path
        self._names: list[str] = []
        self.native: Any = ffi.new("trace_candump_t *")

    @property
    def names(self) -> tuple[str, ...]:
        """All interfaces so far."""
        for number in range(len(self._names), self.native.names):
            self._names.append(ffi.string(self.native.name[number]).decode("ascii").rstrip())
        return tuple(self._names)

    def read(self, text: Any, size: int, columns: Any) -> int:  # noqa: ANN401 - cffi has no types
        return int(lib.trace_candump_read(self.native, text, size, columns))

    def accept(self, text: str, line: int) -> Row:
        match = _LINE.fullmatch(text)
        if match is None:
            raise UnreadableLineError("not a line of candump")
        time, interface, identifier, data, remote, fd = match.groups()
        number, flags = _identifier(identifier)
        length = int(remote or 0)
        payload = bytes.fromhex(data or fd or "")
        if fd is not None:
            flags |= FRAME_FD
            if len(payload) not in _FD_LENGTHS:
                raise UnreadableLineError(f"{len(payload)} bytes is no length of CAN FD")
        if remote is not None:
            flags |= FRAME_REMOTE
        if flags & FRAME_ERROR:
            flags = FRAME_ERROR
        channel = self._channel(interface, line)
        return Row(microseconds(time), channel, number, flags, length or len(payload), payload)

    def problems(self) -> list[Problem]:
        return []

    def _channel(self, name: str, line: int) -> int:
        """Return the channel of an interface, a new one where it is new."""
        names, native = self.names, self.native
        if name in names:
            return names.index(name)
        number = len(names)
        if number == CHANNELS:
            raise TraceError(
                f"{self._path}:{line}: {name} is one interface more than the {CHANNELS} possible",
                hint="the file is damaged: record or copy it again",
            )
        field = f"{name} ".encode()
        if len(field) <= len(native.name[number]) and name.isascii() and name.isprintable():
            ffi.memmove(native.name[number], field, len(field))
            native.name_bytes[number] = len(field)
        self._names.append(name)
        native.names = number + 1
        return number


def _identifier(digits: str) -> tuple[int, int]:
    """Return the identifier and what its width and first digit say."""
    number = int(digits, 16)
    if len(digits) == 3:
        if number > 0x7FF:
            raise UnreadableLineError(f"{digits} is no 11-bit identifier")
        return number, 0
    if number > 0x3FFF_FFFF:
        raise UnreadableLineError(f"{digits} is no 29-bit identifier")
    return number & 0x1FFF_FFFF, FRAME_ERROR if number & _ERROR_BIT else FRAME_EXTENDED


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Read a candump log; see `d7xr.trace` for the rules.

    Stamps are Unix time where the logger's clock was set.
    """
    grammar = _Grammar(source)
    facts.zero_utc_us = 0
    for columns in read_lines(source, grammar, facts):
        facts.channel_names = grammar.names
        yield columns


def text_of(frames: Frames, channel: str = "can0") -> bytes:
    """Return frames of 11-bit identifiers as the text of ``candump -l``."""
    lines = [
        f"({us // 1_000_000:010d}.{us % 1_000_000:06d}) {channel} {identifier:03X}#{data}\n"
        for us, identifier, data in zip(
            frames.time_us.tolist(),
            frames.id.tolist(),
            (bytes(payload).hex().upper() for payload in frames.data),
            strict=True,
        )
    ]
    return "".join(lines).encode("ascii")
