"""Formats of traces, told apart by content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from d7xr.errors import TraceError

HEAD_BYTES: Final = 65_536
"""As much of a file as decides its format."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read.

    Attributes:
        name: Word for it in results, also the name of its reader's module.
        suffix: What such files are usually called; ``.gz`` may follow.
        title: Name for people.
    """

    name: str
    suffix: str
    title: str


FORMATS: Final = (
    Format("candump", ".log", "candump log"),
    Format("asc", ".asc", "Vector ASCII log"),
    Format("blf", ".blf", "Vector binary log"),
    Format("trc", ".trc", "PEAK trace"),
    Format("csv", ".csv", "CSV in python-can's layout"),
    Format("gvret", ".csv", "CSV in SavvyCAN's layout (GVRET)"),
    Format("mf4", ".mf4", "MDF 4 bus log"),
)
"""All formats that `read_trace` reads."""

CSV_HEADER: Final = "timestamp,arbitration_id,extended,remote,error,dlc,data"
GVRET_HEADER: Final = "Time Stamp,ID,Extended,"

_ASC: Final = re.compile(r"(date\s+\w+\s|base\s+(hex|dec)\b)", re.IGNORECASE)
_CANDUMP: Final = re.compile(r"\(-?\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]+#")
_TRC_FRAME: Final = re.compile(r"\s*\d+\)?\s+-?\d+(\.\d+)?\s")

_FOREIGN_BINARY: Final = (
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"\xff\xfe", "text in UTF-16"),
)
_FOREIGN_TEXT: Final = (
    (re.compile(r"\*\*\*BUSMASTER"), "a BUSMASTER log"),
    (re.compile(r"\d+\.\d+ (CXX|\d?[RT]\d\d) "), "a CRTD log"),
    (re.compile(r"ID,Data Bytes"), "a generic CSV of SavvyCAN"),
    (re.compile(r"Microchip Technology"), "a log of Microchip's CAN BUS Analyzer"),
    (re.compile(r"@ TEXT @"), "a log of CarBusAnalyzer"),
    (re.compile(r"(\(\d+\.\d+\)\s+)?\w+\s+[0-9A-F]+\s+\[\d+\]"), "candump's screen output"),
    (re.compile(r"\s*<"), "XML or HTML"),
    (re.compile(r"VERSION \""), "a DBC database, not a trace"),
)
_READABLE: Final = (
    "d7xr reads candump .log, Vector .asc and .blf, PEAK .trc, .csv of python-can and of SavvyCAN, "
    "and MDF .mf4, each also gzipped: record or convert it to one of these"
)


def identify(head: bytes, where: str) -> Format:
    """Tell the format of a file from its first bytes.

    Args:
        head: At most `HEAD_BYTES` from the beginning, after decompression.
        where: The file, for the message.

    Raises:
        TraceError: If is empty, or of no format that can be read.
    """
    if not head:
        raise TraceError(f"{where}: is empty", hint="record it again, or name another file")
    if head.startswith(b"LOGG"):
        return _format("blf")
    if head.startswith((b"MDF ", b"UnFinMF ")):
        if head[8:9] < b"4":
            version = head[8:12].decode("ascii", "replace")
            raise TraceError(
                f"{where}: is MDF {version}, which has no standard for CAN frames",
                hint="save it as MDF 4 with bus logging",
            )
        return _format("mf4")
    for magic, what in _FOREIGN_BINARY:
        if head.startswith(magic):
            raise TraceError(f"{where}: is {what}, not a trace that is read here", hint=_READABLE)
    return _identify_text(head, where)


def _identify_text(head: bytes, where: str) -> Format:
    text = head.decode("utf-8-sig", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    name = None
    if _CANDUMP.match(first):
        name = "candump"
    elif first == CSV_HEADER:
        name = "csv"
    elif first.startswith(GVRET_HEADER):
        name = "gvret"
    elif first.startswith(";"):
        name = "trc" if _is_trc(lines) else None
    else:
        header = next((line for line in lines if not line.startswith("//")), "")
        name = "asc" if _ASC.match(header) else None
    if name is not None:
        return _format(name)
    for pattern, what in _FOREIGN_TEXT:
        if any(pattern.match(line) for line in lines[:3]):
            raise TraceError(f"{where}: is {what}, not a trace that is read here", hint=_READABLE)
    raise TraceError(f"{where}: unknown format: it begins with {quote(first)}", hint=_READABLE)


def _is_trc(lines: list[str]) -> bool:
    """Say whether a file of ``;`` comments is PEAK's: by its version, or by its first frame."""
    if any(line.startswith(";$FILEVERSION") for line in lines):
        return True
    rest = next((line for line in lines if not line.startswith(";")), "")
    return _TRC_FRAME.match(rest) is not None


def _format(name: str) -> Format:
    return next(form for form in FORMATS if form.name == name)


def quote(text: str, limit: int = 60) -> str:
    """Return text from a file fit for a message: printable, on one line, of bounded length."""
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    return repr(short)
