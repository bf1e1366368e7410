"""Random drives: a few segments drawn by hypothesis, expanded to a signal every millisecond.

A segment lasts a while, sets some signals and silences some messages. What a segment does not name
goes on as it was. Two cars that get the same segments get the same frames, but for what a test
changes in one of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from d7xr.database import Database
from tests.car import Car, Level

NAN = math.nan


@dataclass(frozen=True, slots=True)
class Segment:
    """A while in which nothing but ramps changes.

    Attributes:
        duration_ms: How long it lasts.
        signals: Signals that it sets; NaN is sent as not available. A temperature that can be true
            is moved towards, all others jump.
        silent: Messages that are not sent.
    """

    duration_ms: int
    signals: Mapping[str, float] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()


CALM: Mapping[str, tuple[float, ...]] = {
    "EngineSpeed_rpm": (0.0, 900.0, 2500.0, 3252.0, 5200.0, 6500.0, 6850.0, 7060.0, 7300.0),
    "Pedal": (0.0, 10.0, 35.0, 60.0, 100.0),
    "Gear": (0.0, 1.0, 3.0, 8.0, 9.0),
    "KillSwitch": (0.0, 0.0, 0.0, 1.0),
    "Ignition": (1.0, 1.0, 1.0, 0.0),
    "EngineStatus": (2.0, 2.0, 1.0, 0.0),
    "CoolantIn_degC": (60.0, 85.0, 95.0, 103.0, 109.0, 116.0, 123.0, 140.0),
    "EngineOil_degC": (70.0, 100.0, 136.0, 150.0, 160.0),
    "ChargeAir_degC": (20.0, 60.0, 75.0, 110.0),
    "GearboxOil_degC": (60.0, 90.0, 118.0, 130.0, 140.0),
    "AmbientPressure_kPa": (75.0, 90.0, 97.0, 103.0),
    "IntakeAir_degC": (-10.0, 25.0, 55.0),
    "FilterDp_kPa": (0.0, 1.0, 8.0),
    "Battery_V": (11.5, 12.7, 13.8),
    "GroundSpeed_mps": (0.0, 16.0, 21.0, 30.0),
    "FanSwitch": (0.0, 1.0),
}
"""What a working car may show, by signal; `Pedal` moves both tracks."""

PROTECTED_SIGNALS = (
    "EngineSpeed_rpm", "Gear", "KillSwitch", "Ignition", "EngineStatus", "CoolantIn_degC",
    "EngineOil_degC", "ChargeAir_degC", "GearboxOil_degC", "AmbientPressure_kPa", "IntakeAir_degC",
    "FilterDp_kPa", "AcceleratorTrack1_pct", "AcceleratorTrack2_pct", "TurbineSpeed_rpm",
    "LockUpClutch", "TransferRange", "TargetGear", "MassAirFlow_gps", "CoolantOut_degC",
    "Throttle_pct", "EngineTorque_Nm", "BrakePedal_pct", "FanSwitch", "GroundSpeed_mps",
    "Battery_V", "Ambient_degC",
)  # fmt: skip
"""Inputs whose loss must never give torque. Not among them: what only Flight Mode looks at."""

RECEIVED = (
    "InertialAccel", "InertialRate", "DamperTravel", "WheelSpeeds", "EngineState", "GearboxState",
    "DriverDemand", "VehicleMotion", "AirPath", "ThermalState", "FanFeedback", "FuelSenders",
    "AmbientState",
)  # fmt: skip
MESSAGE_OF = {
    signal.name: message.name for message in Database.own().messages for signal in message.signals
}
DURATIONS_ms = (7, 40, 150, 600, 2500, 7000)
TEMPERATURES = ("CoolantIn_degC", "EngineOil_degC", "ChargeAir_degC", "GearboxOil_degC")
FASTEST_Kps = 8.0
"""A faster change would be a broken wire."""


def _spread(signals: Mapping[str, float]) -> dict[str, float]:
    """Move both tracks when the pedal moves."""
    plain = {name: value for name, value in signals.items() if name != "Pedal"}
    if "Pedal" in signals:
        plain["AcceleratorTrack1_pct"] = signals["Pedal"]
        plain["AcceleratorTrack2_pct"] = signals["Pedal"]
    return plain


def calm_segments(max_size: int = 6) -> st.SearchStrategy[list[Segment]]:
    """Return drives of a working car: every signal is there and agrees with the others."""
    settings = st.lists(
        st.sampled_from(sorted(CALM)).flatmap(
            lambda name: st.tuples(st.just(name), st.sampled_from(CALM[name]))
        ),
        max_size=4,
    )
    segment = st.builds(
        lambda duration_ms, pairs: Segment(duration_ms, _spread(dict(pairs))),
        st.sampled_from(DURATIONS_ms),
        settings,
    )
    return st.lists(segment, min_size=1, max_size=max_size)


def wild_segments(max_size: int = 6) -> st.SearchStrategy[list[Segment]]:
    """Return drives in which anything may read anything, be not available or be silent."""
    bus = Database.own()
    names = sorted(
        signal.name for name in RECEIVED for signal in bus.message(name).values
    )  # fmt: skip
    value = st.one_of(
        st.just(NAN), st.floats(-600.0, 16_000.0, width=32), st.sampled_from((0.0, 1.0, 2.0, 15.0))
    )
    segment = st.builds(
        Segment,
        st.sampled_from(DURATIONS_ms),
        st.dictionaries(st.sampled_from(names), value, max_size=8),
        st.frozensets(st.sampled_from(RECEIVED), max_size=3),
    )
    return st.lists(st.one_of(segment, calm_segments(1).map(lambda drawn: drawn[0])), min_size=1,
                    max_size=max_size)  # fmt: skip


def _towards(car: Car, name: str, segment: Segment) -> Level:
    """Let a temperature move from where it is as fast as a true one can."""
    start, target = car.signals[name], segment.signals[name]
    if not isinstance(start, float) or math.isnan(start):
        return target
    reach_K = FASTEST_Kps * np.arange(segment.duration_ms) / 1000.0
    return np.asarray(np.clip(target, start - reach_K, start + reach_K), dtype=np.float64)


def play(car: Car, segments: Sequence[Segment]) -> dict[str, NDArray[np.float64]]:
    """Drive the segments and return every recorded state at every tick, as float64."""
    parts: list[Mapping[str, NDArray[np.float64]]] = []
    for segment in segments:
        car.silent = set(segment.silent)
        levels: dict[str, Level] = dict(segment.signals)
        for name in TEMPERATURES:
            if 0.0 <= segment.signals.get(name, NAN) <= 200.0:
                levels[name] = _towards(car, name, segment)
        parts.append(car.drive(segment.duration_ms, **levels).run.columns)
    return {
        name: np.concatenate([part[name].astype(np.float64) for part in parts])
        for name in car.record
    }


def broken_from(
    segments: Sequence[Segment], at: int, *, signals: Mapping[str, float], silent: frozenset[str]
) -> list[Segment]:
    """Return the segments with signals at fixed values and messages silent from one of them on."""
    return [
        segment if index < at else replace(
            segment, signals={**segment.signals, **signals}, silent=segment.silent | silent
        )
        for index, segment in enumerate(segments)
    ]  # fmt: skip


def held_from(segments: Sequence[Segment], at: int, names: frozenset[str]) -> list[Segment]:
    """Return the segments with some signals staying from one on where they were before it."""
    return [
        segment if index < at else replace(
            segment,
            signals={name: value for name, value in segment.signals.items() if name not in names},
        )
        for index, segment in enumerate(segments)
    ]  # fmt: skip
