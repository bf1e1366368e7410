"""Frames of the vehicle bus, made by cantools and by a checksum of its own: not by our code."""

from functools import cache
from typing import Any

import cantools
from cantools.database.can import Database, Message, Signal

from d7xr.database import own_dbc_path

NOT_AVAILABLE = "NotAvailable"


@cache
def bus() -> Database:
    """Return our bus as cantools reads it."""
    database = cantools.database.load_file(own_dbc_path(), strict=True)
    assert isinstance(database, Database)
    return database


def crc8_j1850(data: bytes) -> int:
    """Return the CRC-8 of SAE J1850 bit by bit, from its definition: poly 0x1D, both ends 0xFF."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1D) & 0xFF if crc & 0x80 else (crc << 1) & 0xFF
    return crc ^ 0xFF


def is_protected(message: Message) -> bool:
    """Tell whether a message carries a counter and a checksum."""
    return any(signal.name == f"{message.name}_Crc" for signal in message.signals)


def decoded(message: Message, data: bytes, *, scaled: bool = True) -> dict[str, float]:
    """Decode a frame with cantools to numbers: physical ones, or raw ones."""
    found = message.decode(data, scaling=scaled, decode_choices=False)
    assert isinstance(found, dict)
    return {name: float(str(value)) for name, value in found.items()}


def codes(signal: Signal) -> dict[int, str]:
    """Return the texts of a signal by raw value; none for a plain quantity."""
    return {int(raw): str(text) for raw, text in (signal.choices or {}).items()}


def values(message: Message) -> list[Signal]:
    """Return the signals of a message but counter and checksum."""
    return [s for s in message.signals if not s.name.endswith(("_Ctr", "_Crc"))]


def received() -> list[Message]:
    """Return the messages that the unit listens to, Sync left out: that one is the link's."""
    return [m for m in bus().messages if m.senders != ["VCU"] and m.cycle_time]


def sent() -> list[Message]:
    """Return the messages that the unit sends."""
    return [m for m in bus().messages if m.senders == ["VCU"] and m.cycle_time]


def finish(message: Message, data: bytes, counter: int) -> bytes:
    """Write counter and checksum into a frame of a protected message."""
    if not is_protected(message):
        return data
    body = bytearray(data[:7])
    body[6] = (body[6] & 0x0F) | (counter << 4)
    identifier = bytes([message.frame_id & 0xFF, message.frame_id >> 8])
    return bytes(body) + bytes([crc8_j1850(bytes(body) + identifier)])


def encode(message: Message, counter: int, **signals: Any) -> bytes:  # noqa: ANN401
    """Encode a frame with cantools; what is not named is in the middle of its range."""
    levels: dict[str, Any] = {}
    for signal in message.signals:
        if signal.choices:
            levels[signal.name] = 1
        else:
            levels[signal.name] = (float(signal.minimum or 0) + float(signal.maximum or 0)) / 2.0
    levels.update(signals)
    for name in (f"{message.name}_Ctr", f"{message.name}_Crc"):
        if is_protected(message):
            levels[name] = 0
    return finish(message, message.encode(levels, strict=False), counter)
