"""``d7xr replay TRACE``: a trace through the unit, and what it decided and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse

    from d7xr.session import Options, Result

EXIT_INTERRUPTED = 130


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "replay",
        help="a trace through the unit: what it decided and why",
        description="Replay a recorded CAN trace through the unit in virtual time and print what "
        "happened: flights, limits, fan starts, faults, missing evidence. Of many traces, named or "
        "in folders, each becomes one row; with --out the rows are kept as they come, and the same "
        "command goes on where it was interrupted.",
    )
    parser.add_argument(
        "trace", type=Path, nargs="+", metavar="TRACE",
        help=".log .asc .blf .trc .csv .mf4, also gzipped; several or a folder: one row each, "
        "on all cores",
    )  # fmt: skip
    parser.add_argument("--map", metavar="M", help="mapping of another car: a file or shipped name")
    parser.add_argument("--dbc", type=Path, metavar="X.dbc", help="the mapped car's database")
    parser.add_argument("--channel", type=int, metavar="N", help="channel of the trace, from 0")
    parser.add_argument(
        "--calibration", "--cal", default="default", metavar="SET.toml", help="calibration set"
    )
    parser.add_argument(
        "--car",
        metavar="CAR",
        help="the car that is laid over the set: a file, or car_1 to car_3; its number goes with "
        "the memory, and that of another car is refused",
    )
    parser.add_argument(
        "--memory", type=Path, metavar="FILE",
        help="what the unit keeps over power: it begins with the file, and leaves it renewed; "
        "give it again with the next trace of the same car",
    )  # fmt: skip
    parser.add_argument(
        "--free-running", action="store_true",
        help="feed the trace in real time to a unit that runs on its own timer, and tell what was "
        "lost, how late and how fast; --target board-emulated, serial:PORT or can:...",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="of many traces: processes; default: one per core"
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS",
        help="of many traces: the scheduler of a cluster whose workers see the same files",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, metavar="S",
        help="how long to run free, the trace again and again; default: once",
    )  # fmt: skip
    add_output_options(parser)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the unit runs and what is written."""
    parser.add_argument(
        "--target",
        action="append",
        metavar="NAME",
        help="where the unit runs: sil (this process, the default), emulated (an ARM chip under "
        "QEMU), board-emulated (the image of the board), serial:PORT, can:INTERFACE:CHANNEL; "
        "give it again to compare further targets at every tick",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="run folder to write; without it nothing is written"
    )
    parser.add_argument(
        "--format", metavar="LIST",
        help="of mf4, parquet, csv, columns (binary, for runs of any length); default: mf4",
    )  # fmt: skip
    parser.add_argument("--rate-hz", type=int, metavar="N", help="of recorded states; default: 100")
    parser.add_argument(
        "--record", default="", metavar="LIST",
        help="states to record, by name with * and ?; default: all (see `d7xr signals`)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    if _is_season(args):
        from d7xr.cli import season

        return season.run(args)
    args.trace = args.trace[0]
    if args.free_running:
        from d7xr.cli import free_running

        return free_running.run(args)
    if args.seconds is not None:
        from d7xr.errors import UsageError

        raise UsageError("--seconds is for a run in real time", hint="add --free-running")
    from d7xr.session import Options

    result = replay(
        args,
        Options(
            trace=args.trace,
            mapping=args.map,
            database=args.dbc,
            channel=args.channel,
            calibration=args.calibration,
            car=args.car,
            memory=args.memory,
            **output_options(args),
        ),
    )
    if args.json:
        output.emit_json(result.as_document())
    else:
        from d7xr.cli.summary import show

        show(args, result)
    return exit_code(result)


def _is_season(args: argparse.Namespace) -> bool:
    """Say whether there is more than one trace to replay, or somebody else to do it."""
    return (
        len(args.trace) > 1
        or args.trace[0].is_dir()
        or args.dask is not None
        or args.jobs is not None
    )


def output_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options that `add_output_options` has added."""
    formats, record = (
        tuple(name.strip() for name in text.split(",") if name.strip())
        for text in ("mf4" if args.format is None else args.format, args.record)
    )
    target, *compared_with = args.target or ["sil"]
    return {
        "out": args.out,
        "formats": formats,
        "rate_hz": 100 if args.rate_hz is None else args.rate_hz,
        "record": record,
        "target": target,
        "compared_with": tuple(compared_with),
    }


def replay(args: argparse.Namespace, options: Options) -> Result:
    """Replay with progress on a terminal."""
    from time import monotonic

    from d7xr import session
    from d7xr.cli import progress

    with progress.shown(args) as show:
        return session.run(options, clock=monotonic, on_progress=show)


def exit_code(result: Result) -> int:
    """Return the exit code of a result; interrupted is the worst."""
    return result.verdict.exit_code if result.outcome.is_complete else EXIT_INTERRUPTED
