"""Many traces: one row each, whoever does them, and nothing is done twice."""

import csv
import gzip
import json
import os
import signal
import threading
from pathlib import Path

import pytest

from d7xr import season
from d7xr.cli import progress
from d7xr.errors import UsageError
from d7xr.fanout import Cluster, Cores, Job, Ledger, Progress, Row, run
from tests.cli.bench import Command, runner
from tests.cli.test_progress import args, clock
from tests.fanout.test_cluster import address, begun
from tests.fanout.test_killed import PATIENCE_S
from tests.replay.bench import Drive, replayed

__all__ = ["address", "begun"]


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    return runner(capsys)


@pytest.fixture
def drives(tmp_path: Path) -> Path:
    """Return a folder of three drives, and of what must not disturb them."""
    folder = tmp_path / "season"
    (folder / "day 2").mkdir(parents=True)
    for number, name in enumerate(("a.log", "day 2/b.log", "day 2/c.log")):
        Drive(seconds=0.3 + 0.1 * number).write(folder / name)
    packed = folder / "day 2" / "c.log.gz"
    packed.write_bytes(gzip.compress((folder / "day 2" / "c.log").read_bytes(), mtime=0))
    (folder / "day 2" / "c.log").unlink()
    (folder / "notes.txt").write_text("dusty")
    (folder / ".hidden.log").write_text("x")
    (folder / "run").mkdir()
    (folder / "run" / "manifest.json").write_text("{}")
    (folder / "run" / "out.mf4").write_bytes(b"MDF")
    return folder


def rows_of(path: Path) -> dict[str, dict[str, object]]:
    """Return the values in a ledger by the file's name."""
    lines = [json.loads(line) for line in (path / season.ROWS).read_text().splitlines()[1:]]
    return {Path(line["name"]).name: line["values"] for line in lines}


def test_traces_are_found_at_any_depth_and_runs_are_passed_over(drives: Path) -> None:
    found = season.traces_in([drives, drives / "a.log"])

    assert [Path(name).name for name in found] == ["a.log", "b.log", "c.log.gz"]
    assert all(path.is_absolute() for path in found.values())


def test_a_place_without_traces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trace in"):
        season.traces_in([tmp_path])
    with pytest.raises(UsageError, match="no such file or folder"):
        season.traces_in([tmp_path / "nowhere"])


def test_a_row_says_what_the_run_of_its_trace_said(drives: Path, d7xr: Command) -> None:
    document = d7xr("replay", drives, "--jobs", 2, "--json").document

    assert document["traces"] == 3
    for row in document["rows"]:
        alone = replayed(Path(row["trace"]))
        assert row["state_digest"] == alone.state_digest
        assert row["verdict"] == alone.verdict.judgement
        assert row["frames"] == alone.recorded.frames
        assert row["flights"] == len(alone.events.flights)
        assert row["error"] is None


def test_the_same_command_goes_on_where_it_was_interrupted(
    drives: Path, tmp_path: Path, d7xr: Command
) -> None:
    out = tmp_path / "out"
    drive = season.Drive(Path())
    first = season.jobs_of(season.traces_in([drives]), drive)[:1]
    with Ledger.opened(out / season.ROWS, season.request_of(drive)) as ledger:
        run(season.replay_one, first, workers=Cores(1), ledger=ledger)
    before = (out / season.ROWS).read_text()

    ending = d7xr("replay", drives, "--out", out)

    assert ending.code == 0
    after = (out / season.ROWS).read_text()
    assert after.startswith(before)
    assert len(after.splitlines()) == 1 + 3
    with (out / season.TABLE).open() as file:
        assert [Path(row["trace"]).name for row in csv.DictReader(file)] == [
            "a.log",
            "b.log",
            "c.log.gz",
        ]


def test_a_trace_that_was_changed_is_done_again_and_other_settings_are_refused(
    drives: Path, tmp_path: Path, d7xr: Command
) -> None:
    out = tmp_path / "out"
    d7xr("replay", drives, "--out", out)
    digest = rows_of(out)["a.log"]["state_digest"]
    Drive(seconds=0.7).write(drives / "a.log")

    again = d7xr("replay", drives, "--out", out)
    other = d7xr("replay", drives, "--out", out, "--channel", 0)

    assert again.code == 0
    assert rows_of(out)["a.log"]["state_digest"] != digest
    assert other.code == 2
    assert "was begun with channel None, not 0" in other.err


