"""What a run recorded: columns of named signals with units, and the files they are written to.

Bus signals are named ``<Message>.<Signal>``, internal states by their C path
(``flight_mode.air_time_ms``). A group is a set of columns on one time base: a bus message, or a
module of the unit. Time is integer microseconds from tick 0.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from d7xr.errors import UsageError

FORMATS: Final[Mapping[str, tuple[str, str, str]]] = {
    "mf4": ("d7xr.recording.mf4", "asammdf", "mdf"),
    "parquet": ("d7xr.recording.parquet", "duckdb", "store"),
    "csv": ("d7xr.recording.csv", "csv", ""),
    "columns": ("d7xr.recording.columns", "numpy", ""),
}
"""Format -> its module, the package it needs, the extra that brings that package."""

STREAMED: Final = frozenset({"columns"})
"""Formats that are written while a run goes on; the others need all of it in memory."""


@dataclass(frozen=True, slots=True)
class Column:
    """One signal.

    Attributes:
        values: Samples, shape ``(n,)``; a read-only view.
        unit: As SI spells it; empty for a count or an enumeration.
        choices: Words for values, empty where there are none; only a column of integers has them.
        comment: One sentence.
        is_valid: False where the sender marked the sample as not available, shape ``(n,)``; None
            where every sample counts.
    """

    values: NDArray[Any]
    unit: str = ""
    choices: Mapping[int, str] = field(default_factory=dict)
    comment: str = ""
    is_valid: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Make the samples read-only and refuse a mask that does not fit."""
        view = self.values.view()
        view.flags.writeable = False
        object.__setattr__(self, "values", view)
        if self.choices and view.dtype.kind not in "iub":
            raise ValueError(f"words need integers, not {view.dtype}")
        if self.is_valid is not None and self.is_valid.shape != view.shape:
            raise ValueError(f"need equal shapes: {view.shape}, {self.is_valid.shape}")


@dataclass(frozen=True, slots=True)
class Group:
    """Columns on one time base.

    Attributes:
        name: Message or module.
        time_us: Microseconds from tick 0, int64, shape ``(n,)``, never decreasing.
        columns: Name -> column, each of shape ``(n,)``.
        comment: One sentence.
        origin: Where it comes from: ``received``, ``sent``, ``state`` or ``source``.
        table: Groups of one table share their time base and one Parquet or CSV file.
    """

    name: str
    time_us: NDArray[np.int64]
    columns: Mapping[str, Column]
    comment: str = ""
    origin: str = "state"
    table: str = ""

    def __post_init__(self) -> None:
        """Refuse columns of another length than the time."""
        for name, column in self.columns.items():
            if column.values.shape != self.time_us.shape:
                raise ValueError(f"{name}: need {self.time_us.shape}, got {column.values.shape}")
        if not self.table:
            object.__setattr__(self, "table", self.name)


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything that a run recorded.

    Attributes:
        groups: In the order in which they are written.
        start_utc_us: Microseconds since 1970 at tick 0; None where the trace does not say.
        identity: What was run, written into each file: product, build, trace, digest, and so on.
    """

    groups: tuple[Group, ...]
    start_utc_us: int | None = None
    identity: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Column:
        """Return the column of that name.

        Raises:
            KeyError: If no group has it.
        """
        for group in self.groups:
            if name in group.columns:
                return group.columns[name]
        raise KeyError(name)

    def time_us_of(self, name: str) -> NDArray[np.int64]:
        """Return the time of a column's samples, int64, shape ``(n,)``.

        Raises:
            KeyError: If no group has the column.
        """
        for group in self.groups:
            if name in group.columns:
                return group.time_us
        raise KeyError(name)


class Writer(Protocol):
    """Files of one format that are written group after group."""

    def take(self, group: Group) -> None:
        """Append the rows of a group."""
        ...

    def finish(self) -> tuple[Path, ...]:
        """Make the files whole and return them, in order."""
        ...

    def close(self) -> None:
        """Let go what is held, whether the files are whole or not."""
        ...


def require_formats(formats: tuple[str, ...]) -> None:
    """Check that each format is known and that its package is installed.

    Raises:
        UsageError: If not, with the command that installs it. Asked before a run, not after it.
    """
    for name in formats:
        if name not in FORMATS:
            raise UsageError(
                f"unknown recording format '{name}'", hint=f"choose from {', '.join(FORMATS)}"
            )
        _, package, extra = FORMATS[name]
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"writing {name} needs {package}, which is not installed",
                hint=f"python -m pip install 'd7xr[{extra}]'",
            )


def write(recording: Recording, folder: Path, formats: tuple[str, ...]) -> tuple[Path, ...]:
    """Write a recording in each of the formats; the same recording gives the same bytes.

    Args:
        recording: What to write.
        folder: Existing folder; MF4 is one file in it, the others are one file per table.
        formats: Any of ``FORMATS`` but those of ``STREAMED``.

    Returns:
        The files written, in order.

    Raises:
        UsageError: If a format is unknown or its package is missing.
        OSError: If the folder cannot be written or the disk is full.
    """
    require_formats(formats)
    paths: list[Path] = []
    for name in formats:
        paths.extend(importlib.import_module(FORMATS[name][0]).write(recording, folder))
    return tuple(paths)


def writers(recording: Recording, folder: Path, formats: tuple[str, ...]) -> tuple[Writer, ...]:
    """Begin the files of `write` for rows that come block by block.

    Args:
        recording: Its groups without rows, each of a table of its own. Words are told for all
            codes that will come.
        folder: Existing folder.
        formats: As for `write`.

    Raises:
        UsageError: If a format is unknown or its package is missing.
        OSError: If the folder cannot be written or the disk is full.
    """
    require_formats(formats)
    modules = (importlib.import_module(FORMATS[name][0]) for name in formats)
    return tuple(module.Writer(recording, folder) for module in modules)


def tables(recording: Recording) -> Mapping[str, tuple[Group, ...]]:
    """Return the groups by table, in order; all groups of a table have the same time base."""
    by_table: dict[str, list[Group]] = {}
    for group in recording.groups:
        by_table.setdefault(group.table, []).append(group)
    for name, groups in by_table.items():
        if any(not np.array_equal(group.time_us, groups[0].time_us) for group in groups[1:]):
            raise ValueError(f"groups of table {name} differ in time")
    return {name: tuple(groups) for name, groups in by_table.items()}
