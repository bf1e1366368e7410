"""Print what the board's image takes now, and what it took at another revision.

``python -m tools.firmware_difference [REVISION]``, after ``make firmware``; without one, ``main``.
It is built from git's own copy, into a folder of its own, and kept there.
"""

import subprocess
import sys
from pathlib import Path

from tools.firmware_size import IMAGE, ROOT, Footprint, footprint

BUILDS = ROOT / "build" / "size"
SOURCES = ("firmware", "pyhost/build_core.py", "pyhost/native")
MAKE = ("make", "-s", "-f", "firmware/board/board.mk", "build/firmware/d7xr.elf")


def image_of(revision: str, builds: Path = BUILDS) -> Path:
    """Build the board's image of a revision, or find it built.

    Raises:
        LookupError: Git knows no such revision, or its firmware cannot be built.
    """
    commit = _said("git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        raise LookupError(f"git knows no revision '{revision}'")
    folder = builds / commit[:12]
    image = folder / "build" / "firmware" / "d7xr.elf"
    if not image.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        tree = subprocess.run(
            ["git", "archive", commit, *SOURCES], cwd=ROOT, capture_output=True, check=False
        )
        subprocess.run(["tar", "-x"], cwd=folder, input=tree.stdout, check=False)
        built = subprocess.run(
            [*MAKE, f"PYTHON={sys.executable}"], cwd=folder, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if built.returncode != 0:
            raise LookupError(f"{revision} does not build: {built.stderr.strip()[-500:]}")
    return image


def table(now: Footprint, then: Footprint, revision: str) -> str:
    """Return both and the difference as a table."""
    rows = [("bytes", "now", revision[:12], "change")]
    for name in ("flash", "ram", "stack"):
        new, old = getattr(now, name), getattr(then, name)
        rows.append((name, str(new), str(old), f"{new - old:+d}"))
    return "\n".join(f"{name:<6}{new:>8}{old:>14}{change:>8}" for name, new, old, change in rows)


def main(arguments: list[str]) -> int:
    """Print the table."""
    revision = arguments[0] if arguments else "main"
    try:
        print(table(footprint(IMAGE), footprint(image_of(revision)), revision))
    except (LookupError, OSError, subprocess.CalledProcessError) as error:
        print(f"firmware_difference: {error}", file=sys.stderr)
        return 3
    return 0


def _said(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
