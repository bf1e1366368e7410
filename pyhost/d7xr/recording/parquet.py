"""Recordings as Parquet, one file per table, for SQL over many runs."""

from __future__ import annotations

import errno
import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.recording import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.recording import Column, Group, Recording

_WAITING_MB: Final = 128
"""As much of the waiting rows as the database may hold in memory."""


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
            path = target / f"{table}.parquet"
            connection.register("samples", _arrays(groups[0].time_us, columns))
            with _os_errors(path):
                connection.execute(_copy("samples", columns, path, _metadata(recording, columns)))
            connection.unregister("samples")
            paths.append(path)
    return tuple(paths)


class Writer:
    """Writes the files of `write`, group after group, in memory that does not grow.

    A Parquet file cannot be written row by row: its rows wait in a database beside it, as large as
    what they come to, which is gone when the files are whole.

    Args:
        recording: Its groups without rows, each of a table of its own.
        folder: As for `write`.
    """

    def __init__(self, recording: Recording, folder: Path) -> None:
        """Make the database."""
        import duckdb

        self._recording = recording
        self._target = folder / "parquet"
        self._target.mkdir()
        self._spool = self._target / "rows.waiting"
        self._number = {group.table: n for n, group in enumerate(recording.groups)}
        self._begun: set[int] = set()
        with _os_errors(self._spool):
            self._connection = duckdb.connect(self._spool)
        for setting in ("threads = 1", f"memory_limit = '{_WAITING_MB}MB'"):
            self._connection.execute(f"SET {setting}")

    def take(self, group: Group) -> None:
        """Append the rows of a group."""
        number = self._number[group.table]
        into = "INSERT INTO {} SELECT" if number in self._begun else "CREATE TABLE {} AS SELECT"
        self._begun.add(number)
        self._connection.register("samples", _arrays(group.time_us, group.columns))
        with _os_errors(self._spool):
            self._connection.execute(f"{into.format(f't{number}')} * FROM samples")
        self._connection.unregister("samples")

    def finish(self) -> tuple[Path, ...]:
        """Write the files out of the database, remove it, and return them."""
        paths = []
        for group in self._recording.groups:
            path = self._target / f"{group.table}.parquet"
            told = _metadata(self._recording, group.columns)
            with _os_errors(path):
                table = f"t{self._number[group.table]}"
                self._connection.execute(_copy(table, group.columns, path, told))
            paths.append(path)
        self.close()
        self._spool.unlink()
        return tuple(paths)

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()


def _arrays(time_us: NDArray[np.int64], columns: Mapping[str, Column]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {"time_us": np.asarray(time_us)}
    return arrays | {name: _samples(column) for name, column in columns.items()}


def _copy(table: str, columns: Mapping[str, Column], path: Path, metadata: str) -> str:
    """Return the statement that writes a table to a file."""
    options = f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {metadata}"
    rows = f"SELECT {_selection(columns)} FROM {table}"
    return f"COPY ({rows}) TO {_text(path.as_posix())} ({options})"


@contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    """Turn what the database says of the system into an error of the system.

    Raises:
        OSError: For a file that cannot be written.
    """
    import duckdb

    try:
        yield
    except duckdb.IOException as error:
        raise _as_os_error(error, path) from error


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


def _metadata(recording: Recording, columns: Mapping[str, Column]) -> str:
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
