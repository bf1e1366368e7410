"""Targets by the name that a user gives them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from d7xr.errors import UsageError
from d7xr.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from d7xr.target.base import Target
    from d7xr.target.free_running import FreeLink

TARGETS: Final = ("sil", "emulated", "board-emulated", "serial:PORT", "can:INTERFACE:CHANNEL")
SERIAL: Final = "serial:"
CAN: Final = "can:"


def refuse_unknown(names: Sequence[str]) -> None:
    """Refuse a name that no target has, and one that is given twice.

    Raises:
        UsageError: With the nearest name, or all of them.
    """
    for number, name in enumerate(names):
        if name.startswith(CAN):
            from d7xr.target.can_bus import BusName

            BusName.read(name)
        elif not (name in TARGETS[:3] or name.removeprefix(SERIAL) not in (name, "")):
            raise UsageError(f"no target '{name}'", hint=nearest(name, TARGETS))
        if name in names[:number]:
            raise UsageError(f"target '{name}' is named twice", hint="name each target once")


@contextmanager
def started(names: Sequence[str]) -> Iterator[tuple[Target, ...]]:
    """Start targets by name, and stop them all at the end of the block.

    Raises:
        UsageError: No such target.
        LinkError: One does not answer, or its port is absent or busy.
        RigError: One cannot be started, or is of another build.
    """
    refuse_unknown(names)
    with ExitStack() as stack:
        yield tuple(_enter(name, stack) for name in names)


def _enter(name: str, stack: ExitStack) -> Target:
    if name == "emulated":
        from d7xr.target.emulated import Emulated

        return stack.enter_context(Emulated())
    if name == "board-emulated" or name.startswith(SERIAL):
        from d7xr.target.serial import SerialTarget

        is_ours = not name.startswith(SERIAL)
        return stack.enter_context(
            SerialTarget(serial_port(name, stack), name=name, is_ours=is_ours)
        )
    if name.startswith(CAN):
        from d7xr.target.can_bus import CanTarget

        return stack.enter_context(CanTarget(name))
    from d7xr.target.sil import Sil

    return stack.enter_context(Sil())


@contextmanager
def started_free(name: str) -> Iterator[FreeLink]:
    """Open a link to a unit that has a timer of its own.

    Raises:
        UsageError: No such target, or one that lives in the host's time.
        LinkError: It does not answer, or its port is absent or busy.
        RigError: It cannot be started, or is of another build.
    """
    refuse_unknown((name,))
    with ExitStack() as stack:
        if name == "board-emulated" or name.startswith(SERIAL):
            from d7xr.target.serial import SerialTarget

            yield stack.enter_context(SerialTarget(serial_port(name, stack), name=name))
        elif name.startswith(CAN):
            from d7xr.target.can_bus import FreeCan

            yield stack.enter_context(FreeCan(name))
        else:
            raise UsageError(
                f"target {name} has no timer of its own",
                hint=f"one that runs free: {', '.join(TARGETS[2:])}",
            )


def serial_port(name: str, stack: ExitStack) -> str:
    """Return the port of ``serial:PORT``, or that of an emulated board that is started for it."""
    if name.startswith(SERIAL):
        return name.removeprefix(SERIAL)
    from d7xr.target.board_emulator import BoardEmulator

    return stack.enter_context(BoardEmulator()).port
