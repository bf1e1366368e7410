"""A run that is killed outright: its workers end with it, and the next run goes on."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from d7xr.fanout import Cores, Job, Ledger, run
from tests.fanout import work
from tests.gates.checks.sources import REPOSITORY

SCRIPT = """
import sys
from pathlib import Path
from d7xr.fanout import Cores, Job, Ledger, run
from tests.fanout import work

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    jobs = [Job("first", (folder, 0), weight=2), Job("never", (folder, 1))]
    with Ledger.opened(folder / "rows", {}) as ledger:
        run(work.stuck, jobs, workers=Cores(2), ledger=ledger)
"""
PATIENCE_S = 60


def appeared(path: Path) -> str:
    """Wait until a file has a whole line, and return it."""
    for _ in range(PATIENCE_S * 50):
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text()
        threading.Event().wait(0.02)
    raise AssertionError(f"{path.name} has not appeared")


def is_running(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_killed_run_leaves_no_worker_and_loses_no_row(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", tmp_path],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    worker = int(appeared(tmp_path / "1.done"))
    for _ in range(PATIENCE_S * 50):  # the other job's row has been written
        if (tmp_path / "rows").read_bytes().count(b"\n") == 2:
            break
        threading.Event().wait(0.02)

    process.send_signal(signal.SIGKILL)
    process.wait(timeout=PATIENCE_S)

    for _ in range(PATIENCE_S * 50):
        if not is_running(worker):
            break
        threading.Event().wait(0.02)
    assert not is_running(worker)
    with Ledger.opened(tmp_path / "rows", {}) as ledger:
        assert list(ledger.rows) == ["first"]
        jobs = [Job("first", (tmp_path, 0)), Job("never", (tmp_path, 7))]
        run(work.marked, jobs, workers=Cores(1), ledger=ledger)
    assert len((tmp_path / "0.done").read_text().splitlines()) == 1
