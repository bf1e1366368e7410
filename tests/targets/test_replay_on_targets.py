"""``d7xr replay`` with several targets: equal or where they part; the unknown is not told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from d7xr.errors import DifferenceError
from d7xr.replay import Progress
from d7xr.session import Options, run
from d7xr.target import emulated
from tests.cli.bench import Command, runner
from tests.replay.bench import Drive

SECONDS = 12.0
MACHINES = ("sil", "emulated")


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``d7xr`` with the given words."""
    return runner(capsys)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A short drive on our bus."""
    return Drive(seconds=SECONDS).write(tmp_path / "drive.log")


@pytest.fixture
def on_the_chip(replay_image: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The emulated chip is there, and no emulator is left behind."""
    monkeypatch.setattr(emulated, "IMAGE", replay_image)
    yield replay_image
    assert not emulators(), "an emulator was left behind"


@pytest.fixture
def on_another_chip(contracted_image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulated chip runs a build with fused products."""
    monkeypatch.setattr(emulated, "IMAGE", contracted_image)


def emulators() -> list[str]:
    """Return the emulators that this process has started and that still run."""
    children = [p.read_text().split() for p in Path("/proc/self/task").glob("*/children")]
    names = [Path(f"/proc/{pid}/comm").read_text() for found in children for pid in found]
    return [name for name in names if name.startswith("qemu")]


def both(names: tuple[str, ...] = MACHINES) -> list[str]:
    return [word for name in names for word in ("--target", name)]


@pytest.mark.usefixtures("on_the_chip")
def test_two_targets_are_compared_at_every_tick_and_it_is_said(trace: Path, d7xr: Command) -> None:
    ending = d7xr("replay", trace, *both())

    assert ending.code == 0
    assert "sil and emulated: equal at 11,996 ticks, " in ending.out
    assert "target sil" in ending.out


@pytest.mark.usefixtures("on_the_chip")
def test_one_other_target_alone_is_held_against_the_unit_in_this_process(
    trace: Path, tmp_path: Path, d7xr: Command
) -> None:
    ending = d7xr("replay", trace, "--target", "emulated", "--out", tmp_path / "run", "--json")

    assert ending.code == 0
    assert ending.document["target"] == "emulated"
    assert ending.document["identity"]["target"] == "emulated"
    (comparison,) = ending.document["comparisons"]
    assert comparison["is_equal"]
    assert "emulated_agrees" in {law["name"] for law in ending.document["laws"]}
    assert (tmp_path / "run" / "out.mf4").is_file()


@pytest.mark.usefixtures("on_the_chip")
def test_runs_on_two_targets_are_equal_but_for_their_names(
    trace: Path, tmp_path: Path, d7xr: Command
) -> None:
    for name in MACHINES:
        assert d7xr("replay", trace, "--target", name, "--out", tmp_path / name).code == 0

    ending = d7xr("compare", tmp_path / "sil", tmp_path / "emulated")

    assert ending.code == 0
    assert "not the same: target sil against emulated" in ending.out


@pytest.mark.usefixtures("on_another_chip")
def test_targets_that_part_end_with_the_first_difference_and_exit_1(
    trace: Path, d7xr: Command
) -> None:
    ending = d7xr("replay", trace, *both())

    assert ending.code == 1
    assert "sil and emulated differ first at tick" in ending.out
    assert "ulp" in ending.out
    assert "verdict fail" in ending.out
    assert "again: d7xr replay" in ending.out


@pytest.mark.usefixtures("on_another_chip")
def test_a_target_that_parts_alone_gives_no_events_and_no_recording(
    trace: Path, tmp_path: Path, d7xr: Command
) -> None:
    ending = d7xr("replay", trace, "--target", "emulated", "--out", tmp_path / "run")

    assert ending.code == DifferenceError.exit_code == 1
    assert ending.out == ""
    assert "what happened on emulated is not known" in ending.err
    assert [path.name for path in tmp_path.iterdir()] == ["drive.log"]


def interrupt_at(calls: int) -> list[Progress]:
    """Return a list that interrupts when it is given so many entries."""

    class Interrupting(list[Progress]):
        def append(self, entry: Progress, /) -> None:
            super().append(entry)
            if len(self) == calls:
                raise KeyboardInterrupt

    return Interrupting()


@pytest.mark.usefixtures("on_the_chip")
def test_an_interrupt_while_comparing_keeps_the_result_and_stops_the_emulator(trace: Path) -> None:
    seen = interrupt_at(3)  # two of the replay, the third while comparing

    result = run(
        Options(trace, compared_with=("emulated",)), clock=lambda: 0.0, on_progress=seen.append
    )

    assert not result.outcome.is_complete
    assert result.comparisons == ()
    assert result.outcome.ticks == 11_996


@pytest.mark.usefixtures("on_the_chip")
def test_an_interrupt_before_another_target_is_proven_leaves_nothing_to_tell(trace: Path) -> None:
    seen = interrupt_at(3)

    with pytest.raises(KeyboardInterrupt):
        run(Options(trace, target="emulated"), clock=lambda: 0.0, on_progress=seen.append)


def test_an_absent_emulator_is_told_before_the_run_with_its_command(
    trace: Path, tmp_path: Path, d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    ending = d7xr("replay", trace, *both(), "--out", tmp_path / "run")

    assert ending.code == 3
    assert "apt-get install qemu-system-arm" in ending.err
    assert not (tmp_path / "run.partial").exists()


def test_an_absent_image_is_told_with_its_command(
    trace: Path, tmp_path: Path, d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "qemu-system-arm"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(emulated, "IMAGE", tmp_path / "absent.elf")

    ending = d7xr("replay", trace, "--target", "emulated")

    assert ending.code == 3
    assert "make firmware" in ending.err


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("emulatd",), "nearest: emulated"),
        (("sil", "sil"), "name each target once"),
        (("serial:",), "nearest: serial:PORT"),
        (("can:socketcan",), "can:INTERFACE:CHANNEL[?bitrate=500000]"),
        (("can:socketcam:can0",), "nearest: socketcan"),
        (("can:virtual:x?bitrate",), "can:INTERFACE:CHANNEL[?bitrate=500000]"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(
    trace: Path, d7xr: Command, names: tuple[str, ...], hint: str
) -> None:
    ending = d7xr("replay", trace, *both(names))

    assert ending.code == 2
    assert hint in ending.err
