"""The five events of the season: what the weather is like, and the calibration set for it.

Each event is a calibration set of its name (`d7xr.calibration` knows it, also as a parent), and a
line of ``weather.toml``, which a simulated stage can be held under.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from d7xr.errors import UsageError
from d7xr.names import nearest

FOLDER: Final = Path(__file__).parent
_WEATHER: Final = FOLDER / "weather.toml"


class Weather(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A hard day of an event.

    Attributes:
        title: Name and month of the event.
        ambient_degC: Outside air in the afternoon.
        ambient_kPa: Pressure on the high part of the stages.
        dust_factor: Dust in the air against a car that drives alone on gravel.
        source: Where the numbers come from.
    """

    title: str
    ambient_degC: float
    ambient_kPa: float
    dust_factor: float
    source: str


@cache
def events() -> dict[str, Weather]:
    """Return the events of the season by name, in their order."""
    table = tomllib.loads(_WEATHER.read_text(encoding="utf-8"))
    return {name: msgspec.convert(row, Weather) for name, row in table.items()}


def weather_of(event: str) -> Weather:
    """Return the weather of an event.

    Raises:
        UsageError: There is no such event.
    """
    found = events().get(event)
    if found is None:
        raise UsageError(f"no event '{event}'", hint=nearest(event, tuple(events())))
    return found


def calibration_of(event: str) -> Path:
    """Return the calibration set of an event.

    Raises:
        UsageError: There is no such event.
    """
    weather_of(event)
    return FOLDER / f"{event}.toml"
