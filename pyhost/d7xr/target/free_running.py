"""The unit on its own timer, fed a trace in real time: what is lost, how late, how fast.

The host keeps an absolute schedule: every frame is due at its own time after one start, so that
being late once makes nothing after it late. How late it was is told, never hidden: a host is no
real-time machine, and what a figure says of the unit includes what it says of the host.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from d7xr.database import Database
from d7xr.errors import InconclusiveError, LinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from d7xr.frames import Frames
    from d7xr.target.slcan import LineFrame

SENDER: Final = "VCU"
PERIODIC: Final = "TorqueCommand"
"""The most frequent message of the unit: its period shows how steady its timer and the link are."""

PERCENTILES: Final = (50.0, 95.0, 99.0, 99.9, 100.0)
BINS_MS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
SCHEMA_VERSION: Final = 1

_COUNTER_BYTE: Final = 6
_COUNTER_MODULUS: Final = 16
_LEAD_S: Final = 0.01
_BURST: Final = 100
"""So many frames leave at once: a host that was held up hears the unit while it makes up for it."""

_SILENT_S: Final = 1.0
"""A unit sends two hundred frames a second: one that says nothing for so long is gone."""

_US: Final = 1e-6


class FreeLink(Protocol):
    """A connection to a unit that runs on its own timer."""

    name: str

    def run_free(self) -> None:
        """Let the unit run on its own timer, and make sure who it is."""
        ...

    def pack(self, frame: NDArray[np.void]) -> Sequence[Any]:
        """Return frames as the link carries them."""
        ...

    def send(self, packed: Sequence[Any]) -> None:
        """Send frames at once."""
        ...

    def hear(self, until_s: float) -> tuple[Sequence[LineFrame], int]:
        """Return what comes next: frames of the unit, and how many of ours it acknowledged.

        Args:
            until_s: When to give up, by the clock of the run; nothing came by then.
        """
        ...

    def losses(self) -> Mapping[str, int]:
        """Return what the unit says was lost on the link since it runs free; empty: unknown."""
        ...


@dataclass(frozen=True, slots=True)
class FreeRun:
    """What came of a run in real time.

    Attributes:
        name: Name of the target.
        seconds: How long it was.
        fed: Frames that were sent to the unit.
        heard: Frames that the unit sent, by message.
        lost: Frames that an alive counter of the unit misses, by message; sixteen in a row pass
            unseen.
        losses: What the unit says was lost on the link; empty where it cannot say.
        lateness_ms: How late each frame left, behind its schedule, shape ``(fed,)``.
        answer_ms: From the last frame sent to the next frame of the unit; it includes the time
            until that was due.
        acknowledged_ms: From a frame sent to its acknowledgement; empty where the link has none.
        period_ms: Between two frames of TorqueCommand, which is sent each 5 ms.
    """

    name: str
    seconds: float
    fed: int
    heard: Mapping[str, int]
    lost: Mapping[str, int]
    losses: Mapping[str, int]
    lateness_ms: NDArray[np.float64]
    answer_ms: NDArray[np.float64]
    acknowledged_ms: NDArray[np.float64]
    period_ms: NDArray[np.float64]

    @property
    def is_whole(self) -> bool:
        """Whether no frame was lost in either direction, as far as the link can tell."""
        return not any(self.lost.values()) and not any(self.losses.values())

    @property
    def times(self) -> dict[str, NDArray[np.float64]]:
        """Return each kind of time by its name, in milliseconds."""
        return {
            "lateness": self.lateness_ms, "answer": self.answer_ms,
            "acknowledged": self.acknowledged_ms, "period": self.period_ms,
        }  # fmt: skip

    def histogram(self) -> dict[str, int]:
        """Return how many frames left how late: names of bins in milliseconds, and counts."""
        edges = [-np.inf, *BINS_MS, np.inf]
        counts = np.histogram(self.lateness_ms, bins=edges)[0].tolist()
        names = [*(f"< {edge:g}" for edge in BINS_MS), f">= {BINS_MS[-1]:g}"]
        return dict(zip(names, counts, strict=True))

    def as_document(self) -> dict[str, object]:
        """Return the result as one JSON object; units are in the keys."""
        return {
            "schema": "d7xr.free_running",
            "version": SCHEMA_VERSION,
            "target": self.name,
            "duration_s": self.seconds,
            "frames_fed": self.fed,
            "frames_heard": dict(self.heard),
            "frames_lost": dict(self.lost),
            "link_losses": dict(self.losses),
            "is_whole": self.is_whole,
            "lateness_histogram_ms": self.histogram(),
            **{f"{name}_ms": percentiles(column) for name, column in self.times.items()},
        }


def percentiles(column: NDArray[np.float64]) -> dict[str, float]:
    """Return the percentiles of some times; empty where there is none."""
    if not column.size:
        return {}
    values = np.percentile(column, PERCENTILES).tolist()
    names = ("max" if p == PERCENTILES[-1] else f"p{p:g}" for p in PERCENTILES)
    return dict(zip(names, (round(value, 4) for value in values), strict=True))


def run_free(
    link: FreeLink,
    frames: Frames,
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> FreeRun:
    """Feed a trace to a unit at the times of its frames, again and again until time is over.

    Args:
        link: An open link.
        frames: What to feed; the first is due at once.
        seconds: How long.
        clock: Seconds, monotonic; the one by which the link waits.

    Raises:
        InconclusiveError: There is no frame to feed, or no time.
        LinkError: The unit is silent for a second, or the link broke.
    """
    if not len(frames.frame) or seconds <= 0.0:
        raise InconclusiveError("nothing was run: there is no frame or no time")
    due_s = (frames.time_us - frames.time_us[0]) * _US
    lap_s = float(due_s[-1]) + 1000 * _US
    packed = link.pack(frames.frame)
    link.run_free()
    ears = _Ears(link.name)
    lateness_s: list[NDArray[np.float64]] = []
    start_s = clock() + _LEAD_S
    first, lap_begin_s = 0, 0.0
    while (now_s := clock() - start_s) < seconds:
        last = int(np.searchsorted(due_s, now_s - lap_begin_s, side="right"))
        last = min(last, first + _BURST)
        if last > first:
            link.send(packed[first:last])
            lateness_s.append(now_s - lap_begin_s - due_s[first:last])
            ears.sent(last - first, clock() - start_s)
            first = last
        if first == len(due_s):
            first, lap_begin_s = 0, lap_begin_s + lap_s
        until_s = min(lap_begin_s + float(due_s[first]), seconds)
        heard, acknowledged = link.hear(start_s + until_s)
        ears.take(heard, acknowledged, clock() - start_s)
    lateness_ms = np.concatenate([np.zeros(0), *lateness_s]) * 1000.0
    return ears.result(seconds, lateness_ms, link.losses())


@dataclass(slots=True)
class _Ears:
    """What was heard so far; all times in seconds since the start."""

    name: str
    fed: int = 0
    last_heard_s: float = 0.0
    last_sent_s: float | None = None
    unacknowledged_s: deque[float] = field(default_factory=deque)
    heard: Counter[int] = field(default_factory=Counter)
    counters: dict[int, list[int]] = field(default_factory=dict)
    periodic_s: list[float] = field(default_factory=list)
    answer_s: list[float] = field(default_factory=list)
    acknowledged_s: list[float] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for message in Database.own().messages:
            if SENDER in message.senders:
                self.names[message.frame_id] = message.name
                if message.is_protected:
                    self.counters[message.frame_id] = []

    def sent(self, count: int, now_s: float) -> None:
        self.fed += count
        self.last_sent_s = now_s
        self.unacknowledged_s.extend([now_s] * count)

    def take(self, frames: Sequence[LineFrame], acknowledged: int, now_s: float) -> None:
        for _ in range(min(acknowledged, len(self.unacknowledged_s))):
            self.acknowledged_s.append(now_s - self.unacknowledged_s.popleft())
        for frame in frames:
            self._take_frame(frame, now_s)
        if now_s - self.last_heard_s > _SILENT_S:
            raise LinkError(
                f"{self.name} was silent for {now_s - self.last_heard_s:.1f} s, "
                f"{now_s:.1f} s after the start",
                hint="is it held in reset, or by a debugger? does somebody else step it?",
            )

    def _take_frame(self, frame: LineFrame, now_s: float) -> None:
        if frame.is_extended or frame.id not in self.names:
            return
        self.last_heard_s = now_s
        self.heard[frame.id] += 1
        if frame.id in self.counters:
            self.counters[frame.id].append(frame.data[_COUNTER_BYTE] >> 4)
        if self.names[frame.id] == PERIODIC:
            self.periodic_s.append(now_s)
        if self.last_sent_s is not None:
            self.answer_s.append(now_s - self.last_sent_s)
            self.last_sent_s = None

    def result(
        self, seconds: float, lateness_ms: NDArray[np.float64], losses: Mapping[str, int]
    ) -> FreeRun:
        lost = {
            self.names[number]: int(((np.diff(values) - 1) % _COUNTER_MODULUS).sum())
            for number, values in self.counters.items()
            if values
        }
        if not lost:
            raise InconclusiveError(f"{self.name} sent no frame that carries a counter")
        return FreeRun(
            name=self.name, seconds=seconds, fed=self.fed,
            heard={self.names[number]: count for number, count in sorted(self.heard.items())},
            lost=lost, losses=losses, lateness_ms=lateness_ms,
            answer_ms=np.array(self.answer_s) * 1000.0,
            acknowledged_ms=np.array(self.acknowledged_s) * 1000.0,
            period_ms=np.diff(self.periodic_s) * 1000.0,
        )  # fmt: skip
