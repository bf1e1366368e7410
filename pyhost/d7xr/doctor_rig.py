"""What a rig needs of this machine, and the exact command that brings what is missing."""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from d7xr.flash import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

RULE: Final = "60-d7xr.rules"
RULE_FOLDERS: Final = (Path("/etc/udev/rules.d"), Path("/usr/lib/udev/rules.d"))
DEVICES: Final = Path("/dev")
_PORTS: Final = ("ttyACM*", "ttyUSB*")
_TIME_OUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: ``ok`` or ``absent``: without it one target or one way to flash is missing, no more.
        detail: What was found.
        repair: The command that mends it, or None.
    """

    name: str
    state: str
    detail: str
    repair: str | None = None


@dataclass(frozen=True, slots=True)
class _Program:
    """A program on the path."""

    name: str
    purpose: str
    package: str


_PROGRAMS: Final = (
    _Program("arm-none-eabi-gcc", "builds the image of the chip", "gcc-arm-none-eabi"),
    _Program("qemu-system-arm", "runs it without a board", "qemu-system-arm"),
)


def findings(
    *, which: Callable[[str], str | None] = shutil.which, devices: Path = DEVICES,
    rule_folders: tuple[Path, ...] = RULE_FOLDERS, rule: Path | None = None,
) -> list[Finding]:  # fmt: skip
    """Look at everything that a rig needs; nothing is changed and no port is opened.

    Args:
        which: Finds a program; as ``shutil.which``.
        devices: Folder of devices.
        rule_folders: Where udev looks for rules.
        rule: The rule file that comes with d7xr; None takes ``hil/60-d7xr.rules``.
    """
    programs = [_program(program, which) for program in _PROGRAMS]
    flashers = [
        _found(backend.program, which, f"flashes through {', '.join(backend.probes)}",
               backend.install)
        for backend in BACKENDS
    ]  # fmt: skip
    return [*programs, *flashers, ports(devices), udev_rule(rule_folders, rule)]


def ports(devices: Path = DEVICES) -> Finding:
    """Say whether this user may open the serial ports that are there."""
    found = sorted(path for pattern in _PORTS for path in devices.glob(pattern))
    if not found:
        return Finding("serial ports", "absent", "no board is plugged in", None)
    shut = [path for path in found if not os.access(path, os.R_OK | os.W_OK)]
    if not shut:
        return Finding("serial ports", "ok", ", ".join(path.name for path in found))
    return Finding(
        "serial ports",
        "absent",
        f"{getpass.getuser()} may not open {', '.join(path.name for path in shut)}",
        f"sudo usermod -aG {_group(shut[0])} {getpass.getuser()}, then log in again",
    )


def udev_rule(folders: tuple[Path, ...] = RULE_FOLDERS, rule: Path | None = None) -> Finding:
    """Say whether the udev rule is installed, and is the one that came with this version."""
    shipped = rule or Path(__file__).resolve().parents[2] / "hil" / RULE
    where = shipped if shipped.is_file() else Path("hil") / RULE
    reload = "sudo udevadm control --reload && sudo udevadm trigger"
    repair = f"sudo cp {where} {folders[0]}/ && {reload}"
    installed = next((f / RULE for f in folders if (f / RULE).is_file()), None)
    if installed is None:
        return Finding("udev rule", "absent", f"{RULE} is not installed", repair)
    if shipped.is_file() and installed.read_bytes() != shipped.read_bytes():
        return Finding("udev rule", "absent", f"{installed} is of another version", repair)
    return Finding("udev rule", "ok", str(installed))


def _program(program: _Program, which: Callable[[str], str | None]) -> Finding:
    return _found(program.name, which, program.purpose, f"sudo apt-get install {program.package}")


def _found(name: str, which: Callable[[str], str | None], purpose: str, repair: str) -> Finding:
    path = which(name)
    if path is None:
        return Finding(name, "absent", f"not found; {purpose}", repair)
    return Finding(name, "ok", f"{_version(path)} at {path}")


def _version(path: str) -> str:
    """Return the first line that a program says of itself; some say it on standard error."""
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, errors="replace",
            timeout=_TIME_OUT_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "says nothing"
    return next((line for line in (done.stdout + done.stderr).splitlines() if line.strip()), "?")


def _group(path: Path) -> str:
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
