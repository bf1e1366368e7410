"""PEAK traces, versions 1.0, 1.1, 1.3, 2.0 and 2.1.

python-can takes any unknown version for 1.0 and drops lines it cannot use; here an unknown version
is refused, a line must fit the columns of its version, and records that are no frames are counted.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from d7xr._trace import ffi, lib
from d7xr.errors import TraceError
from d7xr.frames import FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from d7xr.trace.channels import Numbering, channel_of
from d7xr.trace.lines import UnreadableLineError, microseconds, read_lines
from d7xr.trace.native import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns, Problem
    from d7xr.trace.source import Source

_NUMBER: Final = r"\s*(?P<number>\d+)\)?\s+(?P<O>-?\d{1,15}(?:\.\d{1,6})?)\s+"
_FRAME: Final = r"(?P<I>[0-9A-Fa-f]{3,8})"
_LENGTH: Final = r"(?P<L>\d{1,2})(?P<D>(?:\s+(?:RTR|[0-9A-Fa-f]{2}))*)\s*"
_VERSION_1: Final = {
    "1.0": re.compile(_NUMBER + _FRAME + r"\s+" + _LENGTH),
    "1.1": re.compile(_NUMBER + r"(?P<T>\w+)\s+" + _FRAME + r"\s+" + _LENGTH),
    "1.3": re.compile(_NUMBER + r"(?P<B>\d{1,3})\s+(?P<T>\w+)\s+" + _FRAME + r"\s+-\s+" + _LENGTH),
}
_COLUMN: Final = {
    "N": r"\s*\d+",
    "O": r"(?P<O>-?\d{1,15}(?:\.\d{1,6})?)",
    "T": r"(?P<T>\w\w)",
    "B": r"(?P<B>\d{1,3})",
    "I": _FRAME,
    "d": r"(?:Rx|Tx)",
    "R": r"\S+",
    "l": r"(?P<l>\d{1,2})",
    "L": r"(?P<L>\d{1,2})",
}
_DATA: Final = r"(?P<D>(?:\s+[0-9A-Fa-f]{2})*)\s*"
_WORDS_1: Final = {"1.0": b"nOILD", "1.1": b"nOdILD", "1.3": b"nOBdI-LD"}
"""The words of a line for the native reader, as trace_trc.h names them."""
_TYPE_WORD: Final = {"1.1": 2, "1.3": 3}
_FRAMES_1: Final = frozenset(("Rx", "Tx"))
_FRAMES_2: Final = frozenset(("DT", "FD", "FB", "FE", "BI", "RR"))
_FD: Final = frozenset(("FD", "FB", "FE", "BI"))
_BUS_INFO_ID: Final = "FFFFFFFF"
_LENGTH_OF_CODE: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
_CLASSIC_BYTES: Final = 8
_FD_BYTES: Final = 64


class _Grammar:
    """Reads lines of one version; the header says which words they have."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._version = "1.0"
        self._line = _VERSION_1["1.0"]
        self._type_word: int | None = None
        self.start_text: str | None = None
        self.native: Any = ffi.new("trace_trc_t *")
        self.native.word = _WORDS_1["1.0"]

    def read(self, text: Any, size: int, columns: Any) -> int:  # noqa: ANN401 - cffi has no types
        return int(lib.trace_trc_read(self.native, text, size, columns))

    def problems(self) -> list[Problem]:
        return []

    def accept(self, text: str, _line: int) -> Row | str | None:
        if text.lstrip().startswith(";"):
            self._comment(text.strip())
            return None
        kind = self._kind(text)
        frames = _FRAMES_1 if self._version < "2" else _FRAMES_2
        if kind is not None and kind not in frames:
            if not re.fullmatch(r"[A-Za-z]\w+", kind):
                raise UnreadableLineError(f"not a line of PEAK version {self._version}")
            return kind
        match = self._line.fullmatch(text)
        if match is None:
            raise UnreadableLineError(f"not a line of PEAK version {self._version}")
        part = match.groupdict()
        if self._version == "1.0" and part["I"].upper() == _BUS_INFO_ID:
            return "bus information"
        return _row(part, kind)

    def _comment(self, text: str) -> None:
        key, _, value = text.partition("=")
        if key == ";$FILEVERSION":
            self._version = value.strip()
            self._type_word = _TYPE_WORD.get(self._version)
            if self._version in _VERSION_1:
                self._line = _VERSION_1[self._version]
            elif self._version not in ("2.0", "2.1"):
                raise TraceError(
                    f"{self._where}: PEAK trace version {self._version!r} is not read",
                    hint="save it as version 1.1 or 2.1",
                )
            self.native.word = _WORDS_1.get(self._version, b"")
        elif key == ";$COLUMNS":
            self._set_columns(value)
        elif key == ";$STARTTIME":
            self.start_text = _ole_date(value)

    def _set_columns(self, value: str) -> None:
        names = [name.strip() for name in value.split(",")]
        if (
            not {"O", "T", "I", "d", "D"} <= set(names)
            or names[-1] != "D"
            or not {"l", "L"} & set(names)
        ):
            raise TraceError(
                f"{self._where}: columns {value!r} are not read",
                hint="save it with the columns N,O,T,B,I,d,R,L,D",
            )
        unknown = [name for name in names[:-1] if name not in _COLUMN]
        if unknown:
            raise TraceError(f"{self._where}: unknown column {unknown[0]!r}", hint="save it anew")
        self._line = re.compile(r"\s*" + r"\s+".join(_COLUMN[n] for n in names[:-1]) + _DATA)
        self._type_word = names.index("T")
        self.native.word = "".join(names).encode() if self._version >= "2" else b""

    def _kind(self, text: str) -> str | None:
        """Return the word that tells the kind of record; version 1.0 has none."""
        if self._version >= "2" and self._type_word is None:
            raise UnreadableLineError("a frame before the line ;$COLUMNS")
        if self._type_word is None:
            return None
        words = text.split(None, self._type_word + 1)
        if len(words) <= self._type_word:
            raise UnreadableLineError(f"not a line of PEAK version {self._version}")
        return words[self._type_word]


