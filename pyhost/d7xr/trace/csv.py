"""Comma separated values in python-can's layout, data in base64.

The layout has neither channel nor FD mark: all is channel 0, and a frame of more than 8 bytes is
taken for CAN FD and reported. python-can would take damaged base64 and lengths that do not fit.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.frames import FRAME_FD
from d7xr.trace.feed import LineFeed, UnreadableLineError
from d7xr.trace.formats import CSV_HEADER
from d7xr.trace.messages import columns_of
from d7xr.trace.model import Problem
from d7xr.trace.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns
    from d7xr.trace.source import Source

_LINE: Final = re.compile(
    r"-?\d{1,12}(?:\.\d*)?(?:e[+-]?\d\d?)?,"
    r"(?P<id>0x[0-9a-fA-F]{1,8}),(?P<extended>[01]),(?P<remote>[01]),[01],"
    r"(?P<dlc>\d\d?),(?P<data>[A-Za-z0-9+/]*=?=?)\s*"
)
_CLASSIC_BYTES: Final = 8
_MOST_BYTES: Final = 64


class _Grammar:
    def __init__(self) -> None:
        self._is_header = True

    def accept(self, text: str, _line: int) -> str:
        if self._is_header:
            self._is_header = False
            return CSV_HEADER + "\n"
        match = _LINE.fullmatch(text)
        if match is None:
            raise UnreadableLineError("not a row of python-can's layout")
        identifier, extended, remote, dlc, data = match.groups()
        if int(identifier, 16) > (0x1FFF_FFFF if extended == "1" else 0x7FF):
            raise UnreadableLineError(f"{identifier} is no identifier")
        size = len(data) // 4 * 3 - data.count("=")
        expected = 0 if remote == "1" else int(dlc)
        if len(data) % 4 or size != expected or size > _MOST_BYTES:
            raise UnreadableLineError(f"data is not {expected} bytes of base64")
        return text


def _whole(source: Source) -> Reading:
    """Read python-can's CSV layout; see `d7xr.trace` for the rules."""
    from can.io import CSVReader

    feed = LineFeed(source, _Grammar().accept)
    columns = columns_of(CSVReader(feed.as_file()))
    is_long = columns.length > _CLASSIC_BYTES
    problems = feed.problems
    if is_long.any():
        problems.append(
            Problem(
                "unmarked_fd",
                int(is_long.sum()),
                f"frame {int(is_long.argmax()) + 1}",
                "more than 8 bytes: taken for CAN FD, which this layout cannot mark",
            )
        )
    flags = columns.flags | np.where(is_long, np.uint8(FRAME_FD), np.uint8(0))
    return Reading(
        replace(columns, flags=flags), channel_names=("0",), zero_utc_us=0, problems=problems
    )


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Yield a whole file as one block."""
    return _whole(source).as_blocks(facts)
