"""Instructions per frame, whatever else the machine does: no reader becomes slower unseen."""

import os
import subprocess
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest

from bench import loop_instructions
from bench.data import long_log, made
from bench.instructions import HERE, MissingToolError, build, per_frame
from bench.replay_instructions import Replay, counted
from d7xr.trace import read_trace
from d7xr.trace.native import ROWS

FRAMES = 3000
REPLAY_MOST = 750  # beside the unit's own
MAY_GROW = 1.03
FILES = {
    "candump": "log",
    "asc": "asc",
    "trc": "trc",
    "csv": "csv",
    "gvret": "gvret",
    "blf": "blf",
    "mf4": "mf4",
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The readers under their driver; without valgrind the test skips, in CI it fails."""
    try:
        return build(tmp_path_factory.mktemp("instructions"))
    except MissingToolError as error:
        _without(error)


def _without(error: MissingToolError) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(str(error))
    pytest.skip(str(error))


def _replay(folder: Path, *, wasteful: bool = False) -> Replay:
    """Count a replay of one block of frames against one of three."""
    few, many = long_log(folder, ROWS), long_log(folder, 3 * ROWS)
    try:
        return counted(few, many, folder, wasteful=wasteful)
    except MissingToolError as error:
        _without(error)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A short drive in every format."""
    folder = tmp_path_factory.mktemp("drive")
    paths = made(folder, FRAMES)
    trace = read_trace(paths["log"])
    lines = ["Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"]
    for us, identifier, length, data in zip(
        trace.time_us.tolist(), trace.id.tolist(), trace.length.tolist(), trace.data, strict=True
    ):
        cells = data.tobytes().hex(",").upper()
        lines.append(f"{us},{identifier:08X},false,Rx,0,{length},{cells},\n")
    paths["gvret"] = folder / "savvycan.csv"
    paths["gvret"].write_text("".join(lines), encoding="ascii")
    return paths


@pytest.fixture(scope="module")
def budget() -> dict[str, float]:
    """What was counted with this compiler; another one makes other instructions."""
    version = subprocess.run(
        ["gcc", "-dumpversion"], capture_output=True, text=True, check=True
    ).stdout
    counted = tomllib.loads((HERE / "budget.toml").read_text(encoding="ascii"))
    name = f"gcc-{version.strip().partition('.')[0]}"
    if name not in counted:
        pytest.skip(f"{name}: instructions were counted with {', '.join(counted)} only")
    return dict(counted[name])


@pytest.mark.parametrize("name", FILES)
def test_no_reader_takes_more_instructions_than_its_budget(
    name: str, program: Path, data: dict[str, Path], budget: dict[str, float]
) -> None:
    counted = per_frame(program, name, data[FILES[name]])

    assert counted <= MAY_GROW * budget[name]
    assert counted >= 0.9 * budget[name], "faster than its budget: lower it"


def test_a_whole_replay_takes_few_instructions_beside_the_unit(
    tmp_path: Path, budget: dict[str, float]
) -> None:
    replay = _replay(tmp_path)

    assert replay.unit > 1000  # the complete unit ran
    assert replay.beside <= REPLAY_MOST
    assert replay.beside <= MAY_GROW * budget["replay"]
    assert replay.beside >= 0.9 * budget["replay"], "faster than its budget: lower it"


def test_a_simulated_tick_takes_few_instructions_beside_the_unit(
    tmp_path: Path, budget: dict[str, float]
) -> None:
    try:
        tick = loop_instructions.counted(tmp_path)
    except MissingToolError as error:
        _without(error)

    assert tick.unit > 1000  # the complete unit ran
    assert tick.beside <= MAY_GROW * budget["simulated_tick"]
    assert tick.beside >= 0.9 * budget["simulated_tick"], "faster than its budget: lower it"


def test_a_replay_that_looks_at_frames_in_python_is_beyond_its_budget(
    tmp_path: Path, budget: dict[str, float]
) -> None:
    assert _replay(tmp_path, wasteful=True).beside > MAY_GROW * budget["replay"]
