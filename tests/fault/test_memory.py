"""What outlives power: faults and their first scene, fuel, and what was learned of the car."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d7xr import memory
from d7xr.ecu import Ecu
from d7xr.errors import EnvironmentFault, UsageError
from tests.benches import calibrated
from tests.car import Car, pedal

NAN = float("nan")
AGE_CYCLES = 3
OFF = {"Ignition": 0.0, "EngineStatus": 0.0, "EngineSpeed_rpm": 0.0}
ON = {"Ignition": 1.0, "EngineStatus": 2.0, "EngineSpeed_rpm": 3252.0}


def car(kept: bytes | None = None, calibration: bytes | None = None) -> Car:
    """Return a car on the road, its nodes awake; with the memory of another unit if given."""
    ecu = Ecu(calibration)
    if kept is not None:
        ecu.recall(kept)
    car = Car(ecu=ecu, record=["fault.count"])
    car.drive(4000)
    return car


def of(ecu: Ecu, name: str) -> memory.Remembered | None:
    return next((one for one in memory.remembered(ecu) if one.fault.name == name), None)


def lose_track(car: Car) -> None:
    """Lose a pedal track for long enough, and get it back for long enough."""
    car.drive(200, AcceleratorTrack1_pct=NAN)
    car.drive(1500, AcceleratorTrack1_pct=car.signals["AcceleratorTrack2_pct"])


def cycle(car: Car, *, ill: bool = False) -> None:
    """Drive one driving cycle, with a fault in it or without."""
    car.drive(200, **ON)
    if ill:
        lose_track(car)
    car.drive(200, **OFF)


def test_a_fault_is_counted_once_for_each_time_it_comes() -> None:
    ill = car()

    for _ in range(3):
        lose_track(ill)

    remembered = of(ill.ecu, "PedalSingle")
    assert remembered is not None
    assert remembered.count == 3


def test_the_freeze_frame_is_the_car_when_the_fault_first_came() -> None:
    ill = car()
    ill.drive(2000, EngineSpeed_rpm=4100.0, GroundSpeed_mps=21.0, CoolantIn_degC=92.0, Gear=4.0,
              Battery_V=13.2, **pedal(60.0))  # fmt: skip
    lose_track(ill)
    ill.drive(1000, EngineSpeed_rpm=2000.0, Gear=2.0)
    lose_track(ill)

    remembered = of(ill.ecu, "PedalSingle")
    assert remembered is not None
    frame = remembered.frame
    assert frame is not None
    assert frame.engine_speed_rpm == 4100
    assert frame.ground_speed_mps == pytest.approx(21.0, abs=0.05)
    assert frame.coolant_degC == pytest.approx(92, abs=1)
    assert frame.battery_V == pytest.approx(13.2, abs=0.05)
    assert (frame.gear, frame.reason, frame.cycle, frame.at_s) == ("Gear4", "Driver", 1, 6)


def test_what_was_not_known_is_not_in_the_frame() -> None:
    ill = car()
    ill.drive(2000, Gear=NAN, Battery_V=NAN)

    remembered = of(ill.ecu, "GearboxSilent")

    assert remembered is not None
    assert remembered.frame is not None
    assert (remembered.frame.gear, remembered.frame.battery_V) == (None, None)


def test_a_fault_that_stays_away_for_enough_cycles_is_forgotten_with_its_frame() -> None:
    ill = car(calibration=calibrated(fault__age_cycles=AGE_CYCLES))
    cycle(ill, ill=True)

    seen = []
    for _ in range(AGE_CYCLES):
        remembered = of(ill.ecu, "PedalSingle")
        assert remembered is not None
        assert remembered.frame is not None
        seen.append(remembered.away_cycles)
        cycle(ill)

    assert seen == list(range(AGE_CYCLES))
    assert of(ill.ecu, "PedalSingle") is None
    assert memory.remembered(ill.ecu) == (), "a key that is off is no fault"


def test_a_fault_that_comes_back_is_as_young_as_new() -> None:
    ill = car(calibration=calibrated(fault__age_cycles=AGE_CYCLES))
    for _ in range(3):
        cycle(ill, ill=True)
        for _ in range(AGE_CYCLES - 1):
            cycle(ill)

    remembered = of(ill.ecu, "PedalSingle")
    assert remembered is not None
    assert remembered.count == 3


def test_a_key_that_is_turned_without_the_engine_ages_nothing() -> None:
    ill = car(calibration=calibrated(fault__age_cycles=AGE_CYCLES))
    cycle(ill, ill=True)

    for _ in range(AGE_CYCLES + 1):
        ill.drive(200, Ignition=1.0, EngineStatus=0.0, EngineSpeed_rpm=0.0)
        ill.drive(200, **OFF)

    assert of(ill.ecu, "PedalSingle") is not None


def test_when_frames_are_short_the_severe_ones_stay() -> None:
    ill = car()
    ill.drive(10_000, **{name: NAN for name in ill.signals if name not in ON})

    remembered = memory.remembered(ill.ecu)
    kept = [one for one in remembered if one.frame is not None]
    rank = {"Stop": 0, "Limp": 1, "Warning": 2, "Info": 3}
    assert len(remembered) > len(kept) == 10
    worst_left_out = min(rank[one.fault.severity] for one in remembered if one.frame is None)
    assert max(rank[one.fault.severity] for one in kept) <= worst_left_out


def test_what_was_known_before_power_went_is_known_after() -> None:
    before = car()
    lose_track(before)
    before.drive(
        30_000,
        GroundSpeed_mps=0.0,
        **{f"WheelSpeed{c}_radps": 0.0 for c in ("FL", "FR", "RL", "RR")},
    )
    kept = before.ecu.keep()

    after = Ecu()
    after.recall(kept)

    assert memory.remembered(after) == memory.remembered(before.ecu)
    assert memory.operating_s(after) == memory.operating_s(before.ecu) == 35
    for state in ("fuel.volume_L", "fuel.is_known", "filter.index", "radiator.clean_ratio",
                  "cooling.fans.fan[0].run_ticks"):  # fmt: skip
        assert after[state] == before.ecu[state]
    assert after["fuel.is_known"] == 1
    assert after.keep() == kept


def test_a_memory_moves_no_torque_and_no_fan() -> None:
    record = ["torque.granted_Nm", "cooling.stage", "flight_mode.state"]
    ill = car()
    lose_track(ill)
    recalled, new = Car(record=record), Car(record=record)
    recalled.ecu.recall(ill.ecu.keep())

    with_memory, without = recalled.drive(3000), new.drive(3000)

    for state in record:
        assert np.array_equal(with_memory[state], without[state])


@given(place=st.integers(0, len(Ecu().keep()) * 8 - 1))
def test_a_memory_with_one_wrong_bit_is_refused_and_changes_nothing(place: int) -> None:
    broken = bytearray(Ecu().keep())
    broken[place // 8] ^= 1 << place % 8
    ecu = Ecu()

    with pytest.raises(ValueError, match="check word"):
        ecu.recall(bytes(broken))

    assert ecu.digest == Ecu().digest


@given(st.binary(max_size=700))
def test_anything_else_is_refused(found: bytes) -> None:
    with pytest.raises(ValueError, match=r"bytes|check word"):
        Ecu().recall(found)


def test_a_file_that_is_no_memory_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "car.bin"
    path.write_bytes(b"a letter")

    with pytest.raises(UsageError, match="no memory for this unit"):
        memory.begin(Ecu(), path)

    assert path.read_bytes() == b"a letter"


def test_a_place_that_cannot_be_written_leaves_the_old_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "car.bin"
    memory.save(path, b"old")
    monkeypatch.setattr(Path, "replace", _full)

    with pytest.raises(EnvironmentFault, match="cannot write"):
        memory.save(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def _full(self: Path, target: Path) -> Path:
    raise OSError(28, "No space left on device")
