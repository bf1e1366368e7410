"""Where the unit can run, by name, with what tests may ask of each place.

A machine stays for a whole session: it is started, locked where it is a board, and stopped. A
target is a conversation with it, opened anew for each test. Whatever is behind it, a test sees
capabilities and never asks for a name.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self

from d7xr.errors import LinkError, RigError, UsageError
from d7xr.names import nearest
from d7xr.rig import BY_ID, choose_board

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from d7xr.rig import Board, Rig
    from d7xr.target import Target
    from d7xr.target.board_emulator import BoardEmulator

BULK: Final = "bulk"
"""Capability beyond those of a rig file: tens of thousands of ticks a second."""

IN_PROCESS: Final = frozenset({"stepped", "snapshot", "calibration", BULK})
EMULATED_BOARD: Final = frozenset(
    {"stepped", "free_running", "serial", "power", "reset", "calibration"}
)
UNLISTED: Final = frozenset({"stepped", "free_running", "serial", "real_time"})
NAMES: Final = ("sil", "emulated", "board-emulated", "board", "serial:PORT")

_COMMAND_S: Final = 30.0
_BACK_S: Final = 15.0
_POLL_S: Final = 0.02


class Machine(Protocol):
    """A place where the unit runs, for the length of a with block.

    Attributes:
        name: What the user calls it.
        capabilities: What tests may ask of it.
        port: Its serial port, for clients other than ours; None where it has none.
        board: Its entry in the rig file, or None.
    """

    name: str
    capabilities: frozenset[str]
    board: Board | None

    @property
    def port(self) -> str | None:
        """Return the path or URL of its serial port."""
        ...

    def __enter__(self) -> Self:
        """Start it, or make sure that it is there."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Stop it."""
        ...

    def target(self, port: str | None = None) -> Target:
        """Return a target that is not open yet; opening it makes sure who answers.

        Args:
            port: Speak through this port, as one that a test has put in between; None takes the
                machine's own.
        """
        ...

    def power(self, *, is_on: bool) -> None:
        """Switch its supply; returns when the machine answers or is gone."""
        ...


@dataclass(slots=True)
class Plain:
    """A machine that is nothing but its target: this process, or the replay image.

    Attributes:
        name: What the user calls it.
        capabilities: What tests may ask of it.
        make: Makes a target.
    """

    name: str
    capabilities: frozenset[str]
    make: Callable[[], Target]
    board: Board | None = None

    @property
    def port(self) -> str | None:
        """Return None."""
        return None

    def __enter__(self) -> Self:
        """Nothing to start: a target starts its own machine."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Nothing to stop."""

    def target(self, port: str | None = None) -> Target:
        """Return a target that is not open yet."""
        if port is not None:
            raise UsageError(f"{self.name} has no serial port")
        return self.make()

    def power(self, *, is_on: bool) -> None:
        """Refuse: there is no supply.

        Raises:
            UsageError: Always; a test that needs a supply says so with ``needs("power")``.
        """
        raise UsageError(f"{self.name} has no supply to switch {'on' if is_on else 'off'}")


