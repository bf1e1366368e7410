"""Vector ASCII logs: ``0.003000 1  47  Rx  d 8 20 00 00 00 00 00 00 00``.

Classic data frames of hexadecimal files with absolute stamps are read natively; the rest is read by
the careful path below. It differs from python-can on purpose:

- The first frame of a short header is a frame; frames before time 0 and channel 0 are kept.
- More than 8 bytes on a classic-looking line, with decimal length codes (9 to 15), are a CAN FD
  frame. A raw length code of 9 to 15 with 8 bytes is a classic frame of 8 bytes.
- An FD frame without data is no remote frame, and a ``CANFD`` line may hold a classic frame: the
  flags field decides. Where it is 0 or absent the word ``CANFD`` does.
- Relative stamps add up over events of all kinds.
- Events that are no CAN frames are counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from d7xr._trace import ffi, lib
from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from d7xr.trace.channels import Numbering, channel_of
from d7xr.trace.lines import UnmarkedFd, UnreadableLineError, microseconds, read_lines
from d7xr.trace.native import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns, Problem
    from d7xr.trace.source import Source

_HEADER: Final = re.compile(
    r"\s*(?:date\s+(?:\w+\s+)?(?P<date>.+?)|base\s+(?P<base>hex|dec)(?:\s+timestamps\s+(?P<stamps>\w+))?.*"
    r"|(?:no\s+)?internal\s+events\s+logged|(?:begin|end)\s+triggerblock\b.*|//.*|version\b.*"
    r"|previous\s+log\s+file.*|measurement\b.*)\s*",
    re.IGNORECASE,
)
_EVENT: Final = re.compile(
    r"\s*(?P<time>-?\d{1,12}\.\d{1,9})\s+(?P<rest>\S.*?)\s*", re.DOTALL | re.ASCII
)
_CLASSIC: Final = (
    r"(?P<channel>\d{{1,5}})\s+(?P<id>[0-9A-Fa-f]{{1,10}}[xX]?)\s+(?P<direction>Rx|TxRq|Tx)\s+"
    r"(?P<kind>[dr])(?:\s+(?P<code>[0-9A-Fa-f]{{1,2}})(?!\S))?(?P<data>(?:\s+{byte}(?!\S))*)(?:\s.*)?"
)
_FD: Final = re.compile(
    r"CANFD\s+(?P<channel>\d{1,5})\s+(?P<direction>Rx|TxRq|Tx)\s+(?P<id>[0-9A-Fa-f]{1,10}[xX]?)\s+"
    r"(?:(?![01]\s)\S+\s+)?(?P<brs>[01])\s+(?P<esi>[01])\s+(?P<code>[0-9A-Fa-f]{1,2})\s+"
    r"(?P<length>\d{1,2})(?P<rest>(?:\s.*)?)",
    re.IGNORECASE | re.ASCII,
)
_ERROR: Final = re.compile(
    r"(?:CANFD\s+)?(?P<channel>\d{1,5})\s+(?:(?:Rx|Tx)\s+)?ErrorFrame\b.*", re.I | re.ASCII
)
_CLAIM: Final = re.compile(
    r"CANFD\b|\d+(\s+[0-9A-Fa-f]+[xX]?(\s|$)|\s+\S+\s+(Rx|Tx)|$)", re.I | re.ASCII
)
_LENGTH_OF_CODE: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
_FLAG_REMOTE: Final = 0x10
_FLAG_EDL: Final = 0x1000
_CLASSIC_BYTES: Final = 8


class _Base(NamedTuple):
    """How numbers are written, and the patterns that follow from it."""

    name: str
    number: int
    byte: re.Pattern[str]
    classic: re.Pattern[str]


def _base(name: str, number: int, byte: str) -> _Base:
    classic = re.compile(_CLASSIC.format(byte=byte), re.IGNORECASE | re.ASCII)
    return _Base(name, number, re.compile(byte, re.ASCII), classic)


_HEX: Final = _base("hex", 16, r"[0-9A-Fa-f]{2}")
_DEC: Final = _base("dec", 10, r"(?:1?\d?\d|2[0-4]\d|25[0-5])")


class _Grammar:
    """Reads lines; keeps what the header says about those that follow."""

    def __init__(self) -> None:
        self.native: Any = ffi.new("trace_asc_t *")
        self.date: str | None = None
        self._base = _HEX
        self._is_relative = False
        self._clock_ns = 0
        self._long = UnmarkedFd("more than 8 bytes on a line without CANFD: taken for CAN FD")

    def read(self, text: Any, size: int, columns: Any) -> int:  # noqa: ANN401 - cffi has no types
        return int(lib.trace_asc_read(self.native, text, size, columns))

    def problems(self) -> list[Problem]:
        return self._long.problems()

    def accept(self, text: str, line: int) -> Row | str | None:
        event = _EVENT.fullmatch(text)
        if event is None:
            self._header(text)
            return None
        stamp, rest = event.groups()
        time_us = self._time_us(stamp)
        frame = self._base.classic.fullmatch(rest)
        if frame is not None:
            return self._classic(time_us, frame, line)
        frame = _FD.fullmatch(rest)
        if frame is not None:
            return self._fd(time_us, frame)
        frame = _ERROR.fullmatch(rest)
        if frame is not None:
            return Row(time_us, channel_of(frame["channel"]), 0, FRAME_ERROR, 0, b"")
        if _CLAIM.match(rest):
            raise UnreadableLineError("not a frame of a Vector ASCII log")
        if rest.startswith("Start of measurement"):
            return None
        words = rest.split(None, 2)
        return words[1] if words[0].isdigit() else words[0]

    def _time_us(self, stamp: str) -> int:
        if not self._is_relative:
            return microseconds(stamp)
        self._clock_ns += microseconds(stamp, 9)
        return microseconds(str(self._clock_ns), -3)

    def _header(self, text: str) -> None:
        header = _HEADER.fullmatch(text)
        if header is None:
            raise UnreadableLineError("not a line of a Vector ASCII log")
        if header["date"]:
            self.date = self.date or header["date"]
        if header["base"]:
            self._base = _DEC if header["base"].lower() == "dec" else _HEX
            self._is_relative = (header["stamps"] or "").lower() == "relative"
            self.native.is_other = self._base is _DEC or self._is_relative

    def _classic(self, time_us: int, frame: re.Match[str], line: int) -> Row | str:
        channel_text, id_text, direction, kind, code_text, data_text = frame.groups()
        identifier, flags = self._identifier(id_text)
        if direction.lower() == "txrq":
            return "TxRq"
        channel = channel_of(channel_text)
        if kind in "rR":
            code = 0 if code_text is None else self._code(code_text)
            length = min(code, _CLASSIC_BYTES)
            return Row(time_us, channel, identifier, flags | FRAME_REMOTE, length, b"")
        if code_text is None:
            raise UnreadableLineError("a data frame without its length")
        code = self._code(code_text)
        data = self._bytes(data_text.split())
        if code > _CLASSIC_BYTES and len(data) == _LENGTH_OF_CODE[code]:
            flags |= FRAME_FD
            self._long.add(line)
        elif len(data) != min(code, _CLASSIC_BYTES):
            raise UnreadableLineError(f"length code {code_text} with {len(data)} bytes of data")
        return Row(time_us, channel, identifier, flags, len(data), data)

    def _fd(self, time_us: int, frame: re.Match[str]) -> Row | str:
        identifier, flags = self._identifier(frame["id"])
        if frame["direction"].lower() == "txrq":
            return "TxRq"
        code, length = self._code(frame["code"]), int(frame["length"])
        words = frame["rest"].split()
        data = words[:length]
        bits = _flags(words[length:])
        is_remote = length == 0 and bits is not None and bool(bits & _FLAG_REMOTE)
        if (
            len(data) != length
            or not all(map(self._base.byte.fullmatch, data))
            or not (length == _LENGTH_OF_CODE[code] or is_remote or length == _CLASSIC_BYTES < code)
        ):
            raise UnreadableLineError(f"length code {frame['code']} with {len(data)} bytes of data")
        is_classic = bool(bits) and not (bits or 0) & _FLAG_EDL and length <= _CLASSIC_BYTES
        channel = channel_of(frame["channel"])
        if is_remote:
            length = min(_LENGTH_OF_CODE[code], _CLASSIC_BYTES)
            return Row(time_us, channel, identifier, flags | FRAME_REMOTE, length, b"")
        if not (is_classic and frame["brs"] == "0"):
            flags |= FRAME_FD
        return Row(time_us, channel, identifier, flags, length, self._bytes(data))

    def _bytes(self, words: list[str]) -> bytes:
        return bytes(int(word, self._base.number) for word in words)

    def _identifier(self, text: str) -> tuple[int, int]:
        """Return the identifier and its flag."""
        is_extended = text[-1] in "xX"
        try:
            number = int(text[:-1] if is_extended else text, self._base.number)
        except ValueError as error:
            raise UnreadableLineError(
                f"{text} is no identifier in base {self._base.name}"
            ) from error
        if number > (0x1FFF_FFFF if is_extended else 0x7FF):
            raise UnreadableLineError(f"{text} is no {29 if is_extended else 11}-bit identifier")
        return number, FRAME_EXTENDED if is_extended else 0

    def _code(self, text: str) -> int:
        """Return a length code; two digits can only be decimal, since hexadecimal ends at f."""
        is_decimal = self._base is _DEC or len(text) > 1
        if is_decimal and not text.isdigit():
            raise UnreadableLineError(f"{text} is no length code")
        code = int(text, 10 if is_decimal else 16)
        if code >= len(_LENGTH_OF_CODE):
            raise UnreadableLineError(f"{text} is no length code")
        return code


def _flags(words: list[str]) -> int | None:
    """Return the flags field behind the data: duration, length in bits, flags, checksum."""
    try:
        return int(words[2], 16) if len(words) > 3 else None
    except ValueError:
        return None


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Read a Vector ASCII log; see `d7xr.trace` for the rules.

    The date in its header is local time without a zone, so it is kept as text only.
    """
    grammar = _Grammar()
    numbering = Numbering(facts)
    for columns in read_lines(source, grammar, facts):
        facts.start_text = grammar.date
        yield numbering.see(columns)
