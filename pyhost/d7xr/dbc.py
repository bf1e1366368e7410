"""The DBC file: read by cantools, described in our own frozen words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from d7xr import dbc_plain, payload
from d7xr.errors import ConfigError
from d7xr.names import nearest

if TYPE_CHECKING:
    import cantools.database.can


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal as its database describes it.

    Attributes:
        name: Name in the database.
        start: Bit number by the DBC (Intel: least significant bit, Motorola: most significant).
        length: Width in bits.
        is_big_endian: Motorola order.
        is_signed: Two's complement.
        is_float: IEEE 754 of 16, 32 or 64 bits.
        scale: Physical step per raw step.
        offset: Physical value of raw 0.
        minimum: Least physical value stated, or None.
        maximum: Greatest physical value stated, or None.
        unit: Unit as the file spells it; empty where it states none.
        choices: Names of raw values.
        comment: Comment, or None.
        receivers: Nodes that listen, sorted.
        start_raw: Raw value before the first one is known.
        not_available_raw: Raw value that means "no value"; known for our own bus only.
        is_multiplexer: Its value says which multiplexed signals a frame holds.
        multiplexer: Name of the signal that selects this one, or None.
        multiplexer_ids: Raw values of the multiplexer at which this signal is present.
    """

    name: str
    start: int
    length: int
    is_big_endian: bool
    is_signed: bool
    is_float: bool
    scale: float
    offset: float
    minimum: float | None
    maximum: float | None
    unit: str
    choices: Mapping[int, str]
    comment: str | None
    receivers: tuple[str, ...]
    start_raw: float | None
    not_available_raw: int | None
    is_multiplexer: bool
    multiplexer: str | None
    multiplexer_ids: tuple[int, ...]

    @property
    def bits_needed(self) -> int:
        """Payload bits that a frame must have to hold this signal."""
        return payload.first_bit(self.start, is_big_endian=self.is_big_endian) + self.length

    @property
    def raw_range(self) -> tuple[int, int]:
        """Least and greatest raw integer that the width allows."""
        if self.is_signed:
            return -(1 << (self.length - 1)), (1 << (self.length - 1)) - 1
        return 0, (1 << self.length) - 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its database describes it.

    Attributes:
        name: Name in the database.
        frame_id: Identifier without flag bits.
        is_extended: 29-bit identifier.
        length: Payload in bytes.
        cycle_time_ms: Period, or None where the file states none.
        senders: Nodes that send it.
        receivers: Nodes that listen to any of its signals, sorted.
        comment: Comment, or None.
        signals: Signals in the order of their start bits.
    """

    name: str
    frame_id: int
    is_extended: bool
    length: int
    cycle_time_ms: int | None
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    comment: str | None
    signals: tuple[Signal, ...]

    @property
    def counter_name(self) -> str:
        """Name that the alive counter of this message has, if it has one."""
        return f"{self.name}_Ctr"

    @property
    def crc_name(self) -> str:
        """Name that the checksum of this message has, if it has one."""
        return f"{self.name}_Crc"

    @property
    def is_protected(self) -> bool:
        """Whether frames carry an alive counter and a checksum."""
        return {self.counter_name, self.crc_name} <= {signal.name for signal in self.signals}

    @property
    def values(self) -> tuple[Signal, ...]:
        """Signals that say something about the car: all but counter and checksum."""
        protection = (self.counter_name, self.crc_name)
        return tuple(signal for signal in self.signals if signal.name not in protection)

    def signal(self, name: str) -> Signal:
        """Return the signal of that name.

        Raises:
            ConfigError: There is none; the message names the nearest.
        """
        for signal in self.signals:
            if signal.name == name:
                return signal
        raise ConfigError(
            f"message {self.name} has no signal {name!r}",
            hint=nearest(name, [signal.name for signal in self.signals]),
        )


def selectors_first(signals: Sequence[Signal]) -> list[Signal]:
    """Return signals in an order in which a multiplexer stands before what it selects."""
    by_name = {signal.name: signal for signal in signals}

    def depth(signal: Signal) -> int:
        steps = 0
        while signal.multiplexer in by_name and steps < len(signals):  # a ring ends there too
            signal = by_name[signal.multiplexer]
            steps += 1
        return steps

    return sorted(signals, key=depth)


def own_dbc_path() -> Path:
    """Return the file of our own bus: of the installed package, else of the source tree.

    Raises:
        ConfigError: Neither is there.
    """
    package = Path(__file__).resolve().parent
    candidates = (
        package / "data" / "d7xr.dbc",
        package.parent.parent / "firmware" / "bus" / "d7xr.dbc",
    )
    for path in candidates:
        if path.is_file():
            return path
    raise ConfigError(
        f"the vehicle bus is missing: neither {candidates[0]} nor {candidates[1]}",
        hint="install the package again",
    )


def parse_dbc(
    content: bytes, path: Path, *, is_own: bool = False
) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """Read the bytes of a DBC: strictly, or if that fails, relaxed.

    Args:
        content: The file; UTF-8, else Windows-1252, else ISO 8859-1.
        path: Where it came from, for messages.
        is_own: A raw value named NotAvailable means that there is no value.

    Returns:
        The messages in the order of the file, and what had to be let pass, in words.

    Raises:
        ConfigError: Not a DBC that cantools reads, even relaxed; or one without messages.
    """
    text, notes = _decode_text(content)
    plain = dbc_plain.read(text) if is_own else None
    if plain is not None:
        return tuple(map(_of_plain, plain)), notes
    found, complaints = _parse_text(text, path)
    if not found:
        raise ConfigError(
            f"the database {path} holds no message", hint="name a DBC file with messages"
        )
    messages = tuple(_message(message, is_own=is_own) for message in found)
    return messages, (*notes, *complaints)


def _decode_text(content: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file, and a note where it is not UTF-8."""
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    for encoding in ("cp1252", "latin-1"):
        try:
            return content.decode(encoding), (f"text is {encoding}, not UTF-8 (line {line})",)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes every byte")


