"""Sensors that are missing, late, invalid, frozen or lying: absent evidence, never a flight.

With two kinds of evidence left, a flight is still found, with the dwell that is stated here.
Without specific force, Flight Mode is off and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from d7xr.ecu import faults
from tests.car import CORNERS, Car, G_mps2, Level, dampers, wheels
from tests.flight.flights import (
    AIR,
    SUSPECT,
    GROUND_radps,
    Jump,
    Signals,
    fault_is_active,
    first_ms,
    fly,
    fly_with_driven_wheels,
    flying_start,
    in_a_row,
    is_in,
    spans_ms,
    states,
    stays_on_the_ground,
)

FAULT = {fault.name: fault.number for fault in faults()}
JUMP = Jump(400)
INERTIAL, DAMPERS, WHEELS, SPEED = 1, 2, 4, 8
FORCE = ("SpecificForceX_mps2", "SpecificForceY_mps2", "SpecificForceZ_mps2")
TRAVEL = tuple(f"DamperTravel{c}_mm" for c in CORNERS)
TURN = tuple(f"WheelSpeed{c}_radps" for c in CORNERS)


# ---- one failure of each kind


@dataclass(frozen=True, slots=True)
class Failure:
    """A way in which sensors fail, and what the unit says of it."""

    signals: tuple[str, ...]
    value: float
    says: str
    mode: str
    missing: int
    message: str = ""
    is_frozen: bool = False

    def strike(self, car: Car) -> dict[str, Level]:
        """Let it happen to a car; returned are the signals that fail."""
        if self.message:
            car.silent.add(self.message)
        if self.is_frozen:
            car.frozen.update(self.signals)
        return dict.fromkeys(self.signals, self.value)


NOT_AVAILABLE = float("nan")
FAILURES = {
    "inertial silent": Failure((), 0.0, "InertialLost", "Off", INERTIAL, "InertialAccel"),
    "inertial faulty": Failure(("AccelStatus",), 3, "InertialLost", "Off", INERTIAL),
    "inertial starting": Failure(("AccelStatus",), 0, "InertialLost", "Off", INERTIAL),
    "inertial not available": Failure(FORCE, NOT_AVAILABLE, "InertialLost", "Off", INERTIAL),
    "inertial out of range": Failure(FORCE, -300.0, "InertialLost", "Off", INERTIAL),
    "one axis not available": Failure(FORCE[1:2], NOT_AVAILABLE, "InertialLost", "Off", INERTIAL),
    "inertial frozen": Failure(FORCE, 0.0, "InertialFrozen", "Off", INERTIAL, is_frozen=True),
    "dampers silent": Failure((), 0.0, "DampersLost", "InertialAndWheels", DAMPERS, "DamperTravel"),
    "dampers faulty": Failure(("DamperStatus",), 3, "DampersLost", "InertialAndWheels", DAMPERS),
    "two dampers not available": Failure(
        TRAVEL[:2], NOT_AVAILABLE, "DampersLost", "InertialAndWheels", DAMPERS
    ),
    "two dampers out of range": Failure(
        TRAVEL[2:], 405.0, "DampersLost", "InertialAndWheels", DAMPERS
    ),
    "two dampers frozen": Failure(
        TRAVEL[1:3], 130.0, "DampersLost", "InertialAndWheels", DAMPERS, is_frozen=True
    ),
    **{
        f"damper {c} not available": Failure(
            (f"DamperTravel{c}_mm",), NOT_AVAILABLE, "DamperLost", "Full", 0
        )
        for c in CORNERS
    },
    "damper frozen": Failure(TRAVEL[:1], 130.0, "DamperLost", "Full", 0, is_frozen=True),
    "wheels silent": Failure((), 0.0, "WheelLost", "InertialAndDampers", WHEELS, "WheelSpeeds"),
    "wheels out of range": Failure(TURN, 325.0, "WheelLost", "InertialAndDampers", WHEELS),
    **{
        f"wheel {c} not available": Failure(
            (f"WheelSpeed{c}_radps",), NOT_AVAILABLE, "WheelLost", "InertialAndDampers", WHEELS
        )
        for c in CORNERS
    },
    "ground speed silent": Failure((), 0.0, "SpeedLost", "Full", 0, "VehicleMotion"),
    "no fix": Failure(("MotionStatus",), 0, "SpeedLost", "Full", 0),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_named_and_costs_no_torque(name: str) -> None:
    failure, car = FAILURES[name], flying_start()

    struck = car.drive(3000, **failure.strike(car))

    assert car.ecu.text("flight_mode.detector_mode") == failure.mode
    assert car.ecu["flight_mode.missing_mask"] == failure.missing
    assert fault_is_active(struck, FAULT[failure.says])[-1]
    assert stays_on_the_ground(struck)
    assert struck["torque.granted_Nm"][-1] == 750.0


@pytest.mark.parametrize("name", [n for n, f in FAILURES.items() if f.mode == "Off"])
def test_without_specific_force_there_is_no_flight(name: str) -> None:
    car = flying_start()
    failed = FAILURES[name].strike(car)
    car.drive(3000, **failed)

    flown = fly(JUMP, failed, car=car)

    assert flown["flight_mode.evidence.corners_out"].max() == 4
    assert states(flown) == ["Ground"]
    assert np.all(flown["torque.granted_Nm"] == 750.0)


@pytest.mark.parametrize(
    "name", [n for n, f in FAILURES.items() if f.mode in ("Full", "InertialAndDampers")]
)
def test_with_dampers_a_flight_is_found_as_early_as_ever(name: str) -> None:
    car = flying_start()
    failed = FAILURES[name].strike(car)
    car.drive(3000, **failed)

    flown = fly(JUMP, failed, car=car)

    assert first_ms(is_in(flown, AIR)) - JUMP.lead_ms <= 120
    assert "DampersAgree" in flown.texts("flight_mode.cause")
    assert abs(int(flown["flight_mode.record.air_time_ms"][-1]) - JUMP.air_ms) <= 20
    assert flown["torque.granted_Nm"][-1] == 750.0


@pytest.mark.parametrize("name", [n for n, f in FAILURES.items() if f.mode == "InertialAndWheels"])
def test_without_dampers_driven_wheels_confirm_as_early_and_rolling_ones_late(name: str) -> None:
    car = flying_start()
    failed = FAILURES[name].strike(car)
    car.drive(3000, **failed)

    on_throttle = fly(Jump(400, overspeed=0.6), failed, car=car.fork())
    assert first_ms(is_in(on_throttle, AIR)) - JUMP.lead_ms <= 120
    assert "WheelsAgree" in on_throttle.texts("flight_mode.cause")

    rolling = fly(JUMP, failed | wheels(GROUND_radps), car=car.fork())
    assert 150 <= first_ms(is_in(rolling, AIR)) - JUMP.lead_ms <= 173
    assert "NobodyToAsk" in rolling.texts("flight_mode.cause")
    assert not rolling["torque.is_cut"].any()


@pytest.mark.parametrize("gain_radps2", [92.0, 108.0])
def test_the_precut_does_not_silence_the_wheels_before_they_have_testified(
    gain_radps2: float,
) -> None:
    # The pre-cut takes the very torque that makes wheels run away, 50 ms before they are asked
    car = flying_start(silent=("DamperTravel",))
    flown, _ = fly_with_driven_wheels(JUMP, car=car, gain_radps2=gain_radps2)

    assert first_ms(is_in(flown, AIR)) - JUMP.lead_ms <= 120
    assert "WheelsAgree" in flown.texts("flight_mode.cause")


def test_with_three_dampers_all_three_must_agree() -> None:
    car = flying_start()
    car.drive(500, DamperTravelFL_mm=NOT_AVAILABLE)

    disagreeing: Signals = {"DamperTravelFL_mm": NOT_AVAILABLE, "DamperTravelRR_mm": 150.0}
    flown = fly(JUMP, disagreeing | wheels(GROUND_radps), car=car)

    assert stays_on_the_ground(flown)


def test_without_any_speed_no_flight_is_permitted() -> None:
    # The last speed is no speed: the car may have stood for long
    car = flying_start()
    car.silent |= {"VehicleMotion", "WheelSpeeds"}
    car.drive(1000)

    flown = fly(JUMP, car=car)

    assert car.ecu["flight_mode.missing_mask"] == WHEELS | SPEED
    assert states(flown) == ["Ground"]


@pytest.mark.parametrize("name", FAILURES)
def test_evidence_that_fails_in_the_air_ends_in_torque_given_back(name: str) -> None:
    car = flying_start()
    jump = Jump(600)
    fly(jump, car=car, duration_ms=300)
    assert car.ecu.text("flight_mode.state") == "Air"
    failed = FAILURES[name].strike(car)
    rest = {
        key: level[300:] for key, level in jump.signals().items() if isinstance(level, np.ndarray)
    }

    ended = car.drive(jump.duration_ms - 300, **rest | failed)

    assert states(ended)[-1] == "Ground"
    assert np.diff(ended["torque.granted_Nm"]).max() <= 3.01
    assert first_ms(ended["torque.granted_Nm"][400:] == 750.0) <= 450


def test_a_force_that_sticks_at_zero_in_the_air_does_not_outlive_the_landing() -> None:
    # Not frozen: it lies with noise. Four dampers feel the ground, swing back and extend again
    car, jump = flying_start(), Jump(600)
    force = np.where(np.arange(jump.duration_ms) < jump.lead_ms, G_mps2, 0.0)
    flown = fly(jump, {"SpecificForceZ_mps2": force}, car=car)

    assert "Landing" in states(flown)
    after = is_in(flown, AIR)[jump.touchdown_ms + 30 :]
    assert not after.any()
    assert first_ms(flown["torque.granted_Nm"][jump.touchdown_ms :] == 750.0) <= 450


def test_a_cut_is_not_held_when_the_wheels_are_lost_in_the_air() -> None:
    car = flying_start()
    jump = Jump(800)
    fly(jump, wheels(GROUND_radps * 1.3), car=car, duration_ms=300)
    assert car.ecu["torque.is_cut"] == 1

    car.silent.add("WheelSpeeds")
    signals = jump.signals()
    force, travel = signals["SpecificForceZ_mps2"], signals["DamperTravelFL_mm"]
    assert isinstance(force, np.ndarray)
    assert isinstance(travel, np.ndarray)
    blind = car.drive(300, SpecificForceZ_mps2=force[300:600], **dampers(travel[300:600]))

    assert is_in(blind, AIR).all()
    assert first_ms(blind["torque.is_cut"] == 0) <= 31
    assert not blind["torque.is_cut"][31:].any()


# ---- one kind lies, the others know better


KINDS: dict[str, Sequence[tuple[str, float, float]]] = {
    "inertial": [(name, -250.0, 250.0) for name in FORCE],
    "dampers": [(name, 0.0, 409.4) for name in TRAVEL],
    "wheels": [(name, 0.0, 327.6) for name in TURN],
    "ground speed": [("GroundSpeed_mps", 0.0, 130.0)],
    "gear": [("Gear", 0.0, 15.0), ("TargetGear", 0.0, 15.0)],
    "engine": [("EngineSpeed_rpm", 0.0, 6000.0)],
}


@st.composite
def lies(draw: st.DrawFn, kind: str) -> list[tuple[int, Signals]]:
    """Draw what the sensors of a kind say: pieces of a value each, up to 2 s in all."""
    pieces = []
    for _ in range(draw(st.integers(2, 12))):
        together = draw(st.booleans())
        said: Signals = {}
        share = draw(st.floats(0.0, 1.0))
        for name, low, high in KINDS[kind]:
            share = share if together else draw(st.floats(0.0, 1.0))
            at = low + (high - low) * share
            said[name] = draw(
                st.sampled_from([at, NOT_AVAILABLE, low, high, 0.0, G_mps2])
                | st.builds(_ramp, st.just(at), st.floats(-500.0, 500.0))
            )
        pieces.append((draw(st.sampled_from([1, 5, 12, 45, 95, 165, 260, 400])), said))
    return pieces


def _ramp(start: float, per_s: float) -> Level:
    return lambda t: start + per_s * t


@settings(max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_alone_never_makes_a_flight_nor_cuts_the_engine(
    kind: str, data: st.DataObject
) -> None:
    duration_ms, said = in_a_row(data.draw(lies(kind)))
    driven = flying_start().drive(duration_ms, **said)

    assert stays_on_the_ground(driven)
    assert not driven["torque.is_cut"].any()
    assert max(spans_ms(is_in(driven, SUSPECT)), default=0) <= 200


@settings(max_examples=25)
@given(said=lies("dampers"), turned=lies("wheels"))
def test_dampers_and_wheels_together_make_no_flight_against_the_force(
    said: list[tuple[int, Signals]], turned: list[tuple[int, Signals]]
) -> None:
    both = [(ms, first | second) for (ms, first), (_, second) in zip(said, turned, strict=False)]
    duration_ms, lied = in_a_row(both)

    assert states(flying_start().drive(duration_ms, **lied)) == ["Ground"]


@settings(max_examples=25)
@given(
    low_ms=st.integers(1, 400),
    pause_ms=st.integers(1, 60),
    force_mps2=st.floats(-5.0, 3.0),
    times=st.integers(1, 8),
)
@example(low_ms=240, pause_ms=10, force_mps2=0.0, times=8)
def test_a_lying_force_takes_torque_at_most_200_ms_at_a_time_and_twice_in_two_seconds(
    low_ms: int, pause_ms: int, force_mps2: float, times: int
) -> None:
    dips = np.tile(np.repeat([force_mps2, G_mps2], [low_ms, pause_ms]), times)
    lied = flying_start().drive(len(dips), SpecificForceZ_mps2=dips)

    precut = lied["flight_mode.bound_Nm"] < 0.31 * 750.0
    assert stays_on_the_ground(lied)
    assert max(spans_ms(precut), default=0) <= 200
    assert precut[:2000].sum() <= 400
