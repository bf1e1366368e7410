"""What the command line says: results to standard output, all else to standard error.

A reader that leaves early (``d7xr signals | head``) changes nothing in the verdict: what it no
longer reads is dropped, and the exit code stays that of the work.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from rich.console import RenderableType

    from d7xr.errors import D7xrError

_WIDTH_WITHOUT_TERMINAL = 100
_WIDTH_OF_LISTS = 10_000


def emit(text: str) -> None:
    """Print a result."""
    try:
        sys.stdout.write(text.rstrip("\n") + "\n")
    except BrokenPipeError:
        _drop_output()


def emit_json(document: Mapping[str, object]) -> None:
    """Print one JSON document; NaN and infinity become null, since JSON has neither."""
    from d7xr.runfolder import finite

    emit(json.dumps(finite(document), indent=2, allow_nan=False))


def flush() -> None:
    """Deliver what was printed, if somebody still reads it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()


def note(text: str) -> None:
    """Print to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def error(fault: D7xrError, *, is_json: bool, kind: str | None = None) -> None:
    """Print what went wrong and what to do about it."""
    if is_json:
        told = {"kind": kind or fault.kind, "message": fault.message, "hint": fault.hint}
        emit_json({"schema": "d7xr.error", "version": 1, "error": told})
        flush()
    note(f"d7xr: {fault.message}")
    if fault.hint is not None:
        note(f"  {fault.hint}")


def may_colour(args: argparse.Namespace) -> bool:
    """Say whether standard output may carry colours."""
    return not (
        args.no_color
        or os.environ.get("NO_COLOR")
        or os.environ.get("TERM") == "dumb"
        or not sys.stdout.isatty()
    )


def may_animate(args: argparse.Namespace) -> bool:
    """Say whether progress may be drawn on standard error."""
    return sys.stderr.isatty() and not (args.is_quiet or args.json or os.environ.get("CI"))


def render(args: argparse.Namespace, *parts: RenderableType, is_list: bool = False) -> None:
    """Print tables and text, as wide as the terminal; without one, always the same.

    Args:
        args: The common options.
        parts: What to print.
        is_list: Where no terminal folds lines, each row stays one line, as `grep` wants it.
    """
    import io

    from rich.console import Console

    text = io.StringIO()
    is_terminal = sys.stdout.isatty()
    width = _WIDTH_OF_LISTS if is_list else _WIDTH_WITHOUT_TERMINAL
    console = Console(
        file=text,
        width=None if is_terminal else width,
        force_terminal=may_colour(args),
        no_color=not may_colour(args),
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    lines = (line.rstrip() for line in text.getvalue().splitlines())
    emit("\n".join(lines))


def _drop_output() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush cannot fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
