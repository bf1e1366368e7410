"""What holds of torque whatever the bus brings."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from d7xr.database import Database
from d7xr.ecu import Ecu
from d7xr.frames import FRAME_DTYPE
from tests.benches import REASON, RISE_Nm
from tests.car import Car
from tests.scenario import (
    MESSAGE_OF,
    NAN,
    PROTECTED_SIGNALS,
    RECEIVED,
    Segment,
    broken_from,
    calm_segments,
    held_from,
    play,
    wild_segments,
)

UNLIMITED_Nm = 2000.0
BOUNDS = [f"torque.bound_Nm[{code}]" for code in sorted(REASON.values())]
FLOATS = [field.name for field in Ecu.fields() if field.ctype == "float"]
TORQUE = ["torque.demand_Nm", "torque.granted_Nm", "torque.air_path_Nm", "torque.reason",
          "torque.runner_up", "torque.margin_Nm"]  # fmt: skip
ROUNDING_Nm = 2e-3
"""Of float32 sums that two cars make in different order."""

type Columns = dict[str, NDArray[np.float64]]


def assert_laws(driven: Columns) -> None:
    """Check the laws of the arbiter at every tick."""
    demand, granted = driven["torque.demand_Nm"], driven["torque.granted_Nm"]
    bounds = np.stack([driven[name] for name in BOUNDS])
    assert (granted <= demand).all()
    assert (bounds >= 0.0).all()
    assert (granted <= np.maximum(bounds.min(axis=0), 0.0)).all()
    assert ((driven["torque.reason"] == REASON["None"]) == (granted == demand)).all()
    assert np.diff(granted, prepend=0.0).max() <= RISE_Nm
    # No bound turns drive into overrun: below 0 goes only who asked for it, and no further.
    assert (granted >= np.minimum(demand, 0.0)).all()
    assert (granted * demand >= 0.0).all()
    assert (driven["torque.air_path_Nm"] <= demand).all()
    assert (driven["torque.air_path_Nm"] >= granted - ROUNDING_Nm).all()


def assert_winner(driven: Columns) -> None:
    """Check reason, runner-up and margin against the published bounds."""
    demand, reason = driven["torque.demand_Nm"], driven["torque.reason"].astype(int)
    bounds = np.stack([driven[name] for name in BOUNDS])
    lowest = bounds[::-1].min(axis=0)
    winner = bounds.shape[0] - 1 - bounds[::-1].argmin(axis=0)  # of equal ones the highest number
    is_bound = lowest < demand
    assert (reason[is_bound] == winner[is_bound]).all()
    others = bounds.copy()
    others[winner[is_bound], np.flatnonzero(is_bound)] = np.inf
    next_Nm = np.minimum(others.min(axis=0), UNLIMITED_Nm)
    next_one = bounds.shape[0] - 1 - others[::-1].argmin(axis=0)
    next_one = np.where(others.min(axis=0) < UNLIMITED_Nm, next_one, REASON["None"])
    assert (driven["torque.runner_up"] == next_one).all()
    target = np.where(is_bound, lowest, demand)
    np.testing.assert_allclose(driven["torque.margin_Nm"], next_Nm - target, atol=1e-3)


@settings(max_examples=60)
@given(segments=wild_segments())
def test_torque_never_exceeds_demand_nor_any_bound_and_never_jumps_up(
    segments: list[Segment],
) -> None:
    driven = play(Car(record=[*BOUNDS, *TORQUE]), segments)

    assert_laws(driven)
    assert_winner(driven)


@settings(max_examples=30)
@given(segments=wild_segments())
def test_no_state_is_ever_infinite_or_not_a_number(segments: list[Segment]) -> None:
    driven = play(Car(record=FLOATS), segments)

    for name, column in driven.items():
        assert np.isfinite(column).all(), name


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    share_right=st.sampled_from([0.0, 0.5, 1.0]),
    ticks=st.sampled_from([50, 1500]),
)
def test_any_frames_leave_the_laws_and_the_numbers_alone(
    seed: int, share_right: float, ticks: int
) -> None:
    random = np.random.default_rng(seed)
    frame, tick = random_frames(random, 4 * ticks, ticks, share_right)

    run = Ecu().run(frame, tick, ticks, record=[*FLOATS, *BOUNDS, *TORQUE], every_ticks=1)

    columns = {name: column.astype(np.float64) for name, column in run.columns.items()}
    assert_laws(columns)
    assert_winner(columns)
    for name in FLOATS:
        assert np.isfinite(columns[name]).all(), name


def random_frames(
    random: np.random.Generator, count: int, ticks: int, share_right: float
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Return frames of our messages with random bytes, a share of them with the right checksum."""
    from d7xr.database import protect

    messages = [Database.own().message(name) for name in RECEIVED]
    frame = np.zeros(count, dtype=FRAME_DTYPE)
    frame["id"] = random.choice([message.frame_id for message in messages], count)
    frame["length"] = np.where(random.random(count) < 0.95, 8, random.integers(0, 9, count))
    frame["data"] = random.integers(0, 256, (count, 8))
    guarded = frame.copy()
    protect(guarded)
    is_guarded = np.isin(frame["id"], [m.frame_id for m in messages if m.is_protected])
    is_right = (random.random(count) < share_right) & is_guarded
    frame["data"][is_right] = guarded["data"][is_right]
    return frame, np.sort(random.integers(0, ticks, count))


