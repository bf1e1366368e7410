"""A tank that sloshes, its senders and collector, and a car that burns from it: the truth.

The surface follows the first mode of a rectangular tank, f = sqrt(g_eff pi/L tanh(pi h/L)) / 2 pi,
once along and once across: th'' + 2 zeta w th' + w^2 (th - atan(a/g_eff)) = 0. In free fall nothing
restores it and the fuel floats. The collector follows cover and the lift pump. None of it is part
of the unit, and nothing of the unit is in it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from d7xr.ecu import Ecu
from tests.car import Car as CarOnTheBench
from tests.car import G_mps2, Level, Stretch

LENGTH_m, WIDTH_m, HEIGHT_m = 1.2, 0.9, 0.51
CAPACITY_L = 550.0
DAMPING = 0.2
SENDER_AT_m = 0.3
"""Each sender stands so far to its side of the middle."""
PICK_UP_DEPTH_m = 0.01
"""Of the two pick-ups, one ahead and one behind, in the middle of the floor."""
UNUSABLE_L = 5.0
COLLECTOR_L = 2.0
LIFT_mlps = 60.0
COVER_s = 0.1
STEP_s = 0.02
FULL_POWER_mlps = 25.5
STAGE_mlps = 12.5
NOISE_L = 0.6

NAMES = [f.name for f in Ecu.fields() if f.name.startswith("fuel.")]
RECORD = [*NAMES, "torque.granted_Nm", "torque.reason", "flight_mode.state",
          "flight_mode.evidence.corner[2].static_mm", "impact.record.number"]  # fmt: skip

QUIET = frozenset({"InertialRate", "ThermalState", "FanFeedback", "AirPath", "AmbientState"})
"""Messages without a say in fuel; left out to keep long drives short."""

type Column = NDArray[np.float64]
type Motion = Callable[[Column], Column]


def still(time_s: Column) -> Column:
    """Nothing moves."""
    return np.zeros_like(time_s)


def rough(seed: int, deviation_mps2: float, slowest: float = 0.05) -> Motion:
    """Return a random motion between its slowest frequency in Hz and 1.5 Hz: where fuel sloshes."""
    rng = np.random.default_rng(seed)
    frequency = np.geomspace(slowest, 1.5, 24)
    phase = rng.uniform(0.0, 2.0 * np.pi, frequency.size)
    scale = deviation_mps2 * math.sqrt(2.0 / frequency.size)

    def motion(time_s: Column) -> Column:
        turns = 2.0 * np.pi * np.outer(time_s, frequency) + phase
        return np.asarray(scale * np.sin(turns).sum(axis=1))

    return motion


def local_depth_m(depth_m: float, lean: float, across_m: float) -> float:
    """Return the depth at a place off the middle; fuel that leaves a wall dry lies in a wedge."""
    slope = abs(lean)
    toward_m = across_m if lean > 0 else -across_m
    if depth_m >= slope * WIDTH_m / 2:
        return depth_m + slope * toward_m
    wedge_m = math.sqrt(2.0 * depth_m * WIDTH_m / slope)
    return max(wedge_m - (WIDTH_m / 2 - toward_m), 0.0) * slope


@dataclass(frozen=True, slots=True)
class Shake:
    """Specific forces in m/s^2 beyond those at rest, by the time in s."""

    along: Motion = still
    across: Motion = still
    heave: Motion = still


AT_REST = Shake()


def shake(seed: int, level_mps2: float, up_mps2: float | None = None) -> Shake:
    """Return random forces of this size in both level directions and upwards."""
    up_mps2 = level_mps2 if up_mps2 is None else up_mps2
    sizes = (level_mps2, level_mps2, up_mps2)
    return Shake(*(rough(seed + 1000 * i, size) for i, size in enumerate(sizes)))


@dataclass
class Surface:
    """The fuel's surface along one axis.

    Attributes:
        length_m: Of the tank along that axis.
        angle_rad: Of the surface to the floor.
        rate_radps: How fast it turns.
    """

    length_m: float
    angle_rad: float = 0.0
    rate_radps: float = 0.0

    def step(self, along_mps2: float, g_eff_mps2: float, depth_m: float) -> None:
        """Move on by ``STEP_s``."""
        if g_eff_mps2 < 0.2 * G_mps2:
            return  # it floats
        k = math.pi / self.length_m
        omega2 = g_eff_mps2 * k * math.tanh(k * max(depth_m, 0.01))
        target = math.atan(along_mps2 / g_eff_mps2)
        drag = 2.0 * DAMPING * math.sqrt(omega2) * self.rate_radps
        self.rate_radps += (omega2 * (target - self.angle_rad) - drag) * STEP_s
        self.angle_rad = min(max(self.angle_rad + self.rate_radps * STEP_s, -0.8), 0.8)


@dataclass
class Tank:
    """What is really in it.

    Attributes:
        volume_L: In the main tank and the collector.
        collector_L: Of it, in the collector.
        lift_mlps: What the lift pump moves while it has fuel; 0 is a dead one.
        seed: Of the senders' noise.
    """

    volume_L: float
    collector_L: float = COLLECTOR_L
    lift_mlps: float = LIFT_mlps
    seed: int = 1
    along: Surface = field(default_factory=lambda: Surface(LENGTH_m))
    across: Surface = field(default_factory=lambda: Surface(WIDTH_m))
    cover: float = 1.0

    def run(self, flow_mlps: Column, x: Column, y: Column, z: Column) -> dict[str, Column]:
        """Burn and slosh for as long as the columns go, one value each ``STEP_s``.

        Returns:
            Truth and what the senders read, one value each ``STEP_s``.
        """
        rng = np.random.default_rng(self.seed)
        self.seed += 1
        rows = []
        for flow, a_x, a_y, a_z in zip(
            flow_mlps.tolist(), x.tolist(), y.tolist(), z.tolist(), strict=True
        ):
            main_L = max(self.volume_L - self.collector_L, 0.0)
            depth_m = main_L / 1000.0 / (LENGTH_m * WIDTH_m)
            self.along.step(a_x, a_z, depth_m)
            self.across.step(a_y, a_z, depth_m)
            lean_m = math.tan(self.across.angle_rad)
            is_afloat = a_z < 0.2 * G_mps2
            middle_m = local_depth_m(depth_m, lean_m, 0.0)
            wet = not is_afloat and main_L > UNUSABLE_L and middle_m > PICK_UP_DEPTH_m
            self.cover += ((1.0 if wet else 0.0) - self.cover) * STEP_s / COVER_s
            lifted_L = self.lift_mlps * self.cover * STEP_s / 1000.0
            burned_L = min(flow * STEP_s / 1000.0, self.collector_L + lifted_L)
            self.collector_L = min(self.collector_L + lifted_L - burned_L, COLLECTOR_L)
            self.volume_L -= burned_L
            sides = (local_depth_m(depth_m, lean_m, at) for at in (SENDER_AT_m, -SENDER_AT_m))
            rows.append((self.volume_L, self.collector_L, *sides))
        volume, collector, left, right = np.array(rows).T
        area_L = 1000.0 * LENGTH_m * WIDTH_m
        noise = rng.normal(0.0, NOISE_L, (2, volume.size))
        level = np.clip((left, right), 0.0, HEIGHT_m) * area_L
        return {
            "volume_L": volume,
            "collector_pct": 100.0 * collector / COLLECTOR_L,
            "a_L": np.clip(level[0] + collector + noise[0], 0.0, 599.0),
            "b_L": np.clip(level[1] + collector + noise[1], 0.0, 599.0),
        }


def per_ms(column: Column) -> Column:
    """Hold every value for a step."""
    return np.repeat(column, round(STEP_s * 1000.0))


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive of a car with a tank: what the unit recorded and what was true, each millisecond."""

    stretch: Stretch
    volume_L: Column

    def __getitem__(self, name: str) -> Column:
        """Return a recorded state; the module's own need no prefix."""
        full = f"fuel.{name}" if f"fuel.{name}" in self.stretch.run.columns else name
        return np.asarray(self.stretch[full], dtype=np.float64)


