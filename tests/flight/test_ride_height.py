"""The ride height from which droop is judged: it follows 410 kg of fuel, and nothing else.

The truth: a full tank makes the rear sit 30 mm lower than an empty one, and each corner has an
offset of its own that nobody calibrated.
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr import _core
from tests.car import CORNERS, Car, G_mps2, Level, dampers

FULL_L, MOVES_mm, HALF_mm = 550.0, 30.0, 130.0
OFFSET_mm = {"FL": 4.0, "FR": -3.0, "RL": -6.0, "RR": 5.0}
NAMES = [f"flight_mode.evidence.corner[{i}].static_mm" for i in range(4)]
OUT = [f"flight_mode.evidence.corner[{i}].is_out" for i in range(4)]
RECORD = [*NAMES, *OUT, "fuel.volume_L", "flight_mode.state"]
SILENT = ("InertialRate", "ThermalState", "FanFeedback", "AirPath", "AmbientState")
STANDING = {"GroundSpeed_mps": 0.0, **{f"WheelSpeed{c}_radps": 0.0 for c in CORNERS}}
NEAR_mm = 1.5

type Column = NDArray[np.float64]


def heights(volume_L: Column | float, *, offset: bool = True) -> dict[str, Level]:
    """Return the damper travels of a car that carries so much."""
    load_mm = MOVES_mm * (np.asarray(volume_L) / FULL_L - 0.5)
    return {
        f"DamperTravel{c}_mm": HALF_mm
        + (OFFSET_mm[c] if offset else 0.0)
        + (load_mm if c[0] == "R" else 0.0)
        for c in CORNERS
    }


def off_mm(car: Car, volume_L: float, *, offset: bool = True) -> float:
    """Return how far the worst corner's reference is from the truth."""
    truth = heights(volume_L, offset=offset)
    return max(
        abs(car.ecu[name] - float(np.asarray(truth[f"DamperTravel{c}_mm"])))
        for name, c in zip(NAMES, CORNERS, strict=True)
    )


def fuel(volume_L: Column | float, flow_mlps: float) -> dict[str, Level]:
    return {"FuelSenderA_L": volume_L, "FuelSenderB_L": volume_L, "InjectedFuel_mlps": flow_mlps}


def burning_down(car: Car, start_L: float, end_L: float, flow_mlps: float) -> list[float]:
    """Drive from one volume to another; return how far off the reference was after each 100 s."""
    seen = []
    volume_L = start_L
    while volume_L > end_L:
        column = volume_L - flow_mlps / 1e6 * np.arange(100_000, dtype=np.float64)
        car.drive(100_000, **heights(column), **fuel(column, flow_mlps))
        volume_L = float(column[-1])
        seen.append(off_mm(car, volume_L))
    return seen


@pytest.mark.parametrize("silent", [(), ("FuelSenders",)], ids=["tank known", "tank not heard"])
def test_the_reference_follows_a_whole_tank_and_each_corners_own_offset(
    silent: tuple[str, ...],
) -> None:
    # Given a full car that has learned its ride height in five minutes
    car = Car(silent=(*SILENT, *silent), record=RECORD)
    car.drive(300_000, **heights(550.0), **fuel(550.0, 60.0))

    # When it burns the tank at more than twice full power
    off = burning_down(car, 550.0, 20.0, 60.0)

    # Then the reference never lags behind
    assert max(off) < NEAR_mm


def test_a_refill_moves_the_reference_at_once() -> None:
    # Given an empty car that has learned its ride height
    car = Car(silent=SILENT, record=RECORD)
    car.drive(300_000, **heights(40.0), **fuel(40.0, 1.0), EngineTorque_Nm=10.0)
    assert off_mm(car, 40.0) < NEAR_mm

    # When it is refuelled where it stands
    car.drive(15_000, **STANDING)
    rising = np.linspace(40.0, 540.0, 60_000)
    car.drive(60_000, **heights(rising), **fuel(rising, 0.0))
    car.drive(30_000)

    # Then it need not drive to know how it sits
    assert off_mm(car, 540.0) < NEAR_mm


@pytest.mark.parametrize("volume_L", [30.0, 275.0, 540.0])
def test_a_unit_that_just_started_knows_how_the_car_sits_by_its_fuel(volume_L: float) -> None:
    """An empty rear stands 28 mm higher than a full one: a fifth of the droop travel."""
    car = Car(silent=SILENT, record=RECORD, signals={**STANDING, **heights(volume_L, offset=False),
                                                     **fuel(volume_L, 0.0)})  # fmt: skip
    drive = car.drive(5_000, EngineTorque_Nm=0.0)

    assert off_mm(car, volume_L, offset=False) < NEAR_mm
    assert not any(drive[name][3000:].any() for name in OUT)


