"""``d7xr sweep SPEC``: many draws of one scenario in closed loop, one row per run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray
    from rich.console import RenderableType

    from d7xr.fanout import Row
    from d7xr.simulator.sweep import Finding, Sweep

EXIT_NOT_KEPT = 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "sweep",
        help="many draws of a scenario in closed loop: rates, quantiles, worst cases",
        description="Draw a family of scenarios, drive each in closed loop on all cores, and judge "
        "what is claimed of them: rates and quantiles with 95 % confidence, and the worst runs. "
        "With --out each row is kept as it comes, as JSON lines and then as Parquet, and the same "
        "command goes on where it was interrupted. Any run can be driven again by its number.",
    )
    parser.add_argument(
        "spec", nargs="?", metavar="SPEC", help="a TOML file, or the name of a shipped sweep"
    )
    parser.add_argument("--list", action="store_true", help="tell the shipped sweeps and stop")
    parser.add_argument("--runs", type=int, metavar="N", help="how many instead of what SPEC says")
    parser.add_argument(
        "--scenario", type=int, metavar="N",
        help="print run N as a scenario and stop; `d7xr simulate` drives it",
    )  # fmt: skip
    parser.add_argument(
        "--calibration", "--cal", metavar="SET",
        help="calibration set: a file, an event, or default; else that of each run's event",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the rows")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes; default: one per core")
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="the scheduler of a cluster with the same d7xr"
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from d7xr.errors import UsageError
    from d7xr.simulator import sweep as sweeps

    if args.list:
        return _list(args)
    if args.spec is None:
        raise UsageError("no sweep given", hint="`d7xr sweep --list` tells the shipped ones")
    if args.runs is not None and args.runs < 1:
        raise UsageError(f"--runs {args.runs} is none", hint="name 1 or more")
    chosen = sweeps.load(args.spec, args.runs)
    if args.scenario is not None:
        if not 0 <= args.scenario < chosen.spec.runs:
            raise UsageError(
                f"the sweep has no run {args.scenario}", hint=f"0 to {chosen.spec.runs - 1}"
            )
        output.emit(sweeps.toml_of(chosen.drawn(args.scenario)[0]))
        return 0
    return _driven(args, chosen)


def _driven(args: argparse.Namespace, chosen: Sweep) -> int:
    """Drive what has no row yet, and judge all rows."""
    from d7xr import calibration
    from d7xr.cli import progress, season
    from d7xr.fanout import Ledger
    from d7xr.fanout import run as run_all
    from d7xr.simulator import sweep as sweeps

    given = None if args.calibration is None else calibration.load(args.calibration)
    with ExitStack() as stack:
        ledger = None
        if args.out is not None:
            request = sweeps.request_of(chosen, given)
            ledger = stack.enter_context(Ledger.opened(args.out / sweeps.ROWS, request))
        rows = run_all(
            sweeps.drive_chunk,
            sweeps.jobs_of(chosen, given),
            workers=season.workers(args),
            ledger=ledger,
            on_progress=stack.enter_context(progress.many_shown(args, what="parts")),
        )
    columns = sweeps.columns_of(rows, chosen)
    if args.out is not None:
        sweeps.write_table(columns, args.out)
    findings, worst = sweeps.judged(columns, chosen), sweeps.worst_of(columns, chosen)
    failed = [row for row in rows if row.error is not None]
    if args.json:
        output.emit_json(
            {
                "schema": "d7xr.sweep",
                "version": 1,
                "sweep": chosen.name,
                "seed": chosen.spec.seed,
                "runs": len(columns["run"]),
                "hours": float(columns["duration_s"].sum()) / 3600.0,
                "findings": [asdict(finding) for finding in findings],
                "worst": [dict(zip(("figure", "run", "value"), row, strict=True)) for row in worst],
                "failed": [asdict(row.error) for row in failed if row.error is not None],
                "folder": None if args.out is None else str(args.out),
            }
        )
    else:
        output.render(args, *_told(args, chosen, columns, findings, worst, failed))
    if failed:
        return max(row.error.exit_code for row in failed if row.error is not None)
    return 0 if all(finding.is_kept for finding in findings) else EXIT_NOT_KEPT


def _list(args: argparse.Namespace) -> int:
    """Tell the shipped sweeps with their stories."""
    from d7xr.simulator.sweep import load, shipped

    stories = {name: load(name).spec.story for name in shipped()}
    if args.json:
        rows = [{"name": name, "story": text} for name, text in stories.items()]
        output.emit_json({"schema": "d7xr.sweeps", "version": 1, "sweeps": rows})
        return 0
    width = max(map(len, stories))
    output.emit("\n".join(f"{name:{width}}  {text}" for name, text in stories.items()))
    return 0


def _told(
    args: argparse.Namespace, chosen: Sweep, columns: Mapping[str, NDArray[Any]],
    findings: Sequence[Finding], worst: Sequence[tuple[str, int, float]], failed: Sequence[Row],
) -> Iterator[RenderableType]:  # fmt: skip
    from rich.text import Text

    from d7xr.cli.summary import table, title

    hours = float(columns["duration_s"].sum()) / 3600.0
    yield Text(chosen.name, "bold")
    yield Text(chosen.spec.story)
    yield Text(f"{len(columns['run']):,} runs, {hours:,.2f} h, seed {chosen.spec.seed}")
    yield title("Claims", len(findings))
    rows = table("found", "95 % from", "to", "of")
    rows.add_column("", justify="left")
    rows.add_column("claim", justify="left")
    for f in findings:
        cells = ("" if value is None else f"{value:.5g}" for value in (f.value, f.low, f.high))
        rows.add_row(*cells, f"{f.count:,}", "kept" if f.is_kept else "NOT KEPT", f.text)
    yield rows
    if worst:
        yield title("Worst runs", len(worst))
        rows = table("value", "run")
        rows.add_column("figure", justify="left")
        for figure, number, value in worst:
            rows.add_row(f"{value:.5g}", f"{number}", figure)
        yield rows
        number = worst[0][1]
        yield Text(f"again: d7xr sweep {args.spec} --scenario {number} > {number}.toml")
        yield Text(f"       d7xr simulate {number}.toml")
    for row in failed:
        assert row.error is not None
        yield Text(f"runs from {row.name}: {row.error.message}", "bold red")
    kept = sum(finding.is_kept for finding in findings)
    style = "green" if kept == len(findings) else "bold red"
    yield Text(f"\n{kept} of {len(findings)} claims kept", style)
    if args.out is not None:
        yield Text(f"rows are in {args.out}")
