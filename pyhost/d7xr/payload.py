"""Bits of CAN payloads, column-wise: one integer per frame, out of many frames at once.

A payload is a row of at least eight bytes, whatever the length of its frame. A signal has
``start``, the bit number that its DBC gives (least significant bit for Intel order, most
significant for Motorola), and ``length``, its width in bits.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

PAYLOAD_BITS: Final = 64
"""Bits that a classic CAN frame can carry, and that a signal can have."""

FLOAT_TYPES: Final = {16: ("<u2", "<f2"), 32: ("<u4", "<f4"), 64: ("<u8", "<f8")}
"""Width of a float in bits -> the integer and the number of that width."""


def first_bit(start: int, *, is_big_endian: bool) -> int:
    """Return the position of a signal's first bit, counted in the order of its own byte order.

    Intel counts from the low bit of each byte, Motorola from the high bit, so that in both a signal
    takes the bits ``first_bit`` to ``first_bit + length - 1`` and fits a payload of ``n`` bytes
    when ``first_bit + length <= 8 * n``.
    """
    return 8 * (start // 8) + 7 - start % 8 if is_big_endian else start


def extract(
    payload: NDArray[np.uint8], start: int, length: int, *, is_big_endian: bool
) -> NDArray[np.uint64]:
    """Take one unsigned field out of every payload.

    Args:
        payload: Payloads, shape ``(n, width)``.
        start: Bit number by the DBC.
        length: Width in bits, 1 to 64; the field must lie within the payload.
        is_big_endian: Motorola order.

    Returns:
        The field's bits as integers, shape ``(n,)``.
    """
    at = _Window.of(payload, start, length, is_big_endian=is_big_endian)
    word = np.ascontiguousarray(payload[:, at.byte : at.byte + 8]).view(at.order)[:, 0]
    word = word.astype(np.uint64)
    if at.over > 0:  # a ninth byte
        ninth = payload[:, at.byte + 8].astype(np.uint64)
        if is_big_endian:
            word = (word << np.uint64(at.over)) | (ninth >> np.uint64(8 - at.over))
        else:
            word = (word >> np.uint64(at.bit)) | (ninth << np.uint64(PAYLOAD_BITS - at.bit))
    else:
        word = word >> np.uint64(-at.over if is_big_endian else at.bit)
    return word & np.uint64(_mask(length))


def place(
    payload: NDArray[np.uint8],
    raw: NDArray[np.int64] | NDArray[np.uint64],
    start: int,
    length: int,
    *,
    is_big_endian: bool,
) -> None:
    """Put one field into every payload, where zeros are now.

    Args:
        payload: Payloads, shape ``(n, width)``; written to.
        raw: Values, shape ``(n,)``; negative ones as two's complement.
        start: Bit number by the DBC.
        length: Width in bits, 1 to 64; the field must lie within the payload.
        is_big_endian: Motorola order.
    """
    at = _Window.of(payload, start, length, is_big_endian=is_big_endian)
    field = raw.astype(np.uint64) & np.uint64(_mask(length))
    if at.over > 0:
        if is_big_endian:
            ninth = (field << np.uint64(8 - at.over)) & np.uint64(0xFF)
            word = field >> np.uint64(at.over)
        else:
            ninth = field >> np.uint64(PAYLOAD_BITS - at.bit)
            word = field << np.uint64(at.bit)
        payload[:, at.byte + 8] |= ninth.astype(np.uint8)
    else:
        word = field << np.uint64(-at.over if is_big_endian else at.bit)
    payload[:, at.byte : at.byte + 8] |= word.astype(at.order).view(np.uint8).reshape(-1, 8)


class _Window(NamedTuple):
    """The eight bytes in which a field lies, or begins.

    Attributes:
        byte: First of them.
        bit: First bit of the field in them, in the order of its own byte order.
        over: Bits of the field that lie behind them; as a negative number, bits that are left.
        order: The integer that they are.
    """

    byte: int
    bit: int
    over: int
    order: str

    @classmethod
    def of(
        cls, payload: NDArray[np.uint8], start: int, length: int, *, is_big_endian: bool
    ) -> "_Window":
        first = first_bit(start, is_big_endian=is_big_endian)
        byte = min(first // 8, payload.shape[1] - 8)
        bit = first - 8 * byte
        return cls(byte, bit, bit + length - PAYLOAD_BITS, ">u8" if is_big_endian else "<u8")


def signed(field: NDArray[np.uint64], length: int) -> NDArray[np.int64]:
    """Read unsigned fields of ``length`` bits as two's complement."""
    shift = np.int64(PAYLOAD_BITS - length)
    return (field.astype(np.int64) << shift) >> shift


def floating(field: NDArray[np.uint64], length: int) -> NDArray[np.float64]:
    """Read unsigned fields of 16, 32 or 64 bits as IEEE 754 numbers."""
    integer, real = FLOAT_TYPES[length]
    with np.errstate(invalid="ignore"):  # a signalling NaN stays a NaN
        return field.astype(integer).view(real).astype(np.float64)


def _mask(length: int) -> int:
    return (1 << length) - 1


def _crc8_table(polynomial: int) -> NDArray[np.uint8]:
    def entry(crc: int) -> int:
        for _ in range(8):
            crc = ((crc << 1) ^ polynomial if crc & 0x80 else crc << 1) & 0xFF
        return crc

    return np.array([entry(byte) for byte in range(256)], dtype=np.uint8)


_J1850_TABLE: Final = _crc8_table(0x1D)


def crc8_j1850(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the CRC-8 SAE J1850 of every row.

    Polynomial 0x1D, start value 0xFF, final exclusive-or 0xFF, no reflection.

    Args:
        data: Bytes in the order in which they enter the CRC, shape ``(n, k)``.

    Returns:
        Checksums, shape ``(n,)``.

    Example:
        >>> hex(crc8_j1850(np.frombuffer(b"123456789", dtype=np.uint8)[np.newaxis])[0])
        '0x4b'
    """
    crc = np.full(data.shape[0], 0xFF, dtype=np.uint8)
    for column in data.T:
        crc = _J1850_TABLE[crc ^ column]
    return crc ^ np.uint8(0xFF)