BROKEN = st.one_of(
    st.sampled_from(PROTECTED_SIGNALS).map(lambda name: ({name: NAN}, frozenset[str]())),
    st.sampled_from(sorted(set(RECEIVED) - {"InertialAccel", "InertialRate", "DamperTravel",
                                            "WheelSpeeds"}))
    .map(lambda name: (dict[str, float](), frozenset({name}))),
)  # fmt: skip


@settings(max_examples=80)
@given(segments=calm_segments(), at=st.integers(0, 5), broken=BROKEN)
@example(  # the sensor burns off while the bound is still on its way down: to limp, along the slope
    segments=[Segment(6000, {"CoolantIn_degC": 124.0}), Segment(30_000)],
    at=1, broken=({"CoolantIn_degC": NAN}, frozenset()),
)  # fmt: skip
@example(
    segments=[Segment(6000, {"CoolantIn_degC": 117.5}), Segment(30_000)],
    at=1, broken=({"CoolantIn_degC": NAN}, frozenset()),
)  # fmt: skip
@example(  # stopped, and the switch is lost
    segments=[Segment(600), Segment(40, {"KillSwitch": 1.0}), Segment(2500)],
    at=2, broken=({"KillSwitch": NAN}, frozenset()),
)  # fmt: skip
@example(
    segments=[Segment(600), Segment(40, {"KillSwitch": 1.0}), Segment(2500)],
    at=2, broken=({}, frozenset({"DriverDemand"})),
)  # fmt: skip
@example(  # the air gets thin while nobody hears the engine
    segments=[Segment(600, {"EngineSpeed_rpm": 5200.0}),
              Segment(40), Segment(150, {"IntakeAir_degC": 150.0, "AmbientPressure_kPa": 60.0})],
    at=1, broken=({}, frozenset({"EngineState"})),
)  # fmt: skip
@example(  # a fault during the return from another one
    segments=[Segment(600), Segment(40, {"KillSwitch": 1.0}), Segment(150, {"KillSwitch": 0.0}),
              Segment(600)],
    at=3, broken=({"Gear": NAN}, frozenset()),
)  # fmt: skip
@example(  # the last of a sample that is still being filtered
    segments=[Segment(600, {"EngineSpeed_rpm": 5200.0, "FilterDp_kPa": 0.0}),
              Segment(40, {"FilterDp_kPa": 25.0}), Segment(2500)],
    at=2, broken=({"FilterDp_kPa": NAN}, frozenset()),
)  # fmt: skip
def test_losing_an_input_never_gives_more_torque_than_the_same_input_where_it_was(
    segments: list[Segment], at: int, broken: tuple[dict[str, float], frozenset[str]]
) -> None:
    """The law of a lost input.

    It holds for the bounds of torque.c at every tick from the loss on, and after the input is back,
    with Flight Mode switched off: a car whose inertial unit is lost cannot know that it flies, and
    Flight Mode is there for the drive line, not for safety. It does not hold for the feedback of
    fans: an unheard fan is not a failed one, so the coolant's slope does not begin earlier for it.
    """
    signals, silent = broken
    names = frozenset(signals) | {n for n, message in MESSAGE_OF.items() if message in silent}
    if names & PEDAL:
        names |= PEDAL
    start = [Segment(300, {"FlightModeSwitch": 0.0})]
    held = held_from(segments, at, names)
    record = ["torque.granted_Nm"]
    well, ill = Car(record=record), Car(record=record)

    healthy = play(well, [*start, *held])
    faulty = play(ill, [*start, *broken_from(held, at, signals=signals, silent=silent)])
    for name in signals:
        ill.signals[name] = well.signals[name]
    healthy_after = play(well, [Segment(3000)])
    faulty_after = play(ill, [Segment(3000)])

    more_Nm = faulty["torque.granted_Nm"] - healthy["torque.granted_Nm"]
    assert more_Nm.max() <= ROUNDING_Nm, f"at {more_Nm.argmax()} ms"
    more_Nm = faulty_after["torque.granted_Nm"] - healthy_after["torque.granted_Nm"]
    assert more_Nm.max() <= ROUNDING_Nm, f"{more_Nm.argmax()} ms after"


