"""What the unit hears: values equal cantools, and only frames that stand every check count."""

import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cantools.database.can import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from d7xr.ecu import Ecu, received_messages
from d7xr.frames import FRAME_DTYPE, FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from tests.bus.frames import (
    NOT_AVAILABLE,
    bus,
    codes,
    decoded,
    encode,
    finish,
    is_protected,
    received,
    values,
)

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
INPUT_OF = {
    **{f"SpecificForce{a.upper()}_mps2": f"specific_force_{a}_mps2" for a in "xyz"},
    **{f"{a}Rate_radps": f"{a.lower()}_rate_radps" for a in ("Roll", "Pitch", "Yaw")},
    **{f"DamperTravel{c.upper()}_mm": f"damper_travel_{c}_mm" for c in ("fl", "fr", "rl", "rr")},
    **{f"WheelSpeed{c.upper()}_radps": f"wheel_speed_{c}_radps" for c in ("fl", "fr", "rl", "rr")},
    "EngineSpeed_rpm": "engine_speed_rpm", "EngineTorque_Nm": "engine_torque_Nm",
    "Throttle_pct": "throttle_pct", "EngineStatus": "engine_status", "Ignition": "ignition",
    "Gear": "gear", "TargetGear": "target_gear", "TurbineSpeed_rpm": "turbine_speed_rpm",
    "LockUpClutch": "lock_up", "GearboxOil_degC": "gearbox_oil_degC",
    "TransferRange": "transfer_range", "AcceleratorTrack1_pct": "accelerator_1_pct",
    "AcceleratorTrack2_pct": "accelerator_2_pct", "BrakePedal_pct": "brake_pct",
    "FlightModeSwitch": "flight_switch", "FanSwitch": "fan_switch", "KillSwitch": "kill_switch",
    "GroundSpeed_mps": "ground_speed_mps", "ClimbRate_mps": "climb_rate_mps",
    "FilterDp_kPa": "filter_dp_kPa", "MassAirFlow_gps": "mass_air_flow_gps",
    "IntakeAir_degC": "intake_air_degC", "CoolantIn_degC": "coolant_in_degC",
    "CoolantOut_degC": "coolant_out_degC", "EngineOil_degC": "engine_oil_degC",
    "ChargeAir_degC": "charge_air_degC",
    **{f"Fan{i}Speed_rpm": f"fan_{i}_speed_rpm" for i in (1, 2, 3, 4)},
    **{f"Fan{i}Current_A": f"fan_{i}_current_A" for i in (1, 2, 3, 4)},
    "FuelSenderA_L": "fuel_sender_a_L", "FuelSenderB_L": "fuel_sender_b_L",
    "Collector_pct": "collector_pct", "InjectedFuel_mlps": "injected_fuel_mlps",
    "Ambient_degC": "ambient_degC", "AmbientPressure_kPa": "ambient_pressure_kPa",
    "Battery_V": "battery_V",
}  # fmt: skip
STATUS_OK = {
    "AccelStatus": {1, 2},
    "RateStatus": {1, 2},
    "DamperStatus": {1, 2},
    "MotionStatus": {1, 2},
}
PROTECTED = [message for message in received() if is_protected(message)]


def by_name(message: Message) -> str:
    return str(message.name)


def group_of(message: Message) -> int:
    """Return the place of a message in the unit's counters: both are in the order of the DBC."""
    order = ["InertialAccel", "InertialRate", "DamperTravel", "WheelSpeeds", "EngineState",
             "GearboxState", "DriverDemand", "VehicleMotion", "AirPath", "ThermalState",
             "FanFeedback", "FuelSenders", "AmbientState"]  # fmt: skip
    return order.index(str(message.name))


def counts(ecu: Ecu, message: Message) -> tuple[float, float, float]:
    group = group_of(message)
    return (ecu[f"bus.accepted_count[{group}]"], ecu[f"bus.rejected_count[{group}]"],
            ecu[f"bus.lost_count[{group}]"])  # fmt: skip


@cache
def limits() -> dict[str, tuple[float, float]]:
    """Return the range of every input from the firmware's own table."""
    text = (FIRMWARE / "core" / "inputs.def").read_text(encoding="ascii")
    rows = re.findall(r"^INPUT\((\w+), (-?[\d.]+)f, (-?[\d.]+)f\)", text, re.MULTILINE)
    return {name: (float(low), float(high)) for name, low, high in rows}


