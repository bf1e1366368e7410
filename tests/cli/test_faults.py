"""``d7xr faults``: what each fault means, and what a unit remembers."""

from pathlib import Path

import pytest

from d7xr.ecu import faults
from tests.cli.bench import Command
from tests.replay.bench import Drive


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Return a drive in which nodes are silent for long enough to be missed."""
    return Drive(seconds=6.5).write(tmp_path / "drive.log")


def test_every_fault_is_in_the_list(d7xr: Command) -> None:
    ending = d7xr("faults")

    assert ending.code == 0
    for fault in faults():
        assert f"{fault.code}  {fault.name}" in ending.out


@pytest.mark.parametrize("name", ["P2138", "pedaldisagree", "6"])
def test_one_fault_is_explained_by_code_name_or_number(d7xr: Command, name: str) -> None:
    ending = d7xr("faults", name)

    assert ending.code == 0
    fault = faults()[6]
    for text in (fault.code, fault.name, fault.saw, fault.does, "replace the pedal module"):
        assert text in ending.out


def test_a_slip_in_a_name_is_met_with_the_nearest_one(d7xr: Command) -> None:
    ending = d7xr("faults", "PedalDisagre")

    assert ending.code == 2
    assert "did you mean PedalDisagree?" in ending.err


def test_a_run_tells_what_the_unit_remembered_at_its_end(d7xr: Command, trace: Path) -> None:
    run = trace.parent / "run"
    assert d7xr("replay", trace, "--out", run).code == 0

    told = d7xr("faults", "--run", run)
    document = d7xr("faults", "DampersLost", "--run", run, "--json").document

    assert "DampersLost" in told.out
    assert "at first" in told.out
    (only,) = document["remembered"]
    assert (only["fault"]["name"], only["count"], only["away_cycles"]) == ("DampersLost", 1, 0)
    assert only["frame"]["reason"] == "None"
    assert document["operating_s"] == 6


def test_a_memory_goes_from_trace_to_trace(d7xr: Command, trace: Path) -> None:
    kept = trace.parent / "car.bin"

    for _ in range(2):
        assert d7xr("replay", trace, "--memory", kept).code == 0
    document = d7xr("faults", "--memory", kept, "--json").document

    assert document["operating_s"] == 12
    counts = {one["fault"]["name"]: one["count"] for one in document["remembered"]}
    assert counts["DampersLost"] == 2


def test_the_same_memory_gives_the_same_run(d7xr: Command, trace: Path) -> None:
    first, second = trace.parent / "a.bin", trace.parent / "b.bin"
    for kept in (first, second):
        d7xr("replay", trace, "--memory", kept)

    runs = [d7xr("replay", trace, "--memory", kept, "--json").document for kept in (first, second)]

    assert runs[0]["state_digest"] == runs[1]["state_digest"]
    assert runs[0]["identity"]["memory_sha256"] == runs[1]["identity"]["memory_sha256"]
    assert first.read_bytes() == second.read_bytes()


def test_a_damaged_memory_stops_the_run_before_it_begins(d7xr: Command, trace: Path) -> None:
    kept = trace.parent / "car.bin"
    d7xr("replay", trace, "--memory", kept)
    damaged = bytearray(kept.read_bytes())
    damaged[17] ^= 4
    kept.write_bytes(damaged)

    ending = d7xr("replay", trace, "--memory", kept, "--out", trace.parent / "run")

    assert ending.code == 2
    assert "no memory for this unit" in ending.err
    assert "move it away" in ending.err
    assert kept.read_bytes() == damaged
    assert not (trace.parent / "run").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("faults", "--run", "nowhere"), "is no run folder"),
        (("faults", "--memory", "nowhere.bin"), "there is no nowhere.bin"),
        (("faults", "--memory", "no/folder/car.bin"), "there is no folder"),
        (("faults", "--memory", "a", "--run", "b"), "two memories"),
        (("replay", "x.log", "--memory", "m", "--target", "emulated"), "--memory is for sil"),
    ],
)
def test_what_cannot_be_told_is_said(
    d7xr: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    ending = d7xr(*words)

    assert ending.code == 2
    assert said in ending.err
