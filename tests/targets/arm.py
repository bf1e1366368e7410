"""Images for the chip, and what to do where their compiler or the emulator is absent."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.recordings import REPOSITORY

FIRMWARE = REPOSITORY / "build" / "firmware"
CONTRACTED = REPOSITORY / "build" / "firmware-contracted"

_COMPILER = ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi")
_EMULATOR = ("qemu-system-arm", "apt-get install qemu-system-arm")


def require(*, emulator: bool = True) -> None:
    """Skip with the command that installs what is missing; in CI fail: a skipped proof is none."""
    for program, remedy in (_COMPILER, *((_EMULATOR,) if emulator else ())):
        if shutil.which(program) is None:
            message = f"{program} not found: {remedy}"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)


def built(target: Path, *variables: str) -> Path:
    """Build an image if it is stale, one process at a time, and return it.

    Args:
        target: What to build, below ``build``.
        variables: For make, such as ``EXTRA_CFLAGS=...``.
    """
    require(emulator=False)
    with _locked():
        done = subprocess.run(
            [
                "make", "-s", "-f", "firmware/board/board.mk",
                f"PYTHON={sys.executable}", f"OUT={target.parent.relative_to(REPOSITORY)}",
                *variables, str(target.relative_to(REPOSITORY)),
            ],
            cwd=REPOSITORY, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return target


def replay_image() -> Path:
    """Build the image that replays whole traces."""
    return built(FIRMWARE / "replay.elf")


def contracted_image() -> Path:
    """Build the same image with products and sums fused, which this project must never do.

    It passes itself off as the plain one: what a handshake sees, a comparison need not catch.
    """
    return built(CONTRACTED / "replay.elf", "EXTRA_CFLAGS=-ffp-contract=fast", "FLAGS_ID=0")


def unit_objects() -> list[Path]:
    """Build the unit for the chip and return its objects, those of the codec among them."""
    replay_image()
    folder = FIRMWARE / "obj"
    parts = ("firmware/core", "firmware/bus", "firmware", "build/codec")
    found = sorted(path for part in parts for path in (folder / part).glob("*.o"))
    # An object outlives a source that was renamed; it is not the unit any more.
    return [p for p in found if (REPOSITORY / p.relative_to(folder)).with_suffix("").is_file()]


@contextmanager
def _locked() -> Iterator[None]:
    lock = REPOSITORY / "build" / "firmware.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
