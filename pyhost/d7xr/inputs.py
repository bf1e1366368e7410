"""Which signal of the bus brings which input of the unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from d7xr.database import Database
from d7xr.ecu import Input, inputs
from d7xr.replay import heard

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """Where an input comes from.

    Attributes:
        input: As the unit knows it.
        message: That brings it.
        signal: Of that message.
    """

    input: Input
    message: str
    signal: str


@cache
def sources() -> tuple[Source, ...]:
    """Return every input with its signal, in the order of the unit.

    A message brings its inputs in the order of its signals; what a sensor says of its own health is
    no input but decides whether the others count.

    Example:
        >>> sources()[0].signal, sources()[0].input.name
        ('SpecificForceX_mps2', 'specific_force_x_mps2')
    """
    own = Database.own()
    found: list[Source] = []
    for group, name in enumerate(heard(own)):
        signals = [s.name for s in own.message(name).values if not s.name.endswith("Status")]
        signals = _with_engine_status(name, signals)
        mine = [entry for entry in inputs() if entry.group == group]
        found += [Source(i, name, s) for i, s in zip(mine, signals, strict=True)]
    return tuple(found)


@cache
def by_signal() -> Mapping[str, Source]:
    """Return the inputs by the name of their signal."""
    return {source.signal: source for source in sources()}


def _with_engine_status(message: str, signals: list[str]) -> list[str]:
    """Return the signals of a message that are inputs: what the engine does is one of them."""
    if message != "EngineState":
        return signals
    return [s.name for s in Database.own().message(message).values]
