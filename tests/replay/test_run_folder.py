"""A run folder is whole or called partial, says who ran what, and is the same each time."""

import errno
import hashlib
import json
from pathlib import Path

import pytest
from asammdf import MDF

from d7xr import replay, session
from d7xr.database import Database
from d7xr.errors import EnvironmentFault, UsageError
from d7xr.replay import Progress
from d7xr.runfolder import RunFolder
from d7xr.session import Options
from tests.replay.bench import Drive, replayed


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Return a drive of 1.5 s."""
    return Drive(seconds=1.5).write(tmp_path / "drive.log")


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_it_holds_identity_events_verdict_recording_and_the_hashes_of_all(
    trace: Path, tmp_path: Path
) -> None:
    result = replayed(trace, out=tmp_path / "run", formats=("mf4", "csv"))

    files = contents(tmp_path / "run")
    manifest = json.loads(files["manifest.json"])
    assert result.folder == tmp_path / "run"
    assert manifest["identity"]["trace_sha256"] == hashlib.sha256(trace.read_bytes()).hexdigest()
    assert manifest["identity"]["calibration"] == "default"
    assert manifest["state_digest"] == result.state_digest
    assert manifest["is_complete"] is True
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in manifest["files"]}
    assert hashes == manifest["files"]
    assert set(files) == {*manifest["files"], "manifest.json", "log.txt"}
    assert {"out.mf4", "events.json", "verdict.json", "csv/states_100Hz.csv"} <= set(files)
    assert json.loads(files["events.json"])["faults"] == result.as_document()["faults"]
    assert json.loads(files["verdict.json"])["verdict"] == "pass"


def test_the_same_inputs_give_the_same_bytes_wherever_and_whenever(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []
    for name, zone, now_s in (("one", "UTC", 1e9), ("two", "America/Lima", 2e9)):
        monkeypatch.setattr("time.time", lambda now_s=now_s: now_s)
        monkeypatch.setenv("TZ", zone)
        options = Options(trace, out=tmp_path / name, formats=("mf4", "parquet", "csv"))
        session.run(options, clock=iter([0.0, now_s]).__next__)
        folders.append(contents(tmp_path / name))

    logs = [folder.pop("log.txt") for folder in folders]
    assert folders[0] == folders[1]
    assert len(folders[0]) > 10
    assert logs[0] != logs[1]


def test_the_recording_is_decoded_and_holds_every_state_of_the_unit(
    trace: Path, tmp_path: Path
) -> None:
    replayed(trace, out=tmp_path / "run")

    with MDF(tmp_path / "run" / "out.mf4") as mdf:
        names = set(mdf.channels_db)
        reason = mdf.get("torque.reason").samples
        command = mdf.get("TorqueCommand.GrantedTorque_Nm")
        gear = mdf.get("GearboxState.Gear")
        coolant = mdf.get("ThermalState.CoolantIn_degC")
        start = mdf.header.start_time
        comment = mdf.header.comment
    assert {"flight_mode.state", "torque.bound_Nm[2]", "bus.lost_count[3]"} <= names
    assert (
        reason[0].decode()
        in Database.own().message("TorqueCommand").signal("LimitReason").choices.values()
    )
    assert (command.unit, coolant.unit) == ("Nm", "degC")
    assert {text.decode() for text in gear.samples} == {"Gear3"}
    assert coolant.samples.tolist() == pytest.approx([90.0] * 15, abs=0.05)
    assert gear.timestamps[:3].tolist() == [0.0, 0.01, 0.02]
    assert int(start.timestamp()) == 1_700_000_000
    assert '<e name="trace">drive.log</e>' in comment


def test_an_unusable_input_is_marked_and_not_shown_as_a_value(trace: Path, tmp_path: Path) -> None:
    replayed(trace, out=tmp_path / "run")

    with MDF(tmp_path / "run" / "out.mf4") as mdf:
        damper = mdf.get("inputs.damper_travel_fl_mm.value").samples
        engine = mdf.get("inputs.engine_speed_rpm.value").samples
    assert len(damper) == 0
    assert set(engine.tolist()) == {3000.0}


def test_an_interrupted_run_keeps_its_beginning_under_the_partial_name(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_CHUNK_TICKS", 500)

    def interrupt(progress: Progress) -> None:
        if progress.ticks_done == 1000:
            raise KeyboardInterrupt

    result = session.run(
        Options(trace, out=tmp_path / "run"), clock=lambda: 0.0, on_progress=interrupt
    )

    assert result.folder == tmp_path / "run.partial"
    assert not (tmp_path / "run").exists()
    manifest = json.loads((tmp_path / "run.partial" / "manifest.json").read_text())
    assert (manifest["is_complete"], manifest["ticks"]) == (False, 1000)
    with MDF(tmp_path / "run.partial" / "out.mf4") as mdf:
        assert mdf.get("torque.reason").timestamps[-1] == 0.99


def test_a_folder_that_holds_something_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("keep")

    with pytest.raises(UsageError, match="not an empty folder"):
        RunFolder.begin(tmp_path / "run")


def test_an_empty_folder_may_be_named(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()

    assert replayed(trace, out=tmp_path / "run").folder == tmp_path / "run"


def test_what_an_earlier_run_left_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run.partial").mkdir()

    with pytest.raises(UsageError, match="an earlier run did not finish"):
        RunFolder.begin(tmp_path / "run")


def test_a_run_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    foreign = tuple((1_000 * i, 0x0A0, bytes(8)) for i in range(20))
    trace = Drive(sensors={}, extra=foreign).write(tmp_path / "other.log")

    with pytest.raises(Exception, match="refused every one"):
        replayed(trace, out=tmp_path / "run")

    assert [path.name for path in tmp_path.iterdir()] == ["other.log"]


def test_a_disk_that_fills_up_is_named_and_what_was_written_is_kept(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", full)

    with pytest.raises(EnvironmentFault, match="no room left") as told:
        replayed(trace, out=tmp_path / "run")

    assert "is kept in" in told.value.message
    assert (tmp_path / "run.partial" / "out.mf4").is_file()
    assert not (tmp_path / "run").exists()