def test_a_trace_that_cannot_be_replayed_is_a_row_and_not_the_end(
    drives: Path, d7xr: Command
) -> None:
    (drives / "broken.log").write_text("(1.0) can0 0A0#00\n(1.1) can0 garbage\n")
    (drives / "other.log").write_text("(1.000000) can0 7FE#00\n")

    ending = d7xr("replay", drives)

    assert ending.code == 2
    assert "5 traces" in ending.out
    assert "2 not replayed" in ending.out
    assert "broken.log:2" in ending.out
    assert "none of its 1 identifiers" in ending.out


@pytest.mark.parametrize(
    ("codes", "verdicts", "worst"),
    [
        ((), ("pass", "pass"), 0),
        ((4,), ("pass",), 0),
        ((4,), (), 4),
        ((2, 3), ("pass",), 3),
        ((2, 3), ("fail",), 1),
        ((), ("inconclusive",), 4),
    ],
)
def test_the_exit_code_is_the_worst_of_all(
    codes: tuple[int, ...], verdicts: tuple[str, ...], worst: int
) -> None:
    from d7xr.fanout import Failure

    rows = [Row(f"e{code}", "", error=Failure("kind", "text", None, code)) for code in codes]
    rows += [Row(f"v{n}", "", {"verdict": verdict}) for n, verdict in enumerate(verdicts)]

    assert season.exit_code(rows) == worst


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target", "emulated"), "--target is for one trace"),
        (("--format", "csv"), "--format is for one trace"),
        (("--rate-hz", "50"), "--rate-hz is for one trace"),
        (("--free-running",), "--free-running is for one trace"),
        (("--jobs", "0"), "--jobs 0 does nothing"),
        (("--jobs", "1", "--dask", "tcp://x"), "--jobs is for this machine"),
    ],
)
def test_what_is_for_one_trace_is_refused(
    words: tuple[str, ...], said: str, drives: Path, d7xr: Command
) -> None:
    ending = d7xr("replay", drives, *words)

    assert ending.code == 2
    assert said in ending.err


def test_the_line_of_progress_knows_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.many_shown(args(), clock=clock(0.0, 1.0, 40.0, 50.0).__next__) as show:
        show(Progress(100, 1000, 1, 10, 0, 1))
        show(Progress(300, 1000, 3, 10, 1, 1))
        show(Progress(400, 1000, 4, 10, 1, 1))

    assert capsys.readouterr().err == (
        "3 of 10 traces, 1 of them before, 1 not replayed, 0:02:20 left\n"
    )


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_cluster_gives_the_rows_of_this_machine_though_a_worker_is_killed(
    tmp_path: Path, address: str
) -> None:
    for number in range(8):
        Drive(seconds=0.2 + 0.05 * number).write(tmp_path / f"{number}.log")
    jobs = season.jobs_of(season.traces_in([tmp_path]), season.Drive(Path()))
    here = run(season.replay_one, jobs, workers=Cores(1))
    rows: list[Row] = []
    told = [Job(job.name, (tmp_path, job.argument), job.stamp, job.weight) for job in jobs]

    def go() -> None:
        rows.extend(run(held, told, workers=Cluster(address)))

    thread = threading.Thread(target=go)
    thread.start()
    for _ in range(PATIENCE_S * 50):
        if len(set(begun(tmp_path).values())) == 2 or not thread.is_alive():
            break
        threading.Event().wait(0.02)
    workers = sorted(set(begun(tmp_path).values()))
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    (tmp_path / "go").touch()
    thread.join(PATIENCE_S)

    assert [row.values for row in rows] == [row.values for row in here]
    assert all(row.error is None for row in rows)


def held(argument: tuple[Path, season.Drive]) -> dict[str, object]:
    """Say that the drive has begun, wait for the test's word, and replay it."""
    folder, drive = argument
    with (folder / f"{drive.trace.stem}.done").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    while not (folder / "go").exists():
        threading.Event().wait(0.02)
    return season.replay_one(drive)
