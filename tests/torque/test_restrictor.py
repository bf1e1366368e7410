"""The restrictor as choked flow, against a table reckoned by hand (100 kPa before it, Cd 0.97)."""

import numpy as np
import pytest

from tests.benches import calibrated
from tests.car import Car, Stretch

# diameter mm; flow g/s at 20 degC; power kW at 0.275 kW/mm2, at an efficiency of 0.33, and at the
# latter with 95 kPa and 45 degC
TABLE = [
    (32.0, 184.0, 221.0, 204.0, 186.0),
    (34.0, 208.0, 250.0, 231.0, 210.0),
    (36.0, 233.0, 280.0, 259.0, 236.0),
    (37.0, 246.0, 296.0, 273.0, 249.0),
    (38.0, 260.0, 312.0, 288.0, 263.0),
    (40.0, 288.0, 346.0, 319.0, 291.0),
]
# ambient factor p0 / 100 kPa * sqrt(293 K / T0): kPa, then at 0, 21, 45 degC
FACTORS = [
    (100.0, 1.036, 0.998, 0.960),
    (97.0, 1.005, 0.968, 0.931),
    (95.0, 0.984, 0.948, 0.912),
    (90.0, 0.932, 0.898, 0.864),
    (85.0, 0.881, 0.849, 0.816),
]
RECORD = [
    "intake.choked_flow_gps",
    "intake.power_cap_kW",
    "intake.torque_cap_Nm",
    "intake.is_assumed",
]


def breathe(
    restrictor_mm: float, pressure_kPa: float, air_degC: float, *, efficiency: float = 0.33,
    filter_kPa: float = 0.0,
) -> Stretch:  # fmt: skip
    blob = calibrated(
        intake__restrictor_mm=restrictor_mm,
        intake__efficiency_ratio=efficiency,
        intake__filter_ms=0.0,
    )
    air = {
        "AmbientPressure_kPa": pressure_kPa, "IntakeAir_degC": air_degC, "Ambient_degC": air_degC,
        "FilterDp_kPa": filter_kPa,
    }  # fmt: skip
    return Car(blob, signals={**air}, record=RECORD).drive(30)


@pytest.mark.parametrize(("restrictor_mm", "flow_gps", "measured_kW", "power_kW", "hot_kW"), TABLE)
def test_flow_and_power_are_those_of_the_table(
    restrictor_mm: float, flow_gps: float, measured_kW: float, power_kW: float, hot_kW: float
) -> None:
    cool = breathe(restrictor_mm, 100.0, 20.0)
    best = breathe(restrictor_mm, 100.0, 20.0, efficiency=0.357)
    hot = breathe(restrictor_mm, 95.0, 45.0)

    assert cool["intake.choked_flow_gps"][-1] == pytest.approx(flow_gps, abs=0.5)
    assert cool["intake.power_cap_kW"][-1] == pytest.approx(power_kW, abs=1.0)
    assert best["intake.power_cap_kW"][-1] == pytest.approx(measured_kW, abs=1.0)
    assert hot["intake.power_cap_kW"][-1] == pytest.approx(hot_kW, abs=1.0)


@pytest.mark.parametrize(("pressure_kPa", "at_0", "at_21", "at_45"), FACTORS)
def test_pressure_and_temperature_act_as_in_the_table(
    pressure_kPa: float, at_0: float, at_21: float, at_45: float
) -> None:
    at_20_degC = breathe(36.7, 100.0, 19.85)["intake.power_cap_kW"][-1]

    for air_degC, factor in ((0.0, at_0), (21.0, at_21), (45.0, at_45)):
        power_kW = breathe(36.7, pressure_kPa, air_degC)["intake.power_cap_kW"][-1]
        assert power_kW / at_20_degC == pytest.approx(factor, abs=0.001)


def test_each_kilopascal_of_filter_loss_costs_one_percent() -> None:
    clean = breathe(36.7, 100.0, 20.0)["intake.power_cap_kW"][-1]
    dusty = breathe(36.7, 100.0, 20.0, filter_kPa=1.0)["intake.power_cap_kW"][-1]

    assert dusty / clean == pytest.approx(0.99, abs=1e-4)


def test_the_built_in_restrictor_gives_291_kilowatts() -> None:
    driven = breathe(36.7, 100.0, 20.0, efficiency=0.357)

    assert driven["intake.power_cap_kW"][-1] == pytest.approx(291.0, abs=1.0)


@pytest.mark.parametrize("speed_rpm", [3705.0, 4500.0, 5500.0, 6500.0])
def test_the_torque_cap_is_power_over_speed(speed_rpm: float) -> None:
    car = Car(record=RECORD, signals={"EngineSpeed_rpm": speed_rpm})

    driven = car.drive(2000)

    power_W = driven["intake.power_cap_kW"] * 1000.0
    expected = power_W / (speed_rpm * np.pi / 30.0)
    np.testing.assert_allclose(driven["intake.torque_cap_Nm"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("signal", "lost", "assumed"),
    [("AmbientPressure_kPa", "intake.pressure_kPa", 95.0),
     ("IntakeAir_degC", "intake.air_degC", 45.0),
     ("FilterDp_kPa", "intake.filter_loss_kPa", 5.0)],
)  # fmt: skip
def test_a_lost_input_is_replaced_by_the_worse_of_last_and_assumed(
    signal: str, lost: str, assumed: float
) -> None:
    worse = {"AmbientPressure_kPa": 80.0, "IntakeAir_degC": 60.0, "FilterDp_kPa": 9.0}[signal]
    # At part load no index is known, so the loss is the measured one.
    better = Car(record=[lost, "intake.is_assumed"], signals={"MassAirFlow_gps": 60.0})
    bad = Car(record=[lost, "intake.is_assumed"], signals={"MassAirFlow_gps": 60.0, signal: worse})
    for car in (better, bad):
        car.drive(2000)

    assert better.drive(600, **{signal: float("nan")})[lost][-1] == pytest.approx(assumed, abs=0.02)
    assert bad.drive(600, **{signal: float("nan")})[lost][-1] == pytest.approx(worse, abs=0.02)
    assert better.drive(100)["intake.is_assumed"].all()
