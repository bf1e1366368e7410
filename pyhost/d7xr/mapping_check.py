"""The names of a mapping, looked up in both databases and checked against them."""

from collections.abc import Iterable
from dataclasses import dataclass

from d7xr.database import Database, Message, Signal
from d7xr.errors import ConfigError
from d7xr.mapping_file import Mapping, MessageRule, SignalRule
from d7xr.names import nearest

_UNIT_NODE = "VCU"
_HOST_NODE = "HOST"


@dataclass(frozen=True, slots=True)
class Feed:
    """One of our signals and what feeds it, both found in their databases.

    Attributes:
        name: ``<Message>.<Signal>`` of ours.
        message: Message of ours.
        target: Signal of ours.
        rule: What the mapping says.
        source_message: Message of the other car.
        source: Signal of the other car.
        hold_ms: Age at which a value becomes NotAvailable.
    """

    name: str
    message: Message
    target: Signal
    rule: SignalRule
    source_message: Message
    source: Signal
    hold_ms: int

    @property
    def source_name(self) -> str:
        """``<Message>.<Signal>`` of the other car."""
        return f"{self.source_message.name}.{self.source.name}"


def inputs(own: Database) -> dict[str, tuple[Message, Signal]]:
    """Return what the unit hears, by name: neither its own voice nor the stepping of the host."""
    return {
        full_name(message, signal): (message, signal)
        for message in own.messages
        if _UNIT_NODE in message.receivers and not {_UNIT_NODE, _HOST_NODE} & set(message.senders)
        for signal in message.values
    }


def full_name(message: Message, signal: Signal) -> str:
    """Return the name that a signal has in every tool."""
    return f"{message.name}.{signal.name}"


def choices_of(signal: Signal) -> dict[str, int]:
    """Return what may be named of a signal of ours; empty for a number."""
    choices = {name: raw for raw, name in signal.choices.items()}
    return choices if set(choices.values()) - {signal.not_available_raw} else {}


def _target(mapping: Mapping, name: str, own: Database) -> tuple[Message, Signal]:
    known = inputs(own)
    if name not in known:
        hint = nearest(name, known) if "." in name else 'name it "<Message>.<Signal>", in quotes'
        raise ConfigError(f"{mapping.place(name)}: the unit has no such input", hint=hint)
    return known[name]


def resolve_feed(
    mapping: Mapping, name: str, rule: SignalRule, source_db: Database, own: Database
) -> Feed:
    """Find both ends of a rule and check that it makes sense between them."""
    place = mapping.place(name)
    message, target = _target(mapping, name, own)
    if name in mapping.constants:
        raise ConfigError(f"{place}: both fed and constant", hint="take one of the two away")
    source_message, source = _source(place, rule, source_db)
    if rule.unit != source.unit:
        raise ConfigError(
            f'{place}: unit "{rule.unit}", but {source_db.path.name} says "{source.unit}" '
            f"for {rule.source}",
            hint=f'write unit = "{source.unit}" and a scale that is right for it',
        )
    _check_codes(place, "not_available_raw", rule.not_available_raw, source)
    if rule.valid_when is not None:
        quality = _placed(place, source_message, rule.valid_when.signal)
        _check_codes(place, "valid_when", rule.valid_when.equals_raw, quality)
    if choices_of(target):
        _check_names(place, rule, target, source)
    else:
        _check_number(place, rule, target)
    own_rule = mapping.messages.get(message.name, MessageRule())
    hold_ms = rule.max_hold_ms or own_rule.max_hold_ms or message.cycle_time_ms or 1
    return Feed(name, message, target, rule, source_message, source, hold_ms)


def _source(place: str, rule: SignalRule, source_db: Database) -> tuple[Message, Signal]:
    message_name, dot, signal_name = rule.source.rpartition(".")
    if not dot:
        raise ConfigError(
            f"{place}: source {rule.source!r} names no signal",
            hint='write source = "<Message>.<Signal>"',
        )
    try:
        message = source_db.message(message_name)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error.message}", hint=error.hint) from error
    return message, _placed(place, message, signal_name)


def _placed(place: str, message: Message, signal_name: str) -> Signal:
    try:
        return message.signal(signal_name)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error.message}", hint=error.hint) from error


def _check_codes(place: str, key: str, codes: Iterable[int], signal: Signal) -> None:
    low, high = signal.raw_range
    for code in codes:
        if signal.is_float or not low <= code <= high:
            raise ConfigError(
                f"{place}: {key} {code} is no raw value of {signal.name}",
                hint="a float signal has no codes" if signal.is_float else f"{low} to {high}",
            )


def _check_names(place: str, rule: SignalRule, target: Signal, source: Signal) -> None:
    """Check a rule for one of our signals that has names."""
    choices = choices_of(target)
    names = [*(rule.values or {}).values(), *(name for _, name in rule.steps or ())]
    if not names:
        raise ConfigError(
            f"{place}: says no name for any value of {rule.source}",
            hint=f"add values or steps with these names: {', '.join(choices)}",
        )
    for name in names:
        if name not in choices:
            raise ConfigError(f"{place}: no such choice {name!r}", hint=nearest(name, choices))
    if rule.scale is not None or rule.offset:
        raise ConfigError(f"{place}: a name has neither scale nor offset")
    _check_codes(place, "values", map(int, rule.values or {}), source)


def _check_number(place: str, rule: SignalRule, target: Signal) -> None:
    """Check a rule for one of our signals that is a number."""
    if rule.values is not None or rule.steps is not None:
        raise ConfigError(f"{place}: is a number and has no names", hint="use scale and offset")
    if rule.scale is None and rule.unit != target.unit:
        raise ConfigError(
            f'{place}: needs a scale from "{rule.unit}" to "{target.unit}"',
            hint="write scale = 1 if only the spelling differs",
        )


def resolve_constant(mapping: Mapping, name: str, value: str | float, own: Database) -> float:
    """Return the number that is sent for a constant."""
    place = mapping.place(name)
    _, target = _target(mapping, name, own)
    choices = choices_of(target)
    if choices:
        if value not in choices:
            raise ConfigError(
                f"{place}: no such choice {value!r}", hint=nearest(str(value), choices)
            )
        return choices[str(value)]
    if isinstance(value, str):
        raise ConfigError(f"{place}: {value!r} is no number", hint=f"a number in {target.unit}")
    low, high = target.minimum, target.maximum
    if low is not None and high is not None and not low <= value <= high:
        raise ConfigError(
            f"{place}: {value} is out of range", hint=f"{low} to {high} {target.unit}"
        )
    return value


def check_messages(mapping: Mapping, feeds: list[Feed], own: Database) -> None:
    """Check that each rule for a message has something to rule."""
    fed = {feed.message.name for feed in feeds}
    known = {message.name for message, _ in inputs(own).values()}
    for name in mapping.messages:
        place = mapping.place(name)
        if name not in known:
            raise ConfigError(f"{place}: the unit hears no such message", hint=nearest(name, known))
        if name not in fed:
            raise ConfigError(
                f"{place}: no signal of this message is fed", hint="feed one or take this away"
            )
