"""``python -m tools.figures [--runs NAME=N ...]``: drive the sweeps and write the page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.figures import page, runs, speed

if TYPE_CHECKING:
    from collections.abc import Callable

    from d7xr.fanout import Progress

ROOT: Final = Path(__file__).parent.parent.parent
PAGE: Final = ROOT / "docs" / "flight_mode_figures.md"
ROWS: Final = ROOT / "build" / "figures"


def main() -> None:
    """Write the page; rows are kept below build/, so an interrupted call goes on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", nargs="*", default=[], metavar="NAME=N", help="fewer or more")
    parser.add_argument("--jobs", type=int, help="processes; default: one per core")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args()
    wanted = runs.RUNS | {
        name: int(count) for name, _, count in (r.partition("=") for r in args.runs)
    }
    parts = [page.head()]
    for name, section in page.SECTIONS.items():
        parts.append(section(runs.driven(name, wanted[name], ROWS, args.jobs, _teller(name))))
    parts.append(speed.section())
    args.page.write_text("\n".join(parts), encoding="utf-8")
    print(f"{args.page} is written")


def _teller(name: str) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        print(f"\r{name}: {progress.done} of {progress.jobs} parts", end="", flush=True)
        if progress.done == progress.jobs:
            print()

    return tell


if __name__ == "__main__":
    main()
