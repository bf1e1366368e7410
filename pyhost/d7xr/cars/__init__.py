"""The cars of the team: each a number, what is calibrated for it alone, and what was learned of it.

A car is a file that is laid over any calibration set, so that an event's set serves all of them::

    description = "the second car, droop measured after the shakedown"

    [car]
    number = 2

    [flight_mode]
    static_travel_mm = [128.0, 131.0]

The number goes with all that the unit keeps over power, and a unit takes nothing that was learned
of another (firmware/vcu_keep.h). Three cars are shipped by name, as built: ``car_1`` to ``car_3``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

NUMBER: Final = "car.number"
"""The parameter that says which car a calibration is for."""

_SHIPPED: Final = Path(__file__).parent


@cache
def shipped() -> tuple[str, ...]:
    """Return the names of the cars that come with the package."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def file_of(car: Path | str) -> Path:
    """Return the file of a car: that of a shipped one, else the path itself."""
    return _SHIPPED / f"{car}.toml" if str(car) in shipped() else Path(car)
