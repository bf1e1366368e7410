"""A database of the plainest kind, such as our own, read at once and without cantools.

Every command needs our bus, and cantools takes longer to import than a drive takes to replay. What
is not understood to the last character is left to cantools, which is also the measure: a test
compares what both say of our bus.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_NUMBER: Final = r"-?\d+(?:\.\d+)?"
_NAMES: Final = r"\w+(?:,\w+)*"
_TEXT: Final = r'"([^"\\]*)"'

_MESSAGE: Final = re.compile(r"BO_ (\d+) (\w+): ([1-8]) (\w+)")
_SIGNAL: Final = re.compile(
    rf" SG_ (\w+) : (\d+)\|(\d+)@1([+-]) \(({_NUMBER}),({_NUMBER})\) "
    rf"\[({_NUMBER})\|({_NUMBER})\] {_TEXT} ({_NAMES})"
)
_COMMENT: Final = re.compile(rf"CM_ SG_ (\d+) (\w+) {_TEXT};")
_MESSAGE_COMMENT: Final = re.compile(rf"CM_ BO_ (\d+) {_TEXT};")
_WORDS: Final = re.compile(r'VAL_ (\d+) (\w+)((?: -?\d+ "[^"\\]*")+) ;')
_WORD: Final = re.compile(r' (-?\d+) "([^"\\]*)"')
_CYCLE: Final = re.compile(r'BA_ "GenMsgCycleTime" BO_ (\d+) (\d+);')
_START: Final = re.compile(rf'BA_ "GenSigStartValue" SG_ (\d+) (\w+) ({_NUMBER});')
_PASSED: Final = re.compile(
    r'VERSION "[^"\\]*"|BS_:|BU_:(?: \w+)*|NS_ :| {4}(?:BA_|BA_DEF_|BA_DEF_DEF_|CM_|VAL_)'
    r'|BA_DEF_ (?:BO_|SG_) "\w+" (?:INT -?\d+ \d+|ENUM "\w+"(?:,"\w+")*);'
    r'|BA_DEF_DEF_ "\w+" (?:0|"Cyclic");'
    r'|BA_ "GenMsg(?:StartDelayTime|SendType)" BO_ \d+ \d+;'
    r'|CM_ (?:BU_ \w+ )?"[^"\\]*";'
)
_NOBODY: Final = "Vector__XXX"
_BASE_IDS: Final = 0x800


@dataclass(slots=True)
class PlainSignal:
    """One signal, in Intel order, neither float nor multiplexed."""

    name: str
    start: int
    length: int
    is_signed: bool
    scale: float
    offset: float
    minimum: float
    maximum: float
    unit: str
    receivers: tuple[str, ...]
    choices: dict[int, str] = field(default_factory=dict)
    comment: str | None = None
    start_value: float | None = None


@dataclass(slots=True)
class PlainMessage:
    """One message of a base identifier and at most eight bytes."""

    frame_id: int
    name: str
    length: int
    sender: str
    comment: str | None = None
    cycle_time_ms: int | None = None
    signals: list[PlainSignal] = field(default_factory=list)


def read(text: str) -> list[PlainMessage] | None:
    """Read a plain database.

    Returns:
        The messages in the order of the file, signals in the order of their start bits; None if the
        text holds anything that is not known here.
    """
    reader = _Reader()
    try:
        is_plain = all(reader.takes(line) for line in text.splitlines() if line)
    except KeyError:  # a statement about a message or signal that is not there
        return None
    if not is_plain or not reader.messages:
        return None
    found = list(reader.messages.values())
    for message in found:
        message.signals.sort(key=lambda signal: signal.start)
    return found if all(map(_is_sound, found)) else None


class _Reader:
    """Takes a database line by line."""

    def __init__(self) -> None:
        self.messages: dict[int, PlainMessage] = {}
        self._signals: dict[tuple[int, str], PlainSignal] = {}

    def takes(self, line: str) -> bool:
        """Take a line; False if it is not known here."""
        if match := _SIGNAL.fullmatch(line):
            return self._signal(match)
        if match := _COMMENT.fullmatch(line):
            self._of(match).comment = match[3]
        elif match := _WORDS.fullmatch(line):
            self._of(match).choices = {int(raw): word for raw, word in _WORD.findall(match[3])}
        elif match := _START.fullmatch(line):
            self._of(match).start_value = _number(match[3])
        elif match := _CYCLE.fullmatch(line):
            self.messages[int(match[1])].cycle_time_ms = int(match[2])
        elif match := _MESSAGE_COMMENT.fullmatch(line):
            self.messages[int(match[1])].comment = match[2]
        elif match := _MESSAGE.fullmatch(line):
            return self._message(match)
        else:
            return _PASSED.fullmatch(line) is not None
        return True

    def _message(self, match: re.Match[str]) -> bool:
        frame_id = int(match[1])
        is_new = frame_id not in self.messages and frame_id < _BASE_IDS
        self.messages[frame_id] = PlainMessage(frame_id, match[2], int(match[3]), match[4])
        return is_new

    def _signal(self, match: re.Match[str]) -> bool:
        if not self.messages:
            return False
        message = next(reversed(self.messages.values()))
        signal = PlainSignal(
            name=match[1],
            start=int(match[2]),
            length=int(match[3]),
            is_signed=match[4] == "-",
            scale=_number(match[5]),
            offset=_number(match[6]),
            minimum=_number(match[7]),
            maximum=_number(match[8]),
            unit=match[9],
            receivers=tuple(sorted(set(match[10].split(",")) - {_NOBODY})),
        )
        is_new = (message.frame_id, signal.name) not in self._signals
        self._signals[message.frame_id, signal.name] = signal
        message.signals.append(signal)
        return is_new

    def _of(self, match: re.Match[str]) -> PlainSignal:
        return self._signals[int(match[1]), match[2]]


def _number(text: str) -> float:
    """Return a number as cantools does: whole ones stay integers."""
    return float(text) if "." in text else int(text)


def _is_sound(message: PlainMessage) -> bool:
    """Say whether signals lie side by side within the message."""
    edge = 0
    for signal in message.signals:
        if signal.start < edge or not signal.length:
            return False
        edge = signal.start + signal.length
    return edge <= 8 * message.length
