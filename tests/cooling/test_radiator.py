"""Sand in the radiator against a hot day, by a core reckoned independently (effectiveness, NTU)."""

import math

import numpy as np
import pytest

from tests.benches import calibrated
from tests.car import Car, Level, Stretch
from tests.intake.test_filter import faults

RECORD = [
    "radiator.clean_ratio", "radiator.weight_s", "radiator.sustained_kW", "radiator.slope_Kps",
    "radiator.until_half_s", "cooling.stage", "cooling.is_fouled", "fault.active_mask[0]",
    "fault.active_mask[1]", "temperature[0].state",
]  # fmt: skip
COOLANT_kWpK = 14.7
BAY_K = 5.0
SHARE_OF_HEAT = {0.0: 1.0, 0.2: 1 / 1.24, 0.3: 1 / 1.41, 0.4: 1 / 1.63}
"""Blocked share of the face, and the heat that is left: a table of the cooling study."""


def given_kW(air_mps: float, warmer_K: float, blocked: float, air_degC: float) -> float:
    """Return the heat that the core gives away: cross flow, both unmixed, 97 kPa."""
    open_mps = air_mps * (1.0 - 0.7 * blocked)
    density_kgpm3 = 97e3 / 287.0 / (air_degC + 273.15)
    air_WpK = density_kgpm3 * open_mps * 0.484 * 1006.0
    resistance = 0.75 * (open_mps / 6.0) ** -0.65 + 0.15 + 0.10
    least, most = sorted((air_WpK, COOLANT_kWpK * 1e3))
    units, ratio = 4200.0 * (1.0 - blocked) / resistance / least, least / most
    effect = 1.0 - math.exp(units**0.22 / ratio * math.expm1(-ratio * units**0.78))
    return effect * least * warmer_K / 1e3


def climb(
    duration_s: float, *, blocked: float = 0.0, air_degC: float = 45.0, speed_mps: float = 30.0,
    coolant_degC: float = 102.0, car: Car | None = None,
) -> tuple[Stretch, Car]:  # fmt: skip
    """Hold a coolant temperature at a speed with no fan needed: ram air alone."""
    heat_kW = given_kW(0.15 * speed_mps, coolant_degC - air_degC - BAY_K, blocked, air_degC)
    levels: dict[str, Level] = {
        "CoolantIn_degC": lambda t_s: coolant_degC + 0.1 * np.sin(9.0 * t_s),
        "CoolantOut_degC": coolant_degC - heat_kW / COOLANT_kWpK,
        "Ambient_degC": air_degC, "GroundSpeed_mps": speed_mps, "FlightModeSwitch": 0.0,
        **{f"WheelSpeed{c}_radps": speed_mps / 0.43 for c in ("FL", "FR", "RL", "RR")},
    }  # fmt: skip
    if car is None:
        # The fans are held off the core, so that what cools is the ram air of the reckoning.
        off = calibrated(
            cooling__coolant_on_degC=(110.0, 111.0, 112.0, 113.0), cooling__full_degC=114.0,
            derate__start_degC=(115.5, 135.0, 65.0, 115.0), radiator__average_s=60.0,
            cooling__pump_full_degC=90.0,
        )  # fmt: skip
        car = Car(off, signals=levels, record=RECORD)
    return car.drive(round(duration_s * 1000), **levels), car


@pytest.mark.parametrize("air_degC", [0.0, 21.0, 45.0])
@pytest.mark.parametrize("speed_mps", [20.0, 33.0, 47.0])
def test_a_clean_core_is_clean_on_a_cold_and_on_a_hot_day(
    air_degC: float, speed_mps: float
) -> None:
    driven, _ = climb(60.0, air_degC=air_degC, speed_mps=speed_mps)

    assert driven["radiator.clean_ratio"][-1] == pytest.approx(1.0, abs=0.06)
    assert not driven["cooling.is_fouled"].any()


@pytest.mark.parametrize("blocked", [0.2, 0.3, 0.4])
@pytest.mark.parametrize("air_degC", [21.0, 45.0])
def test_a_blocked_core_reads_as_the_heat_that_is_left(blocked: float, air_degC: float) -> None:
    driven, _ = climb(60.0, blocked=blocked, air_degC=air_degC)

    assert driven["radiator.clean_ratio"][-1] == pytest.approx(SHARE_OF_HEAT[blocked], abs=0.06)


def test_sand_is_told_in_two_steps_and_starts_the_fans_earlier() -> None:
    clean, car = climb(60.0, coolant_degC=107.0)
    fouled, car = climb(240.0, blocked=0.25, coolant_degC=107.0, car=car)
    blocked, _ = climb(120.0, blocked=0.4, coolant_degC=107.0, car=car)

    assert not faults(clean) & {"RadiatorFouled", "RadiatorBlocked"}
    assert faults(fouled) & {"RadiatorFouled", "RadiatorBlocked"} == {"RadiatorFouled"}
    assert "RadiatorBlocked" in faults(blocked)
    assert clean["cooling.stage"][-1] == 0
    assert fouled["cooling.stage"][-1] == 2, "107 degC and 4 K: past 110 and 111"


def test_while_the_thermostat_is_closed_nothing_is_learned() -> None:
    driven, _ = climb(60.0, blocked=0.4, coolant_degC=88.0)

    assert (driven["radiator.weight_s"] == 0.0).all()
    assert (driven["radiator.clean_ratio"] == 1.0).all()


def test_a_temperature_that_moves_is_no_steady_window() -> None:
    _, car = climb(5.0)

    driven = car.drive(
        60_000, CoolantIn_degC=lambda t_s: 98.0 + 6.0 * np.abs((t_s / 8.0) % 2 - 1.0)
    )

    assert (driven["radiator.weight_s"] == 0.0).all()


@pytest.mark.parametrize("signal", ["CoolantOut_degC", "Ambient_degC", "AmbientPressure_kPa",
                                    "GroundSpeed_mps"])  # fmt: skip
def test_without_one_of_its_inputs_the_estimate_stands(signal: str) -> None:
    _, car = climb(60.0, blocked=0.3)

    before = car.drive(100)["radiator.clean_ratio"][-1]
    lost = car.drive(30_000, **{signal: float("nan")})

    assert lost["radiator.clean_ratio"][-1] == pytest.approx(before, abs=0.01)


def test_the_power_that_can_be_held_is_that_of_the_table() -> None:
    # At 5 m/s a clean core gives 114 kW for 60 K; half of the brake power goes into the coolant.
    driven, _ = climb(30.0, speed_mps=5.0 / 0.15, air_degC=45.0)

    per_kelvin = 114.0 / 60.0
    assert driven["radiator.sustained_kW"][-1] == pytest.approx(
        per_kelvin * (115.5 - 45.0 - BAY_K) / 0.5, rel=0.05
    )


def test_the_driver_is_told_how_long_he_has() -> None:
    _, car = climb(5.0, coolant_degC=98.0)

    rising = car.drive(30_000, CoolantIn_degC=lambda t_s: 98.0 + 0.2 * t_s)
    falling = car.drive(60_000, CoolantIn_degC=lambda t_s: 104.0 - 0.2 * t_s)

    assert rising["radiator.until_half_s"][-1] == pytest.approx((118.0 - 104.0) / 0.2, rel=0.1)
    assert falling["radiator.until_half_s"][-1] == 3600.0