def test_a_car_that_squats_and_dives_is_not_learned() -> None:
    # Given a car that pulls away and brakes, pulls away and brakes; only one of them by a pedal
    car = Car(silent=SILENT, record=RECORD)
    car.drive(300_000, **heights(275.0), **fuel(275.0, 12.0))
    time_s = np.arange(60_000) / 1000.0
    push_mps2 = np.where(time_s % 20.0 < 14.0, 2.0, -4.5)
    front_mm, rear_mm = -6.0 * push_mps2, 6.0 * push_mps2
    level = heights(275.0)
    moved = {
        name: np.asarray(mm) + (front_mm if name[12] == "F" else rear_mm)
        for name, mm in level.items()
    }

    brake_pct = np.where(push_mps2 < 0.0, 30.0, 0.0)
    for _ in range(5):
        car.drive(60_000, SpecificForceX_mps2=push_mps2, BrakePedal_pct=brake_pct, **moved)

    assert off_mm(car, 275.0) < NEAR_mm


@pytest.mark.parametrize("signals", [
    {"SpecificForceY_mps2": 3.0}, {"SpecificForceZ_mps2": 0.7 * G_mps2}, {"GroundSpeed_mps": 3.0},
    {"SpecificForceZ_mps2": np.nan}, {"BrakePedal_pct": 40.0},
])  # fmt: skip
def test_bends_crests_walking_pace_and_a_lost_force_teach_nothing(
    signals: dict[str, float],
) -> None:
    car = Car(silent=SILENT, record=RECORD)
    car.drive(60_000, **heights(275.0, offset=False), **fuel(275.0, 12.0))
    before = [car.ecu[name] for name in NAMES]

    car.drive(60_000, **signals, **dampers(165.0))

    after = [car.ecu[name] for name in NAMES]
    assert after == pytest.approx(before, abs=0.3)


def test_no_flight_moves_the_reference() -> None:
    from tests.flight.flights import Jump

    car = Car(silent=SILENT, record=RECORD)
    car.drive(60_000, **heights(275.0, offset=False), **fuel(275.0, 12.0))
    before = [car.ecu[name] for name in NAMES]
    jump = Jump(2000, after_ms=300)

    flight = car.drive(jump.duration_ms, **jump.signals())

    assert 2 in flight["flight_mode.state"]
    assert [car.ecu[name] for name in NAMES] == pytest.approx(before, abs=0.1)


def test_what_was_learned_is_kept_without_the_fuel_that_was_in_the_tank() -> None:
    # Given a full car that has learned the offsets of its corners
    car = Car(silent=SILENT, record=RECORD)
    car.drive(400_000, **heights(540.0), **fuel(540.0, 1.0), EngineTorque_Nm=10.0)
    ffi, lib = _core.ffi, _core.lib
    kept = ffi.new("float[4]")
    old = unit_of(car)
    lib.flight_evidence_keep(evidence_of(old), ffi.addressof(old.calibration), kept)

    # When the unit starts anew and the tank is empty
    other = Car(silent=SILENT, record=RECORD, signals={**STANDING, **heights(30.0),
                                                       **fuel(30.0, 0.0)})  # fmt: skip
    state = bytearray(other.ecu.snapshot())
    new = ffi.cast("vcu_t *", ffi.from_buffer(state))
    lib.flight_evidence_recall(evidence_of(new), ffi.addressof(new.calibration), kept)
    other.ecu.restore(bytes(state))
    other.drive(5_000, EngineTorque_Nm=0.0)

    # Then it knows how an empty car of this kind sits
    assert off_mm(other, 30.0) < NEAR_mm


def unit_of(car: Car) -> Any:  # noqa: ANN401 - cffi has no types
    """Return a copy of a car's unit as C sees it."""
    unit = _core.ffi.new("vcu_t *")
    _core.ffi.memmove(unit, car.ecu.snapshot(), _core.ffi.sizeof("vcu_t"))
    return unit


def evidence_of(unit: Any) -> Any:  # noqa: ANN401 - cffi has no types
    """Return the place of the evidence of flight in a unit."""
    return _core.ffi.addressof(unit.control.flight_mode, "evidence")
