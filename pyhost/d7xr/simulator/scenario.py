"""Scenarios: a story in TOML, from the ground and the start of the car to what is to be seen.

    story = "Over a table-top flat out in third."
    lasts_s = 12.0
    seed = 1
    event = "morocco"                    # weather and calibration of an event of the season

    [start]                              # how the car begins; the names carry the units
    speed_kph = 60.0
    gear = 3

    [car]                                # parameters of the car that differ (plant_parameters.def)
    lash_deg = 5.0

    [sensors]                            # how the sensors are mounted and how well they measure
    noise_ratio = 2.0

    [faults]                             # what is broken in the car itself
    dead_fans = [2, 4]

    [[sensor_fault]]                     # what is broken in a sensor, and when
    signal = "damper_travel_fl_mm"       # or message = "damper_travel"
    kind = "stuck"
    amount = 40.0
    from_s = 3.0

    [[stretch]]                          # the ground, piece behind piece, and how it is driven
    name = "ramp"
    length_m = 40.0
    knots = [[0.0, 0.0], [8.0, 0.11], [12.0, 0.11], [12.05, 0.0]]
    surface = "gravel"
    style = "flat"
    exit_kph = 60.0

    [expect]                             # the claims: a number, or least and largest
    flights = [1, 1]

A key that is not known, or has another unit, is an error, never passed over.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from d7xr.errors import ConfigError, UsageError
from d7xr.names import nearest
from d7xr.rally import weather_of
from d7xr.simulator.ground import SURFACES

KPH: Final = 1.0 / 3.6
LONGEST_S: Final = 4 * 3600.0

Positive = Annotated[float, msgspec.Meta(gt=0.0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0.0)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Speed_kph = Annotated[float, msgspec.Meta(ge=0.0, le=200.0)]
Gear = Annotated[int, msgspec.Meta(ge=0, le=8)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Fan = Annotated[int, msgspec.Meta(ge=1, le=4)]
Slope = Annotated[float, msgspec.Meta(ge=-1.0, le=1.0)]
Knot = tuple[NotNegative, Slope]
Bounds = float | tuple[float, float]

KINDS: Final = (
    "frozen", "noisy", "minimum", "maximum", "offset", "stuck", "not_available", "dropped",
    "delayed", "counter", "crc",
)  # fmt: skip
"""What can be wrong with a sensor, in the order of ``sensors_kind_t`` from 1 on."""
OF_MESSAGES: Final = KINDS[KINDS.index("dropped") :]
"""What can only befall a whole message."""


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the car begins: rolling in a gear, or with ``speed_kph = 0`` at rest."""

    speed_kph: Speed_kph = 0.0
    gear: Gear = 0
    fuel_L: Annotated[float, msgspec.Meta(ge=0.0, le=700.0)] = 275.0
    filter_dust_kg: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.0
    coolant_degC: Annotated[float, msgspec.Meta(ge=-30.0, le=130.0)] = 85.0
    blocked_ratio: Annotated[float, msgspec.Meta(ge=0.0, le=0.95)] = 0.0
    ambient_degC: Annotated[float, msgspec.Meta(ge=-30.0, le=60.0)] = 21.0
    ambient_kPa: Annotated[float, msgspec.Meta(ge=60.0, le=110.0)] = 97.0
    wind_mps: Annotated[float, msgspec.Meta(ge=-30.0, le=30.0)] = 0.0
    dust_factor: Annotated[float, msgspec.Meta(ge=0.0, le=50.0)] = 1.0


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A start by the key, in seconds from the beginning; without this table the engine runs."""

    crank_s: Positive = 0.9
    running_s: Positive = 1.7
    pull_away_s: Positive = 3.2
    stop_s: NotNegative = 0.0


class Sensors(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the sensors are mounted, and the driver's switches."""

    lever_m: tuple[float, float, float] = (0.2, 0.1, 0.1)
    turned_rad: tuple[float, float, float] = (0.01, -0.01, 0.01)
    shake_mps2: NotNegative = 0.15
    shake_per_mps: NotNegative = 0.012
    noise_ratio: NotNegative = 1.0
    radius_ratio: tuple[float, float, float, float] = (1.0, 1.002, 0.998, 1.001)
    flight_mode: Literal["auto", "off"] = "auto"
    fans: Literal["auto", "all_on"] = "auto"


class CarFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is broken in the car itself."""

    dead_fans: tuple[Fan, ...] = ()
    stalled_fans: tuple[Fan, ...] = ()
    blocked_duct_kPa: NotNegative = 0.0
    is_lift_pump_dead: bool = False
    is_coolant_pump_dead: bool = False
    is_filter_bypassed: bool = False


class SensorFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is broken in a sensor: one signal, or a whole message."""

    kind: str
    signal: str = ""
    message: str = ""
    amount: float = 0.0
    from_s: NotNegative = 0.0
    until_s: Positive = LONGEST_S


class Stretch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One piece of ground and how it is driven."""

    name: Text
    length_m: Annotated[float, msgspec.Meta(gt=0.2, le=1.0e6)]
    exit_kph: Speed_kph
    surface: str = "gravel"
    knots: Annotated[tuple[Knot, ...], msgspec.Meta(max_length=12)] = ()
    wave_m: NotNegative = 0.0
    wave_height_m: NotNegative = 0.0
    wave_fade_m: NotNegative = 0.0
    wave_shift_m: float = 0.0
    gain: float | tuple[float, float] = 1.0
    rock_m: NotNegative = 0.0
    rock_height_m: NotNegative = 0.0
    rocks_per_m: NotNegative = 0.0
    rough_m: NotNegative = 0.0
    curvature_radpm: Annotated[float, msgspec.Meta(ge=-0.1, le=0.1)] = 0.0
    style: Literal["plan", "flat", "lift"] = "plan"
    gear: Gear = 0


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A story that can be driven."""

    story: Text
    lasts_s: Annotated[float, msgspec.Meta(gt=0.0, le=LONGEST_S)]
    stretch: Annotated[tuple[Stretch, ...], msgspec.Meta(min_length=1)]
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 1
    event: str = ""
    start: Start = Start()
    key: Key | None = None
    car: Mapping[str, float | tuple[float, ...]] = {}
    calibration: Mapping[str, Mapping[str, Any]] = {}
    sensors: Sensors = Sensors()
    faults: CarFaults = CarFaults()
    sensor_fault: Annotated[tuple[SensorFault, ...], msgspec.Meta(max_length=8)] = ()
    expect: Mapping[str, Bounds] = {}
    expect_faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a scenario came from.

    Attributes:
        name: Of the story: the file's name without its end.
        text: The file.
        scenario: What it says.
    """

    name: str
    text: str
    scenario: Scenario


def shipped() -> tuple[str, ...]:
    """Return the names of the scenarios that come with the package, in order."""
    folder = files("d7xr.simulator").joinpath("scenarios")
    return tuple(sorted(p.name.removesuffix(".toml") for p in folder.iterdir()))


def load(name: str, event: str | None = None) -> Source:
    """Read a scenario: a file, or the name of a shipped one.

    Args:
        name: The file or name.
        event: Hold it under the weather of this event of the season instead of its own.

    Raises:
        ConfigError: There is no such file or name, it is no TOML, or a key or value in it is wrong.
    """
    path = Path(name)
    if path.suffix == ".toml" and (path.is_file() or path.stem not in shipped()):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            told = getattr(error, "strerror", None) or "is no text in UTF-8"
            raise ConfigError(
                f"{name}: {told}", hint="name a file, or a shipped scenario: d7xr simulate --list"
            ) from error
    elif path.stem in shipped() and path.parent == Path():
        place = files("d7xr.simulator").joinpath("scenarios", f"{path.stem}.toml")
        text = place.read_text(encoding="utf-8")
    else:
        raise ConfigError(f"no scenario {name!r}", hint=nearest(name, shipped()))
    if event is not None:
        weather_of(event)
        own = re.compile(r"^event *=.*\n", re.MULTILINE)
        text = f'event = "{event}"\n{own.sub("", text)}'
    return Source(path.stem, text, parse(text, path.name))


def parse(text: str, where: str) -> Scenario:
    """Return the scenario that a text in TOML describes.

    Args:
        text: The text.
        where: What to name in errors.

    Raises:
        ConfigError: It is no TOML, or a key or value is wrong.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: {error}", hint="it is not TOML there") from error
    return from_table(table, where)


