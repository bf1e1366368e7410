"""How much is in the tank: what is believed of it, and when."""

import math

import numpy as np
import pytest

from d7xr import _core
from d7xr.ecu import faults
from tests.bus.frames import NOT_AVAILABLE, bus, codes, decoded
from tests.car import CORNERS, G_mps2
from tests.flight.flights import Jump
from tests.fuel.tank import Drive, Shake, TankCar, shake

FLOW_AND_LEVEL, FLOW, LEVEL, ASSUMED = 1, 2, 3, 4
SPARE_L = 2.5
"""The estimate may be off by its spread and by what slosh leaves in a filtered level."""
STANDING = {"GroundSpeed_mps": 0.0, **{f"WheelSpeed{c}_radps": 0.0 for c in CORNERS}}


def settled(
    volume_L: float = 400.0, *, flow_error: float = 0.0, sender_error_L: float = 0.0
) -> TankCar:
    """Return a car that has been calm long enough to know its level."""
    car = TankCar(volume_L, flow_error=flow_error, sender_error_L=sender_error_L)
    assert car.drive(20)["is_settled"][-1] == 1
    return car


def assert_within_bounds(drive: Drive) -> None:
    error_L = drive["volume_L"] - drive.volume_L
    assert (np.abs(error_L) <= drive["spread_L"] + SPARE_L).all()


@pytest.mark.parametrize(
    ("flow_error", "sender_error_L"), [(0.02, 7.0), (0.02, -7.0), (-0.02, 7.0), (-0.02, -7.0)]
)
def test_through_slosh_the_volume_is_right_within_what_it_says_of_itself(
    flow_error: float, sender_error_L: float
) -> None:
    # Given the worst meters that count as good
    car = settled(flow_error=flow_error, sender_error_L=sender_error_L)

    # When the car burns 90 l over rough ground, then goes home on a smooth road
    stage = car.drive(1800, shake(1, 1.5, 2.0), flow_mlps=50.0)
    home = car.drive(900, shake(4, 0.2))

    # Then truth lies within the spread, all the time
    assert_within_bounds(stage)
    assert_within_bounds(home)
    assert stage["spread_L"][-1] > stage["spread_L"][0], "what is only reckoned gets less sure"
    assert home["spread_L"][-1] < stage["spread_L"][-1], "and a calm level makes it sure again"


@pytest.mark.parametrize("volume_L", [15.0, 275.0, 500.0])
@pytest.mark.parametrize("lean_deg", [-12.0, 12.0])
def test_a_unit_that_wakes_on_a_side_slope_knows_the_level_within_what_it_says_of_itself(
    volume_L: float, lean_deg: float
) -> None:
    # Given a car without memory, woken on a slope on which it is never level
    lean = math.radians(lean_deg)
    slope = Shake(
        across=lambda time_s: np.full_like(time_s, math.sin(lean) * G_mps2),
        heave=lambda time_s: np.full_like(time_s, (math.cos(lean) - 1.0) * G_mps2),
    )
    car = TankCar(volume_L)

    drive = car.drive(30, slope)

    # Then it does not take the two senders' difference for a fault of one, and says how sure it is
    late = slice(10_000, None)
    error_L = (drive["volume_L"] - drive.volume_L)[late]
    assert (np.abs(error_L) <= drive["spread_L"][late] + SPARE_L).all()
    assert np.abs(error_L).max() < 25.0
    assert drive["is_settled"][-1] == 0
    assert drive["is_disagreeing"][-1] == 0


def test_the_senders_correct_by_no_more_than_half_a_litre_a_minute() -> None:
    car = settled()
    car.sender_error_L = 30.0  # less than would outvote

    drive = car.drive(300, flow_mlps=0.5, EngineTorque_Nm=0.0)

    gained_L = drive["volume_L"][-1] - drive["volume_L"][0] + 0.5 * 300 / 1000
    assert 1.2 < gained_L <= 0.5 * 300 / 60 + 0.2


