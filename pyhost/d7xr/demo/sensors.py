"""What the sensors of the car make of the drive: one function per message of the bus.

Every function takes sampling times and returns physical values by signal name; NaN is "not
available". Sensors have a latency, steps of their own, noise, and a time after key-on before which
they have nothing to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from d7xr.demo import story, thermal
from d7xr.demo.drive import Drive
from d7xr.demo.noise import bell, wander
from d7xr.demo.terrain import Terrain
from d7xr.demo.thermal import Heat
from d7xr.demo.vehicle import GRAVITY_MPS2, HalfCarParameters

type Column = NDArray[np.float64]
type Values = dict[str, Column]

_HALF_TRACK_M = 0.92
_TYRE_RADIUS_RATIO = {"FL": 1.0, "FR": 1.001, "RL": 0.9985, "RR": 1.0005}  # worn unevenly
_TANK_L = 412.0
_FUEL_KGPM3 = 745.0
_FUEL_JPKG = 42.9e6
_ENGINE_EFFICIENCY_RATIO = 0.357
_AIR_PER_FUEL_RATIO = 0.88 * 14.5


@dataclass(frozen=True, slots=True)
class World:
    """The truth that the sensors look at: columns on a grid of 1 ms and the heat on its own.

    Attributes:
        column: Columns of the drive and what follows from them, by name.
        heat: Temperatures and fans.
        rng: Source of noise.
    """

    column: Mapping[str, Column]
    heat: Heat
    rng: np.random.Generator

    def at(self, name: str, time_us: NDArray[np.int64], latency_ms: float = 0.0) -> Column:
        """Return a column as it was a latency before the given times."""
        rows = np.arange(self.column[name].size)
        return np.interp(time_us / 1000.0 - latency_ms, rows, self.column[name])

    def code(self, name: str, time_us: NDArray[np.int64], latency_ms: float = 0.0) -> Column:
        """Return a column of codes: the last one, never something between."""
        row = np.maximum(0, (time_us / 1000.0 - latency_ms).astype(np.int64))
        return self.column[name][row]

    def heat_at(self, values: Column, time_us: NDArray[np.int64]) -> Column:
        """Return a column of the heat at the given times."""
        return np.interp(time_us / 1000.0, np.arange(values.size) * thermal.PERIOD_MS, values)

    def noise(self, time_us: NDArray[np.int64], deviation: float) -> Column:
        """Draw noise for the given times."""
        return deviation * bell(self.rng, time_us.size)


def look(drive: Drive, terrain: Terrain, rng: np.random.Generator) -> World:
    """Complete the columns of a drive by all that the sensors measure and the model has not."""
    column = dict(drive.column)
    column["engine_W"] = column["engine_Nm"] * column["engine_rpm"] * np.pi / 30.0
    column["altitude_m"] = np.cumsum(column["body_mps"]) / 1000.0
    _add_roll(column, terrain)
    _add_forces(column, rng)
    _add_fuel(column)
    return World(column, _heat(drive, column), rng)


def _heat(drive: Drive, column: Values) -> Heat:
    """Run the thermal model on every ``PERIOD_MS``-th row."""
    legs = [leg.name for leg in story.LEGS]
    climb_ms = drive.leg_start_us[legs.index("climb")] // 1000
    air_mps = column["speed_mps"].copy()
    air_mps[climb_ms:] = np.maximum(0.0, air_mps[climb_ms:] - story.TAIL_WIND_MPS)
    rows = slice(None, None, thermal.PERIOD_MS)
    return thermal.heat(column["engine_W"][rows], air_mps[rows], column["engine_rpm"][rows])


def _add_roll(column: Values, terrain: Terrain) -> None:
    """Let left and right differ: the two tracks are uneven, the body rolls with their mean."""
    car = HalfCarParameters()
    tracks_m = {}
    for axle, offset_m in (("front", car.front_arm_m), ("rear", -car.rear_arm_m)):
        contact = _smooth((column[f"{axle}_N"] > 0.0).astype(np.float64), 31)
        tracks_m[axle] = _smooth(terrain.cross_m(column["distance_m"] + offset_m) * contact, 15)
    roll_rad = _smooth((tracks_m["front"] + tracks_m["rear"]) / 2.0 / _HALF_TRACK_M, 121)
    column["roll_rad"] = roll_rad
    column["roll_radps"] = np.gradient(roll_rad, 0.001)
    droop_mm = 1000.0 * car.droop_travel_m
    for axle, letter in (("front", "F"), ("rear", "R")):
        left_m = tracks_m[axle] - roll_rad * _HALF_TRACK_M
        for side, sign in (("L", 1.0), ("R", -1.0)):
            travel_mm = droop_mm + 1000.0 * (column[f"{axle}_m"] + sign * left_m)
            column[f"{letter}{side}_mm"] = np.maximum(0.0, travel_mm)


def _add_forces(column: Values, rng: np.random.Generator) -> None:
    """Turn accelerations into specific force in body axes, and steer a little."""
    along, up = column["accel_mps2"], column["body_mps2"] + GRAVITY_MPS2
    cos, sin = np.cos(column["pitch_rad"]), np.sin(column["pitch_rad"])
    column["force_x_mps2"] = along * cos - up * sin
    column["force_z_mps2"] = along * sin + up * cos
    grounded = _smooth((column["front_N"] > 0.0).astype(np.float64), 61)
    moving = np.clip(column["speed_mps"] / 8.0, 0.0, 1.0) * grounded
    steer_mps2 = 0.6 * moving * _smooth(wander(rng, up.size, 900), 301)
    column["force_y_mps2"] = steer_mps2 + up * np.sin(column["roll_rad"])
    column["slosh_x_mps2"] = _smooth(column["force_x_mps2"], 801)  # the tank is baffled
    column["slosh_y_mps2"] = _smooth(column["force_y_mps2"], 801)
    column["yaw_radps"] = steer_mps2 / np.maximum(4.0, column["speed_mps"])


def _add_fuel(column: Values) -> None:
    """Find air and fuel from the power that the engine gives."""
    fired_W = np.maximum(column["engine_W"], 0.0) / _ENGINE_EFFICIENCY_RATIO
    idle_kgps = 0.5e-3 * np.clip(column["engine_rpm"] / 750.0, 0.0, 1.0)
    is_fired = (column["engine_Nm"] > 0.0) & (column["engine_rpm"] > 400.0)
    fuel_kgps = np.where(is_fired, np.maximum(fired_W / _FUEL_JPKG, idle_kgps), 0.0)
    pumped_gps = 2.0e-3 * column["engine_rpm"]  # what passes a closed throttle
    column["fuel_mlps"] = _smooth(fuel_kgps / _FUEL_KGPM3 * 1e6, 21)
    column["fuel_used_L"] = np.cumsum(column["fuel_mlps"]) / 1e6
    air_gps = np.maximum(fuel_kgps * _AIR_PER_FUEL_RATIO * 1e3, pumped_gps)
    column["air_gps"] = _smooth(air_gps, 61)


def _smooth(values: Column, width: int) -> Column:
    """Average over a centred window of an odd number of rows; the ends repeat."""
    half = width // 2
    padded = np.concatenate([np.full(half, values[0]), values, np.full(half, values[-1])])
    total = np.concatenate([[0.0], np.cumsum(padded)])
    return np.asarray((total[width:] - total[:-width]) / width)


def _steps(values: Column, step: float) -> Column:
    """Round to the steps of the sensor itself, which may be coarser than the bus."""
    return np.asarray(np.round(values / step) * step)


def _after(ready_s: float, time_us: NDArray[np.int64], values: Values) -> Values:
    """Make values not available before a sensor is ready."""
    is_ready = time_us >= ready_s * 1e6
    return {name: np.where(is_ready, value, np.nan) for name, value in values.items()}


def _inertial_accel(world: World, time_us: NDArray[np.int64]) -> Values:
    values = {}
    shaking = 0.03 + 0.002 * world.at("speed_mps", time_us) * (world.at("front_N", time_us) > 0.0)
    for axis in "xyz":
        force = world.at(f"force_{axis}_mps2", time_us, 1.0)
        noisy = force + shaking * world.noise(time_us, 1.0)
        values[f"SpecificForce{axis.upper()}_mps2"] = _steps(noisy, 0.04)  # 4 mg, a common part
    status = np.where(time_us >= 0.4e6, 1.0, 0.0)
    return _after(0.4, time_us, values) | {"AccelStatus": status}


def _inertial_rate(world: World, time_us: NDArray[np.int64]) -> Values:
    values = {}
    for signal, name in (("Roll", "roll"), ("Pitch", "pitch"), ("Yaw", "yaw")):
        rate = world.at(f"{name}_radps", time_us, 1.0)
        values[f"{signal}Rate_radps"] = _steps(rate + world.noise(time_us, 0.002), 0.002)
    status = np.where(time_us >= 0.4e6, 1.0, 0.0)
    return _after(0.4, time_us, values) | {"RateStatus": status}


def _damper_travel(world: World, time_us: NDArray[np.int64]) -> Values:
    values = {}
    for corner in ("FL", "FR", "RL", "RR"):
        travel_mm = world.at(f"{corner}_mm", time_us, 2.0) + world.noise(time_us, 0.12)
        values[f"DamperTravel{corner}_mm"] = _steps(np.maximum(0.0, travel_mm), 0.2)
    status = np.where(time_us >= 0.3e6, 1.0, 0.0)
    return _after(0.3, time_us, values) | {"DamperStatus": status}


def _wheel_speeds(world: World, time_us: NDArray[np.int64]) -> Values:
    values = {}
    speed_radps = world.at("wheel_radps", time_us, 5.0)
    for corner, ratio in _TYRE_RADIUS_RATIO.items():
        noise = world.noise(time_us, 0.03) * (speed_radps > 0.5)
        values[f"WheelSpeed{corner}_radps"] = np.maximum(0.0, speed_radps / ratio + noise)
    return _after(0.55, time_us, values)


def _engine_state(world: World, time_us: NDArray[np.int64]) -> Values:
    rpm = world.at("engine_rpm", time_us, 3.0)
    is_turning = rpm > 20.0
    torque_Nm = world.at("engine_Nm", time_us, 3.0) + world.noise(time_us, 1.0) * is_turning
    pedal_pct = world.at("pedal_pct", time_us, 40.0)
    status = np.where(time_us >= story.RUNNING_S * 1e6, 2.0, 0.0)
    status[(time_us >= story.CRANK_S * 1e6) & (status == 0.0)] = 1.0
    values = {
        "EngineSpeed_rpm": _steps(rpm + world.noise(time_us, 2.0) * is_turning, 1.0),
        "EngineTorque_Nm": torque_Nm,
        "Throttle_pct": 4.0 + 0.96 * pedal_pct,
        "EngineStatus": status,
        "Ignition": np.ones(time_us.size),
    }
    return _after(0.05, time_us, values)


def _gearbox_state(world: World, time_us: NDArray[np.int64]) -> Values:
    gear = world.code("gear", time_us, 5.0)
    target = world.code("target_gear", time_us, 5.0)
    rpm = world.at("turbine_rpm", time_us, 5.0)
    parked_rpm = 0.97 * world.at("engine_rpm", time_us, 50.0)
    is_shifting = world.code("is_shifting", time_us, 5.0) > 0.0
    lock_up = np.where(world.code("is_locked", time_us, 5.0) > 0.0, 2.0, 0.0)
    oil_degC = world.heat_at(world.heat.gearbox_degC, time_us)
    values = {
        "Gear": np.where(gear == 0.0, 10.0, gear),
        "TargetGear": np.where(target == 0.0, 10.0, target),
        "TurbineSpeed_rpm": _steps(np.where(gear == 0.0, parked_rpm, rpm), 1.0),
        "LockUpClutch": np.where(is_shifting & (lock_up > 0.0), 1.0, lock_up),
        "GearboxOil_degC": oil_degC,
        "TransferRange": np.zeros(time_us.size),
    }
    return _after(0.15, time_us, values)


def _driver_demand(world: World, time_us: NDArray[np.int64]) -> Values:
    is_waiting = time_us < story.PULL_AWAY_S * 1e6
    pedal_pct = np.minimum(100.0, world.at("pedal_pct", time_us, 4.0))
    brake_pct = np.where(is_waiting, 35.0, world.at("brake_pct", time_us, 4.0))
    ones = np.ones(time_us.size)
    values = {
        "AcceleratorTrack1_pct": pedal_pct,
        "AcceleratorTrack2_pct": np.clip(pedal_pct + world.noise(time_us, 0.06), 0.0, 100.0),
        "BrakePedal_pct": brake_pct,
        "FlightModeSwitch": ones,
        "FanSwitch": 0.0 * ones,
        "KillSwitch": 0.0 * ones,
    }
    return _after(0.08, time_us, values)


def _vehicle_motion(world: World, time_us: NDArray[np.int64]) -> Values:
    speed_mps = world.at("speed_mps", time_us, 60.0) + world.noise(time_us, 0.03)
    values = {
        "GroundSpeed_mps": np.maximum(0.0, speed_mps),
        "ClimbRate_mps": world.at("body_mps", time_us, 60.0) + world.noise(time_us, 0.05),
    }
    status = np.where(time_us >= 1.4e6, 2.0, 0.0)
    return _after(1.4, time_us, values) | {"MotionStatus": status}


def _air_path(world: World, time_us: NDArray[np.int64]) -> Values:
    flow_gps = world.at("air_gps", time_us, 10.0)
    warm_K = 4.0 - 0.05 * world.at("speed_mps", time_us)
    values = {
        "FilterDp_kPa": _steps(1.9 * (flow_gps / 220.0) ** 2, 0.02),
        "MassAirFlow_gps": flow_gps * (1.0 + world.noise(time_us, 0.002)),
        "IntakeAir_degC": story.AMBIENT_DEGC + warm_K,
    }
    return _after(0.1, time_us, values)


def _thermal_state(world: World, time_us: NDArray[np.int64]) -> Values:
    heat = world.heat
    values = {
        "CoolantIn_degC": world.heat_at(heat.coolant_in_degC, time_us),
        "CoolantOut_degC": world.heat_at(heat.coolant_out_degC, time_us),
        "EngineOil_degC": world.heat_at(heat.oil_degC, time_us),
        "ChargeAir_degC": world.heat_at(heat.charge_degC, time_us),
    }
    return _after(0.2, time_us, values)


def _fan_feedback(world: World, time_us: NDArray[np.int64]) -> Values:
    values = {}
    for fan in range(4):
        current_A = world.heat_at(world.heat.fan_A[:, fan], time_us)
        is_on = current_A > 0.0
        values[f"Fan{fan + 1}Speed_rpm"] = world.heat_at(world.heat.fan_rpm[:, fan], time_us)
        values[f"Fan{fan + 1}Current_A"] = current_A + world.noise(time_us, 0.3) * is_on
    return _after(0.5, time_us, values)


def _fuel_senders(world: World, time_us: NDArray[np.int64]) -> Values:
    level_L = _TANK_L - world.at("fuel_used_L", time_us)
    slosh_L = 4.0 * world.at("slosh_x_mps2", time_us)
    tilt_L = 6.0 * world.at("slosh_y_mps2", time_us)
    values = {
        "FuelSenderA_L": level_L + slosh_L + tilt_L + world.noise(time_us, 0.6),
        "FuelSenderB_L": level_L + slosh_L - tilt_L + world.noise(time_us, 0.6),
        "Collector_pct": np.full(time_us.size, 98.0) + world.noise(time_us, 0.3),
        "InjectedFuel_mlps": world.at("fuel_mlps", time_us, 20.0),
    }
    return _after(0.6, time_us, values)


def _ambient_state(world: World, time_us: NDArray[np.int64]) -> Values:
    is_cranking = (time_us >= story.CRANK_S * 1e6) & (time_us < story.RUNNING_S * 1e6)
    is_running = time_us >= story.RUNNING_S * 1e6
    fans_A = world.heat_at(world.heat.fan_A.sum(axis=1), time_us)
    battery_V = np.where(is_running, 14.1 - 0.006 * fans_A, np.where(is_cranking, 10.4, 12.5))
    values = {
        "Ambient_degC": story.AMBIENT_DEGC + world.noise(time_us, 0.05),
        "AmbientPressure_kPa": story.AMBIENT_KPA - 0.0105 * world.at("altitude_m", time_us),
        "Battery_V": battery_V + world.noise(time_us, 0.02),
    }
    return _after(0.0, time_us, values)


MESSAGES: Mapping[str, Callable[[World, NDArray[np.int64]], Values]] = {
    "EngineState": _engine_state,
    "GearboxState": _gearbox_state,
    "DriverDemand": _driver_demand,
    "WheelSpeeds": _wheel_speeds,
    "AirPath": _air_path,
    "VehicleMotion": _vehicle_motion,
    "ThermalState": _thermal_state,
    "InertialAccel": _inertial_accel,
    "InertialRate": _inertial_rate,
    "DamperTravel": _damper_travel,
    "FanFeedback": _fan_feedback,
    "FuelSenders": _fuel_senders,
    "AmbientState": _ambient_state,
}
"""Every message that somebody else than the unit sends, in the order of its phase on the bus."""
