"""The closed loop: car, driver and sensors on one side, the unit on the other, frames between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np

from d7xr.ecu.core import ffi, lib, text_of
from d7xr.ecu.tables import calibration_from
from d7xr.errors import ConfigError
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.names import nearest
from d7xr.simulator import scenario as story
from d7xr.simulator.car import Start
from d7xr.simulator.ground import SURFACES, Ground, Piece
from d7xr.simulator.parameters import parameters_with
from d7xr.target.base import chain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from d7xr.simulator.scenario import Scenario
    from d7xr.target import Answer

type Control = Literal["unit", "none", "free_fall_cut"]
"""Who holds the engine in the air: the unit, nobody, or a cut after 300 ms below 0.2 g."""

type Fans = Literal["unit", "hysteresis"]
"""Who runs the fans: the unit, or all four at once from 95 degC until 91 degC."""

NEVER: Final = 0xFFFFFFFF
TICK_US: Final = 1000
_STYLES: Final = {"plan": 0, "flat": 1, "lift": 2}
_FRAMES_PER_S: Final = 1300
_SPACING_US: Final = 75
"""Between frames of one millisecond: as many as the car has messages find room in it."""

_STRETCH_TICKS: Final = 10_000
_SPARE: Final = 4000
_SHOW_TICKS: Final = 500
_EVERY_SIGNAL: Final = 255


class Unit(Protocol):
    """A unit that lives elsewhere: a target, or what starts and runs like one."""

    def start(self, calibration: bytes) -> object:
        """Start it anew with a set; see ``Target.start``."""
        ...

    def run(self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int) -> Answer:
        """Run a stretch of ticks; see ``Target.run``."""
        ...


@dataclass(frozen=True, slots=True)
class Flight:
    """One time without contact, as it was, and what the unit made of it.

    Times are of the car, in seconds from its start; None where it never happened.

    Attributes:
        take_off_s: No tyre touches any more.
        air_time_ms: Until one touches again.
        stretch: Where it began.
        speed_mps: At take-off.
        gear: At take-off.
        reduced_ms: From take-off until the command is below 90 % of the demand.
        found_ms: From take-off until the unit says Air.
        landing_found_ms: From touchdown until the unit says Landing or Ramp.
        restored_ms: From touchdown until 90 % of the demand is granted again.
        peak_shaft_ratio: Largest half-shaft torque within 0.5 s of touchdown, over that of steady
            full throttle in this gear at this speed.
        least_shaft_ratio: The least, which is negative where the shafts are turned back.
        mismatch_pct: Rim speed over ground speed at touchdown, less 100.
        peak_force_mps2: Vertical specific force at the landing.
        peak_engine_rpm: In the air.
        woke_s: Start of the unit in the time of the car.
    """

    take_off_s: float
    air_time_ms: int
    stretch: str
    speed_mps: float
    gear: int
    reduced_ms: int | None
    found_ms: int | None
    landing_found_ms: int | None
    restored_ms: int | None
    peak_shaft_ratio: float
    least_shaft_ratio: float
    mismatch_pct: float
    peak_force_mps2: float
    peak_engine_rpm: float
    woke_s: float

    @property
    def name(self) -> str:
        """Where it began."""
        return self.stretch

    @property
    def take_off_us(self) -> int:
        """Take-off in the time of the unit."""
        return round((self.take_off_s - self.woke_s) * 1e6)

    @property
    def touchdown_us(self) -> int:
        """Touchdown in the time of the unit."""
        return self.take_off_us + self.air_time_ms * TICK_US


@dataclass(frozen=True, slots=True)
class Truth:
    """What was recorded of the truth.

    Attributes:
        tick: Ticks of the unit, int64, shape ``(n,)``.
        columns: Name -> values, float32, shape ``(n,)``.
        units: Name -> unit.
        meanings: Name -> one sentence.
    """

    tick: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float32]]
    units: Mapping[str, str]
    meanings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Drive:
    """What came of a drive.

    Attributes:
        ticks: Of the unit.
        run_digest: Of the unit, by ``run_digest.h``.
        is_over: The car lay on its side, which ended the drive.
        flights: Of at least 10 ms, the first 64.
        flight_count: All of them.
        interventions: How often Flight Mode held torque on the ground, and no take-off came of it.
        intervention_ms: For how long.
        metrics: What scenarios may expect, by name.
        frames: To the unit; empty where they were not kept.
        truth: None where it was not kept.
    """

    ticks: int
    run_digest: int
    is_over: bool
    flights: tuple[Flight, ...]
    flight_count: int
    interventions: int
    intervention_ms: int
    metrics: Mapping[str, float]
    frames: Frames
    truth: Truth | None


class Loop:
    """A scenario that is ready to be driven once.

    Args:
        scenario: The story.
        where: What to name in errors.
        control: Who holds the engine in the air.
        fans: Who runs the fans.

    Raises:
        ConfigError: A parameter, signal or message that there is not, or a value out of its range.
    """

    def __init__(
        self, scenario: Scenario, where: str = "scenario", *, control: Control = "unit",
        fans: Fans = "unit",
    ) -> None:  # fmt: skip
        """Build the ground and put the car on it."""
        self._scenario = scenario
        self._ground = Ground.build([_piece(s) for s in scenario.stretch], seed=scenario.seed)
        start = scenario.start
        vehicle = ffi.new("plant_vehicle_t *")
        parameters = parameters_with(scenario.car, where)
        lib.plant_vehicle_init(vehicle, parameters, self._ground.handle, _start(scenario).handle())
        _break(vehicle, scenario)
        self._legs = ffi.new("driver_leg_t[]", len(scenario.stretch))
        for leg, stretch in zip(self._legs, scenario.stretch, strict=True):
            leg.exit_mps = stretch.exit_kph * story.KPH
            leg.style, leg.gear = _STYLES[stretch.style], stretch.gear
        key, driver = ffi.new("driver_key_t *"), ffi.new("driver_t *")
        if scenario.key is not None:
            for name in scenario.key.__struct_fields__:
                setattr(key, name, getattr(scenario.key, name))
        lib.driver_init(driver, self._legs, key, start.speed_kph * story.KPH)
        sensors = ffi.new("sensors_t *")
        lib.sensors_init(sensors, _setup(scenario, where, control), scenario.seed)
        self._c = ffi.new("simulator_t *")
        lib.simulator_init(self._c, vehicle, driver, sensors)
        self._c.control = (
            lib.SIMULATOR_FREE_FALL_CUT if control == "free_fall_cut" else lib.SIMULATOR_UNIT
        )
        self._c.has_simple_fans = int(fans == "hysteresis")
        self._output = ffi.new("simulator_output_t *")
        self._kept: list[Any] = []

    @property
    def ticks(self) -> int:
        """How many ticks of the unit the drive asks for."""
        return round(self._scenario.lasts_s * 1000.0)

    def keep(self, *, every_ticks: int = 10) -> None:
        """Keep frames, and the truth at every tick that is a multiple; call before driving."""
        frames = int(self._scenario.lasts_s * _FRAMES_PER_S) + _SPARE
        rows = (self.ticks + _SPARE) // every_ticks + 1
        frame = np.zeros(frames, dtype=FRAME_DTYPE)
        tick = np.zeros(frames, dtype=np.uint32)
        truth = np.zeros((int(lib.SIMULATOR_TRUTHS), rows), dtype=np.float32)
        self._kept = [frame, tick, truth]
        out = self._output
        out.frame = ffi.cast("can_frame_t *", frame.ctypes.data)
        out.frame_tick = ffi.cast("uint32_t *", tick.ctypes.data)
        out.truth = ffi.cast("float *", truth.ctypes.data)
        out.frame_capacity, out.truth_capacity, out.every_ticks = frames, rows, every_ticks

    def drive(self, calibration: bytes, on_progress: Callable[[int], None] | None = None) -> Drive:
        """Drive with a unit in this process, all in C.

        Args:
            calibration: The unit's set, as bytes of the C struct.
            on_progress: Called every ten seconds of virtual time with the ticks done.
        """
        vcu = ffi.new("vcu_t *")
        lib.vcu_init(vcu, calibration_from(calibration))
        until = 0
        while not lib.simulator_is_done(self._c, self.ticks):
            until = min(until + _STRETCH_TICKS, self.ticks)
            lib.simulator_run(self._c, vcu, until, self._output)
            if on_progress is not None:
                on_progress(int(self._c.unit_ticks))
        return self._told(int(self._c.run_digest))

    def drive_on(
        self, unit: Unit, calibration: bytes, on_progress: Callable[[int], None] | None = None
    ) -> Drive:
        """Drive with a unit that lives elsewhere, a tick at a time.

        Args:
            unit: The unit; a target within its ``with`` block.
            calibration: The unit's set, as bytes of the C struct.
            on_progress: Called every half a second of virtual time with the ticks done.
        """
        unit.start(calibration)
        digest, at_once = int(self._c.run_digest), np.zeros(0, dtype=np.int64)
        while not lib.simulator_is_done(self._c, self.ticks):
            lib.simulator_before(self._c)
            if self._c.is_awake:
                count, tick = int(self._c.frames), int(self._c.unit_ticks)
                raw = ffi.buffer(self._c.frame, count * FRAME_DTYPE.itemsize)
                frame = np.frombuffer(bytes(raw), dtype=FRAME_DTYPE)
                if count > at_once.size:
                    at_once = np.zeros(count, dtype=np.int64)
                answer = unit.run(frame, at_once[:count], 1)
                digest = chain(digest, tick, answer)
                sent = ffi.from_buffer("can_frame_t[]", answer.sent.tobytes())
                for i in range(len(answer.sent)):
                    lib.simulator_take(self._c, ffi.addressof(sent, i))
                if on_progress is not None and tick % _SHOW_TICKS == 0:
                    on_progress(tick)
            lib.simulator_after(self._c)
            lib.simulator_keep(self._c, self._output)
        return self._told(digest)

    def _told(self, digest: int) -> Drive:
        c, summary = self._c, self._c.summary
        flights = tuple(self._flight(summary.flight[i]) for i in range(int(summary.kept)))
        done = tuple(flight for flight in flights if flight is not None)
        return Drive(
            ticks=int(c.unit_ticks),
            run_digest=digest,
            is_over=bool(c.vehicle.is_over),
            flights=done,
            flight_count=int(summary.flights),
            interventions=int(summary.interventions),
            intervention_ms=int(summary.intervention_ticks),
            metrics=_metrics(c, done),
            frames=self._frames(),
            truth=self._truth(),
        )

    def _flight(self, c: Any) -> Flight | None:  # noqa: ANN401 - a cffi struct has no type
        if c.touchdown_tick == NEVER:
            return None

        def after(tick: int, first: int) -> int | None:
            return None if tick == NEVER else tick - first

        drive_Nm = max(float(c.drive_shaft_Nm), 1.0)
        return Flight(
            take_off_s=c.take_off_tick / 1000.0,
            air_time_ms=c.touchdown_tick - c.take_off_tick,
            stretch=self._scenario.stretch[c.piece].name,
            speed_mps=float(c.speed_mps),
            gear=int(c.gear),
            reduced_ms=after(c.reduced_tick, c.take_off_tick),
            found_ms=after(c.air_tick, c.take_off_tick),
            landing_found_ms=after(c.landing_tick, c.touchdown_tick),
            restored_ms=after(c.restored_tick, c.touchdown_tick),
            peak_shaft_ratio=float(c.peak_shaft_Nm) / drive_Nm,
            least_shaft_ratio=float(c.least_shaft_Nm) / drive_Nm,
            mismatch_pct=100.0 * float(c.mismatch_ratio),
            peak_force_mps2=float(c.peak_force_mps2),
            peak_engine_rpm=float(c.peak_engine_rpm),
            woke_s=self._c.woke_tick / 1000.0,
        )

    def _frames(self) -> Frames:
        if not self._kept:
            return Frames(np.zeros(0, np.int64), np.zeros(0, FRAME_DTYPE))
        frame, tick, _ = self._kept
        count = int(self._output.frames)
        at = tick[:count].astype(np.int64)
        order = np.arange(count) - np.searchsorted(at, at)
        return Frames(at * TICK_US + order * _SPACING_US, frame[:count])

    def _truth(self) -> Truth | None:
        if not self._kept:
            return None
        rows, every = int(self._output.truth_rows), int(self._output.every_ticks)
        names = [
            (lib.simulator_column[i], self._kept[2][i, :rows])
            for i in range(int(lib.SIMULATOR_TRUTHS))
        ]
        return Truth(
            tick=np.arange(rows, dtype=np.int64) * every,
            columns={text_of(row.name): values for row, values in names},
            units={text_of(row.name): text_of(row.unit) for row, _ in names},
            meanings={text_of(row.name): text_of(row.meaning) for row, _ in names},
        )


REAL_FLIGHT_MS: Final = 250
"""A time without contact that has to be found; shorter ones may be."""

METRICS: Final = (
    "flights", "flights_found", "flights_reduced", "hops", "longest_air_ms", "interventions",
    "intervention_ms", "found_ms", "reduced_ms", "landing_found_ms", "restored_ms",
    "peak_shaft_ratio", "peak_shaft_kNm", "mismatch_most_pct", "mismatch_least_pct",
    "peak_engine_rpm", "peak_force_mps2", "coolant_most_degC", "coolant_end_degC",
    "coolant_out_of_band_s", "coolant_limited_s", "supply_most_A", "fans_most_A",
    "battery_least_V", "fan_energy_kJ", "fuel_used_L", "rail_least_ratio", "speed_most_mps",
    "roll_most_deg", "distance_m", "is_over",
)  # fmt: skip
"""What scenarios may expect of a drive, by name."""


def _metrics(c: Any, flights: tuple[Flight, ...]) -> dict[str, float]:  # noqa: ANN401 - cffi
    """Return the values of `METRICS`; a worst one over no flight at all is 0."""
    real = [flight for flight in flights if flight.air_time_ms >= REAL_FLIGHT_MS]
    heat, fuel, summary = c.vehicle.heat, c.vehicle.fuel, c.summary

    def worst(values: list[float]) -> float:
        return max(values, default=0.0)

    return {
        "flights": len(real),
        "flights_found": sum(flight.found_ms is not None for flight in real),
        "flights_reduced": sum(flight.reduced_ms is not None for flight in real),
        "hops": int(summary.flights) - len(real),
        "longest_air_ms": worst([flight.air_time_ms for flight in flights]),
        "interventions": int(summary.interventions),
        "intervention_ms": int(summary.intervention_ticks),
        "found_ms": worst([flight.found_ms or 0 for flight in real]),
        "reduced_ms": worst([flight.reduced_ms or 0 for flight in real]),
        "landing_found_ms": worst([flight.landing_found_ms or 0 for flight in real]),
        "restored_ms": worst([flight.restored_ms or 0 for flight in real]),
        "peak_shaft_ratio": worst([flight.peak_shaft_ratio for flight in real]),
        "peak_shaft_kNm": float(summary.peak_shaft_Nm) / 1000.0,
        "mismatch_most_pct": worst([flight.mismatch_pct for flight in real]),
        "mismatch_least_pct": min([flight.mismatch_pct for flight in real], default=0.0),
        "peak_engine_rpm": worst([flight.peak_engine_rpm for flight in flights]),
        "peak_force_mps2": worst([flight.peak_force_mps2 for flight in flights]),
        "coolant_most_degC": float(summary.coolant_max_degC),
        "coolant_end_degC": float(heat.coolant_degC),
        "coolant_out_of_band_s": int(summary.out_of_band_ticks) / 1000.0,
        "coolant_limited_s": int(summary.hot_limit_ticks) / 1000.0,
        "supply_most_A": float(summary.supply_max_A),
        "fans_most_A": float(summary.fan_max_A),
        "battery_least_V": float(summary.battery_least_V),
        "fan_energy_kJ": float(heat.fan_energy_J) / 1000.0,
        "fuel_used_L": float(fuel.used_L),
        "rail_least_ratio": float(summary.rail_least_ratio),
        "speed_most_mps": float(summary.speed_max_mps),
        "roll_most_deg": float(np.degrees(summary.roll_max_rad)),
        "distance_m": float(c.vehicle.body.x_m),
        "is_over": int(c.vehicle.is_over),
    }


def _piece(stretch: story.Stretch) -> Piece:
    gain = stretch.gain if isinstance(stretch.gain, tuple) else (stretch.gain, stretch.gain)
    same = (
        "length_m", "knots", "wave_m", "wave_height_m", "wave_fade_m", "wave_shift_m", "rock_m",
        "rock_height_m", "rocks_per_m", "rough_m", "curvature_radpm",
    )  # fmt: skip
    values = {name: getattr(stretch, name) for name in same}
    return Piece(gain=gain, surface=SURFACES[stretch.surface], **values)


def _start(scenario: Scenario) -> Start:
    values = {
        name: getattr(scenario.start, name)
        for name in scenario.start.__struct_fields__
        if name != "speed_kph"
    }
    speed_mps = scenario.start.speed_kph * story.KPH
    return Start(speed_mps=speed_mps, is_running=scenario.key is None, **values)


def _break(vehicle: Any, scenario: Scenario) -> None:  # noqa: ANN401 - a cffi struct has no type
    faults, c = scenario.faults, vehicle.faults
    c.open_fan_mask = sum(1 << (fan - 1) for fan in set(faults.dead_fans))
    c.stalled_fan_mask = sum(1 << (fan - 1) for fan in set(faults.stalled_fans))
    c.duct_kPa = faults.blocked_duct_kPa
    for name in ("is_lift_pump_dead", "is_coolant_pump_dead", "is_filter_bypassed"):
        setattr(c, name, int(getattr(faults, name)))


@cache
def signals() -> Mapping[str, str]:
    """Return the signals that can be broken, each with its message."""
    rows = (lib.sensors_row[i] for i in range(int(lib.SENSORS_SIGNALS)))
    return {text_of(row.name): text_of(row.message) for row in rows}


@cache
def messages() -> tuple[str, ...]:
    """Return the messages that can be broken."""
    return tuple(text_of(lib.sensors_message[i]) for i in range(int(lib.SENSORS_COUNT)))


def _setup(scenario: Scenario, where: str, control: Control) -> Any:  # noqa: ANN401 - cffi
    given = scenario.sensors
    setup = ffi.new("sensors_setup_t *")
    setup.lever_m, setup.turned_rad = given.lever_m, given.turned_rad
    setup.radius_ratio = given.radius_ratio
    setup.shake_mps2, setup.shake_per_mps = given.shake_mps2, given.shake_per_mps
    setup.noise_ratio = given.noise_ratio
    setup.flight_switch = int(given.flight_mode == "auto" and control == "unit")
    setup.fan_switch = int(given.fans == "all_on")
    setup.is_from_key_on = int(scenario.key is not None)
    of_signal, known = signals(), messages()
    setup.faults = len(scenario.sensor_fault)
    for row, fault in zip(setup.fault, scenario.sensor_fault, strict=False):
        place = f"{where}: [[sensor_fault]]"
        if fault.signal and fault.signal not in of_signal:
            raise ConfigError(
                f"{place}: no signal {fault.signal!r}", hint=nearest(fault.signal, of_signal)
            )
        if fault.message and fault.message not in known:
            raise ConfigError(
                f"{place}: no message {fault.message!r}", hint=nearest(fault.message, known)
            )
        row.kind = story.KINDS.index(fault.kind) + 1
        row.message = known.index(fault.message or of_signal[fault.signal])
        row.signal = list(of_signal).index(fault.signal) if fault.signal else _EVERY_SIGNAL
        row.amount = fault.amount
        row.from_tick, row.until_tick = round(fault.from_s * 1000), round(fault.until_s * 1000)
    return setup
