"""A rig of nothing but files: rig files, ports, programs that write down their arguments."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from d7xr.rig import Rig, load_rig

UID = "002F00313434510D37363734"
PROBE = "0670FF485550"
PORT = "usb-FTDI_FT232R_A50285BI-if00-port0"

BENCH1 = f"""\
[board.bench1]
link = "slcan:///dev/serial/by-id/{PORT}?baudrate=2000000"
probe = {{ kind = "stlink", serial = "{PROBE}" }}
mcu = {{ family = "stm32f405", uid = "{UID}" }}
power = {{ command = ["switch", "{{state}}"], settle_ms = 0 }}
wiring = [["PA2", "adapter RXD"]]
"""


def read(folder: Path, text: str, by_id: Path | None = None) -> Rig:
    """Write a rig file and load it."""
    path = folder / "rig.toml"
    path.write_text(text)
    return load_rig(path, by_id=by_id or folder / "by-id")


def ports(folder: Path, **names: str) -> Path:
    """Make a folder of stable port names that lead to devices."""
    by_id = folder / "by-id"
    by_id.mkdir()
    for device, name in names.items():
        (folder / device).touch()
        (by_id / name).symlink_to(folder / device)
    return by_id


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder for the path, with programs that write down their arguments."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "calls.txt"

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def add(self, name: str, *, say: str = "", status: int = 0, when: str = "") -> None:
        """Add a program.

        Args:
            name: What it is called.
            say: What it prints.
            status: How it ends, if `when` is among its arguments.
            when: See `status`; empty means always.
        """
        path = self.folder / name
        path.write_text(
            "#!/bin/sh\n"
            f'printf "%s" "{name}" >>"{self.log}"\n'
            f'for word in "$@"; do printf " [%s]" "$word" >>"{self.log}"; done\n'
            f'echo >>"{self.log}"\n'
            f"cat <<'END'\n{say}\nEND\n"
            f'case "$*" in *"{when}"*) exit {status} ;; esac\n'
        )
        path.chmod(0o755)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a session of pytest ended."""

    code: int
    out: str
    err: str


def run_python(folder: Path, *words: str, **variables: str) -> Ran:
    """Run Python in a folder, without what this session of pytest put into the environment."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "D7XR_", "COV_"))
    }
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder, env={**kept, "COLUMNS": "120", **variables}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)
