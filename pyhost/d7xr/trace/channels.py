"""Channel numbers from 0, and the names that the file gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.errors import TraceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

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


def named(names: Sequence[str], rows: Sequence[int], path: Path) -> NDArray[np.uint8]:
    """Return the channel of each row where a file names its channels.

    Args:
        names: Names by first appearance.
        rows: Index into ``names`` for each row.
        path: The file, for the message.

    Raises:
        TraceError: If there are more names than channel numbers.
    """
    if len(names) > _MOST:
        raise TraceError(
            f"{path}: names {len(names)} interfaces, at most {_MOST} are possible",
            hint="the file is damaged: record or copy it again",
        )
    return np.array(rows, dtype=np.uint8)