class Wired:
    """A board on a serial port.

    Args:
        board: What the rig file says of it.
        by_id: Folder of stable port names.
        run: Runs a power command; as ``subprocess.run``.
        clock: Seconds, monotonic.
        wait: Lets seconds pass.
    """

    def __init__(
        self, board: Board, *, name: str | None = None, by_id: Path = BY_ID,
        run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run,
        clock: Callable[[], float] = time.monotonic, wait: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """Remember the board; nothing is opened yet."""
        self.name = name or board.name
        self.board: Board | None = board
        self.capabilities = board.capabilities
        self._board = board
        self._by_id = by_id
        self._run = run
        self._clock = clock
        self._wait = wait

    @property
    def port(self) -> str | None:
        """Return the path of its port.

        Raises:
            RigError: The board is not there.
        """
        return str(self._board.port(self._by_id))

    def __enter__(self) -> Self:
        """Make sure that its port is there."""
        self._board.port(self._by_id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Leave the board with its supply on, whatever a test did."""
        if kind is not None and "power" in self.capabilities:
            with contextlib.suppress(RigError):
                self._switch("on")

    def target(self, port: str | None = None) -> Target:
        """Return a target that is not open yet."""
        from d7xr.target.serial import SerialTarget

        return SerialTarget(port or str(self.port), baudrate=self._board.link.baudrate)

    def power(self, *, is_on: bool) -> None:
        """Switch the supply by the command of the rig file, and wait for the port to come back.

        Raises:
            RigError: No such command, it failed, or the port did not come back.
        """
        self._switch("on" if is_on else "off")
        if is_on:
            self._await_port()

    def _switch(self, state: str) -> None:
        power = self._board.power
        if power is None:
            raise RigError(
                f"board {self.name}: its supply cannot be switched",
                hint="give it a power command in the rig file",
            )
        command = [word.replace("{state}", state) for word in power.command]
        try:
            done = self._run(command, capture_output=True, text=True, timeout=_COMMAND_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RigError(
                f"board {self.name}: power command {command[0]} did not run: {error}",
                hint=f"try it by hand: {' '.join(command)}",
            ) from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout or "it said nothing").strip().splitlines()[-1]
            raise RigError(
                f"board {self.name}: power command ended with status {done.returncode}: {said}",
                hint=f"try it by hand: {' '.join(command)}",
            )
        self._wait(power.settle_ms / 1000)

    def _await_port(self) -> None:
        deadline = self._clock() + _BACK_S
        while True:
            try:
                self._board.port(self._by_id)
            except RigError as error:
                if self._clock() > deadline:
                    raise RigError(
                        f"board {self.name}: {_BACK_S:.0f} s after its supply came back its port "
                        f"has not: {error.message}",
                        hint=error.hint,
                    ) from error
                self._wait(_POLL_S)
            else:
                return


class BoardEmulated:
    """The board's own image under the emulator, on a pseudo-terminal."""

    name = "board-emulated"
    capabilities = EMULATED_BOARD
    board: Board | None = None

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._emulator: BoardEmulator | None = None

    @property
    def port(self) -> str | None:
        """Return the path of the pseudo-terminal."""
        if self._emulator is None:
            raise LinkError(f"{self.name} is off", hint="switch its supply on")
        return self._emulator.port

    def __enter__(self) -> Self:
        """Start the emulator."""
        self.power(is_on=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Stop it."""
        self.power(is_on=False)

    def target(self, port: str | None = None) -> Target:
        """Return a target that is not open yet."""
        from d7xr.target.serial import SerialTarget

        return SerialTarget(port or str(self.port), is_ours=True)

    def power(self, *, is_on: bool) -> None:
        """Start the emulator, or end it as a power cut would: at once."""
        from d7xr.target.board_emulator import BoardEmulator

        if is_on and self._emulator is None:
            self._emulator = BoardEmulator().__enter__()
        elif not is_on and self._emulator is not None:
            emulator, self._emulator = self._emulator, None
            emulator.__exit__(None, None, None)


def find_machine(name: str, *, rig: Rig | None = None, board: str | None = None) -> Machine:
    """Return a machine by the name that the user gives it.

    Args:
        name: ``sil``, ``emulated``, ``board-emulated``, ``serial:PORT``, ``board`` for the rig's
            board, or the name of a board of the rig.
        rig: The rig file, where there is one.
        board: Which board ``board`` means; None where the rig has only one.

    Raises:
        UsageError: No such machine.
        ConfigError: No such board.
    """
    if name == "sil":
        return Plain(name, IN_PROCESS, _sil)
    if name == "emulated":
        return Plain(name, IN_PROCESS, _emulated)
    if name == "board-emulated":
        return BoardEmulated()
    if name.startswith("serial:") and name != "serial:":
        return Wired(_unlisted(name.removeprefix("serial:")), name=name)
    if name == "board":
        if rig is None:
            raise UsageError(
                "no rig file, so there is no board",
                hint="copy hil/rig.example.toml to hil/rig.toml, or name a port: serial:PORT",
            )
        return Wired(choose_board(rig, board))
    if rig is not None and name in rig.boards:
        return Wired(rig.boards[name])
    known = [*NAMES, *(rig.boards if rig is not None else ())]
    raise UsageError(f"no target '{name}'", hint=nearest(name, known))


def _unlisted(port: str) -> Board:
    """Return a board of which nothing is known but its port, as on a desk."""
    from pathlib import Path

    from d7xr.rig import Board, Link

    return Board(port, Link(Path(port)), capabilities=UNLISTED)


def _sil() -> Target:
    from d7xr.target.sil import Sil

    return Sil()


def _emulated() -> Target:
    from d7xr.target.emulated import Emulated

    return Emulated()
