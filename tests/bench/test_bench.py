"""`make bench` measures what it says it measures: the same frames, the same values, everybody."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import data
from d7xr.trace import read_trace
from tests.gates.checks.sources import REPOSITORY

FRAMES = 2_000


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return data.made(tmp_path_factory.mktemp("bench"), FRAMES)


def test_every_file_holds_the_same_frames(paths: dict[str, Path]) -> None:
    log = read_trace(paths["log"])

    assert len(log) == FRAMES
    for path in paths.values():
        trace = read_trace(path)
        assert trace.id.tolist() == log.id.tolist()
        assert trace.data.tolist() == log.data.tolist()


def test_a_longer_log_goes_on_in_time(tmp_path: Path) -> None:
    trace = read_trace(data.long_log(tmp_path, 700))
    longer = read_trace(data.long_log(tmp_path, 1_400))

    assert (len(trace), len(longer)) == (700, 1_400)
    assert (longer.time_us[1:] >= longer.time_us[:-1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("form", data.FORMATS)
def test_the_floor_sees_every_frame_and_decodes_as_we_do(
    form: str, paths: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "BUILD", tmp_path)

    least = bench._floor(bench._built_floor(), form, paths)
    ours = bench._run("d7xr decode", paths[form])

    assert {key: least[key] for key in ("frames", "values", "sum")} == {
        key: ours[key] for key in ("frames", "values", "sum")
    }


@pytest.mark.parametrize("key", ["sum", "digest"])
def test_contestants_that_disagree_are_named(key: str) -> None:
    results = {
        "log": {"a": {key: 1}, "b": {key: 1}},
        "asc": {"a": {key: 1}, "b": {key: 2}},
    }

    assert bench._disagreements(results) == [f"{key} differs: b on .asc against all others"]


@pytest.mark.slow
def test_the_command_tells_everything_and_agrees(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench",
            "--frames",
            "2000",
            "--rounds",
            "1",
            "--quick",
            "--no-page",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads((REPOSITORY / "build" / "bench" / "results.json").read_text())
    assert told["disagreements"] == []
    assert told["tick"]["state_bytes"] < bench.STATE_LIMIT_BYTES
    for form, contestants in told["results"].items():
        assert contestants["d7xr replay"]["frames"] == 2000, form
        assert contestants["python-can + cantools + cffi"]["frames"] == 2000, form
