"""Lines of a text trace on their way into python-can: only what a strict grammar accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO, cast

from d7xr.errors import TraceError
from d7xr.trace.formats import quote
from d7xr.trace.model import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from d7xr.trace.source import Source


class UnreadableLineError(Exception):
    """A line that is neither a frame nor an event of its format; its text is the reason."""


class LineFeed:
    """Hands accepted lines to a python-can reader and keeps account of all the others.

    python-can skips lines it does not know, without a word. Here each line is first put to
    ``accept`` with its number. It returns the line that python-can shall decode (corrected where
    python-can is known to misread), or None for a line that needs no decoding, or raises
    `UnreadableLineError`.

    Args:
        source: The file.
        accept: The grammar of the format.

    Attributes:
        line: Number of the line that is being read, from 1.
        problems: What became of a last line that is cut short.
    """

    def __init__(self, source: Source, accept: Callable[[str, int], str | None]) -> None:
        """Begin before the first line."""
        self._source = source
        self._accept = accept
        self.line = 0
        self.problems: list[Problem] = []

    def as_file(self) -> TextIO:
        """Return the lines as the file that python-can's readers expect: they iterate and close."""
        return cast("TextIO", self._fed())

    def _fed(self) -> Iterator[str]:
        accept = self._accept
        for number, text in enumerate(self._source.lines(), 1):
            self.line = number
            if text.isspace():
                continue
            try:
                fed = accept(text, number)
            except UnreadableLineError as error:
                self._reject(text, str(error))
                continue
            if not text.endswith("\n"):
                self.problems.append(
                    Problem(
                        "no_line_end",
                        1,
                        f"line {self.line}",
                        "the last line has no line end: taken as whole, but it may be cut short",
                    )
                )
            if fed is not None:
                yield fed

    def _reject(self, text: str, reason: str) -> None:
        """Count a last line that is cut short; refuse any other."""
        if text.endswith("\n"):
            raise TraceError(
                f"{self._source.path}:{self.line}: {reason}: {quote(text.strip())}",
                hint="correct or remove the line, or record the trace again",
            )
        self.problems.append(
            Problem(
                "cut_short",
                1,
                f"line {self.line}",
                f"the last line is cut short ({reason}): {quote(text.strip())}",
                is_left_out=True,
            )
        )
