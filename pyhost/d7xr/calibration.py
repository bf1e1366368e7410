"""Calibration sets as TOML: named values in engineering units, checked as a whole before use.

A set holds what differs from its parent, the default set unless it names a file::

    description = "softer pre-cut for whoops"
    author = "test team"
    parent = "rally_2026.toml"

    [flight_mode]
    air_dwell_ms = 100
    static_travel_mm = [128.0, 131.0]

The events of the season are sets by name (`d7xr.rally`), also as a parent: ``parent = "morocco"``.
Over any set a car can be laid (`d7xr.cars`), which is a file of the same form without a parent.

Whether a set is safe is decided by the firmware's own table of ranges and rules, never here.
"""

from __future__ import annotations

import re
import struct
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from d7xr.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from d7xr.ecu import Parameter

type Value = float | int | tuple[float, ...] | tuple[int, ...]

DEFAULT: Final = "default"
"""Name of the set that the firmware carries."""

_HEADER_KEYS: Final = ("description", "author", "parent")
_UINT32_MAX: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason to refuse a set.

    Attributes:
        kind: ``unknown``, ``type``, ``range``, ``rule`` or ``header``.
        name: Parameter, rule or key.
        text: What is wrong, in engineering units, and what would be right.
        where: File and line, empty where no line is to blame.
    """

    kind: str
    name: str
    text: str
    where: str = ""

    def __str__(self) -> str:
        """Return the finding in one line."""
        return f"{self.where}: {self.text}" if self.where else self.text


@dataclass(frozen=True, slots=True)
class CalibrationSet:
    """A set of calibration values.

    Attributes:
        name: File name, or ``default``.
        values: Every parameter by name, in the order of the firmware's table.
        blob: The same as the firmware's structure, for ``Ecu(calibration=...)``.
        description: One sentence from the file.
        author: Who made it.
        parent: The set it builds on; None for the default set.
    """

    name: str
    values: Mapping[str, Value]
    blob: bytes
    description: str = ""
    author: str = ""
    parent: str | None = None


def default_set() -> CalibrationSet:
    """Return the set that the firmware carries."""
    from d7xr.ecu import calibration_default

    blob = calibration_default()
    return CalibrationSet(DEFAULT, _values(blob), blob, "the firmware's own set")


def load(source: Path | str, car: Path | str | None = None) -> CalibrationSet:
    """Load a set and all its parents, and lay a car over it.

    Args:
        source: A TOML file, ``default``, or an event of the season.
        car: The file of a car, or the name of a shipped one; None is no car in particular.

    Raises:
        ConfigError: If a file cannot be read or the set is refused; all findings at once.

    Example:
        >>> load("default").values["flight_mode.air_dwell_ms"]
        90
    """
    loaded, findings = examine(source, car)
    _refuse(findings, f"calibration {loaded.name}")
    return loaded


def changed(
    base: CalibrationSet, values: Mapping[str, Mapping[str, object]], where: str
) -> CalibrationSet:
    """Return a set with some values changed, by module and name.

    Args:
        base: What the others are taken from.
        values: As the tables of a file, ``{"flight_mode": {"air_dwell_ms": 100}}``.
        where: What to name in errors.

    Raises:
        ConfigError: A value is refused; all findings at once.
    """
    from d7xr.ecu import calibration_check

    if not values:
        return base
    given = {name: _as_toml(value) for name, value in _flat(values)}
    judged = {name: _judge(name, value, where) for name, value in given.items()}
    findings = [finding for finding, _ in judged.values() if finding is not None]
    accepted = {name: value for name, (_, value) in judged.items() if value is not None}
    blob = bytearray(base.blob)
    for name, value in accepted.items():
        _pack(blob, _parameters()[name], value)
    findings += [Finding(f.kind, f.name, f.text, where) for f in calibration_check(bytes(blob))]
    _refuse(findings, f"{where}: calibration")
    return replace(
        base, name=f"{base.name}, changed", values={**base.values, **accepted}, blob=bytes(blob)
    )


def file_text(of: CalibrationSet) -> str:
    """Return the file of a set: what differs from the firmware's own."""
    lines, module = [f'description = "{of.name}"'], ""
    for name, _, value in difference(default_set(), of):
        if not name.startswith(f"{module}."):
            module = name.partition(".")[0]
            lines += ["", f"[{module}]"]
        lines.append(f"{name.partition('.')[2]} = {text_of(value)}")
    return "\n".join(lines) + "\n"


