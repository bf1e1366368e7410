"""Drives made of our own bus, written as traces, and the ways to replay them in a test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from d7xr import session
from d7xr.database import Database
from d7xr.frames import Frames
from d7xr.replay import Feed
from d7xr.session import Options, Result
from d7xr.trace import read_trace

OWN = Database.own()
START_S = 1_700_000_000

SENSORS: Mapping[str, Mapping[str, float]] = {
    "InertialAccel": {
        "SpecificForceX_mps2": 0.1,
        "SpecificForceY_mps2": 0.0,
        "SpecificForceZ_mps2": 9.81,
        "AccelStatus": 1,
    },
    "EngineState": {
        "EngineSpeed_rpm": 3000.0,
        "EngineTorque_Nm": 200.0,
        "Throttle_pct": 30.0,
        "EngineStatus": 2,
        "Ignition": 1,
    },
    "GearboxState": {"Gear": 3, "TargetGear": 3, "GearboxOil_degC": 80.0},
    "DriverDemand": {
        "AcceleratorTrack1_pct": 40.0,
        "AcceleratorTrack2_pct": 40.0,
        "BrakePedal_pct": 0.0,
        "FlightModeSwitch": 1,
        "FanSwitch": 0,
        "KillSwitch": 0,
    },
    "ThermalState": {
        "CoolantIn_degC": 90.0,
        "CoolantOut_degC": 85.0,
        "EngineOil_degC": 95.0,
        "ChargeAir_degC": 40.0,
    },
    "AmbientState": {"Ambient_degC": 25.0, "AmbientPressure_kPa": 100.0, "Battery_V": 13.8},
}
"""A car that drives along: enough for torque and cooling, nothing for the dampers."""


@dataclass(frozen=True, slots=True)
class Drive:
    """Frames of our bus, all messages at their own rate.

    Attributes:
        seconds: How long.
        sensors: Values by message and signal.
        extra: Frames besides: time in microseconds, identifier, payload.
    """

    seconds: float = 2.0
    sensors: Mapping[str, Mapping[str, ArrayLike]] = field(default_factory=lambda: dict(SENSORS))
    extra: tuple[tuple[int, int, bytes], ...] = ()

    def rows(self) -> list[tuple[int, int, bytes]]:
        """Return time in microseconds, identifier and payload of each frame, in order."""
        rows = list(self.extra)
        for name, values in self.sensors.items():
            period_us = 1000 * (OWN.message(name).cycle_time_ms or 10)
            time_us = np.arange(0, int(self.seconds * 1e6), period_us)
            rows += rows_of(OWN.encode_columns(name, time_us, values))
        return sorted(rows, key=lambda row: row[0])

    def write(self, path: Path) -> Path:
        """Write the drive as a candump log."""
        lines = [
            f"({START_S + us / 1e6:.6f}) can0 {identifier:03X}#{payload.hex().upper()}\n"
            for us, identifier, payload in self.rows()
        ]
        path.write_text("".join(lines))
        return path


def rows_of(frames: Frames) -> list[tuple[int, int, bytes]]:
    return [
        (time_us, int(frame["id"]), bytes(frame["data"][: frame["length"]]))
        for time_us, frame in zip(frames.time_us.tolist(), frames.frame, strict=True)
    ]


def feed_of(trace: Path) -> Feed:
    from d7xr.replay import feed_of

    return feed_of(read_trace(trace))


def replayed(trace: Path, **options: object) -> Result:
    """Replay a trace without a clock."""
    return session.run(Options(trace, **options), clock=lambda: 0.0)  # type: ignore[arg-type]
