"""``d7xr simulate SCENARIO``: a simulated car in closed loop with the unit, truth beside belief."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d7xr.cli import output, replay

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import RenderableType

    from d7xr.simulator.simulation import Simulation


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "simulate",
        help="a simulated car in closed loop with the unit: what was true, what it believed",
        description="Drive a scenario: ground, driver, weather and faults from a TOML file, the "
        "car in C, the unit on any target, CAN frames between them. Prints what happened, the "
        "truth beside it, and whether the scenario's story came true. --out writes a run folder "
        "with the trace, which replays to the same digest and verdict.",
    )
    parser.add_argument(
        "scenario", nargs="?", metavar="SCENARIO", help="a file, or the name of a shipped scenario"
    )
    parser.add_argument("--list", action="store_true", help="tell the shipped scenarios and stop")
    parser.add_argument(
        "--event", metavar="EVENT",
        help="weather and calibration of an event of the season, as morocco, instead of its own",
    )  # fmt: skip
    parser.add_argument(
        "--calibration", "--cal", metavar="SET",
        help="calibration set: a file, an event, or default",
    )  # fmt: skip
    parser.add_argument(
        "--car", metavar="CAR", help="the car that is laid over it: a file, or car_1 to car_3"
    )
    replay.add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from time import monotonic

    from d7xr.cli import progress
    from d7xr.errors import UsageError
    from d7xr.simulator import simulation

    if args.list:
        return _list(args)
    if args.scenario is None:
        raise UsageError("no scenario given", hint="`d7xr simulate --list` tells the shipped ones")
    chosen = replay.output_options(args)
    options = simulation.Options(
        scenario=args.scenario,
        calibration=args.calibration,
        car=args.car,
        event=args.event,
        targets=(chosen["target"], *chosen["compared_with"]),
        **{name: chosen[name] for name in ("out", "formats", "rate_hz", "record")},
    )
    with progress.shown(args) as show:
        result = simulation.run(options, clock=monotonic, on_progress=show)
    if args.json:
        output.emit_json(result.as_document())
    else:
        from d7xr.cli import summary

        output.render(args, *_story(result))
        summary.show(args, result.replayed)
        output.render(args, *_truth(result))
    return result.exit_code


def _list(args: argparse.Namespace) -> int:
    """Tell the shipped scenarios with their stories."""
    from d7xr.simulator.scenario import load, shipped

    stories = {name: load(name).scenario.story for name in shipped()}
    if args.json:
        rows = [{"name": name, "story": story} for name, story in stories.items()]
        output.emit_json({"schema": "d7xr.scenarios", "version": 1, "scenarios": rows})
        return 0
    width = max(map(len, stories))
    output.emit("\n".join(f"{name:{width}}  {story}" for name, story in stories.items()))
    return 0


def _story(result: Simulation) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(result.source.name, "bold")
    yield Text(result.source.scenario.story)
    yield Text("")


def _truth(result: Simulation) -> Iterator[RenderableType]:
    from rich.text import Text

    from d7xr.cli import summary

    yield summary.title("Flights: true and found", len(result.checks))
    if result.checks:
        yield _flights(result)
    yield summary.title("True and believed")
    rows = summary.table("true at the end", "believed", "worst difference", "at s")
    for name in ("", "quantity"):
        rows.add_column(name, justify="left")
    for belief in result.beliefs:
        rows.add_row(
            f"{belief.true:.2f}",
            "unknown" if belief.believed is None else f"{belief.believed:.2f}",
            "" if belief.worst is None else f"{belief.worst:.2f}",
            "" if belief.worst_s is None else f"{belief.worst_s:.2f}",
            belief.unit,
            belief.name,
        )
    yield rows
    if result.drive.interventions:
        yield Text(
            f"Flight Mode held torque back on the ground {result.drive.interventions} times, "
            f"{result.drive.intervention_ms} ms in all"
        )
    if result.drive.is_over:
        yield Text("the car lies on its side: the run ended there", "yellow")
    for law in result.expected:
        if law.judgement != "pass":
            yield Text(f"the story says: {law.text}; {law.evidence}", "bold red")
    kept = sum(law.judgement == "pass" for law in result.expected)
    style = "green" if kept == len(result.expected) else "bold red"
    yield Text(f"\n{kept} of {len(result.expected)} expectations of the story came true", style)


def _flights(result: Simulation) -> RenderableType:
    from d7xr.cli import summary

    rows = summary.table(
        "true air time ms", "found ms", "reduced ms", "landing seen ms", "restored ms",
        "shaft peak x full", "impact m/s^2",
    )  # fmt: skip
    rows.add_column("flight", justify="left")
    true = {(flight.name, float(flight.air_time_ms)): flight for flight in result.drive.flights}
    for check in result.checks:
        flight = true.get((check.name, check.true_ms or 0.0))
        after = (
            [""] * 5
            if flight is None
            else [
                *(
                    "never" if ms is None else f"{ms}"
                    for ms in (flight.reduced_ms, flight.landing_found_ms, flight.restored_ms)
                ),
                f"{flight.peak_shaft_ratio:.2f}",
                f"{flight.peak_force_mps2:.0f}",
            ]
        )
        rows.add_row(
            "never was" if check.true_ms is None else f"{check.true_ms:.0f}",
            "missed" if check.found_ms is None else f"{check.found_ms:.0f}",
            *after,
            check.name,
        )
    return rows
