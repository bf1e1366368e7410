"""The board's image with a CAN controller, as a test sees it: the car's end of the bus."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.recordings import REPOSITORY

SILICON = 0x10016413
"""What DBGMCU_IDCODE of an STM32F405 reads (RM0090, 38.6.1)."""

EMULATED = 0
_STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a stretch of time gave; counts are since the start.

    Attributes:
        frames: Identifier and data of each frame on the bus.
        time_ms: When each was there.
        serial: What the serial port sent.
        accepted: Frames that passed the filter.
        filtered: Frames that did not.
        overruns: Frames that the controller had no room for.
        violations: What silicon would have ignored.
        feeds: Times that the watchdog was fed.
        is_off: The controller is off the bus.
        bit_timing: Register BTR.
    """

    frames: list[tuple[int, bytes]]
    time_ms: list[int]
    serial: str
    accepted: int
    filtered: int
    overruns: int
    violations: list[str]
    feeds: int
    is_off: bool
    bit_timing: int

    def of(self, frame_id: int) -> list[bytes]:
        """Return the data of all frames with an identifier."""
        return [data for number, data in self.frames if number == frame_id]


class CanBench:
    """A chip with a CAN controller, in a process of its own.

    Args:
        image: The board's ELF.
        chip: What the chip says it is; 0 is an emulated one.
        has_crystal: Whether its crystal starts.
    """

    def __init__(self, image: Path, *, chip: int = SILICON, has_crystal: bool = True) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.board.chip", str(image)],
            cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._start = {"do": "start", "chip": chip, "has_crystal": has_crystal}
        self.restart()

    def restart(self) -> None:
        """Let power go and come; the flash stays as it is."""
        self._ask(dict(self._start))

    def slots(self) -> list[bytes]:
        """Return the first bytes of both slots of the store."""
        return self.burn(b"")

    def burn(self, content: bytes, offset: int = 0) -> list[bytes]:
        """Put content into the flash of the store, and return both slots."""
        told = self._ask({"do": "flash", "content": content.hex(), "offset": offset})
        return [bytes.fromhex(digits) for digits in told["slots"]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=_STOP_S)
        self._process.stdout.close()

    def send(self, *frames: tuple[int, bytes], is_extended: bool = False) -> None:
        """Put frames on the bus; they go out as time passes, one in an eighth of a millisecond."""
        self._ask(
            {"do": "send", "frames": [(number, data.hex(), is_extended) for number, data in frames]}
        )

    def run(self, ms: int) -> Heard:
        """Let time pass."""
        return self._tell({"do": "run", "ms": ms})

    def serial(self, text: str) -> None:
        """Send text to the serial port."""
        self._tell({"do": "serial", "text": text})

    def go_off(self) -> None:
        """Let the controller leave the bus after too many errors."""
        self._tell({"do": "bus_off"})

    def acknowledge(self, *, is_on: bool) -> None:
        """Let there be somebody on the bus who acknowledges frames, or nobody."""
        self._tell({"do": "acknowledge", "is_on": is_on})

    def poke(self, offset: int, value: int) -> None:
        """Change a peripheral's register behind the firmware's back."""
        self._tell({"do": "poke", "offset": offset, "value": value})

    def peek(self, offset: int) -> int:
        """Return a peripheral's register."""
        return int(self._ask({"do": "peek", "offset": offset})["value"])

    def _tell(self, asked: dict[str, Any]) -> Heard:
        told = self._ask(asked)
        frames = [(number, bytes.fromhex(digits)) for number, digits in told.pop("heard")]
        return Heard(frames=frames, **told)

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the bench ended: its words are above"
        answer: dict[str, Any] = json.loads(line)
        return answer