PEDAL = frozenset({"AcceleratorTrack1_pct", "AcceleratorTrack2_pct"})

TEMPERATURES = ("CoolantIn_degC", "EngineOil_degC", "ChargeAir_degC", "GearboxOil_degC")
RAMPS = st.lists(
    st.tuples(
        st.sampled_from((500, 3000, 9000)),
        st.dictionaries(st.sampled_from(TEMPERATURES), st.integers(-4, 4), max_size=4),
    ),
    min_size=1, max_size=6,
)  # fmt: skip
"""Stretches and the slope of each temperature in kelvin per second."""


@settings(max_examples=40)
@given(
    ramps=RAMPS,
    which=st.sets(st.sampled_from(TEMPERATURES), min_size=1),
    hotter_K=st.sampled_from((0.5, 2.0, 10.0, 25.0)),
)
def test_hotter_never_gives_more_torque(
    ramps: list[tuple[int, dict[str, int]]], which: set[str], hotter_K: float
) -> None:
    start = {"CoolantIn_degC": 95.0, "EngineOil_degC": 120.0, "ChargeAir_degC": 60.0,
             "GearboxOil_degC": 105.0}  # fmt: skip
    record = ["torque.granted_Nm", "cooling.stage"]
    cool = Car(signals={**start}, record=record)
    hot = Car(signals={n: v + hotter_K * (n in which) for n, v in start.items()}, record=record)

    for duration_ms, slopes in ramps:
        time_s = np.arange(duration_ms) / 1000.0
        levels = {}
        for name in TEMPERATURES:
            begin = cool.signals[name]
            assert isinstance(begin, float)
            lowest, highest = start[name] - 40.0, start[name] + 25.0
            levels[name] = np.clip(begin + slopes.get(name, 0) * time_s, lowest, highest)
        a = cool.drive(duration_ms, **levels)
        b = hot.drive(duration_ms, **{n: v + hotter_K * (n in which) for n, v in levels.items()})
        assert (b["torque.granted_Nm"] <= a["torque.granted_Nm"] + ROUNDING_Nm).all()
        assert (b["cooling.stage"] >= a["cooling.stage"]).all()


SLOW = (*TEMPERATURES, "AmbientPressure_kPa")
HEALED_ms = 90_000
"""Ten seconds to believe a temperature, then 750 Nm at 10 Nm/s, and some."""


@settings(max_examples=25)
@given(segments=wild_segments())
def test_once_all_inputs_are_good_again_the_driver_gets_all_within_ninety_seconds(
    segments: list[Segment],
) -> None:
    """From any history, but that a temperature is believed again only where it was left.

    A sensor that comes back farther below its last believed value than a car cools stays lost, so
    here each comes back within what was believed last. Nor does the barometer move: it is believed
    to rise only as fast as a car descends.
    """
    record = ["torque.granted_Nm", "torque.demand_Nm", "torque.reason", "fault.count"]
    car = Car(record=record)
    calm = dict(car.signals)
    driven = [Segment(s.duration_ms, {n: v for n, v in s.signals.items() if n not in SLOW},
                      s.silent) for s in segments]  # fmt: skip

    play(car, driven)
    car.silent = set()
    healed = car.drive(HEALED_ms, **calm)

    assert healed["torque.granted_Nm"][-1] == healed["torque.demand_Nm"][-1] == 750.0
    assert healed["torque.reason"][-1] == REASON["None"]
    assert healed["fault.count"][-1] == 0


def test_the_value_of_an_unusable_signal_is_never_read() -> None:
    """Poison every unusable input with NaN: nothing that leaves the unit may change."""
    places = {f.name: f.offset for f in Ecu.fields() if f.name.startswith("inputs.")}
    usable = [name for name in places if name.endswith(".is_usable")]
    clean, poisoned = Car(record=[*TORQUE, "cooling.stage"]), Car(record=[*TORQUE, "cooling.stage"])
    for car in (clean, poisoned):
        car.drive(500)
    for message in (*RECEIVED, ""):
        parts = []
        for car in (clean, poisoned):
            car.silent = {message}
            car.drive(1600)
            if car is poisoned:
                state = bytearray(car.ecu.snapshot())
                for name in usable:
                    if not car.ecu[name]:
                        place = places[name.replace(".is_usable", ".value")]
                        state[place : place + 4] = np.float32(np.nan).tobytes()
                car.ecu.restore(bytes(state))
            parts.append(car.drive(300).run)
        for name in parts[0].columns:
            assert (parts[0].columns[name] == parts[1].columns[name]).all(), (message, name)
        assert (parts[0].sent == parts[1].sent).all()
