"""What the campaign has found and was repaired: a single input that lies, told by its peers."""

import numpy as np
import pytest

from d7xr.ecu import Ecu, faults
from tests.car import Car, Level, RADIUS_m, wheels

RECORD = [
    "torque.granted_Nm", "torque.bound_Nm[16]", "torque.reason", "flight_mode.state",
    "flight_mode.is_permitted", "flight_mode.evidence.is_inertial_usable",
    "flight_mode.evidence.usable_wheels", "flight_mode.evidence.is_speed_measured",
    "intake.power_cap_kW", "intake.torque_cap_Nm", "temperature[0].state",
    "fault.active_mask[0]", "fault.active_mask[1]",
]  # fmt: skip
SENSOR_LIMP_Nm = 400.0


def turning(speed_mps: float) -> dict[str, Level]:
    """Let all wheels turn, each sample a little differently as wheels do."""
    return wheels(lambda t: speed_mps / RADIUS_m + 0.2 * np.sin(50.0 * t))


def driving(**signals: float) -> Car:
    car = Car(record=RECORD, signals=dict(signals))
    car.drive(4000)
    return car


def active(ecu: Ecu) -> set[str]:
    mask = int(ecu["fault.active_mask[0]"]) | int(ecu["fault.active_mask[1]"]) << 32
    return {fault.name for fault in faults() if mask >> fault.number & 1}


@pytest.mark.parametrize("axis", ["X", "Y", "Z"])
def test_a_force_that_no_car_bears_is_no_evidence(axis: str) -> None:
    car = driving()

    car.drive(300, **{f"SpecificForce{axis}_mps2": 150.0})

    assert active(car.ecu) == {"InertialLost"}


def test_a_landing_of_eight_g_for_fifty_milliseconds_is_believed() -> None:
    car = driving()

    hit = car.drive(50, SpecificForceZ_mps2=80.0)
    car.drive(300, SpecificForceZ_mps2=9.81)

    assert hit["flight_mode.evidence.is_inertial_usable"].min() == 1
    assert not active(car.ecu)


def test_a_vertical_axis_alone_that_stands_still_is_frozen() -> None:
    car = driving()

    car.frozen = {"SpecificForceZ_mps2"}
    car.drive(1200)

    assert active(car.ecu) == {"InertialFrozen"}


def test_wheels_that_repeat_themselves_while_the_car_gains_speed_are_lost() -> None:
    car = driving()

    car.drive(1500, GroundSpeed_mps=lambda t: 16.7 + t)

    assert car.ecu["flight_mode.evidence.usable_wheels"] == 0
    assert active(car.ecu) == {"WheelLost"}


def test_wheels_that_stand_still_with_the_speed_are_a_steady_drive() -> None:
    car = driving()

    car.drive(10_000, GroundSpeed_mps=lambda t: 16.7 + 0.2 * np.sin(t))

    assert car.ecu["flight_mode.evidence.usable_wheels"] == 4


def test_a_satellite_speed_that_unbraked_wheels_contradict_is_not_believed() -> None:
    car = driving()

    car.drive(1500, GroundSpeed_mps=60.0, **turning(16.7))
    assert car.ecu["flight_mode.evidence.speed_mps"] == pytest.approx(16.7, abs=0.2)
    assert active(car.ecu) == {"SpeedLost"}

    car.drive(1500, GroundSpeed_mps=16.7, **turning(16.7))
    assert not active(car.ecu)


def test_wheels_that_the_brakes_hold_contradict_nobody() -> None:
    car = driving()

    car.drive(1500, BrakePedal_pct=80.0, **wheels(5.0))

    assert car.ecu["flight_mode.evidence.is_speed_measured"] == 1


@pytest.mark.parametrize("gear", [0.0, 9.0, 10.0])
def test_a_gear_that_its_target_contradicts_forbids_no_flight(gear: float) -> None:
    car = driving()

    assert car.drive(500, Gear=gear)["flight_mode.is_permitted"].min() == 1
    assert car.drive(500, Gear=gear, TargetGear=gear)["flight_mode.is_permitted"][-1] == 0


def test_a_satellite_speed_of_nothing_forbids_no_flight_while_the_wheels_turn() -> None:
    car = driving()

    car.drive(500, **turning(16.7))

    still = car.drive(500, GroundSpeed_mps=0.0, **turning(16.7))
    assert still["flight_mode.is_permitted"].min() == 1
    slow = turning(6.0)
    assert car.drive(500, GroundSpeed_mps=0.0, **slow)["flight_mode.is_permitted"][-1] == 0


@pytest.mark.parametrize("engine_rpm", [900.0, 3000.0, 6900.0])
def test_an_engine_speed_that_the_turbine_contradicts_holds_torque(engine_rpm: float) -> None:
    car = driving()

    doubted = car.drive(500, EngineSpeed_rpm=engine_rpm, TurbineSpeed_rpm=3252.0)

    assert active(car.ecu) == {"SpeedsDisagree"}
    assert doubted["torque.granted_Nm"][-1] <= SENSOR_LIMP_Nm


def test_a_slipping_converter_doubts_no_speed() -> None:
    car = driving(LockUpClutch=1.0)

    car.drive(500, EngineSpeed_rpm=3252.0, TurbineSpeed_rpm=2000.0)

    assert not active(car.ecu)


