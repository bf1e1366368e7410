"""Text traces by blocks: lines go to the native reader, those it doubts to the careful path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from d7xr._trace import ffi
from d7xr.errors import TraceError
from d7xr.trace.formats import quote
from d7xr.trace.model import Problem
from d7xr.trace.native import DOUBT, FD_BYTES, FULL, NARROW, SLACK_BYTES, Block, Row
from d7xr.trace.others import Others

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns
    from d7xr.trace.source import Source

WINDOW_BYTES: Final = 262_144
"""As much of a file as is in memory; a longer line is none of a trace."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SHOWN_BYTES: Final = 80


class UnreadableLineError(Exception):
    """A line that is neither a frame nor an event of its format; its text is the reason."""


@dataclass(slots=True)
class UnmarkedFd:
    """Account of frames that have more than 8 bytes and no mark of CAN FD.

    Attributes:
        text: What to say of them.
    """

    text: str
    _count: int = 0
    _place: str = ""

    def add(self, line: int) -> None:
        """Count one."""
        self._count += 1
        self._place = self._place or f"line {line}"

    def problems(self) -> list[Problem]:
        """Return what there is to tell."""
        return [Problem("unmarked_fd", self._count, self._place, self.text)] if self._count else []


class Grammar(Protocol):
    """How one format reads lines: natively, and by its careful path.

    Attributes:
        native: State of the native reader; it begins with a ``trace_progress_t``.
    """

    native: Any

    def read(self, text: Any, size: int, columns: Any) -> int:  # noqa: ANN401 - cffi has no types
        """Push text to the native reader; return how many bytes it took."""
        ...

    def accept(self, text: str, line: int) -> Row | str | None:
        """Understand one line that the native reader doubts.

        Args:
            text: The line with its line feed, if it has one.
            line: Its number, from 1.

        Returns:
            The frame; or a word for a record that is no CAN frame; or None for a line that holds
            nothing to deliver.

        Raises:
            UnreadableLineError: If it is not a line of the format.
        """
        ...

    def problems(self) -> list[Problem]:
        """Return what the grammar has to tell at the end of the file."""
        ...


def read_lines(source: Source, grammar: Grammar, facts: Facts) -> Iterator[Columns]:
    """Read a text trace; see `d7xr.trace` for the rules.

    Args:
        source: The file.
        grammar: Its format.
        facts: Filled on the way; complete after the last block.

    Yields:
        Blocks of frames in the order of the file; channels as the grammar numbers them.

    Raises:
        TraceError: If the file cannot be read, or a line not be understood.
    """
    reader = _Reader(source, grammar, facts)
    with source.open() as file:
        yield from reader.blocks(_Window(file))


