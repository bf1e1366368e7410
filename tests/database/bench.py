"""Frames out of nothing, and cantools as the measure of what they say."""

import random
from collections.abc import Iterable
from pathlib import Path

import cantools.database
import numpy as np
from cantools.database.can import Database as CantoolsDatabase
from cantools.database.can import Message as CantoolsMessage
from cantools.database.can import Signal as CantoolsSignal

from d7xr.database import Column, Database
from d7xr.frames import FRAME_DTYPE, FRAME_EXTENDED, Frames


def frames_of(rows: Iterable[tuple[int, int, bytes]], *, is_extended: bool = False) -> Frames:
    """Return frames of (time in microseconds, identifier, payload)."""
    rows = list(rows)
    frame = np.zeros(len(rows), dtype=FRAME_DTYPE)
    frame["id"] = [identifier for _, identifier, _ in rows]
    frame["length"] = [len(data) for _, _, data in rows]
    frame["flags"] = FRAME_EXTENDED if is_extended else 0
    data = b"".join(data.ljust(8, b"\xa5") for _, _, data in rows)  # what follows is not payload
    frame["data"] = np.frombuffer(data, dtype=np.uint8).reshape(-1, 8)
    return Frames(np.array([time_us for time_us, _, _ in rows], dtype=np.int64), frame)


def candump(path: Path) -> list[tuple[int, int, bytes]]:
    """Return (time in microseconds, identifier, payload) of a candump log."""
    rows = []
    for line in path.read_text().splitlines():
        stamp, _, frame = line.split()[:3]
        identifier, data = frame.split("#")
        rows.append(
            (round(float(stamp.strip("()")) * 1e6), int(identifier, 16), bytes.fromhex(data))
        )
    return rows


def cantools_database(content: bytes, *, is_strict: bool = True) -> CantoolsDatabase:
    text = content.decode("utf-8-sig", errors="replace")
    database = cantools.database.load_string(text, database_format="dbc", strict=is_strict)
    assert isinstance(database, CantoolsDatabase)
    return database


def place(payload: bytearray, signal: CantoolsSignal, raw: int) -> None:
    """Write a raw value into a payload bit by bit, as far as the payload goes."""
    for nth in range(signal.length):
        if signal.byte_order == "little_endian":
            byte, bit = divmod(signal.start + nth, 8)
        else:
            first = 8 * (signal.start // 8) + 7 - signal.start % 8
            byte, from_top = divmod(first + signal.length - 1 - nth, 8)
            bit = 7 - from_top
        if byte < len(payload):
            payload[byte] = payload[byte] & ~(1 << bit) | (((raw >> nth) & 1) << bit)


def random_payloads(rng: random.Random, message: CantoolsMessage, count: int) -> list[bytes]:
    """Return payloads of a message; the multiplexers of most of them select something."""
    payloads = []
    for _ in range(count):
        data = bytearray(rng.randbytes(min(message.length, 8)))
        for signal in message.signals:
            if signal.multiplexer_signal and signal.multiplexer_ids and rng.random() < 0.6:
                selector = message.get_signal_by_name(signal.multiplexer_signal)
                place(data, selector, rng.choice(signal.multiplexer_ids))
        payloads.append(bytes(data))
    return payloads


def measured(message: CantoolsMessage, data: bytes) -> dict[str, float]:
    """Return what cantools reads in a payload that may be too short."""
    decoded = message.decode_simple(data, decode_choices=False, allow_truncated=True)
    return {name: float(value) for name, value in decoded.items()}  # type: ignore[arg-type]


def by_frame(column: Column) -> dict[int, float]:
    """Return values by the time of their frame, those that do not fit left out."""
    is_number = ~np.isnan(column.values) | column.valid
    return dict(
        zip(column.time_us[is_number].tolist(), column.values[is_number].tolist(), strict=True)
    )


def signal_dbc(definition: str, *, length: int = 8, extra: str = "") -> bytes:
    """Return a DBC of one message, 0x123, of the given ``SG_`` lines."""
    return f'VERSION ""\nBU_: X\nBO_ 291 M: {length} X\n{definition}\n\n{extra}\n'.encode()


def parsed(content: bytes, *, is_own: bool = False) -> Database:
    return Database.parse(content, Path("test.dbc"), is_own=is_own)
