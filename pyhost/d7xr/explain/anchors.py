"""Moments by name: seconds, or an event and its number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.errors import UsageError
from d7xr.explain.story import intervals
from d7xr.names import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from d7xr.explain.past import Past

_TICKS_PER_S: Final = 1000

ANCHORS: Final[Mapping[str, str]] = {
    "takeoff": "the flight begins: the unit looks at it when it has declared it",
    "flight": "the middle of the air time",
    "landing": "the landing is declared",
    "limit": "this limit takes most from the demand",
    "fan": "this fan start, counted over the run",
    "fault": "this fault becomes active: by number in the run, or by name",
    "end": "the last sample",
}
"""Word of ``--at`` -> the moment that it means."""


def tick_of(past: Past, words: Sequence[str]) -> int:
    """Return the tick that is meant.

    Args:
        past: The run.
        words: Seconds, or a word of ``ANCHORS`` and its number, 1 where none is given.

    Raises:
        UsageError: No such moment in this run.

    Example:
        >>> from d7xr.demo import demo_trace_path
        >>> from d7xr.explain import of_trace
        >>> tick_of(of_trace(demo_trace_path()), ["landing", "2"])
        32426
    """
    if len(words) == 1 and (seconds := _seconds(words[0])) is not None:
        return _in_run(past, seconds)
    kind, number = words[0], words[1] if len(words) > 1 else "1"
    if kind not in ANCHORS or len(words) > 2:
        raise UsageError(
            f"no moment '{' '.join(words)}'",
            hint=f"give seconds, or {', '.join(ANCHORS)} and a number",
        )
    if kind == "end":
        return int(past.tick[-1])
    found = _fault_starts(past, number) if kind == "fault" else _starts(past, kind)
    index = int(number) if number.isdecimal() else 1
    if not 1 <= index <= len(found):
        held = f"{len(found)} of them" if found else "none"
        raise UsageError(f"{past.name} has no {kind} {number}", hint=f"it has {held}")
    return min(found[index - 1], past.ticks - 1)


def _seconds(word: str) -> float | None:
    try:
        return float(word.removesuffix("s"))
    except ValueError:
        return None


def _in_run(past: Past, seconds: float) -> int:
    last_s = (past.ticks - 1) / _TICKS_PER_S
    if not (math.isfinite(seconds) and 0.0 <= seconds <= last_s):
        raise UsageError(
            f"{seconds:g} s is not in the run {past.name}",
            hint=f"it lasts from 0 to {last_s:.3f} s",
        )
    return round(seconds * _TICKS_PER_S)


def _starts(past: Past, kind: str) -> list[int]:
    events = past.events
    if kind == "takeoff":
        return [_first_in(past, "Air", _tick(f.take_off_s)) for f in events.flights]
    if kind == "landing":
        return [_first_behind(past, _tick(f.touchdown_s)) for f in events.flights]
    if kind == "flight":
        return [_tick((f.take_off_s + f.touchdown_s) / 2) for f in events.flights]
    if kind == "limit":
        return [_tick(interval.worst_s) for interval in intervals(past)]
    return [_tick(start.time_s) for start in events.fans]


def _fault_starts(past: Past, name: str) -> list[int]:
    faults = past.events.faults
    if not name.isdecimal():
        by_name = {fault.name for fault in faults}
        if name not in by_name:
            raise UsageError(f"{past.name} has no fault {name}", hint=nearest(name, by_name))
        faults = tuple(fault for fault in faults if fault.name == name)
    return [_tick(fault.start_s) for fault in faults]


def _tick(seconds: float) -> int:
    return round(seconds * _TICKS_PER_S)


def _first_in(past: Past, state: str, tick: int) -> int:
    """Return the first sample from a tick on in which Flight Mode is in a state."""
    from d7xr.ecu import choices_of

    code = {word: code for code, word in choices_of("flight_mode_state_t").items()}[state]
    states = past.states["flight_mode.state"][past.sample(tick) :]
    hits = np.flatnonzero(states == code)
    return int(past.tick[past.sample(tick) + int(hits[0])]) if hits.size else tick


def _first_behind(past: Past, tick: int) -> int:
    """Return the first sample from a tick on in which the car does not fly any more."""
    from d7xr.ecu import choices_of

    code = {word: code for code, word in choices_of("flight_mode_state_t").items()}["Air"]
    first = past.sample(tick)
    hits = np.flatnonzero(past.states["flight_mode.state"][first:] != code)
    return int(past.tick[first + int(hits[0])]) if hits.size else tick
