"""A calibration set for a unit to keep, in plain frames over any link (``link/upload.h``)."""

from __future__ import annotations

import struct
import time
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.ecu import calibration_hash, calibration_parameters, calibration_rules, core_identity
from d7xr.errors import ConfigError, D7xrError, LinkError, RigError
from d7xr.frames import FRAME_DTYPE
from d7xr.target.stepped import IDENTITY_ID, check_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from d7xr.target.free_running import FreeLink

LOAD_ID: Final = 0x7F3
ANSWER_ID: Final = 0x7F4

_FRAME: Final = struct.Struct("<BxHI")
_ANSWER: Final = struct.Struct("<BBHI")
_ANSWER_S: Final = 1.0
_TRIES: Final = 3
_IDENTITY_S: Final = 2.5
_ID_DIGITS: Final = 6
"""What Identity tells of a set's hash."""


class Command(IntEnum):
    """Codes of LoadCommand."""

    BEGIN = 0
    WORD = 1
    KEEP = 2


class Result(IntEnum):
    """Codes of AnswerResult."""

    DONE = 0
    UNKNOWN = 1
    OTHER_LAYOUT = 2
    OUT_OF_TURN = 3
    DAMAGED = 4
    OUT_OF_RANGE = 5
    BREAKS_RULE = 6
    ENGINE_RUNS = 7
    NO_ROOM = 8
    NOT_HELD = 9


_REFUSALS: Final = {
    Result.UNKNOWN: ("does not know how", "its firmware is older than this host: flash it again"),
    Result.OTHER_LAYOUT: (
        "has other numbers than this host", "build both from one tree: make setup firmware",
    ),
    Result.ENGINE_RUNS: (
        "keeps no set while the engine runs, or may run", "stop the engine, leave the key on",
    ),
    Result.NO_ROOM: ("has no room in its flash", "let it start again, which makes some"),
    Result.NOT_HELD: (
        "could not write it: its flash does not hold", "try again; if it stays so, replace it",
    ),
}  # fmt: skip


def load(
    link: FreeLink, blob: bytes, *, clock: Callable[[], float] = time.monotonic
) -> str:  # fmt: skip
    """Give a unit a set to keep, and make sure that it runs with it.

    The unit judges the set itself. Whatever goes wrong, it runs on with the set that it had.

    Args:
        link: An open link; the unit runs free afterwards.
        blob: The set, as the firmware's structure.
        clock: Seconds, monotonic; the one by which the link waits.

    Returns:
        The number of the set as the unit tells it on the bus, six hexadecimal digits.

    Raises:
        ConfigError: The unit refuses a number or a relation.
        RigError: The unit is of another build, its engine runs, or its flash does not take it.
        LinkError: It does not answer.
    """
    speaker = _Speaker(link, clock)
    link.run_free()
    words = struct.unpack(f"<{len(blob) // 4}I", blob)
    speaker.tell(Command.BEGIN, len(words), int(core_identity()["layout_hash"], 16))
    for index, word in enumerate(words):
        speaker.tell(Command.WORD, index, word)
    speaker.tell(Command.KEEP, 0, calibration_hash(blob))
    return speaker.identity(f"{calibration_hash(blob):08x}"[-_ID_DIGITS:])


class _Speaker:
    """Asks one thing at a time, and again where no answer comes."""

    def __init__(self, link: FreeLink, clock: Callable[[], float]) -> None:
        self._link = link
        self._clock = clock

    def tell(self, command: Command, index: int, word: int) -> None:
        row = np.zeros(1, dtype=FRAME_DTYPE)
        row["id"], row["length"] = LOAD_ID, _FRAME.size
        row["data"][0] = np.frombuffer(_FRAME.pack(command, index, word), dtype=np.uint8)
        packed = self._link.pack(row)
        for _ in range(_TRIES):
            self._link.send(packed)
            answer = self._hear(ANSWER_ID, _ANSWER_S)
            if answer is None:
                continue
            result, _, about, in_use = _ANSWER.unpack(answer)
            # The answer to the first try may have been lost, and the set be kept already.
            is_kept = command is Command.KEEP and in_use == word
            if result == Result.DONE or (result == Result.OUT_OF_TURN and is_kept):
                return
            raise _refused(self._link.name, result, about)
        raise LinkError(
            f"{self._link.name} does not answer about a calibration set",
            hint="its firmware is older than this host, or the line is noisy: flash it again",
        )

    def identity(self, wanted: str) -> str:
        give_up = self._clock() + _IDENTITY_S
        told = "nothing"
        while (left_s := give_up - self._clock()) > 0.0:
            data = self._hear(IDENTITY_ID, left_s)
            told = told if data is None else check_identity(self._link.name, data)
            if told == wanted:
                return told
        raise RigError(
            f"{self._link.name} took set {wanted} and then told {told}",
            hint="let it start again and look at its report: d7xr hil --target ...",
        )

    def _hear(self, frame_id: int, within_s: float) -> bytes | None:
        give_up = self._clock() + within_s
        while self._clock() < give_up:
            for frame in self._link.hear(give_up)[0]:
                if frame.id == frame_id and not frame.is_extended:
                    return frame.data
        return None


def _refused(name: str, result: int, about: int) -> D7xrError:
    if result == Result.OUT_OF_RANGE:
        names = {parameter.id: parameter.name for parameter in calibration_parameters()}
        return ConfigError(
            f"{name} refuses the set: {names.get(about, f'number {about}')} is out of its range",
            hint="`d7xr calibration check SET` names all that is wrong with it",
        )
    if result == Result.BREAKS_RULE:
        rules = calibration_rules()
        text = rules[about].text if about < len(rules) else f"rule {about}"
        return ConfigError(
            f"{name} refuses the set: {text}",
            hint="`d7xr calibration check SET` names all that is wrong with it",
        )
    known = _REFUSALS.get(Result(result)) if result in list(Result) else None
    if known is not None:
        return RigError(f"{name} {known[0]}; it runs on with the set that it had", hint=known[1])
    return LinkError(
        f"{name} did not get the set as it was sent (result {result}); it runs on with its own",
        hint="does somebody else send it one? check the line and try again",
    )
