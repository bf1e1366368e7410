"""The mapping file: how another car's signals become ours, in TOML.

Every key that holds a number in a unit is named for it or stands beside the unit it is in. A key
that is not known is an error, never passed over: a forgotten validity code could become motion.

    name = "Some car"
    description = "..."                 # optional
    dbc = "some_car.dbc"                # optional: a hint; the file is named at the call
    channel = 0                         # optional: which channel of a trace is meant

    [message.WheelSpeeds]               # optional: how one of our messages is sent
    resend_ms = 10                      # repeat it between arrivals; else never
    max_hold_ms = 50                    # age at which a value becomes NotAvailable; else one cycle

    [signal."WheelSpeeds.WheelSpeedFL_radps"]
    source = "WHEELS.FrontLeft"         # <Message>.<Signal> of the other car
    unit = "km/h"                       # must be what its DBC says
    scale = 0.868                       # our unit per source unit; optional where both are equal
    offset = 0.0                        # in our unit
    not_available_raw = [65534, 65535]  # raw codes that are no value
    valid_when = { signal = "FrontLeftOk", equals_raw = [1] } # of the same source message
    valid_min = 0.0                     # in the source unit; outside is no value
    valid_max = 300.0
    max_hold_ms = 50                    # as above, for this signal alone
    assumed = "tyre radius 0.32 m"      # what is believed, not known; goes to the report

    [signal."GearboxState.Gear"]
    source = "GEARBOX.Gear"
    unit = ""
    values = { 0 = "Neutral", 1 = "Gear1" }     # raw code = our name; other codes are no value

    [signal."EngineState.EngineStatus"]
    source = "ENGINE.Speed"
    unit = "rpm"
    steps = [[0, "Stopped"], [400, "Running"]]  # from this value on, in the source unit

    [constant]                          # what the car cannot send but is true; goes to the report
    "EngineState.Ignition" = "On"
"""

import itertools
import math
import re
import tomllib
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from d7xr.errors import ConfigError
from d7xr.names import nearest

Milliseconds = Annotated[int, msgspec.Meta(ge=1)]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class ValidWhen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signal of the same source message that says whether a value is good."""

    signal: str
    equals_raw: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]


class SignalRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one of our signals is fed; the keys are explained at the head of this module."""

    source: str
    unit: str
    scale: float | None = None
    offset: float = 0.0
    not_available_raw: tuple[int, ...] = ()
    valid_when: ValidWhen | None = None
    valid_min: float | None = None
    valid_max: float | None = None
    values: AbstractMapping[str, str] | None = None
    steps: Annotated[tuple[tuple[float, str], ...], msgspec.Meta(min_length=1)] | None = None
    max_hold_ms: Milliseconds | None = None
    assumed: Text | None = None


class MessageRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one of our messages is sent."""

    resend_ms: Milliseconds | None = None
    max_hold_ms: Milliseconds | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Text
    description: str = ""
    dbc: str = ""
    channel: Annotated[int, msgspec.Meta(ge=0)] | None = None
    message: dict[str, Any] = {}
    signal: dict[str, Any] = {}
    constant: dict[str, str | float] = {}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file after its form has been checked; its names are checked against the databases.

    Attributes:
        path: File that was read.
        name: Name of the car.
        description: What is worth knowing about it.
        dbc: Name of the DBC that fits, or empty.
        channel: Channel of a trace that is meant, or None.
        messages: How our messages are sent, by name.
        signals: How our signals are fed, by ``<Message>.<Signal>``.
        constants: What is taken for true, by ``<Message>.<Signal>``: a choice name or a number.
        lines: Line of each of these entries in the file, by the same names.
    """

    path: Path
    name: str
    description: str
    dbc: str
    channel: int | None
    messages: AbstractMapping[str, MessageRule]
    signals: AbstractMapping[str, SignalRule]
    constants: AbstractMapping[str, str | float]
    lines: AbstractMapping[str, int]

    def place(self, entry: str) -> str:
        """Return where an entry stands: file, line and name."""
        line = self.lines.get(entry)
        return f"{self.path.name}:{line}: {entry}" if line else f"{self.path.name}: {entry}"


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file and check its form.

    Raises:
        ConfigError: The file is absent, is not TOML, or has a key or value that is not known.
    """
    try:
        text = path.read_bytes().decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read the mapping {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path.name} is not TOML: {error}", hint="correct the file at that place"
        ) from error

    file = _convert(table, _File, _Place(path, text, ""))
    messages = {
        name: _convert(entry, MessageRule, _Place(path, text, f"message.{name}"))
        for name, entry in file.message.items()
    }
    signals = {
        name: _signal_rule(entry, _Place(path, text, f'signal."{name}"'))
        for name, entry in file.signal.items()
    }
    if not signals:
        raise ConfigError(f"{path.name} maps no signal", hint='add a table [signal."..."]')
    entries = (*file.message, *file.signal, *file.constant)
    lines = {entry: line for entry in entries if (line := _line_of_entry(text, entry))}
    return Mapping(
        path=path,
        name=file.name,
        description=file.description,
        dbc=file.dbc,
        channel=file.channel,
        messages=messages,
        signals=signals,
        constants=file.constant,
        lines=lines,
    )


_SHIPPED: Final = Path(__file__).resolve().parent / "mappings"


def list_mappings() -> tuple[str, ...]:
    """Return the names of the mappings that come with d7xr, sorted."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def find_mapping(name_or_path: str | Path) -> Path:
    """Return the file of a mapping: a shipped one by its name, any other by its path.

    What has a folder or the suffix ``.toml`` is a path.

    Raises:
        ConfigError: No such mapping; the message names the nearest.

    Example:
        >>> find_mapping("ford_s550").name
        'ford_s550.toml'
    """
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.name != str(name_or_path):
        if not path.is_file():
            raise ConfigError(
                f"no such mapping file: {path}",
                hint=f"shipped mappings, by name alone: {', '.join(list_mappings())}",
            )
        return path
    if path.name not in list_mappings():
        raise ConfigError(
            f"no mapping is called {path.name!r}", hint=nearest(path.name, list_mappings())
        )
    return _SHIPPED / f"{path.name}.toml"