def _row(part: dict[str, str | None], kind: str | None) -> Row:
    """Return the frame of a line; refuse identifiers and lengths that no frame can have."""
    digits = part["I"] or ""
    flags = FRAME_EXTENDED if len(digits) > 4 else 0
    identifier = int(digits, 16)
    if identifier > (0x1FFF_FFFF if flags else 0x7FF):
        raise UnreadableLineError(f"{digits} is no identifier")
    time_us = microseconds(part["O"] or "", 3)
    channel = channel_of(part.get("B") or "1")
    words = (part["D"] or "").split()
    written = int(part.get("l") or part.get("L") or 0)
    if kind == "RR" or words == ["RTR"]:
        length = min(written, _CLASSIC_BYTES)
        return Row(time_us, channel, identifier, flags | FRAME_REMOTE, length, b"")
    length = written
    if part.get("l") is None:
        if written >= len(_LENGTH_OF_CODE):
            raise UnreadableLineError(f"{written} is no length code")
        length = _LENGTH_OF_CODE[written] if kind in _FD else min(written, _CLASSIC_BYTES)
    is_too_long = length > (_FD_BYTES if kind in _FD else _CLASSIC_BYTES)
    if len(words) != length or is_too_long or "RTR" in words:
        raise UnreadableLineError(f"{len(words)} bytes of data where the length says {length}")
    flags |= FRAME_FD if kind in _FD else 0
    return Row(time_us, channel, identifier, flags, length, bytes.fromhex("".join(words)))


def _ole_date(days: str) -> str | None:
    """Return a date that counts days from 1899-12-30, as text: it has no zone."""
    try:
        start = datetime(1899, 12, 30) + timedelta(days=float(days))  # noqa: DTZ001 - no zone known
    except (ValueError, OverflowError):
        return None
    return start.isoformat(sep=" ", timespec="milliseconds")


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Read a PEAK trace; see `d7xr.trace` for the rules."""
    grammar = _Grammar(str(source.path))
    numbering = Numbering(facts)
    for columns in read_lines(source, grammar, facts):
        facts.start_text = grammar.start_text
        yield numbering.see(columns)
