"""Channel numbers from 0, and the names that the file gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.errors import TraceError
from d7xr.trace.lines import UnreadableLineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.trace.facts import Facts
    from d7xr.trace.model import Columns

_MOST: Final = 256


def numbered(
    raw: Sequence[int] | NDArray[np.integer], path: Path
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Turn a file's channel numbers into ours.

    Files count from 1; a file that uses channel 0 counts from 0 and keeps its numbers.

    Args:
        raw: Number of each row as the file has it, shape ``(n,)``.
        path: The file, for the message.

    Returns:
        Channel of each row from 0, uint8, shape ``(n,)``, and the name of each number in the file.

    Raises:
        TraceError: If a number is too large to be a channel.
    """
    number = np.asarray(raw, dtype=np.int64)
    first = 0 if number.size and int(number.min()) == 0 else 1
    last = int(number.max()) if number.size else 0
    if last - first >= _MOST:
        row = int(number.argmax()) + 1
        raise TraceError(
            f"{path}: channel {last} in frame {row} is not plausible",
            hint="the file is damaged: record or copy it again",
        )
    names = tuple(str(name) for name in range(first, last + 1))
    return (number - first).astype(np.uint8), names


@dataclass(slots=True)
class Numbering:
    """Channel numbers as a file has them, by blocks.

    Files count from 1; one that uses channel 0 counts from 0. That shows at the latest when such a
    frame comes, so `Facts.first_channel` may fall from 1 to 0.

    Attributes:
        facts: Told after each block.
    """

    facts: Facts
    _last: int = 0

    def __post_init__(self) -> None:
        """Begin before the first frame."""
        self.facts.first_channel = 1

    def see(self, columns: Columns) -> Columns:
        """Note the channels of a block, and return it."""
        facts = self.facts
        self._last = max(self._last, int(columns.channel.max(initial=0)))
        if facts.first_channel and not columns.channel.all():
            facts.first_channel = 0
        if len(facts.channel_names) != self._last - facts.first_channel + 1:
            numbers = range(facts.first_channel, self._last + 1)
            facts.channel_names = tuple(str(number) for number in numbers)
        return columns


def channel_of(digits: str) -> int:
    """Return the number of a channel as a line has it.

    Raises:
        UnreadableLineError: If it is too large to be one.
    """
    number = int(digits)
    if number >= _MOST:
        raise UnreadableLineError(f"channel {number} is not plausible")
    return number
