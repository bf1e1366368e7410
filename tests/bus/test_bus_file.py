"""House rules of the bus file, and that its words are those of the firmware."""

import re

import pytest
from cantools.database.can import Message, Signal

from d7xr.database import own_dbc_path
from d7xr.ecu import choices_of, faults
from tests.bus.frames import NOT_AVAILABLE, bus, codes, is_protected, sent, values

SUFFIX_OF_UNIT = {
    "m/s^2": "mps2", "rad/s": "radps", "mm": "mm", "rpm": "rpm", "Nm": "Nm", "%": "pct",
    "degC": "degC", "m/s": "mps", "kPa": "kPa", "g/s": "gps", "A": "A", "L": "L", "ml/s": "mlps",
    "V": "V", "kW": "kW", "ms": "ms", "L/100km": "Lp100km", "km": "km", "s": "s", "h": "h",
}  # fmt: skip
SIGNALS = [(m, s) for m in bus().messages for s in m.signals]
LONGEST_FRAME_bit = 135
"""A classic frame with 11-bit identifier and 8 bytes, all stuff bits and the gap to the next."""
BIT_RATE_bitps = 1_000_000


def named(pair: object) -> str:
    return str(getattr(pair, "name", pair))


def test_it_is_plain_ascii() -> None:
    own_dbc_path().read_text(encoding="ascii")


@pytest.mark.parametrize("message", bus().messages, ids=named)
def test_messages_follow_the_house_rules(message: Message) -> None:
    assert message.comment
    assert message.length == 8
    assert not message.is_extended_frame
    assert len(message.name) <= 32
    assert len(message.senders) == 1
    assert message.receivers
    assert set(message.senders) | set(message.receivers) <= {node.name for node in bus().nodes}
    assert (message.cycle_time or 0) > 0 or message.send_type == "Event"
    for signal in message.signals:
        assert signal.byte_order == "little_endian"


@pytest.mark.parametrize(("message", "signal"), SIGNALS, ids=named)
def test_signals_follow_the_house_rules(message: Message, signal: Signal) -> None:
    assert signal.comment
    assert len(signal.name) <= 32
    assert signal.receivers
    assert signal.minimum is not None
    assert signal.maximum is not None
    suffix = signal.name.rsplit("_", 1)[-1] if "_" in signal.name else ""
    if signal.unit:
        assert SUFFIX_OF_UNIT[signal.unit] == suffix
    else:
        assert suffix not in SUFFIX_OF_UNIT.values()


@pytest.mark.parametrize(
    ("message", "signal"),
    [(m, s) for m in bus().messages if m.cycle_time for s in values(m) if s.unit],
    ids=named,
)
def test_a_quantity_has_a_code_for_not_available_beyond_its_range(
    message: Message, signal: Signal
) -> None:
    raw = next(raw for raw, text in codes(signal).items() if text == NOT_AVAILABLE)

    lowest = -(1 << (signal.length - 1)) if signal.is_signed else (1 << signal.length) - 1
    assert raw == lowest
    physical = float(raw) * float(signal.scale) + float(signal.offset)
    assert not float(signal.minimum or 0) <= physical <= float(signal.maximum or 0)


@pytest.mark.parametrize("message", [m for m in bus().messages if is_protected(m)], ids=named)
def test_counter_and_checksum_have_their_place(message: Message) -> None:
    counter = message.get_signal_by_name(f"{message.name}_Ctr")
    crc = message.get_signal_by_name(f"{message.name}_Crc")

    assert (counter.start, counter.length) == (52, 4)
    assert (crc.start, crc.length) == (56, 8)


def test_what_moves_the_car_is_protected() -> None:
    names = {m.name for m in bus().messages if is_protected(m)}

    acting = {"TorqueCommand", "FlightStatus", "CoolingCommand"}
    asked = {"EngineState", "GearboxState", "DriverDemand", "ThermalState", "InertialAccel"}
    assert acting | asked | {"WheelSpeeds", "DamperTravel"} <= names


def load() -> float:
    """Return the share of the bus that all cyclic messages take at their longest."""
    bits = sum(LONGEST_FRAME_bit * 1000.0 / m.cycle_time for m in bus().messages if m.cycle_time)
    return bits / BIT_RATE_bitps


def test_the_bus_is_loaded_by_less_than_half() -> None:
    assert 0.05 < load() < 0.5


def words(message: str, signal: str) -> dict[int, str]:
    return codes(bus().get_message_by_name(message).get_signal_by_name(signal))


@pytest.mark.parametrize(
    ("message", "signal", "enum"),
    [("TorqueCommand", "LimitReason", "torque_reason_t"),
     ("TorqueCommand", "LimitRunnerUp", "torque_reason_t"),
     ("FlightStatus", "FlightState", "flight_mode_state_t"),
     ("FlightStatus", "DetectorMode", "flight_mode_detector_t"),
     ("CoolingCommand", "CoolingState", "cooling_state_t"),
     ("FaultStatus", "FaultSeverity", "fault_severity_t"),
     ("FaultStatus", "MonitorState", "monitor_state_t"),
     ("FaultStatus", "MonitorCause", "monitor_cause_t"),
     ("FaultStatus", "ShutOffTest", "monitor_test_t"),
     ("HeatStatus", "CoolantPeers", "coolant_peers_verdict_t")],
)  # fmt: skip
def test_codes_on_the_bus_are_those_of_the_firmware(message: str, signal: str, enum: str) -> None:
    wire = {raw: text for raw, text in words(message, signal).items() if text != NOT_AVAILABLE}

    assert wire == choices_of(enum)


def test_the_names_of_faults_are_those_of_the_table_in_its_order() -> None:
    wire = words("FaultStatus", "NewestFault")

    assert wire.pop(255) == "None"
    assert list(wire.items()) == [(fault.number, fault.name) for fault in faults()]


def test_no_two_messages_share_an_identifier_or_a_name() -> None:
    text = own_dbc_path().read_text(encoding="ascii")
    heads = re.findall(r"^BO_ (\d+) (\w+):", text, re.MULTILINE)

    assert len({number for number, _ in heads}) == len({name for _, name in heads}) == len(heads)


def test_urgent_messages_have_low_identifiers() -> None:
    fast = [m.frame_id for m in bus().messages if m.cycle_time and m.cycle_time <= 10]
    slow = [m.frame_id for m in bus().messages if m.cycle_time and m.cycle_time >= 100]

    assert max(fast) < min(slow)
    assert bus().get_message_by_name("TorqueCommand").frame_id == min(m.frame_id for m in sent())
