"""The shipped scenarios come true, in closed loop through CAN frames alone."""

from pathlib import Path

import pytest

from d7xr.errors import ConfigError
from d7xr.simulator import figures, scenario, simulation
from d7xr.simulator.loop import METRICS, Loop
from d7xr.simulator.simulation import Options, Simulation

SHORT = """
story = "A kerb."
lasts_s = 2.0
[start]
speed_kph = 30.0
[[stretch]]
name = "road"
length_m = 60.0
exit_kph = 30.0
"""


def simulated(name: str, **options: object) -> Simulation:
    chosen = Options(name, record=("flight_mode.state",), **options)  # type: ignore[arg-type]
    return simulation.run(chosen, clock=lambda: 0.0)


@pytest.mark.parametrize("name", scenario.shipped())
def test_the_story_comes_true(name: str) -> None:
    result = simulated(name)

    assert [law.evidence for law in result.expected if law.judgement != "pass"] == []
    assert len(result.expected) >= 2
    assert result.exit_code == 0


def test_there_is_a_dozen_of_them_and_each_tells_another_story() -> None:
    stories = {scenario.load(name).scenario.story for name in scenario.shipped()}

    assert len(stories) == len(scenario.shipped()) >= 12


def test_a_story_that_does_not_come_true_fails_and_says_what_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "moon.toml"
    path.write_text(SHORT + "[expect]\nflights = 3\n")

    result = simulated(str(path))

    assert result.exit_code == 1
    assert [law.evidence for law in result.expected] == ["flights is 0"]


def test_what_can_be_expected_is_what_a_drive_tells() -> None:
    loop = Loop(scenario.parse(SHORT, "short"))
    loop.keep()
    from d7xr.ecu import calibration_default

    assert tuple(loop.drive(calibration_default()).metrics) == METRICS
    assert set(METRICS) <= set(figures.FIGURES)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("lasts_s = 2.0", "lasts_ms = 2000.0 > another unit: it is given in s"),
        ("speed_kph = 30.0", "speed_mps = 8.0 > another unit: it is given in kph"),
        ("length_m = 60.0", "length_km = 0.06 > another unit: it is given in m"),
        ('name = "road"', 'name = "road"\ncolour = "red" > no key \'colour\''),
        ('name = "road"', 'name = "road"\nsurface = "ice" > no surface \'ice\''),
        ("exit_kph = 30.0", "exit_kph = 900.0 > exit_kph"),
        ("lasts_s = 2.0", 'lasts_s = "two" > lasts_s'),
        ('story = "A kerb."', "story = 'A kerb > short.toml"),
    ],
)
def test_a_key_that_is_unknown_or_in_another_unit_is_refused(change: str, told: str) -> None:
    to, _, message = told.partition(" > ")

    with pytest.raises(ConfigError) as caught:
        scenario.parse(SHORT.replace(change, to), "short.toml")

    assert message in str(caught.value)
    assert "short.toml" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "table",
    [
        "[expect]\nflihgts = 1\n",
        "[car]\nlash_rad = 0.1\n",
        "[car]\nlash_deg = 90.0\n",
        '[[sensor_fault]]\nkind = "stuck"\nsignal = "no_such_mm"\n',
        '[[sensor_fault]]\nkind = "melted"\nmessage = "damper_travel"\n',
        '[[sensor_fault]]\nkind = "crc"\nsignal = "damper_travel_fl_mm"\n',
    ],
)
def test_what_the_car_does_not_have_is_refused_with_the_nearest_name(
    table: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(SHORT + table)

    with pytest.raises(ConfigError) as caught:
        simulated(str(path))

    assert "odd" in str(caught.value)
    assert caught.value.hint
