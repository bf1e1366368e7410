"""``d7xr replay TRACE --free-running``: a trace in real time to a unit on its own timer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import RenderableType

    from d7xr.target.free_running import FreeRun

_MEANINGS = {
    "lateness": "a frame leaves after it is due",
    "answer": "last frame sent to the unit's next",
    "acknowledged": "frame sent to its acknowledgement",
    "period": "between two TorqueCommand, 5 ms",
}


def run(args: argparse.Namespace) -> int:
    """Run it; exit status 1 where a frame was lost."""
    from d7xr import calibration
    from d7xr.database import Database
    from d7xr.errors import UsageError
    from d7xr.mapping import find_mapping, load_mapping
    from d7xr.replay import feed_of
    from d7xr.target.choice import started_free
    from d7xr.target.free_running import run_free
    from d7xr.trace import read_trace

    if len(args.target or ()) != 1:
        raise UsageError(
            "a run in real time takes one target",
            hint="one that has a timer: --target board-emulated, serial:PORT or can:...",
        )
    for option, is_given in (
        ("--out", args.out is not None),
        ("--calibration", args.calibration != calibration.DEFAULT),
        ("--car", args.car is not None),
        ("--memory", args.memory is not None),
    ):
        if is_given:
            raise UsageError(
                f"{option} has no meaning in real time",
                hint="the unit takes its set from its own memory, and tells no state",
            )
    if args.seconds is not None and not args.seconds > 0.0:
        raise UsageError(f"cannot run for {args.seconds:g} s", hint="--seconds takes more than 0")
    feed = feed_of(
        read_trace(args.trace),
        channel=args.channel,
        mapping=None if args.map is None else load_mapping(find_mapping(args.map)),
        database=None if args.dbc is None else Database.load(args.dbc),
    )
    with started_free(args.target[0]) as link:
        done = run_free(link, feed.frames, args.seconds or feed.frames.ticks / 1000)
    if args.json:
        output.emit_json(done.as_document())
    else:
        output.render(args, *_parts(done))
    return 0 if done.is_whole else 1


def _parts(done: FreeRun) -> Iterator[RenderableType]:
    from rich.text import Text

    from d7xr.cli.summary import table, title
    from d7xr.target.free_running import PERCENTILES, percentiles

    heard = sum(done.heard.values())
    yield Text(f"{done.name}  {done.seconds:g} s, {done.fed:,} frames in, {heard:,} frames out")
    yield title("Frames of the unit")
    rows = table("frames", "lost")
    rows.add_column("message", justify="left")
    for name, count in done.heard.items():
        rows.add_row(f"{count:,}", f"{done.lost[name]}" if name in done.lost else "unknown", name)
    yield rows
    yield title("Lost on the link, as the unit tells")
    told = ", ".join(f"{name} {count}" for name, count in done.losses.items())
    yield Text(told or "unknown: this link does not tell")
    yield title("Times")
    rows = table(*("max ms" if p == PERCENTILES[-1] else f"p{p:g} ms" for p in PERCENTILES), "of")
    rows.add_column("what", justify="left")
    for name, column in done.times.items():
        if column.size:
            cells = (f"{value:.3f}" for value in percentiles(column).values())
            rows.add_row(*cells, f"{column.size:,}", f"{name}: {_MEANINGS[name]}")
    yield rows
    yield title("Frames that left late")
    rows = table("ms", "frames")
    for bound, count in done.histogram().items():
        rows.add_row(bound, f"{count:,}")
    yield rows
    yield Text("no frame was lost" if done.is_whole else "frames were lost", style="bold")
