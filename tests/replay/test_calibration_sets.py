"""Calibration sets: what is wrong is named all at once, with line, unit and the nearest name."""

import struct
from pathlib import Path

import pytest

from d7xr.calibration import DEFAULT, default_set, difference, examine, load
from d7xr.ecu import Ecu, calibration_parameters
from d7xr.errors import ConfigError


def write(folder: Path, text: str, name: str = "set.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def findings(path: Path) -> list[tuple[str, str]]:
    return [(finding.kind, finding.name) for finding in examine(path)[1]]


def test_a_set_holds_what_differs_and_the_rest_is_the_default(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'description = "softer"\nauthor = "team"\n\n[flight_mode]\nair_dwell_ms = 100\n'
        "precut_ratio = 0.4\nstatic_travel_mm = [128, 131.5]\n",
    )

    loaded = load(path)

    assert difference(default_set(), loaded) == (
        ("flight_mode.air_dwell_ms", 90, 100),
        ("flight_mode.static_travel_mm", (130.0, 130.0), (128.0, 131.5)),
        ("flight_mode.precut_ratio", 0.3, 0.4),
    )
    assert (loaded.description, loaded.author, loaded.parent) == ("softer", "team", DEFAULT)


def test_the_bytes_are_those_that_the_firmware_reads(tmp_path: Path) -> None:
    path = write(tmp_path, "[flight_mode]\nair_dwell_ms = 100\nprecut_ratio = 0.4\n")

    blob = load(path).blob

    for parameter in calibration_parameters():
        if parameter.name == "flight_mode.air_dwell_ms":
            assert struct.unpack_from("<I", blob, parameter.offset) == (100,)
        if parameter.name == "flight_mode.precut_ratio":
            assert struct.unpack_from("<f", blob, parameter.offset)[0] == pytest.approx(0.4)
    assert Ecu(blob)["is_calibration_refused"] == 0
    assert default_set().blob == load(DEFAULT).blob


def test_a_parent_is_found_beside_its_child_and_can_be_overruled(tmp_path: Path) -> None:
    write(tmp_path, "[flight_mode]\nair_dwell_ms = 100\nrearm_ms = 150\n", "base.toml")
    child = write(tmp_path, 'parent = "base.toml"\n[flight_mode]\nair_dwell_ms = 95\n')

    loaded = load(child)

    assert loaded.values["flight_mode.air_dwell_ms"] == 95
    assert loaded.values["flight_mode.rearm_ms"] == 150
    assert loaded.parent == "base.toml"


def test_a_child_may_heal_what_its_parent_broke(tmp_path: Path) -> None:
    write(tmp_path, "[flight_mode]\nair_dwell_ms = 1\n", "base.toml")
    child = write(tmp_path, 'parent = "base.toml"\n[flight_mode]\nair_dwell_ms = 95\n')

    assert findings(child) == []


def test_a_set_cannot_be_its_own_ancestor(tmp_path: Path) -> None:
    write(tmp_path, 'parent = "b.toml"\n', "a.toml")
    write(tmp_path, 'parent = "a.toml"\n', "b.toml")

    with pytest.raises(ConfigError, match="its own ancestor"):
        load(tmp_path / "a.toml")


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'colour = "red"\n'
        "[flight_mode]\n"
        "air_dwel_ms = 100\n"
        "suspect_dwell_ms = 90.5\n"
        "precut_ratio = true\n"
        "static_travel_mm = [1, 2, 3]\n"
        "rearm_ms = -5\n"
        "[cooling]\n"
        "full_degC = 500.0\n",
    )

    with pytest.raises(ConfigError) as told:
        load(path)

    message = told.value.message
    assert findings(path) == [
        ("unknown", "colour"),
        ("unknown", "flight_mode.air_dwel_ms"),
        ("type", "flight_mode.suspect_dwell_ms"),
        ("type", "flight_mode.precut_ratio"),
        ("type", "flight_mode.static_travel_mm"),
        ("range", "flight_mode.rearm_ms"),
        ("range", "cooling.full_degC"),
        ("rule", "CAL-COOL-3"),
    ]
    assert "8 findings" in message
    assert "set.toml:3: unknown parameter 'flight_mode.air_dwel_ms'" in message
    assert "nearest is 'flight_mode.air_dwell_ms'" in message
    assert "must be an integer, not 90.5" in message
    assert "must be a number, not true" in message
    assert "must be a list of 2 numbers, not [1, 2, 3]" in message
    assert "set.toml:9: cooling.full_degC = 500 is not in 80 to 120 degC" in message


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[flight_mode]\nsuspect_dwell_ms = 95\n", "CAL-FLIGHT-3"),
        ("[torque]\nrev_soft_rpm = 7000.0\n", "CAL-TORQUE-1"),
        ("[cooling]\ncoolant_on_degC = [88.0, 88.0, 96.0, 100.0]\n", "CAL-COOL-1"),
    ],
)
def test_values_that_contradict_each_other_are_refused_by_the_rule(
    text: str, rule: str, tmp_path: Path
) -> None:
    assert findings(write(tmp_path, text)) == [("rule", rule)]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e39"])
def test_what_no_float32_can_hold_is_out_of_range(value: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"[flight_mode]\nprecut_ratio = {value}\n")

    assert ("range", "flight_mode.precut_ratio") in findings(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[flight_mode\n", "not TOML"), (b"\xff\xfe", "not text in UTF-8")],
)
def test_a_file_that_is_no_toml_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=message):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot read the calibration set"):
        load(tmp_path / "none.toml")
