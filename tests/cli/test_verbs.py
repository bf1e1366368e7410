"""What the verbs print: tables for people, one document for programs."""

from pathlib import Path

import pytest

from d7xr import replay as replay_module
from d7xr.ecu import calibration_parameters
from tests.cli.bench import Command
from tests.replay.bench import Drive

REPLAY_KEYS = {
    *("schema", "version", "target", "trace", "frames", "ticks", "duration_s", "state_digest"),
    *("flights", "limits", "fans", "faults", "missing", "assumed", "left_out", "problems"),
    "frames_per_s",
}


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Return a drive of 3 s that is warm enough for a fan."""
    return Drive(seconds=3.0).write(tmp_path / "drive.log")


def test_replay_prints_what_happened(d7xr: Command, trace: Path) -> None:
    ending = d7xr("replay", trace)

    assert (ending.code, ending.err) == (0, "")
    assert "\x1b" not in ending.out
    for heading in ("Flights", "Torque limits", "Fan starts", "Faults", "Missing evidence"):
        assert f"\n{heading}" in ending.out
    assert "dampers (the whole drive)" in ending.out
    assert max(map(len, ending.out.splitlines())) <= 100
    assert sorted(path.name for path in trace.parent.iterdir()) == ["drive.log"]


def test_replay_gives_one_document_with_units_in_its_keys(d7xr: Command, trace: Path) -> None:
    document = d7xr("replay", trace, "--json").document

    assert document.keys() >= REPLAY_KEYS
    assert (document["schema"], document["version"]) == ("d7xr.replay", 1)
    assert document["target"] == "sil"
    assert document["ticks"] == round(1000 * document["duration_s"])
    assert len(bytes.fromhex(document["state_digest"])) == 4
    assert document["frames"] == document["frames_fed"] + sum(document["left_out"].values())
    assert document["fans"][0].keys() == {"time_s", "fan", "coolant_degC"}
    assert document["fans"][0]["coolant_degC"] == 90.0
    assert sum(limit["total_s"] for limit in document["limits"]) == pytest.approx(
        document["duration_s"]
    )
    assert all(reason["reason"] for reason in document["limits"])


def test_replay_names_the_folder_that_it_wrote(d7xr: Command, trace: Path) -> None:
    out = trace.parent / "run"

    ending = d7xr("replay", trace, "--out", out, "--format", "mf4,csv", "--rate-hz", "10")

    assert ending.code == 0
    assert f"written: {out}" in ending.out
    assert (out / "csv" / "states_10Hz.csv").is_file()


def test_a_calibration_changes_the_run_and_is_named(d7xr: Command, trace: Path) -> None:
    path = trace.parent / "late_fans.toml"
    path.write_text("[cooling]\ncoolant_on_degC = [95.0, 97.0, 99.0, 101.0]\n")

    plain = d7xr("replay", trace, "--json").document
    other = d7xr("replay", trace, "--cal", path, "--json").document

    assert plain["fans"]
    assert not other["fans"]
    assert other["identity"]["calibration"] == "late_fans.toml"
    assert plain["state_digest"] != other["state_digest"]


def test_ctrl_c_keeps_the_beginning_and_ends_with_130(
    d7xr: Command, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "_CHUNK_TICKS", 1000)
    whole = replay_module.Progress.__init__

    def interrupted(self: replay_module.Progress, *values: int) -> None:
        whole(self, *values)
        if values[0] >= 2000:
            raise KeyboardInterrupt

    monkeypatch.setattr(replay_module.Progress, "__init__", interrupted)
    ending = d7xr("replay", trace, "--out", trace.parent / "run")

    assert ending.code == 130
    assert "interrupted: this is the beginning of the drive" in ending.out
    assert "run.partial" in ending.out
    assert (trace.parent / "run.partial" / "out.mf4").is_file()


def test_demo_finds_the_flights_within_20_ms_of_the_truth(d7xr: Command) -> None:
    document = d7xr("demo", "--json").document

    assert [entry["name"] for entry in document["truth"]] == ["ramp", "table-top", "edge"]
    assert all(entry["is_good"] for entry in document["truth"])
    assert all(abs(e["found_ms"] - e["true_ms"]) <= 20 for e in document["truth"])


def test_demo_shows_all_three_functions_at_work(d7xr: Command) -> None:
    ending = d7xr("demo")

    assert ending.code == 0
    assert "3 of 3 within 20 ms of the truth" in ending.out
    for word in ("FlightAir", "Restrictor", "Coolant", "table-top"):
        assert word in ending.out


def test_signals_lists_bus_and_states_with_units_and_words(d7xr: Command) -> None:
    rows = {row["name"]: row for row in d7xr("signals", "--json").document["signals"]}

    assert rows["WheelSpeeds.WheelSpeedFL_radps"]["unit"] == "rad/s"
    assert rows["WheelSpeeds.WheelSpeedFL_radps"]["kind"] == "received"
    assert rows["TorqueCommand.LimitReason"]["choices"]["13"] == "FlightAir"
    assert rows["TorqueCommand.LimitReason"]["kind"] == "sent"
    assert rows["Sync.SyncTick"]["kind"] == "stepping"
    assert rows["flight_mode.state"]["choices"]["2"] == "Air"
    assert rows["torque.granted_Nm"]["unit"] == "Nm"


def test_signals_can_be_searched_and_stay_one_line_each(d7xr: Command) -> None:
    ending = d7xr("signals", "*coolant*")

    lines = ending.out.splitlines()
    assert lines[-1] == f"{len(lines) - 3} names"
    assert all("coolant" in line.lower() for line in lines[1:-2])
    assert d7xr("signals", "no_such_thing").code == 2


def test_calibration_show_lists_every_parameter(d7xr: Command) -> None:
    ending = d7xr("calibration", "show")
    rows = d7xr("calibration", "show", "--json").document["parameters"]

    assert [row["name"] for row in rows] == [p.name for p in calibration_parameters()]
    assert {"id", "value", "unit", "minimum", "maximum", "default", "meaning"} < rows[0].keys()
    assert len(ending.out.splitlines()) == len(rows) + 3
    assert f"{len(rows)} parameters, 0 differ from the default" in ending.out


def test_calibration_check_says_yes_or_everything_that_is_wrong(
    d7xr: Command, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[flight_mode]\nair_dwell_ms = 5\nrearm = 1\n")

    good, refused = d7xr("calibration", "check", "default"), d7xr("calibration", "check", bad)
    document = d7xr("calibration", "check", bad, "--json").document

    assert (good.code, refused.code) == (0, 2)
    assert "all rules hold" in good.out
    assert [f["kind"] for f in document["findings"]] == ["unknown", "range", "rule"]
    assert document["is_accepted"] is False
    assert "bad.toml:3: unknown parameter 'flight_mode.rearm'" in refused.out


def test_calibration_diff_is_0_for_equal_and_1_for_different_sets(
    d7xr: Command, tmp_path: Path
) -> None:
    path = tmp_path / "set.toml"
    path.write_text("[flight_mode]\nair_dwell_ms = 100\n")

    same, other = (d7xr("calibration", "diff", "default", name) for name in ("default", path))

    assert (same.code, other.code) == (0, 1)
    assert f"equal: {len(calibration_parameters())} values compared" in same.out
    assert other.out == "flight_mode.air_dwell_ms  90 -> 100 ms\n"


def test_doctor_finds_this_machine_healthy(d7xr: Command) -> None:
    ending = d7xr("doctor", "--json")

    findings = {finding["name"]: finding for finding in ending.document["findings"]}
    assert (ending.code, ending.document["is_healthy"]) == (0, True)
    assert findings["core"]["state"] == "ok"
    assert "compiler" in findings["core"]["detail"]


def test_doctor_names_the_command_that_repairs(
    d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    ending = d7xr("doctor")

    assert ending.code == 3
    assert "broken  packages" in ending.out
    assert "pip install 'd7xr[mdf]'" in ending.out


def test_doctor_survives_a_core_that_does_not_load(
    d7xr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ImportError("the compiled core has another frame layout")

    monkeypatch.setattr("d7xr.ecu.Ecu", broken)

    ending = d7xr("doctor")

    assert ending.code == 3
    assert "broken  core" in ending.out
    assert "another frame layout" in ending.out
    assert "pip install '.'" in ending.out
