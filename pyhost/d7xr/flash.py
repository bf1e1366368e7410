"""Write a firmware image to a board: the one that is meant, or none.

The programs that speak with probes are data here: what each is called with, and how it tells the
number of the chip. The order is fixed: lock, read the chip's number, refuse a stranger, listen to
the port, write and verify, reset, and ask the unit who it is. The probe's own number goes with
every command, so a second board on the same machine is never touched.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self

from d7xr.errors import ConfigError, RigError, UsageError
from d7xr.names import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

    from serial import Serial

    from d7xr.hil.identity import Identity
    from d7xr.rig import Board

UID_ADDRESS: Final = 0x1FFF7A10
"""Where the chip keeps its 96-bit number (reference manual of the STM32F405/407, section 39.1)."""

FLASH_ADDRESS: Final = 0x08000000
_WRITE_S: Final = 120.0
_READ_S: Final = 30.0
_WORD: Final = r"([0-9a-fA-F]{8})"


@dataclass(frozen=True, slots=True)
class Chip:
    """What the programs call a family."""

    pyocd: str
    openocd: str


CHIPS: Final[dict[str, Chip]] = {
    "stm32f405": Chip(pyocd="stm32f405rgtx", openocd="target/stm32f4x.cfg"),
    "stm32f407": Chip(pyocd="stm32f407vgtx", openocd="target/stm32f4x.cfg"),
}


@dataclass(frozen=True, slots=True)
class Backend:
    """A program that writes images.

    Words in braces are filled in: ``{serial}`` of the probe, ``{image}``, ``{pyocd}`` and
    ``{openocd}`` for the chip, ``{interface}`` for the kind of probe, ``{uid}`` and ``{flash}`` for
    addresses.

    Attributes:
        name: As after ``--with``.
        program: What is looked for on the path.
        probes: Kinds of probe that it drives.
        suffix: Of the image that it takes.
        identify: Arguments that tell the chip's number, or that the device is there.
        found: What its answer holds: the chip's number in groups, or one that names the device.
        tells_uid: Whether ``found`` is the chip's number.
        write: Arguments that write, verify and reset.
        install: The command that installs it.
    """

    name: str
    program: str
    probes: Mapping[str, str]
    suffix: str
    identify: tuple[str, ...]
    found: str
    tells_uid: bool
    write: tuple[str, ...]
    install: str


BACKENDS: Final[tuple[Backend, ...]] = (
    Backend(
        name="pyocd",
        program="pyocd",
        probes={"stlink": "", "cmsis-dap": ""},
        suffix=".hex",
        identify=("commander", "-u", "{serial}", "-t", "{pyocd}", "-c", "read32 {uid} 12"),
        found=rf"1fff7a10:\s+{_WORD}\s+{_WORD}\s+{_WORD}",
        tells_uid=True,
        write=("flash", "-u", "{serial}", "-t", "{pyocd}", "{image}"),
        install="python3 -m pip install pyocd",
    ),
    Backend(
        name="openocd",
        program="openocd",
        probes={"stlink": "interface/stlink.cfg", "cmsis-dap": "interface/cmsis-dap.cfg"},
        suffix=".hex",
        identify=(
            "-f", "{interface}", "-c", "adapter serial {serial}", "-f", "{openocd}",
            "-c", "init", "-c", "reset halt", "-c", "mdw {uid} 3", "-c", "shutdown",
        ),
        found=rf"1fff7a10:\s+{_WORD}\s+{_WORD}\s+{_WORD}",
        tells_uid=True,
        write=(
            "-f", "{interface}", "-c", "adapter serial {serial}", "-f", "{openocd}",
            "-c", "program {{{image}}} verify reset exit",
        ),
        install="sudo apt-get install openocd",
    ),
    Backend(
        name="dfu-util",
        program="dfu-util",
        probes={"dfu": ""},
        suffix=".bin",
        identify=("--list", "--device", "0483:df11", "--serial", "{serial}"),
        found=r'serial="([^"]+)"',
        tells_uid=False,
        write=(
            "--device", "0483:df11", "--serial", "{serial}", "--alt", "0",
            "--dfuse-address", "{flash}:leave", "--download", "{image}",
        ),
        install="sudo apt-get install dfu-util",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done to which board.

    Attributes:
        board: The board.
        backend: The program.
        image: What is written.
        identify: The command that tells who is there.
        write: The command that writes.
    """

    board: Board
    backend: Backend
    image: Path
    identify: tuple[str, ...]
    write: tuple[str, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """Both commands, as they can be given to a shell."""
        return shlex.join(self.identify), shlex.join(self.write)


@dataclass(frozen=True, slots=True)
class Flashed:
    """What came of it.

    Attributes:
        plan: What was done.
        uid: The chip's number as it was read before the first erase; empty where the program
            cannot tell it.
        identity: Who answered afterwards.
        console: Bytes of the port from before the write to the reset.
    """

    plan: Plan
    uid: str
    identity: Identity
    console: bytes


class Listener(Protocol):
    """Whoever listens to a board's port while it is written and reset."""

    def __enter__(self) -> Self:
        """Begin to listen."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Stop."""
        ...

    def heard(self) -> bytes:
        """Return what came so far."""
        ...


def plan(
    board: Board, image: Path, *, backend: str | None = None, is_dry: bool = False
) -> Plan:  # fmt: skip
    """Say what would be done; nothing is touched.

    Args:
        board: A board with probe and chip in the rig file.
        image: The image; its suffix is replaced by the one that the program takes.
        backend: Name of the program; None takes the first that drives the probe and is installed.
        is_dry: The plan is for reading: a program that is not installed will do.

    Raises:
        ConfigError: The rig file does not say enough of the board.
        UsageError: No such program, or it does not drive this probe.
        RigError: None is installed.
    """
    if board.probe is None or board.mcu is None:
        lacking = "probe" if board.probe is None else "mcu"
        raise ConfigError(
            f"board {board.name} has no {lacking} in the rig file, so it cannot be flashed",
            hint='probe = { kind = "stlink", serial = "..." } and mcu = { family = "stm32f405", '
            'uid = "..." }',
        )
    chosen = _backend(board.probe.kind, backend, is_dry=is_dry)
    if chosen.tells_uid and board.mcu.uid is None:
        raise ConfigError(
            f"board {board.name} has no mcu.uid in the rig file: nobody could tell it from another",
            hint=f"read it once with: {shlex.join(_filled(chosen, board, image, chosen.identify))}",
        )
    image = image.with_suffix(chosen.suffix)
    return Plan(
        board=board,
        backend=chosen,
        image=image,
        identify=_filled(chosen, board, image, chosen.identify),
        write=_filled(chosen, board, image, chosen.write),
    )


def flash(
    todo: Plan, *,
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run,
    identify: Callable[[Board], Identity] | None = None,
    listen: Callable[[Board], Listener] | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Flashed:  # fmt: skip
    """Do what a plan says.

    Args:
        todo: The plan.
        run: Runs a command; as ``subprocess.run``.
        identify: Asks the unit who it is once it is written; None asks over its link.
        listen: Opens the port of a board for listening; None opens its serial port.
        on_step: Called with each step before it is taken.

    Raises:
        RigError: No image, another board, a program that failed or ended late, a unit that is not
            the one that was written.
        LinkError: The unit does not answer.
    """
    from d7xr.hil.lock import BoardLock

    if not todo.image.is_file():
        raise RigError(f"no image {todo.image}", hint="build it: make firmware")
    board = todo.board
    with BoardLock(board.key, name=board.name):
        on_step("reading who is there")
        uid = _who(todo, run)
        with (listen or Port)(board) as port:
            on_step("writing")
            _command(todo, todo.write, run, _WRITE_S, "writing")
            console = port.heard()
        on_step("asking the unit who it is")
        identity = (identify or _over_link)(board)
    return Flashed(todo, uid, identity, console)


class Port:
    """The port of a board, opened to listen before the board is reset.

    A board without a port yet, as one whose USB comes from its own firmware, has nothing to tell.
    """

    def __init__(self, board: Board) -> None:
        """Remember the board."""
        self._board = board
        self._serial: Serial | None = None

    def __enter__(self) -> Self:
        """Open the port if it is there."""
        import serial

        try:
            port = str(self._board.port())
            self._serial = serial.Serial(port, self._board.link.baudrate, timeout=0)
        except (RigError, serial.SerialException):
            self._serial = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Close it."""
        if self._serial is not None:
            self._serial.close()

    def heard(self) -> bytes:
        """Return what came since it was opened."""
        import serial

        if self._serial is None:
            return b""
        try:
            return bytes(self._serial.read(self._serial.in_waiting))
        except (OSError, serial.SerialException):  # it went away with the reset
            return b""


def _backend(kind: str, name: str | None, *, is_dry: bool) -> Backend:
    names = [backend.name for backend in BACKENDS]
    if name is not None and name not in names:
        raise UsageError(f"no program '{name}' to flash with", hint=nearest(name, names))
    able = [backend for backend in BACKENDS if kind in backend.probes]
    if name is not None:
        able = [backend for backend in able if backend.name == name]
        if not able:
            fitting = ", ".join(b.name for b in BACKENDS if kind in b.probes)
            raise UsageError(f"{name} does not drive a probe of kind {kind}", hint=f"use {fitting}")
    present = [backend for backend in able if shutil.which(backend.program)]
    if not present and is_dry:
        return able[0]
    if not present:
        programs = " or ".join(backend.program for backend in able)
        raise RigError(
            f"{programs} is not installed", hint=" or ".join(backend.install for backend in able)
        )
    return present[0]


def _filled(backend: Backend, board: Board, image: Path, words: tuple[str, ...]) -> tuple[str, ...]:
    assert board.probe is not None
    assert board.mcu is not None
    chip = CHIPS[board.mcu.family]
    values = {
        "serial": board.probe.serial,
        "image": str(image),
        "pyocd": chip.pyocd,
        "openocd": chip.openocd,
        "interface": backend.probes[board.probe.kind],
        "uid": f"0x{UID_ADDRESS:08X}",
        "flash": f"0x{FLASH_ADDRESS:08X}",
    }
    return (backend.program, *(word.format(**values) for word in words))


def _who(todo: Plan, run: Callable[..., subprocess.CompletedProcess[str]]) -> str:
    """Read who is there and refuse a stranger; nothing has been erased yet.

    Returns:
        The chip's number; empty where the program cannot tell it.
    """
    said = _command(todo, todo.identify, run, _READ_S, "reading who is there")
    found = re.search(todo.backend.found, said, re.IGNORECASE)
    board = todo.board
    assert board.probe is not None
    assert board.mcu is not None
    if found is None:
        raise RigError(
            f"board {board.name}: {todo.backend.name} does not say who is there; nothing was "
            "written",
            hint=f"see what it says: {todo.commands[0]}",
        )
    told = "".join(found.groups())
    wanted = (board.mcu.uid or "") if todo.backend.tells_uid else board.probe.serial
    if told.lower() != wanted.lower():
        raise RigError(
            f"board {board.name}: {told} is there, the rig file means {wanted}; nothing was "
            "written",
            hint="plug in the board that is meant, or correct the rig file",
        )
    return told if todo.backend.tells_uid else ""


def _command(
    todo: Plan, words: tuple[str, ...], run: Callable[..., subprocess.CompletedProcess[str]],
    time_out_s: float, what: str,
) -> str:  # fmt: skip
    name = todo.board.name
    try:
        done = run(list(words), capture_output=True, text=True, errors="replace",
                   timeout=time_out_s, stdin=subprocess.DEVNULL)  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RigError(
            f"board {name}: {what} took longer than {time_out_s:.0f} s and was ended",
            hint=f"look at the cable and try by hand: {shlex.join(words)}",
        ) from error
    except OSError as error:
        raise RigError(
            f"board {name}: {words[0]} did not run: {error.strerror}", hint=todo.backend.install
        ) from error
    said = f"{done.stdout or ''}\n{done.stderr or ''}"
    if done.returncode != 0:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        last = lines[-1] if lines else "it said nothing"
        half = " The board may hold half an image: flash it again." if what == "writing" else ""
        raise RigError(
            f"board {name}: {what} failed, {words[0]} ended with status {done.returncode}: {last}",
            hint=f"is it plugged in?{half} By hand: {shlex.join(words)}",
        )
    return said


def _over_link(board: Board) -> Identity:
    from d7xr.hil.identity import handshake
    from d7xr.hil.machines import Wired

    with Wired(board) as machine:
        return handshake(machine)
