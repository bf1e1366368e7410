"""What holds of the fans whatever the bus brings, and in a closed loop with a radiator."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.benches import COOLING
from tests.car import Car, Level
from tests.cooling.test_stories import FANS, RECORD, running
from tests.scenario import NAN, Segment, broken_from, calm_segments, play, wild_segments

START = {"FlightModeSwitch": 0.0}
ON = [f"cooling.fans.fan[{i}].is_on" for i in FANS]
DUTY = [f"cooling.fans.fan[{i}].duty_pct" for i in FANS]

type Columns = Mapping[str, NDArray[np.float64]]


def start_ticks(driven: Columns) -> NDArray[np.int64]:
    """Return the ticks at which any fan starts; two at once count twice."""
    on = np.stack([driven[name] for name in ON])
    return np.sort(np.argwhere(np.diff(on, axis=1, prepend=0.0) > 0)[:, 1])


def running_count(driven: Columns) -> NDArray[np.float64]:
    return np.asarray(np.stack([driven[name] for name in ON]).sum(axis=0))


def assert_laws(driven: Columns) -> None:
    starts = start_ticks(driven)
    assert (np.diff(starts) >= 1000).all()
    flying = (driven["flight_mode.state"] >= 1) & (driven["flight_mode.state"] <= 3)
    after = np.convolve(flying, np.ones(300), "full")[: len(flying)] > 0
    assert not after[starts].any()
    duty, on = np.stack([driven[n] for n in DUTY]), np.stack([driven[n] for n in ON])
    assert (duty[on == 0] == 0.0).all()
    assert ((duty[on == 1] >= 10.0) & (duty[on == 1] <= 90.0)).all()
    is_stop = np.isin(driven["cooling.state"], (COOLING["Off"], COOLING["Cranking"]))
    assert (on[:, is_stop] == 0).all()
    assert (driven["cooling.stage"][is_stop] == 0).all()
    mask = sum(on[i].astype(int) << i for i in FANS)
    assert (driven["cooling.fans.running_mask"] == mask).all()
    dropped = sum(driven[f"cooling.fans.fan[{i}].is_dropped"] for i in FANS)
    assert np.max(dropped) <= 2
    assert ((driven["cooling.pump_pct"] >= 0.0) & (driven["cooling.pump_pct"] <= 100.0)).all()
    blind = driven["cooling.state"] == COOLING["SensorLost"]
    assert (driven["cooling.stage"][blind] >= 2).all()


@settings(max_examples=50)
@given(segments=wild_segments(8))
def test_starts_are_spaced_duties_valid_and_stops_complete(segments: list[Segment]) -> None:
    assert_laws(play(Car(record=RECORD), segments))


@settings(max_examples=40)
@given(
    hot_at_ms=st.integers(0, 3000), air_ms=st.integers(150, 1500), gap_ms=st.integers(50, 800),
    hot_degC=st.sampled_from([89.0, 93.0, 101.0, NAN]),
)  # fmt: skip
def test_no_fan_starts_between_suspicion_and_300_milliseconds_after_a_landing(
    hot_at_ms: int, air_ms: int, gap_ms: int, hot_degC: float
) -> None:
    total = 600 + 2 * air_ms + gap_ms + 1500
    time_ms = np.arange(total)
    first, second = 600, 600 + air_ms + gap_ms
    in_air = ((time_ms >= first) & (time_ms < first + air_ms)) | (
        (time_ms >= second) & (time_ms < second + air_ms)
    )
    travel = np.where(in_air, 30.0, 130.0)
    levels: dict[str, Level] = {f"DamperTravel{c}_mm": travel for c in ("FL", "FR", "RL", "RR")}
    coolant = np.where(time_ms < min(hot_at_ms, total - 1), 86.0, hot_degC)
    car = Car(signals={"CoolantIn_degC": 86.0}, record=RECORD)
    car.drive(2000)

    flown = car.drive(
        total, SpecificForceZ_mps2=np.where(in_air, 0.3, 9.81), CoolantIn_degC=coolant, **levels
    )

    columns = {name: flown[name].astype(np.float64) for name in RECORD}
    assert (columns["flight_mode.state"] == 2).any() or air_ms < 200
    assert_laws(columns)


TEMPERATURES = ("CoolantIn_degC", "EngineOil_degC", "ChargeAir_degC", "GearboxOil_degC")


@settings(max_examples=40)
@given(
    segments=calm_segments(),
    at=st.integers(0, 5),
    ways=st.dictionaries(
        st.sampled_from(TEMPERATURES), st.sampled_from((NAN, -50.0, 350.0, -20.0)), min_size=1
    ),
    is_silent=st.booleans(),
)
def test_a_worse_sensor_never_wants_or_runs_fewer_fans(
    segments: list[Segment], at: int, ways: dict[str, float], is_silent: bool
) -> None:
    """Against the car whose sensors stay where they were.

    Of the fans that run, those count that are wanted: a fan that the worse car started earlier has
    had its minimum time earlier too, and may be shed for the battery while the other's still runs.
    A sensor that reads -20 degC is broken by its jump only if it read more than 5 K above that; all
    temperatures of a calm drive are far above.
    """
    held = [
        *segments[:at],
        *(Segment(s.duration_ms, {n: v for n, v in s.signals.items() if n not in TEMPERATURES})
          for s in segments[at:]),
        Segment(20_000),
    ]  # fmt: skip
    silent = frozenset({"ThermalState"}) if is_silent else frozenset[str]()
    start = [Segment(2000, {**START, "CoolantIn_degC": 93.0})]
    record = [*ON, "cooling.stage"]

    well = play(Car(record=record), [*start, *held])
    ill = play(Car(record=record), [*start, *broken_from(held, at, signals=ways, silent=silent)])

    assert (ill["cooling.stage"] >= well["cooling.stage"]).all()
    least = np.minimum(running_count(well), ill["cooling.stage"])
    assert (running_count(ill) >= least).all()


def is_hotter_never_fewer(low_degC: float, high_degC: float, car: Car) -> bool:
    twin = car.fork()
    a = car.drive(300, CoolantIn_degC=low_degC)["cooling.stage"]
    b = twin.drive(300, CoolantIn_degC=high_degC)["cooling.stage"]
    return bool((b >= a).all())


@settings(max_examples=60)
@given(
    history=st.lists(st.floats(81.0, 106.0), max_size=6),
    low=st.floats(82.0, 106.0),
    more=st.floats(0.0, 4.0),
    speed_mps=st.sampled_from([0.0, 30.0, NAN]),
    battery_V=st.sampled_from([12.2, 12.8, 13.8]),
)
def test_hotter_never_wants_fewer_fans(
    history: list[float], low: float, more: float, speed_mps: float, battery_V: float
) -> None:
    car = Car(
        signals={"CoolantIn_degC": 93.0, "GroundSpeed_mps": speed_mps, **START}, record=RECORD
    )
    car.drive(2500, Battery_V=battery_V)
    last = 93.0
    for target in [*history, low]:  # as fast as coolant may move
        steps = np.linspace(last, target, int(abs(target - last) / 8.0 * 1000.0) + 100)
        car.drive(len(steps), CoolantIn_degC=steps)
        last = target

    assert is_hotter_never_fewer(last, last + more, car)


# ---- closed loop

CAPACITY_JpK = 207e3
FAN_WpK = 700.0
NATURAL_WpK = 500.0
AMBIENT_degC = 40.0
MAX_STARTS_PER_HOUR = 60
STEP_ms = 1000
NOT_NEEDED = ("InertialAccel", "InertialRate", "DamperTravel", "WheelSpeeds", "GearboxState",
              "AirPath", "FanFeedback", "FuelSenders", "DriverDemand")  # fmt: skip


def closed_loop(heat_W: float, *, minutes: int) -> tuple[float, float, float]:
    """Return starts per hour and the coolant's range in the second half, at a constant heat.

    One lump of coolant and engine block; each running fan moves air that takes its share of the
    difference to ambient. The sensor sees the lump with 0.1 K of noise.
    """
    random = np.random.default_rng(3)
    car = Car(signals={"GroundSpeed_mps": 0.0}, silent=NOT_NEEDED, record=ON)
    coolant_degC, starts = 85.0, 0
    seen: list[float] = []
    before = np.zeros(len(ON))
    steps = minutes * 60_000 // STEP_ms
    for step in range(steps):
        taken_W = (NATURAL_WpK + FAN_WpK * before.sum()) * (coolant_degC - AMBIENT_degC)
        coolant_degC += (heat_W - taken_W) / CAPACITY_JpK * STEP_ms / 1000.0
        driven = car.drive(STEP_ms, CoolantIn_degC=coolant_degC + random.uniform(-0.1, 0.1))
        on = np.column_stack([before, np.stack([driven[name] for name in ON])])
        if step >= steps // 2:
            starts += int((np.diff(on, axis=1) > 0).sum())
            seen.append(coolant_degC)
        before = on[:, -1]
    return starts * 60.0 / (minutes / 2.0), min(seen), max(seen)


@pytest.mark.parametrize("heat_kW", [20.0, 35.0, 50.0, 65.0, 95.0, 130.0, 170.0])
def test_at_constant_heat_the_fans_do_not_hunt(heat_kW: float) -> None:
    per_hour, lowest_degC, highest_degC = closed_loop(heat_kW * 1000.0, minutes=8)

    assert per_hour <= MAX_STARTS_PER_HOUR
    assert 60.0 < lowest_degC < highest_degC < 104.0


def test_the_loop_has_something_to_control() -> None:
    """Without fans the coolant of the model above would boil, with all of them it would not."""
    heat_W = 110e3
    assert AMBIENT_degC + heat_W / NATURAL_WpK > 200.0
    assert AMBIENT_degC + heat_W / (NATURAL_WpK + 4 * FAN_WpK) < 88.0


def test_running_counts_bits() -> None:
    driven = Car(record=RECORD, signals={"FanSwitch": 1.0}).drive(5000)

    assert running(driven)[-1] == 4
