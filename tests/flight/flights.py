"""What the sensors of a car see when it leaves the ground: signals for the bench, no logic.

Shapes follow the half-car study behind the calibration. The force goes within 10 ms, rebound
damping pulls the body below 0 g at first, springs unload towards droop with a time constant of
0.12 s, wheels under torque gain 90 rad/s^2. At the touchdown the dampers compress and the force
peaks, swings and settles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from d7xr.ecu import Ecu, calibration_default, calibration_parameters
from tests.car import Car, G_mps2, Level, RADIUS_m, Stretch, dampers, wheels

SPEED_mps = 16.7
GROUND_radps = SPEED_mps / RADIUS_m
STATIC_mm = 130.0
DROOP_mm = 20.0

GROUND, SUSPECT, AIR, LANDING, RAMP = range(5)

RECORD = tuple(
    field.name
    for field in Ecu.fields()
    if field.name.startswith(("flight_mode.", "torque.", "fault.active_mask", "inputs.s"))
    or field.name.startswith(("inputs.ground_speed", "inputs.gear.", "inputs.target_gear"))
)
"""What the tests of flight look at; all fields of every tick would take most of their time."""

type Column = NDArray[np.float64]
type Signals = dict[str, Level]


@dataclass(frozen=True, slots=True)
class Jump:
    """A flight with ground before and behind it; times in milliseconds.

    Attributes:
        air_ms: From the last tyre that leaves to the first that comes back.
        lead_ms: Ground before the take-off.
        after_ms: Ground after the touchdown.
        is_lip: Off a lip, compressed and rising; else over an edge, at ride height and falling.
        overspeed: How much faster than the ground the wheels get.
        sync_ms: How long the ground takes to bring the wheels back to its speed.
        landing_g: Peak of the force at the touchdown.
    """

    air_ms: int
    lead_ms: int = 100
    after_ms: int = 1500
    is_lip: bool = False
    overspeed: float = 0.15
    sync_ms: float = 40.0
    landing_g: float = 4.0

    @property
    def duration_ms(self) -> int:
        """The whole stretch."""
        return self.lead_ms + self.air_ms + self.after_ms

    @property
    def touchdown_ms(self) -> int:
        """When the first tyre is back."""
        return self.lead_ms + self.air_ms

    def signals(self) -> Signals:
        """Return what the sensors see, one value a millisecond."""
        time_ms = np.arange(self.duration_ms, dtype=np.float64) - self.lead_ms
        return {
            "SpecificForceZ_mps2": self._force_mps2(time_ms),
            **dampers(self._travel_mm(time_ms)),
            **wheels(self._wheel_radps(time_ms)),
        }

    def _parts(self, time_ms: Column) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Column]:
        in_air = (time_ms >= 0) & (time_ms < self.air_ms)
        down = time_ms >= self.air_ms
        return in_air, down, np.maximum(time_ms - self.air_ms, 0.0)

    def _force_mps2(self, time_ms: Column) -> Column:
        before_g = 1.6 if self.is_lip else 1.0
        in_air, down, since_ms = self._parts(time_ms)
        force_g = np.where(time_ms > -150, before_g, 1.0)
        flying_g = -0.2 * np.exp(-time_ms.clip(0) / 150.0)
        fade = np.clip(time_ms / 10.0, 0.0, 1.0)
        force_g = np.where(in_air, before_g * (1 - fade) + flying_g * fade, force_g)
        rise = np.clip(since_ms / 20.0, 0.0, 1.0)
        swing = (self.landing_g - 1.0) * np.exp(-since_ms / 60.0) * np.cos(since_ms / 25.0)
        return G_mps2 * np.where(down, rise * (1.0 + np.maximum(swing, -0.3)), force_g)

    def _travel_mm(self, time_ms: Column) -> Column:
        start_mm = 190.0 if self.is_lip else STATIC_mm
        in_air, down, since_ms = self._parts(time_ms)
        before = STATIC_mm + (start_mm - STATIC_mm) * np.clip((time_ms + 150) / 150, 0.0, 1.0)
        flying = DROOP_mm + (start_mm - DROOP_mm) * np.exp(-time_ms.clip(0) / 120.0)
        last_mm = DROOP_mm + (start_mm - DROOP_mm) * np.exp(-self.air_ms / 120.0)
        speed_mps = max(0.8, 0.5 * G_mps2 * self.air_ms / 1000.0)
        peak_ms = 150.0 / speed_mps
        peak_mm = last_mm + speed_mps * peak_ms
        hit = last_mm + speed_mps * np.minimum(since_ms, peak_ms)
        back = STATIC_mm + (peak_mm - STATIC_mm) * np.exp(-(since_ms - peak_ms).clip(0) / 150.0)
        landed = np.where(since_ms < peak_ms, hit, back)
        return np.where(down, landed, np.where(in_air, flying, before))

    def _wheel_radps(self, time_ms: Column) -> Column:
        in_air, down, since_ms = self._parts(time_ms)
        gain = self.overspeed * GROUND_radps
        ahead = np.minimum(90.0e-3 * time_ms.clip(0), gain)
        last = min(90.0e-3 * self.air_ms, gain)
        landed = last * np.exp(-since_ms / self.sync_ms)
        return GROUND_radps + np.where(down, landed, np.where(in_air, ahead, 0.0))


@cache
def _warm(calibration: bytes | None, gap: tuple[str, ...]) -> Car:
    car = Car(calibration, silent=gap, record=RECORD)
    car.drive(3000)
    return car


def flying_start(calibration: bytes | None = None, *, silent: tuple[str, ...] = ()) -> Car:
    """Return a car that has driven for 3 s: the reference speed has come up, torque is full."""
    return _warm(calibration, silent).fork()


def calibrated(**values: float | tuple[float, ...]) -> bytes:
    """Return the built-in set with some numbers changed; ``__`` stands for the point of a name."""
    blob = bytearray(calibration_default())
    found = {p.name.replace(".", "__"): p for p in calibration_parameters()}
    for name, value in values.items():
        parameter = found[name]
        kind = "<f4" if parameter.ctype == "float" else "<u4"
        column = np.array(value, dtype=kind).reshape(-1)
        assert column.size == parameter.count, name
        blob[parameter.offset : parameter.offset + 4 * column.size] = column.tobytes()
    return bytes(blob)


def states(stretch: Stretch) -> list[str]:
    """Return the flight states that a stretch went through."""
    return stretch.texts("flight_mode.state")


def is_in(stretch: Stretch, *states: int) -> NDArray[np.bool_]:
    """Tell for every tick whether the flight state is one of these."""
    return np.isin(stretch["flight_mode.state"], states)


def first_ms(condition: NDArray[np.bool_]) -> int:
    """Return the first tick at which a condition holds."""
    assert condition.any(), "never"
    return int(np.argmax(condition))


def spans_ms(condition: NDArray[np.bool_]) -> list[int]:
    """Return how long each unbroken stretch of a condition lasts."""
    edges = np.flatnonzero(np.diff(np.r_[0, condition.astype(np.int8), 0]))
    return [int(n) for n in edges[1::2] - edges[::2]]


def stays_on_the_ground(stretch: Stretch) -> bool:
    """No flight is declared anywhere in a stretch."""
    return not is_in(stretch, AIR, LANDING, RAMP).any()


def fault_is_active(stretch: Stretch, number: int) -> NDArray[np.bool_]:
    """Tell for every tick whether a fault is active."""
    word = stretch[f"fault.active_mask[{number // 32}]"]
    active: NDArray[np.bool_] = (word >> number % 32 & 1) != 0
    return active


def patched(ecu: Ecu, fields: Mapping[str, int]) -> Ecu:
    """Return a copy of a unit with some of its counters set."""
    state = bytearray(ecu.snapshot())
    found = {field.name: field for field in Ecu.fields()}
    for name, value in fields.items():
        field = found[name]
        state[field.offset : field.offset + field.size] = value.to_bytes(field.size, "little")
    other = ecu.fork()
    other.restore(bytes(state))
    return other


def fly(
    jump: Jump,
    other: Signals | None = None,
    *,
    car: Car | None = None,
    duration_ms: int | None = None,
) -> Stretch:
    """Let a car jump, from its beginning and for as long as asked.

    Args:
        jump: What the sensors see.
        other: Signals that differ from it.
        car: Who jumps; None takes a flying start.
        duration_ms: How much of it; None takes all of it.
    """
    length = jump.duration_ms if duration_ms is None else duration_ms
    cut = {
        name: level[:length] if isinstance(level, np.ndarray) else level
        for name, level in {**jump.signals(), **(other or {})}.items()
    }
    return (car or flying_start()).drive(length, **cut)


def in_a_row(pieces: Sequence[tuple[int, Signals]]) -> tuple[int, Signals]:
    """Return pieces of (milliseconds, signals) as one stretch; all name the same signals."""
    row: dict[str, list[Column]] = {name: [] for name in pieces[0][1]}
    for duration_ms, signals in pieces:
        time_s = np.arange(duration_ms) / 1000.0
        for name, level in signals.items():
            values = level(time_s) if callable(level) else np.broadcast_to(level, time_s.shape)
            row[name].append(np.asarray(values, dtype=np.float64))
    whole: Signals = {name: np.concatenate(parts) for name, parts in row.items()}
    return sum(duration_ms for duration_ms, _ in pieces), whole


def fly_with_driven_wheels(
    jump: Jump, *, car: Car | None = None, gain_radps2: float = 108.0
) -> tuple[Stretch, float]:
    """Fly up to the touchdown with wheels that follow the torque that the unit grants.

    Args:
        jump: What the other sensors see.
        car: Who jumps; None takes a flying start.
        gain_radps2: What 640 Nm do to wheels in the air; 108 in third gear, 92 in fifth. Spark
            acts with 15 ms, torque comes back with 75 ms.

    Returns:
        The stretch, and the speed of the wheels at the touchdown in rad/s.
    """
    car = car or flying_start()
    signals = jump.signals()
    parts: list[Stretch] = []
    wheel_radps, torque_Nm, step_ms = GROUND_radps, 750.0, 10
    for start in range(0, jump.touchdown_ms, step_ms):
        now: Signals = {
            name: level[start : start + step_ms]
            for name, level in signals.items()
            if isinstance(level, np.ndarray)
        }
        parts.append(car.drive(step_ms, **now | wheels(wheel_radps)))
        asked_Nm = -90.0 if car.ecu["torque.is_cut"] else car.ecu["torque.granted_Nm"]
        lag_ms = 15.0 if asked_Nm < torque_Nm else 75.0
        torque_Nm += (asked_Nm - torque_Nm) * step_ms / (lag_ms + step_ms)
        if start >= jump.lead_ms:
            wheel_radps += 0.001 * step_ms * gain_radps2 * torque_Nm / 640.0
    return _as_one(parts), wheel_radps


def _as_one(parts: Sequence[Stretch]) -> Stretch:
    runs = [part.run for part in parts]
    columns = {
        name: np.concatenate([run.columns[name] for run in runs]) for name in runs[0].columns
    }
    return Stretch(replace(runs[-1], tick=np.concatenate([r.tick for r in runs]), columns=columns))


def joined(*parts: Jump) -> Signals:
    """Return jumps one after the other; what does not meet at a joint fades over 50 ms."""
    result = parts[0].signals()
    for part in parts[1:]:
        fade = np.exp(-np.arange(part.duration_ms) / 50.0)
        following = part.signals()
        for name, column in result.items():
            assert isinstance(column, np.ndarray)
            level = following[name]
            assert isinstance(level, np.ndarray)
            result[name] = np.concatenate([column, level + (column[-1] - level[0]) * fade])
    return result
