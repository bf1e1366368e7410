"""The numbers of the simulated car, from the one table in C (``plant_parameters.def``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from d7xr.ecu.core import ffi, lib, text_of
from d7xr.errors import ConfigError
from d7xr.names import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

type Value = float | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of the car, or a small array of them.

    Attributes:
        name: Ends in its unit.
        unit: As SI spells it.
        minimum: Least value that makes sense.
        maximum: Largest.
        default: Value, or a tuple of an array's values.
        meaning: What it is.
        source: Where the number comes from; "estimate" awaits the car.
        offset: In doubles, from the start of the C struct.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    default: Value
    meaning: str
    source: str
    offset: int


@cache
def parameters() -> tuple[Parameter, ...]:
    """Return the table, in the order of the struct."""
    value = ffi.cast("const double *", ffi.addressof(lib.plant_default))
    rows = (lib.plant_row[i] for i in range(int(lib.plant_rows)))
    return tuple(
        Parameter(
            name=text_of(row.name),
            unit=text_of(row.unit),
            minimum=float(row.min),
            maximum=float(row.max),
            default=(
                float(value[row.offset])
                if row.count == 1
                else tuple(float(value[row.offset + i]) for i in range(int(row.count)))
            ),
            meaning=text_of(row.meaning),
            source=text_of(row.source),
            offset=int(row.offset),
        )
        for row in rows
    )


def parameters_with(values: Mapping[str, Value], where: str) -> Any:  # noqa: ANN401 - cffi
    """Return the C struct with some values changed.

    Args:
        values: New values by name.
        where: What to name in an error, such as a file.

    Raises:
        ConfigError: No such parameter, too few or too many values, or one out of its range.
    """
    made = ffi.new("plant_parameters_t *")
    made[0] = lib.plant_default
    flat = ffi.cast("double *", made)
    table = {parameter.name: parameter for parameter in parameters()}
    for name, value in values.items():
        if name not in table:
            raise ConfigError(f"{where}: the car has no {name!r}", hint=nearest(name, table))
        parameter = table[name]
        wanted = 1 if isinstance(parameter.default, float) else len(parameter.default)
        given = tuple(value) if isinstance(value, tuple | list) else (value,)
        if len(given) != wanted:
            raise ConfigError(
                f"{where}: {name} has {len(given)} values", hint=f"it needs {wanted} of them"
            )
        for i, number in enumerate(given):
            if not parameter.minimum <= number <= parameter.maximum:
                raise ConfigError(
                    f"{where}: {name} = {number:g} {parameter.unit}",
                    hint=f"between {parameter.minimum:g} and {parameter.maximum:g}",
                )
            flat[parameter.offset + i] = number
    return made
