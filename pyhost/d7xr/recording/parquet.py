"""Recordings as Parquet, one file per table, for SQL over many runs."""

from __future__ import annotations

import errno
import json
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from d7xr.recording import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.recording import Column, Group, Recording


def write(recording: Recording, folder: Path) -> tuple[Path, ...]:
    """Write ``parquet/<table>.parquet``: ``time_us`` int64, then the columns.

    An enumeration is written as words, a sample that is not available as NULL. The file's metadata
    holds ``units``, ``comments`` (JSON objects by column) and ``identity``.
    """
    import duckdb

    target = folder / "parquet"
    target.mkdir(exist_ok=True)
    paths: list[Path] = []
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET threads = 1")  # one thread: the same rows in the same row groups
        for table, groups in tables(recording).items():
            columns = {name: c for group in groups for name, c in group.columns.items()}
            arrays: dict[str, NDArray[Any]] = {"time_us": np.asarray(groups[0].time_us)}
            arrays |= {name: _samples(column) for name, column in columns.items()}
            path = target / f"{table}.parquet"
            connection.register("samples", arrays)
            into = f"TO {_text(path.as_posix())} (FORMAT parquet, COMPRESSION zstd"
            into += f", KV_METADATA {_metadata(recording, groups)})"
            try:
                connection.execute(f"COPY (SELECT {_selection(columns)} FROM samples) {into}")
            except duckdb.IOException as error:
                raise _as_os_error(error, path) from error
            connection.unregister("samples")
            paths.append(path)
    return tuple(paths)


def _as_os_error(error: Exception, path: Path) -> OSError:
    """Return the error of the system that the database reports in words of its own."""
    told = re.search(r'"errno":"(\d+)"', str(error))
    number = int(told[1]) if told else errno.EIO
    return OSError(number, os.strerror(number), str(path))


def _samples(column: Column) -> NDArray[Any]:
    if column.is_valid is None or bool(np.all(column.is_valid)):
        return column.values
    return np.ma.masked_array(column.values, mask=~column.is_valid)


def _selection(columns: Mapping[str, Column]) -> str:
    return ", ".join(
        ['"time_us"', *(_expression(name, column) for name, column in columns.items())]
    )


def _expression(name: str, column: Column) -> str:
    quoted = _name(name)
    if not column.choices:
        return quoted
    cases = " ".join(
        f"WHEN {value} THEN {_text(word)}" for value, word in sorted(column.choices.items())
    )
    return f"CASE {quoted} {cases} ELSE CAST({quoted} AS VARCHAR) END AS {quoted}"


def _metadata(recording: Recording, groups: Sequence[Group]) -> str:
    columns = {name: c for group in groups for name, c in group.columns.items()}
    entries = {
        "units": {name: c.unit for name, c in columns.items() if c.unit},
        "comments": {name: c.comment for name, c in columns.items() if c.comment},
        "identity": dict(recording.identity),
    }
    return (
        "{"
        + ", ".join(
            f"{key}: {_text(json.dumps(value, sort_keys=True))}" for key, value in entries.items()
        )
        + "}"
    )


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(literal: str) -> str:
    return "'" + literal.replace("'", "''") + "'"
