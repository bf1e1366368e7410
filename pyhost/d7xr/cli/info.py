"""``d7xr info TRACE``: what is in a trace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse

    from rich.table import Table

    from d7xr.trace.summary import Summary

_HELP = "what is in a trace: frames, rates, gaps, problems"


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the verb with its options."""
    parser = subparsers.add_parser(
        "info",
        help=_HELP,
        description="Print what is in a recorded CAN trace: format, frames, duration, start, "
        "channels, rate and longest gap of each identifier, and what is odd about the file.",
    )
    parser.add_argument(
        "trace",
        type=Path,
        metavar="TRACE",
        help=".log .asc .blf .trc .csv .mf4, also gzipped; the content decides",
    )
    parser.add_argument(
        "--channel", type=int, metavar="N", help="only this channel, numbered from 0"
    )


def run(args: argparse.Namespace) -> int:
    """Read, count, print; 0 unless the trace cannot be read."""
    from d7xr.trace import read_trace
    from d7xr.trace.summary import summarize

    summary = summarize(read_trace(args.trace, channel=args.channel), _our_names())
    if args.json:
        output.emit_json(_document(summary))
    else:
        _print(args, summary)
    return 0


def _our_names() -> dict[int, str]:
    """Return the message names of our bus, without the cost of a whole DBC reader."""
    from d7xr.dbc import own_dbc_path

    lines = re.findall(r"^BO_ (\d+) (\w+):", own_dbc_path().read_text("ascii"), re.MULTILINE)
    return {int(number): name for number, name in lines}


def _document(summary: Summary) -> dict[str, object]:
    return {
        "schema": "d7xr.info",
        "version": 1,
        "trace": str(summary.source),
        "format": summary.format,
        "records": summary.records,
        "frames": summary.frames,
        "kinds": summary.kinds,
        "duration_s": summary.duration_us / 1e6,
        "start_utc": _utc(summary.start_utc_us),
        "start_text": summary.start_text,
        "longest_gap_ms": summary.longest_gap_ms,
        "channels": [
            {"channel": c.number, "name": c.name, "frames": c.frames} for c in summary.channels
        ],
        "ids": [
            {
                "channel": i.channel,
                "id": i.id_text,
                "is_extended": i.is_extended,
                "name": i.name,
                "count": i.count,
                "rate_Hz": i.rate_Hz,
                "longest_gap_ms": i.longest_gap_ms,
                "lengths": i.lengths,
            }
            for i in summary.ids
        ],
        "problems": [
            {
                "kind": p.kind,
                "count": p.count,
                "place": p.place,
                "text": p.text,
                "is_left_out": p.is_left_out,
            }
            for p in summary.problems
        ],
    }


def _print(args: argparse.Namespace, summary: Summary) -> None:
    kinds = [f"{count} {kind}" for kind, count in summary.kinds.items() if count]
    channels = ", ".join(f"{c.number} ({c.name}): {c.frames} frames" for c in summary.channels)
    lines = [
        str(summary.source),
        f"  format    {summary.format}",
        f"  frames    {summary.frames} ({', '.join(kinds)}) of {summary.records} records",
        f"  duration  {summary.duration_us / 1e6:.6f} s, longest silence "
        f"{summary.longest_gap_ms:.3f} ms",
        f"  start     {_start(summary)}",
        f"  channels  {channels}",
    ]
    output.render(args, "\n".join(lines), _table(summary), _problems(summary))


def _start(summary: Summary) -> str:
    utc = _utc(summary.start_utc_us)
    if utc is not None:
        return f"{utc} (first frame)"
    if summary.start_text is not None:
        return f"{summary.start_text!r} in the file, in a time zone that it does not tell"
    return "not told by the file"


def _table(summary: Summary) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    has_names = any(i.name for i in summary.ids)
    has_channels = len(summary.channels) > 1
    if has_channels:
        table.add_column("channel", justify="right")
    table.add_column("id", justify="right")
    if has_names:
        table.add_column("message")
    for heading in ("frames", "median Hz", "longest gap ms", "bytes"):
        table.add_column(heading, justify="right")
    for i in summary.ids:
        row = [str(i.channel)] if has_channels else []
        row.append(i.id_text)
        if has_names:
            row.append(i.name or "")
        row += [
            str(i.count),
            "-" if i.rate_Hz is None else f"{i.rate_Hz:.4g}",
            "-" if i.longest_gap_ms is None else f"{i.longest_gap_ms:.3f}",
            " ".join(map(str, i.lengths)),
        ]
        table.add_row(*row)
    return table


def _problems(summary: Summary) -> str:
    if not summary.problems:
        return "problems: none"
    lines = [f"  {p.count:>7}  {p.kind}, {p.place}: {p.text}" for p in summary.problems]
    return "\n".join(["problems:", *lines])


def _utc(unix_us: int | None) -> str | None:
    """Return a time in ISO 8601 with microseconds."""
    if unix_us is None:
        return None
    from datetime import UTC, datetime, timedelta

    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=unix_us)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