class _Window:
    """The part of a file that is in memory and not read yet."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._bytes = bytearray(WINDOW_BYTES + SLACK_BYTES)
        self._view = memoryview(self._bytes)
        self._address = ffi.cast("uint8_t *", ffi.from_buffer(self._bytes))
        self._begin = 0
        self._end = 0
        self.is_at_end = False
        self.fill()
        if self._bytes.startswith(_BYTE_ORDER_MARK, 0, self._end):
            self.skip(len(_BYTE_ORDER_MARK))

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def is_full(self) -> bool:
        return len(self) == WINDOW_BYTES

    @property
    def pointer(self) -> Any:  # noqa: ANN401 - cffi has no types
        return self._address + self._begin

    def fill(self) -> None:
        """Read on until the window is full or the file at its end."""
        left = len(self)
        self._view[:left] = self._view[self._begin : self._end]
        self._begin, self._end = 0, left
        while not self.is_full and not self.is_at_end:
            room = self._view[self._end : WINDOW_BYTES]
            got = self._file.readinto(room)  # type: ignore[attr-defined] # IO lacks it
            self._end += got
            self.is_at_end = got == 0

    def skip(self, count: int) -> None:
        self._begin += count

    def has_line_feed(self) -> bool:
        return self._bytes.find(b"\n", self._begin, self._end) >= 0

    def line(self) -> bytes:
        """Take the next line if it ends in the window, in LF, CR LF or CR; nothing if not."""
        feed = self._bytes.find(b"\n", self._begin, self._end)
        stop = self._bytes.find(b"\r", self._begin, feed if feed >= 0 else self._end)
        if stop + 1 == self._end and feed < 0 and not self.is_at_end:
            return b""  # a line feed may follow
        if stop < 0 or stop + 1 == feed:
            stop = feed
        return self.take(stop + 1 - self._begin) if stop >= 0 else b""

    def take(self, count: int) -> bytes:
        taken = bytes(self._view[self._begin : self._begin + count])
        self.skip(count)
        return taken

    def long_line(self) -> bytes:
        """Drop a line that is longer than the window and return its beginning, with its end."""
        beginning, end = self.take(len(self))[:_SHOWN_BYTES], b""
        while not end and not self.is_at_end:
            self.fill()
            end = self.line()[-1:]
            if not end:
                self.skip(len(self))
        return beginning + end


class _Reader:
    """One text file on its way into blocks."""

    def __init__(self, source: Source, grammar: Grammar, facts: Facts) -> None:
        self._path = source.path
        self._grammar = grammar
        self._progress = ffi.cast("trace_progress_t *", grammar.native)
        self._facts = facts
        self._others = Others()
        self._block = Block()
        self._done: list[Columns] = []
        self._plain = 0  # understood by the careful path, with nothing to deliver

    def blocks(self, window: _Window) -> Iterator[Columns]:
        grammar, progress = self._grammar, self._progress
        while len(window):
            window.skip(grammar.read(window.pointer, len(window), self._block.struct))
            if progress.stop == FULL:
                self._turn(self._block.width)
            elif progress.stop == NARROW:
                self._turn(FD_BYTES)
            elif progress.stop == DOUBT:
                self._careful(window.line())
            else:
                self._go_on(window)
            yield from self._ready()
        self._turn(self._block.width)
        self._facts.problems += [*self._grammar.problems(), *self._others.problems()]
        yield from self._ready()

    def _ready(self) -> list[Columns]:
        """Hand over what is done, and tell how far that is."""
        self._facts.met = self._progress.records
        self._facts.plain = self._progress.plain + self._plain
        self._facts.careful = self._progress.doubtful
        done, self._done = self._done, []
        return done

    def _turn(self, width: int) -> None:
        """Begin a new block."""
        if self._block.rows:
            self._done.append(self._block.columns())
        self._block = Block(width)

    def _go_on(self, window: _Window) -> None:
        """Go on where the native reader finds no line feed."""
        window.fill()
        if window.has_line_feed():
            return
        while line := window.line():
            self._careful_unseen(line)
        if window.is_at_end:
            if len(window):
                self._careful_unseen(window.take(len(window)))
        elif window.is_full:
            self._progress.records += 1
            reason = f"a line of more than {WINDOW_BYTES:,} bytes"
            self._reject(_text(window.long_line()), reason)

    def _careful_unseen(self, line: bytes) -> None:
        """Take a line that the native reader did not see, since it does not end in a line feed."""
        self._progress.records += 1
        self._progress.doubtful += 1
        self._careful(line)

    def _careful(self, line: bytes) -> None:
        text = _text(line)
        number = self._progress.records
        try:
            met = None if text.isspace() else self._grammar.accept(text, number)
        except UnreadableLineError as error:
            self._reject(text, str(error))
            return
        if isinstance(met, Row):
            self._append(met)
        elif met is None:
            self._plain += 1
        else:
            self._others.add(met, f"line {number}")
        if not text.endswith("\n"):
            self._facts.problems.append(
                Problem(
                    "no_line_end",
                    1,
                    f"line {number}",
                    "the last line has no line end: taken as whole, but it may be cut short",
                )
            )

    def _append(self, row: Row) -> None:
        if not self._block.takes(row):
            self._turn(FD_BYTES if len(row.data) > self._block.width else self._block.width)
        self._block.append(row)

    def _reject(self, text: str, reason: str) -> None:
        """Count a last line that is cut short; refuse any other."""
        number = self._progress.records
        if text.endswith("\n"):
            raise TraceError(
                f"{self._path}:{number}: {reason}: {quote(text.strip())}",
                hint="correct or remove the line, or record the trace again",
            )
        self._facts.problems.append(
            Problem(
                "cut_short",
                1,
                f"line {number}",
                f"the last line is cut short ({reason}): {quote(text.strip())}",
                is_left_out=True,
            )
        )


def _text(line: bytes) -> str:
    """Return a line as text, its line end as a line feed."""
    text = line.decode("utf-8", errors="replace")
    if text.endswith(("\r", "\n")):
        text = text.rstrip("\r\n") + "\n"
    return text


def microseconds(number: str, digits: int = 6) -> int:
    """Return a decimal number as microseconds, rounded to nearest, a half to the even one.

    Args:
        number: Digits, perhaps with a sign, a point and an exponent.
        digits: How many digits behind the point are microseconds: 6 for seconds, 3 for
            milliseconds.
    """
    from decimal import ROUND_HALF_EVEN, Decimal

    return int(Decimal(number).scaleb(digits).to_integral_value(ROUND_HALF_EVEN))
