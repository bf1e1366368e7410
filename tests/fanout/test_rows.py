"""Jobs become rows on the cores of this machine, whatever happens to some of them."""

import multiprocessing
from pathlib import Path

import pytest

from d7xr.errors import UsageError
from d7xr.fanout import Cores, Job, Ledger, Progress, Row, run
from tests.fanout import work


def jobs(folder: Path, count: int = 6) -> list[Job[tuple[Path, int]]]:
    return [Job(f"job {n}", (folder, n), weight=10 + n) for n in range(count)]


def times_done(folder: Path, number: int) -> int:
    path = folder / f"{number}.done"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_rows_come_in_the_order_of_the_jobs_whoever_did_them() -> None:
    rows = run(work.square, [Job(str(n), n, weight=n % 5) for n in range(40)], workers=Cores(2))

    assert [row.values for row in rows] == [{"number": n, "square": n * n} for n in range(40)]
    assert [row.name for row in rows] == [str(n) for n in range(40)]


def test_no_job_is_no_row() -> None:
    assert run(work.square, []) == ()


def test_two_jobs_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two jobs are called 'same'"):
        run(work.square, [Job("same", 1), Job("other", 2), Job("same", 3)])


def test_each_failure_is_a_row_and_all_others_are_done_once(tmp_path: Path) -> None:
    rows = run(work.fragile, jobs(tmp_path), workers=Cores(2))

    kinds = [None if row.error is None else row.error.kind for row in rows]
    assert kinds == [None, "trace", "unexpected", "died", "environment", None]
    bad = rows[1].error
    assert bad is not None
    assert (bad.message, bad.hint, bad.exit_code) == (
        "drive.log:7: no id before '#'", "remove the line", 2,
    )  # fmt: skip
    assert [times_done(tmp_path, n) for n in range(6)] == [1, 0, 0, 0, 0, 1]


def test_a_worker_that_dies_takes_no_other_row_with_it(tmp_path: Path) -> None:
    deadly = [Job(f"deadly {n}", (tmp_path, 3), weight=100) for n in range(3)]

    rows = run(work.fragile, [*deadly, *jobs(tmp_path, 1)], workers=Cores(2))

    assert [row.error is None for row in rows] == [False, False, False, True]
    assert not multiprocessing.active_children()


def test_what_json_cannot_hold_is_null() -> None:
    (row,) = run(work.not_a_number, [Job("one", 1)], workers=Cores(1))

    assert row.values == {"gain": None, "loss": 1.0}


def test_progress_is_told_by_weight_and_knows_the_whole(tmp_path: Path) -> None:
    seen: list[Progress] = []
    run(work.fragile, jobs(tmp_path, 3), workers=Cores(1), on_progress=seen.append)

    assert seen[0] == Progress(0, 33, 0, 3, 0, 0)
    assert [progress.weight_done for progress in seen] == [0, 12, 23, 33]  # the heaviest first
    assert seen[-1] == Progress(33, 33, 3, 3, 2, 0)


def test_an_interrupt_ends_the_workers_and_keeps_the_rows_so_far(tmp_path: Path) -> None:
    endless = [Job("first", (tmp_path, 0), weight=2), Job("never", (tmp_path, 1))]

    def after_the_first(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with Ledger.opened(tmp_path / "rows", {}) as ledger:
        with pytest.raises(KeyboardInterrupt):
            run(work.stuck, endless, workers=Cores(2), ledger=ledger, on_progress=after_the_first)
        assert list(ledger.rows) == ["first"]
    for child in multiprocessing.active_children():
        child.join(timeout=30)
    assert not multiprocessing.active_children()


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    with Ledger.opened(tmp_path / "rows", {"rate": 1}) as ledger:
        first = run(work.fragile, jobs(tmp_path, 3), workers=Cores(2), ledger=ledger)
    seen: list[Progress] = []
    with Ledger.opened(tmp_path / "rows", {"rate": 1}) as ledger:
        again = run(
            work.fragile, jobs(tmp_path, 6)[:3] + jobs(tmp_path, 6)[5:], workers=Cores(2),
            ledger=ledger, on_progress=seen.append,
        )  # fmt: skip

    settled = [row for row in first if row.is_final]
    assert [row.name for row in settled] == ["job 0", "job 1"]
    assert again[:2] == tuple(settled)
    assert [times_done(tmp_path, n) for n in (0, 5)] == [1, 1]
    assert (seen[0].done, seen[0].resumed, seen[-1].done) == (2, 2, 4)


def test_a_fault_of_the_machine_is_tried_again_and_then_counts_once(tmp_path: Path) -> None:
    with Ledger.opened(tmp_path / "rows", {}) as ledger:
        (before,) = run(work.fragile, [Job("four", (tmp_path, 4))], ledger=ledger)
    (tmp_path / "room").touch()
    with Ledger.opened(tmp_path / "rows", {}) as ledger:
        (after,) = run(work.fragile, [Job("four", (tmp_path, 4))], ledger=ledger)

    assert before.error is not None
    assert after == Row("four", "", {"number": 4, "square": 16})
    with Ledger.opened(tmp_path / "rows", {}) as ledger:
        assert ledger.rows == {"four": after}


def test_a_job_whose_stamp_has_changed_is_done_again(tmp_path: Path) -> None:
    with Ledger.opened(tmp_path / "rows", {}) as ledger:
        for stamp in ("10 bytes", "10 bytes", "12 bytes"):
            run(work.marked, [Job("one", (tmp_path, 1), stamp)], ledger=ledger)

    assert times_done(tmp_path, 1) == 2
