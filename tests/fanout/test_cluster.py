"""Jobs over a real Dask scheduler with two workers, one of which is killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from d7xr.errors import EnvironmentFault
from d7xr.fanout import Cluster, Job, Ledger, Row, run
from tests.fanout import work
from tests.fanout.test_killed import PATIENCE_S, appeared
from tests.gates.checks.sources import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

JOBS = 6


@contextmanager
def process(*command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a running process that can import what this test can."""
    with subprocess.Popen(
        [sys.executable, "-m", *map(str, command)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.DEVNULL,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Return the address of a scheduler with two workers of one thread each."""
    pytest.importorskip("distributed")
    scheduler = ("dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with ExitStack() as stack:
        file = tmp_path / "scheduler.json"
        stack.enter_context(process(*scheduler, "--scheduler-file", file))
        told = appeared_json(file)
        for _ in range(2):
            worker = ("dask", "worker", told, "--nthreads", "1", "--no-nanny", "--no-dashboard")
            stack.enter_context(process(*worker, "--local-directory", tmp_path / "dask"))
        yield told


def appeared_json(path: Path) -> str:
    """Wait for the scheduler's file, and return the address in it."""
    import json

    for _ in range(PATIENCE_S * 50):
        try:
            return str(json.loads(path.read_text())["address"])
        except (OSError, ValueError):
            threading.Event().wait(0.02)
    raise AssertionError("the scheduler has not started")


def begun(folder: Path) -> dict[int, int]:
    """Return the worker's process by the job that it began."""
    return {
        int(path.stem): int(path.read_text().splitlines()[0])
        for path in folder.glob("*.done")
        if path.read_text().endswith("\n")
    }


def test_the_jobs_of_a_killed_worker_are_done_by_the_other(tmp_path: Path, address: str) -> None:
    rows: list[Row] = []
    jobs = [Job(f"job {n}", (tmp_path, n)) for n in range(JOBS)]

    def go() -> None:
        with Ledger.opened(tmp_path / "rows", {}) as ledger:
            rows.extend(run(work.held, jobs, workers=Cluster(address), ledger=ledger))

    # Given two workers, each with a job in hand
    thread = threading.Thread(target=go)
    thread.start()
    for _ in range(PATIENCE_S * 50):
        if len(set(begun(tmp_path).values())) == 2 or not thread.is_alive():
            break
        threading.Event().wait(0.02)
    (lost, killed), *_ = begun(tmp_path).items()

    # When one is killed
    os.kill(killed, signal.SIGKILL)
    (tmp_path / "go").touch()
    thread.join(timeout=PATIENCE_S * 2)

    # Then each job has its row, once, and the lost one was done by the other
    assert [row.values.get("number") for row in rows] == list(range(JOBS))
    assert all(row.error is None for row in rows)
    assert (tmp_path / "rows").read_bytes().count(b"\n") == 1 + JOBS
    by_whom = appeared(tmp_path / f"{lost}.done").split()
    assert len(by_whom) == 2
    assert len(set(by_whom)) == 2


def test_a_failure_on_a_cluster_is_a_row_too(tmp_path: Path, address: str) -> None:
    jobs = [Job(f"job {n}", (tmp_path, n)) for n in (0, 1, 2, 4, 5)]

    rows = run(work.fragile, jobs, workers=Cluster(address))

    kinds = [None if row.error is None else row.error.kind for row in rows]
    assert kinds == [None, "trace", "unexpected", "environment", None]


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("d7xr.fanout._CLUSTER_TIMEOUT_S", 1)

    with pytest.raises(
        EnvironmentFault, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"
    ):
        run(work.square, [Job("one", 1)], workers=Cluster("tcp://127.0.0.1:9"))
