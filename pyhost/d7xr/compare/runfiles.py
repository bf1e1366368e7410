"""What a run folder holds, as columns: from MF4 or Parquet."""

from __future__ import annotations

import importlib.util
import json
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from d7xr.database import Database
from d7xr.errors import InconclusiveError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

type Origin = Literal["sent", "state", "input"]

_UNIT_NODE: Final = "VCU"
_ORIGINS: Final[Mapping[str, Origin]] = {"sent": "sent", "state": "state"}


@dataclass(frozen=True, slots=True)
class RunColumn:
    """One recorded signal; ``is_valid`` is False where the sample is not available."""

    values: NDArray[Any]
    unit: str
    is_valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RunGroup:
    """Signals on one time base.

    Attributes:
        origin: ``sent`` by the unit, its ``state``, or what it was fed, and foreign signals.
        time_us: Microseconds from tick 0, int64, shape ``(n,)``.
        columns: By name, each of shape ``(n,)``.
    """

    origin: Origin
    time_us: NDArray[np.int64]
    columns: Mapping[str, RunColumn]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its folder tells it."""

    identity: Mapping[str, str]
    ticks: int
    state_digest: str
    groups: Mapping[str, RunGroup]


def read_run(left: Path, right: Path) -> tuple[Run, Run]:
    """Read two run folders, from the first format that both have.

    Raises:
        UsageError: Not a run folder, or its format needs a package that is not installed.
        InconclusiveError: They share no format that can be read.
    """
    manifests = (_manifest(left), _manifest(right))
    for form, (glob, package, extra, read) in _FORMATS.items():
        if all(any(folder.glob(glob)) for folder in (left, right)):
            _require(form, package, extra)
            return _run(manifests[0], read(left)), _run(manifests[1], read(right))
    raise InconclusiveError(
        f"nothing was compared: {left} and {right} hold no recording of one format",
        hint=f"replay both with one --format of {', '.join(_FORMATS)}",
    )


def read_folder(folder: Path) -> Run:
    """Read one run folder, from the first format that it has.

    Raises:
        UsageError: Not a run folder, or its format needs a package that is not installed.
        InconclusiveError: It holds no recording that can be read.
    """
    manifest = _manifest(folder)
    for form, (glob, package, extra, read) in _FORMATS.items():
        if any(folder.glob(glob)):
            _require(form, package, extra)
            return _run(manifest, read(folder))
    raise InconclusiveError(
        f"{folder} holds no recording that can be read",
        hint=f"replay with one --format of {', '.join(_FORMATS)}",
    )


def _require(form: str, package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise UsageError(
            f"reading {form} needs {package}, which is not installed",
            hint=f"python -m pip install 'd7xr[{extra}]'",
        )


def _run(manifest: Mapping[str, Any], groups: Mapping[str, RunGroup]) -> Run:
    identity = {str(name): str(value) for name, value in manifest["identity"].items()}
    return Run(identity, int(manifest["ticks"]), str(manifest["state_digest"]), groups)


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / "manifest.json"
    hint = "a run folder is what `d7xr replay TRACE --out DIR` writes"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{folder} is no run folder: {error.strerror}", hint=hint) from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}", hint=hint) from error
    wanted = {"schema", "identity", "ticks", "state_digest"}
    if not isinstance(manifest, dict) or not wanted <= manifest.keys():
        raise UsageError(f"{path}: not the manifest of a run", hint=hint)
    if manifest["schema"] != "d7xr.manifest":
        raise UsageError(f"{path}: schema {manifest['schema']}, not d7xr.manifest", hint=hint)
    return manifest


def _read_mf4(folder: Path) -> dict[str, RunGroup]:
    from asammdf import MDF

    groups: dict[str, RunGroup] = {}
    with closing(MDF(folder / "out.mf4")) as mdf:
        blocks: list[Any] = mdf.groups
        for number, block in enumerate(blocks):
            source = block.channel_group.acq_source
            origin = _ORIGINS.get(source.path if source is not None else "", "input")
            wanted = [
                (None, number, index)
                for index, channel in enumerate(block.channels)
                if index != mdf.masters_db.get(number)
            ]
            signals = mdf.select(wanted, raw=True, ignore_value2text_conversions=True)
            time_us = np.rint(np.asarray(mdf.get_master(number)) * 1e6).astype(np.int64)
            columns = {
                signal.name: RunColumn(signal.samples, signal.unit, _is_valid(signal, len(time_us)))
                for signal in signals
            }
            groups[block.channel_group.acq_name] = RunGroup(origin, time_us, columns)
    return groups


def _is_valid(signal: Any, rows: int) -> NDArray[np.bool_]:  # noqa: ANN401 - asammdf brings no types
    invalid = signal.invalidation_bits
    if invalid is None:
        return np.ones(rows, dtype=np.bool_)
    return ~np.asarray(invalid, dtype=np.bool_)


def _read_parquet(folder: Path) -> dict[str, RunGroup]:
    import duckdb

    groups: dict[str, RunGroup] = {}
    with duckdb.connect(":memory:") as connection:
        for path in sorted((folder / "parquet").glob("*.parquet")):
            name = path.as_posix()
            units = _units(connection, name)
            columns = connection.execute("SELECT * FROM read_parquet(?)", [name]).fetchnumpy()
            time_us = np.asarray(columns.pop("time_us"), dtype=np.int64)
            table = {
                column: RunColumn(
                    np.ma.getdata(values), units.get(column, ""), ~np.ma.getmaskarray(values)
                )
                for column, values in columns.items()
            }
            groups[path.stem] = RunGroup(_origin(path.stem), time_us, table)
    return groups


def _units(connection: Any, name: str) -> dict[str, str]:  # noqa: ANN401 - a handle of the database
    rows = connection.execute(
        "SELECT value FROM parquet_kv_metadata(?) WHERE key = 'units'", [name]
    ).fetchall()
    units: dict[str, str] = json.loads(rows[0][0]) if rows else {}
    return units


@cache
def _sent_by_unit() -> frozenset[str]:
    return frozenset(m.name for m in Database.own().messages if _UNIT_NODE in m.senders)


def _origin(table: str) -> Origin:
    if table.startswith("states_"):
        return "state"
    return "sent" if table in _sent_by_unit() else "input"


type _Read = Callable[[Path], dict[str, RunGroup]]

_FORMATS: Final[Mapping[str, tuple[str, str, str, _Read]]] = {
    "mf4": ("out.mf4", "asammdf", "mdf", _read_mf4),
    "parquet": ("parquet/*.parquet", "duckdb", "store", _read_parquet),
}
"""Format -> its files, the package that reads it, the extra that brings that, the reader.

MF4 comes first: a sample that is not a number reads from Parquet as one that is not available. CSV
is not among them: it has lost the bits.
"""
