"""Targets by the name that a user gives them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from d7xr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from d7xr.target.base import Target

TARGETS: Final = ("sil", "emulated")


def refuse_unknown(names: Sequence[str]) -> None:
    """Refuse a name that no target has, and one that is given twice.

    Raises:
        UsageError: With the nearest name, or all of them.
    """
    for number, name in enumerate(names):
        if name not in TARGETS:
            near = get_close_matches(name, TARGETS, n=1)
            known = f"choose from {', '.join(TARGETS)}"
            hint = f"did you mean {near[0]}?" if near else known
            raise UsageError(f"no target '{name}'", hint=hint)
        if name in names[:number]:
            raise UsageError(f"target '{name}' is named twice", hint="name each target once")


@contextmanager
def started(names: Sequence[str]) -> Iterator[tuple[Target, ...]]:
    """Start targets by name, and stop them all at the end of the block.

    Raises:
        UsageError: No such target.
        RigError: One cannot be started.
    """
    with ExitStack() as stack:
        yield tuple(stack.enter_context(_make(name)) for name in names)


def _make(name: str) -> Target:
    refuse_unknown((name,))
    if name == "emulated":
        from d7xr.target.emulated import Emulated

        return Emulated()
    from d7xr.target.sil import Sil

    return Sil()
