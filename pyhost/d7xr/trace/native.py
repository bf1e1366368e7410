"""The compiled readers of `pyhost/native/trace`: rows that they fill, and what stopped them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from d7xr._trace import ffi, lib
from d7xr.trace.model import Columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSIC_BYTES: Final[int] = lib.TRACE_CLASSIC_BYTES
FD_BYTES: Final[int] = lib.TRACE_FD_BYTES
SLACK_BYTES: Final[int] = lib.TRACE_SLACK_BYTES

HUNGRY: Final[int] = lib.TRACE_STOP_HUNGRY
FULL: Final[int] = lib.TRACE_STOP_FULL
NARROW: Final[int] = lib.TRACE_STOP_NARROW
DOUBT: Final[int] = lib.TRACE_STOP_DOUBT

CHANNELS: Final = 256
"""As many as a column can number."""

ROWS: Final = 8_192
"""Frames in a block: large enough that Python costs nothing, small enough for a cache."""


class Row(NamedTuple):
    """One frame, as a careful path reads it. Members are those of `Columns`."""

    time_us: int
    channel: int
    id: int
    flags: int
    length: int
    data: bytes


class Block:
    """Rows that a native reader fills, and a careful path between its calls.

    Args:
        width: Bytes of data in a row, `CLASSIC_BYTES` or `FD_BYTES`.

    Attributes:
        struct: The ``trace_columns_t *`` for a native reader.
        width: As given.
    """

    __slots__ = ("_channel", "_data", "_flags", "_id", "_length", "_time_us", "struct", "width")

    def __init__(self, width: int = CLASSIC_BYTES) -> None:
        """Make room for `ROWS` rows."""
        self.width = width
        self._time_us = np.empty(ROWS, dtype=np.int64)
        self._id = np.empty(ROWS, dtype=np.uint32)
        self._channel = np.empty(ROWS, dtype=np.uint8)
        self._flags = np.empty(ROWS, dtype=np.uint8)
        self._length = np.empty(ROWS, dtype=np.uint8)
        self._data = np.empty((ROWS, width), dtype=np.uint8)
        self.struct: Any = ffi.new(
            "trace_columns_t *",
            {
                "time_us": _pointer("int64_t *", self._time_us),
                "id": _pointer("uint32_t *", self._id),
                "channel": _pointer("uint8_t *", self._channel),
                "flags": _pointer("uint8_t *", self._flags),
                "length": _pointer("uint8_t *", self._length),
                "data": _pointer("uint8_t *", self._data),
                "data_width": width,
                "capacity": ROWS,
            },
        )

    @property
    def rows(self) -> int:
        """Rows that are filled."""
        return int(self.struct.rows)

    def takes(self, row: Row) -> bool:
        """Say whether there is a row left, and it is wide enough."""
        return self.rows < ROWS and len(row.data) <= self.width

    def append(self, row: Row) -> None:
        """Fill the next row."""
        number = self.rows
        self._time_us[number] = row.time_us
        self._id[number] = row.id
        self._channel[number] = row.channel
        self._flags[number] = row.flags
        self._length[number] = row.length
        self._data[number] = np.frombuffer(row.data.ljust(self.width, b"\0"), dtype=np.uint8)
        self.struct.rows = number + 1

    def columns(self) -> Columns:
        """Return the filled rows; they stay valid, so a block is filled once."""
        rows = self.rows
        return Columns(
            self._time_us[:rows],
            self._channel[:rows],
            self._id[:rows],
            self._flags[:rows],
            self._length[:rows],
            self._data[:rows],
        )


def _pointer(kind: str, column: NDArray[Any]) -> Any:  # noqa: ANN401 - cffi has no types
    return ffi.cast(kind, ffi.from_buffer(column))