@dataclass(frozen=True, slots=True)
class _Place:
    """A table of a file, for messages."""

    path: Path
    text: str
    table: str

    def of_key(self, key: str) -> str:
        """Return file, line and table of a key."""
        lines = self.text.splitlines()
        first = _line_of_table(lines, self.table) if self.table else 0
        key_line = re.compile(rf'\s*\[*\s*"?{re.escape(key)}"?\s*[=.\]]')
        found = (n for n in range(first or 0, len(lines)) if key and key_line.match(lines[n]))
        line = next(found, (first or 1) - 1) + 1
        table = f"[{self.table}] " if self.table else ""
        return f"{self.path.name}:{line}: {table}{key}".rstrip()


def _signal_rule(entry: object, place: _Place) -> SignalRule:
    rule = _convert(entry, SignalRule, place)
    for check in (_number_problem, _names_problem):
        problem = check(rule)
        if problem is not None:
            key, text, hint = problem
            raise ConfigError(f"{place.of_key(key)}: {text}", hint=hint)
    return rule


type _Problem = tuple[str, str, str | None]
"""Key, what is wrong with it, and what to do."""


def _number_problem(rule: SignalRule) -> _Problem | None:
    for key in ("scale", "offset", "valid_min", "valid_max"):
        number = getattr(rule, key)
        if number is not None and not math.isfinite(number):
            return key, f"{number} is no number to reckon with", None
    if rule.scale == 0:
        return "scale", "0 would make every value the same", None
    low, high = rule.valid_min, rule.valid_max
    if low is not None and high is not None and low >= high:
        return "valid_min", f"{low} is not below valid_max {high}", None
    return None


def _names_problem(rule: SignalRule) -> _Problem | None:
    if rule.values is not None and rule.steps is not None:
        return "steps", "not beside values", "names come from codes or from steps"
    starts = [start for start, _ in rule.steps or ()]
    if any(a >= b for a, b in itertools.pairwise(starts)):
        return "steps", "each must begin above the one before", None
    for code in rule.values or {}:
        if not re.fullmatch(r"-?[0-9]+", code):
            return "values", f"{code!r} is no raw code", "write an integer"
    return None


def _convert[T: msgspec.Struct](entry: object, kind: type[T], place: _Place) -> T:
    """Return a table as a structure, or say which key is wrong and what was probably meant."""
    try:
        return msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$").lstrip(".")
        unknown = re.search(r"unknown field `(.*)`", problem)
        if unknown is None:
            raise ConfigError(
                f"{place.of_key(key)}: {_plain(problem)}",
                hint="each key and its form stands at the head of d7xr/mapping_file.py",
            ) from error
        inner: type[msgspec.Struct] = ValidWhen if key == "valid_when" else kind
        known = [info.encode_name for info in msgspec.structs.fields(inner)]
        name = unknown.group(1)
        raise ConfigError(
            f"{place.of_key(name)}: no such key", hint=nearest(name, known)
        ) from error


def _plain(problem: str) -> str:
    """Return a complaint about a type in the words of TOML, which knows no null."""
    return f"{problem[:1].lower()}{problem[1:]}".replace(" | null", "")


def _line_of_table(lines: list[str], table: str) -> int | None:
    """Return the line, counted from 1, at which a table begins."""
    header = f"[{table}]"
    plain = header.replace('"', "")
    for number, line in enumerate(lines, start=1):
        if line.strip().split("#")[0].strip().replace('"', "").replace("'", "") == plain:
            return number
    return None


def _line_of_entry(text: str, entry: str) -> int | None:
    """Return the line at which a message, signal or constant is spoken of."""
    lines = text.splitlines()
    for table in (f"message.{entry}", f"signal.{entry}"):
        line = _line_of_table(lines, table)
        if line is not None:
            return line
    constant = re.compile(rf'\s*"{re.escape(entry)}"\s*=')
    return next((n for n, line in enumerate(lines, start=1) if constant.match(line)), None)
