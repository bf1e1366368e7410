"""What the unit's state consists of: every value by its C path, with unit, place and meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from d7xr.ecu.core import camel, ffi, lib

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENUM_OF: Final = {
    "flight_mode.state": "flight_mode_state_t",
    "flight_mode.cause": "flight_mode_cause_t",
    "flight_mode.detector_mode": "flight_mode_detector_t",
    "torque.reason": "torque_reason_t",
    "torque.runner_up": "torque_reason_t",
    "torque.recovering": "torque_reason_t",
    "torque.healing": "torque_reason_t",
    "cooling.state": "cooling_state_t",
    "coolant_peers.verdict": "coolant_peers_verdict_t",
    "demand.pedal": "demand_pedal_t",
    "monitor.state": "monitor_state_t",
    "monitor.cause": "monitor_cause_t",
    "monitor.test": "monitor_test_t",
    "fault.severity": "fault_severity_t",
    "fuel.source": "fuel_source_t",
    "fuel.stage": "fuel_stage_t",
    "impact.record.kind": "impact_kind_t",
    "impact.record.severity": "impact_severity_t",
    **{f"temperature[{i}].state": "temperature_state_t" for i in range(4)},
}
"""State is bytes in C; which value table a byte belongs to is said here."""

_UNIT_OF: Final = {
    "mps2": "m/s^2", "m2ps4": "m^2/s^4", "radps2": "rad/s^2", "radps": "rad/s", "rpm": "rpm",
    "mps": "m/s", "mm": "mm", "m": "m", "Nm": "Nm", "degC": "degC", "kPa": "kPa", "kW": "kW",
    "gps": "g/s", "mlps": "ml/s", "pct": "%", "ratio": "-", "V": "V", "A": "A", "L": "L",
    "ml": "ml", "km": "km", "Lp100km": "L/100km",
    "ms": "ms", "ticks": "ms", "K": "K", "s": "s", "h": "h", "kg": "kg", "Kps": "K/s",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One value in the unit's state.

    Attributes:
        name: Its C path without the outer struct, for example ``flight_mode.state``.
        unit: Unit by the suffix of its name; empty where it has none.
        offset: Place in the state, bytes.
        ctype: ``float``, ``uint32_t``, ``uint16_t`` or ``uint8_t``.
        choices: Text of each code, or None.
        meaning: What the header says of it.
    """

    name: str
    unit: str
    offset: int
    ctype: str
    choices: Mapping[int, str] | None
    meaning: str

    @property
    def size(self) -> int:
        """Width in bytes."""
        return {"float": 4, "uint32_t": 4, "uint16_t": 2, "uint8_t": 1}[self.ctype]


def _unit_of(name: str) -> str:
    """Return the unit that a C name ends in; longer suffixes first, ``_Nmps`` is not ``_mps``."""
    member = re.sub(r"\[\d+\]$", "", name).removesuffix(".value").rsplit(".", 1)[-1]
    is_bare = "_" not in member  # a member that is nothing but its unit, as temperature[0].degC
    return _UNIT_OF.get(member.rsplit("_", 1)[-1], "") if not is_bare or member == "degC" else ""


@cache
def choices_of(enum: str) -> dict[int, str]:
    """Return the texts of a C enum: common prefix and ``..._COUNT`` dropped, in CamelCase."""
    names = {
        int(code): name
        for code, name in sorted(ffi.typeof(enum).elements.items())
        if not name.endswith("_COUNT")
    }
    words = [name.split("_") for name in names.values()]
    shared = 0
    while all(len(w) > shared + 1 and w[shared] == words[0][shared] for w in words):
        shared += 1
    return {code: camel("_".join(name.split("_")[shared:])) for code, name in names.items()}


@cache
def _meanings() -> dict[tuple[str, str], str]:
    lines = ffi.string(lib.core_meanings).decode("ascii").splitlines()
    split = (line.split("\t") for line in lines)
    return {(struct, member): text for struct, member, text in split}


def _walk(ctype: Any, path: str, offset: int, meaning: str) -> Iterator[Field]:  # noqa: ANN401
    if ctype.kind == "primitive":
        enum = _ENUM_OF.get(path)
        texts = choices_of(enum) if enum is not None else None
        yield Field(path, _unit_of(path), offset, ctype.cname, texts, meaning)
    elif ctype.kind == "array":
        size = ffi.sizeof(ctype.item)
        for index in range(ctype.length):
            yield from _walk(ctype.item, f"{path}[{index}]", offset + index * size, meaning)
    else:
        for member, field in ctype.fields:
            if member.startswith("reserved") or member == "by_index":
                continue
            inner = f"{path}.{member}" if path and member else path or member
            text = _meanings().get((ctype.cname, member), meaning if member == "value" else "")
            yield from _walk(field.type, inner, offset + field.offset, text)


@cache
def all_fields() -> tuple[Field, ...]:
    """Return every field of the state, in the order of its bytes; padding is left out."""
    found: list[Field] = []
    for member, field in ffi.typeof("vcu_t").fields:
        if member != "calibration":
            path = "" if member == "control" else member
            found.extend(_walk(field.type, path, field.offset, ""))
    return tuple(found)


@cache
def _fields_by_name() -> dict[str, Field]:
    return {field.name: field for field in all_fields()}


def field_named(name: str) -> Field:
    """Return a field by its name.

    Raises:
        KeyError: There is none.
    """
    try:
        return _fields_by_name()[name]
    except KeyError:
        raise KeyError(f"the unit has no field '{name}'; see `d7xr signals`") from None
