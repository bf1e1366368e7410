"""A car on the bench: its signals hold until a test changes them, its messages keep their cycles.

The bench is a thin wrapper. It encodes what a test says into frames of the vehicle bus and lets the
unit run; it holds no logic of its own. Dampers and the inertial unit get a little life of their
own, since a sensor that never changes by one bit is a frozen sensor.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from d7xr.database import Database
from d7xr.ecu import Ecu, Run

G_mps2 = 9.81
CORNERS = ("FL", "FR", "RL", "RR")
RADIUS_m = 0.43
RASTER_ms = 10
"""Period in which heat, air and fuel are decided."""

type Level = float | NDArray[np.float64] | Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""A value for a while, one value a millisecond, or a function of the time in seconds."""

CAR_AT_60_KPH: dict[str, float] = {
    "SpecificForceX_mps2": 0.0, "SpecificForceY_mps2": 0.0, "SpecificForceZ_mps2": G_mps2,
    "AccelStatus": 1, "RollRate_radps": 0.0, "PitchRate_radps": 0.0, "YawRate_radps": 0.0,
    "RateStatus": 1, **{f"DamperTravel{c}_mm": 130.0 for c in CORNERS}, "DamperStatus": 1,
    **{f"WheelSpeed{c}_radps": 16.7 / RADIUS_m for c in CORNERS},
    "EngineSpeed_rpm": 3252.0, "EngineTorque_Nm": 300.0, "Throttle_pct": 50.0, "EngineStatus": 2,
    "Ignition": 1, "Gear": 3, "TargetGear": 3, "TurbineSpeed_rpm": 3252.0, "LockUpClutch": 2,
    "GearboxOil_degC": 90.0, "TransferRange": 0, "AcceleratorTrack1_pct": 100.0,
    "AcceleratorTrack2_pct": 100.0, "BrakePedal_pct": 0.0, "FlightModeSwitch": 1, "FanSwitch": 0,
    "KillSwitch": 0, "GroundSpeed_mps": 16.7, "ClimbRate_mps": 0.0, "MotionStatus": 2,
    "FilterDp_kPa": 1.0, "MassAirFlow_gps": 150.0, "IntakeAir_degC": 25.0, "CoolantIn_degC": 85.0,
    "CoolantOut_degC": 78.0, "EngineOil_degC": 100.0, "ChargeAir_degC": 45.0,
    **{f"Fan{i}Speed_rpm": 0.0 for i in (1, 2, 3, 4)},
    **{f"Fan{i}Current_A": 18.0 for i in (1, 2, 3, 4)}, "FuelSenderA_L": 400.0,
    "FuelSenderB_L": 400.0, "Collector_pct": 100.0, "InjectedFuel_mlps": 12.0,
    "Ambient_degC": 25.0, "AmbientPressure_kPa": 97.0, "Battery_V": 13.8,
}  # fmt: skip

_ALIVE = {"SpecificForceX_mps2": 0.02, "SpecificForceY_mps2": 0.02, "SpecificForceZ_mps2": 0.02,
          **{f"DamperTravel{c}_mm": 0.2 for c in CORNERS}}  # fmt: skip


def dampers(travel_mm: Level) -> dict[str, Level]:
    """Set all four damper travels."""
    return {f"DamperTravel{c}_mm": travel_mm for c in CORNERS}


def wheels(speed_radps: Level) -> dict[str, Level]:
    """Set all four wheel speeds."""
    return {f"WheelSpeed{c}_radps": speed_radps for c in CORNERS}


def pedal(position_pct: Level) -> dict[str, Level]:
    """Set both pedal tracks."""
    return {"AcceleratorTrack1_pct": position_pct, "AcceleratorTrack2_pct": position_pct}


