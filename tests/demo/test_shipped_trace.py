"""The shipped trace as a stranger would check it: own reader, cantools, own checksum."""

import numpy as np
import pytest

from d7xr.demo import demo_trace_path, demo_truth
from d7xr.demo.generate import JITTER_US
from tests.demo.shipped import (
    STANDARD_GRAVITY_MPS2,
    filtered_force_g,
    lines,
    longest_run,
    sent,
    vehicle_bus,
)

BIT_US = 1
STUFFED_FRAME_BITS = (
    135  # 8 bytes, 11-bit identifier, every stuff bit that can occur, interframe gap
)
OTHERS = tuple(
    sorted(
        message.name
        for message in vehicle_bus().messages
        if not {"VCU", "HOST"} & set(message.senders)
    )
)
PROTECTED = tuple(
    name
    for name in OTHERS
    if f"{name}_Crc" in {each.name for each in vehicle_bus().get_message_by_name(name).signals}
)


def crc8_j1850(data: bytes) -> int:
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1D) & 0xFF if crc & 0x80 else (crc << 1) & 0xFF
    return crc ^ 0xFF


def test_the_file_is_small_and_carries_no_date() -> None:
    content = demo_trace_path().read_bytes()
    assert len(content) < 1_300_000
    assert content[4:8] == bytes(4)


def test_the_trace_holds_every_message_that_the_unit_receives_and_no_other() -> None:
    found = {identifier for _, identifier, _ in lines()}
    assert found == {vehicle_bus().get_message_by_name(name).frame_id for name in OTHERS}
    assert len(lines()) == demo_truth().frames


def test_time_starts_at_zero_and_goes_forward() -> None:
    times_us = np.array([time_us for time_us, _, _ in lines()])
    assert times_us[0] == 0
    assert times_us[-1] == demo_truth().duration_us
    assert 75e6 < times_us[-1] < 95e6
    assert np.diff(times_us).min() > 0


@pytest.mark.parametrize("name", OTHERS)
def test_each_message_keeps_its_cycle_time(name: str) -> None:
    time_us = sent(name).time_us
    period_us = 1000 * (vehicle_bus().get_message_by_name(name).cycle_time or 0)
    assert time_us[0] < 5_000
    late_us = time_us - time_us[0] - period_us * np.arange(time_us.size)
    assert late_us.min() >= 0
    assert 0 < late_us.max() < JITTER_US
    assert time_us[-1] > 88e6 - period_us - 5_000


def test_crc_vectors_of_the_standard_hold_for_the_checker_itself() -> None:
    assert crc8_j1850(b"123456789") == 0x4B


@pytest.mark.parametrize("name", PROTECTED)
def test_every_counter_counts_and_every_checksum_is_right(name: str) -> None:
    frame_id = vehicle_bus().get_message_by_name(name).frame_id
    identifier = frame_id.to_bytes(2, "little")
    for index, data in enumerate(sent(name).data):
        assert data[6] >> 4 == index % 16
        assert data[7] == crc8_j1850(data[:7] + identifier)


def test_the_protected_messages_are_ten() -> None:
    assert len(PROTECTED) == 10


def test_no_two_frames_overlap_on_the_wire() -> None:
    times_us = np.array([time_us for time_us, _, _ in lines()])
    assert np.diff(times_us).min() >= STUFFED_FRAME_BITS * BIT_US


def test_the_bus_is_loaded_by_less_than_half_with_the_unit_speaking_too() -> None:
    per_second = len(lines()) / (demo_truth().duration_us / 1e6)
    per_second += sum(
        1000.0 / message.cycle_time
        for message in vehicle_bus().messages
        if message.senders == ["VCU"] and message.cycle_time
    )
    load_ratio = per_second * STUFFED_FRAME_BITS * BIT_US / 1e6
    assert 0.1 < load_ratio < 0.5


def test_key_on_begins_with_values_that_are_not_available() -> None:
    for name in set(OTHERS) - {"AmbientState"}:
        message = vehicle_bus().get_message_by_name(name)
        first = message.decode(sent(name).data[0], decode_choices=True)
        assert isinstance(first, dict)
        named = [value for value in first.values() if str(value) == "NotAvailable"]
        assert named, name


def test_the_engine_is_cranked_at_key_on_and_runs_to_the_end() -> None:
    engine = sent("EngineState")
    status = engine.signal["EngineStatus"]
    order = status[np.flatnonzero(np.diff(status, prepend=-1.0))]
    assert order.tolist() == [7.0, 0.0, 1.0, 2.0]
    cranking_rpm = engine.signal["EngineSpeed_rpm"][status == 1.0]
    assert 150.0 < np.median(cranking_rpm) < 350.0
    assert engine.signal["EngineSpeed_rpm"][status == 2.0][100:].min() > 600.0
    battery_V = sent("AmbientState").signal["Battery_V"]
    assert battery_V.min() < 11.0
    assert battery_V[-60:].min() > 13.2


def test_a_flying_car_weighs_nothing() -> None:
    time_us, force_g = sent("InertialAccel").time_us, filtered_force_g()
    for flight in demo_truth().flights:
        inside = (time_us > flight.take_off_us + 25_000) & (time_us < flight.touchdown_us)
        assert (force_g[inside] < 0.35).all()
        assert force_g[inside].min() > -0.4


def test_on_the_ground_low_force_is_never_as_long_as_a_flight() -> None:
    time_us, is_low = sent("InertialAccel").time_us, filtered_force_g() < 0.35
    on_ground = np.ones(time_us.size, dtype=np.bool_)
    for flight in demo_truth().flights:
        around = (time_us >= flight.take_off_us) & (time_us < flight.touchdown_us + 60_000)
        on_ground &= ~around
    assert 40 <= 5 * longest_run(is_low & on_ground) <= 75


