"""What ``import d7xr`` and the front of the command line load (Python rule 12)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replay.bench import Drive

HEAVY = {
    *("numpy", "pandas", "can", "cantools", "asammdf", "canmatrix", "duckdb", "rich", "msgspec"),
    *("serial", "cffi", "hypothesis", "pytest"),
}
MOST_MODULES = 250

REPORT = """
import json, os, sys
try:
    {action}
except SystemExit:
    pass
sys.stdout = os.fdopen(3, "w")
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(action: str) -> list[str]:
    """Return the modules in a fresh interpreter after one statement."""
    script = f"{{ {sys.executable} -c '{REPORT.format(action=action)}' 3>&1 >&2; }}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return names


def command(*words: str) -> str:
    """Return the statement that gives one command."""
    words_text = ", ".join(f'"{word}"' for word in words)
    return f"from d7xr.cli import main; main([{words_text}])"


@pytest.mark.parametrize(
    "action",
    ["import d7xr", "import d7xr; d7xr.__version__", command("--help"), command("--version")],
)
def test_the_front_loads_nothing_heavy(action: str) -> None:
    names = loaded_by(action)

    assert not HEAVY & {name.split(".")[0] for name in names}
    assert "d7xr" in names
    assert len(names) <= MOST_MODULES


SLOW_TO_IMPORT = {"pandas", "can", "cantools", "asammdf", "canmatrix", "duckdb", "distributed"}


@pytest.mark.parametrize("options", [(), ("--json",), ("--out", "run", "--format", "columns")])
def test_a_replay_of_a_candump_log_loads_no_other_reader(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    Drive(seconds=0.1).write(tmp_path / "drive.log")
    words = [str(tmp_path / word) if word == "run" else word for word in options]

    names = loaded_by(command("replay", str(tmp_path / "drive.log"), *words))

    assert not SLOW_TO_IMPORT & {name.split(".")[0] for name in names}
    assert "d7xr.stream" in names


def test_canary_a_heavy_import_is_seen() -> None:
    assert HEAVY & {name.split(".")[0] for name in loaded_by("import d7xr, numpy")} == {"numpy"}