def _as_toml(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _refuse(findings: Sequence[Finding], what: str) -> None:
    """Raise one error with everything that speaks against a set."""
    if findings:
        number = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
        raise ConfigError(
            f"{what} is refused, {number}:" + "".join(f"\n  {finding}" for finding in findings),
            hint="`d7xr calibration show` lists names, units and ranges",
        )


def examine(
    source: Path | str, car: Path | str | None = None
) -> tuple[CalibrationSet, tuple[Finding, ...]]:
    """Load a set and return it with everything that speaks against it.

    Values that are named wrongly or have the wrong type are left at those of the parent, so that
    the rest is judged all the same.

    Raises:
        ConfigError: If a file cannot be read or is not TOML, or parents go round in a circle.
    """
    found = (default_set(), ()) if str(source) == DEFAULT else _examine(file_of(source), ())
    return found if car is None else _with_car(*found, car)


def file_of(source: Path | str, folder: Path | None = None) -> Path:
    """Return the file of a set: that of an event of the season, else as seen from a folder.

    Args:
        source: A file, or the name of an event; not ``default``, which is no file.
        folder: Where a relative name begins; None takes the working directory.
    """
    from d7xr.rally import calibration_of, events

    if str(source) in events():
        return calibration_of(str(source))
    return (Path() if folder is None else folder) / source


def difference(one: CalibrationSet, other: CalibrationSet) -> tuple[tuple[str, Value, Value], ...]:
    """Return name and both values of each parameter that differs, in the order of the table."""
    return tuple(
        (name, value, other.values[name])
        for name, value in one.values.items()
        if value != other.values[name]
    )


def text_of(value: Value) -> str:
    """Return a value as it is written in a file, floats with the fewest digits of a float32."""
    if isinstance(value, tuple):
        return "[" + ", ".join(text_of(item) for item in value) + "]"
    return _digits(value) if isinstance(value, float) else str(value)


@cache
def _parameters() -> Mapping[str, Parameter]:
    from d7xr.ecu import calibration_parameters

    return {parameter.name: parameter for parameter in calibration_parameters()}


def _examine(path: Path, seen: tuple[Path, ...]) -> tuple[CalibrationSet, tuple[Finding, ...]]:
    if path.resolve() in seen:
        raise ConfigError(f"{path}: a set cannot be its own ancestor", hint="correct `parent`")
    text, content = _read(path)
    parent = content.get("parent", DEFAULT)
    inherited: tuple[Finding, ...] = ()
    base = default_set()
    if isinstance(parent, str) and parent != DEFAULT:
        base, inherited = _examine(file_of(parent, path.parent), (*seen, path.resolve()))
    return _laid_over(base, inherited, path, text, content)


def _with_car(
    base: CalibrationSet, inherited: tuple[Finding, ...], car: Path | str
) -> tuple[CalibrationSet, tuple[Finding, ...]]:
    from d7xr import cars

    path = cars.file_of(car)
    text, content = _read(path, f"name the file of a car, or one of {', '.join(cars.shipped())}")
    checked, findings = _laid_over(base, inherited, path, text, content)
    if "parent" in content:
        refused = Finding("header", "parent", "a car has no parent: it is laid over any set")
        findings = (*findings, refused)
    if not checked.values[cars.NUMBER]:
        missing = Finding("rule", cars.NUMBER, f"{path}: a car has a number: [car] number = 1")
        findings = (*findings, missing)
    return replace(checked, name=f"{base.name} on {path.stem}"), findings


def _laid_over(
    base: CalibrationSet, inherited: tuple[Finding, ...], path: Path, text: str,
    content: Mapping[str, Any],
) -> tuple[CalibrationSet, tuple[Finding, ...]]:  # fmt: skip
    """Return a set with the values of a file over it, and all that speaks against the whole."""
    from d7xr.ecu import calibration_check

    findings = [f for f in inherited if f.kind not in {"range", "rule"}]
    values = dict(base.values)
    lines = _lines(text)
    for name, given in _flat(content):
        where = f"{path}:{lines[name]}" if name in lines else str(path)
        finding = _refused_header(name, given, where) if "." not in name else None
        if "." in name:
            finding, value = _judge(name, given, where)
            if value is not None:
                values[name] = value
        if finding is not None:
            findings.append(finding)
    blob = _blob(values)
    for found in calibration_check(blob):
        line = lines.get(found.name)
        where = f"{path}:{line}" if line else str(path)
        findings.append(Finding(found.kind, found.name, found.text, where))
    checked = CalibrationSet(
        name=path.name,
        values=_values(blob),
        blob=blob,
        description=str(content.get("description", "")),
        author=str(content.get("author", "")),
        parent=base.name,
    )
    return checked, tuple(findings)


def _read(path: Path, hint: str = "") -> tuple[str, dict[str, Any]]:
    from d7xr.rally import events

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot read the calibration set: {error.strerror}",
            hint=hint or f"name a TOML file, `{DEFAULT}`, or an event: {', '.join(events())}",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not text in UTF-8", hint="name a TOML file") from error
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}", hint="correct that line") from error


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield header keys by themselves and values as ``module.name``."""
    for key, value in content.items():
        if isinstance(value, dict):
            for name, inner in value.items():
                yield f"{key}.{name}", inner
        else:
            yield key, value


def _lines(text: str) -> dict[str, int]:
    """Return the line of each key as ``module.name``, for messages alone."""
    lines: dict[str, int] = {}
    module = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            module = header[1] + "."
        elif key := re.match(r"\s*([\w-]+(?:\s*\.\s*[\w-]+)?)\s*=", line):
            lines.setdefault(module + re.sub(r"\s", "", key[1]), number)
    return lines


def _refused_header(key: str, given: object, where: str) -> Finding | None:
    if key not in _HEADER_KEYS:
        near = _nearest(key, (*_HEADER_KEYS, *_parameters()))
        return Finding("unknown", key, f"unknown key '{key}'{near}", where)
    if not isinstance(given, str):
        return Finding("header", key, f"{key} must be a text", where)
    return None


def _judge(name: str, given: object, where: str) -> tuple[Finding | None, Value | None]:
    """Return what speaks against a value, and the value where it can be stored at all."""
    parameter = _parameters().get(name)
    if parameter is None:
        near = _nearest(name, tuple(_parameters()))
        return Finding("unknown", name, f"unknown parameter '{name}'{near}", where), None
    items = _numbers(given, parameter)
    if items is None:
        wanted = _wanted(parameter)
        return Finding("type", name, f"{name} must be {wanted}, not {_toml(given)}", where), None
    if _is_integer(parameter):
        if not all(0 <= item <= _UINT32_MAX for item in items):  # would wrap before it is judged
            span = f"{_digits(parameter.minimum)} to {_digits(parameter.maximum)} {parameter.unit}"
            text = f"{name} = {_toml(given)} is out of range: {span}"
            return Finding("range", name, text, where), None
        whole = tuple(int(item) for item in items)
        return None, whole if parameter.count > 1 else whole[0]
    real = tuple(float(item) for item in items)
    return None, real if parameter.count > 1 else real[0]


def _is_integer(parameter: Parameter) -> bool:
    return bool(parameter.ctype == "uint32_t")


def _numbers(given: object, parameter: Parameter) -> tuple[int | float, ...] | None:
    """Return the given numbers, or None where form, length or type is not the parameter's."""
    if isinstance(given, list) != (parameter.count > 1):
        return None
    items = given if isinstance(given, list) else [given]
    types = int if _is_integer(parameter) else (int, float)
    if len(items) != parameter.count:
        return None
    if not all(isinstance(item, types) and not isinstance(item, bool) for item in items):
        return None
    return tuple(items)


