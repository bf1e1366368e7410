"""From pedal to wheel speed: engine, converter, gears and four wheels as one mass.

In the air nothing holds the wheels back, so they run up with ``eta*T*i / (4*J_w + J1)``; on the
ground the tyre force follows the slip. Shafts are rigid and lash is left out: what they do to a
shaft cannot be seen on the bus at 100 Hz.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

_RADPS_PER_RPM = math.pi / 30.0
_TORQUE_CURVE = ((600.0, 290.0), (1821.0, 750.0), (5837.0, 750.0), (6835.0, 640.0), (7324.0, 516.0))


@dataclass(frozen=True, slots=True)
class DrivelineParameters:
    """Plan values of the driveline; inertias of engine and converter are the least known."""

    gear_ratio: tuple[float, ...] = (0.0, 5.0, 3.2, 2.143, 1.72, 1.313, 1.0, 0.823, 0.64)
    final_drive_ratio: float = 4.1
    efficiency_ratio: float = 0.93
    engine_kgm2: float = 0.45
    wheels_kgm2: float = 22.0  # all four
    wheel_radius_m: float = 0.43
    friction: float = 0.7
    slip_scale_mps: float = 0.6
    power_W: float = 260e3  # 291 kW less thin and hot air in front of the restrictor
    drag_Nm: float = -90.0
    soft_limit_rpm: float = 6700.0
    hard_limit_rpm: float = 7000.0
    idle_rpm: float = 750.0
    lock_up_rpm: float = 1500.0
    shift_s: float = 0.25


class Driveline:
    """State of engine, gearbox and wheels.

    Attributes:
        wheel_radps: Speed of the wheels.
        wheel_radps2: Acceleration of the wheels in the last step.
        engine_rpm: Speed of the crankshaft.
        engine_Nm: Torque of the crankshaft.
        gear: Engaged gear, 0 is neutral.
        target_gear: Gear being engaged.
        is_locked: Whether the converter is locked.
        traction_N: Force of the ground on the tyres along the road in the last step.
    """

    __slots__ = (
        "_ratio",
        "_shift_from",
        "_shift_left_s",
        "engine_Nm",
        "engine_rpm",
        "gear",
        "is_locked",
        "parameters",
        "target_gear",
        "traction_N",
        "wheel_radps",
        "wheel_radps2",
    )

    def __init__(self, parameters: DrivelineParameters | None = None) -> None:
        """Start with a dead engine in neutral."""
        self.parameters = parameters or DrivelineParameters()
        self.wheel_radps = 0.0
        self.wheel_radps2 = 0.0
        self.engine_rpm = 0.0
        self.engine_Nm = 0.0
        self.gear = 0
        self.target_gear = 0
        self.is_locked = False
        self.traction_N = 0.0
        self._ratio = 0.0
        self._shift_from = 0.0
        self._shift_left_s = 0.0

    @property
    def turbine_rpm(self) -> float:
        """Speed behind the converter."""
        return self.wheel_radps * self._ratio / _RADPS_PER_RPM

    @property
    def is_shifting(self) -> bool:
        """Whether a shift is under way."""
        return self._shift_left_s > 0.0

    def available_Nm(self, engine_rpm: float) -> float:
        """Return the full-throttle torque: curve, restrictor, and the engine's own speed limit."""
        p = self.parameters
        torque_Nm = min(
            _interpolate(_TORQUE_CURVE, engine_rpm),
            p.power_W / (max(engine_rpm, 600.0) * _RADPS_PER_RPM),
        )
        left_rpm = p.hard_limit_rpm - engine_rpm
        share = left_rpm / (p.hard_limit_rpm - p.soft_limit_rpm)
        return torque_Nm * min(1.0, max(0.0, share))

    def wheel_Nm(self, engine_Nm: float) -> float:
        """Return the torque at the wheels for a torque at the crank in the present gear."""
        boost = 1.0
        if not self.is_locked:
            boost = 1.6 - 0.6 * min(1.0, self.turbine_rpm / max(self.engine_rpm, 1.0))
        efficiency = self.parameters.efficiency_ratio if engine_Nm > 0.0 else 1.0
        return engine_Nm * boost * efficiency * self._ratio

    def shift_to(self, gear: int) -> None:
        """Begin a shift, unless that gear is engaged or being engaged."""
        if gear != self.target_gear:
            self.target_gear = gear
            self._shift_from = self._ratio
            self._shift_left_s = self.parameters.shift_s

    def step(
        self, dt_s: float, pedal_pct: float, brake_Nm: float, speed_mps: float, load_N: float
    ) -> None:
        """Advance by one step with the engine running.

        Args:
            dt_s: Step in seconds.
            pedal_pct: Accelerator pedal.
            brake_Nm: Braking torque at the wheels, never negative.
            speed_mps: Speed of the car over ground.
            load_N: Sum of the tyre forces, 0 in the air.
        """
        p = self.parameters
        self._step_gear(dt_s)
        share = pedal_pct / 100.0 * (0.35 if self.is_shifting else 1.0)
        demand_Nm = share * self.available_Nm(self.engine_rpm) + (1.0 - share) * self._coast_Nm()
        lag_s = 0.015 if demand_Nm < self.engine_Nm else 0.075
        self.engine_Nm += (demand_Nm - self.engine_Nm) * dt_s / lag_s

        slip_mps = p.wheel_radius_m * self.wheel_radps - speed_mps
        self.traction_N = p.friction * load_N * math.tanh(slip_mps / p.slip_scale_mps)
        inertia_kgm2 = p.wheels_kgm2 + (p.engine_kgm2 * self._ratio**2 if self.is_locked else 0.0)
        torque_Nm = self.wheel_Nm(self.engine_Nm) - brake_Nm - p.wheel_radius_m * self.traction_N
        before_radps = self.wheel_radps
        self.wheel_radps = max(0.0, before_radps + torque_Nm / inertia_kgm2 * dt_s)
        self.wheel_radps2 = (self.wheel_radps - before_radps) / dt_s
        self._step_engine(dt_s, pedal_pct)

    def _coast_Nm(self) -> float:
        """Return the torque without pedal: idle control, engine braking above it."""
        p = self.parameters
        return max(p.drag_Nm, min(60.0, 0.3 * (p.idle_rpm - self.engine_rpm) + 25.0))

    def _step_gear(self, dt_s: float) -> None:
        """Let the ratio slide from the old gear to the new."""
        p = self.parameters
        goal = p.gear_ratio[self.target_gear] * p.final_drive_ratio
        self._shift_left_s = max(0.0, self._shift_left_s - dt_s)
        left = self._shift_left_s / p.shift_s
        self._ratio = goal + (self._shift_from - goal) * left
        if left == 0.0:
            self.gear = self.target_gear

    def _step_engine(self, dt_s: float, pedal_pct: float) -> None:
        """Let the engine follow the turbine, or the open converter."""
        p = self.parameters
        turbine_rpm = self.turbine_rpm
        self.is_locked = turbine_rpm > p.lock_up_rpm * (0.8 if self.is_locked else 1.0)
        goal_rpm, lag_s = turbine_rpm, 0.004
        if not self.is_locked:
            stall_rpm = p.idle_rpm + 16.0 * pedal_pct
            goal_rpm, lag_s = max(stall_rpm, turbine_rpm), 0.2
        self.engine_rpm += (goal_rpm - self.engine_rpm) * dt_s / lag_s


def _interpolate(points: tuple[tuple[float, float], ...], x: float) -> float:
    """Interpolate in a table of increasing x; the ends hold."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]
