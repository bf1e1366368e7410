"""python-can's messages as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from d7xr.trace.model import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import can
    from numpy.typing import NDArray

_CLASSIC_BYTES: Final = 8
_FD_BYTES: Final = 64


def columns_of(messages: Iterable[can.Message]) -> Columns:
    """Collect messages as columns, in their order.

    Channels are left at 0: python-can drops or shifts some of them, so each reader sets its own.

    Args:
        messages: As a python-can reader gives them; time in seconds.

    Returns:
        Columns with time rounded to the nearest microsecond.
    """
    time_s: list[float] = []
    identifier: list[int] = []
    flags: list[int] = []
    length: list[int] = []
    payload: list[bytes | bytearray] = []
    for message in messages:
        data = message.data
        flag = FRAME_EXTENDED if message.is_extended_id else 0
        if message.is_remote_frame:
            flag |= FRAME_REMOTE
            size = min(message.dlc, _CLASSIC_BYTES)
            data = bytearray()
        else:
            size = len(data)
        if message.is_fd:
            flag |= FRAME_FD
        if message.is_error_frame:
            flag = FRAME_ERROR  # it has no identifier, so no width of one
        time_s.append(message.timestamp)
        identifier.append(message.arbitration_id)
        flags.append(flag)
        length.append(size)
        payload.append(data)
    return Columns(
        time_us=microseconds(time_s),
        channel=np.zeros(len(time_s), dtype=np.uint8),
        id=np.array(identifier, dtype=np.uint32),
        flags=np.array(flags, dtype=np.uint8),
        length=np.array(length, dtype=np.uint8),
        data=_padded(payload),
    )


def microseconds(time_s: Sequence[float] | NDArray[np.float64]) -> NDArray[np.int64]:
    """Round seconds to the nearest microsecond."""
    return np.rint(np.asarray(time_s, dtype=np.float64) * 1e6).astype(np.int64)


def _padded(payload: Sequence[bytes | bytearray]) -> NDArray[np.uint8]:
    """Return payloads as rows of 8 bytes, or of 64 when one is longer."""
    width = _CLASSIC_BYTES if max(map(len, payload), default=0) <= _CLASSIC_BYTES else _FD_BYTES
    joined = b"".join([data.ljust(width, b"\0") for data in payload])
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(payload), width)