def test_the_list_of_inputs_above_is_complete() -> None:
    names = [f.name.split(".") for f in Ecu.fields()]
    inputs = {n[1] for n in names if n[0] == "inputs" and n[-1] == "value"}
    heard = {s.name for m in received() for s in values(m)}

    assert set(INPUT_OF.values()) == inputs
    assert set(INPUT_OF) | set(STATUS_OK) == heard
    assert len(received_messages()) == len(received()) == 13


@pytest.mark.parametrize("message", received(), ids=by_name)
@settings(max_examples=60)
@given(payload=st.binary(min_size=8, max_size=8))
def test_inputs_hold_what_cantools_decodes(message: Message, payload: bytes) -> None:
    data = finish(message, payload, 5)
    ecu = Ecu()

    ecu.receive(message.frame_id, data)

    physical, raw = decoded(message, data), decoded(message, data, scaled=False)
    is_well = all(raw[name] in good for name, good in STATUS_OK.items() if name in raw)
    assert counts(ecu, message) == (1, 0, 0)
    for signal in values(message):
        if signal.name in STATUS_OK:
            continue
        name = INPUT_OF[str(signal.name)]
        low, high = limits()[name]
        value = np.float32(physical[signal.name])
        is_missing = codes(signal).get(int(raw[signal.name])) == NOT_AVAILABLE
        is_valid = bool(is_well and low <= value <= high and not is_missing)
        assert ecu[f"inputs.{name}.is_valid"] == is_valid, (signal.name, value)
        if is_valid:
            rounding = 2.0 * float(np.spacing(max(abs(value), np.float32(abs(signal.offset)))))
            assert ecu[f"inputs.{name}.value"] == pytest.approx(float(value), abs=rounding)


@pytest.mark.parametrize("message", received(), ids=by_name)
def test_the_code_for_not_available_makes_an_input_invalid(message: Message) -> None:
    for signal in values(message):
        if signal.name in STATUS_OK:
            continue
        missing = [raw for raw, text in codes(signal).items() if text == NOT_AVAILABLE]
        assert len(missing) == 1, signal.name
        raw = decoded(message, encode(message, 1), scaled=False)
        raw[signal.name] = missing[0]
        data = finish(message, message.encode(raw, scaling=False), 1)
        ecu = Ecu()

        ecu.receive(message.frame_id, data)

        assert ecu[f"inputs.{INPUT_OF[str(signal.name)]}.is_valid"] == 0, signal.name


@pytest.mark.parametrize(
    ("message", "status"),
    [("InertialAccel", "AccelStatus"), ("InertialRate", "RateStatus"),
     ("DamperTravel", "DamperStatus"), ("VehicleMotion", "MotionStatus")],
)  # fmt: skip
def test_a_status_that_is_not_well_makes_the_whole_message_invalid(
    message: str, status: str
) -> None:
    found = bus().get_message_by_name(message)
    for code in range(16):
        ecu = Ecu()
        ecu.receive(found.frame_id, encode(found, 1, **{status: code}))
        names = [INPUT_OF[str(s.name)] for s in values(found) if s.name != status]

        assert {ecu[f"inputs.{name}.is_valid"] for name in names} == {
            int(code in STATUS_OK[status])
        }


def fed(message: Message, counters: list[int]) -> Ecu:
    ecu = Ecu()
    for counter in counters:
        ecu.receive(message.frame_id, encode(message, counter))
        ecu.tick()
    return ecu


