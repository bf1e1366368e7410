"""Recordings as plain binary columns, written while the run goes on: any length, any rate.

``columns/states_<rate>Hz.npy`` is a numpy file of one row per sample: ``time_us`` from tick 0, then
each recorded state by its C path, in 32 bits. ``columns/sent.npy`` holds the frames that the unit
sent. ``columns/columns.json`` says unit, meaning and words of each state. To read a column without
reading the rest::

    np.load("columns/states_1000Hz.npy", mmap_mode="r")["torque.granted_Nm"]
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.ecu import SENT_DTYPE, packed_rows, packed_sent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.ecu import Field, Stretch

FOLDER: Final = "columns"
_MAGIC: Final = b"\x93NUMPY\x02\x00"
_ALIGNMENT: Final = 64


class Columns:
    """Writes what a run records, stretch by stretch.

    Attributes:
        paths: The files, in order.
    """

    def __init__(self, folder: Path, fields: Sequence[Field], rate_hz: int) -> None:
        """Begin the files.

        Raises:
            OSError: The folder cannot be written.
        """
        target = folder / FOLDER
        target.mkdir()
        states = [("time_us", "<i8"), *((f.name, _type_of(f)) for f in fields)]
        self._states = _Table(target / f"states_{rate_hz}Hz.npy", np.dtype(states))
        self._sent = _Table(target / "sent.npy", SENT_DTYPE)
        about = target / "columns.json"
        told = {
            f.name: {
                "unit": f.unit,
                "meaning": f.meaning,
                "words": {str(code): word for code, word in (f.choices or {}).items()},
            }
            for f in fields
        }
        about.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        self.paths = (self._states.path, self._sent.path, about)

    def take(self, stretch: Stretch) -> None:
        """Append what a stretch gave."""
        self._states.append(packed_rows(stretch), len(stretch.tick))
        self._sent.append(packed_sent(stretch), len(stretch.sent))

    def close(self) -> None:
        """Say in each file how many rows it has."""
        self._states.close()
        self._sent.close()


class _Table:
    """A numpy file that grows by rows."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.path = path
        self._dtype = dtype
        self._rows = 0
        self._file = path.open("wb")
        self._file.write(self._header())

    def append(self, rows: NDArray[Any], count: int) -> None:
        self._file.write(np.ascontiguousarray(rows).data)
        self._rows += count

    def close(self) -> None:
        self._file.seek(0)
        self._file.write(self._header())
        self._file.close()

    def _header(self) -> bytes:
        """Return the header, as long for any number of rows."""
        described = {"descr": self._dtype.descr, "fortran_order": False, "shape": (self._rows,)}
        longest = len(repr(described)) - len(str(self._rows)) + 20
        size = len(_MAGIC) + 4 + longest + 1
        text = repr(described).ljust(longest + -size % _ALIGNMENT) + "\n"
        return _MAGIC + len(text).to_bytes(4, "little") + text.encode("latin-1")


def _type_of(field: Field) -> str:
    """Return the type of a state in the file: every value is one 32-bit word."""
    return "<f4" if field.ctype == "float" else "<u4"
