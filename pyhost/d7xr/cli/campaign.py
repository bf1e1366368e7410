"""``d7xr campaign``: break every input in every way and compare with a healthy twin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse

    from d7xr.campaign import Cell

EXIT_HARMFUL = 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "campaign",
        help="break every input in every way; does the unit notice, react, heal",
        description="Replay parts of the shipped drive, each time with one input broken, and "
        "compare with a twin whose inputs are whole. Ends with 1 if a break is undetected and "
        "harmful and not accepted.",
    )
    parser.add_argument(
        "--message", action="append", metavar="NAME", help="only this message; give it again"
    )
    parser.add_argument(
        "--calibration", "--cal", default="default", metavar="SET.toml", help="calibration set"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.md", help="write the page here")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from d7xr.calibration import load
    from d7xr.campaign import cells, drive, windows_of_demo
    from d7xr.campaign.table import verdict
    from d7xr.ecu import faults

    blob = load(args.calibration).blob
    windows = windows_of_demo()
    found = list(cells(drive(), blob, windows, messages=_chosen(args)))
    harmful = [c for c in found if verdict(c) == "UNDETECTED AND HARMFUL"]
    accepted = sum(cell.is_undetected_and_harmful for cell in found) - len(harmful)
    names = {fault.number: fault.name for fault in faults()}
    if args.out is not None:
        from d7xr.campaign.table import page
        from d7xr.runfolder import faults_told

        with faults_told(args.out):
            args.out.write_text(page(found, windows, names), encoding="utf-8", newline="\n")
    if args.json:
        output.emit_json(
            {"schema": "d7xr.campaign", "version": 1, "cells": [_document(c) for c in found]}
        )
    else:
        for cell in harmful:
            output.emit(f"undetected and harmful: {cell.name}, {cell.kind.value}")
        output.emit(
            f"{len(found)} cells, {len(harmful)} undetected and harmful, "
            f"{accepted} more that are accepted with a reason"
        )
        if args.out is not None:
            output.emit(f"written: {args.out}")
    return EXIT_HARMFUL if harmful else 0


def _chosen(args: argparse.Namespace) -> list[str] | None:
    from d7xr.database import Database
    from d7xr.errors import UsageError
    from d7xr.names import nearest
    from d7xr.replay import heard

    known = heard(Database.own())
    for name in args.message or ():
        if name not in known:
            raise UsageError(f"the unit receives no message {name!r}", hint=nearest(name, known))
    chosen: list[str] | None = args.message
    return chosen


def _document(cell: Cell) -> dict[str, object]:
    from dataclasses import asdict

    from d7xr.campaign.table import verdict

    return {
        "input": cell.name,
        "failure": cell.kind.value,
        "verdict": verdict(cell),
        "windows": {name: asdict(found) for name, found in cell.found.items()},
    }