def test_the_whoops_look_like_short_flights_again_and_again() -> None:
    whoops = demo_truth().stretch("whoops")
    time_us = sent("InertialAccel").time_us
    inside = (time_us >= whoops.start_us) & (time_us < whoops.end_us)
    is_low = filtered_force_g()[inside] < 0.35
    assert np.count_nonzero(np.diff(is_low.astype(np.int8)) == 1) >= 4


def test_the_washboard_shakes_but_keeps_half_the_weight() -> None:
    washboard = demo_truth().stretch("washboard")
    time_us, force_g = sent("InertialAccel").time_us, filtered_force_g()
    inside = (time_us >= washboard.start_us) & (time_us < washboard.end_us)
    assert 0.49 <= force_g[inside].min() <= 0.81
    assert force_g[inside].max() > 1.25


def test_a_landing_is_felt() -> None:
    for flight in demo_truth().flights:
        force = sent("InertialAccel").between(
            "SpecificForceZ_mps2", flight.touchdown_us, flight.touchdown_us + 300_000
        )
        assert force.max() > 2.3 * STANDARD_GRAVITY_MPS2


def test_dampers_hang_in_flight_and_are_pushed_in_by_the_landing() -> None:
    for flight in demo_truth().flights:
        for corner in ("FL", "FR", "RL", "RR"):
            name = f"DamperTravel{corner}_mm"
            before = sent("DamperTravel").between(
                name, flight.touchdown_us - 20_000, flight.touchdown_us
            )
            after = sent("DamperTravel").between(
                name, flight.touchdown_us, flight.touchdown_us + 500_000
            )
            assert before.max() < 0.4 * 130.0
            assert after.max() > 130.0 + 60.0


def test_wheels_run_away_in_the_air_and_come_back_on_the_ground() -> None:
    for flight in demo_truth().flights:
        road_radps = flight.speed_kph / 3.6 / 0.43
        wheel = sent("WheelSpeeds")
        landing = wheel.between(
            "WheelSpeedRL_radps", flight.touchdown_us - 20_000, flight.touchdown_us
        )
        assert landing.max() > 1.3 * road_radps
        at_us = flight.touchdown_us + 250_000
        settled = wheel.between("WheelSpeedRL_radps", at_us, at_us + 50_000)
        ground = sent("VehicleMotion").between("GroundSpeed_mps", at_us + 60_000, at_us + 200_000)
        assert settled.mean() * 0.43 == pytest.approx(ground.mean(), rel=0.08)


def test_the_driver_keeps_the_pedal_down_in_the_air() -> None:
    for flight in demo_truth().flights:
        for track in (1, 2):
            pedal = sent("DriverDemand").between(
                f"AcceleratorTrack{track}_pct", flight.take_off_us, flight.touchdown_us
            )
            assert pedal.min() > 95.0


def test_gears_two_to_five_are_driven_and_none_is_shifted_in_the_air() -> None:
    gearbox = sent("GearboxState")
    moving = gearbox.between("Gear", 4_000_000, 88_000_000)
    assert set(moving.tolist()) == {2.0, 3.0, 4.0, 5.0}
    for flight in demo_truth().flights:
        gear = gearbox.between("TargetGear", flight.take_off_us, flight.touchdown_us)
        assert len(set(gear.tolist())) == 1


def test_the_climb_heats_the_coolant_through_every_fan_stage_into_the_derate() -> None:
    truth, thermal = demo_truth(), sent("ThermalState")
    climb = truth.stretch("climb")
    before_degC = thermal.between("CoolantIn_degC", 1_000_000, climb.start_us)
    assert 84.0 < before_degC.max() < 88.0
    coolant_degC = thermal.between("CoolantIn_degC", climb.start_us, climb.end_us)
    assert 110.0 <= coolant_degC.max() <= 112.0
    assert np.count_nonzero(coolant_degC > 108.0) >= 30
    assert coolant_degC.max() == pytest.approx(truth.coolant_max_degC, abs=0.15)


def test_nothing_but_the_coolant_calls_for_a_fan() -> None:
    thermal, gearbox = sent("ThermalState"), sent("GearboxState")
    assert thermal.between("EngineOil_degC", 1_000_000, 88_000_000).max() < 125.0
    assert thermal.between("ChargeAir_degC", 1_000_000, 88_000_000).max() < 60.0
    assert gearbox.between("GearboxOil_degC", 1_000_000, 88_000_000).max() < 110.0


def test_each_fan_starts_at_its_temperature_and_draws_a_healthy_current() -> None:
    truth, fans, thermal = demo_truth(), sent("FanFeedback"), sent("ThermalState")
    assert min(np.diff(truth.fan_start_us)) >= 1_000_000
    for fan, (start_us, on_degC) in enumerate(
        zip(truth.fan_start_us, (88.0, 92.0, 96.0, 100.0), strict=True), start=1
    ):
        coolant_degC = np.interp(start_us, thermal.time_us, thermal.signal["CoolantIn_degC"])
        assert coolant_degC == pytest.approx(on_degC, abs=0.2)
        idle_A = fans.between(f"Fan{fan}Current_A", 1_000_000, start_us - 100_000)
        running_A = fans.between(f"Fan{fan}Current_A", start_us + 100_000, 88_000_000)
        assert idle_A.max() == 0.0
        assert 0.8 * 18.0 < running_A.min() <= running_A.max() < 1.5 * 18.0
