"""Deflated blocks of binary traces, inflated by the fastest library that is installed."""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Inflate = Callable[[Any, int], bytes | bytearray]

MOST_BYTES: Final = 1 << 28
"""Far above any block that a logger writes: a larger one is damage, or meant to fill the memory."""


class DamagedBlockError(Exception):
    """A block that does not inflate; its text is the reason."""


@cache
def _fast() -> Inflate | None:
    """Return libdeflate where the package ``deflate`` is installed: three times as fast as zlib."""
    try:
        import deflate
    except ImportError:
        return None
    inflate: Inflate = deflate.zlib_decompress
    return inflate


def inflated(packed: bytes | memoryview, size: int) -> tuple[bytes | bytearray, bool]:
    """Return what a zlib stream holds, and whether it is whole.

    The fast way takes a stream that is whole, has the announced size and the right checksum. All
    others go to zlib, which also gives what there is of a stream that ends too early.

    Args:
        packed: The stream; bytes behind it are left alone.
        size: How many bytes it is said to hold.

    Raises:
        DamagedBlockError: If it is no zlib stream, or damaged.
    """
    fast = _fast()
    if fast is not None and 0 < size <= MOST_BYTES:
        try:
            content = fast(packed, size)
        except Exception:  # noqa: BLE001 - whatever it is, zlib finds the words for it
            content = b""
        if len(content) == size:
            return content, True
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(packed, MOST_BYTES)
    except zlib.error as error:
        raise DamagedBlockError(str(error)) from error
    if inflater.unconsumed_tail:
        raise DamagedBlockError(f"more than {MOST_BYTES:,} bytes")
    return content, inflater.eof
