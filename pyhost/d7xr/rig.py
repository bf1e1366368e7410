"""The rig file: which boards there are, how each is reached, and what it can do.

Boards are named by what stays the same from boot to boot: the serial number of a USB device or a
path below ``/dev/serial/by-id``. A key that is not known is an error, never passed over.

    [board.bench1]
    link = "slcan:///dev/serial/by-id/usb-FTDI_TTL232R_FT4XYZ-if00-port0?baudrate=2000000"
    board_id = "0042"                   # optional: what the unit answers to N
    capabilities = ["stepped", "free_running"]
    probe = { kind = "stlink", serial = "0670FF..." }
    mcu = { family = "stm32f405", uid = "002F00313434510D37363734" }
    power = { command = ["uhubctl", "-l", "1-1", "-p", "2", "-a", "{state}"] }
    wiring = [["PA2", "adapter RXD"], ["PA3", "adapter TXD"], ["GND", "adapter GND"]]

    [board.bench2]
    link = "slcan:?baudrate=2000000"    # the port is found by the number below
    usb_serial = "FT9ABC"
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from d7xr.errors import ConfigError, RigError, UsageError
from d7xr.names import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_ID: Final = Path("/dev/serial/by-id")
VARIABLE: Final = "D7XR_RIG"
USUAL_PLACE: Final = Path("hil") / "rig.toml"

CAPABILITIES: Final[dict[str, str]] = {
    "stepped": "the host owns time, one tick a Sync frame",
    "free_running": "its own timer owns time",
    "real_time": "its timer runs on a crystal, so that its times mean something",
    "serial": "a serial port that speaks SLCAN",
    "snapshot": "tells its whole state",
    "calibration": "starts with a set that the host brings",
    "reset": "can be reset by the host",
    "power": "its supply can be cut by the host",
    "storage": "keeps calibration and faults through a power cut",
    "flash": "a probe that can write its image",
}
"""What a test may ask of a place, and what it means."""

_TTY: Final = re.compile(r"/*(?:dev/)?(?:tty(?:ACM|USB|S|AMA)\d+|cu\.\w+|COM\d+)", re.IGNORECASE)
_BAUDRATE: Final = 2_000_000
_BITRATE: Final = 500_000
_LINK_KEYS: Final = ("baudrate", "bitrate")

Text = Annotated[str, msgspec.Meta(min_length=1)]
Hex = Annotated[str, msgspec.Meta(pattern="^[0-9A-Fa-f]+$")]


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What flashes the board: the kind, and the serial number that tells it from its neighbours."""

    kind: Literal["stlink", "cmsis-dap", "dfu"]
    serial: Text


