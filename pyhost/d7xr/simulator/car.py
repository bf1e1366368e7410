"""The car alone, without driver, sensors and unit: what the proofs of the plant drive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from d7xr.ecu.core import ffi, lib
from d7xr.errors import ConfigError
from d7xr.simulator.parameters import parameters_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from d7xr.simulator.ground import Ground
    from d7xr.simulator.parameters import Value

LEAD_IN_M: Final = 4.0
"""The car begins this far from the start of the ground, which is flat before its first knot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How the car begins.

    Attributes:
        speed_mps: Rolling, in the gear; 0 stands.
        gear: 0 takes the lowest that keeps the engine below 4500 rpm.
        is_running: With the engine running, else dead in park.
        fuel_L: On board.
        filter_dust_kg: In the sand filter.
        coolant_degC: At the radiator inlet; the oils are in proportion.
        blocked_ratio: Share of the radiator that sand has blocked.
        ambient_degC: Outside air.
        ambient_kPa: Barometric pressure at the start.
        wind_mps: Along the track, tail wind positive.
        dust_factor: Times the dust of the surface; 5 is behind another car.
    """

    speed_mps: float = 0.0
    gear: int = 0
    is_running: bool = True
    fuel_L: float = 275.0
    filter_dust_kg: float = 0.0
    coolant_degC: float = 85.0
    blocked_ratio: float = 0.0
    ambient_degC: float = 21.0
    ambient_kPa: float = 97.0
    wind_mps: float = 0.0
    dust_factor: float = 1.0

    def handle(self) -> Any:  # noqa: ANN401 - a cffi struct has no type
        """Return the C struct.

        Raises:
            ConfigError: A gear that there is not, or more fuel than the tank holds.
        """
        if not 0 <= self.gear <= int(lib.PLANT_GEARS_COUNT):
            raise ConfigError(f"start in gear {self.gear}", hint="1 to 8, or 0 for the best")
        start = ffi.new("plant_start_t *")
        start.ambient.degC = self.ambient_degC
        start.ambient.kPa = self.ambient_kPa
        start.ambient.wind_mps = self.wind_mps
        start.x_m = LEAD_IN_M
        for name in (
            "speed_mps", "fuel_L", "filter_dust_kg", "coolant_degC", "blocked_ratio",
            "dust_factor", "gear", "is_running",
        ):  # fmt: skip
            setattr(start, name, getattr(self, name))
        return start


class Car:
    """The plant, a millisecond at a time, under commands that the caller writes.

    Args:
        ground: Where it drives.
        start: How it begins.
        values: Parameters that differ from the default.
        steps_per_ms: Finer integration, for proofs of convergence.

    Attributes:
        c: The C struct ``plant_vehicle_t``; its members are what there is to see and to command.

    Example:
        >>> from d7xr.simulator.ground import Ground, Piece
        >>> car = Car(Ground.build([Piece(100.0)], seed=1), Start(speed_mps=10.0))
        >>> car.tick(1000)
        >>> car.is_airborne
        False
    """

    def __init__(
        self, ground: Ground, start: Start | None = None,
        values: Mapping[str, Value] | None = None, *, steps_per_ms: int = 1,
    ) -> None:  # fmt: skip
        """Put the car on the ground."""
        self._ground = ground
        self.c = ffi.new("plant_vehicle_t *")
        parameters = parameters_with(values or {}, "parameters")
        lib.plant_vehicle_init(self.c, parameters, ground.handle, (start or Start()).handle())
        self.c.steps_per_ms = steps_per_ms
        self.c.has_ledger = 1

    def tick(self, count: int = 1) -> None:
        """Let milliseconds pass."""
        for _ in range(count):
            lib.plant_vehicle_tick(self.c)

    @property
    def is_airborne(self) -> bool:
        """Whether no tyre touches the ground."""
        return bool(self.c.is_airborne)

    @property
    def energy_J(self) -> float:
        """Energy in motion, height and springs."""
        return float(lib.plant_vehicle_energy_J(self.c))

    @property
    def lost_J(self) -> float:
        """Energy that went out of it since the start, less what the engine did."""
        ledger = self.c.ledger
        lost = (
            ledger.clutch_J, ledger.gear_J, ledger.shaft_J, ledger.differential_J,
            ledger.brake_J, ledger.slip_J, ledger.damper_J, ledger.resist_J, ledger.lever_J,
        )  # fmt: skip
        return float(sum(lost) - ledger.engine_J)

    def bytes_of(self, part: str) -> bytes:
        """Return the bytes of one part of the state, such as ``body``."""
        return bytes(ffi.buffer(ffi.addressof(self.c, part)))
