"""The unit on a machine of its own, stepped by Sync and StateDigest frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from d7xr.ecu import Ecu, core_identity
from d7xr.errors import LinkError, RigError
from d7xr.frames import FRAME_DTYPE
from d7xr.target.base import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from d7xr.target.slcan import LineFrame

SYNC_ID: Final = 0x7F0
STATE_DIGEST_ID: Final = 0x7F1
IDENTITY_ID: Final = 0x198
SYNC_START: Final = 0xFFFFFFFF
"""The tick before tick 0: the unit begins anew."""

_IDENTITY_TICKS: Final = 1100
"""The unit tells its identity once a second."""


class Stepped[Packed](ABC):
    """What all transports have in common: who answers, from where it starts, and tick after tick.

    Args:
        name: What the target is called.

    Attributes:
        name: As given.
    """

    tells_state = False
    transport: ClassVar[str]
    """How it speaks, for messages."""

    def __init__(self, name: str) -> None:
        """Nothing is opened yet."""
        self.name = name
        self._calibration_id = ""
        self._tick = 0

    def start(self, calibration: bytes) -> None:
        """Start the unit anew.

        Raises:
            RigError: The unit has another calibration in use, and it is not ours to change it.
        """
        wanted = core_identity(calibration)["calibration_id"]
        if wanted[-len(self._calibration_id) :] != self._calibration_id:
            self._load(calibration, wanted)
        digest, _ = self._step(SYNC_START, ())
        if digest != Ecu(calibration).digest:
            raise RigError(
                f"{self.name} begins with state {digest:08x}, this host with "
                f"{Ecu(calibration).digest:08x}",
                hint="build both from one tree: make setup firmware, then flash",
            )
        self._tick = 0

    def run(self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int) -> Answer:
        """Run a stretch of ticks."""
        packed = self._pack(frame)
        begin = np.searchsorted(frame_tick, np.arange(ticks + 1)).tolist()
        digest = np.zeros(ticks, dtype=np.uint32)
        sent_tick: list[int] = []
        sent: list[LineFrame] = []
        for tick in range(ticks):
            digest[tick], told = self._step(self._tick, packed[begin[tick] : begin[tick + 1]])
            self._tick += 1
            sent_tick += [tick] * len(told)
            sent += told
        return Answer(digest, np.array(sent_tick, dtype=np.int64), frames_of(sent))

    def snapshot(self) -> bytes:
        """Refuse: the state does not leave a board over this link.

        Raises:
            RigError: Always.
        """
        raise RigError(
            f"{self.name}: the state of a board cannot be read over {self.transport}",
            hint="compare its digests, or take the snapshot with --target emulated",
        )

    def _load(self, calibration: bytes, wanted: str) -> None:
        """Give the unit another set; refuse where its memory is not ours.

        Raises:
            RigError: Always, unless a machine that we started ourselves overrides it.
        """
        raise RigError(
            f"{self.name} runs calibration {self._calibration_id}, asked for {wanted}",
            hint=f"a board keeps its own set: d7xr calibration load SET --target {self.name}",
        )

    @abstractmethod
    def _pack(self, frame: NDArray[np.void]) -> Sequence[Packed]:
        """Return frames as the transport carries them."""

    @abstractmethod
    def _step(self, tick: int, given: Sequence[Packed]) -> tuple[int, list[LineFrame]]:
        """Send the frames of a tick and Sync; return the digest and the frames of the unit."""

    def _identify(self) -> None:
        """Step the unit until it says who it is, and start it anew.

        Raises:
            RigError: It does not, or it is of another build.
        """
        try:
            self._step(SYNC_START, ())
        except LinkError as error:
            raise RigError(
                f"{self.name} speaks {self.transport} but does not answer Sync: {error.message}",
                hint="its firmware is older than this host, or not d7xr: flash it again",
            ) from error
        for tick in range(_IDENTITY_TICKS):
            _, told = self._step(tick, ())
            for frame in told:
                if frame.id == IDENTITY_ID:
                    self._calibration_id = check_identity(self.name, frame.data)
                    self._step(SYNC_START, ())
                    return
        raise RigError(
            f"{self.name} ticks but did not tell its identity within {_IDENTITY_TICKS} ticks",
            hint="its firmware is older than this host: build and flash it again",
        )

    def _digest(self, tick: int, data: bytes) -> int:
        ran = int.from_bytes(data[:4], "little")
        if ran != tick:
            raise RigError(
                f"{self.name} was asked for {tick_name(tick)} and is at {tick_name(ran)}: it was "
                "restarted, or somebody else steps it",
                hint="look at its report for a crash or a watchdog, and run again",
            )
        return int.from_bytes(data[4:], "little")


def check_identity(name: str, data: bytes) -> str:
    """Return the calibration that a unit has in use, by its Identity frame.

    Raises:
        RigError: The unit is of another build than this host.
    """
    build, calibration, layout = (
        f"{int.from_bytes(part, 'little'):0{2 * len(part)}x}"
        for part in (data[0:3], data[3:6], data[6:8])
    )
    ours = core_identity()
    if (build, layout) != (ours["build_id"][-6:], ours["layout_hash"][-4:]):
        raise RigError(
            f"{name} is build {build}, layout {layout}; this host is build "
            f"{ours['build_id'][-6:]}, layout {ours['layout_hash'][-4:]}",
            hint="build both from one tree: make setup firmware, then flash",
        )
    return calibration


def tick_name(tick: int) -> str:
    """Return a tick as messages name it."""
    return "its start" if tick == SYNC_START else f"tick {tick}"


def frames_of(sent: Sequence[LineFrame]) -> NDArray[np.void]:
    """Return frames as ``FRAME_DTYPE``, shape ``(n,)``."""
    found = np.zeros(len(sent), dtype=FRAME_DTYPE)
    for row, frame in zip(found, sent, strict=True):
        row["id"] = frame.id
        row["length"] = len(frame.data)
        row["flags"] = int(frame.is_extended)
        row["data"][: len(frame.data)] = np.frombuffer(frame.data, dtype=np.uint8)
    return found
