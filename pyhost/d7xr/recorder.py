"""From what a run did to its recording: bus messages, states of the unit, foreign signals."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.database import Database
from d7xr.errors import UsageError
from d7xr.events import COOLANT, Words
from d7xr.frames import Frames
from d7xr.names import nearest
from d7xr.recording import Column, Group, Recording
from d7xr.recording.decoded import message_groups
from d7xr.replay import HOST_NODE, UNIT_NODE, US_PER_TICK, heard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from d7xr.database import Message
    from d7xr.ecu import Field
    from d7xr.replay import Feed, Outcome

_MEMORY: Final = "fault_memory."


def record(
    feed: Feed,
    outcome: Outcome,
    fields: Iterable[Field],
    *,
    rate_hz: int,
    identity: Mapping[str, str],
) -> Recording:
    """Turn a run into its recording.

    Groups are, in this order: messages received, messages sent, states by module, foreign signals.

    Args:
        feed: What the unit was fed.
        outcome: What it did.
        fields: The unit's fields, for units, words and meanings.
        rate_hz: Rate of the states.
        identity: What was run.
    """
    own = Database.own()
    until = outcome.frames
    received = Frames(feed.frames.time_us[:until] - feed.first_us, feed.frames.frame[:until])
    sent = Frames(outcome.sent_tick * US_PER_TICK, outcome.sent)
    spoken = [m.name for m in own.messages if m.name not in heard(own)]
    groups = [
        *message_groups(own, received, heard(own), "received"),
        *message_groups(own, sent, spoken, "sent"),
        *_state_groups(outcome, {f.name: f for f in fields}, rate_hz),
    ]
    return Recording(
        groups=(*groups, *_renamed(feed.source, {group.name for group in groups})),
        start_utc_us=feed.start_utc_us,
        identity=identity,
    )


def heard_or_sent(message: Message) -> str:
    """Return what a message of our bus is to the unit: ``received``, ``sent`` or ``stepping``."""
    if HOST_NODE in message.senders or message.name == "StateDigest":
        return "stepping"
    return "sent" if UNIT_NODE in message.senders else "received"


def states_of_unit() -> tuple[str, ...]:
    """Return the states that a recording holds: every value in the unit, by its C path."""
    from d7xr.ecu import Ecu

    return tuple(field.name for field in Ecu.fields())


def chosen_states(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the states that patterns with ``*`` and ``?`` name.

    Without a pattern all of them, but for the memory of faults: it is hundreds of states that
    change once an hour, and it is in the run folder as it is.

    Raises:
        UsageError: A pattern names none.
    """
    every = states_of_unit()
    if not patterns:
        return tuple(name for name in every if not name.startswith(_MEMORY))
    chosen: set[str] = set()
    for pattern in patterns:
        found = [name for name in every if name == pattern] or fnmatch.filter(every, pattern)
        if not found:
            raise UsageError(f"the unit has no state {pattern!r}", hint=nearest(pattern, every))
        chosen.update(found)
    return tuple(name for name in every if name in chosen)


def words() -> Words:
    """Return the names of what the unit counts: from the vehicle bus and the unit's own tables."""
    from d7xr.ecu import Ecu, faults

    choices = {field.name: field.choices or {} for field in Ecu.fields()}
    status = Database.own().message("FlightStatus")
    mask = [s.name for s in status.signals if s.name.endswith("Missing")]
    coolant = {text: code for code, text in choices[f"{COOLANT}.state"].items()}
    return Words(
        reasons=choices["torque.reason"],
        evidence={bit: name.removesuffix("Missing").lower() for bit, name in enumerate(mask)},
        faults={fault.number: fault for fault in faults()},
        believed=coolant["Believed"],
        impact_kinds=choices["impact.record.kind"],
        severities=choices["impact.record.severity"],
    )


def _state_groups(outcome: Outcome, fields: Mapping[str, Field], rate_hz: int) -> Iterator[Group]:
    """Yield one group per module of the unit; all share one time base and one table."""
    time_us = outcome.sample_tick * US_PER_TICK
    modules: dict[str, dict[str, Column]] = {}
    for name, values in outcome.states.items():
        meta = fields[name]
        words = meta.choices if meta.choices and values.dtype.kind in "iu" else {}
        modules.setdefault(_module_of(name), {})[name] = Column(
            values, meta.unit, words, meta.meaning, _is_usable(outcome, name)
        )
    for module, columns in modules.items():
        yield Group(module, time_us, columns, "state of the unit", "state", f"states_{rate_hz}Hz")


def _module_of(name: str) -> str:
    """Return the module that a C path begins with, without an index."""
    first, dot, _ = name.partition(".")
    return first.partition("[")[0] if dot else "unit"


def _is_usable(outcome: Outcome, name: str) -> NDArray[np.bool_] | None:
    """Return where an input may be believed: the unit never reads the value of any other."""
    flag = f"{name.removesuffix('.value')}.is_usable"
    if not name.endswith(".value") or flag not in outcome.states:
        return None
    return np.asarray(outcome.states[flag] != 0, dtype=np.bool_)


def _renamed(groups: Iterable[Group], taken: set[str]) -> Iterator[Group]:
    """Yield foreign groups; one that is named like one of ours is put under ``source.``."""
    for group in groups:
        if group.name not in taken:
            yield group
            continue
        columns = {f"source.{name}": column for name, column in group.columns.items()}
        yield Group(f"source.{group.name}", group.time_us, columns, group.comment, group.origin)
