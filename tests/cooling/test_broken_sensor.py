"""A coolant sensor broken in every way it can be: all fans on, torque reduced, never off."""

import numpy as np
import pytest

from tests.benches import COOLING, REASON
from tests.car import Car, Level, RASTER_ms, Stretch
from tests.cooling.test_stories import RECORD, running

NAN = float("nan")
RECORDED = [
    *RECORD,
    "torque.reason",
    "torque.demand_Nm",
    "temperature[0].degC",
    "cooling.ladder_stage[0]",
]
COOLANT_LOST = 11
BELIEVED, LOST = 1, 2

BROKEN: dict[str, Level] = {
    "not available": NAN,
    "open": -50.0,  # a thermistor that is cut reads as cold as can be
    "shorted": 359.0,
    "reads cold": -14.0,
    "reads a pleasant 25": 25.0,
    "jumps": lambda t_s: np.where(np.floor(t_s * 2.0) % 2.0 == 0.0, 40.0, 120.0),
    "noise": lambda t_s: 60.0 + 50.0 * np.sin(50.0 * t_s),
}


def a_hot_car(coolant_degC: float = 95.0, **signals: Level) -> Car:
    levels: dict[str, Level] = {"CoolantIn_degC": coolant_degC, "GroundSpeed_mps": 0.0, **signals}
    car = Car(signals=levels, record=RECORDED)
    car.drive(20_000)
    return car


def assert_blind(stretch: Stretch) -> None:
    assert stretch.texts("cooling.state")[-1] == "SensorLost"
    assert (stretch["cooling.stage"][-10_000:] == 4).all()
    assert running(stretch)[-1] == 4
    assert stretch["torque.granted_Nm"][-1] <= 450.1
    assert stretch["fault.active_mask[0]"][-1] & (1 << COOLANT_LOST)


@pytest.mark.parametrize("reading", list(BROKEN))
def test_broken_coolant_sensor_never_stops_fans(reading: str) -> None:
    car = a_hot_car()
    before = running(car.drive(10))[-1]

    broken = car.drive(240_000, CoolantIn_degC=BROKEN[reading])

    assert running(broken).min() >= before == 2
    assert running(broken)[5000:].min() == 4
    assert_blind(broken)


def test_broken_coolant_sensor_never_stops_fans_when_its_message_is_silent() -> None:
    car = a_hot_car()
    car.silent = {"ThermalState"}

    silent = car.drive(60_000)

    assert running(silent).min() >= 2
    assert_blind(silent)


@pytest.mark.parametrize("message", [set[str](), {"ThermalState"}], ids=["not available", "silent"])
def test_a_sensor_that_was_never_heard_is_lost_after_the_boot_time(message: set[str]) -> None:
    car = Car(
        signals={"CoolantIn_degC": NAN, "GroundSpeed_mps": 0.0}, silent=message, record=RECORDED
    )

    booted = car.drive(60_000)

    first = int(np.flatnonzero(booted["cooling.state"] == COOLING["SensorLost"])[0])
    assert 1500 <= first < 1500 + RASTER_ms
    assert_blind(booted)


def test_fans_are_not_taken_from_a_blind_unit_by_ram_air() -> None:
    car = a_hot_car(GroundSpeed_mps=30.0)

    assert running(car.drive(20_000, CoolantIn_degC=NAN))[-1] == 4


def test_torque_falls_smoothly_to_sixty_percent() -> None:
    car = a_hot_car()

    blind = car.drive(20_000, CoolantIn_degC=NAN)

    granted = blind["torque.granted_Nm"]
    assert granted[-1] == pytest.approx(450.0, abs=0.1)
    assert np.diff(granted).min() > -0.021 * RASTER_ms
    assert blind["torque.reason"][-1] == REASON["SensorLimp"]


@pytest.mark.parametrize("coolant_degC", [113.0, 117.0, 124.0])
def test_a_sensor_that_breaks_while_hot_leaves_no_more_torque_than_the_heat_did(
    coolant_degC: float,
) -> None:
    well, ill = (Car(signals={"CoolantIn_degC": coolant_degC}, record=RECORDED) for _ in range(2))
    for car in (well, ill):
        car.drive(1000)

    a, b = well.drive(60_000), ill.drive(60_000, CoolantIn_degC=NAN)

    assert (b["torque.granted_Nm"] <= a["torque.granted_Nm"] + 1e-3).all()


def test_a_fan_that_fails_while_the_unit_is_blind_lowers_torque_as_it_would_otherwise() -> None:
    well, ill = (Car(signals={"CoolantIn_degC": 117.0}, record=RECORDED) for _ in range(2))
    for car in (well, ill):
        car.drive(60_000)
    failed: dict[str, Level] = {"Fan1Current_A": 0.0, "Fan2Current_A": 0.0}

    a = well.drive(60_000, **failed)
    b = ill.drive(60_000, CoolantIn_degC=NAN, **failed)

    assert a["torque.granted_Nm"][-1] == pytest.approx(750.0 * (1.0 - 0.5 * 13.0 / 14.0), abs=0.5)
    assert (b["torque.granted_Nm"] <= a["torque.granted_Nm"] + 1e-3).all()


class TestHealing:
    """Plausible for ten seconds, and near where it was left."""

    def test_a_sensor_that_comes_back_is_believed_after_ten_seconds(self) -> None:
        car = a_hot_car()
        car.drive(5000, CoolantIn_degC=NAN)

        back = car.drive(60_000, CoolantIn_degC=94.0)

        healed = int(np.flatnonzero(back["temperature[0].state"] == BELIEVED)[0])
        assert healed == pytest.approx(10_000, abs=100 + RASTER_ms)
        assert back.texts("cooling.state") == ["SensorLost", "Normal"]
        assert back["torque.granted_Nm"][-1] == 750.0
        assert np.diff(back["torque.granted_Nm"]).max() <= 0.0101 * RASTER_ms

    def test_one_bad_sample_starts_the_ten_seconds_again(self) -> None:
        car = a_hot_car()
        car.drive(5000, CoolantIn_degC=NAN)
        car.drive(9000, CoolantIn_degC=94.0)
        car.drive(100, CoolantIn_degC=NAN)

        back = car.drive(9000, CoolantIn_degC=94.0)

        assert (back["temperature[0].state"] == LOST).all()

    def test_a_reading_far_below_the_last_is_not_healed_by_patience(self) -> None:
        car = a_hot_car()

        cold = car.drive(240_000, CoolantIn_degC=60.0)

        assert (cold["temperature[0].state"] == LOST).all()

    def test_an_engine_that_warmed_up_unseen_is_believed_when_it_can_have(self) -> None:
        car = a_hot_car(60.0)
        car.drive(100_000, CoolantIn_degC=NAN)

        back = car.drive(20_000, CoolantIn_degC=95.0)

        assert back["temperature[0].state"][-1] == BELIEVED

    def test_a_hot_reading_too_soon_is_believed_later(self) -> None:
        car = a_hot_car(60.0)
        car.drive(5000, CoolantIn_degC=NAN)

        back = car.drive(80_000, CoolantIn_degC=95.0)

        healed = int(np.flatnonzero(back["temperature[0].state"] == BELIEVED)[0])
        assert healed == pytest.approx((35.0 - 5.0) / 0.5 * 1000.0 - 5000.0, abs=1200)

    def test_a_fast_but_possible_change_is_believed(self) -> None:
        car = a_hot_car(60.0)

        rising = car.drive(4000, CoolantIn_degC=lambda t_s: 60.0 + 9.0 * t_s)

        assert (rising["temperature[0].state"] == BELIEVED).all()