class Mcu(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The chip: its family, and the 96-bit number that no other chip has."""

    family: Literal["stm32f405", "stm32f407"]
    uid: Hex | None = None


class Power(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the supply is switched: a command in which ``{state}`` becomes ``on`` or ``off``."""

    command: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    settle_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 2000


class _BoardTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    link: Text
    usb_serial: Text | None = None
    board_id: Hex | None = None
    capabilities: tuple[str, ...] = ("stepped", "free_running")
    probe: Probe | None = None
    mcu: Mcu | None = None
    power: Power | None = None
    wiring: tuple[tuple[Text, Text], ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    board: dict[str, Any] = {}


_INNER: Final[dict[str, type[msgspec.Struct]]] = {"probe": Probe, "mcu": Mcu, "power": Power}


@dataclass(frozen=True, slots=True)
class Link:
    """A link URI, taken apart.

    Attributes:
        port: Path of the port; None where it is found by the USB serial number.
        baudrate: Of the serial port, bit/s.
        bitrate: Of the CAN bus that the adapter stands for, bit/s.
    """

    port: Path | None
    baudrate: int = _BAUDRATE
    bitrate: int = _BITRATE


@dataclass(frozen=True, slots=True)
class Board:
    """One board of a rig.

    Attributes:
        name: As in the rig file.
        link: How to speak with it.
        usb_serial: Serial number of the USB device that carries the link.
        board_id: Number that the unit gives as its own, or None where nobody has noted it.
        capabilities: What tests may ask of it, keys of ``CAPABILITIES``.
        probe: What flashes it.
        mcu: Its chip.
        power: How its supply is switched.
        wiring: Pairs of pins, for people.
    """

    name: str
    link: Link
    usb_serial: str | None = None
    board_id: str | None = None
    capabilities: frozenset[str] = frozenset()
    probe: Probe | None = None
    mcu: Mcu | None = None
    power: Power | None = None
    wiring: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """What tells this board from every other, for its lock: chip, USB device or path."""
        if self.mcu is not None and self.mcu.uid is not None:
            return self.mcu.uid.lower()
        return self.usb_serial or str(self.link.port)

    def port(self, by_id: Path = BY_ID) -> Path:
        """Return the path of its serial port.

        Raises:
            RigError: The board is not there, or its number stands for several ports.
        """
        if self.link.port is not None:
            if not self.link.port.exists():
                raise RigError(f"board {self.name}: no {self.link.port}", hint=_present(by_id))
            return self.link.port
        found = [path for path in _listed(by_id) if f"_{self.usb_serial}-" in path.name]
        if len(found) == 1:
            return found[0]
        if not found:
            raise RigError(
                f"board {self.name}: no serial port of a USB device with number {self.usb_serial}",
                hint=_present(by_id),
            )
        raise RigError(
            f"board {self.name}: USB device {self.usb_serial} has {len(found)} serial ports",
            hint=f"name one in its link: {', '.join(str(path) for path in found)}",
        )


@dataclass(frozen=True, slots=True)
class Rig:
    """A rig file after it has been checked."""

    path: Path
    boards: Mapping[str, Board]


def find_rig(path: Path | None = None, *, start: Path | None = None) -> Path | None:
    """Return the rig file: the one named, else ``D7XR_RIG``, else ``hil/rig.toml`` here or above.

    Args:
        path: As named by the user.
        start: Where to begin to look; None takes the working folder.

    Returns:
        The file, or None where nobody named one and none lies about.

    Raises:
        ConfigError: The file that was named does not exist.
    """
    named = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(
                f"no rig file {named}", hint="copy hil/rig.example.toml and fill in your board"
            )
        return named
    here = (start or Path.cwd()).resolve()
    places = (folder / USUAL_PLACE for folder in (here, *here.parents))
    return next((place for place in places if place.is_file()), None)


def load_rig(path: Path, *, by_id: Path = BY_ID) -> Rig:
    """Read a rig file.

    Args:
        path: The file.
        by_id: Folder of stable port names, for hints.

    Raises:
        ConfigError: It cannot be read, a key is unknown, or a port is named by a name that changes.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: not TOML: {error}") from error
    file = _convert(content, _File, _Place(path, text, ""))
    boards = {
        name: _board(name, table, _Place(path, text, name), by_id)
        for name, table in file.board.items()
    }
    _refuse_twins(path, boards)
    return Rig(path, boards)


def choose_board(rig: Rig, name: str | None = None) -> Board:
    """Return a board of a rig by its name; None is enough where there is only one.

    Raises:
        UsageError: Several boards and none chosen.
        ConfigError: No such board, or no board at all.
    """
    if not rig.boards:
        raise ConfigError(f"{rig.path}: no board in it", hint="begin a table [board.NAME]")
    if name is None:
        if len(rig.boards) > 1:
            names = ", ".join(rig.boards)
            raise UsageError(f"{rig.path} has several boards", hint=f"choose with --board: {names}")
        return next(iter(rig.boards.values()))
    if name not in rig.boards:
        raise ConfigError(f"{rig.path}: no board '{name}'", hint=nearest(name, rig.boards))
    return rig.boards[name]


def stable_names(port: str, by_id: Path = BY_ID) -> tuple[Path, ...]:
    """Return the names below ``/dev/serial/by-id`` that lead to a port such as ``ttyACM0``."""
    wanted = Path(port).name
    return tuple(path for path in _listed(by_id) if path.resolve().name == wanted)


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    text: str
    board: str

    def of(self, key: str) -> str:
        """Return file, line and table of a key."""
        table = f"[board.{self.board}] " if self.board else ""
        lines = self.text.splitlines()
        header = re.compile(rf'\s*\[\s*board\s*\.\s*"?{re.escape(self.board)}"?\s*\]')
        first = 0
        if self.board:
            first = next((n for n, line in enumerate(lines) if header.match(line)), 0)
        word = re.compile(rf'(?:^|[\s{{,\[])"?{re.escape(key)}"?\s*[=.\]]')
        found = (n for n in range(first, len(lines)) if key and word.search(lines[n]))
        return f"{self.path.name}:{next(found, first) + 1}: {table}{key}".rstrip()


def _board(name: str, table: object, place: _Place, by_id: Path) -> Board:
    entry = _convert(table, _BoardTable, place)
    for capability in entry.capabilities:
        if capability not in CAPABILITIES:
            raise ConfigError(
                f"{place.of('capabilities')}: no capability '{capability}'",
                hint=nearest(capability, CAPABILITIES),
            )
    link = _link(entry.link, place, by_id)
    if (link.port is None) == (entry.usb_serial is None):
        raise ConfigError(
            f"{place.of('link')}: the port must be named once, by path or by usb_serial",
            hint='slcan:///dev/serial/by-id/..., or "slcan:" beside usb_serial = "..."',
        )
    offered = set(entry.capabilities) | {"serial", "real_time"}
    offered |= {"power", "reset"} if entry.power is not None else set()
    offered |= {"flash"} if entry.probe is not None else set()
    return Board(
        name=name,
        link=link,
        usb_serial=entry.usb_serial,
        board_id=entry.board_id,
        capabilities=frozenset(offered),
        probe=entry.probe,
        mcu=entry.mcu,
        power=entry.power,
        wiring=entry.wiring,
    )


def _link(uri: str, place: _Place, by_id: Path) -> Link:
    parts = urlsplit(uri)
    if parts.scheme != "slcan":
        raise ConfigError(
            f"{place.of('link')}: {uri!r} is no link that d7xr can speak",
            hint="write slcan:///dev/serial/by-id/...?baudrate=2000000",
        )
    port = parts.netloc + parts.path
    if _TTY.fullmatch(port):
        stable = stable_names(port, by_id)
        advice = " or ".join(f"slcan://{path}" for path in stable) or _present(by_id)
        raise ConfigError(
            f"{place.of('link')}: {port} may be another device after the next boot",
            hint=f"name it by what stays the same: {advice}",
        )
    numbers: dict[str, int] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in _LINK_KEYS:
            raise ConfigError(
                f"{place.of('link')}: no option '{key}'", hint=nearest(key, _LINK_KEYS)
            )
        if not value.isascii() or not value.isdecimal() or int(value) == 0:
            raise ConfigError(f"{place.of('link')}: {key}={value} is no rate in bit/s")
        numbers[key] = int(value)
    return Link(Path(port) if port else None, **numbers)


def _refuse_twins(path: Path, boards: Mapping[str, Board]) -> None:
    """Two names for one board would defeat the lock, and flash the one for the other."""
    seen: dict[str, str] = {}
    for board in boards.values():
        if board.key in seen:
            raise ConfigError(f"{path.name}: {seen[board.key]} and {board.name} are the same board")
        seen[board.key] = board.name


def _convert[T: msgspec.Struct](table: object, kind: type[T], place: _Place) -> T:
    """Return a table as a structure, or say which key is wrong and what was probably meant."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$").lstrip(".")
        unknown = re.search(r"unknown field `(.*)`", problem)
        if unknown is None:
            told = f"{problem[:1].lower()}{problem[1:]}".replace(" | null", "")
            wrong = re.sub(r"\[.*?\]", "", key).split(".")[-1]
            raise ConfigError(
                f"{place.of(wrong)}: {told}", hint="each key stands in hil/rig.example.toml"
            ) from error
        inner = _INNER.get(key.split("[")[0], kind)
        known = [field.encode_name for field in msgspec.structs.fields(inner)]
        name = unknown.group(1)
        raise ConfigError(f"{place.of(name)}: no such key", hint=nearest(name, known)) from error


def _listed(by_id: Path) -> list[Path]:
    return sorted(by_id.iterdir()) if by_id.is_dir() else []


def _present(by_id: Path) -> str:
    names = [str(path) for path in _listed(by_id)]
    if names:
        return f"present now: {', '.join(names)}"
    return "no serial device is plugged in: check the cable, some carry power alone"