def test_a_coolant_probe_that_stands_still_while_the_other_end_warms_costs_no_fan() -> None:
    car = driving()
    assert car.ecu["cooling.stage"] == 0

    car.drive(12_000, CoolantOut_degC=lambda t: 78.0 + 0.5 * t)

    # 6 K at the outlet are 9 at the inlet, which would show 94 degC
    assert car.ecu["cooling.hidden_K"] == pytest.approx(9.0, abs=0.3)
    assert car.ecu["cooling.stage"] == 2
    # And once it moves again it is taken at its word
    car.drive(1000, CoolantIn_degC=lambda t: 85.0 + 0.1 * t)
    assert car.ecu["cooling.hidden_K"] < 0.5


def test_an_outlet_that_is_hotter_than_the_inlet_counts_for_the_fans() -> None:
    car = driving()

    car.drive(2000, CoolantIn_degC=lambda t: 84.0 + 0.1 * np.sin(9.0 * t), CoolantOut_degC=93.0)

    assert car.ecu["cooling.stage"] == 2


def test_a_key_that_reads_off_while_the_engine_goes_on_turning_is_disputed() -> None:
    car = driving()

    car.drive(1400, Ignition=0.0)
    assert "KeyDisputed" not in active(car.ecu)
    car.drive(200)
    assert "KeyDisputed" in active(car.ecu)

    car.drive(1200, EngineSpeed_rpm=0.0, EngineStatus=0.0)
    assert "KeyDisputed" not in active(car.ecu)


def test_a_barometer_that_jumps_up_gives_torque_no_faster_than_a_car_descends() -> None:
    car = driving()
    before_kW = car.ecu["intake.power_cap_kW"]

    jumped = car.drive(10_000, AmbientPressure_kPa=115.0)

    # 0.15 kPa/s of 96 kPa behind the filter
    assert jumped["intake.power_cap_kW"][-1] / before_kW == pytest.approx(
        1.0 + 1.5 / 96.0, abs=2e-3
    )


def test_intake_air_is_not_believed_to_be_colder_than_outside() -> None:
    car = driving()
    before_kW = car.ecu["intake.power_cap_kW"]

    cold = car.drive(3000, IntakeAir_degC=-40.0)

    # 5 K below the 25 degC outside, instead of 65
    assert cold["intake.power_cap_kW"][-1] / before_kW == pytest.approx(
        (298 / 293) ** 0.5, abs=1e-3
    )


def test_a_coolant_probe_that_stands_still_gives_no_torque_that_the_outlet_takes() -> None:
    car = driving(CoolantIn_degC=106.0, CoolantOut_degC=100.0)

    # 4 K at the outlet are 6 at the inlet, which would show 112 degC: a fifth is taken
    car.drive(4000, CoolantOut_degC=lambda t: 100.0 + t)
    car.drive(15_000)

    assert car.ecu["derate.bound_Nm[0]"] == pytest.approx(750.0 * 0.8, abs=10.0)


@pytest.mark.parametrize("fan", [1, 2, 3, 4])
def test_a_fan_that_alone_is_not_heard_is_told(fan: int) -> None:
    car = driving()

    car.drive(2500, **{f"Fan{fan}Current_A": np.nan})

    assert active(car.ecu) == {"FanUnheard"}


@pytest.mark.parametrize(("battery_V", "told"), [(11.5, {"SupplyLow"}), (12.5, set())])
def test_a_hot_stop_without_run_on_says_that_the_supply_is_low(
    battery_V: float, told: set[str]
) -> None:
    car = driving(CoolantIn_degC=101.0)

    car.drive(3000, EngineStatus=0.0, EngineSpeed_rpm=0.0, Battery_V=battery_V)

    assert active(car.ecu) == told


def test_a_stopped_engine_is_not_cranked_whatever_its_status_says() -> None:
    car = driving(CoolantIn_degC=101.0)
    car.drive(6000)
    car.drive(6000, EngineStatus=0.0, EngineSpeed_rpm=0.0)
    assert int(car.ecu["cooling.fans.running_mask"]).bit_count() == 2

    car.drive(500, EngineStatus=1.0)
    assert car.ecu["cooling.fans.running_mask"] != 0
    car.drive(50, EngineSpeed_rpm=200.0)
    assert car.ecu["cooling.fans.running_mask"] == 0


def test_a_switch_that_reads_off_for_a_moment_does_not_end_flight_mode() -> None:
    car = driving()

    assert car.drive(90, FlightModeSwitch=0.0)["flight_mode.is_permitted"].min() == 1
    car.drive(10, FlightModeSwitch=1.0)
    assert car.drive(150, FlightModeSwitch=0.0)["flight_mode.is_permitted"][-1] == 0


def test_an_engine_speed_that_is_noisy_downwards_raises_no_cap() -> None:
    car = driving()
    steady_Nm = car.ecu["intake.torque_cap_Nm"]

    # Given a sensor of which two of three samples are far too low
    rpm = np.where(np.arange(900) // 10 % 3 == 0, 3252.0, 2900.0)
    noisy = car.drive(900, EngineSpeed_rpm=rpm)

    assert noisy["intake.torque_cap_Nm"].max() == pytest.approx(steady_Nm, rel=2e-3)
