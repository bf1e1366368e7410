"""Bad input, each with its message and its exit code."""

import gzip
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.bench import Command
from tests.replay.bench import Drive

CAR_DBC = """VERSION ""
BU_: X
BO_ 768 Wheels: 4 X
 SG_ Left : 0|16@1+ (0.01,0) [0|600] "km/h" X
"""
RULE = """name = "Car"
[signal."WheelSpeeds.WheelSpeedFL_radps"]
source = "{source}"
unit = "{unit}"
scale = 0.8
"""


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Return a good trace of our own bus."""
    return Drive(seconds=0.5).write(tmp_path / "drive.log")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Return a trace of another car."""
    path = tmp_path / "car.log"
    path.write_text("".join(f"(0.{i:02}0000) can0 300#AA00BB00\n" for i in range(50)))
    return path


def mapped(folder: Path, source: str, unit: str) -> list[object]:
    (folder / "car.dbc").write_text(CAR_DBC)
    (folder / "map.toml").write_text(RULE.format(source=source, unit=unit))
    return ["--map", folder / "map.toml", "--dbc", folder / "car.dbc"]


def test_a_trace_that_is_not_there(d7xr: Command, tmp_path: Path) -> None:
    ending = d7xr("replay", tmp_path / "none.log")

    assert (ending.code, ending.out) == (2, "")
    assert "none.log" in ending.err


def test_a_trace_of_an_unknown_format(d7xr: Command, tmp_path: Path) -> None:
    path = tmp_path / "drive.log"
    path.write_bytes(b"PK\x03\x04 this is no trace")

    ending = d7xr("replay", path)

    assert ending.code == 2
    assert "drive.log" in ending.err


def test_a_trace_that_is_cut_short(d7xr: Command, trace: Path, tmp_path: Path) -> None:
    packed = gzip.compress(trace.read_bytes())
    path = tmp_path / "cut.log.gz"
    path.write_bytes(packed[: len(packed) // 2])

    ending = d7xr("replay", path)

    assert ending.code == 2
    assert "cut.log.gz" in ending.err


def test_a_last_line_that_is_cut_short_is_reported_and_the_rest_replayed(
    d7xr: Command, trace: Path
) -> None:
    text = trace.read_text()
    trace.write_text(text[: text.rindex("#")])

    ending = d7xr("replay", trace)

    assert ending.code == 0
    assert "cut_short" in ending.out


def test_a_trace_with_none_of_our_identifiers(d7xr: Command, foreign: Path) -> None:
    ending = d7xr("replay", foreign)

    assert ending.code == 4
    assert "none of its 1 identifiers is one that the unit receives" in ending.err
    assert "--map" in ending.err


def test_a_mapping_without_the_cars_database(d7xr: Command, foreign: Path) -> None:
    ending = d7xr("replay", foreign, "--map", "ford_s550")

    assert ending.code == 2
    assert "needs the car's database" in ending.err
    assert "--dbc" in ending.err


def test_a_mapping_of_an_unknown_signal(d7xr: Command, foreign: Path, tmp_path: Path) -> None:
    ending = d7xr("replay", foreign, *mapped(tmp_path, "Wheels.Lefft", "km/h"))

    assert ending.code == 2
    assert "map.toml:2" in ending.err
    assert "Lefft" in ending.err
    assert "nearest: Left" in ending.err


def test_a_mapping_with_an_unknown_unit(d7xr: Command, foreign: Path, tmp_path: Path) -> None:
    ending = d7xr("replay", foreign, *mapped(tmp_path, "Wheels.Left", "mph"))

    assert ending.code == 2
    assert '"mph"' in ending.err
    assert 'unit = "km/h"' in ending.err


def test_a_mapping_of_another_car(d7xr: Command, trace: Path, tmp_path: Path) -> None:
    ending = d7xr("replay", trace, *mapped(tmp_path, "Wheels.Left", "km/h"))

    assert ending.code == 4
    assert "no frame that map.toml maps" in ending.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[flight_mode]\nair_dwell_ms = 5\n", "set.toml:2: flight_mode.air_dwell_ms = 5 is not in"),
        ("[flight_mode]\nsuspect_dwell_ms = 95\n", "suspect_dwell_ms < flight_mode.air_dwell_ms"),
        ("[flight_mode]\nair_dwel_ms = 95\n", "the nearest is 'flight_mode.air_dwell_ms'"),
    ],
)
@pytest.mark.parametrize("option", ["--calibration", "--cal"])
def test_a_calibration_out_of_range_or_contradictory(
    option: str, text: str, told: str, d7xr: Command, trace: Path, tmp_path: Path
) -> None:
    (tmp_path / "set.toml").write_text(text)

    ending = d7xr("replay", trace, option, tmp_path / "set.toml")

    assert ending.code == 2
    assert "is refused" in ending.err
    assert told in ending.err


def test_an_output_folder_that_cannot_be_made(d7xr: Command, trace: Path) -> None:
    ending = d7xr("replay", trace, "--out", trace / "run")

    assert ending.code == 3
    assert "cannot write" in ending.err
    assert "--out" in ending.err


def test_an_output_folder_that_is_taken(d7xr: Command, trace: Path, tmp_path: Path) -> None:
    ending = d7xr("replay", trace, "--out", tmp_path)

    assert ending.code == 2
    assert "not an empty folder" in ending.err


@pytest.mark.parametrize("name", ["mf4", "parquet", "csv"])
def test_a_disk_without_room(name: str, trace: Path, tmp_path: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    out = tmp_path / "run"
    # -B: a compiled module that is cut short would be found by whoever imports it next
    command = [sys.executable, "-B", "-m", "d7xr", "replay", str(trace)]
    done = subprocess.run(
        [*command, "--out", str(out), "--json", "--format", name],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )

    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["kind"]) == (3, "environment")
    assert "no room left" in error["message"]
    assert "run.partial" in error["message"]
    assert (tmp_path / "run.partial").is_dir()
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--rate-hz", "3"], "cannot record at 3 Hz"),
        (["--target", "moon"], "no target 'moon'"),
        (["--format", "xls", "--out", "run"], "unknown recording format 'xls'"),
        (["--channel", "7"], "no channel 7"),
        (["--dbc", "no.dbc"], "no.dbc"),
    ],
)
def test_an_option_that_makes_no_sense(
    options: list[str], told: str, d7xr: Command, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trace.parent)

    ending = d7xr("replay", trace, *options)

    assert ending.code == 2
    assert told in ending.err
    assert not list(trace.parent.glob("run*"))


def test_a_format_whose_package_is_missing_is_refused_before_the_replay(
    d7xr: Command, trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    ending = d7xr("replay", trace, "--out", tmp_path / "run", "--format", "parquet")

    assert ending.code == 2
    assert "python -m pip install 'd7xr[store]'" in ending.err
    assert not list(tmp_path.glob("run*"))
