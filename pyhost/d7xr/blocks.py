"""A recorded trace by blocks of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from d7xr.trace.model import Columns
from d7xr.trace.reader import read_trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from d7xr.trace import Problem

_ROWS: Final = 16_384


class TraceStream:
    """A trace by blocks, in the order of the file; iterate over it once.

    Attributes:
        source: The file.
        format: Name of its format.
        rows: Frames in it.
        first_channel: The number in a block's column ``channel`` that is our channel 0.
        channel_names: The file's own name of each channel.
    """

    def __init__(self, path: Path) -> None:
        """Read the file."""
        self._trace = read_trace(path)
        self.source = path
        self.format = self._trace.format
        self.rows = len(self._trace)
        self.first_channel = 0
        self.channel_names = self._trace.channel_names

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the reader saw."""
        return self._trace.problems

    def __iter__(self) -> Iterator[Columns]:
        """Yield the blocks."""
        t = self._trace
        for first in range(0, self.rows, _ROWS):
            rows = slice(first, first + _ROWS)
            yield Columns(
                t.time_us[rows],
                t.channel[rows],
                t.id[rows],
                t.flags[rows],
                t.length[rows],
                t.data[rows],
            )


def stream_trace(path: Path) -> TraceStream:
    """Open a recorded trace, to be read by blocks."""
    return TraceStream(path)
