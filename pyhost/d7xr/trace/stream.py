"""`stream_trace`: a trace by blocks, of any length in bounded memory."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from d7xr.errors import D7xrError, TraceError
from d7xr.trace.facts import Facts
from d7xr.trace.formats import Format, identify
from d7xr.trace.model import Columns, Problem, utc_if_set
from d7xr.trace.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Reader(Protocol):
    def read(self, source: Source, facts: Facts) -> Iterator[Columns]: ...


class TraceStream:
    """A trace by blocks of frames, in the order of the file.

    Iterate over it once. What it tells of the file is complete after the last block; before, it is
    what is known so far.

    Attributes:
        source: The file.
        format: Name of its format, one of `FORMATS`.
        rows: Frames in the blocks so far.

    Example:
        >>> stream = stream_trace(Path("drive.log"))
        >>> sum(len(block.id) for block in stream), stream.problems
        (87212, ())
    """

    def __init__(self, path: Path) -> None:
        """Find out the format."""
        self.source = path
        self._source = Source(path)
        self._form = identify(self._source.head(), str(path))
        self.format = self._form.name
        self.rows = 0
        self._facts = Facts()
        self._first_us: int | None = None
        self._backward = _Backward()
        self._blocks = self._read()

    def __iter__(self) -> Iterator[Columns]:
        """Return the blocks that are left."""
        return self._blocks

    @property
    def first_channel(self) -> int:
        """The number in a block's column `channel` that is our channel 0.

        Files count from 1, and one that uses channel 0 from 0: this may fall from 1 to 0 when such
        a frame comes.
        """
        return self._facts.first_channel

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The file's own name of each channel; an unused number has one too."""
        return self._facts.channel_names

    @property
    def start_text(self) -> str | None:
        """The start as the file writes it; None where it writes none."""
        return self._facts.start_text

    @property
    def start_utc_us(self) -> int | None:
        """The first frame in UTC, Unix microseconds; None where the file does not say."""
        zero_us = self._facts.zero_utc_us
        if zero_us is None or self._first_us is None:
            return None
        return utc_if_set(zero_us + self._first_us)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the reader saw."""
        suffix = _suffix(self.source, self._form)
        return (*suffix, *self._facts.problems, *self._backward.problems())

    @property
    def records(self) -> int:
        """Frames in the blocks, and all that a problem counts as left out."""
        return self.rows + sum(p.count for p in self.problems if p.is_left_out)

    @property
    def met(self) -> int:
        """Lines or objects of the file: `records` and `plain`."""
        return self._facts.met

    @property
    def plain(self) -> int:
        """Lines or objects that are understood and hold nothing to deliver, as headers do."""
        return self._facts.plain

    @property
    def careful(self) -> int:
        """Lines or objects that the native reader left to the careful path."""
        return self._facts.careful

    def _read(self) -> Iterator[Columns]:
        module = cast("_Reader", import_module(f"d7xr.trace.{self.format}"))
        try:
            for columns in module.read(self._source, self._facts):
                self._see(columns)
                yield columns
        except D7xrError:
            raise
        except MemoryError as error:
            raise TraceError(
                f"{self.source}: does not fit into memory", hint="split the trace"
            ) from error
        except Exception as error:
            # Foreign readers meet damaged files with errors of any kind; none may reach the user
            # bare.
            raise TraceError(
                f"{self.source}: cannot be read as {self._form.title}: "
                f"{type(error).__name__}: {error}",
                hint="the file is damaged, or of a variant not known here",
            ) from error
        if not self.rows:
            seen = "; ".join(f"{p.count}: {p.text}" for p in self._facts.problems)
            raise TraceError(
                f"{self.source}: holds no CAN frame" + (f" ({seen})" if seen else ""),
                hint="record it again, or name another file",
            )

    def _see(self, columns: Columns) -> None:
        if self._first_us is None and columns.time_us.size:
            self._first_us = int(columns.time_us[0])
        self._backward.see(columns, self.rows)
        self.rows += int(columns.time_us.size)


def stream_trace(path: Path) -> TraceStream:
    """Open a recorded CAN trace, whatever its format, to be read by blocks.

    Memory stays bounded however long the file is. All that `read_trace` refuses is refused here,
    damage in the middle when its block is asked for: take what was delivered before it as void.

    Args:
        path: The file; gzipped or not. Its content decides the format.

    Returns:
        The blocks, and what is known of the file.

    Raises:
        TraceError: If the file cannot be opened or fits no format; while iterating, if it is
            damaged or holds no CAN frame.
    """
    return TraceStream(Path(path))


def settled_first_channel(stream: TraceStream) -> int:
    """Return the number that is our channel 0 once all of a trace is read.

    A file that counts from 1 as far as it was read may use channel 0 later on: then it is read once
    more, to its end.
    """
    if not stream.first_channel:
        return 0
    whole = stream_trace(stream.source)
    for _ in whole:
        pass
    return whole.first_channel


class _Backward:
    """Watches for stamps that lie before the one before."""

    def __init__(self) -> None:
        self._last_us: int | None = None
        self._count = 0
        self._first = 0
        self._largest_us = 0

    def see(self, columns: Columns, rows_before: int) -> None:
        time_us = columns.time_us
        if not time_us.size:
            return
        begin_us = int(time_us[0]) if self._last_us is None else self._last_us
        self._last_us = int(time_us[-1])
        if begin_us <= time_us[0] and not (time_us[1:] < time_us[:-1]).any():
            return
        step_us = np.diff(time_us, prepend=begin_us)
        backward = np.flatnonzero(step_us < 0)
        self._first = self._first or rows_before + int(backward[0]) + 1
        self._count += int(backward.size)
        self._largest_us = max(self._largest_us, -int(step_us.min()))

    def problems(self) -> tuple[Problem, ...]:
        if not self._count:
            return ()
        return (
            Problem(
                "backward_time",
                self._count,
                f"frame {self._first}",
                f"time steps backward, by at most {self._largest_us / 1000:g} ms; order in the "
                "file is kept",
            ),
        )


def _suffix(path: Path, form: Format) -> tuple[Problem, ...]:
    """Tell of a name that promises another format than the content is."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    if not suffixes or suffixes[-1] == form.suffix:
        return ()
    text = f"named {suffixes[-1]}, but its content is {form.title}"
    return (Problem("suffix", 1, "file name", text),)
