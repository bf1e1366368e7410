"""A replay takes little memory beside Python's and numpy's own, and no more when it is longer.

What is counted is memory of the process alone. How much of the libraries' files is mapped depends
on what the system has of them in its cache, and a test cannot hold to that.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import data
from tests.gates.checks.sources import REPOSITORY

FRAMES = 100_000
MOST_KB = 7 * 1024
DEFLATED_BLOCK_KB = 5 * 1024
"""Four megabytes of records, as other writers make them, and what they are deflated to."""

NOT_NEEDED = {"hashlib", "_hashlib", "logging", "difflib", "traceback", "asammdf", "can"}
"""Each takes from a tenth of a megabyte to four (OpenSSL); none does anything in a sound replay."""

REPORT = """
import json, sys
from pathlib import Path

def told(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

import numpy
before = told("RssAnon")
from bench.contestants import replay_ours
kept = b""
replay_ours(Path(sys.argv[1]))
print(json.dumps([told("VmHWM") - told("RssFile") - before, sorted(sys.modules)]))
"""


def of_a_replay(path: Path, script: str = REPORT) -> tuple[int, set[str]]:
    """Return the most memory that a replay took beside numpy's, in kB, and all modules."""
    done = subprocess.run(
        [sys.executable, "-c", script, path],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    kilobytes, modules = json.loads(done.stdout)
    return kilobytes, set(modules)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return data.made(tmp_path_factory.mktemp("memory"), FRAMES)


@pytest.mark.parametrize("form", data.FORMATS)
def test_a_replay_takes_little_and_loads_nothing_that_it_does_not_need(
    form: str, paths: dict[str, Path]
) -> None:
    kilobytes, modules = of_a_replay(paths[form])

    assert kilobytes <= MOST_KB + (DEFLATED_BLOCK_KB if form == "dz.mf4" else 0)
    assert not NOT_NEEDED & modules


def test_a_longer_trace_takes_no_more(tmp_path: Path) -> None:
    few, many = data.long_log(tmp_path, FRAMES), data.long_log(tmp_path, 5 * FRAMES)

    growth = of_a_replay(many)[0] - of_a_replay(few)[0]

    assert growth * 1024 < 4 * FRAMES  # a byte a frame


def test_canary_memory_that_is_held_is_seen(tmp_path: Path) -> None:
    wasteful = REPORT.replace('kept = b""', "kept = numpy.ones(1 << 20)")

    kilobytes, _ = of_a_replay(data.long_log(tmp_path, 1_000), wasteful)

    assert kilobytes > MOST_KB


DECODES = (
    REPORT.partition("from bench")[0]
    + """
from d7xr import decoding_files
from d7xr.database import Database
decoding_files._CELLS = 1 << 16
seen = decoding_files.survey(Path(sys.argv[1]), Database.own())
seen.write(Path(sys.argv[1]).parent, ("csv",), {})
print(json.dumps([told("VmHWM") - told("RssFile") - before, []]))
"""
)


def test_a_longer_trace_takes_no_more_to_be_decoded(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    few, many = data.long_log(tmp_path / "few", 50_000), data.long_log(tmp_path / "many", 200_000)

    growth = of_a_replay(many, DECODES)[0] - of_a_replay(few, DECODES)[0]

    assert growth * 1024 < 10 * 150_000  # of a frame that is held there are sixty bytes
