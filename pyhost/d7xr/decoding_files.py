"""A trace of any length decoded into files, in memory that does not grow with it.

The trace is read twice: once to see all of it, which is when damage, channels and what is not known
are told, and the type of each column is settled; then to write. Nothing is begun for a trace that
cannot be decoded, and what comes of one is the same as of `d7xr.decoding.decode`.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.decoding import Account, Survey, TimedRows
from d7xr.errors import TraceError
from d7xr.recording import Column, Group, Recording, writers
from d7xr.trace import stream_trace
from d7xr.trace.model import refuse_channels
from d7xr.trace.stream import settled_first_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from d7xr.database import Database

_CELLS: Final = 1 << 20
"""So many samples are gathered before they are written: what comes of few is slow to write."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a trace is decoded.

    Attributes:
        rows: Frames that were read so far, in this reading.
        of: All frames of the trace; None while it is read for the first time.
    """

    rows: int
    of: int | None


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A trace that was read once, and can be decoded.

    Attributes:
        path: The file.
        channel: Which of its channels; None for the only one.
        account: What becomes of each frame.
        start_utc_us: The first frame of the channel in UTC; None where the file does not say.
    """

    path: Path
    channel: int | None
    account: Account
    start_utc_us: int | None
    _survey: Survey
    _first_us: int

    def write(
        self,
        folder: Path,
        formats: tuple[str, ...],
        identity: Mapping[str, str],
        on_progress: Callable[[Progress], None] | None = None,
    ) -> tuple[Path, ...]:
        """Read the trace again and write its signals.

        Args:
            folder: Existing folder.
            formats: Any of ``mf4``, ``parquet``, ``csv``.
            identity: What was decoded, written into each file that has a place for it.
            on_progress: Called for every block.

        Raises:
            TraceError: The trace is another one now.
            OSError: The folder cannot be written or the disk is full.
        """
        recording = Recording(tuple(self._survey.heads()), self.start_utc_us, identity)
        channel = _Channel(self.path, self.channel)
        with ExitStack() as stack:
            files = writers(recording, folder, formats)
            for writer in files:
                stack.enter_context(closing(writer))
            for group in _gathered(self._groups(channel, on_progress)):
                for writer in files:
                    writer.take(group)
            if (channel.frames, channel.first_us) != (self.account.frames, self._first_us):
                raise TraceError(
                    f"{self.path}: changed while it was read", hint="wait until it is recorded"
                )
            return tuple(path for writer in files for path in writer.finish())

    def _groups(
        self, channel: _Channel, on_progress: Callable[[Progress], None] | None
    ) -> Iterator[Group]:
        for rows in channel:
            yield from self._survey.groups(rows, self._first_us)
            if on_progress is not None:
                on_progress(Progress(channel.frames, self.account.frames))


def survey(
    path: Path,
    database: Database,
    *,
    channel: int | None = None,
    patterns: Sequence[str] = (),
    on_progress: Callable[[Progress], None] | None = None,
) -> Surveyed:
    """Read a trace to its end to see what a database makes of it.

    Args:
        path: The file.
        database: What its frames mean.
        channel: Which of its channels; may be None when the trace has one.
        patterns: Messages wanted, by name with ``*`` and ``?``; all if empty.
        on_progress: Called for every block.

    Raises:
        TraceError: As `d7xr.trace.stream_trace`.
        UsageError: Several channels and none chosen; a pattern that fits no message.
        InconclusiveError: No frame is one of the messages wanted.
    """
    seen = Survey(database, patterns)
    rows = _Channel(path, channel)
    for block in rows:
        seen.take(block)
        if on_progress is not None:
            on_progress(Progress(rows.frames, None))
    account = seen.account(path, rows.frames, rows.others)
    return Surveyed(path, channel, account, rows.start_utc_us, seen, rows.first_us)


class _Channel:
    """The frames of one channel of a trace, block by block; a stamp never steps back.

    Attributes:
        frames: Frames of the trace so far.
        others: Those of other channels.
        first_us: Time of the first frame of the channel.
    """

    def __init__(self, path: Path, channel: int | None) -> None:
        self._path = path
        self._channel = channel
        self._stream = stream_trace(path)
        self.frames = self.others = 0
        self.first_us = 0
        self._trace_first_us = 0

    def __iter__(self) -> Iterator[TimedRows]:
        """Yield the frames, once.

        Raises:
            UsageError: Several channels and none chosen, or the chosen one is absent.
        """
        stream, number = self._stream, None
        seen = np.zeros(256, dtype=np.bool_)
        latest_us: int | None = None
        for block in stream:
            if not self.frames:
                self._trace_first_us = int(block.time_us[0])
                if self._channel is not None:
                    number = self._channel + settled_first_channel(stream)
            self.frames += len(block.id)
            seen[block.channel] = True
            if number is None and np.count_nonzero(seen) > 1:
                self._see_all(seen)
                self._refuse(seen)
            mine = block if number is None else block.take(block.channel == number)
            self.others += len(block.id) - len(mine.id)
            if not len(mine.id):
                continue
            if latest_us is None:
                latest_us = self.first_us = int(mine.time_us[0])
            time_us = np.maximum.accumulate(mine.time_us)
            np.maximum(time_us, latest_us, out=time_us)
            latest_us = int(time_us[-1])
            yield TimedRows(time_us, mine.id, mine.flags, mine.length, mine.data)
        self._refuse(seen)

    @property
    def start_utc_us(self) -> int | None:
        """The first frame of the channel in UTC; None where the file does not say."""
        start_us = self._stream.start_utc_us
        return None if start_us is None else start_us + self.first_us - self._trace_first_us

    def _see_all(self, seen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """Read to the end, to name all channels."""
        for block in self._stream:
            seen[block.channel] = True

    def _refuse(self, seen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        first = self._stream.first_channel
        present = [int(number) - first for number in np.flatnonzero(seen)]
        refuse_channels(self._path, self._channel, present, self._stream.channel_names)


def _gathered(groups: Iterator[Group]) -> Iterator[Group]:
    """Join the groups of several blocks, so that each has some rows."""
    waiting: dict[str, list[Group]] = {}
    cells = 0
    for group in groups:
        waiting.setdefault(group.name, []).append(group)
        cells += len(group.time_us) * (1 + len(group.columns))
        if cells >= _CELLS:
            yield from map(_joined, waiting.values())
            waiting, cells = {}, 0
    yield from map(_joined, waiting.values())


def _joined(parts: list[Group]) -> Group:
    first = parts[0]
    columns = {}
    for name, column in first.columns.items():
        mine = [part.columns[name] for part in parts]
        masks = [c.is_valid for c in mine if c.is_valid is not None]
        columns[name] = Column(
            np.concatenate([c.values for c in mine]),
            column.unit,
            column.choices,
            column.comment,
            np.concatenate(masks) if masks else None,
        )
    time_us = np.concatenate([part.time_us for part in parts])
    return Group(first.name, time_us, columns, first.comment, first.origin)
