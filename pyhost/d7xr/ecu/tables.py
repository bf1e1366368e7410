"""What the firmware's tables say: calibration, faults, and who this build is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from d7xr.ecu.core import DTYPE_OF, camel, ffi, lib, text_of
from d7xr.ecu.state import choices_of


@dataclass(frozen=True, slots=True)
class Parameter:
    """One tunable number, or a small array of them, from the calibration table."""

    id: int
    name: str
    unit: str
    minimum: float
    maximum: float
    default: float | int | tuple[float | int, ...]
    meaning: str
    source: str
    ctype: str
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a calibration: a value out of range, or a broken rule."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A relation between numbers that every safe set keeps."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the fault table.

    Attributes:
        number: Its number on the bus, and its bit in the masks of the unit.
        name: Its name on the bus.
        code: Letter and four hexadecimal digits, as in SAE J2012.
        kind: ``Missing`` or ``Wrong``; nothing counts as missing while the car boots.
        severity: ``Info``, ``Warning``, ``Limp`` or ``Stop``.
        heals: ``Itself``, or ``Key``: only while the ignition is off.
        set_ms: The condition makes a fault when it holds for so long.
        set_times: Or when it comes so often; 0 by time alone.
        heal_ms: It heals when the condition has been gone for so long.
        saw: What the unit saw.
        does: What the unit does about it.
        crew: What the crew should do.
    """

    number: int
    name: str
    code: str
    kind: str
    severity: str
    heals: str
    set_ms: int
    set_times: int
    heal_ms: int
    saw: str
    does: str
    crew: str


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the unit.

    Attributes:
        name: As in ``inputs.<name>.value``; it ends in its unit.
        group: Number of the message that brings it, as in ``inputs.age_ticks[group]``.
        minimum: What is below is invalid.
        maximum: What is above is invalid.
    """

    name: str
    group: int
    minimum: float
    maximum: float


def calibration_default() -> bytes:
    """Return the built-in set as bytes of the C struct."""
    return bytes(ffi.buffer(ffi.addressof(lib.calibration_default)))


@cache
def calibration_parameters() -> tuple[Parameter, ...]:
    """Return the table of tunable numbers, in the order of the struct."""
    blob = calibration_default()
    rows = (lib.describe_parameter[i] for i in range(int(lib.describe_parameters)))
    found: list[Parameter] = []
    for row in rows:
        ctype = text_of(row.type)
        column = np.frombuffer(
            blob, dtype=DTYPE_OF[ctype], count=row.count, offset=row.offset_bytes
        )
        values = tuple(_shortest(value) for value in column)
        found.append(
            Parameter(
                id=int(row.id),
                name=f"{text_of(row.module)}.{text_of(row.name)}",
                unit=text_of(row.unit),
                minimum=float(_shortest(np.float32(row.min))),
                maximum=float(_shortest(np.float32(row.max))),
                default=values if row.is_array else values[0],
                meaning=text_of(row.meaning),
                source=text_of(row.source),
                ctype=ctype,
                offset=int(row.offset_bytes),
                count=int(row.count),
            )
        )
    return tuple(found)


def _shortest(value: Any) -> float | int:  # noqa: ANN401 - a numpy scalar of either kind
    """Return a float32 as the shortest decimal that stands for it, an integer as it is."""
    return float(str(value)) if isinstance(value, np.floating) else int(value)


def calibration_check(blob: bytes) -> tuple[Finding, ...]:
    """Judge a set as the unit does, and name everything that is wrong with it."""
    cal = calibration_from(blob)
    findings: list[Finding] = []
    for parameter in calibration_parameters():
        column = np.frombuffer(
            blob, dtype=DTYPE_OF[parameter.ctype], count=parameter.count, offset=parameter.offset
        )
        lowest, highest = np.float32(parameter.minimum), np.float32(parameter.maximum)
        for value in column[~((column >= lowest) & (column <= highest))]:
            text = (
                f"{parameter.name} = {_shortest(value):g} is not in "
                f"{parameter.minimum:g} to {parameter.maximum:g} {parameter.unit}"
            )
            findings.append(Finding("range", parameter.name, text))
    if not findings and not lib.calibration_is_in_range(cal):
        raise AssertionError("the unit refuses a range that the host accepts")
    for number, rule in enumerate(calibration_rules()):
        if not lib.calibration_keeps_rule(cal, number):
            findings.append(Finding("rule", rule.name, rule.text))
    return tuple(findings)


@cache
def calibration_rules() -> tuple[Rule, ...]:
    """Return the relations that a set must keep, in the order of the firmware's table."""
    rows = (lib.describe_rule[number] for number in range(int(lib.describe_rules)))
    return tuple(Rule(text_of(row.name).replace("_", "-"), text_of(row.text)) for row in rows)


def calibration_hash(blob: bytes) -> int:
    """Return the number by which a set is known on the bus and in every record."""
    return int(lib.calibration_hash(calibration_from(blob)))


def calibration_from(blob: bytes) -> Any:  # noqa: ANN401 - a cffi handle has no type
    """Return the C struct of a set.

    Raises:
        ValueError: The bytes are not as many as the set has.
    """
    if len(blob) != ffi.sizeof("vcu_calibration_t"):
        raise ValueError(
            f"a calibration has {ffi.sizeof('vcu_calibration_t')} bytes, this one {len(blob)}"
        )
    cal = ffi.new("vcu_calibration_t *")
    ffi.memmove(cal, blob, len(blob))
    return cal


@cache
def faults() -> tuple[Fault, ...]:
    """Return the fault table."""
    rows = enumerate(lib.describe_fault[i] for i in range(int(lib.describe_faults)))
    return tuple(
        Fault(number, camel(text_of(row.name)), text_of(row.code), camel(text_of(row.kind)),
              camel(text_of(row.severity)), camel(text_of(row.heals)), int(row.set_ms),
              int(row.set_times), int(row.heal_ms), text_of(row.saw), text_of(row.does),
              text_of(row.crew))
        for number, row in rows
    )  # fmt: skip


@cache
def inputs() -> tuple[Input, ...]:
    """Return the table of inputs, in the order of the state."""
    code = {name: number for number, name in ffi.typeof("inputs_index_t").elements.items()}
    names = choices_of("inputs_group_t").values()
    firsts = [code[f"INPUTS_FIRST_{_upper(name)}"] for name in names]
    found: list[Input] = []
    for number in range(code["INPUTS_COUNT"]):
        row = lib.describe_input[number]
        group = sum(first <= number for first in firsts) - 1
        low, high = (float(_shortest(np.float32(end))) for end in (row.min, row.max))
        found.append(Input(text_of(row.name), group, low, high))
    return tuple(found)


def _upper(name: str) -> str:
    """Return a word of the bus as C spells it in a constant."""
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()


def received_messages() -> tuple[str, ...]:
    """Return the groups of supervised messages, in the order of ``bus.accepted_count``."""
    return tuple(choices_of("inputs_group_t").values())


def core_identity(calibration: bytes | None = None) -> dict[str, str]:
    """Return who this build is, and which calibration it would run with."""
    blob = calibration_default() if calibration is None else calibration
    return {
        "build_id": f"{int(lib.describe_build_id):08x}",
        "layout_hash": f"{int(lib.describe_layout_hash):08x}",
        "calibration_id": f"{calibration_hash(blob):08x}",
        "compiler": text_of(lib.describe_compiler),
        "flags": text_of(lib.core_flags),
    }
