"""What a reader learns of a file beside its frames; complete when the last block is out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from d7xr.trace.model import Problem


@dataclass(slots=True)
class Facts:
    """What is known of a file so far. A reader fills it while it gives blocks.

    Attributes:
        channel_names: The file's own name of each channel, from `first_channel` on.
        first_channel: The number in the blocks that is our channel 0.
        zero_utc_us: The file's time 0 in UTC, Unix microseconds; None if unknown.
        start_text: The start as the file writes it.
        problems: What the reader saw.
        met: Records met: lines of a text, objects of a binary file.
        plain: Records that are understood and hold nothing to deliver: headers, comments, padding.
        careful: Records that the native reader was not sure about and left to the careful path.
    """

    channel_names: tuple[str, ...] = ()
    first_channel: int = 0
    zero_utc_us: int | None = None
    start_text: str | None = None
    problems: list[Problem] = field(default_factory=list)
    met: int = 0
    plain: int = 0
    careful: int = 0
