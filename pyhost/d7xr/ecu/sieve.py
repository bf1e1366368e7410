"""Which rows of a trace the unit is fed, and why not the others, in one pass through C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from d7xr.ecu.core import ffi, lib
from d7xr.frames import FRAME_DTYPE, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class ChannelRows(Rows, Protocol):
    """Rows of a trace, with the channel of each."""

    @property
    def channel(self) -> NDArray[np.uint8]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Sieved:
    """Frames of one block, in buffers that the next block overwrites.

    Attributes:
        frame: ``FRAME_DTYPE``, shape ``(n,)``.
        time_us: Time of each, int64, never decreasing; a stamp that steps back counts as the
            largest so far.
        tick: Milliseconds from the first classic frame of the channel, int64.
    """

    frame: NDArray[np.void]
    time_us: NDArray[np.int64]
    tick: NDArray[np.int64]


class Sieve:
    """Blocks of a trace in, the unit's frames out; nothing is left out without being counted.

    Args:
        fates: Why a frame of an identifier is not fed: ``fed``, ``sent_by_unit`` or ``stepping``;
            any other identifier is ``unknown_id``. None feeds every classic data frame.
        channel: The channel that is fed; None where the trace has but one.
        longest_gap_us: A longer silence stops the sieve.
    """

    def __init__(
        self, fates: Mapping[int, str] | None, channel: int | None, longest_gap_us: int
    ) -> None:
        """Make the C struct; buffers come with the first block."""
        self._c = ffi.new("feed_t *")
        self._names = {
            "fed": lib.FEED_FED,
            "other_channel": lib.FEED_OTHER_CHANNEL,
            "error_frame": lib.FEED_ERROR_FRAME,
            "remote_frame": lib.FEED_REMOTE_FRAME,
            "fd_frame": lib.FEED_FD_FRAME,
            "sent_by_unit": lib.FEED_SENT_BY_UNIT,
            "stepping": lib.FEED_STEPPING,
            "unknown_id": lib.FEED_UNKNOWN_ID,
        }
        self._fate_of = np.full(lib.FEED_BASE_IDS, lib.FEED_UNKNOWN_ID, dtype=np.uint8)
        for identifier, fate in (fates or {}).items():
            self._fate_of[identifier] = self._names[fate]
        self._alive: dict[str, Any] = {"fate_of": ffi.from_buffer("uint8_t[]", self._fate_of)}
        self._c.fate_of = ffi.NULL if fates is None else self._alive["fate_of"]
        self._c.channel = lib.FEED_ANY_CHANNEL if channel is None else channel
        self._c.longest_gap_us = longest_gap_us
        self._make_room(0)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels that had a row so far, ascending."""
        return tuple(n for n, seen in enumerate(bytes(ffi.buffer(self._c.is_seen))) if seen)

    @property
    def left_out(self) -> dict[str, int]:
        """Why rows were not fed so far -> how many; zeros are left out."""
        return {
            name: int(self._c.count[number])
            for name, number in self._names.items()
            if name != "fed" and self._c.count[number]
        }

    @property
    def fed(self) -> int:
        """Frames that came out so far."""
        return int(self._c.count[lib.FEED_FED])

    @property
    def chosen(self) -> int:
        """Classic data frames of the channel so far, whether the unit knows them or not."""
        return int(self._c.chosen)

    @property
    def first_us(self) -> int:
        """Time of the first of them."""
        return int(self._c.first_us)

    @property
    def latest_us(self) -> int:
        """The largest time of them so far."""
        return int(self._c.latest_us)

    @property
    def gap_us(self) -> int:
        """The silence that was too long, or 0."""
        return int(self._c.gap_us)

    def take(self, rows: ChannelRows) -> Sieved:
        """Take a block. With a silence that is too long it ends before that; see `gap_us`."""
        count = int(rows.time_us.shape[0])
        if count > self._room:
            self._make_room(count)
        columns = (
            ("time_us", "int64_t[]", np.ascontiguousarray(rows.time_us, dtype=np.int64)),
            ("id", "uint32_t[]", np.ascontiguousarray(rows.id, dtype=np.uint32)),
            ("channel", "uint8_t[]", np.ascontiguousarray(rows.channel, dtype=np.uint8)),
            ("flags", "uint8_t[]", np.ascontiguousarray(rows.flags, dtype=np.uint8)),
            ("length", "uint8_t[]", np.ascontiguousarray(rows.length, dtype=np.uint8)),
            ("data", "uint8_t[]", np.ascontiguousarray(rows.data, dtype=np.uint8)),
        )
        views = {name: ffi.from_buffer(ctype, column) for name, ctype, column in columns}
        block = ffi.new("feed_rows_t *", {**views, "data_width": rows.data.shape[1], "rows": count})
        lib.feed_take(self._c, block)
        frames = int(self._c.frames)
        return Sieved(self._frame[:frames], self._frame_us[:frames], self._frame_tick[:frames])

    def _make_room(self, count: int) -> None:
        self._room = count
        self._frame = np.empty(count, dtype=FRAME_DTYPE)
        self._frame_us = np.empty(count, dtype=np.int64)
        self._frame_tick = np.empty(count, dtype=np.int64)
        self._alive["frame"] = ffi.from_buffer("can_frame_t[]", self._frame)
        self._alive["frame_us"] = ffi.from_buffer("int64_t[]", self._frame_us)
        self._alive["frame_tick"] = ffi.from_buffer("int64_t[]", self._frame_tick)
        self._c.frame = self._alive["frame"]
        self._c.frame_us = self._alive["frame_us"]
        self._c.frame_tick = self._alive["frame_tick"]