class TankCar:
    """A car on the bench whose fuel signals come from a tank.

    Args:
        volume_L: What is in the tank at first.
        calibration: Of the unit; None takes the built-in one.
        flow_error: Share by which the unit is told a wrong flow.
        sender_error_L: By which both senders read too much.
        signals: Other signals of the car.
        record: States to keep of every tick.
    """

    def __init__(
        self, volume_L: float = 400.0, *, calibration: bytes | None = None,
        flow_error: float = 0.0, sender_error_L: float = 0.0,
        signals: dict[str, Level] | None = None, record: Sequence[str] = RECORD,
    ) -> None:  # fmt: skip
        self.tank = Tank(volume_L)
        self.car = CarOnTheBench(calibration, silent=QUIET, signals=signals, record=record)
        self.flow_error, self.sender_error_L = flow_error, sender_error_L
        self.broken: dict[str, float] = {}
        self.moved_s = 0.0

    def drive(
        self, seconds: float, shaken: Shake = AT_REST, /, *, flow_mlps: float = STAGE_mlps,
        **signals: Level,
    ) -> Drive:  # fmt: skip
        """Drive on; signals named here override what the tank would say, for this drive."""
        steps = round(seconds / STEP_s)
        time_s = self.moved_s + STEP_s * np.arange(steps, dtype=np.float64)
        self.moved_s += seconds
        x, y = shaken.along(time_s), shaken.across(time_s)
        z = G_mps2 + shaken.heave(time_s)
        truth = self.tank.run(np.full(steps, flow_mlps), x, y, z)
        told: dict[str, Level] = {
            "SpecificForceX_mps2": per_ms(x),
            "SpecificForceY_mps2": per_ms(y),
            "SpecificForceZ_mps2": per_ms(z),
            "FuelSenderA_L": per_ms(truth["a_L"]) + self.sender_error_L,
            "FuelSenderB_L": per_ms(truth["b_L"]) + self.sender_error_L,
            "Collector_pct": per_ms(truth["collector_pct"]),
            "InjectedFuel_mlps": flow_mlps * (1.0 + self.flow_error),
        }
        stretch = self.car.drive(steps * round(STEP_s * 1000), **told | self.broken | signals)
        return Drive(stretch, per_ms(truth["volume_L"]))


def played(x: Column, y: Column, z: Column) -> Shake:
    """Return a shake that plays columns of specific force sampled each ``STEP_s``, from 0 s."""

    def playing(column: Column, rest: float) -> Motion:
        return lambda time_s: np.asarray(
            column[np.minimum((time_s / STEP_s + 0.5).astype(int), column.size - 1)] - rest
        )

    return Shake(playing(x, 0.0), playing(y, 0.0), playing(z, G_mps2))
