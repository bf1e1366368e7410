"""The five events of the season: weather for a simulated stage, and a calibration set each."""

from pathlib import Path

import pytest

from d7xr import calibration, rally
from d7xr.errors import ConfigError
from d7xr.simulator.scenario import load, shipped
from tests.car import Car
from tests.cli.bench import Command, runner

EVENTS = ("saudi_arabia", "portugal", "argentina", "morocco", "abu_dhabi")


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``d7xr`` with the given words."""
    return runner(capsys)


def number(event: str, name: str) -> float:
    """Return a number of an event's set."""
    value = calibration.load(event).values[name]
    assert not isinstance(value, tuple)
    return float(value)


def test_each_event_is_a_safe_set_by_its_name_and_says_what_it_rests_on() -> None:
    assert tuple(rally.events()) == EVENTS
    for event in EVENTS:
        loaded = calibration.load(event)
        assert calibration.difference(calibration.default_set(), loaded)
        assert "estimate" in loaded.author
        assert loaded.description


@pytest.mark.parametrize("event", EVENTS)
def test_air_that_is_not_measured_is_assumed_worse_than_a_hard_day_has_it(event: str) -> None:
    weather = rally.weather_of(event)

    assert number(event, "intake.lost_pressure_kPa") <= weather.ambient_kPa
    assert number(event, "intake.lost_air_degC") >= weather.ambient_degC + 10.0


def test_a_barometer_that_is_dead_costs_more_power_in_the_andes_than_at_the_sea() -> None:
    power_kW = {}
    for event in ("argentina", "abu_dhabi"):
        car = Car(calibration.load(event).blob, record=["intake.power_cap_kW"],
                  silent={"AmbientState"})  # fmt: skip
        power_kW[event] = car.drive(2000)["intake.power_cap_kW"][-1]

    assert power_kW["argentina"] < 0.8 * power_kW["abu_dhabi"]


def test_an_event_can_be_the_parent_of_a_set(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('parent = "morocco"\n[flight_mode]\nair_dwell_ms = 100\n')

    loaded = calibration.load(mine)

    assert loaded.parent == "morocco.toml"
    assert loaded.values["intake.lost_air_degC"] == 55
    assert loaded.values["flight_mode.air_dwell_ms"] == 100


@pytest.mark.parametrize("event", EVENTS)
def test_every_scenario_can_be_held_under_the_weather_of_every_event(event: str) -> None:
    weather = rally.weather_of(event)

    for name in shipped():
        source = load(name, event)
        start = source.scenario.start
        assert (start.ambient_degC, start.ambient_kPa) == (
            weather.ambient_degC,
            weather.ambient_kPa,
        )
        assert start.dust_factor == weather.dust_factor
        assert source.text.startswith(f'event = "{event}"\n'), "the run folder says so too"
        assert load(name).scenario.stretch == source.scenario.stretch


def test_a_stage_in_thin_air_has_less_power_than_at_the_sea(d7xr: Command) -> None:
    power_kW = {}
    for event in ("argentina", "abu_dhabi"):
        ending = d7xr("simulate", "table_top", "--event", event, "--json")
        assert ending.code in {0, 1}, "the story may be another in other air"
        told = ending.document
        (belief,) = [b for b in told["beliefs"] if b["name"] == "power by the restrictor"]
        power_kW[event] = belief["true"]
        assert told["identity"]["calibration_file_sha256"]

    # Power goes with pressure, and with the root of the temperature
    expected = 75.0 / 100.0 * ((273.15 + 36.0) / (273.15 + 18.0)) ** 0.5
    assert power_kW["argentina"] / power_kW["abu_dhabi"] == pytest.approx(expected, rel=0.02)


def test_a_slip_in_the_name_of_an_event_is_met_with_the_nearest(d7xr: Command) -> None:
    ending = d7xr("simulate", "table_top", "--event", "maroco")

    assert ending.code == 2
    assert "no event 'maroco'" in ending.err
    assert "morocco" in ending.err


def test_a_scenario_file_of_an_unknown_event_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('event = "mars"\n' + load("table_top").text)

    with pytest.raises(ConfigError, match="no event 'mars'"):
        load(str(path))
