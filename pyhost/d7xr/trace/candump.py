"""candump log files: ``(1631416514.717133) can0 0D2#0000FFFF10000000``.

python-can takes half bytes, nine-byte classic frames and identifiers of any width, delivers most
error frames as data, and fails on raw length codes (``_E``) and on FD flags above 9. The grammar
below admits what can-utils writes and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.frames import FRAME_ERROR
from d7xr.trace.channels import named
from d7xr.trace.feed import LineFeed, UnreadableLineError
from d7xr.trace.messages import columns_of
from d7xr.trace.reading import Reading

if TYPE_CHECKING:
    from d7xr.trace.source import Source

_LINE: Final = re.compile(
    r"\s*(?P<time>\(-?\d{1,12}\.\d{1,9}\))\s+(?P<interface>\S+)\s+"
    r"(?P<id>[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?P<body>(?:[0-9A-Fa-f]{2}){0,8}(?P<code>_[9A-Fa-f])?"
    r"|R[0-8]?(?P<remote_code>_[9A-Fa-f])?"
    r"|\#(?P<fd_flags>[0-9A-Fa-f])(?P<fd>(?:[0-9A-Fa-f]{2}){0,64}))"
    r"(?P<direction>\s+[RT])?\s*"
)
_FD_LENGTHS: Final = frozenset((*range(9), 12, 16, 20, 24, 32, 48, 64))


class _Grammar:
    """Accepts lines; remembers per line what python-can would lose."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.channel: list[int] = []
        self.error_rows: list[int] = []

    def accept(self, text: str, _line: int) -> str:
        match = _LINE.fullmatch(text)
        if match is None:
            raise UnreadableLineError("not a line of candump")
        time, interface, identifier, body, code, remote_code, fd_flags, fd, direction = (
            match.groups()
        )
        fed = text
        if fd is not None and len(fd) // 2 not in _FD_LENGTHS:
            raise UnreadableLineError(f"{len(fd) // 2} bytes is no length of CAN FD")
        if len(identifier) == 3:
            if identifier[0] > "7":
                raise UnreadableLineError(f"{identifier} is no 11-bit identifier")
        elif identifier[0] in "23":
            # The error flag. python-can would drop the details or take the frame for data.
            self.error_rows.append(len(self.channel))
            identifier = f"{int(identifier, 16) & 0x1FFF_FFFF:08X}"
            fed = f"{time} {interface} {identifier}#{body}{direction or ''}"
        elif identifier[0] not in "01":
            raise UnreadableLineError(f"{identifier} is no 29-bit identifier")
        if code or remote_code or (fd_flags and fd_flags not in "0123"):
            body = f"#{int(fd_flags, 16) & 3}{fd}" if fd_flags else body.partition("_")[0]
            fed = f"{time} {interface} {identifier}#{body}{direction or ''}"
        self.channel.append(self.names.setdefault(interface, len(self.names)))
        return fed


def read(source: Source) -> Reading:
    """Read a candump log; see `d7xr.trace` for the rules.

    Stamps are Unix time where the logger's clock was set.
    """
    from can.io import CanutilsLogReader

    grammar = _Grammar()
    feed = LineFeed(source, grammar.accept)
    columns = columns_of(CanutilsLogReader(feed.as_file()))
    rows = np.array(grammar.error_rows, dtype=np.int64)
    columns.flags[rows] = FRAME_ERROR
    names = tuple(grammar.names)
    return Reading(
        replace(columns, channel=named(names, grammar.channel, source.path)),
        channel_names=names,
        zero_utc_us=0,
        problems=feed.problems,
    )
