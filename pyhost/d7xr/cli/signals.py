"""``d7xr signals``: everything that has a name, with unit and meaning."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from d7xr.cli import output
from d7xr.errors import UsageError

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "signals",
        help="every bus signal and internal state, with unit and meaning",
        description="List bus signals (<Message>.<Signal>) and internal states (their C path).",
    )
    parser.add_argument(
        "pattern",
        nargs="?",
        metavar="PATTERN",
        help="part of a name, or a pattern with * and ?; case does not matter",
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    rows = [row for row in _rows() if _matches(args.pattern, str(row["name"]))]
    if not rows:
        raise UsageError(
            f"no signal or state matches '{args.pattern}'", hint="`d7xr signals` lists them all"
        )
    if args.json:
        output.emit_json({"schema": "d7xr.signals", "version": 1, "signals": rows})
    else:
        _print(args, rows)
    return 0


def _rows() -> list[dict[str, object]]:
    from d7xr.database import Database
    from d7xr.ecu import Ecu
    from d7xr.recorder import heard_or_sent

    rows: list[dict[str, object]] = []
    for message in Database.own().messages:
        for signal in message.signals:
            rows.append(
                {
                    "name": f"{message.name}.{signal.name}",
                    "kind": heard_or_sent(message),
                    "unit": signal.unit,
                    "minimum": signal.minimum,
                    "maximum": signal.maximum,
                    "choices": {str(value): word for value, word in signal.choices.items()},
                    "meaning": signal.comment or "",
                    "period_ms": message.cycle_time_ms,
                }
            )
    for state in Ecu.fields():
        rows.append(
            {
                "name": state.name,
                "kind": "state",
                "unit": state.unit,
                "type": state.ctype,
                "choices": {str(value): word for value, word in (state.choices or {}).items()},
                "meaning": state.meaning,
            }
        )
    return rows


def _matches(pattern: str | None, name: str) -> bool:
    if pattern is None:
        return True
    wanted, lowered = pattern.lower(), name.lower()
    return fnmatchcase(lowered, wanted) if "*" in wanted or "?" in wanted else wanted in lowered


def _print(args: argparse.Namespace, rows: list[dict[str, object]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("name", no_wrap=True)
    table.add_column("kind")
    table.add_column("unit")
    table.add_column("meaning", ratio=1, overflow="fold")
    for row in rows:
        table.add_row(str(row["name"]), str(row["kind"]), str(row["unit"]), _meaning(row))
    output.render(args, table, f"\n{len(rows)} names", is_list=True)


def _meaning(row: dict[str, object]) -> str:
    choices = row["choices"]
    words = ""
    if isinstance(choices, dict) and choices:
        words = " [" + ", ".join(f"{value} {word}" for value, word in choices.items()) + "]"
    return f"{row['meaning']}{words}"
