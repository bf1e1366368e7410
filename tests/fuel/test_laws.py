"""What holds of fuel whatever happens: nothing worse ever promises more."""

from collections.abc import Mapping

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.car import Car
from tests.fuel.tank import NAMES, Drive, TankCar, shake
from tests.scenario import Segment, play, wild_segments

GROUND = ("smooth", "rough", "bends", "idle")
CAPACITY_L, UNUSABLE_L, THRIFTIEST_Lp100km = 550.0, 5.0, 20.0
LOSSES: tuple[Mapping[str, float], ...] = (
    {"FuelSenderA_L": np.nan}, {"FuelSenderB_L": np.nan},
    {"FuelSenderA_L": np.nan, "FuelSenderB_L": np.nan}, {"InjectedFuel_mlps": np.nan},
    {"InjectedFuel_mlps": 0.0}, {"FuelSenderA_L": 550.0}, {"FuelSenderB_L": 0.0},
    {"Collector_pct": np.nan}, {"FuelSenderA_L": np.nan, "InjectedFuel_mlps": np.nan},
    dict.fromkeys(("FuelSenderA_L", "FuelSenderB_L", "InjectedFuel_mlps", "Collector_pct"), np.nan),
)  # fmt: skip
WATCHED = ("fuel.range_km", "fuel.bound_Nm", "fuel.consumption_Lp100km", "fuel.stage_Lp100km",
           "torque.granted_Nm")  # fmt: skip
ROUND_ms = 100
"""Range is judged once in so long, so it may rest on a mean of just before."""
SLOSH_km = 4.0
"""Of range: 2.5 l that two cars' senders may be apart by slosh and noise."""


def along(car: TankCar, ground: str, seconds: int, seed: int) -> Drive:
    """Drive a stretch of some ground at 60 km/h."""
    if ground == "idle":
        standing = {"GroundSpeed_mps": 0.0, "EngineTorque_Nm": 10.0, "EngineSpeed_rpm": 700.0}
        return car.drive(seconds, flow_mlps=1.0, **standing)
    size = {"smooth": 0.1, "rough": 2.0, "bends": 0.6}[ground]
    return car.drive(
        seconds, shake(seed, size), flow_mlps=18.0 if ground == "rough" else 11.0,
        GroundSpeed_mps=16.7, EngineTorque_Nm=300.0, EngineSpeed_rpm=3252.0,
    )  # fmt: skip


DRIVES = st.lists(
    st.tuples(st.sampled_from(GROUND), st.sampled_from((15, 70)), st.integers(0, 99)),
    min_size=2, max_size=4,
)  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(drives=DRIVES, volume_L=st.sampled_from((20.0, 60.0, 300.0, 540.0)),
       broken=st.sampled_from(LOSSES))  # fmt: skip
def test_a_worse_sensor_never_promises_a_longer_range_nor_gives_more_torque(
    drives: list[tuple[str, int, int]], volume_L: float, broken: Mapping[str, float]
) -> None:
    well, ill = (TankCar(volume_L, record=WATCHED) for _ in range(2))
    for car in (well, ill):
        along(car, "smooth", 15, 0)
    ill.broken = dict(broken)

    for ground, seconds, seed in drives:
        healthy, faulty = (along(car, ground, seconds, seed) for car in (well, ill))
        more_km = faulty["range_km"] - healthy["range_km"]
        assert more_km.max() <= SLOSH_km, (ground, broken)
        assert (faulty["bound_Nm"] <= healthy["bound_Nm"]).all()
        assert (faulty["torque.granted_Nm"] <= healthy["torque.granted_Nm"]).all()


@settings(max_examples=8, deadline=None)
@given(
    drives=DRIVES,
    volume_L=st.sampled_from((30.0, 300.0, 540.0)),
    flow_error=st.sampled_from((-0.02, 0.0, 0.02)),
    sender_error_L=st.sampled_from((-7.0, 0.0, 7.0)),
)
def test_the_range_shown_is_never_more_than_the_true_tank_allows(
    drives: list[tuple[str, int, int]], volume_L: float, flow_error: float, sender_error_L: float
) -> None:
    car = TankCar(volume_L, flow_error=flow_error, sender_error_L=sender_error_L, record=WATCHED)
    along(car, "smooth", 25, 0)

    for ground, seconds, seed in drives:
        drive = along(car, ground, seconds, seed)
        worst = np.maximum(drive["consumption_Lp100km"], drive["stage_Lp100km"])
        worst = np.minimum(worst, np.r_[np.full(ROUND_ms, worst[0]), worst[:-ROUND_ms]])
        true_km = 100.0 * np.maximum(drive.volume_L - UNUSABLE_L, 0.0) / worst
        assert (drive["range_km"] <= true_km + SLOSH_km).all()


@settings(max_examples=30, deadline=None)
@given(segments=wild_segments())
def test_whatever_the_bus_brings_every_number_stays_possible(segments: list[Segment]) -> None:
    driven = play(Car(record=NAMES), segments)

    for name, column in driven.items():
        assert np.isfinite(column).all(), name
    volume = driven["fuel.volume_L"]
    assert ((volume >= 0.0) & (volume <= CAPACITY_L)).all()
    assert (driven["fuel.range_km"] <= 100.0 * CAPACITY_L / THRIFTIEST_Lp100km).all()
    assert (driven["fuel.range_km"] <= driven["fuel.range_likely_km"] * (1 + 1e-6)).all()
    assert ((driven["fuel.bound_Nm"] >= 0.0) & (driven["fuel.bound_Nm"] <= 750.0)).all()
    assert (np.diff(driven["fuel.bound_Nm"], prepend=750.0) >= -1.5 - 1e-3).all()
