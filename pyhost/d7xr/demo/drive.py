"""Drive the car through the story and write down what happens, every millisecond."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from d7xr.demo import story
from d7xr.demo.driveline import Driveline
from d7xr.demo.terrain import Terrain
from d7xr.demo.vehicle import GRAVITY_MPS2, HalfCar

STEPS_PER_MS = 4
DT_S = 0.001 / STEPS_PER_MS
_AIR_DRAG_NS2PM2 = 0.5 * 1.06 * 1.7  # half of density times drag area, at 45 degC and 97 kPa
_DRIVE_HEIGHT_M = 0.75  # centre of gravity above the ground: drive and brakes pitch the body
_BRAKE_NMPPCT = 160.0
_PEDAL_LAG_S = 0.12
_HILL_LAG_S = 0.8  # a driver answers a hill, not a whoop
_ROLLING_FROM_MPS = 0.3  # rolling resistance fades below: it never pushes a car that stands


@dataclass(frozen=True, slots=True)
class Airborne:
    """A time in which no tyre touched the ground.

    Attributes:
        take_off_us: First instant without contact.
        touchdown_us: First instant with contact again.
        distance_m: Where it began.
        speed_mps: Speed over ground at its beginning.
    """

    take_off_us: int
    touchdown_us: int
    distance_m: float
    speed_mps: float


@dataclass(frozen=True, slots=True)
class Drive:
    """The drive as columns with one row per millisecond, float64, shape ``(n,)``.

    Attributes:
        column: Values by name; the unit is part of the name.
        airborne: Every time without contact, in order.
        leg_start_us: When each leg of the story began; as many as were reached.
    """

    column: dict[str, NDArray[np.float64]]
    airborne: tuple[Airborne, ...]
    leg_start_us: tuple[int, ...]


COLUMNS = (
    "distance_m",
    "speed_mps",
    "accel_mps2",
    "body_mps",
    "body_mps2",
    "pitch_rad",
    "pitch_radps",
    "front_m",
    "rear_m",
    "front_N",
    "rear_N",
    "wheel_radps",
    "engine_rpm",
    "engine_Nm",
    "turbine_rpm",
    "pedal_pct",
    "brake_pct",
    "gear",
    "target_gear",
    "is_locked",
    "is_shifting",
)


class _Driver:
    """Follows the speed plan with pedal and brake, or keeps the pedal down."""

    def __init__(self) -> None:
        self.pedal_pct = 0.0
        self.brake_pct = 0.0
        self._entry_mps = 0.0
        self._slope = 0.0

    def enter(self, entry_mps: float) -> None:
        """Begin a leg at the target speed of the leg before it."""
        self._entry_mps = entry_mps

    def step(self, dt_s: float, leg: story.Leg, progress: float, slope: float, car: "_Car") -> None:
        """Choose pedal and brake for the next millisecond."""
        self._slope += (slope - self._slope) * dt_s / _HILL_LAG_S
        pedal_pct, brake_pct = 100.0, 0.0
        if not leg.is_full_throttle and car.body.is_airborne:
            return
        if not leg.is_full_throttle:
            entry2, exit2 = self._entry_mps**2, leg.exit_mps**2
            goal_mps = math.sqrt(max(1.0, entry2 + (exit2 - entry2) * progress))
            plan_mps2 = (exit2 - entry2) / 2.0 / leg.ground.length_m
            wish_mps2 = plan_mps2 + (goal_mps - car.speed_mps) / 0.7
            pedal_pct, brake_pct = self._pedals(
                min(4.0, max(-5.5, wish_mps2)), leg, self._slope, car
            )
        share = dt_s / _PEDAL_LAG_S
        self.pedal_pct += (pedal_pct - self.pedal_pct) * share
        self.brake_pct += (brake_pct - self.brake_pct) * share

    @staticmethod
    def _pedals(wish_mps2: float, leg: story.Leg, slope: float, car: "_Car") -> tuple[float, float]:
        """Return pedal and brake that give an acceleration."""
        mass_kg = car.body.parameters.total_kg
        drag_N = _AIR_DRAG_NS2PM2 * car.speed_mps**2
        force_N = mass_kg * (wish_mps2 + GRAVITY_MPS2 * (leg.rolling_ratio + slope)) + drag_N
        wheel_Nm = force_N * car.line.parameters.wheel_radius_m
        full_Nm = car.line.wheel_Nm(car.line.available_Nm(max(900.0, car.line.engine_rpm)))
        if wheel_Nm >= 0.0:
            return min(100.0, 100.0 * wheel_Nm / max(full_Nm, 100.0)), 0.0
        braking_Nm = -wheel_Nm + car.line.wheel_Nm(-90.0)
        return 0.0, min(100.0, max(0.0, braking_Nm) / _BRAKE_NMPPCT)


class _Car:
    """Body, driveline and motion along the road, in one step."""

    def __init__(self) -> None:
        self.body = HalfCar()
        self.line = Driveline()
        self.distance_m = story.LEAD_IN_M
        self.speed_mps = 0.0
        self.accel_mps2 = 0.0

    def step(self, terrain: Terrain, driver: _Driver, rolling_ratio: float) -> None:
        """Advance by ``DT_S``."""
        body, line, speed_mps = self.body, self.line, self.speed_mps
        p = body.parameters
        front_m, front_slope = terrain.at(self.distance_m + p.front_arm_m)
        rear_m, rear_slope = terrain.at(self.distance_m - p.rear_arm_m)
        front_N, rear_N = body.load_N
        load_N = front_N + rear_N
        line.step(DT_S, driver.pedal_pct, driver.brake_pct * _BRAKE_NMPPCT, speed_mps, load_N)
        force_N = (
            line.traction_N
            - rolling_ratio * load_N * min(1.0, speed_mps / _ROLLING_FROM_MPS)
            - front_N * front_slope
            - rear_N * rear_slope
            - _AIR_DRAG_NS2PM2 * speed_mps**2
        )
        # Drive squats, brakes dive, and a wheel that runs up in the air lifts the nose.
        moment_Nm = -(
            line.traction_N * _DRIVE_HEIGHT_M
            + line.parameters.wheels_kgm2 * line.wheel_radps2 * (load_N == 0.0)
        )
        body.step(
            DT_S,
            (front_m, rear_m),
            (front_slope * speed_mps, rear_slope * speed_mps),
            moment_Nm,
        )
        self.speed_mps = max(0.0, speed_mps + force_N / p.total_kg * DT_S)
        self.accel_mps2 = (self.speed_mps - speed_mps) / DT_S
        self.distance_m += self.speed_mps * DT_S


class _Log:
    """Keeps a row per millisecond and the times without contact to a step."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []
        self.airborne: list[Airborne] = []
        self._up: Airborne | None = None

    def watch(self, now_us: int, car: _Car) -> None:
        """Notice take-off and touchdown; called every step."""
        if car.body.is_airborne:
            self._up = self._up or Airborne(now_us, now_us, car.distance_m, car.speed_mps)
        elif self._up is not None:
            self.airborne.append(replace(self._up, touchdown_us=now_us))
            self._up = None


