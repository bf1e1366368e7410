"""What a reader gives back that reads a whole file at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns, Problem


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of a file in our columns.

    Attributes:
        columns: The frames.
        channel_names: The file's own name of each channel number.
        zero_utc_us: The file's time 0 in UTC, Unix microseconds; None if unknown.
        start_text: The start as the file writes it.
        problems: What the reader saw.
    """

    columns: Columns
    channel_names: tuple[str, ...]
    zero_utc_us: int | None = None
    start_text: str | None = None
    problems: list[Problem] = field(default_factory=list)

    def as_blocks(self, facts: Facts) -> Iterator[Columns]:
        """Yield all frames as one block and fill in the facts."""
        facts.channel_names = self.channel_names
        facts.zero_utc_us = self.zero_utc_us
        facts.start_text = self.start_text
        facts.problems += self.problems
        left_out = sum(problem.count for problem in self.problems if problem.is_left_out)
        facts.met = facts.careful = len(self.columns.time_us) + left_out
        yield self.columns
