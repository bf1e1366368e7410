"""``d7xr flash``: write the firmware to a board of the rig file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from d7xr.cli import output
from d7xr.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from d7xr.flash import Flashed, Plan

IMAGE: Final = Path("build") / "firmware" / "d7xr.hex"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "flash",
        help="write the firmware to a board of the rig file",
        description="The chip's number is read back and compared with the rig file before the "
        "first erase; the unit's identity is read back afterwards.",
    )
    parser.add_argument("--rig", type=Path, metavar="FILE", help="default: hil/rig.toml")
    parser.add_argument("--board", metavar="NAME", help="which board; not needed for only one")
    parser.add_argument(
        "--image", type=Path, metavar="FILE", default=IMAGE, help=f"default: {IMAGE}"
    )
    parser.add_argument(
        "--with", dest="backend", metavar="PROGRAM", help="pyocd, openocd or dfu-util; default: "
        "the first that drives the probe and is installed",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print the commands and stop")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from d7xr.flash import flash, plan
    from d7xr.rig import choose_board, find_rig, load_rig

    path = find_rig(args.rig)
    if path is None:
        raise UsageError("no rig file", hint="copy hil/rig.example.toml to hil/rig.toml")
    board = choose_board(load_rig(path), args.board)
    todo = plan(board, args.image, backend=args.backend, is_dry=args.dry_run)
    if args.dry_run:
        _say(args, {"commands": list(todo.commands)}, todo, "\n".join(todo.commands))
        return 0
    done = flash(todo, on_step=lambda step: None if args.is_quiet else output.note(f"{step} ..."))
    told = {"uid": done.uid, **done.identity.properties(), "console_bytes": len(done.console)}
    _say(args, told, todo, _text(done))
    return 0


def _say(args: argparse.Namespace, told: dict[str, object], todo: Plan, text: str) -> None:
    if args.json:
        what = {"board": todo.board.name, "program": todo.backend.name, "image": str(todo.image)}
        what |= {"dry_run": args.dry_run}
        output.emit_json({"schema": "d7xr.flash", "version": 1, **what, **told})
    else:
        output.emit(text)


def _text(done: Flashed) -> str:
    who = ", ".join(f"{name} {value}" for name, value in done.identity.properties().items())
    chip = f", chip {done.uid}" if done.uid else ""
    board, backend = done.plan.board.name, done.plan.backend.name
    return f"{board}: {done.plan.image} written by {backend}{chip}; it answers: {who}"