def drive(terrain: Terrain) -> Drive:
    """Drive the whole story on a terrain built from its legs."""
    car, driver, log = _Car(), _Driver(), _Log()
    ends_m = np.cumsum([leg.ground.length_m for leg in story.LEGS]).tolist()
    leg_index, leg_start_us = 0, [0]
    for ms in range(round(story.DURATION_S * 1000.0)):
        if car.distance_m >= ends_m[leg_index]:
            driver.enter(story.LEGS[leg_index].exit_mps)
            leg_index += 1
            leg_start_us.append(ms * 1000)
        leg = story.LEGS[leg_index]
        if ms < story.PULL_AWAY_S * 1000.0:
            _stand(car, ms / 1000.0)
        else:
            car.line.shift_to(leg.gear)
            progress = 1.0 - (ends_m[leg_index] - car.distance_m) / leg.ground.length_m
            driver.step(0.001, leg, progress, terrain.at(car.distance_m)[1], car)
            for step in range(1, STEPS_PER_MS + 1):
                car.step(terrain, driver, leg.rolling_ratio)
                log.watch(ms * 1000 + step * 1000 // STEPS_PER_MS, car)
        log.rows.append(_row(car, driver))
    table = np.array(log.rows, dtype=np.float64)
    column = {name: table[:, index] for index, name in enumerate(COLUMNS)}
    return Drive(column, tuple(log.airborne), tuple(leg_start_us))


def _stand(car: _Car, time_s: float) -> None:
    """Key-on, starter, idle: the car stands on its brake and only the engine moves."""
    line = car.line
    goal_rpm = 0.0
    if story.CRANK_S <= time_s < story.RUNNING_S:
        ripple = math.sin(2.0 * math.pi * 14.0 * time_s)
        goal_rpm = story.CRANKING_RPM + 25.0 * ripple
    elif time_s >= story.RUNNING_S:
        flare = max(0.0, 1.0 - (time_s - story.RUNNING_S) / 0.8)
        goal_rpm = line.parameters.idle_rpm + 450.0 * flare
        line.engine_Nm = 25.0 + 40.0 * flare
    line.engine_rpm += (goal_rpm - line.engine_rpm) * 0.001 / 0.05
    if time_s >= story.DRIVE_S:
        line.gear = line.target_gear = story.LEGS[0].gear


def _row(car: _Car, driver: _Driver) -> tuple[float, ...]:
    """Return one row in the order of ``COLUMNS``."""
    body, line = car.body, car.line
    return (
        car.distance_m,
        car.speed_mps,
        car.accel_mps2,
        body.body_mps,
        body.body_mps2,
        body.pitch_rad,
        body.pitch_radps,
        *body.compression_m,
        *body.load_N,
        line.wheel_radps,
        line.engine_rpm,
        line.engine_Nm,
        line.turbine_rpm,
        driver.pedal_pct,
        driver.brake_pct,
        line.gear,
        line.target_gear,
        line.is_locked,
        line.is_shifting,
    )
