"""The unit on a CAN bus, stepped: any bus that python-can knows.

Nobody else may be on that bus: whatever comes is taken for the unit's. A bus has no channel to
close, so a unit that was stepped runs free again only after a minute of silence.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl

from d7xr.errors import LinkError, UsageError
from d7xr.frames import FRAME_EXTENDED
from d7xr.names import nearest
from d7xr.target.slcan import LineFrame
from d7xr.target.stepped import (
    IDENTITY_ID,
    STATE_DIGEST_ID,
    SYNC_ID,
    SYNC_START,
    Stepped,
    check_identity,
    tick_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    import can
    import numpy as np
    from numpy.typing import NDArray

PREFIX: Final = "can:"
_IDENTITY_S: Final = 2.5
_SEND_S: Final = 1.0
_FORM: Final = "can:INTERFACE:CHANNEL[?bitrate=500000], as can:socketcan:can0"


@dataclass(frozen=True, slots=True)
class BusName:
    """A bus as python-can opens it.

    Attributes:
        interface: Back-end, as ``socketcan``.
        channel: Channel of it.
        options: More arguments for ``can.Bus``.
    """

    interface: str
    channel: str
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str) -> Self:
        """Read ``can:INTERFACE:CHANNEL[?OPTION=VALUE&...]``.

        Raises:
            UsageError: It has another form, or no such back-end exists.
        """
        import can
        from can.util import cast_from_string

        interface, _, rest = name.removeprefix(PREFIX).partition(":")
        channel, _, query = rest.partition("?")
        if not (name.startswith(PREFIX) and interface and channel):
            raise UsageError(f"target '{name}' names no bus", hint=_FORM)
        if interface not in can.VALID_INTERFACES:
            hint = nearest(interface, sorted(can.VALID_INTERFACES))
            raise UsageError(f"target '{name}': no back-end '{interface}'", hint=hint)
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        except ValueError as error:
            raise UsageError(f"target '{name}': options are not NAME=VALUE", hint=_FORM) from error
        return cls(interface, channel, {key: cast_from_string(value) for key, value in pairs})


class Bus:
    """An open bus that speaks in this project's errors and frames.

    Some back-ends let a sender hear itself (``udp_multicast``): identifiers that were sent here are
    not heard here, for no unit sends what it listens to.

    Args:
        name: As ``BusName`` reads it.

    Raises:
        UsageError: The name has another form.
        LinkError: The bus cannot be opened, does not take a frame, or vanished.
    """

    def __init__(self, name: str) -> None:
        """Read the name; nothing is opened yet."""
        self.name = name
        self._where = BusName.read(name)
        self._bus: can.BusABC | None = None
        self._own: set[int] = set()

    def __enter__(self) -> Self:
        """Open the bus."""
        import can

        try:
            self._bus = can.Bus(
                channel=self._where.channel, interface=self._where.interface, ignore_config=True,
                **self._where.options,
            )  # fmt: skip
        # A back-end raises what its driver raises: python-can promises nothing narrower.
        except Exception as error:
            raise LinkError(
                f"cannot open {self.name}: {str(error) or type(error).__name__}",
                hint="is it plugged in, its driver there, its interface up, its bit rate named?",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Let the bus go."""
        if self._bus is not None:
            self._bus.shutdown()
            self._bus = None

    def send(self, message: can.Message, within_s: float) -> None:
        """Send one frame."""
        import can

        assert self._bus is not None, "used outside its with block"
        self._own.add(message.arbitration_id)
        try:
            self._bus.send(message, within_s)
        except (can.CanError, OSError) as error:
            raise LinkError(
                f"{self.name} did not take frame {message.arbitration_id:03X}: {error}",
                hint="is the unit powered, is the bus terminated, do bit rates agree?",
            ) from error

    def receive(self, within_s: float) -> LineFrame | None:
        """Return the next data frame of somebody else, or None: none came in time."""
        import can

        assert self._bus is not None, "used outside its with block"
        try:
            message = self._bus.recv(within_s)
            while message is not None and not self._is_heard(message):
                message = self._bus.recv(within_s)
        except (can.CanError, OSError) as error:
            raise LinkError(
                f"{self.name} vanished: {error}",
                hint="unplugged, or its interface is down; connect it and run again",
            ) from error
        if message is None:
            return None
        return LineFrame(message.arbitration_id, bytes(message.data), message.is_extended_id)

    def _is_heard(self, message: can.Message) -> bool:
        is_data = not (message.is_error_frame or message.is_remote_frame)
        return is_data and message.arbitration_id not in self._own


