"""Instructions per frame, whatever else the machine does: no reader becomes slower unseen."""

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from bench.data import made
from bench.instructions import HERE, MissingToolError, build, per_frame
from d7xr.trace import read_trace

FRAMES = 3000
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
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


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
