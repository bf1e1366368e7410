"""PEAK traces, versions 1.0, 1.1, 1.3, 2.0 and 2.1.

python-can takes any unknown version for 1.0 and drops lines it cannot use; here an unknown version
is refused, a line must fit the columns of its version, and records that are no frames are counted.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from d7xr.errors import TraceError
from d7xr.trace.channels import numbered
from d7xr.trace.feed import LineFeed, UnreadableLineError
from d7xr.trace.messages import columns_of
from d7xr.trace.others import Others
from d7xr.trace.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns
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
    "O": r"-?\d{1,15}(?:\.\d{1,6})?",
    "T": r"(?P<T>\w\w)",
    "B": r"(?P<B>\d{1,3})",
    "I": _FRAME,
    "d": r"(?:Rx|Tx)",
    "R": r"\S+",
    "l": r"(?P<l>\d{1,2})",
    "L": r"(?P<L>\d{1,2})",
}
_DATA: Final = r"(?P<D>(?:\s+[0-9A-Fa-f]{2})*)\s*"
_TYPE_WORD: Final = {"1.1": 2, "1.3": 3}
_FRAMES_1: Final = frozenset(("Rx", "Tx"))
_FRAMES_2: Final = frozenset(("DT", "FD", "FB", "FE", "BI", "RR"))
_FD: Final = frozenset(("FD", "FB", "FE", "BI"))
_BUS_INFO_ID: Final = "FFFFFFFF"
_LENGTH_OF_CODE: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)


class _Grammar:
    """Accepts lines of one version; counts records that are no frames."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._version = "1.0"
        self._line = _VERSION_1["1.0"]
        self._type_word: int | None = None
        self.start_text: str | None = None
        self.channel: list[int] = []
        self.others = Others()

    def accept(self, text: str, line: int) -> str | None:
        if text.lstrip().startswith(";"):
            return self._comment(text.strip())
        kind = self._kind(text)
        frames = _FRAMES_1 if self._version < "2" else _FRAMES_2
        if kind is not None and kind not in frames:
            if not re.fullmatch(r"[A-Za-z]\w+", kind):
                raise UnreadableLineError(f"not a line of PEAK version {self._version}")
            self.others.add(kind, f"line {line}")
            return None
        match = self._line.fullmatch(text)
        if match is None:
            raise UnreadableLineError(f"not a line of PEAK version {self._version}")
        part = match.groupdict()
        if self._version == "1.0" and part["I"].upper() == _BUS_INFO_ID:
            self.others.add("bus information", f"line {line}")
            return None
        _check(part, kind)
        self.channel.append(int(part.get("B") or 1))
        return text

    def _comment(self, text: str) -> str | None:
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
            return f"{text}\n"
        if key == ";$COLUMNS":
            self._set_columns(value)
            return f"{text}\n"
        if key == ";$STARTTIME":
            self.start_text = _ole_date(value)
        return None  # python-can would add the start to every stamp, at the cost of precision

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


def _check(part: dict[str, str | None], kind: str | None) -> None:
    """Refuse identifiers and lengths that no frame can have."""
    identifier = part["I"] or ""
    limit = 0x7FF if len(identifier) <= 4 else 0x1FFF_FFFF
    if int(identifier, 16) > limit:
        raise UnreadableLineError(f"{identifier} is no identifier")
    data = (part["D"] or "").split()
    if kind == "RR" or data == ["RTR"]:
        return
    if part.get("l") is not None:
        expected = int(part["l"] or 0)
    else:
        code = int(part["L"] or 0)
        if code >= len(_LENGTH_OF_CODE):
            raise UnreadableLineError(f"{code} is no length code")
        expected = _LENGTH_OF_CODE[code] if kind in _FD else min(code, 8)
    if len(data) != expected or (kind not in _FD and expected > 8):
        raise UnreadableLineError(f"{len(data)} bytes of data where the length says {expected}")


def _ole_date(days: str) -> str | None:
    """Return a date that counts days from 1899-12-30, as text: it has no zone."""
    try:
        start = datetime(1899, 12, 30) + timedelta(days=float(days))  # noqa: DTZ001 - no zone known
    except (ValueError, OverflowError):
        return None
    return start.isoformat(sep=" ", timespec="milliseconds")


def _whole(source: Source) -> Reading:
    """Read a PEAK trace; see `d7xr.trace` for the rules."""
    from can.io import TRCReader

    grammar = _Grammar(str(source.path))
    feed = LineFeed(source, grammar.accept)
    columns = columns_of(TRCReader(feed.as_file()))
    channel, names = numbered(grammar.channel, source.path)
    return Reading(
        replace(columns, channel=channel),
        channel_names=names,
        start_text=grammar.start_text,
        problems=[*feed.problems, *grammar.others.problems()],
    )


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Yield a whole file as one block."""
    return _whole(source).as_blocks(facts)