def _wanted(parameter: Parameter) -> str:
    kind = "integer" if _is_integer(parameter) else "number"
    if parameter.count > 1:
        return f"a list of {parameter.count} {kind}s"
    return "an integer" if kind == "integer" else "a number"


def _nearest(name: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; the nearest is '{near[0]}'" if near else ""


def _blob(values: Mapping[str, Value]) -> bytes:
    from d7xr.ecu import calibration_default

    blob = bytearray(calibration_default())
    for name, parameter in _parameters().items():
        _pack(blob, parameter, values[name])
    return bytes(blob)


def _pack(blob: bytearray, parameter: Parameter, value: Value) -> None:
    items = value if isinstance(value, tuple) else (value,)
    if not _is_integer(parameter):
        items = tuple(_float32(item) for item in items)
    struct.pack_into(_layout(parameter), blob, parameter.offset, *items)


def _values(blob: bytes) -> dict[str, Value]:
    """Return the values as the firmware holds them: floats rounded to float32."""
    values: dict[str, Value] = {}
    for name, parameter in _parameters().items():
        items = struct.unpack_from(_layout(parameter), blob, parameter.offset)
        if not _is_integer(parameter):
            items = tuple(float(_digits(item)) for item in items)
        values[name] = items if parameter.count > 1 else items[0]
    return values


def _layout(parameter: Parameter) -> str:
    return f"<{parameter.count}{'I' if _is_integer(parameter) else 'f'}"


def _float32(value: float) -> float:
    """Return a value that a float32 can hold; what is too large for one becomes infinite."""
    import numpy as np

    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _digits(value: float) -> str:
    import numpy as np

    return repr(float(str(np.float32(value)))).removesuffix(".0")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
