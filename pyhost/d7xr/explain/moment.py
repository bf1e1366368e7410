"""One moment of a run: every state of the unit, and sentences made of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from d7xr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from d7xr.calibration import Value
    from d7xr.ecu import Field

_PLACE: Final = re.compile(r"\{([^{}]+)\}")
_NEVER_TICKS: Final = 65_535
"""An age that has saturated: never heard, or longer ago than the unit counts."""

_DECIMALS: Final = {
    "Nm": 0, "rpm": 0, "degC": 1, "K": 1, "m/s^2": 1, "m/s": 1, "rad/s": 1, "rad/s^2": 0, "mm": 0,
    "kPa": 1, "kW": 0, "g/s": 0, "V": 2, "A": 1, "ms": 0, "s": 3, "L": 1, "%": 0, "Nm/s": 0,
    "ml/s": 1, "%/s": 0, "1/s": 2, "m": 2, "MJ/kg": 1, "Nm s/rad": 1,
}  # fmt: skip
"""Digits behind the point, by unit: as many as an engineer would say."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an explanation.

    Attributes:
        topic: Which decision it is about.
        text: The sentence.
        states: The states that it rests on, by C path, as recorded.
    """

    topic: str
    text: str
    states: Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Moment:
    """The unit at the end of one tick.

    Attributes:
        tick: Which one.
        values: Every state by C path.
        fields: What is known of each state: unit and words.
        calibration: The calibration that the unit ran with, by name.
        since: Tick from which on some states have been what they are, by C path; 0 where they have
            been so since the start.
        fault_since: Tick from which on each active fault has been so, by its number.
    """

    tick: int
    values: Mapping[str, float | int]
    fields: Mapping[str, Field]
    calibration: Mapping[str, Value]
    since: Mapping[str, int]
    fault_since: Mapping[int, int]

    def __getitem__(self, name: str) -> float | int:
        """Return a state.

        Raises:
            UsageError: It was not recorded: another build made the run.
        """
        try:
            return self.values[name]
        except KeyError:
            raise UsageError(
                f"the run does not hold the state {name}: --record left it out, or another build",
                hint="replay the trace again with this one",
            ) from None

    def word(self, name: str) -> str:
        """Return a coded state in the unit's own word."""
        code = int(self[name])
        return (self.fields[name].choices or {}).get(code, str(code))

    def is_set(self, name: str) -> bool:
        """Say whether a flag is set."""
        return bool(self[name])

    def cal(self, name: str) -> float:
        """Return a number of the calibration; one of an array as ``name[2]``."""
        plain, bracket, index = name.partition("[")
        value = self.calibration[plain]
        if isinstance(value, tuple):
            return float(value[int(index.rstrip("]")) if bracket else 0])
        return float(value)

    def is_offered(self, code: int) -> bool:
        """Say whether a torque reason has handed in a bound at this tick."""
        return bool(int(self["torque.offered_mask"]) >> code & 1)

    def say(self, topic: str, template: str, **told: str | float) -> Statement:
        """Fill in a sentence.

        A place in braces is a state by its C path, a calibration number as ``cal:name``, the time
        for which a state has been what it is as ``since:name``, or one of ``told``; numbers come
        with their unit and with the digits that it deserves.
        """
        states: dict[str, float | int | str] = {}

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            if name in told:
                value = told[name]
                return value if isinstance(value, str) else quantity(value, _unit_of(name))
            if name.startswith("cal:"):
                return quantity(self.cal(name[4:]), unit_of_parameter(name[4:]))
            if name.startswith("since:"):
                return duration(self.tick + 1 - self.since[name[6:]])
            field = self.fields.get(name)
            if field is not None and field.choices:
                states[name] = self.word(name)
                return self.word(name)
            states[name] = self[name]
            unit = field.unit if field is not None else ""
            return quantity(float(self[name]), unit)

        text = _PLACE.sub(fill, template)
        return Statement(topic, text, states)


def places(template: str) -> tuple[str, ...]:
    """Return the places of a template, in order."""
    return tuple(_PLACE.findall(template))


def quantity(value: float, unit: str) -> str:
    """Return a number with its unit as a person says it.

    Example:
        >>> quantity(6850.4, "rpm"), quantity(0.3, "-"), quantity(-0.2, "Nm"), quantity(3, "")
        ('6,850 rpm', '30 %', '0 Nm', '3')
    """
    if unit == "ms":
        return duration(int(value))
    if unit == "-":
        value, unit = 100.0 * value, "%"
    digits = f"{value:,.{_DECIMALS.get(unit, 0)}f}"
    if not digits.strip("-0.,"):
        digits = digits.lstrip("-")
    return f"{digits} {unit}".rstrip()


def duration(ms: int) -> str:
    """Return a time span: milliseconds up to ten seconds, seconds beyond, in the unit's reach.

    Example:
        >>> duration(116), duration(12_340), duration(65_535)
        ('116 ms', '12.3 s', 'more than 65 s')
    """
    if ms == _NEVER_TICKS:
        return "more than 65 s"
    return f"{ms} ms" if ms < 10_000 else f"{ms / 1000:,.1f} s"


def unit_of_parameter(name: str) -> str:
    """Return the unit of a calibration number.

    Raises:
        KeyError: There is none of that name.
    """
    from d7xr.ecu import calibration_parameters

    plain = name.partition("[")[0]
    return next(p.unit for p in calibration_parameters() if p.name == plain) if plain else ""


_TOLD_UNITS: Final = {
    "mps2": "m/s^2", "Nm": "Nm", "pct": "%", "degC": "degC", "ms": "ms", "s": "s", "rpm": "rpm",
    "ratio": "-", "mps": "m/s", "mm": "mm", "K": "K",
}  # fmt: skip


def _unit_of(name: str) -> str:
    return _TOLD_UNITS.get(name.rsplit("_", 1)[-1], "") if "_" in name else ""
