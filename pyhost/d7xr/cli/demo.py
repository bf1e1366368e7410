"""``d7xr demo``: replay the shipped drive and compare the flights found with the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d7xr.cli import output, replay

if TYPE_CHECKING:
    import argparse

    from rich.console import RenderableType

    from d7xr.demo.check import FlightCheck

EXIT_WRONG = 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "demo",
        help="replay the shipped drive and compare with its truth",
        description="Replay the drive that comes with d7xr, and compare the flights that the unit "
        "found with those that the drive's generator knows.",
    )
    replay.add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from dataclasses import asdict

    from d7xr.demo import demo_trace_path, demo_truth
    from d7xr.demo.check import check_flights
    from d7xr.session import Options

    result = replay.replay(args, Options(demo_trace_path(), **replay.output_options(args)))
    checks = check_flights(result.events.flights, demo_truth().flights)
    if args.json:
        rows = [asdict(check) | {"is_good": check.is_good} for check in checks]
        output.emit_json(result.as_document() | {"schema": "d7xr.demo", "truth": rows})
    else:
        from d7xr.cli import summary

        summary.show(args, result)
        output.render(args, *_parts(checks))
    code = replay.exit_code(result)
    return code or (0 if all(check.is_good for check in checks) else EXIT_WRONG)


def _parts(checks: tuple[FlightCheck, ...]) -> list[RenderableType]:
    from rich.text import Text

    from d7xr.cli import summary
    from d7xr.demo.check import TOLERANCE_MS

    table = summary.table("true air time ms", "found ms", "difference ms")
    table.add_column("flight", justify="left")
    for check in checks:
        difference = check.difference_ms
        table.add_row(
            "never was" if check.true_ms is None else f"{check.true_ms:.1f}",
            "missed" if check.found_ms is None else f"{check.found_ms:.1f}",
            "" if difference is None else f"{difference:+.1f}",
            check.name,
        )
    good = sum(check.is_good for check in checks)
    verdict = f"{good} of {len(checks)} within {TOLERANCE_MS:.0f} ms of the truth"
    style = "green" if good == len(checks) else "bold red"
    return [summary.title("Found against true"), table, Text(verdict, style)]