@pytest.mark.parametrize("volume_L", [15.0, 275.0, 540.0])
@pytest.mark.parametrize("air_ms", [400, 2400])
def test_no_flight_moves_the_estimate(volume_L: float, air_ms: int) -> None:
    """Fuel floats to both senders, falls back at several g, and nothing of it is believed."""
    car = settled(volume_L)
    before = car.drive(1)
    jump = Jump(air_ms, after_ms=8000)
    ms = np.arange(jump.duration_ms) - jump.lead_ms
    lie_L = np.where((ms > 0) & (ms < air_ms), 550.0, np.where(ms < air_ms + 4000, 0.0, volume_L))
    lie_L = np.where(ms <= 0, volume_L, lie_L)

    signals = {**jump.signals(), "FuelSenderA_L": lie_L, "FuelSenderB_L": lie_L,
               "Collector_pct": np.where(ms <= 0, 100.0, 100.0 * (ms > air_ms + 1900))}  # fmt: skip
    flight = car.car.drive(jump.duration_ms, **signals)

    assert 2 in flight["flight_mode.state"], "it flew"
    burned_L = 12.5 * jump.duration_ms / 1e6
    moved_L = flight["fuel.volume_L"] - before["volume_L"][-1]
    assert moved_L.max() <= 0.101
    assert moved_L.min() >= -burned_L - 0.101
    assert np.ptp(flight["fuel.spread_L"]) < 0.1
    assert (flight["fuel.bound_Nm"] == 750.0).all()
    assert not flight["fuel.is_collector_low"].any()
    assert len(set(flight["fuel.stage"].tolist())) == 1


def test_a_sender_that_hangs_is_found_out_by_the_fuel_that_is_burned() -> None:
    # Given a float that hangs while the car goes far
    car = settled()
    car.broken = {"FuelSenderA_L": 400.0}
    fast = {"GroundSpeed_mps": 60.0}

    # When 26 l are burned on 52 km
    drive = car.drive(870, flow_mlps=30.0, **fast)

    # Then flow and the other sender have carried on, and it is flagged
    stuck = drive["sender[0].is_stuck"]
    assert stuck[-1] == 1
    km = np.argmax(stuck) * 60.0 / 1e6
    assert 50.0 <= km < 52.0
    assert_within_bounds(drive)
    assert drive["believed_mask"][-1] == 2
    assert fault_names(car) == {"FuelSenderStuck"}

    # And once it moves again it heals
    car.broken = {}
    assert car.drive(30)["sender[0].is_stuck"][-1] == 0
    assert fault_names(car) == set()


def fault_names(car: TankCar) -> set[str]:
    """Return the active faults; other messages than those of fuel are silent on purpose."""
    ecu = car.car.ecu
    return {
        fault.name
        for fault in faults()
        if int(ecu[f"fault.active_mask[{fault.number // 32}]"]) >> (fault.number % 32) & 1
        and fault.name.startswith(("Fuel", "Collector"))
    }


@pytest.mark.parametrize("lie_L", [0.0, 550.0])
@pytest.mark.parametrize("which", ["A", "B"])
def test_a_sender_that_stands_alone_is_not_believed(which: str, lie_L: float) -> None:
    car = settled(300.0)
    car.broken = {f"FuelSender{which}_L": lie_L}

    drive = car.drive(120)

    assert drive["believed_mask"][-1] == (2 if which == "A" else 1)
    assert drive["source"][-1] == FLOW_AND_LEVEL
    assert_within_bounds(drive)
    assert fault_names(car) == {"FuelSendersDiffer"}


def test_without_any_sender_the_flow_carries_on_and_says_so() -> None:
    car = settled(300.0)
    car.broken = {"FuelSenderA_L": np.nan, "FuelSenderB_L": np.nan}

    drive = car.drive(600, flow_mlps=25.5)

    assert drive["source"][-1] == FLOW
    assert_within_bounds(drive)
    assert drive["spread_L"][-1] > drive["spread_L"][0]
    assert fault_names(car) == {"FuelSenderLost"}


