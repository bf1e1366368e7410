"""What the unit says: values within half a step, cycle times, counters and checksums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from d7xr import _core
from d7xr.ecu import Ecu, Run
from tests.bus.frames import bus, crc8_j1850, decoded, is_protected, sent
from tests.car import Car, pedal
from tests.scenario import Segment, wild_segments

SOURCE = {
    "GrantedTorque_Nm": "torque.granted_Nm", "AirPathTorque_Nm": "torque.air_path_Nm",
    "DemandTorque_Nm": "torque.demand_Nm", "LimitReason": "torque.reason",
    "LimitRunnerUp": "torque.runner_up", "EngineCut": "torque.is_cut",
    "FlightState": "flight_mode.state", "Confidence_pct": "flight_mode.confidence_pct",
    "RoughRoad": "flight_mode.is_rough", "DetectorMode": "flight_mode.detector_mode",
    **{f"Fan{i}Duty_pct": f"cooling.fans.fan[{i - 1}].duty_pct" for i in (1, 2, 3, 4)},
    "PumpDuty_pct": "cooling.pump_pct", "CoolingState": "cooling.state",
    "FanStage": "cooling.stage",
    "FaultSeverity": "fault.severity", "FaultCount": "fault.count", "NewestFault": "fault.newest",
    "FilterLoss_kPa": "intake.filter_loss_kPa", "ChokedFlow_gps": "intake.choked_flow_gps",
    "AirPowerCap_kW": "intake.power_cap_kW", "AirTorqueCap_Nm": "intake.torque_cap_Nm",
    "IntakeAssumed": "intake.is_assumed", "Consumption_Lp100km": "fuel.consumption_Lp100km",
    "FuelSource": "fuel.source", "FuelStage": "fuel.stage", "CollectorLow": "fuel.is_collector_low",
    "HitsLight": "impact.counts.count[0]", "HitsHard": "impact.counts.count[1]",
    "HitsSevere": "impact.counts.count[2]", "LandingsLight": "impact.counts.count[3]",
    "LandingsHard": "impact.counts.count[4]", "LandingsSevere": "impact.counts.count[5]",
    "LastImpactPeak_mps2": "impact.record.peak_mps2", "LastImpactKind": "impact.record.kind",
    "LastImpactCorners": "impact.record.corner_mask",
    "LastImpactSeverity": "impact.record.severity",
}  # fmt: skip
MISSING = {"InertialMissing": 1, "DampersMissing": 2, "WheelsMissing": 4, "SpeedMissing": 8}


def assert_wire_equals_state(run: Run) -> int:
    """Check every sent frame against the state after its tick; return how many there were."""
    for tick, frame in zip(run.sent_tick.tolist(), run.sent, strict=True):
        message = bus().get_message_by_frame_id(int(frame["id"]))
        physical = decoded(message, frame["data"].tobytes())
        row = tick - int(run.tick[0])
        for signal in message.signals:
            wire = physical[signal.name]
            if signal.name in SOURCE:
                state = float(run.columns[SOURCE[signal.name]][row])
                low, high = float(signal.minimum or 0), float(signal.maximum or 0)
                assert low <= wire <= high, signal.name
                limited = min(max(state, low), high)
                assert abs(wire - limited) <= 0.5 * float(signal.scale) + 1e-3, signal.name
            elif signal.name in MISSING:
                mask = int(run.columns["flight_mode.missing_mask"][row])
                assert wire == float(bool(mask & MISSING[signal.name])), signal.name
    return len(run.sent)


@settings(max_examples=20)
@given(segments=wild_segments(4))
def test_what_is_sent_is_the_state_within_half_a_step(segments: list[Segment]) -> None:
    car = Car(record=[*SOURCE.values(), "flight_mode.missing_mask"])
    count = 0
    for segment in segments:
        car.silent = set(segment.silent)
        driven = car.drive(min(segment.duration_ms, 300), **segment.signals)
        count += assert_wire_equals_state(driven.run)

    assert count > 0


def test_overrun_and_cut_go_on_the_wire_with_their_sign() -> None:
    car = Car(signals=pedal(0.0), record=[*SOURCE.values(), "flight_mode.missing_mask"])
    car.drive(1000)

    stopped = car.drive(20, KillSwitch=1.0)

    assert_wire_equals_state(stopped.run)
    command = bus().get_message_by_name("TorqueCommand")
    frame = stopped.run.sent[stopped.run.sent["id"] == command.frame_id][-1]
    physical = decoded(command, frame["data"].tobytes())
    assert physical["GrantedTorque_Nm"] == -90.0
    assert physical["EngineCut"] == 1


def ticks_of(run: Run, can_id: int) -> NDArray[np.int64]:
    return np.asarray(run.sent_tick[run.sent["id"] == can_id])


@pytest.mark.parametrize("message", [m.name for m in sent()])
def test_every_message_keeps_its_cycle_time_from_the_start_on(message: str) -> None:
    found = bus().get_message_by_name(message)
    run = Ecu().run(np.zeros(0, Car().drive(1).run.sent.dtype), np.zeros(0, np.int64), 5000)

    ticks = ticks_of(run, found.frame_id)

    assert found.cycle_time is not None
    assert set(np.diff(ticks).tolist()) == {found.cycle_time}
    assert ticks[0] < found.cycle_time


def test_the_unit_sends_what_the_bus_file_says_and_nothing_else() -> None:
    run = Car(record=[]).drive(3000).run

    assert set(run.sent["id"].tolist()) == {m.frame_id for m in sent()}
    assert (run.sent["length"] == 8).all()
    assert (run.sent["flags"] == 0).all()


@pytest.mark.parametrize("message", [m.name for m in sent() if is_protected(m)])
def test_counter_and_checksum_are_right_on_every_frame(message: str) -> None:
    found = bus().get_message_by_name(message)
    run = Car(record=[]).drive(3000).run

    frames = run.sent[run.sent["id"] == found.frame_id]["data"]

    identifier = bytes([found.frame_id & 0xFF, found.frame_id >> 8])
    assert [int(f[6]) >> 4 for f in frames] == [i & 15 for i in range(len(frames))]
    for frame in frames:
        assert frame[7] == crc8_j1850(frame[:7].tobytes() + identifier)


def test_frames_that_nobody_fetches_are_counted_and_never_pile_up() -> None:
    ecu = Ecu()
    ecu.tick(1000)

    assert ecu["bus.overrun_count"] > 0
    assert len(ecu.transmit()) == len(sent())
    assert ecu.transmit() == []


def crc_of_the_unit(data: bytes, identifier: int) -> int:
    return int(_core.lib.bus_crc(_core.ffi.from_buffer("uint8_t[]", data), len(data), identifier))


# Published vectors of CRC-8 SAE J1850 (poly 0x1D, init and final xor 0xFF): AUTOSAR's CRC library
# and, the last, the check value of the CRC catalogue. The identifier is part of ours, so each
# vector is cut where its last two bytes stand for it.
VECTORS = [
    ("00000000", 0x59), ("f20183", 0x37), ("0faa0055", 0x79), ("00ff5511", 0xB8),
    ("332255aabbccddeeff", 0xCB), ("926b55", 0x8C), ("ffffffff", 0x74),
    ("313233343536373839", 0x4B),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_the_checksum_is_the_published_one(data: str, expected: int) -> None:
    whole = bytes.fromhex(data)

    assert crc8_j1850(whole) == expected
    assert crc_of_the_unit(whole[:-2], whole[-2] | (whole[-1] << 8)) == expected


@given(data=st.binary(max_size=8), identifier=st.integers(0, 0x7FF))
def test_the_checksum_covers_the_identifier(data: bytes, identifier: int) -> None:
    whole = data + bytes([identifier & 0xFF, identifier >> 8])

    assert crc_of_the_unit(data, identifier) == crc8_j1850(whole)
