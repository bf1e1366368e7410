"""A coolant probe whose samples are plausible one by one, and what its peers say of it."""

import numpy as np
import pytest

from tests.benches import COOLING, words_of
from tests.car import Car, Level, Stretch
from tests.intake.test_filter import faults

RECORD = [
    "coolant_peers.verdict", "temperature[0].state", "cooling.state", "cooling.stage",
    "torque.granted_Nm", "fault.active_mask[0]", "fault.active_mask[1]",
]  # fmt: skip
VERDICT = {word: code for code, word in words_of("coolant_peers.verdict").items()}
LOST = 2


def a_car(**signals: Level) -> Car:
    levels: dict[str, Level] = {
        "CoolantIn_degC": 90.0, "CoolantOut_degC": 84.0, "EngineOil_degC": 105.0,
        "GroundSpeed_mps": 0.0, "FlightModeSwitch": 0.0, **signals,
    }  # fmt: skip
    car = Car(signals=levels, record=RECORD)
    car.drive(3000)
    return car


def first_s(stretch: Stretch, verdict: str) -> float:
    """Return the second at which a verdict is first given."""
    return int(np.flatnonzero(stretch["coolant_peers.verdict"] == VERDICT[verdict])[0]) / 1000.0


def test_a_frozen_probe_is_found_while_the_engine_boils_behind_it() -> None:
    # Given a probe stuck at 90 degC, and a climb that heats everything by 20 K in two minutes
    def heating(base_degC: float) -> Level:
        return lambda t_s: base_degC + np.minimum(t_s / 6.0, 25.0)

    driven = a_car().drive(180_000, CoolantOut_degC=heating(70.0), EngineOil_degC=heating(105.0))

    assert first_s(driven, "Frozen") == pytest.approx(120.0, abs=4.0)
    assert driven["temperature[0].state"][-1] == LOST
    assert driven["cooling.state"][-1] == COOLING["SensorLost"]
    assert driven["cooling.stage"][-1] == 4
    assert "CoolantDisputed" in faults(driven)


def test_a_probe_that_hangs_in_air_reads_cold_and_is_found_by_the_outlet() -> None:
    car = a_car()
    sinking = car.drive(60_000, CoolantIn_degC=lambda t_s: np.maximum(90.0 - t_s, 50.0))

    assert first_s(sinking, "Outlet") == pytest.approx(90.0 - 79.0 + 30.0, abs=1.5)
    assert sinking["cooling.stage"][-1] == 4


def test_without_an_outlet_the_oil_speaks() -> None:
    car = a_car(CoolantOut_degC=float("nan"))

    cold = car.drive(90_000, CoolantIn_degC=lambda t_s: np.maximum(90.0 - 2.0 * t_s, 30.0))

    assert first_s(cold, "Oil") == pytest.approx((90.0 - 35.0) / 2.0 + 30.0, abs=1.5)


def test_a_steady_cruise_is_no_frozen_probe() -> None:
    driven = a_car().drive(300_000)

    assert not driven["coolant_peers.verdict"].any()


def test_a_steady_coolant_with_its_least_digit_alive_is_believed() -> None:
    driven = a_car().drive(
        300_000,
        CoolantIn_degC=lambda t_s: np.where(t_s % 60.0 > 30.0, 90.1, 90.0),
        EngineOil_degC=lambda t_s: 100.0 + 12.0 * (t_s % 60.0) / 60.0,
    )

    assert not driven["coolant_peers.verdict"].any()


def test_after_a_stop_heat_soaks_and_proves_nothing() -> None:
    car = a_car()

    soaked = car.drive(300_000, EngineStatus=0.0, CoolantIn_degC=70.0, CoolantOut_degC=95.0)

    assert not soaked["coolant_peers.verdict"].any()


def test_a_probe_that_agrees_again_is_believed_again() -> None:
    car = a_car()
    car.drive(60_000, CoolantIn_degC=lambda t_s: np.maximum(90.0 - t_s, 70.0))

    back = car.drive(60_000, CoolantIn_degC=lambda t_s: np.minimum(70.0 + 2.0 * t_s, 88.0))

    assert back["coolant_peers.verdict"][-1] == VERDICT["Agree"]
    assert back["temperature[0].state"][-1] != LOST


def test_a_cold_start_in_the_morning_is_no_dispute() -> None:
    driven = a_car(CoolantIn_degC=5.0, CoolantOut_degC=5.0, EngineOil_degC=5.0).drive(
        240_000,
        CoolantIn_degC=lambda t_s: 5.0 + np.minimum(t_s / 2.5, 82.0),
        CoolantOut_degC=lambda t_s: 5.0 + np.clip((t_s - 150.0) / 2.0, 0.0, 40.0),
        EngineOil_degC=lambda t_s: 5.0 + np.minimum(t_s / 3.0, 70.0),
    )

    assert not driven["coolant_peers.verdict"].any()
