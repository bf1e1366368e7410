"""Each mistake in a mapping file is refused with its place, its name and the nearest right one."""

from pathlib import Path

import pytest

from d7xr.errors import ConfigError
from d7xr.mapping import find_mapping, list_mappings, load_mapping
from tests.mapping.bench import LEFT, WHEELS, mapped, wheels

GEAR = '[signal."GearboxState.Gear"]\nsource = "Gearbox.Position"\nunit = ""\n'


def refusal(folder: Path, body: str, head: str = 'name = "Car"') -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        mapped(folder, body, [(0, WHEELS, wheels(1))], head)
    assert caught.value.exit_code == 2
    assert "car.toml" in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("wrong", "right", "said", "hint"),
    [
        ("Wheels.Left", "Wheels.Lefd", "message Wheels has no signal 'Lefd'", "nearest: Left"),
        ("Wheels.Left", "Wheel.Left", "car.dbc has no message 'Wheel'", "nearest: Wheels"),
        ("Wheels.Left", "wheels.Left", "has no message 'wheels'", "nearest: Wheels"),
        ("Wheels.Left", "Left", "source 'Left' names no signal", 'write source = "<Message>.'),
        ("km/h", "kph", 'unit "kph", but car.dbc says "km/h" for Wheels.Left', 'unit = "km/h"'),
        ("SpeedFL_radps", "SpeedLF_radps", "the unit has no such input", "nearest: WheelSpeeds.W"),
        ("WheelSpeeds.Wheel", "TorqueCommand.Wheel", "the unit has no such input", "WheelSpeeds."),
        ("WheelSpeeds.WheelSpeedFL_radps", "WheelSpeeds", "no such input", "in quotes"),
        ("scale = 0.868", "", 'needs a scale from "km/h" to "rad/s"', "scale = 1 if only"),
    ],
)
def test_a_name_or_unit_that_is_not_there(
    tmp_path: Path, wrong: str, right: str, said: str, hint: str
) -> None:
    assert wrong in LEFT
    error = refusal(tmp_path, LEFT.replace(wrong, right))
    assert error.message.startswith("car.toml:3: ")
    assert said in error.message
    assert hint in str(error.hint)


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        (
            "ofset = 1",
            'car.toml:7: [signal."WheelSpeeds.WheelSpeedFL_radps"] ofset: no such key',
            "offset",
        ),
        ("valid_when = { signl = 'LeftOk', equals_raw = [1] }", "signl: no such key", "signal"),
        ("valid_when = { signal = 'LeftOK', equals_raw = [1] }", "no signal 'LeftOK'", "LeftOk"),
        ("valid_when = { signal = 'LeftOk', equals_raw = [] }", "length >= 1", "head of"),
        (
            "valid_when = { signal = 'LeftOk', equals_raw = [4] }",
            "valid_when 4 is no raw",
            "0 to 3",
        ),
        ("not_available_raw = [70000]", "70000 is no raw value of Left", "0 to 65535"),
        ("not_available_raw = 'FFFF'", "car.toml:7: ", "head of"),
        ("max_hold_ms = 0", "expected `int` >= 1", "head of"),
        ("max_hold_ms = 1.5", "max_hold_ms: expected `int`, got `float`", "head of"),
        ("offset = nan", "offset: nan is no number", "None"),
        ("valid_min = 5\nvalid_max = 5", "valid_min: 5.0 is not below valid_max 5.0", "None"),
        ("values = { 1 = 'Gear1' }", "is a number and has no names", "scale and offset"),
        ("steps = [[1, 'Running']]", "is a number and has no names", "scale and offset"),
        ("assumed = ''", "expected `str` of length >= 1", "head of"),
    ],
)
def test_a_key_or_value_that_makes_no_sense(
    tmp_path: Path, line: str, said: str, hint: str
) -> None:
    error = refusal(tmp_path, LEFT + line)
    assert said in error.message
    assert hint in str(error.hint)


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("", "says no name for any value of Gearbox.Position", "Neutral, Gear1"),
        ("values = { 1 = 'Gear01' }", "no such choice 'Gear01'", "nearest: Gear1"),
        ("values = { 16 = 'Gear1' }", "values 16 is no raw value of Position", "0 to 15"),
        ("values = { one = 'Gear1' }", "'one' is no raw code", "integer"),
        ("values = { 1 = 'Gear1' }\nscale = 2", "neither scale nor offset", "None"),
        ("steps = [[2, 'Gear2'], [1, 'Gear1']]", "each must begin above", "None"),
        ("steps = [[1, 'Gear1']]\nvalues = { 1 = 'Gear1' }", "not beside values", "codes or"),
    ],
)
def test_names_that_make_no_sense(tmp_path: Path, line: str, said: str, hint: str) -> None:
    error = refusal(tmp_path, GEAR + line)
    assert said in error.message
    assert hint in str(error.hint)


