"""Recordings as CSV, one file per table, for a spreadsheet or a plotter that knows nothing else."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from d7xr.recording import tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.recording import Column, Group, Recording

_ROWS_PER_WRITE = 20_000


def write(recording: Recording, folder: Path) -> tuple[Path, ...]:
    r"""Write ``csv/<table>.csv``: header ``name [unit]``, ``time_s`` first, ``.`` and ``\n``.

    Enumerations are written as words; a sample that is not available leaves its cell empty. Floats
    have the fewest digits that read back as the same value.
    """
    target = folder / "csv"
    target.mkdir(exist_ok=True)
    paths: list[Path] = []
    for table, groups in tables(recording).items():
        columns = {name: c for group in groups for name, c in group.columns.items()}
        paths.append(_begin(target, table, columns))
        _append(paths[-1], groups[0].time_us, columns)
    return tuple(paths)


class Writer:
    """Writes the files of `write`, group after group, as far as each of them goes.

    Args:
        recording: Its groups without rows, each of a table of its own.
        folder: As for `write`.
    """

    def __init__(self, recording: Recording, folder: Path) -> None:
        """Write the headers."""
        target = folder / "csv"
        target.mkdir()
        self._paths = {g.table: _begin(target, g.table, g.columns) for g in recording.groups}

    def take(self, group: Group) -> None:
        """Append the rows of a group."""
        _append(self._paths[group.table], group.time_us, group.columns)

    def finish(self) -> tuple[Path, ...]:
        """Return the files, which are whole."""
        return tuple(self._paths.values())

    def close(self) -> None:
        """Do nothing: no file is open."""


def _begin(folder: Path, table: str, columns: Mapping[str, Column]) -> Path:
    path = folder / f"{table}.csv"
    header = ["time_s", *(f"{n} [{c.unit}]" if c.unit else n for n, c in columns.items())]
    path.write_text(",".join(map(_quoted, header)) + "\n", encoding="utf-8", newline="\n")
    return path


def _append(path: Path, time_us: NDArray[np.int64], columns: Mapping[str, Column]) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as file:
        for first in range(0, len(time_us), _ROWS_PER_WRITE):
            rows = slice(first, first + _ROWS_PER_WRITE)
            cells = [
                [f"{us / 1e6:.6f}" for us in time_us[rows].tolist()],
                *(_cells(column, rows) for column in columns.values()),
            ]
            text = io.StringIO()
            for row in zip(*cells, strict=True):
                text.write(",".join(row) + "\n")
            file.write(text.getvalue())


def _cells(column: Column, rows: slice) -> list[str]:
    """Return a column's cells; each distinct value is turned into text once."""
    unique, index = np.unique(column.values[rows], return_inverse=True)
    texts = [_cell(value, column) for value in unique]
    cells = [texts[i] for i in index.tolist()]
    if column.is_valid is not None:
        for row in np.flatnonzero(~column.is_valid[rows]).tolist():
            cells[row] = ""
    return cells


def _cell(value: np.generic, column: Column) -> str:
    plain = value.item()
    if column.choices and plain in column.choices:
        return _quoted(column.choices[int(plain)])
    if isinstance(plain, float):
        return "" if np.isnan(plain) else str(value)  # numpy prints the fewest digits of its type
    return str(plain)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text
