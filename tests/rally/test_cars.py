"""Three cars, one firmware: each has its number, its calibration over any set, and its memory."""

from pathlib import Path

import pytest

from d7xr import calibration, cars, memory, session
from d7xr.demo import demo_trace_path
from d7xr.ecu import Ecu
from d7xr.errors import ConfigError, UsageError
from d7xr.rally import events

SECOND = calibration.load("default", "car_2")


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "ours.toml"
    path.write_text(text)
    return str(path)


def replayed(path: Path, car: str) -> session.Result:
    options = session.Options(demo_trace_path(), car=car, memory=path)
    return session.run(options, clock=lambda: 0.0)


def test_the_team_has_three_cars_with_numbers_of_their_own() -> None:
    numbers = [calibration.load("default", car).values[cars.NUMBER] for car in cars.shipped()]

    assert numbers == [1, 2, 3]


@pytest.mark.parametrize("event", events())
def test_a_car_changes_what_is_its_own_and_leaves_the_event_its_set(
    tmp_path: Path, event: str
) -> None:
    car = written(tmp_path, "[car]\nnumber = 9\n[flight_mode]\nstatic_travel_mm = [128.0, 131.0]")
    plain, own = calibration.load(event), calibration.load(event, car)

    changed = {name for name, _, _ in calibration.difference(plain, own)}

    assert changed == {"car.number", "flight_mode.static_travel_mm"}
    assert own.name == f"{event}.toml on ours"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[flight_mode]\nstatic_travel_mm = [128.0, 131.0]", "a car has a number"),
        ("[car]\nnumber = 256", "car.number"),
        ('parent = "morocco"\n[car]\nnumber = 1', "a car has no parent"),
        ("[car]\nnumber = 1\nname = 'Lola'", "unknown parameter"),
    ],
)
def test_what_is_no_car_is_refused_with_a_reason(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        calibration.load("default", written(tmp_path, text))


def test_a_car_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"car_7.*No such file") as refused:
        calibration.load("default", "car_7")

    assert refused.value.hint is not None
    assert "car_1, car_2, car_3" in refused.value.hint


def test_a_unit_takes_nothing_that_was_learned_of_another_car() -> None:
    first = Ecu(calibration.load("default", "car_1").blob)
    second = Ecu(SECOND.blob)
    before = second.snapshot()

    with pytest.raises(ValueError, match="it is of car 1, the calibration is for car 2"):
        second.recall(first.keep())

    assert second.snapshot() == before


def test_a_car_goes_on_from_its_own_memory_and_no_other_car_writes_into_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "second.memory"
    days = []
    for _ in range(2):
        replayed(path, "car_2")
        unit = Ecu(SECOND.blob)
        unit.recall(path.read_bytes())
        days.append(memory.operating_s(unit))
    kept = path.read_bytes()

    with pytest.raises(UsageError, match="it is of car 2, the calibration is for car 3"):
        replayed(path, "car_3")

    assert path.read_bytes() == kept
    assert days[1] == 2 * days[0] > 0