def _locked(signals: Mapping[str, Level]) -> dict[str, Level]:
    """Let the turbine turn with the engine, as behind a locked clutch, unless a test parts them."""
    if "EngineSpeed_rpm" not in signals:
        return dict(signals)
    return {"TurbineSpeed_rpm": signals["EngineSpeed_rpm"], **signals}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the unit did in a stretch: every recorded state at every tick of it."""

    run: Run

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a state at every tick."""
        return self.run.columns[name]

    def texts(self, name: str) -> list[str]:
        """Return the words that a coded state went through, repetitions left out."""
        field = next(f for f in Ecu.fields() if f.name == name)
        assert field.choices is not None
        codes = self[name]
        first = np.flatnonzero(np.diff(codes, prepend=-1))
        return [field.choices[int(code)] for code in codes[first]]


class Car:
    """A unit and the car around it.

    Args:
        calibration: Bytes of a calibration set; None takes the built-in one.
        ecu: A unit that already lives; None starts one.
        silent: Messages that are never sent.
        signals: Signals of the vehicle bus that differ from a car at 60 km/h on full throttle.
        record: States to keep of every tick; None keeps all, which is slow beyond a minute.
    """

    def __init__(
        self, calibration: bytes | None = None, *, ecu: Ecu | None = None,
        silent: Iterable[str] = (), signals: dict[str, Level] | None = None,
        record: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.ecu = Ecu(calibration) if ecu is None else ecu
        self.signals: dict[str, Level] = {**CAR_AT_60_KPH, **_locked(signals or {})}
        self.silent = set(silent)
        self.frozen: set[str] = set()
        self.record = [field.name for field in Ecu.fields()] if record is None else list(record)
        self._bus = Database.own()
        self._counters: dict[str, int] = {}
        self._random = np.random.default_rng(7)

    def fork(self) -> "Car":
        """Return the same car, going on by itself."""
        other = Car(
            ecu=self.ecu.fork(), silent=self.silent, signals=dict(self.signals), record=self.record
        )
        other.frozen = set(self.frozen)
        other._counters = dict(self._counters)
        other._random.bit_generator.state = self._random.bit_generator.state
        return other

    def drive(self, duration_ms: int, **signals: Level) -> Stretch:
        """Drive on for a while; signals named here are set first and hold.

        A callable gets the time since the beginning of this stretch in seconds. What was an array
        or a callable holds its last value afterwards. NaN is sent as not available.
        """
        self.signals.update(_locked(signals))
        time_s = np.arange(duration_ms, dtype=np.float64) / 1000.0
        start = self.ecu.tick_count
        parts_tick, parts_frame = [], []
        columns = {name: self._expand(name, time_s) for name in self.signals}
        for message in self._bus.messages:
            names = [s.name for s in message.signals if s.name in columns]
            if not names or message.name in self.silent or not message.cycle_time_ms:
                continue
            tick = np.arange(duration_ms)
            tick = tick[(start + tick) % message.cycle_time_ms == 0]
            frames = self._bus.encode_columns(
                message.name, (start + tick) * 1000, {n: columns[n][tick] for n in names},
                counter_start=self._counters.get(message.name, 0),
            )  # fmt: skip
            self._counters[message.name] = (self._counters.get(message.name, 0) + len(tick)) % 16
            parts_tick.append(tick)
            parts_frame.append(frames.frame)
        order = np.argsort(np.concatenate(parts_tick), kind="stable")
        run = self.ecu.run(
            np.concatenate(parts_frame)[order],
            np.concatenate(parts_tick)[order].astype(np.int64),
            duration_ms,
            record=self.record,
            every_ticks=1,
        )
        for name in _locked(signals):
            self.signals[name] = float(columns[name][-1])
        return Stretch(run)

    def _expand(self, name: str, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        level = self.signals[name]
        values = level(time_s) if callable(level) else np.broadcast_to(level, time_s.shape)
        if name in _ALIVE and name not in self.frozen:
            values = values + self._random.uniform(-_ALIVE[name], _ALIVE[name], time_s.shape)
        return np.asarray(values, dtype=np.float64)
