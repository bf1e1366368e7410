"""Print what the firmware takes now, and what it took at another revision.

``python -m tools.firmware_difference [REVISION]``, after ``make firmware``; without one, ``main``.
It is built from git's own copy, into a folder of its own, and kept there. Bytes are those of the
board's image, instructions those of a tick on the emulated chip, each revision with its own
built-in calibration, both over the demo of this tree.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools.firmware_size import IMAGE, ROOT, Footprint, footprint

BUILDS = ROOT / "build" / "size"
SOURCES = ("firmware", "pyhost/build_core.py", "pyhost/native")
MAKE = ("make", "-s", "-f", "firmware/board/board.mk")
IMAGES = ("d7xr.elf", "measure.elf")
EMULATOR = "qemu-system-arm"
DEFAULT_SET = "calibration_default"
FLASH_START = 0x08000000


class Cost(NamedTuple):
    """Instructions of a tick over the demo; they are not cycles."""

    least: int
    mean: int
    most: int


def image_of(revision: str, builds: Path = BUILDS) -> Path:
    """Build the board's image of a revision and the one that measures, or find them built.

    Returns:
        The board's image; the other lies beside it.

    Raises:
        LookupError: Git knows no such revision, or its firmware cannot be built.
    """
    commit = _said("git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        raise LookupError(f"git knows no revision '{revision}'")
    folder = builds / commit[:12]
    image = folder / "build" / "firmware" / "d7xr.elf"
    images = [image.with_name(name) for name in IMAGES]
    if not all(path.is_file() for path in images):
        folder.mkdir(parents=True, exist_ok=True)
        tree = subprocess.run(
            ["git", "archive", commit, *SOURCES], cwd=ROOT, capture_output=True, check=False
        )
        subprocess.run(["tar", "-x"], cwd=folder, input=tree.stdout, check=False)
        built = subprocess.run(
            [*MAKE, f"PYTHON={sys.executable}", *(f"build/firmware/{name}" for name in IMAGES)],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if built.returncode != 0:
            raise LookupError(f"{revision} does not build: {built.stderr.strip()[-500:]}")
    return image


def default_set(image: Path) -> bytes:
    """Return the built-in calibration of an image: another revision may have other numbers."""
    for line in _said("arm-none-eabi-nm", "--print-size", str(image)).splitlines():
        words = line.split()
        if len(words) == 4 and words[3] == DEFAULT_SET:
            first, size = int(words[0], 16), int(words[1], 16)
            with tempfile.NamedTemporaryFile() as file:
                _said("arm-none-eabi-objcopy", "-O", "binary", str(image), file.name)
                at = first - FLASH_START
                return Path(file.name).read_bytes()[at : at + size]
    raise LookupError(f"{image} has no {DEFAULT_SET}")


def cost(image: Path) -> Cost:
    """Count the instructions of each tick of the demo on a measuring image."""
    from tests.targets.corpus import demo
    from tests.targets.instructions import measure

    drive = demo()
    with tempfile.TemporaryDirectory() as folder:
        counted = measure(
            image, Path(folder), drive.frame, drive.tick, drive.ticks, default_set(image)
        ).tick
    return Cost(int(counted.min()), round(float(counted.mean())), int(counted.max()))


def table(now: Footprint, then: Footprint, revision: str) -> str:
    """Return both and the difference as a table."""
    names = ("flash", "ram", "stack")
    pairs = [(name, getattr(now, name), getattr(then, name)) for name in names]
    return _columns("bytes", revision, pairs)


def cost_table(now: Cost, then: Cost, revision: str) -> str:
    """Return the instructions of both and the difference as a table."""
    return _columns("instr.", revision, list(zip(Cost._fields, now, then, strict=True)))


def _columns(what: str, revision: str, pairs: list[tuple[str, int, int]]) -> str:
    rows = [(what, "now", revision[:12], "change")]
    rows += [(name, str(new), str(old), f"{new - old:+d}") for name, new, old in pairs]
    return "\n".join(f"{name:<6}{new:>8}{old:>14}{change:>8}" for name, new, old, change in rows)


def main(arguments: list[str]) -> int:
    """Print both tables; the second needs the emulator."""
    revision = arguments[0] if arguments else "main"
    try:
        then = image_of(revision)
        print(table(footprint(IMAGE), footprint(then), revision))
        if shutil.which(EMULATOR) is None:
            print(f"instructions of a tick: not counted, no {EMULATOR}: apt-get install {EMULATOR}")
        else:
            now, before = (cost(image.with_name(IMAGES[1])) for image in (IMAGE, then))
            print(cost_table(now, before, revision))
    except (LookupError, OSError, subprocess.CalledProcessError) as error:
        print(f"firmware_difference: {error}", file=sys.stderr)
        return 3
    return 0


def _said(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
