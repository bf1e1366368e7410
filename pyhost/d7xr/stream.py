"""A trace of any length through the unit, in memory that does not grow with it.

What `d7xr.replay` does with a trace in memory is done here block by block, with the same ticks,
frames, events and digest: frames of a block are sieved, mapped where they are another car's, and
run in C; what came of them goes to sinks, which keep sums or write to disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from d7xr.database import Database
from d7xr.ecu import CHANGE_DTYPE, Sieve
from d7xr.errors import InconclusiveError
from d7xr.events import WATCHED
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.replay import (
    HOST_NODE,
    LONGEST_SILENCE_US,
    TICKS_PER_S,
    UNIT_NODE,
    US_PER_TICK,
    Outcome,
    Progress,
    Reception,
    heard,
    histories,
    jump,
    none_heard,
    nothing_accepted,
    receptions,
    refuse_halves,
    refuse_rate,
)
from d7xr.trace.model import refuse_channels
from d7xr.trace.stream import settled_first_channel
from d7xr.verdict import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.ecu import Ecu
    from d7xr.mapping import Mapping as SignalMapping
    from d7xr.replay import Sink
    from d7xr.trace import TraceStream
    from d7xr.trace.model import Columns

_ANY_GAP_US: Final = 1 << 62
_PROGRESS_TICKS: Final = 10 * TICKS_PER_S


@dataclass(frozen=True, slots=True)
class Portion:
    """Frames to feed, and how far the unit may run with them.

    Attributes:
        frame: ``FRAME_DTYPE``, shape ``(n,)``; may be overwritten when the next portion is made.
        tick: Tick of each, int64, shape ``(n,)``, never decreasing, at most ``until``.
        until: No frame of an earlier tick than this will follow.
    """

    frame: NDArray[np.void]
    tick: NDArray[np.int64]
    until: int


class Feeder(Protocol):
    """What the unit is fed. All but the portions is known when the last of them is out."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Signals of our bus that nothing brings."""
        ...

    @property
    def assumed(self) -> tuple[str, ...]:
        """What is taken for true, in words."""
        ...

    def __iter__(self) -> Iterator[Portion]:
        """Yield the portions, once."""
        ...

    @property
    def left_out(self) -> Mapping[str, int]:
        """Why a frame of the trace was not fed -> how many."""
        ...


class OwnBus:
    """Frames of our own bus as the trace has them.

    Args:
        stream: The trace.
        channel: Which of its channels; None takes the only one.
    """

    missing: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    def __init__(self, stream: TraceStream, channel: int | None) -> None:
        """Prepare; nothing is read yet."""
        own = Database.own()
        fates = {own.message(name).frame_id: "fed" for name in heard(own)}
        fates |= {m.frame_id: "stepping" for m in own.messages if HOST_NODE in m.senders}
        fates |= {m.frame_id: "sent_by_unit" for m in own.messages if UNIT_NODE in m.senders}
        self._rows = Channel(stream, channel, fates)

    @property
    def left_out(self) -> Mapping[str, int]:
        """Why a frame of the trace was not fed -> how many."""
        return self._rows.sieve.left_out

    def __iter__(self) -> Iterator[Portion]:
        """Yield the portions, once."""
        rows = self._rows
        for sieved in rows:
            yield Portion(sieved.frame, sieved.tick, rows.last_tick)
        if not rows.sieve.fed:
            raise none_heard(rows.source, rows.identifiers())
        yield Portion(np.zeros(0, FRAME_DTYPE), np.zeros(0, np.int64), rows.last_tick + 1)