def _parse_text(
    text: str, path: Path
) -> tuple[list["cantools.database.can.Message"], tuple[str, ...]]:
    """Return the messages that cantools finds, and what it complains about in them."""
    import cantools.database
    from cantools.database.can import Database as CantoolsDatabase
    from cantools.database.errors import UnsupportedDatabaseFormatError

    def parse(*, is_strict: bool) -> list["cantools.database.can.Message"]:
        database = cantools.database.load_string(text, database_format="dbc", strict=is_strict)
        assert isinstance(database, CantoolsDatabase)  # the format asked for has no other
        return list(database.messages)

    try:
        return parse(is_strict=True), ()
    except UnsupportedDatabaseFormatError:
        pass
    try:
        messages = parse(is_strict=False)
    except UnsupportedDatabaseFormatError as error:
        reason = " ".join(str(error.e_dbc).split())
        raise ConfigError(
            f"{path} cannot be read as a DBC, even relaxed: {reason}",
            hint="correct the file at that place",
        ) from error
    return messages, tuple(filter(None, map(_complaint, messages)))


def _complaint(message: "cantools.database.can.Message") -> str | None:
    """Return why a message fails a strict check, or None."""
    from cantools.database.errors import Error

    try:
        message.refresh(strict=True)
    except Error as error:
        return str(error)
    return None


def _message(message: "cantools.database.can.Message", *, is_own: bool) -> Message:
    return Message(
        name=message.name,
        frame_id=message.frame_id,
        is_extended=message.is_extended_frame,
        length=message.length,
        cycle_time_ms=message.cycle_time,
        senders=tuple(message.senders),
        receivers=tuple(sorted(message.receivers)),
        comment=message.comment,
        signals=tuple(_signal(signal, is_own=is_own) for signal in message.signals),
    )


def _of_plain(message: dbc_plain.PlainMessage) -> Message:
    """Return a message of our own bus as `_message` would."""
    return Message(
        name=message.name,
        frame_id=message.frame_id,
        is_extended=False,
        length=message.length,
        cycle_time_ms=message.cycle_time_ms,
        senders=(message.sender,),
        receivers=tuple(sorted({node for s in message.signals for node in s.receivers})),
        comment=message.comment,
        signals=tuple(map(_signal_of_plain, message.signals)),
    )


def _signal_of_plain(signal: dbc_plain.PlainSignal) -> Signal:
    absent = [raw for raw, name in signal.choices.items() if _is_not_available(name)]
    return Signal(
        name=signal.name,
        start=signal.start,
        length=signal.length,
        is_big_endian=False,
        is_signed=signal.is_signed,
        is_float=False,
        scale=signal.scale,
        offset=signal.offset,
        minimum=signal.minimum,
        maximum=signal.maximum,
        unit=signal.unit,
        choices=signal.choices,
        comment=signal.comment,
        receivers=signal.receivers,
        start_raw=signal.start_value,
        not_available_raw=absent[0] if absent else None,
        is_multiplexer=False,
        multiplexer=None,
        multiplexer_ids=(),
    )


def _signal(signal: "cantools.database.can.Signal", *, is_own: bool) -> Signal:
    choices = {int(raw): str(name) for raw, name in (signal.choices or {}).items()}
    absent = [raw for raw, name in choices.items() if _is_not_available(name)]
    return Signal(
        name=signal.name,
        start=signal.start,
        length=signal.length,
        is_big_endian=signal.byte_order == "big_endian",
        is_signed=signal.is_signed,
        is_float=signal.is_float,
        scale=signal.scale,
        offset=signal.offset,
        minimum=signal.minimum,
        maximum=signal.maximum,
        unit=signal.unit or "",
        choices=choices,
        comment=signal.comment,
        receivers=tuple(sorted(signal.receivers)),
        start_raw=signal.raw_initial,
        not_available_raw=absent[0] if is_own and absent else None,
        is_multiplexer=signal.is_multiplexer,
        multiplexer=signal.multiplexer_signal,
        multiplexer_ids=tuple(signal.multiplexer_ids or ()),
    )


def _is_not_available(name: str) -> bool:
    return "".join(filter(str.isalpha, name.lower())) == "notavailable"
