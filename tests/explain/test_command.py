"""``d7xr explain``: run folders and traces, moments by name, and what is refused."""

import json
import re
from pathlib import Path

import pytest

from d7xr.demo import demo_trace_path
from d7xr.explain import explain, of_folder, tick_of
from d7xr.explain.past import Past
from tests.cli.bench import Command, runner
from tests.explain.bench import demo
from tests.replay.bench import Drive, replayed


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    return runner(capsys)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of the shipped drive, its states at every 10 ms."""
    out = tmp_path_factory.mktemp("runs") / "demo"
    replayed(demo_trace_path(), out=out, formats=("parquet",))
    return out


@pytest.mark.parametrize("at", ["25.01", "32.44", "60", "87"])
def test_a_folder_says_what_the_trace_says_at_its_samples(folder: Path, at: str) -> None:
    recorded, replayed_now = of_folder(folder), demo()
    tick = tick_of(recorded, [at])

    def told(past: Past) -> list[str]:
        """Leave out how long: a folder knows that to its 10 ms."""
        texts = [
            re.sub(r"for \d+ ms now", "for a while", s.text) for s in explain(past.moment(tick))
        ]
        return [text for text in texts if "That has been so" not in text]

    assert recorded.moment(tick).tick == tick
    assert told(recorded) == told(replayed_now)


def test_a_moment_between_two_samples_is_that_of_the_sample_before(
    d7xr: Command, folder: Path
) -> None:
    ending = d7xr("explain", folder, "--at", "25.017", "--torque")

    assert ending.code == 0
    assert ending.out.startswith("demo at 25.010 s, recorded every 10 ms\n\nTorque\n  Of the ")
    assert "Flight Mode" not in ending.out
    assert max(map(len, ending.out.splitlines())) <= 100


def test_the_document_holds_each_sentence_with_the_states_that_it_rests_on(
    d7xr: Command, folder: Path
) -> None:
    document = d7xr("explain", folder, "--at", "flight", "2", "--json").document

    assert (document["schema"], document["version"]) == ("d7xr.explain", 1)
    first = document["statements"][0]
    assert first["topic"] == "torque"
    assert first["states"]["torque.reason"] == "FlightAir"
    assert first["states"].keys() == {"torque.demand_Nm", "torque.granted_Nm", "torque.reason"}


def test_without_a_moment_it_tells_the_story(d7xr: Command, folder: Path) -> None:
    ending = d7xr("explain", folder)
    document = d7xr("explain", folder, "--json").document

    assert ending.code == 0
    assert ending.out.startswith("demo: 87.998 s; torque was limited for ")
    assert len(document["limits"]) == len(ending.out.splitlines()) - 2
    assert document["limits"][0].keys() >= {"start_s", "end_s", "reason", "granted_Nm", "text"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--at", "88.5"], "88.5 s is not in the run demo"),
        (["--at", "-1"], "-1 s is not in the run demo"),
        (["--at", "nan"], "nan s is not in the run demo"),
        (["--at", "flight", "4"], "demo has no flight 4"),
        (["--at", "flight", "0"], "demo has no flight 0"),
        (["--at", "fault", "PedalLost"], "demo has no fault PedalLost"),
        (["--at", "noon"], "no moment 'noon'"),
        (["--torque"], "--torque needs a moment"),
        (["--at", "1", "--map", "x"], "--map is for a trace"),
    ],
)
def test_a_moment_that_is_not_there_is_refused_with_what_there_is(
    d7xr: Command, folder: Path, words: list[str], message: str
) -> None:
    ending = d7xr("explain", folder, *words)

    assert ending.code == 2
    assert message in ending.err
    assert len(ending.err.splitlines()) == 2
    assert not ending.out


def test_what_is_no_run_is_refused(d7xr: Command, tmp_path: Path) -> None:
    assert d7xr("explain", tmp_path).err.startswith(f"d7xr: {tmp_path} is no run folder")
    assert d7xr("explain", tmp_path / "gone.log").code == 2


def test_a_folder_of_another_build_is_told(d7xr: Command, folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["calibration_values"]
    manifest["identity"]["calibration_id"] = "00000000"
    (copy / "manifest.json").write_text(json.dumps(manifest))

    ending = d7xr("explain", copy, "--at", "1")

    assert ending.code == 2
    assert "does not say which calibration values it ran with" in ending.err


def test_the_numbers_are_those_of_the_calibration_that_the_run_had(tmp_path: Path) -> None:
    trace = Drive(seconds=3.0).write(tmp_path / "drive.log")
    path = tmp_path / "late.toml"
    path.write_text("[cooling]\ncoolant_on_degC = [95.0, 97.0, 99.0, 101.0]\n")
    out = tmp_path / "run"
    replayed(trace, out=out, calibration=str(path), formats=("parquet",))

    fans = [s.text for s in explain(of_folder(out).moment(2500), ("fans",))]

    assert "The coolant at 90.0 degC asks for 0; one more at 95.0 degC." in fans
