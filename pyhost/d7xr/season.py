"""Many traces through the unit: one row each, on all cores or on a cluster, resumable.

A trace that cannot be read, or in which nothing can be decided, is a row that says why. The rows of
a season are in ``rows.jsonl`` of its folder as they come; ``rows.csv`` has them as a table when all
are there.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from d7xr import calibration, session, verdict
from d7xr.errors import UsageError
from d7xr.fanout import Job
from d7xr.mapping import find_mapping
from d7xr.runfolder import sha256_of
from d7xr.trace.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from d7xr.events import Events
    from d7xr.fanout import Row

ROWS: Final = "rows.jsonl"
TABLE: Final = "rows.csv"
_NO_LIMIT: Final = "None"
_RUN: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Drive:
    """One trace to replay, and how; paths are absolute, since a worker may start anywhere.

    Attributes are those of `d7xr.session.Options`.
    """

    trace: Path
    mapping: str | None = None
    database: Path | None = None
    channel: int | None = None
    calibration: str = calibration.DEFAULT
    car: str | None = None


def traces_in(places: Sequence[Path]) -> dict[str, Path]:
    """Find the traces in folders, however deep; files that are named are taken as they are.

    Runs (folders with a manifest) and what is hidden are passed over.

    Returns:
        Path by the name of its row, in order of the names.

    Raises:
        UsageError: A place that is not there, or no trace at all.
    """
    suffixes = {f.suffix for f in FORMATS} | {f"{f.suffix}.gz" for f in FORMATS}
    found: dict[str, Path] = {}
    for place in places:
        if not place.exists():
            raise UsageError(f"{place}: no such file or folder", hint="check the path")
        if place.is_dir():
            found |= {str(path): path.resolve() for path in _below(place, suffixes)}
        else:
            found[str(place)] = place.resolve()
    if not found:
        raise UsageError(
            f"no trace in {', '.join(map(str, places))}",
            hint=f"traces end in {', '.join(sorted({f.suffix for f in FORMATS}))}, or .gz after it",
        )
    by_path = {path: name for name, path in reversed(found.items())}  # one that is named twice
    return {name: path for name, path in sorted(found.items()) if by_path[path] == name}


def _below(folder: Path, suffixes: set[str]) -> list[Path]:
    paths: list[Path] = []
    for parent, folders, files in folder.walk():
        if _RUN in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [
            parent / name
            for name in files
            if not name.startswith(".")
            and any(name.lower().endswith(suffix) for suffix in suffixes)
        ]
    return paths


def jobs_of(traces: Mapping[str, Path], drive: Drive) -> list[Job[Drive]]:
    """Return a job for each trace; a trace that was changed since is done again.

    Args:
        traces: Path by name.
        drive: How; its own trace does not count.
    """
    jobs: list[Job[Drive]] = []
    for name, path in traces.items():
        about = path.stat()
        mine = replace(drive, trace=path)
        stamp = f"{about.st_size} bytes, {about.st_mtime_ns} ns"
        jobs.append(Job(name, mine, stamp, max(about.st_size, 1)))
    return jobs


def request_of(drive: Drive) -> dict[str, object]:
    """Return all that makes rows of two seasons differ, beside the traces.

    Raises:
        ConfigError: A mapping, a database or a calibration that is not there.
    """
    from d7xr.ecu import core_identity

    chosen = calibration.load(drive.calibration, drive.car)
    request: dict[str, object] = {
        "build": core_identity(chosen.blob)["build_id"],
        "calibration": f"{chosen.name} {hashlib.sha256(chosen.blob).hexdigest()[:16]}",
        "channel": drive.channel,
    }
    files = {
        "mapping": None if drive.mapping is None else find_mapping(drive.mapping),
        "database": drive.database,
    }
    for role, path in files.items():
        request[role] = None if path is None else f"{path.name} {_short_hash(path)}"
    return request


def replay_one(drive: Drive) -> dict[str, object]:
    """Replay one trace and return its row; it holds no clock, so the same trace gives the same."""
    result = session.run(
        session.Options(
            trace=drive.trace,
            mapping=drive.mapping,
            database=drive.database,
            channel=drive.channel,
            calibration=drive.calibration,
            car=drive.car,
        ),
        clock=lambda: 0.0,
    )
    recorded, outcome = result.recorded, result.outcome
    return {
        "format": recorded.format,
        "frames": recorded.frames,
        "duration_s": outcome.ticks / 1000,
        "state_digest": result.state_digest,
        "verdict": result.verdict.judgement,
        "laws_broken": _listed(law.name for law in result.verdict.laws if law.judgement == "fail"),
        **_told(result.events, outcome.ticks / 1000),
        "signals_missing": len(recorded.missing),
        "frames_left_out": sum(recorded.left_out.values()),
        "problems": _listed(f"{problem.count} {problem.kind}" for problem in recorded.problems),
    }


def _told(events: Events, duration_s: float) -> dict[str, object]:
    """Return what happened, in one row's worth of numbers and words."""
    flights = events.flights
    limits = [limit for limit in events.limits if limit.reason != _NO_LIMIT]
    limited_s = sum(limit.total_s for limit in limits)
    return {
        "flights": len(flights),
        "air_time_ms": sum(flight.air_time_ms for flight in flights),
        "longest_flight_ms": max((flight.air_time_ms for flight in flights), default=0),
        "peak_engine_rpm": max((flight.peak_engine_rpm for flight in flights), default=None),
        "limited_pct": round(100 * limited_s / max(duration_s, 1e-3), 3),
        "main_limit": limits[0].reason if limits else "",
        "fan_starts": len(events.fans),
        "impacts": len(events.impacts),
        "refills": len(events.refills),
        "faults": _listed(dict.fromkeys(fault.name for fault in events.faults)),
        "evidence_missing": _listed(missing.evidence for missing in events.missing),
    }


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


@cache
def _short_hash(path: Path) -> str:
    return sha256_of(path)[:16]


def exit_code(rows: Sequence[Row]) -> int:
    """Return the worst of all: a broken law, then a fault of the machine, then bad input.

    Traces in which nothing could be decided do not spoil a season in which others could.
    """
    codes = {row.error.exit_code for row in rows if row.error is not None}
    codes |= {verdict.EXIT_CODES[str(row.values["verdict"])] for row in rows if row.values}
    worst = next((code for code in (1, 3, 2) if code in codes), None)
    if worst is not None:
        return worst
    return 0 if 0 in codes else 4


def write_table(rows: Sequence[Row], folder: Path) -> Path:
    """Write the rows as CSV and return its path.

    Raises:
        OSError: It cannot be written.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    path = folder / TABLE
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["trace", *names, "error", "hint"])
        for row in rows:
            values = [row.values.get(name, "") for name in names]
            error = row.error
            told = ["", ""] if error is None else [error.message, error.hint or ""]
            writer.writerow([row.name, *("" if v is None else v for v in values), *told])
    return path
