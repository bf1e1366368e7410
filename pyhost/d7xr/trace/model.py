"""What a trace is once read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.errors import UsageError
from d7xr.frames import (
    FRAME_DTYPE,
    FRAME_ERROR,
    FRAME_FD,
    FRAME_REMOTE,
    Frames,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_NOT_CLASSIC_DATA: Final = FRAME_ERROR | FRAME_REMOTE | FRAME_FD

_FIRST_OF_1990_US: Final = 631_152_000_000_000
"""A clock before CAN was in cars was never set: it counts from power-on."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a reader saw that its user should know.

    Attributes:
        kind: Stable word, for example ``backward_time`` or ``cut_short``.
        count: How often it was met.
        place: Where it was met first: ``line 7``, ``object 3``, ``frame 12`` (all counted from 1).
        text: One sentence for people.
        is_left_out: Whether the counted records are missing from the columns.
    """

    kind: str
    count: int
    place: str
    text: str
    is_left_out: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Records of a trace, one row each, in the order of the file.

    Attributes:
        time_us: int64, shape ``(n,)``, as recorded.
        channel: uint8, shape ``(n,)``, from 0.
        id: uint32, shape ``(n,)``, without flag bits; the error class for an error frame.
        flags: uint8, shape ``(n,)``, ``FRAME_*`` of `d7xr.frames`; for an error frame no other.
        length: uint8, shape ``(n,)``, bytes of data; the requested length for a remote frame.
        data: uint8, shape ``(n, 8)``, ``(n, 64)`` when a frame is longer; zero after the end.
    """

    time_us: NDArray[np.int64]
    channel: NDArray[np.uint8]
    id: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    length: NDArray[np.uint8]
    data: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Refuse columns of different lengths: a reader has lost or invented a frame."""
        columns = (self.time_us, self.channel, self.id, self.flags, self.length, self.data)
        lengths = [column.shape[0] for column in columns]
        if len(set(lengths)) != 1:
            raise ValueError(f"columns of different lengths: {lengths}")

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Columns:
        """Return the chosen rows."""
        return Columns(
            self.time_us[rows],
            self.channel[rows],
            self.id[rows],
            self.flags[rows],
            self.length[rows],
            self.data[rows],
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded trace: columns with one row per frame, in the order of the file.

    Rows of all kinds are here, told apart by ``flags``. Columns are read-only.

    Attributes:
        source: The file.
        format: Name of its format, one of `FORMATS`.
        time_us: int64, shape ``(n,)``, as recorded; may step backward.
        channel: uint8, shape ``(n,)``, from 0.
        id: uint32, shape ``(n,)``, without flag bits; the error class for an error frame.
        flags: uint8, shape ``(n,)``, ``FRAME_*`` of `d7xr.frames`; for an error frame no other.
        length: uint8, shape ``(n,)``, bytes of data; the requested length for a remote frame.
        data: uint8, shape ``(n, 8)``, or ``(n, 64)`` when a frame is longer.
        channel_names: The file's own name of each channel number; an unused number has one too.
        start_utc_us: The first row in UTC, Unix microseconds; None where the file does not say.
        start_text: The start as the file writes it; None where it writes none.
        problems: What the reader saw.
    """

    source: Path
    format: str
    time_us: NDArray[np.int64]
    channel: NDArray[np.uint8]
    id: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    length: NDArray[np.uint8]
    data: NDArray[np.uint8]
    channel_names: tuple[str, ...]
    start_utc_us: int | None
    start_text: str | None
    problems: tuple[Problem, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.time_us.shape[0])

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels that have at least one row, ascending."""
        return tuple(int(number) for number in np.unique(self.channel))

    @property
    def records(self) -> int:
        """Records met in the file: the rows and all that a problem counts as left out."""
        return len(self) + sum(p.count for p in self.problems if p.is_left_out)

    @property
    def duration_us(self) -> int:
        """Time from the first row to the latest stamp, in microseconds; 0 without rows."""
        return int(self.time_us.max() - self.time_us[0]) if len(self) else 0

    def frames(self, channel: int | None = None) -> Frames:
        """Return the classic data frames of one channel, ready to be replayed.

        A stamp that steps backward is delivered at the largest time so far of the chosen frames;
        the order of the file is kept. What is left out is told by `left_out`.

        Args:
            channel: Channel from 0; may be None when the trace has one.

        Raises:
            UsageError: If the trace has several channels and none is chosen, or lacks the chosen.

        Example:
            >>> frames = read_trace(Path("drive.log")).frames()
            >>> bool((frames.time_us[1:] >= frames.time_us[:-1]).all())
            True
        """
        rows = self._rows_of(channel) & ((self.flags & _NOT_CLASSIC_DATA) == 0)
        frame = np.zeros(int(rows.sum()), dtype=FRAME_DTYPE)
        frame["id"] = self.id[rows]
        frame["length"] = self.length[rows]
        frame["flags"] = self.flags[rows]
        frame["data"] = self.data[rows, :8]
        return Frames(np.maximum.accumulate(self.time_us[rows]), frame)

    def left_out(self, channel: int | None = None) -> tuple[Problem, ...]:
        """Count the rows that `frames` leaves out, by kind.

        Args:
            channel: As for `frames`.

        Returns:
            One problem per kind that occurs, so that ``len(frames(c))`` and these counts make up
            ``len(trace)``.

        Raises:
            UsageError: As for `frames`.
        """
        mine = self._rows_of(channel)
        is_error = mine & ((self.flags & FRAME_ERROR) != 0)
        is_remote = mine & ~is_error & ((self.flags & FRAME_REMOTE) != 0)
        is_fd = mine & ~is_error & ~is_remote & ((self.flags & FRAME_FD) != 0)
        kinds = {
            "other_channel": (~mine, "frames of other channels"),
            "error_frame": (is_error, "error frames"),
            "remote_frame": (is_remote, "remote frames"),
            "fd_frame": (is_fd, "CAN FD frames"),
        }
        return tuple(
            Problem(kind, int(rows.sum()), _first(rows), text, is_left_out=True)
            for kind, (rows, text) in kinds.items()
            if rows.any()
        )

    def only(self, channel: int) -> Trace:
        """Return the trace of one channel, the rest counted as left out.

        Raises:
            UsageError: If the trace lacks the channel.
        """
        rows = self._rows_of(channel)
        others = int((~rows).sum())
        if not others:
            return self
        text = "frames of other channels"
        told = Problem("other_channel", others, _first(~rows), text, is_left_out=True)
        shift_us = int(self.time_us[rows][0] - self.time_us[0])
        return replace(
            self,
            time_us=self.time_us[rows],
            channel=self.channel[rows],
            id=self.id[rows],
            flags=self.flags[rows],
            length=self.length[rows],
            data=self.data[rows],
            start_utc_us=None if self.start_utc_us is None else self.start_utc_us + shift_us,
            problems=(*self.problems, told),
        )

    def _rows_of(self, channel: int | None) -> NDArray[np.bool_]:
        """Return the mask of a channel's rows; refuse to guess which channel is meant."""
        refuse_channels(self.source, channel, self.channels, self.channel_names)
        if channel is None:
            return np.ones(len(self), dtype=np.bool_)
        return np.equal(self.channel, channel)


def refuse_channels(
    source: Path, channel: int | None, present: Sequence[int], names: Sequence[str]
) -> None:
    """Refuse to guess which channel is meant, or to take one that is not there.

    Args:
        source: The file.
        channel: The one that is asked for, from 0; None takes the only one.
        present: Channels that have a row, ascending.
        names: The file's own name of each channel number.

    Raises:
        UsageError: Several are there and none is asked for, or the one that is is not there.
    """
    spelt = ", ".join(f"{number} ({names[number]})" for number in present)
    if channel is None and len(present) > 1:
        raise UsageError(
            f"{source}: has {len(present)} channels: {spelt}",
            hint=f"choose one, for example `--channel {present[0]}`",
        )
    if channel is not None and channel not in present:
        raise UsageError(
            f"{source}: has no channel {channel}, but {spelt}",
            hint="channels are numbered from 0, in the order shown by `d7xr info`",
        )


def _first(rows: NDArray[np.bool_]) -> str:
    """Return the place of the first row of a mask."""
    return f"frame {int(rows.argmax()) + 1}"


def utc_if_set(unix_us: int) -> int | None:
    """Return a Unix time in microseconds, or None if the clock it came from was never set."""
    return unix_us if unix_us >= _FIRST_OF_1990_US else None
