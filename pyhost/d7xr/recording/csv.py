"""Recordings as CSV, one file per table, for a spreadsheet or a plotter that knows nothing else."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from d7xr.recording import tables

if TYPE_CHECKING:
    from pathlib import Path

    from d7xr.recording import Column, Recording

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
        header = ["time_s", *(f"{n} [{c.unit}]" if c.unit else n for n, c in columns.items())]
        time_us = groups[0].time_us.tolist()
        path = target / f"{table}.csv"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(",".join(map(_quoted, header)) + "\n")
            for first in range(0, len(time_us), _ROWS_PER_WRITE):
                rows = slice(first, first + _ROWS_PER_WRITE)
                cells = [
                    [f"{us / 1e6:.6f}" for us in time_us[rows]],
                    *(_cells(column, rows) for column in columns.values()),
                ]
                text = io.StringIO()
                for row in zip(*cells, strict=True):
                    text.write(",".join(row) + "\n")
                file.write(text.getvalue())
        paths.append(path)
    return tuple(paths)


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
