"""``d7xr explain RUN --at TIME``: why the unit did what it did at a moment, in sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse

    from d7xr.explain import Past

_WIDTH: Final = 98
_HEADINGS: Final = {
    "torque": "Torque",
    "flight": "Flight Mode",
    "fans": "Fans",
    "faults": "Faults",
    "sensors": "Sensors",
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "explain",
        help="why the unit did what it did at a moment of a run, in sentences",
        description="Explain a moment of a run: which bound won, what came second, which evidence "
        "there was, which sensor was not believed. Without --at: when what held torque.",
        epilog="A moment is a time in seconds, or one of: takeoff N, flight N, landing N, limit N, "
        "fan N, fault N, fault NAME, end.",
    )
    parser.add_argument(
        "source", type=Path, metavar="RUN",
        help="a run folder of `d7xr replay --out`, or a trace, which is replayed first",
    )  # fmt: skip
    parser.add_argument("--at", nargs="+", metavar="TIME", help="seconds, or an event: landing 2")
    for topic, heading in _HEADINGS.items():
        parser.add_argument(
            f"--{topic}", dest="topics", action="append_const", const=topic,
            help=f"explain {heading if topic == 'flight' else topic}; default: everything",
        )  # fmt: skip
    parser.add_argument("--map", metavar="M", help="for a trace: as in `d7xr replay`")
    parser.add_argument("--dbc", type=Path, metavar="X.dbc", help="for a trace")
    parser.add_argument("--channel", type=int, metavar="N", help="for a trace")
    parser.add_argument(
        "--calibration", "--cal", metavar="SET.toml", help="for a trace: calibration set"
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from d7xr.errors import UsageError

    if args.at is None and args.topics:
        raise UsageError(
            f"--{args.topics[0]} needs a moment", hint="add --at TIME, or --at flight 1"
        )
    past = _past(args)
    if args.at is None:
        _tell_story(args, past)
    else:
        _tell_moment(args, past)
    return 0


def _past(args: argparse.Namespace) -> Past:
    from d7xr.errors import UsageError
    from d7xr.explain import of_folder, of_trace

    if args.source.is_dir():
        given = [
            n for n in ("map", "dbc", "channel", "calibration") if getattr(args, n) is not None
        ]
        if given:
            raise UsageError(
                f"--{given[0]} is for a trace, and {args.source} is a run folder",
                hint="name the trace instead",
            )
        return of_folder(args.source)
    from d7xr.calibration import DEFAULT
    from d7xr.cli import progress

    with progress.shown(args) as show:
        return of_trace(
            args.source,
            mapping=args.map,
            database=args.dbc,
            channel=args.channel,
            calibration_set=args.calibration or DEFAULT,
            on_progress=show,
        )


def _tell_moment(args: argparse.Namespace, past: Past) -> None:
    from d7xr.explain import TOPICS, explain, tick_of

    moment = past.moment(tick_of(past, args.at))
    topics = args.topics or TOPICS
    statements = explain(moment, topics)
    if args.json:
        rows = [{"topic": s.topic, "text": s.text, "states": dict(s.states)} for s in statements]
        document = {"schema": "d7xr.explain", "version": 1, "run": str(args.source)}
        time = {"tick": moment.tick, "time_s": moment.tick / 1000, "step_ms": past.step_ms}
        output.emit_json({**document, **time, "statements": rows})
        return
    step = f", recorded every {past.step_ms} ms" if past.step_ms > 1 else ""
    lines = [f"{past.name} at {moment.tick / 1000:.3f} s{step}"]
    for topic, heading in _HEADINGS.items():
        mine = [s.text for s in statements if s.topic == topic]
        if mine:
            lines += ["", heading, *(_folded(text) for text in mine)]
    output.emit("\n".join(lines))


def _tell_story(args: argparse.Namespace, past: Past) -> None:
    from dataclasses import asdict

    from d7xr.explain import intervals

    found = intervals(past)
    if args.json:
        rows = [asdict(interval) | {"text": interval.text} for interval in found]
        document = {"schema": "d7xr.explain", "version": 1, "run": str(args.source)}
        output.emit_json({**document, "ticks": past.ticks, "limits": rows})
        return
    limited_s = sum(interval.end_s - interval.start_s for interval in found)
    lines = [
        f"{past.name}: {past.ticks / 1000:.3f} s; torque was limited for {limited_s:.3f} s of them",
        *(f"{interval.number:5}  {interval.text}" for interval in found),
    ]
    if found:
        lines.append(f"Why, in numbers: d7xr explain {args.source} --at limit N")
    output.emit("\n".join(lines))


def _folded(text: str) -> str:
    from textwrap import fill

    return fill(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
