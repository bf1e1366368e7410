"""Laws of Flight Mode over drawn drives: roads, flights, failing sensors, garbage.

A drive is a row of pieces, each with everything that bears on flight. A twin with the switch at Off
sees the very same drive: what differs between the two is Flight Mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from d7xr.database import Database, protect
from d7xr.ecu import Ecu
from d7xr.frames import FRAME_DTYPE
from tests.car import CORNERS, G_mps2, RADIUS_m, Stretch, dampers, pedal, wheels
from tests.flight.flights import (
    AIR,
    GROUND,
    LANDING,
    RAMP,
    RECORD,
    SUSPECT,
    GROUND_radps,
    Jump,
    Signals,
    STATIC_mm,
    first_ms,
    flying_start,
    in_a_row,
    is_in,
    spans_ms,
    states,
)

MIN_SPEED_mps = 6.94
AIR_MAX_ms, LANDING_ms, RAMP_MIN_ms, SUSPECT_MAX_ms = 2500, 20, 100, 200
CONFIRM_MAX_ms = 90 + 20  # dwell of Air, and what rough road adds
RISE_Nmpms = 3.0
FLOAT_FIELDS = tuple(field.name for field in Ecu.fields() if field.ctype == "float")

LEVEL: Signals = {
    "SpecificForceX_mps2": 0.0,
    "SpecificForceZ_mps2": G_mps2,
    "GroundSpeed_mps": 16.7,
    "Gear": 3,
    "TargetGear": 3,
    "FlightModeSwitch": 1,
    **dampers(STATIC_mm),
    **wheels(GROUND_radps),
    **pedal(100.0),
}
NOT_AVAILABLE = float("nan")

type Piece = tuple[int, Signals]
type Drive = tuple[int, Signals]

durations = st.sampled_from([5, 18, 47, 90, 160, 245, 420])


@st.composite
def jumps(draw: st.DrawFn) -> Piece:
    jump = Jump(
        draw(st.integers(60, 900)),
        lead_ms=draw(st.integers(0, 60)),
        after_ms=draw(st.sampled_from([10, 60, 150, 400])),
        is_lip=draw(st.booleans()),
        overspeed=draw(st.floats(-0.3, 1.0)),
        sync_ms=draw(st.sampled_from([10.0, 40.0, 400.0])),
    )
    return jump.duration_ms, LEVEL | jump.signals()


@st.composite
def roads(draw: st.DrawFn) -> Piece:
    """Draw a road that does anything to the force, while dampers and wheels may say otherwise."""
    force = G_mps2 * draw(st.floats(-1.5, 4.0))
    travel_mm = draw(st.floats(0.0, 300.0))
    gain_radps2 = draw(st.sampled_from([0.0, 0.0, 40.0, 90.0, -200.0]))
    return draw(durations), LEVEL | {
        "SpecificForceX_mps2": draw(st.sampled_from([0.0, 0.0, 3.0, -8.0])),
        "SpecificForceZ_mps2": force,
        **dampers(travel_mm),
        **wheels(lambda t: GROUND_radps + gain_radps2 * t),
    }


@st.composite
def changes(draw: st.DrawFn) -> Piece:
    """Draw a low force together with something that the driver or a broken sensor does."""
    changed: Signals = draw(
        st.sampled_from(
            [
                dict(pedal(0.0)),
                dict(pedal(40.0)),
                {"GroundSpeed_mps": 6.0},
                {"GroundSpeed_mps": NOT_AVAILABLE},
                {"GroundSpeed_mps": NOT_AVAILABLE, **wheels(NOT_AVAILABLE)},
                {"Gear": NOT_AVAILABLE},
                {"Gear": 0},
                {"Gear": 0, "TargetGear": 0},
                {"Gear": 9, "TargetGear": 9},
                {"SpecificForceZ_mps2": NOT_AVAILABLE},
                dict(dampers(NOT_AVAILABLE)),
                {"DamperTravelRL_mm": 0.0},
                dict(wheels(NOT_AVAILABLE)),
                {"WheelSpeedFR_radps": 300.0},
                {"SpecificForceZ_mps2": -64.0},
            ]
        )
    )
    low: Signals = {"SpecificForceZ_mps2": draw(st.sampled_from([0.0, G_mps2])), **dampers(60.0)}
    return draw(durations), LEVEL | low | changed


@st.composite
def drives(draw: st.DrawFn) -> Drive:
    pieces = draw(st.lists(jumps() | roads() | changes(), min_size=2, max_size=8))
    return in_a_row([*pieces, (600, LEVEL)])


@dataclass(frozen=True, slots=True)
class Twins:
    """One drive with Flight Mode, and the same with its switch at Off."""

    on: Stretch
    off: Stretch


def twins(drive: Drive) -> Twins:
    """Drive the same twice."""
    duration_ms, signals = drive
    car = flying_start()
    other = car.fork()
    car.drive(200)
    other.drive(200, FlightModeSwitch=0)  # a switch is believed after 100 ms
    return Twins(
        car.drive(duration_ms, **signals),
        other.drive(duration_ms, **signals | {"FlightModeSwitch": 0}),
    )


def driven_once(drive: Drive, record: Sequence[str] = RECORD) -> Stretch:
    """Drive with Flight Mode alone."""
    duration_ms, signals = drive
    car = flying_start()
    car.record = list(record)
    return car.drive(duration_ms, **signals)


@settings(max_examples=60)
@given(drive=drives())
def test_flight_mode_never_raises_torque(drive: Drive) -> None:
    both = twins(drive)

    assert states(both.off) == ["Ground"]
    granted, otherwise = both.on["torque.granted_Nm"], both.off["torque.granted_Nm"]
    assert np.all(granted <= otherwise + 0.01)
    assert np.all(granted <= both.on["torque.demand_Nm"] + 0.01)
    assert np.diff(granted).max() <= RISE_Nmpms + 0.01


@settings(max_examples=60)
@given(drive=drives())
def test_every_state_keeps_its_times(drive: Drive) -> None:
    driven = driven_once(drive)

    suspect = is_in(driven, SUSPECT)
    witness = (driven["flight_mode.evidence.is_damper_flying"] == 1) | (
        driven["flight_mode.evidence.is_wheel_flying"] == 1
    )
    late = suspect & (driven["flight_mode.state_ticks"] >= SUSPECT_MAX_ms)
    assert np.all(witness[late])
    assert max(spans_ms(suspect), default=0) <= SUSPECT_MAX_ms + CONFIRM_MAX_ms
    assert max(spans_ms(is_in(driven, AIR)), default=0) <= AIR_MAX_ms
    assert set(spans_ms(is_in(driven, LANDING))) <= {LANDING_ms}
    assert min(spans_ms(is_in(driven, RAMP)), default=RAMP_MIN_ms) >= RAMP_MIN_ms


@settings(max_examples=60)
@given(drive=drives())
def test_every_flight_stands_on_force_and_speed_and_a_forward_gear(drive: Drive) -> None:
    driven = driven_once(drive)

    air = is_in(driven, AIR)
    assert np.all(driven["flight_mode.evidence.is_inertial_usable"][air] == 1)
    assert np.all(driven["inputs.specific_force_z_mps2.is_usable"][air] == 1)
    by_wheels_mps = driven["flight_mode.evidence.wheel_speed_radps"] * RADIUS_m
    fastest_mps = np.maximum(driven["flight_mode.evidence.speed_mps"], by_wheels_mps)
    assert np.all(fastest_mps[air] > MIN_SPEED_mps)
    no_drive = [
        (driven[f"inputs.{name}.is_usable"] == 1)
        & np.isin(driven[f"inputs.{name}.value"], (0, 9, 10))
        for name in ("gear", "target_gear")
    ]
    assert not (no_drive[0] & no_drive[1] & air).any()
    cut = driven["torque.is_cut"] == 1
    assert np.all(is_in(driven, AIR)[cut])


@settings(max_examples=60)
@given(drive=drives())
def test_no_number_in_the_unit_is_ever_anything_but_finite(drive: Drive) -> None:
    driven = driven_once(drive, record=FLOAT_FIELDS)

    for name in FLOAT_FIELDS:
        assert np.isfinite(driven[name]).all(), name


@settings(max_examples=30)
@given(
    forces_g=st.lists(st.floats(0.56, 1.8), min_size=1, max_size=12),
    travels_mm=st.lists(st.floats(0.0, 300.0), min_size=12, max_size=12),
    turn_radps=st.lists(st.floats(0.0, 200.0), min_size=12, max_size=12),
    pedal_pct=st.lists(st.floats(0.0, 100.0), min_size=12, max_size=12),
)
def test_on_the_ground_the_unit_sends_what_it_would_send_with_the_switch_at_off(
    forces_g: list[float],
    travels_mm: list[float],
    turn_radps: list[float],
    pedal_pct: list[float],
) -> None:
    others = zip(forces_g, travels_mm, turn_radps, pedal_pct, strict=False)
    both = twins(
        in_a_row(
            [
                (
                    120,
                    LEVEL
                    | {"SpecificForceZ_mps2": G_mps2 * force_g}
                    | dampers(travel_mm)
                    | wheels(radps)
                    | pedal(pct),
                )
                for force_g, travel_mm, radps, pct in others
            ]
        )
    )

    assert states(both.on) == ["Ground"]
    assert np.array_equal(both.on.run.sent_tick, both.off.run.sent_tick)
    assert both.on.run.sent.tobytes() == both.off.run.sent.tobytes()


# ---- garbage, and the way back

HEALED_ms = 1200
"""From good inputs on: 20 ms until the force is believed, 150 ms for wheels that disagree, 250 ms
of ramp, and up to 0.5 s more when the gear was lost, whose torque is handed back slowly."""


def is_healed(stretch: Stretch) -> bool:
    """Back on the ground within the stated time, with all the torque, and for good."""
    is_well = is_in(stretch, GROUND) & (stretch["torque.granted_Nm"] == 750.0)
    return bool(is_well[HEALED_ms:].all()) and first_ms(is_well) <= HEALED_ms


ANY: dict[str, tuple[float, float]] = {
    "SpecificForceX_mps2": (-327.0, 327.0),
    "SpecificForceY_mps2": (-327.0, 327.0),
    "SpecificForceZ_mps2": (-327.0, 327.0),
    "AccelStatus": (0, 15),
    "DamperStatus": (0, 15),
    "MotionStatus": (0, 15),
    "GroundSpeed_mps": (0.0, 163.0),
    "Gear": (1, 8),
    **{f"DamperTravel{c}_mm": (0.0, 409.4) for c in CORNERS},
    **{f"WheelSpeed{c}_radps": (0.0, 327.6) for c in CORNERS},
}


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    duration_ms=st.sampled_from([50, 300, 1500, 4000]),
    hold_ms=st.sampled_from([1, 5, 30, 130, 400]),
    calm=st.sampled_from([0.0, 0.02, 1.0]),
)
def test_after_any_signals_the_unit_heals(
    seed: int, duration_ms: int, hold_ms: int, calm: float
) -> None:
    # `calm` draws the values around those of a car that falls: 0 garbage everywhere, 1 free fall
    random = np.random.default_rng(seed)
    garbage: Signals = {}
    for name, (low, high) in ANY.items():
        held = random.uniform(low, high, -(-duration_ms // hold_ms))
        held[random.random(held.size) < 0.05] = NOT_AVAILABLE
        garbage[name] = np.repeat(held, hold_ms)[:duration_ms]
    if random.random() < calm:
        garbage |= {"SpecificForceZ_mps2": 0.0, "SpecificForceX_mps2": 0.0, "AccelStatus": 1}
        garbage |= {"SpecificForceY_mps2": 0.0}
    car = flying_start()
    good: Signals = {name: car.signals[name] for name in garbage}

    car.record = [*RECORD, *(name for name in FLOAT_FIELDS if name not in RECORD)]
    mad = car.drive(duration_ms, **garbage)
    for name in FLOAT_FIELDS:
        assert np.isfinite(mad[name]).all(), name

    assert is_healed(car.drive(HEALED_ms + 600, **good))


def random_frames(
    random: np.random.Generator, ticks: int
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Draw three frames a tick: of the flight sensors, with a right checksum, and foreign ones."""
    bus = Database.own()
    flight = [
        bus.message(name).frame_id
        for name in ("InertialAccel", "DamperTravel", "WheelSpeeds", "VehicleMotion")
    ]
    frame = np.zeros(3 * ticks, dtype=FRAME_DTYPE)
    frame["data"] = random.integers(0, 256, (len(frame), 8))
    frame["length"] = np.where(random.random(len(frame)) < 0.95, 8, random.integers(0, 9, 1))
    is_known = random.random(len(frame)) < 0.7
    frame["id"] = np.where(
        is_known, random.choice(flight, len(frame)), random.integers(0x600, 0x7F0, len(frame))
    )
    protect(frame)
    return frame, np.repeat(np.arange(ticks), 3).astype(np.int64)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), ticks=st.sampled_from([20, 400, 3000]))
def test_after_any_frames_the_unit_heals(seed: int, ticks: int) -> None:
    car = flying_start()
    frame, tick = random_frames(np.random.default_rng(seed), ticks)

    mad = car.ecu.run(frame, tick, ticks, record=FLOAT_FIELDS, every_ticks=1)
    for name, column in mad.columns.items():
        assert np.isfinite(column).all(), name

    # Engine, pedals and temperatures were silent meanwhile: their torque returns at their own pace
    healed = car.drive(12_000)
    back = is_in(healed, GROUND)
    assert back[HEALED_ms:].all()
    flying = ("FlightSuspect", "FlightAir", "FlightLanding", "FlightRamp")
    names = next(f.choices for f in Ecu.fields() if f.name == "torque.reason") or {}
    codes = [code for code, text in names.items() if text in flying]
    assert len(codes) == len(flying)
    assert not np.isin(healed["torque.reason"][HEALED_ms:], codes).any()