class OtherCar:
    """Another car's frames, as a mapping makes them ours.

    Args:
        stream: The trace.
        channel: Which of its channels; None takes the mapping's, else the only one.
        mapping: How its signals become ours.
        database: The DBC of that car.

    Raises:
        ConfigError: The mapping does not fit the database.
    """

    def __init__(
        self, stream: TraceStream, channel: int | None, mapping: SignalMapping, database: Database
    ) -> None:
        """Look up all names; choose the channel."""
        from d7xr.mapping import Mapper

        self._mapping = mapping
        self._mapper = Mapper(mapping, database)
        if channel is None and mapping.channel is not None and _has_several(stream.source):
            channel = mapping.channel
        self._rows = Channel(stream, channel, None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Signals of our bus that the mapping does not bring."""
        return self._mapper.missing

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the mapping takes for true, in words."""
        return self._mapper.assumed

    @property
    def left_out(self) -> Mapping[str, int]:
        """Why a frame of the trace was not fed -> how many."""
        unused = self._mapper.unused_count
        return self._rows.sieve.left_out | ({"not_mapped": unused} if unused else {})

    def __iter__(self) -> Iterator[Portion]:
        """Yield the portions, once."""
        rows, mapper, count = self._rows, self._mapper, 0
        for sieved in rows:
            frames = mapper.take(Frames(sieved.time_us, sieved.frame))
            count += len(frames)
            yield self._portion(frames, rows.last_tick)
        frames = mapper.finish()
        if not (count + len(frames)) or not mapper.used_count:
            raise InconclusiveError(
                f"{rows.source.name}: no frame that {self._mapping.path.name} maps",
                hint="check that mapping, database and trace are of the same car",
            )
        yield self._portion(frames, rows.last_tick + 1)

    def _portion(self, frames: Frames, until: int) -> Portion:
        tick = (frames.time_us - self._rows.sieve.first_us) // US_PER_TICK
        return Portion(frames.frame, tick, until)


class Channel:
    """The classic data frames of one channel of a trace, block by block.

    Attributes:
        source: The file.
        sieve: What was left out so far, and why.
    """

    def __init__(
        self, stream: TraceStream, channel: int | None, fates: Mapping[int, str] | None
    ) -> None:
        """Look at the first block; number the channels as the whole trace does."""
        self.source: Path = stream.source
        self._stream = stream
        self._channel = channel
        blocks = iter(stream)
        first = next(blocks, None)
        self._blocks = chain([] if first is None else [first], blocks)
        number = None if channel is None else channel + settled_first_channel(stream)
        self.sieve = Sieve(fates, number, LONGEST_SILENCE_US)

    def __iter__(self) -> Iterator[Any]:
        """Yield what the sieve lets through, block by block.

        Raises:
            UsageError: Several channels and none chosen, or the chosen one is absent.
            TraceError: A silence of more than an hour.
            InconclusiveError: The trace holds no classic data frame of the channel.
        """
        sieve = self.sieve
        for block in self._blocks:
            sieved = sieve.take(block)
            if self._channel is None and len(sieve.channels) > 1:
                self._refuse_channels(self._drained())
            if sieve.gap_us:
                at_us = sieve.latest_us - sieve.first_us
                raise jump(self.source, sieve.chosen, at_us, sieve.gap_us)
            if sieve.chosen:
                yield sieved
        if self._channel is not None:
            self._refuse_channels(sieve.channels)
        if not sieve.chosen:
            raise InconclusiveError(
                f"{self.source.name}: no classic data frame to replay",
                hint=f"see what is in it with `d7xr info {self.source}`",
            )

    @property
    def last_tick(self) -> int:
        """Tick of the latest classic data frame of the channel so far."""
        return (self.sieve.latest_us - self.sieve.first_us) // US_PER_TICK

    def identifiers(self) -> int:
        """Count the identifiers in the channel; reads the file again."""
        from d7xr.trace import stream_trace

        sieve = Sieve(None, None, _ANY_GAP_US)
        stream = stream_trace(self.source)
        seen: set[int] = set()
        for block in stream:
            rows = _of_channel(block, self._channel, stream.first_channel)
            seen.update(np.unique(sieve.take(rows).frame["id"]).tolist())
        return len(seen)

    def _drained(self) -> tuple[int, ...]:
        """Return all channels of the trace."""
        for block in self._blocks:
            self.sieve.take(block)
        return self.sieve.channels

    def _refuse_channels(self, present: tuple[int, ...]) -> None:
        """Refuse to guess which channel is meant, or a channel that is not there."""
        first, names = self._stream.first_channel, self._stream.channel_names
        refuse_channels(self.source, self._channel, [n - first for n in present], names)


def _has_several(path: Path) -> bool:
    """Say whether a trace has several channels; reads it."""
    from d7xr.trace import stream_trace

    sieve = Sieve(None, None, _ANY_GAP_US)
    for block in stream_trace(path):
        sieve.take(block)
        if len(sieve.channels) > 1:
            return True
    return False


def _of_channel(block: Columns, channel: int | None, first: int) -> Columns:
    return block if channel is None else block.take(block.channel == channel + first)


def feeder_of(
    stream: TraceStream,
    channel: int | None,
    mapping: SignalMapping | None,
    database: Database | None,
) -> OwnBus | OtherCar:
    """Choose what of a trace the unit is fed; see `d7xr.replay.feed_of`.

    Raises:
        UsageError: A database without a mapping or the reverse.
        ConfigError: A mapping that does not fit the database.
    """
    refuse_halves(mapping, database)
    if mapping is None or database is None:
        return OwnBus(stream, channel)
    return OtherCar(stream, channel, mapping, database)


def run(
    feeder: Feeder,
    ecu: Ecu,
    *,
    record: Sequence[str] = (),
    rate_hz: int = 100,
    sinks: Sequence[Sink] = (),
    on_progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Run a fresh unit through what it is fed.

    The outcome is that of `d7xr.replay.run`, without the columns: they go to the sinks.

    Args:
        feeder: What to feed.
        ecu: A unit at tick 0.
        record: States to record, by C path.
        rate_hz: How often, one of ``RATES_HZ``.
        sinks: Who takes what the unit did, stretch by stretch.
        on_progress: Called about every ten seconds of virtual time.

    Raises:
        UsageError: As for `d7xr.replay.run`, or several channels and none chosen.
        InconclusiveError: There is nothing that the unit can hear, or it refused every frame.
    """
    refuse_rate(rate_hz)
    batch = ecu.batch(record=record, every_ticks=TICKS_PER_S // rate_hz, watch=WATCHED)
    tally = Tally()
    changes: list[NDArray[np.void]] = []
    frames = rows = 0
    shown = _PROGRESS_TICKS
    is_complete = True
    try:
        for portion in feeder:
            for stretch in batch.run(portion.frame, portion.tick, portion.until):
                if len(stretch.changes):
                    changes.append(stretch.changes.copy())
                rows += len(stretch.tick)
                tally.take(stretch.sent_tick, stretch.sent)
                for sink in sinks:
                    sink.take(stretch)
            batch.deliver()
            frames += len(portion.frame)
            if on_progress is not None and batch.tick >= shown:
                shown = batch.tick + _PROGRESS_TICKS
                ecu.follow(batch)
                flights = int(ecu["flight_mode.flight_count"])
                on_progress(Progress(batch.tick, 0, frames, flights))
    except KeyboardInterrupt:
        if not batch.tick:
            raise
        is_complete = False
    ecu.follow(batch)
    received: tuple[Reception, ...] = tuple(receptions(ecu))
    if is_complete and not any(reception.accepted for reception in received):
        raise nothing_accepted(frames)
    floats = sum(field.ctype == "float" for field in batch.record)
    return Outcome(
        ticks=batch.tick,
        frames=frames,
        digest=batch.run_digest,
        sample_tick=np.zeros(0, dtype=np.int64),
        states={},
        history=histories(np.concatenate([np.zeros(0, CHANGE_DTYPE), *changes]), ecu),
        sent_tick=np.zeros(0, dtype=np.int64),
        sent=np.zeros(0, dtype=FRAME_DTYPE),
        received=received,
        is_complete=is_complete,
        evidence=tally.evidence(floats * rows, batch.not_finite),
    )
