"""Broken sensors, and how they are told."""

import math

from tests.car import Car, pedal, wheels
from tests.explain.bench import said

CORE = ["torque.reason"]


def driving(**signals: float) -> Car:
    car = Car(record=CORE, signals=dict(signals))
    car.drive(4000)
    return car


def test_two_pedal_tracks_that_disagree_are_told_with_both_readings() -> None:
    car = driving()

    car.drive(500, AcceleratorTrack1_pct=80.0, AcceleratorTrack2_pct=40.0)

    assert said(car.ecu, "torque")[1] == (
        "The pedal tracks read 80 % and 40 %: the lower one counts, and 50 % of it, until they "
        "have agreed for 1000 ms."
    )
    assert said(car.ecu, "sensors") == [
        "Pedal tracks: 80 % and 40 % differ by more than 5 %, so one of them lies."
    ]


def test_a_silent_message_is_told_with_its_age_and_what_counts() -> None:
    car = driving()

    car.silent = {"DamperTravel"}
    car.drive(200)

    (sentence,) = said(car.ecu, "sensors")
    assert sentence.startswith("DamperTravel has not been heard for ")
    assert sentence.endswith("; 15 ms is the most that counts.")
    assert "Specific force and wheels can be asked, the dampers cannot." in said(car.ecu, "flight")


def test_a_value_that_is_not_available_is_told_with_its_range() -> None:
    car = driving()

    car.drive(50, GroundSpeed_mps=math.nan)

    assert said(car.ecu, "sensors") == [
        "ground_speed_mps: the sample says that it is not available, or lies outside 0.0 m/s to "
        "120.0 m/s."
    ]


def test_frozen_specific_force_and_a_stuck_damper_are_told_apart() -> None:
    car = driving()

    car.frozen = {"DamperTravelRL_mm"}
    car.drive(1500)
    assert said(car.ecu, "sensors")[0].startswith("Damper rear left: not one bit has changed for ")

    car.frozen = {f"SpecificForce{axis}_mps2" for axis in "XYZ"}
    car.drive(1500)
    assert said(car.ecu, "sensors")[0].startswith("Specific force: not one bit has changed for ")


def test_a_lost_coolant_probe_is_told_by_torque_fans_and_sensors() -> None:
    car = driving()

    car.drive(12_000, CoolantIn_degC=math.nan)

    torque = said(car.ecu, "torque")
    assert "the lost sensor wins (SensorLimp)" in torque[0]
    assert torque[1] == (
        "The coolant temperature is not believed: 60 % of full torque, and no more than before the "
        "loss."
    )
    assert said(car.ecu, "fans")[0] == (
        "The coolant temperature is not believed, so 4 of four fans are wanted: a blind fan wastes "
        "watts, a blind stop boils."
    )
    assert any(
        s.startswith("Coolant temperature: not believed for ") for s in said(car.ecu, "sensors")
    )


def test_torque_that_is_still_coming_back_says_after_what() -> None:
    car = driving()

    car.drive(500, KillSwitch=1.0)
    assert said(car.ecu, "torque")[1] == "The kill switch is at Stop."
    car.drive(300, KillSwitch=0.0)

    assert said(car.ecu, "torque")[1] == (
        "The cause is gone; the bound is withdrawn by 500 Nm/s, so that no step follows."
    )


def test_a_car_too_slow_to_fly_says_so() -> None:
    car = driving(GroundSpeed_mps=3.0, **wheels(7.0), **pedal(20.0))  # type: ignore[arg-type]

    assert said(car.ecu, "flight")[-1] == "At 3.0 m/s no flight is possible (below 6.9 m/s)."