def from_table(table: Mapping[str, Any], where: str) -> Scenario:
    """Return the scenario that a table describes, as `parse` does."""
    _refuse_unknown(table, Scenario, where, "")
    for key, kind in _TABLES.items():
        if isinstance(table.get(key), dict):
            _refuse_unknown(table[key], kind, where, f"[{key}] ")
    for key, kind in _LISTS.items():
        rows = table.get(key, ())
        for number, row in enumerate(rows if isinstance(rows, list | tuple) else (), start=1):
            if isinstance(row, dict):
                _refuse_unknown(row, kind, where, f"[[{key}]] {row.get('name', number)}: ")
    try:
        scenario = msgspec.convert(table, Scenario)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}", hint="see docs/simulator.md") from error
    _check(scenario, where)
    return _under_its_weather(scenario, where) if scenario.event else scenario


def _under_its_weather(scenario: Scenario, where: str) -> Scenario:
    """Return the scenario with the weather of its event, whatever its start says."""
    try:
        weather = weather_of(scenario.event)
    except UsageError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
    start = msgspec.structs.replace(
        scenario.start,
        ambient_degC=weather.ambient_degC,
        ambient_kPa=weather.ambient_kPa,
        dust_factor=weather.dust_factor,
    )
    return msgspec.structs.replace(scenario, start=start)


_TABLES: Final[dict[str, type[msgspec.Struct]]] = {
    "start": Start,
    "key": Key,
    "sensors": Sensors,
    "faults": CarFaults,
}
_LISTS: Final[dict[str, type[msgspec.Struct]]] = {"sensor_fault": SensorFault, "stretch": Stretch}


def _refuse_unknown(
    table: Mapping[str, Any], kind: type[msgspec.Struct], where: str, place: str
) -> None:
    known = kind.__struct_fields__
    for key in table:
        if key in known:
            continue
        stem = key.rpartition("_")[0]
        same = [name for name in known if stem and name.rpartition("_")[0] == stem]
        if same:
            unit = same[0].rpartition("_")[2]
            raise ConfigError(
                f"{where}: {place}{key} is in another unit: it is given in {unit}",
                hint=f"write {same[0]} = ...",
            )
        raise ConfigError(f"{where}: {place}there is no key {key!r}", hint=nearest(key, known))


def _check(scenario: Scenario, where: str) -> None:
    """Refuse what has the right form and no meaning."""
    for stretch in scenario.stretch:
        place = f"{where}: [[stretch]] {stretch.name}"
        if stretch.surface not in SURFACES:
            raise ConfigError(
                f"{place}: no surface {stretch.surface!r}", hint=nearest(stretch.surface, SURFACES)
            )
        at_m = [knot[0] for knot in stretch.knots]
        if at_m != sorted(set(at_m)):
            raise ConfigError(f"{place}: the knots do not go forward", hint="order them by m")
        if at_m and at_m[-1] > stretch.length_m:
            raise ConfigError(
                f"{place}: a knot at {at_m[-1]:g} m of {stretch.length_m:g} m",
                hint="make the stretch longer",
            )
    for fault in scenario.sensor_fault:
        place = f"{where}: [[sensor_fault]] {fault.signal or fault.message}"
        if fault.kind not in KINDS:
            raise ConfigError(f"{place}: no kind {fault.kind!r}", hint=nearest(fault.kind, KINDS))
        if bool(fault.signal) == bool(fault.message):
            raise ConfigError(f"{place}: needs a signal or a message", hint="name one of the two")
        if fault.kind in OF_MESSAGES and fault.signal:
            raise ConfigError(
                f"{place}: {fault.kind} befalls a whole message", hint="name a message instead"
            )
    for name, bound in scenario.expect.items():
        if isinstance(bound, tuple) and bound[0] > bound[1]:
            raise ConfigError(
                f"{where}: [expect] {name}: {bound[0]:g} is more than {bound[1]:g}",
                hint="write least and largest",
            )
