"""Many traces on several cores: what `d7xr replay DIR` gains, and what the machine itself allows.

The ceiling is the same work in processes that know nothing of each other, so what it lacks is the
machine's: shared caches, shared cores, other load.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from bench.data import long_log

if TYPE_CHECKING:
    from d7xr.fanout import Job
    from d7xr.season import Drive

FILES: Final = 200
FRAMES: Final = 100_000
"""In each file: some 40 ms of work, as little as a fan-out should have to hand out."""


def measured(folder: Path) -> dict[str, Any]:
    """Replay many files by one process, by processes on their own, and by the fan-out.

    Returns:
        Seconds: ``alone`` all in one process, ``bare`` on all cores without a fan-out, ``one`` and
        ``all`` by the fan-out with one worker and with one for each core.
    """
    from d7xr import season
    from d7xr.fanout import Cores, run

    cores = len(os.sched_getaffinity(0))
    jobs = _jobs(folder)
    told: dict[str, Any] = {"files": FILES, "frames": FRAMES, "cores": cores}
    told["alone"] = _bare(folder, 1)
    told["bare"] = _bare(folder, cores)
    for name, count in (("one", 1), ("all", cores)):
        begun = perf_counter()
        rows = run(season.replay_one, jobs, workers=Cores(count))
        told[name] = round(perf_counter() - begun, 3)
        if any(row.error is not None for row in rows):
            raise RuntimeError(f"{name}: a trace failed")
    return told


def _bare(folder: Path, processes: int) -> float:
    """Return how long the slowest takes of processes that share the files out beforehand."""
    command = [sys.executable, "-m", "bench.scaling", str(folder), str(processes)]
    running = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    return max(float(json.loads(process.communicate()[0])) for process in running)


def _jobs(folder: Path) -> list[Job[Drive]]:
    from d7xr import season

    content = long_log(folder, FRAMES)
    place = folder / "season"
    place.mkdir(exist_ok=True)
    for number in range(FILES):
        link = place / f"drive_{number:03}.log"
        if not link.exists():
            os.link(content, link)
    drive = season.Drive(Path())
    paths = sorted(place.glob("*.log"))
    return season.jobs_of({path.name: path for path in paths}, drive)


def main() -> None:
    """Replay every n-th of the files, the first twice: imports do not count."""
    from d7xr import season

    folder, processes, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    mine = _jobs(folder)[number::processes]
    season.replay_one(mine[0].argument)
    begun = perf_counter()
    for job in mine:
        season.replay_one(job.argument)
    print(json.dumps(round(perf_counter() - begun, 3)))


if __name__ == "__main__":
    main()