@pytest.mark.parametrize(
    ("table", "said", "hint"),
    [
        ("[constants]", "car.toml:8: constants: no such key", "nearest: constant"),
        (
            "[message.WheelSpeed]\nresend_ms = 5",
            "car.toml:8: WheelSpeed: the unit hears no such message",
            "nearest: WheelSpeeds",
        ),
        (
            "[message.AirPath]\nresend_ms = 5",
            "AirPath: no signal of this message is fed",
            "feed one",
        ),
        (
            "[message.WheelSpeeds]\nresend = 5",
            "car.toml:9: [message.WheelSpeeds] resend: no such",
            "_ms",
        ),
        ("[constant]\n'EngineState.Ignition' = 'ON'", "no such choice 'ON'", "nearest: On"),
        ("[constant]\n'EngineState.Ignition' = 1", "no such choice 1", "Off"),
        ("[constant]\n'EngineState.Throttle_pct' = 120", "120.0 is out of range", "0 to 101.6 %"),
        ("[constant]\n'EngineState.Throttle_pct' = 'full'", "'full' is no number", "number in %"),
        ("[constant]\n'EngineState.Gas_pct' = 1", "car.toml:9: EngineState.Gas_pct", "nearest"),
        ("[constant]\n'WheelSpeeds.WheelSpeedFL_radps' = 1", "both fed and constant", "away"),
        ("[constant]\n'WheelSpeeds.WheelSpeeds_Ctr' = 1", "no such input", "nearest"),
    ],
)
def test_tables_that_make_no_sense(tmp_path: Path, table: str, said: str, hint: str) -> None:
    table = table.replace("'", '"')
    error = refusal(tmp_path, f"{LEFT}\n{table}")
    assert said in error.message
    assert hint in str(error.hint)


def test_a_file_without_a_name_or_without_signals_is_refused(tmp_path: Path) -> None:
    assert "`name`" in refusal(tmp_path, LEFT, head="").message
    assert "maps no signal" in refusal(tmp_path, "").message


def test_what_is_not_toml_is_refused_with_line_and_column(tmp_path: Path) -> None:
    error = refusal(tmp_path, "source = = 1")
    assert "is not TOML" in error.message
    assert "line 2" in error.message


def test_an_absent_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the mapping"):
        load_mapping(tmp_path / "none.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"odd\.toml is not TOML"):
        load_mapping(tmp_path / "odd.toml")


def test_shipped_mappings_are_found_by_name_and_others_by_path(tmp_path: Path) -> None:
    assert list_mappings() == ("canedge_car", "ford_s550", "subaru_wrx")
    for name in list_mappings():
        assert find_mapping(name).stem == name
    own = tmp_path / "mine.toml"
    own.write_text("")
    assert find_mapping(own) == own
    assert find_mapping(str(own)) == own


def test_an_unknown_mapping_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no mapping is called 'ford_550'") as caught:
        find_mapping("ford_550")
    assert caught.value.hint == "nearest: ford_s550"
    with pytest.raises(ConfigError, match="no such mapping file") as caught:
        find_mapping(tmp_path / "ford.toml")
    assert "ford_s550" in str(caught.value.hint)
