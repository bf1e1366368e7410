"""What a format's reader gives back, before it becomes a `Trace`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