class FreeCan:
    """A unit that runs on its own timer, on a CAN bus; see ``FreeLink``.

    Nothing on a bus tells what did not arrive at the unit: what the unit sends is judged alone.

    Args:
        name: As ``BusName`` reads it.
        clock: Seconds, monotonic.
    """

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the name; nothing is opened yet."""
        self.name = name
        self._bus = Bus(name)
        self._clock = clock

    def __enter__(self) -> Self:
        """Open the bus."""
        self._bus.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Let the bus go."""
        self._bus.__exit__(kind, error, trace)

    def run_free(self) -> None:
        """Wait until the unit says who it is, as it does once a second.

        Raises:
            LinkError: It does not.
            RigError: It is of another build.
        """
        give_up = self._clock() + _IDENTITY_S
        while (left_s := give_up - self._clock()) > 0.0:
            frame = self._bus.receive(left_s)
            if frame is not None and not frame.is_extended and frame.id == IDENTITY_ID:
                check_identity(self.name, frame.data)
                return
        raise LinkError(
            f"{self.name}: no unit told its identity within {_IDENTITY_S:g} s",
            hint="is it on this bus? one that was stepped runs free after a minute of silence",
        )

    def pack(self, frame: NDArray[np.void]) -> list[can.Message]:
        """Return frames as python-can sends them."""
        return messages_of(frame)

    def send(self, packed: Sequence[can.Message]) -> None:
        """Send frames at once."""
        for message in packed:
            self._bus.send(message, _SEND_S)

    def hear(self, until_s: float) -> tuple[list[LineFrame], int]:
        """Return the next frame of the bus; nobody acknowledges ours."""
        frame = self._bus.receive(max(until_s - self._clock(), 0.0))
        return [] if frame is None else [frame], 0

    def losses(self) -> dict[str, int]:
        """Return nothing: a bus does not tell."""
        return {}


class CanTarget(Stepped["can.Message"]):
    """A unit on a CAN bus.

    Args:
        name: ``can:INTERFACE:CHANNEL[?OPTION=VALUE&...]``.
        answer_s: Longest wait for an answer, in seconds.

    Raises:
        UsageError: The name has another form.
        LinkError: The bus cannot be opened or vanished, or nobody answers.
        RigError: Who answers is not of this build.

    Example:
        ``with CanTarget("can:socketcan:can0") as unit: unit.start(calibration_default())``
    """

    transport = "CAN"

    def __init__(self, name: str, *, answer_s: float = 5.0) -> None:
        """Read the name; nothing is opened yet."""
        super().__init__(name)
        self._bus = Bus(name)
        self._answer_s = answer_s

    def __enter__(self) -> Self:
        """Open the bus and make sure that the unit is of this very build."""
        self._bus.__enter__()
        try:
            self._identify()
        except BaseException:
            self._bus.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Let the bus go."""
        self._bus.__exit__(kind, error, trace)

    def _pack(self, frame: NDArray[np.void]) -> list[can.Message]:
        return messages_of(frame)

    def _step(self, tick: int, given: Sequence[can.Message]) -> tuple[int, list[LineFrame]]:
        import can

        sync = can.Message(
            arbitration_id=SYNC_ID, data=tick.to_bytes(4, "little") + bytes(4), is_extended_id=False
        )
        for message in (*given, sync):
            self._bus.send(message, self._answer_s)
        sent: list[LineFrame] = []
        while (frame := self._bus.receive(self._answer_s)) is not None:
            if frame.is_extended or frame.id != STATE_DIGEST_ID:
                sent.append(frame)
            elif tick != SYNC_START or frame.data[:4] == sync.data[:4]:
                return self._digest(tick, frame.data), sent
        raise LinkError(
            f"{self.name} did not answer {tick_name(tick)} within {self._answer_s:g} s",
            hint="is the unit on this bus, and powered? do bit rates agree?",
        )


def messages_of(frame: NDArray[np.void]) -> list[can.Message]:
    """Return frames as python-can sends them."""
    import can

    return [
        can.Message(
            arbitration_id=number, data=data[:length].tobytes(),
            is_extended_id=bool(flags & FRAME_EXTENDED),
        )
        for number, length, flags, data in zip(
            frame["id"].tolist(), frame["length"].tolist(), frame["flags"].tolist(), frame["data"],
            strict=True,
        )
    ]  # fmt: skip
