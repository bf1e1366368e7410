"""``d7xr replay DIR...``: many traces, one row each."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rich.table import Table

    from d7xr.fanout import Row, Workers

_ALONE = {
    "target": "--target",
    "memory": "--memory",
    "record": "--record",
    "format": "--format",
    "rate_hz": "--rate-hz",
    "free_running": "--free-running",
    "seconds": "--seconds",
}
_SHOWN = ("duration_s", "flights", "longest_flight_ms", "limited_pct", "main_limit", "faults")


def run(args: argparse.Namespace) -> int:
    """Find the traces, replay what has no row yet, print the rows."""
    from d7xr import season
    from d7xr.cli import progress
    from d7xr.errors import UsageError
    from d7xr.fanout import Ledger
    from d7xr.fanout import run as run_all

    for name, option in _ALONE.items():
        if getattr(args, name) not in (None, False, ""):
            raise UsageError(f"{option} is for one trace", hint="name a single file, or leave it")
    traces = season.traces_in(args.trace)
    drive = season.Drive(
        trace=Path(),
        mapping=_absolute(args.map),
        database=None if args.dbc is None else args.dbc.resolve(),
        channel=args.channel,
        calibration=_absolute(args.calibration) or args.calibration,
        car=_absolute(args.car),
    )
    request = season.request_of(drive)
    with ExitStack() as stack:
        ledger = None
        if args.out is not None:
            ledger = stack.enter_context(Ledger.opened(args.out / season.ROWS, request))
        show = stack.enter_context(progress.many_shown(args))
        rows = run_all(
            season.replay_one,
            season.jobs_of(traces, drive),
            workers=workers(args),
            ledger=ledger,
            on_progress=show,
        )
    if args.out is not None:
        season.write_table(rows, args.out)
    if args.json:
        output.emit_json(_document(rows, request, args.out))
    else:
        output.render(args, _table(rows), *_tail(rows, args.out), is_list=True)
    return season.exit_code(rows)


def _absolute(name: str | None) -> str | None:
    """Return a file's full path; a name that is no file stays as it is."""
    return str(Path(name).resolve()) if name is not None and Path(name).is_file() else name


def workers(args: argparse.Namespace) -> Workers:
    """Return who does the work, by ``--jobs`` and ``--dask``."""
    from d7xr.errors import UsageError
    from d7xr.fanout import Cluster, Cores

    if args.dask is None:
        if args.jobs is not None and args.jobs < 1:
            raise UsageError(f"--jobs {args.jobs} does nothing", hint="name 1 or more")
        return Cores(args.jobs)
    if args.jobs is not None:
        raise UsageError("--jobs is for this machine", hint="a cluster has the workers it has")
    return Cluster(args.dask)


def _document(
    rows: Sequence[Row], request: dict[str, object], folder: Path | None
) -> dict[str, object]:
    return {
        "schema": "d7xr.season",
        "version": 1,
        "request": request,
        "traces": len(rows),
        "rows": [
            {"trace": row.name, **row.values, "error": row.error and asdict(row.error)}
            for row in rows
        ],
        "folder": None if folder is None else str(folder),
    }


def _table(rows: Sequence[Row]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("trace")
    table.add_column("verdict")
    for heading in ("s", "flights", "longest ms", "limited %"):
        table.add_column(heading, justify="right")
    table.add_column("main limit")
    table.add_column("faults")
    for row in rows:
        if row.error is None:
            table.add_row(row.name, str(row.values["verdict"]), *map(_cell, _picked(row)))
        else:
            table.add_row(row.name, row.error.kind)
    return table


def _picked(row: Row) -> list[object]:
    return [row.values[name] for name in _SHOWN]


def _cell(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def _tail(rows: Sequence[Row], folder: Path | None) -> list[str]:
    done = [row for row in rows if row.error is None]
    hours = sum(float(str(row.values["duration_s"])) for row in done) / 3600
    frames = sum(int(str(row.values["frames"])) for row in done)
    flights = sum(int(str(row.values["flights"])) for row in done)
    lines = [
        f"{len(rows):,} traces, {hours:,.2f} h, {frames:,} frames, {flights:,} flights; "
        f"{len(rows) - len(done)} not replayed"
    ]
    lines += [f"{row.name}: {row.error.message}" for row in rows if row.error is not None]
    return lines if folder is None else [*lines, f"rows are in {folder}"]