def test_without_flow_the_level_leads_and_the_worst_consumption_counts() -> None:
    car = settled(300.0)
    likely_km = car.drive(1)["range_km"][-1]
    car.broken = {"InjectedFuel_mlps": np.nan}

    drive = car.drive(900, shake(1, 0.2), flow_mlps=25.5)

    assert drive["source"][-1] == LEVEL
    assert_within_bounds(drive)
    assert (np.diff(drive["volume_L"]) <= 0.101).all()
    assert drive["range_km"][2000] < likely_km * 60.0 / 68.0
    assert fault_names(car) == {"FuelFlowLost"}


def test_without_flow_and_level_the_worst_is_assumed_from_the_last_good_volume() -> None:
    car = settled(300.0)
    start_L = car.drive(1)["volume_L"][-1]
    car.car.silent |= {"FuelSenders"}

    drive = car.drive(1000, GroundSpeed_mps=20.0, EngineTorque_Nm=100.0, EngineSpeed_rpm=2000.0)

    assert drive["source"][-1] == ASSUMED
    assert start_L - drive["volume_L"][-1] == pytest.approx(70.0 * 0.2, abs=0.5)  # on 20 km


def test_a_flow_too_small_for_the_power_is_not_believed() -> None:
    car = settled(300.0)
    car.broken = {"InjectedFuel_mlps": 0.0}

    drive = car.drive(60, EngineTorque_Nm=500.0, EngineSpeed_rpm=4500.0, flow_mlps=22.0)

    assert drive["is_flow_believed"][4900] == 1
    assert drive["is_flow_believed"][5300] == 0
    assert_within_bounds(drive)


def test_a_leak_is_found_by_two_senders_that_agree_against_the_flow() -> None:
    # Given a car that knows its volume
    car = settled(400.0)

    # When a stone opens the tank and 60 l are gone
    car.tank.volume_L -= 60.0
    drive = car.drive(70)

    # Then both senders outvote the reckoning within a minute of calm, and the crew is told
    changed = np.flatnonzero(np.diff(drive["outvoted_count"]))
    assert len(changed) == 1
    assert 45_000 <= changed[0] < 65_000
    assert abs(drive["volume_L"][-1] - drive.volume_L[-1]) < SPARE_L
    number = next(fault.number for fault in faults() if fault.name == "FuelOutvoted")
    occurred = int(car.car.ecu[f"fault.occurred_mask[{number // 32}]"])
    assert occurred >> (number % 32) & 1


def refuelled(car: TankCar, litres: float, seconds: float = 60.0) -> list[Drive]:
    parts = []
    for _ in range(10):
        parts.append(car.drive(seconds / 10, flow_mlps=0.0, **STANDING))
        car.tank.volume_L += litres / 10
    return [*parts, car.drive(20, flow_mlps=0.0, **STANDING)]


def test_a_refill_at_standstill_resets_the_volume_and_begins_a_new_stage() -> None:
    car = settled(100.0)
    car.drive(12, flow_mlps=0.0, **STANDING)

    last = refuelled(car, 400.0)[-1]

    assert last["refill_count"][-1] == 1
    assert last["volume_L"][-1] == pytest.approx(last.volume_L[-1], abs=SPARE_L)
    assert last["refilled_L"][-1] == pytest.approx(400.0, abs=2 * SPARE_L)
    assert last["stage_km"][-1] == 20.0


def test_fuel_that_comes_while_driving_is_slosh() -> None:
    car = settled(100.0)
    car.broken = {"FuelSenderA_L": 135.0, "FuelSenderB_L": 135.0}

    drive = car.drive(120)

    assert not drive["refill_count"].any()
    assert np.diff(drive["volume_L"]).max() <= 0.101


def test_one_sender_that_jumps_at_standstill_is_no_refill() -> None:
    car = settled(100.0)
    car.drive(12, flow_mlps=0.0, **STANDING)
    car.broken = {"FuelSenderA_L": 550.0}

    drive = car.drive(120, flow_mlps=0.0, **STANDING)

    assert not drive["refill_count"].any()
    assert drive["volume_L"].max() < 105.0


def test_a_level_that_was_above_the_reckoning_when_the_car_stopped_is_no_refill() -> None:
    car = settled(100.0)
    car.sender_error_L = 30.0

    drive = car.drive(60, flow_mlps=0.0, **STANDING)

    assert not drive["refill_count"].any()