@pytest.mark.parametrize("message", PROTECTED, ids=by_name)
class TestSupervision:
    """Counter and checksum of the protected messages."""

    def test_a_counter_that_counts_loses_nothing_also_where_it_wraps(
        self, message: Message
    ) -> None:
        assert counts(fed(message, [c & 15 for c in range(40)]), message) == (40, 0, 0)

    def test_a_repeated_counter_is_dropped_and_its_sender_becomes_stale(
        self, message: Message
    ) -> None:
        ecu = fed(message, [3] * 1500)

        signal = next(s for s in values(message) if s.name not in STATUS_OK)
        assert counts(ecu, message) == (1, 1499, 0)
        assert ecu[f"inputs.{INPUT_OF[str(signal.name)]}.is_usable"] == 0

    @pytest.mark.parametrize(
        ("last", "now", "lost"), [(3, 5, 1), (15, 1, 1), (4, 3, 14), (0, 8, 7)]
    )
    def test_a_gap_is_accepted_and_counted(
        self, message: Message, last: int, now: int, lost: int
    ) -> None:
        assert counts(fed(message, [last, now]), message) == (2, 0, lost)

    def test_any_wrong_bit_is_rejected(self, message: Message) -> None:
        good = encode(message, 1)
        ecu = Ecu()

        for bit in range(64):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << (bit % 8)
            ecu.receive(message.frame_id, bytes(bad))

        assert counts(ecu, message) == (0, 64, 0)

    def test_a_frame_under_the_identifier_of_another_message_is_rejected(
        self, message: Message
    ) -> None:
        other = next(m for m in PROTECTED if m is not message)
        ecu = Ecu()

        ecu.receive(other.frame_id, encode(message, 1))

        assert counts(ecu, other) == (0, 1, 0)

    def test_a_wrong_length_is_rejected(self, message: Message) -> None:
        ecu = Ecu()
        for length in range(8):
            ecu.receive(message.frame_id, encode(message, 1)[:length])

        assert counts(ecu, message) == (0, 8, 0)


def test_a_wrong_frame_becomes_a_fault_after_which_the_bus_heals() -> None:
    message = bus().get_message_by_name("EngineState")
    ecu = Ecu()
    ecu.receive(message.frame_id, bytes(8))
    ecu.tick()
    bit = 1 << 25

    assert int(ecu["fault.active_mask[0]"]) & bit
    ecu.tick(2001)
    assert not int(ecu["fault.active_mask[0]"]) & bit


def one_frame(can_id: int, flags: int, data: bytes, length: int = 8) -> np.ndarray[Any, Any]:
    frame = np.zeros(1, dtype=FRAME_DTYPE)
    frame["id"], frame["flags"], frame["length"] = can_id, flags, length
    frame["data"][0] = np.frombuffer(data, np.uint8)
    return frame


@pytest.mark.parametrize("flag", [FRAME_EXTENDED, FRAME_REMOTE, FRAME_ERROR, FRAME_FD])
@pytest.mark.parametrize("message", received(), ids=by_name)
def test_only_standard_data_frames_are_heard(message: Message, flag: int) -> None:
    ecu, deaf = Ecu(), Ecu()
    frame = one_frame(message.frame_id, flag, encode(message, 1))

    ecu.run(frame, np.zeros(1, np.int64), 1)
    deaf.run(frame[:0], np.zeros(0, np.int64), 1)

    assert ecu.snapshot() == deaf.snapshot()


@given(can_id=st.integers(0, 0x7FF), data=st.binary(max_size=8))
def test_identifiers_that_are_not_ours_change_nothing(can_id: int, data: bytes) -> None:
    if can_id in {message.frame_id for message in received()}:
        return
    ecu, deaf = Ecu(), Ecu()

    ecu.receive(can_id, data)

    assert ecu.snapshot() == deaf.snapshot()


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_garbage_under_our_identifiers_changes_no_input(seed: int) -> None:
    random = np.random.default_rng(seed)
    ecu = Ecu()
    before = {f.name: ecu[f.name] for f in Ecu.fields() if f.name.startswith("inputs.")}

    for message in PROTECTED:
        data = bytearray(random.integers(0, 256, 8, dtype=np.uint8).tobytes())
        if data[7] == finish(message, bytes(data), data[6] >> 4)[7]:
            data[7] ^= 1
        ecu.receive(message.frame_id, bytes(data))

    assert {name: ecu[name] for name in before} == before


def test_a_value_between_two_steps_is_not_lost_in_float32() -> None:
    """All raw values of the widest signal come through within a thousandth of a step."""
    message = bus().get_message_by_name("EngineState")
    for raw in range(0, 40_001, 1777):
        ecu = Ecu()
        ecu.receive(message.frame_id, encode(message, 1, EngineSpeed_rpm=raw * 0.25))

        assert math.isclose(float(ecu["inputs.engine_speed_rpm.value"]), raw * 0.25)
