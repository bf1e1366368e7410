"""The compiled firmware, and what all who touch it share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from d7xr import _core
from d7xr.frames import FRAME_DTYPE

ffi: Final = _core.ffi
lib: Final = _core.lib

DTYPE_OF: Final = {"float": "<f4", "uint32_t": "<u4", "uint16_t": "<u2", "uint8_t": "u1"}
"""Types that state and calibration are made of."""


def text_of(pointer: Any) -> str:  # noqa: ANN401 - a cffi string has no type
    """Return a string of the firmware's tables."""
    return str(ffi.string(pointer).decode("ascii"))


def extension_digest() -> str:
    """Return a hash of the compiled extension: unit, simulated car and readers of tables alike."""
    import hashlib

    return hashlib.sha256(Path(_core.__file__).read_bytes()).hexdigest()[:16]


def camel(name: str) -> str:
    """Return a name of C as the bus spells it."""
    return "".join(word.capitalize() for word in name.split("_"))


if ffi.sizeof("can_frame_t") != FRAME_DTYPE.itemsize:  # pragma: no cover - a broken build
    raise ImportError("the compiled core has another frame layout; build it again: make setup")
