"""The unit on a board: stepped over a serial port, by frames as lines of ASCII.

The host sends the frames of a tick and Sync in one write, then reads until StateDigest; it always
reads while it writes, since a unit that is not read stops. Each write begins with an empty line,
which ends whatever noise came before it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final, Self

from d7xr.errors import LinkError, RigError
from d7xr.target.port import Port
from d7xr.target.report import BoardReport
from d7xr.target.slcan import BEL, CR, Line, LineFrame, LineReader, frame_line, frame_of
from d7xr.target.stepped import STATE_DIGEST_ID, SYNC_ID, Stepped, tick_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

_ASK_EVERY_S: Final = 0.05
_QUIET_S: Final = 0.02
_REFUSED_S: Final = 1.0
"""What is refused is answered at once: after this no digest comes any more."""

_BIT_RATE: Final = 8
"""1 Mbit/s, the vehicle bus; the unit keeps it and does nothing with it."""

_STATUS_TO_HOST: Final = 1
_STATUS_FROM_HOST: Final = 2
_SEEN_BYTES: Final = 60


class SerialTarget(Stepped[bytes]):
    """A unit behind a serial port.

    Args:
        port: Path or URL, as ``/dev/ttyACM0``, a pseudo-terminal, or ``socket://host:port``.
        baudrate: Bit/s.
        answer_s: Longest wait for an answer, in seconds.
        clock: Seconds, monotonic.
        name: What it is called; None takes ``serial:`` and the port.
        is_ours: The machine was started for this target: it may be given another calibration.

    Attributes:
        name: See above.
        board_id: Number of the board, four hexadecimal digits; None before it is open.
        report: What the board said of itself when it was opened.

    Raises:
        LinkError: The port is absent, busy or gone, nothing answers, or the line is garbled.
        RigError: Who answers is not of this build.

    Example:
        ``with SerialTarget("/dev/ttyACM0") as unit: unit.start(calibration_default())``
    """

    transport = "SLCAN"

    def __init__(
        self, port: str, *, baudrate: int = 2_000_000, answer_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic, name: str | None = None, is_ours: bool = False,
    ) -> None:  # fmt: skip
        """Remember the port; nothing is opened yet."""
        super().__init__(name or f"serial:{port}")
        self.board_id: str | None = None
        self.report = BoardReport()
        self._answer_s = answer_s
        self._clock = clock
        self._is_ours = is_ours
        self._port = Port(port, baudrate=baudrate, clock=clock)
        self._reader = LineReader()
        self._lines: deque[Line] = deque()
        self._refused = 0
        self._garbled = 0

    def __enter__(self) -> Self:
        """Open the port and make sure that the unit is of this very build."""
        self._port.__enter__()
        try:
            self._greet()
            self._open_channel()
            self._identify()
        except BaseException:
            self._port.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Close the channel, so that the unit runs free again, and let the port go."""
        try:
            if not isinstance(error, LinkError):
                self._port.exchange(b"\rC\r", self._port.deadline(self._answer_s))
        finally:
            self._port.__exit__(None, None, None)

    @property
    def console(self) -> bytes:
        """The last bytes that came from the port, as they came, since before it was greeted."""
        return self._port.console

    def counters(self) -> Mapping[str, int]:
        """Return what was refused, garbled or lost since the target was opened.

        ``to_host_lost`` and ``from_host_lost`` are 0 or 1: the unit tells that it happened.

        Raises:
            LinkError: The unit does not answer.
        """
        status = int(self._ask(b"F", 2), 16)
        return {
            "refused": self._refused,
            "garbled": self._garbled,
            "to_host_lost": int(bool(status & _STATUS_TO_HOST)),
            "from_host_lost": int(bool(status & _STATUS_FROM_HOST)),
        }

    # -- running free: see FreeLink

    def run_free(self) -> None:
        """Let the unit run on its own timer; who it is was made sure of when it was opened."""
        self._port.exchange(b"\rC\r", self._port.deadline(self._answer_s))
        self._flush()
        self._refused = self._garbled = 0
        self._ask(b"O", 0)
        self._ask(b"F", 2)

    def pack(self, frame: NDArray[np.void]) -> list[bytes]:
        """Return frames as lines."""
        return self._pack(frame)

    def send(self, packed: Sequence[bytes]) -> None:
        """Send lines at once; what comes meanwhile is kept for `hear`."""
        content = b"".join(packed)
        came = self._port.exchange(content, self._port.deadline(self._answer_s))
        self._lines.extend(self._reader.feed(came))

    def hear(self, until_s: float) -> tuple[list[LineFrame], int]:
        """Return frames of the unit, and how many lines of ours it took or refused."""
        if not self._lines:
            self._lines.extend(self._reader.feed(self._port.exchange(b"", until_s)))
        frames: list[LineFrame] = []
        answered = 0
        while self._lines:
            line = self._lines.popleft()
            if line.is_plain:
                answered += 1
                self._refused += line.is_refusal
            elif (frame := self._frame(line)) is not None:
                frames.append(frame)
        return frames, answered

    def losses(self) -> Mapping[str, int]:
        """Return what was refused, garbled or lost since the unit runs free."""
        return self.counters()

    def _load(self, calibration: bytes, wanted: str) -> None:
        if not self._is_ours:
            super()._load(calibration, wanted)
        from d7xr.target.upload import load

        self._calibration_id = load(self, calibration, clock=self._clock)

    # -- opening

    def _greet(self) -> None:
        """Ask for the version until it comes whole: what is sent to a unit that starts is lost."""
        give_up = self._port.deadline(self._answer_s)
        seen = b""
        while self._port.deadline(0.0) < give_up:
            wait = min(self._port.deadline(_ASK_EVERY_S), give_up)
            seen += self._port.exchange(b"\rV\r", wait)
            while part := self._port.exchange(b"", wait):
                seen += part
                if _has_version(seen):
                    self._flush()
                    return
        raise LinkError(
            f"{self._port.name}: nothing that speaks SLCAN answered within {self._answer_s:g} s; "
            + _seen(seen),
            hint="check the wiring, the baud rate, and that the firmware of d7xr is on the board",
        )

    def _flush(self) -> None:
        """Drop what still comes in answer to what was asked."""
        while self._port.exchange(b"", self._port.deadline(_QUIET_S)):
            pass
        self._reader = LineReader()
        self._lines.clear()

    def _open_channel(self) -> None:
        self._port.exchange(b"\rC\r", self._port.deadline(self._answer_s))
        self._flush()
        self.board_id = self._ask(b"N", 4).lower()
        self._ask(b"S%d" % _BIT_RATE, 0)
        self._ask(b"O", 0)

    # -- speaking

    def _ask(self, command: bytes, digits: int) -> str:
        """Give one command and return the digits of its answer."""
        for line in self._answers(command + CR, f"'{command.decode()}'"):
            if line.is_refusal:
                raise LinkError(
                    f"{self.name} refuses '{command.decode()}'",
                    hint="its firmware is older than this host: build and flash it again",
                )
            if len(line.text) == (digits + 1 if digits else 0) and not self._is_frame(line):
                return line.text[1:].decode("ascii", "replace")
        raise AssertionError("answers do not end")

    def _is_frame(self, line: Line) -> bool:
        """Take what the unit sends by itself out of the way of answers."""
        frame = frame_of(line.text)
        return frame is not None and (self.report.take(frame) or True)

    def _pack(self, frame: NDArray[np.void]) -> list[bytes]:
        return [
            frame_line(number, data[:length].tobytes(), flags)
            for number, length, flags, data in zip(
                frame["id"].tolist(), frame["length"].tolist(), frame["flags"].tolist(),
                frame["data"], strict=True,
            )
        ]  # fmt: skip

    def _step(self, tick: int, given: Sequence[bytes]) -> tuple[int, list[LineFrame]]:
        lines, count = b"".join(given), len(given)
        sync = frame_line(SYNC_ID, tick.to_bytes(4, "little") + bytes(4))
        answers: list[bool] = []
        sent: list[LineFrame] = []
        for line in self._answers(CR + lines + sync, tick_name(tick), answers):
            if line.is_plain:
                answers.append(line.is_refusal)
                self._refused += line.is_refusal
            elif (frame := self._frame(line)) is None:
                continue
            elif frame.id == STATE_DIGEST_ID:
                self._check_taken(tick, answers[-(count + 1) :])
                return self._digest(tick, frame.data), sent
            else:
                sent.append(frame)
        self._check_taken(tick, answers[-(count + 1) :])
        raise self._silent(tick_name(tick))

    def _answers(self, content: bytes, what: str, refusals: Sequence[bool] = ()) -> Iterator[Line]:
        """Write, then yield line after line; those that nobody asks for wait for the next time.

        Ends where a refusal was the last word; raises where there was none.
        """
        give_up = self._port.deadline(self._answer_s)
        came = self._port.exchange(content, give_up)
        while True:
            self._lines.extend(self._reader.feed(came))
            while self._lines:
                yield self._lines.popleft()
            was_refused = any(refusals)
            patience = self._port.deadline(_REFUSED_S) if was_refused else give_up
            came = self._port.exchange(b"", min(patience, give_up))
            if not came and not was_refused:
                raise self._closed(what) if self._is_closed() else self._silent(what)
            if not came:
                return

    def _is_closed(self) -> bool:
        """Ask a silent unit for its status, which it refuses while its channel is closed."""
        give_up = self._port.deadline(_REFUSED_S)
        came = self._port.exchange(b"\rF\r", give_up)
        while BEL not in came and b"F" not in came:
            part = self._port.exchange(b"", give_up)
            if not part:
                return False
            came += part
        return BEL in came

    def _check_taken(self, tick: int, answers: Sequence[bool]) -> None:
        """Every frame and Sync were taken; what was refused before them was noise."""
        if all(answers) and answers:
            raise self._closed(tick_name(tick))
        if any(answers):
            raise LinkError(
                f"{self.name} refused a frame of {tick_name(tick)}: the line is noisy",
                hint="check cable, ground and baud rate; the run is void",
            )

    def _frame(self, line: Line) -> LineFrame | None:
        frame = frame_of(line.text)
        if frame is None:
            self._garbled += 1
        elif self.report.take(frame):
            frame = None
        return frame

    def _closed(self, what: str) -> RigError:
        return RigError(
            f"{self.name} has closed its channel before {what}: it was restarted",
            hint="open it again; its report tells of a crash or a watchdog",
        )

    def _silent(self, what: str) -> LinkError:
        return LinkError(
            f"{self.name} did not answer {what} within {self._answer_s:g} s; "
            + _seen(self._reader.rest),
            hint="is it held in reset, or by a debugger? open it again",
        )


def _seen(content: bytes) -> str:
    return f"the last bytes were {content[-_SEEN_BYTES:]!r}" if content else "not a byte came"


def _has_version(seen: bytes) -> bool:
    at = seen.rfind(b"V", 0, len(seen) - 5)
    return at >= 0 and seen[at + 5 : at + 6] == CR
