"""``d7xr compare A B``: two run folders, equal or not, and where they part."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from d7xr.cli import output
from d7xr.errors import UsageError

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "compare",
        help="two runs: equal, or the first difference by tick, signal and bits",
        description="Compare two run folders written by `d7xr replay --out`: who they are, their "
        "digests, every recorded sample bit by bit, every frame sent. Exit 0 if equal, 1 if not, "
        "4 if there was nothing to compare.",
    )
    parser.add_argument("left", type=Path, metavar="A", help="a run folder")
    parser.add_argument("right", type=Path, metavar="B", help="another")
    parser.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="SIGNAL=X",
        help="accept differences of a signal up to X, in its unit; may be given again",
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from d7xr.compare import compare_runs

    tolerances = dict(_tolerance(text) for text in args.tolerance)
    comparison = compare_runs(args.left, args.right, tolerances=tolerances)
    if args.json:
        output.emit_json(comparison.as_document())
    else:
        from d7xr.cli import differences

        output.render(args, *differences.parts(comparison), is_list=True)
        if not comparison.is_equal:
            output.emit(f"again: {args.command}")
    return comparison.exit_code


def _tolerance(text: str) -> tuple[str, float]:
    """Split ``SIGNAL=X``.

    Raises:
        UsageError: No number, or one that accepts nothing or everything.
    """
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not name or not 0.0 <= value < math.inf:
        raise UsageError(
            f"no tolerance: '{text}'", hint="for example --tolerance torque.granted_Nm=0.5"
        )
    return name, value
