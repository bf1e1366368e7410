"""Vector ASCII logs: ``0.003000 1  47  Rx  d 8 20 00 00 00 00 00 00 00``.

python-can decodes; where it is known to lose or misread, the line is corrected on the way in:

- The first frame of a short header is swallowed: it always gets a full header.
- More than 8 bytes on a classic-looking line are cut to 8, and decimal length codes (10 to 15) are
  read as hexadecimal: such a line is fed as the CAN FD frame that it is.
- Frames before time 0, channel 0 and relative stamps are lost or misread: time and channel are
  taken here.
- An FD frame without data becomes a remote frame, and a classic frame on a ``CANFD`` line becomes
  FD: the flags field decides. Where it is 0 or absent the word ``CANFD`` does.
- What it does not know it skips: events that are no CAN frames are counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO, cast

import numpy as np

from d7xr.frames import FRAME_FD, FRAME_REMOTE
from d7xr.trace.channels import numbered
from d7xr.trace.feed import LineFeed, UnreadableLineError
from d7xr.trace.messages import columns_of, microseconds
from d7xr.trace.model import Problem
from d7xr.trace.others import Others
from d7xr.trace.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns
    from d7xr.trace.source import Source

_HEADER: Final = re.compile(
    r"\s*(?:date\s+(?:\w+\s+)?(?P<date>.+?)|base\s+(?P<base>hex|dec)(?:\s+timestamps\s+(?P<stamps>\w+))?.*"
    r"|(?:no\s+)?internal\s+events\s+logged|(?:begin|end)\s+triggerblock\b.*|//.*|version\b.*"
    r"|previous\s+log\s+file.*|measurement\b.*)\s*",
    re.IGNORECASE,
)
_EVENT: Final = re.compile(r"\s*(?P<time>-?\d{1,12}\.\d{1,9})\s+(?P<rest>\S.*?)\s*", re.DOTALL)
_CLASSIC: Final = (
    r"(?P<channel>\d{{1,5}})\s+(?P<id>[0-9A-Fa-f]{{1,10}}[xX]?)\s+(?P<direction>Rx|TxRq|Tx)\s+"
    r"(?P<kind>[dr])(?:\s+(?P<code>[0-9A-Fa-f]{{1,2}})(?!\S))?(?P<data>(?:\s+{byte}(?!\S))*)(?:\s.*)?"
)
_FD: Final = re.compile(
    r"CANFD\s+(?P<channel>\d{1,5})\s+(?P<direction>Rx|TxRq|Tx)\s+(?P<id>[0-9A-Fa-f]{1,10}[xX]?)\s+"
    r"(?:(?![01]\s)\S+\s+)?(?P<brs>[01])\s+(?P<esi>[01])\s+(?P<code>[0-9A-Fa-f]{1,2})\s+"
    r"(?P<length>\d{1,2})(?P<rest>(?:\s.*)?)",
    re.IGNORECASE,
)
_ERROR: Final = re.compile(
    r"(?:CANFD\s+)?(?P<channel>\d{1,5})\s+(?:(?:Rx|Tx)\s+)?ErrorFrame\b.*", re.I
)
_CLAIM: Final = re.compile(r"CANFD\b|\d+(\s+[0-9A-Fa-f]+[xX]?(\s|$)|\s+\S+\s+(Rx|Tx)|$)", re.I)
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
    classic = re.compile(_CLASSIC.format(byte=byte), re.IGNORECASE)
    return _Base(name, number, re.compile(byte), classic)


_HEX: Final = _base("hex", 16, r"[0-9A-Fa-f]{2}")
_DEC: Final = _base("dec", 10, r"(?:1?\d?\d|2[0-4]\d|25[0-5])")


@dataclass(slots=True)
class _Grammar:
    """Accepts lines; keeps per frame what python-can would lose."""

    base: _Base = _HEX
    is_relative: bool = False
    date: str | None = None
    clock_s: float = 0.0
    time_s: list[float] = field(default_factory=list)
    channel: list[int] = field(default_factory=list)
    not_fd: list[int] = field(default_factory=list)
    not_remote: list[int] = field(default_factory=list)
    long_on_classic: list[int] = field(default_factory=list)
    others: Others = field(default_factory=Others)

    def accept(self, text: str, line: int) -> str | None:
        event = _EVENT.fullmatch(text)
        if event is None:
            self._header(text)
            return None
        stamp, rest = event.groups()
        self.clock_s = self.clock_s + float(stamp) if self.is_relative else float(stamp)
        frame = self.base.classic.fullmatch(rest)
        if frame is not None:
            return self._classic(stamp.lstrip("-"), rest, frame, line)
        frame = _FD.fullmatch(rest)
        if frame is not None:
            return self._fd(stamp.lstrip("-"), frame, line)
        frame = _ERROR.fullmatch(rest)
        if frame is not None:
            self._count(int(frame["channel"]))
            return f"{stamp.lstrip('-')} {rest}\n"
        if _CLAIM.match(rest):
            raise UnreadableLineError("not a frame of a Vector ASCII log")
        if not rest.startswith("Start of measurement"):
            words = rest.split(None, 2)
            self.others.add(words[1] if words[0].isdigit() else words[0], f"line {line}")
        return None

    def _header(self, text: str) -> None:
        header = _HEADER.fullmatch(text)
        if header is None:
            raise UnreadableLineError("not a line of a Vector ASCII log")
        if header["date"]:
            self.date = self.date or header["date"]
        if header["base"]:
            self.base = _DEC if header["base"].lower() == "dec" else _HEX
            self.is_relative = (header["stamps"] or "").lower() == "relative"

    def _classic(self, stamp: str, rest: str, frame: re.Match[str], line: int) -> str | None:
        channel, identifier, direction, kind, code_text, data_text = frame.groups()
        self._check_id(identifier)
        if direction.lower() == "txrq":
            self.others.add("TxRq", f"line {line}")
            return None
        if kind in "rR":
            code = 0 if code_text is None else self._code(code_text)
            self._count(int(channel))
            code_text = f"{min(code, _CLASSIC_BYTES)}"
            return f"{stamp} {channel} {identifier} {direction} r {code_text}\n"
        if code_text is None:
            raise UnreadableLineError("a data frame without its length")
        code = self._code(code_text)
        data = data_text.split()
        if len(data) == min(code, _CLASSIC_BYTES):
            self._count(int(channel))
            if code > _CLASSIC_BYTES:
                return self._as_classic(stamp, frame, data)
            return f"{stamp} {rest}\n"
        if code > _CLASSIC_BYTES and len(data) == _LENGTH_OF_CODE[code]:
            self.long_on_classic.append(len(self.channel))
            self._count(int(channel))
            return self._fd_line(stamp, frame, "0", "0", code, data)
        raise UnreadableLineError(f"length code {code_text} with {len(data)} bytes of data")

    def _fd(self, stamp: str, frame: re.Match[str], line: int) -> str | None:
        self._check_id(frame["id"])
        if frame["direction"].lower() == "txrq":
            self.others.add("TxRq", f"line {line}")
            return None
        code, length = self._code(frame["code"]), int(frame["length"])
        words = frame["rest"].split()
        data = words[:length]
        flags = _flags(words[length:])
        is_remote = length == 0 and flags is not None and bool(flags & _FLAG_REMOTE)
        if (
            len(data) != length
            or not all(map(self.base.byte.fullmatch, data))
            or not (length == _LENGTH_OF_CODE[code] or is_remote or length == _CLASSIC_BYTES < code)
        ):
            raise UnreadableLineError(f"length code {frame['code']} with {len(data)} bytes of data")
        row = len(self.channel)
        if length == 0 and not is_remote:
            self.not_remote.append(row)
        is_classic = bool(flags) and not cast("int", flags) & _FLAG_EDL and length <= _CLASSIC_BYTES
        if is_remote or (is_classic and frame["brs"] == "0"):
            self.not_fd.append(row)
        self._count(int(frame["channel"]))
        if length == _CLASSIC_BYTES < code:
            code = _CLASSIC_BYTES  # a raw length code of 9 to 15 on a classic frame
        return self._fd_line(stamp, frame, frame["brs"], frame["esi"], code, data)

    def _fd_line(
        self, stamp: str, frame: re.Match[str], brs: str, esi: str, code: int, data: list[str]
    ) -> str:
        code_text = f"{code:x}" if self.base is _HEX else str(code)
        return (
            f"{stamp} CANFD {frame['channel']} {frame['direction']} {frame['id']} {brs} {esi} "
            f"{code_text} {len(data)} {' '.join(data)} 0 0 0 0\n"
        )

    def _as_classic(self, stamp: str, frame: re.Match[str], data: list[str]) -> str:
        """Return a frame with a raw length code of 9 to 15, which means 8 bytes."""
        return (
            f"{stamp} {frame['channel']} {frame['id']} {frame['direction']} d 8 {' '.join(data)}\n"
        )

    def _count(self, channel: int) -> None:
        self.time_s.append(self.clock_s)
        self.channel.append(channel)

    def _check_id(self, text: str) -> None:
        is_extended = text[-1] in "xX"
        try:
            number = int(text[:-1] if is_extended else text, self.base.number)
        except ValueError as error:
            raise UnreadableLineError(
                f"{text} is no identifier in base {self.base.name}"
            ) from error
        if number > (0x1FFF_FFFF if is_extended else 0x7FF):
            raise UnreadableLineError(f"{text} is no {29 if is_extended else 11}-bit identifier")

    def _code(self, text: str) -> int:
        """Return a length code; two digits can only be decimal, since hexadecimal ends at f."""
        is_decimal = self.base is _DEC or len(text) > 1
        if is_decimal and not text.isdigit():
            raise UnreadableLineError(f"{text} is no length code")
        code = int(text, 10 if is_decimal else 16)
        if code >= len(_LENGTH_OF_CODE):
            raise UnreadableLineError(f"{text} is no length code")
        return code


def _whole(source: Source) -> Reading:
    """Read a Vector ASCII log; see `d7xr.trace` for the rules.

    The date in its header is local time without a zone, so it is kept as text only.
    """
    from can.io import ASCReader

    grammar = _Grammar()
    feed = LineFeed(source, grammar.accept)
    reader = ASCReader(cast("TextIO", _with_header(feed, grammar)))
    columns = columns_of(reader)
    columns.flags[np.array(grammar.not_fd, dtype=np.int64)] &= 0xFF ^ FRAME_FD
    columns.flags[np.array(grammar.not_remote, dtype=np.int64)] &= 0xFF ^ FRAME_REMOTE
    channel, names = numbered(grammar.channel, source.path)
    return Reading(
        replace(columns, time_us=microseconds(grammar.time_s), channel=channel),
        channel_names=names,
        start_text=grammar.date,
        problems=[*feed.problems, *_unmarked_fd(grammar), *grammar.others.problems()],
    )


def _with_header(feed: LineFeed, grammar: _Grammar) -> Iterator[str]:
    """Put the header in front that python-can needs to keep the first frame."""
    lines = feed.as_file()
    first = next(lines, None)  # the file's own header is read now, so its base is known
    yield f"base {grammar.base.name} timestamps absolute\n"
    yield "internal events logged\n"
    if first is not None:
        yield first
        yield from lines


def _flags(words: list[str]) -> int | None:
    """Return the flags field behind the data: duration, length in bits, flags, checksum."""
    try:
        return int(words[2], 16) if len(words) > 3 else None
    except ValueError:
        return None


def _unmarked_fd(grammar: _Grammar) -> list[Problem]:
    rows = grammar.long_on_classic
    if not rows:
        return []
    text = "more than 8 bytes on a line without CANFD: taken for CAN FD"
    return [Problem("unmarked_fd", len(rows), f"frame {rows[0] + 1}", text)]


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Yield a whole file as one block."""
    return _whole(source).as_blocks(facts)