def remembering(car: TankCar, **kept: float) -> None:
    """Start the unit anew with what a board has kept."""
    ffi, lib = _core.ffi, _core.lib
    state = bytearray(car.car.ecu.snapshot())
    vcu = ffi.cast("vcu_t *", ffi.from_buffer(state))
    keep = ffi.new("fuel_keep_t *", {
        "volume_L": 80.0, "spread_L": 9.0, "consumption_Lp100km": 66.0, "stage_km": 200.0,
        "stage_L": 130.0, "refill_count": 3, "is_known": 1, **kept})  # fmt: skip
    lib.fuel_recall(ffi.addressof(vcu.control, "fuel"), ffi.addressof(vcu.calibration), keep)
    car.car.ecu.restore(bytes(state))


def test_what_is_remembered_is_gone_on_from() -> None:
    car = TankCar(80.0)
    remembering(car)

    drive = car.drive(20)

    assert drive["volume_L"][0] == 80.0
    assert drive["consumption_Lp100km"][0] == 66.0
    assert drive["refill_count"][-1] == 3
    assert drive["stage"][-1] == 1


def test_fuel_that_came_while_the_unit_slept_is_a_refill() -> None:
    car = TankCar(500.0, signals=dict(STANDING))
    remembering(car)

    drive = car.drive(40, flow_mlps=0.0)

    assert drive["refill_count"][-1] == 4
    assert drive["volume_L"][-1] == pytest.approx(500.0, abs=SPARE_L)


@pytest.mark.parametrize("broken", [
    {"volume_L": np.nan}, {"volume_L": 1e9}, {"consumption_Lp100km": 0.0}, {"stage_L": -1.0},
    {"spread_L": np.inf}, {"is_known": 0}, {"is_known": 255},
])  # fmt: skip
def test_a_memory_that_makes_no_sense_is_as_none(broken: dict[str, float]) -> None:
    car = TankCar(300.0)
    remembering(car, **broken)

    drive = car.drive(20)

    assert drive["is_known"][0] == 0
    assert drive["volume_L"][-1] == pytest.approx(300.0, abs=SPARE_L)


def test_a_tank_that_nobody_knows_is_not_available_on_the_bus() -> None:
    car = TankCar()
    car.car.silent |= {"FuelSenders"}

    said = fuel_status(car.drive(2))

    assert np.isnan(said["FuelVolume_L"])
    assert np.isnan(said["Range_km"])


def test_the_bus_carries_usable_fuel_range_and_what_they_rest_on() -> None:
    car = settled(300.0)
    drive = car.drive(2)

    said = fuel_status(drive)

    assert said["FuelVolume_L"] == pytest.approx(drive["volume_L"][-1] - 5.0, abs=0.2)
    assert said["Range_km"] == pytest.approx(drive["range_km"][-1], abs=0.6)
    assert said["FuelSpread_L"] == pytest.approx(8.0, abs=0.8)
    assert (said["FuelSource"], said["FuelStage"]) == (FLOW_AND_LEVEL, 1)


def fuel_status(drive: Drive) -> dict[str, float]:
    """Return the last FuelStatus; NaN is not available."""
    message = bus().get_message_by_name("FuelStatus")
    sent = drive.stretch.run.sent
    data = sent[sent["id"] == message.frame_id][-1]["data"].tobytes()
    physical, raw = decoded(message, data), decoded(message, data, scaled=False)
    return {
        signal.name: np.nan
        if codes(signal).get(int(raw[signal.name])) == NOT_AVAILABLE
        else physical[signal.name]
        for signal in message.signals
    }


def test_the_car_that_stands_on_a_slope_does_not_look_into_its_tank() -> None:
    car = settled(300.0)
    slope_mps2 = G_mps2 * np.sin(np.radians(10.0))

    drive = car.drive(60, Shake(across=lambda t: np.full_like(t, slope_mps2)), flow_mlps=1.0)

    assert drive["calm_ticks"][3000:].max() == 0
    assert_within_bounds(drive)
