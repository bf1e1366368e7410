"""A recorded trace through the unit, in virtual time.

Tick 0 is the first frame of the trace, of the chosen channel; a frame belongs to the tick of its
millisecond and is received before that tick runs. A silence in the trace is time that passes: the
unit ticks through it, and what it has not heard becomes stale. There is no clock here: the same
frames give the same ticks, frames and digest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from d7xr.database import Database
from d7xr.ecu import joined
from d7xr.errors import InconclusiveError, TraceError, UsageError
from d7xr.events import WATCHED, History
from d7xr.frames import FRAME_EXTENDED, Frames
from d7xr.recording.decoded import source_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.ecu import Ecu, Stretch
    from d7xr.mapping import Mapping as SignalMapping
    from d7xr.recording import Group
    from d7xr.trace import Trace
    from d7xr.verdict import Evidence

US_PER_TICK: Final = 1000
TICKS_PER_S: Final = 1000
RATES_HZ: Final = (1, 2, 4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500, 1000)
"""Rates at which states can be recorded: those with a whole number of ticks in between."""

UNIT_NODE: Final = "VCU"
HOST_NODE: Final = "HOST"
LONGEST_SILENCE_US: Final = 3600 * 1_000_000
"""A longer silence is a clock that was set or a file that was joined, never a pause in a drive."""

_CHUNK_TICKS: Final = 10 * TICKS_PER_S


@dataclass(frozen=True, slots=True)
class Feed:
    """What the unit is fed.

    Attributes:
        frames: Frames of our bus, in the time of the trace.
        first_us: Time of tick 0 in the trace.
        ticks: From the first frame of the trace to its last, both included.
        left_out: Why a frame of the trace was not fed -> how many.
        source: Foreign signals as decoded, where the trace was mapped; time from tick 0.
        missing: Signals of our bus that the mapping does not bring.
        assumed: Signals of our bus to which the mapping gives a constant.
        start_utc_us: Microseconds since 1970 at tick 0; None where the trace does not say.
    """

    frames: Frames
    first_us: int
    ticks: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    source: tuple[Group, ...] = ()
    missing: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    start_utc_us: int | None = None


class Sink(Protocol):
    """Whoever takes what the unit did."""

    def take(self, stretch: Stretch) -> None:
        """Take a stretch; its arrays are overwritten afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is; ``ticks`` is 0 where nobody knows yet how many there will be."""

    ticks_done: int
    ticks: int
    frames_done: int
    flights: int


@dataclass(frozen=True, slots=True)
class Reception:
    """How the unit liked one message: refused are wrong length or CRC and repeated counters."""

    message: str
    accepted: int
    refused: int
    lost: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the unit did.

    Attributes:
        ticks: Ticks that ran.
        frames: Frames fed.
        digest: Of the run: every frame sent, and the state at every 100th tick.
        sample_tick: Ticks at which states were recorded, int64, shape ``(m,)``.
        states: State by C path, each of shape ``(m,)``.
        history: Each watched state by C path, with every change of it.
        sent_tick: Ticks of the frames that the unit sent, int64, shape ``(k,)``.
        sent: These frames, shape ``(k,)``.
        received: How the unit liked each message that it knows.
        is_complete: False where the run was interrupted.
        evidence: What the laws are judged on, where the columns are not in memory.
    """

    ticks: int
    frames: int
    digest: int
    sample_tick: NDArray[np.int64]
    states: Mapping[str, NDArray[Any]]
    history: Mapping[str, History]
    sent_tick: NDArray[np.int64]
    sent: NDArray[np.void]
    received: tuple[Reception, ...] = ()
    is_complete: bool = True
    evidence: Evidence | None = None

    @property
    def frames_sent(self) -> int:
        """Frames that the unit sent."""
        return len(self.sent) if self.evidence is None else self.evidence.frames


def feed_of(
    trace: Trace, *, channel: int | None = None, mapping: SignalMapping | None = None,
    database: Database | None = None,
) -> Feed:  # fmt: skip
    """Choose what of a trace the unit is fed.

    Without a mapping, frames of our bus are fed as they are. What the unit itself had sent stays
    out, and so do the frames of stepping; both are counted. With a mapping, another car's signals
    are decoded, scaled and encoded as frames of our bus.

    Args:
        trace: The recording.
        channel: Which of its channels; None takes the mapping's, else the only one.
        mapping: How another car's signals become ours.
        database: The DBC of that car.

    Raises:
        UsageError: Several channels and none chosen; a database without a mapping or the reverse.
        ConfigError: A mapping that does not fit the database.
        TraceError: A silence of more than an hour.
        InconclusiveError: The trace holds nothing that the unit can hear.
    """
    refuse_halves(mapping, database)
    if mapping is not None and channel is None and len(trace.channels) > 1:
        channel = mapping.channel
    frames = trace.frames(channel)
    if len(frames) == 0:
        raise InconclusiveError(
            f"{trace.source.name}: no classic data frame to replay",
            hint=f"see what is in it with `d7xr info {trace.source}`",
        )
    _refuse_jump(trace, frames)
    first_us = int(frames.time_us[0])
    start_utc_us = trace.start_utc_us
    if start_utc_us is not None:
        start_utc_us += first_us - int(trace.time_us[0])
    left_out = {problem.kind: problem.count for problem in trace.left_out(channel)}
    bare = Feed(
        frames=frames,
        first_us=first_us,
        ticks=(int(frames.time_us[-1]) - first_us) // US_PER_TICK + 1,
        left_out=left_out,
        start_utc_us=start_utc_us,
    )
    if mapping is None or database is None:
        return _own_feed(bare, trace)
    return _mapped_feed(bare, trace, mapping, database)


def run(
    feed: Feed,
    ecu: Ecu,
    *,
    record: Sequence[str] = (),
    rate_hz: int = 100,
    sinks: Sequence[Sink] = (),
    on_progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Run a fresh unit through what it is fed.

    An interrupt ends the run early and keeps what it has; the outcome says so. Before the first ten
    seconds there is nothing to keep, and the interrupt passes on.

    Args:
        feed: What to feed.
        ecu: A unit at tick 0.
        record: States to record, by C path.
        rate_hz: How often, one of ``RATES_HZ``.
        sinks: Who else takes what the unit did, stretch by stretch.
        on_progress: Called every ten seconds of virtual time.

    Raises:
        UsageError: A rate between whose samples lies no whole number of ticks.
        InconclusiveError: The unit refused every single frame.
    """
    refuse_rate(rate_hz)
    tick = (feed.frames.time_us - feed.first_us) // US_PER_TICK
    batch = ecu.batch(record=record, every_ticks=TICKS_PER_S // rate_hz, watch=WATCHED)
    kept: list[Stretch] = []
    ticks_done, digest = 0, batch.run_digest
    is_complete = True
    try:
        for first in range(0, feed.ticks, _CHUNK_TICKS):
            last = min(first + _CHUNK_TICKS, feed.ticks)
            begin, end = np.searchsorted(tick, (first, last)).tolist()
            for stretch in batch.run(feed.frames.frame[begin:end], tick[begin:end], last):
                for sink in sinks:
                    sink.take(stretch)
                kept.append(stretch.kept())
                ticks_done, digest = stretch.first + stretch.ticks, batch.run_digest
            ecu.follow(batch)
            if on_progress is not None:
                flights = int(ecu["flight_mode.flight_count"])
                on_progress(Progress(last, feed.ticks, end, flights))
    except KeyboardInterrupt:
        if not kept:
            raise
        is_complete = False
    whole = joined(batch, kept)
    frames_done = int(np.searchsorted(tick, ticks_done))
    received = tuple(receptions(ecu))
    if is_complete and not any(reception.accepted for reception in received):
        raise nothing_accepted(frames_done)
    return Outcome(
        ticks=ticks_done,
        frames=frames_done,
        digest=digest,
        sample_tick=whole.tick,
        states=whole.columns,
        history=histories(whole.changes, ecu),
        sent_tick=whole.sent_tick,
        sent=whole.sent,
        received=received,
        is_complete=is_complete,
    )


def heard(database: Database) -> tuple[str, ...]:
    """Return the messages that the unit receives from the car, in the order of the file."""
    return tuple(
        message.name
        for message in database.messages
        if UNIT_NODE in message.receivers and HOST_NODE not in message.senders
    )


def refuse_halves(mapping: SignalMapping | None, database: Database | None) -> None:
    """Refuse a mapping without its database, and the reverse."""
    if mapping is None and database is not None:
        raise UsageError("a database alone maps nothing", hint="name a mapping with --map")
    if mapping is not None and database is None:
        fits = f", {mapping.dbc} fits" if mapping.dbc else ""
        raise UsageError(
            f"the mapping {mapping.path.name} needs the car's database",
            hint=f"name it with --dbc{fits}",
        )


def refuse_rate(rate_hz: int) -> None:
    """Refuse a rate between whose samples lies no whole number of ticks."""
    if rate_hz not in RATES_HZ:
        rates = ", ".join(map(str, RATES_HZ))
        raise UsageError(f"cannot record at {rate_hz} Hz", hint=f"choose from {rates}")


def nothing_accepted(frames: int) -> InconclusiveError:
    """Return the error of a run in which the unit refused every frame."""
    return InconclusiveError(
        f"the unit refused every one of {frames} frames: length, counter or checksum",
        hint="identifiers alone do not make it our bus; another car needs --map",
    )


def none_heard(source: Path, identifiers: int) -> InconclusiveError:
    """Return the error of a trace without a frame of our bus."""
    from d7xr.mapping import list_mappings

    return InconclusiveError(
        f"{source.name}: none of its {identifiers} identifiers is one that the unit receives",
        hint=f"map that car's signals with --map; shipped: {', '.join(list_mappings())}",
    )


def jump(source: Path, frame: int, at_us: int, gap_us: int) -> TraceError:
    """Return the error of a jump of the recorder's clock behind a frame, counted from 1."""
    return TraceError(
        f"{source.name}: a silence of {gap_us / 3.6e9:,.1f} h behind frame {frame}, "
        f"{at_us / 1e6:.3f} s after the first: the clock was set or files were joined",
        hint="cut the trace there and replay the parts",
    )


def _refuse_jump(trace: Trace, frames: Frames) -> None:
    """Refuse to tick through a jump of the recorder's clock."""
    gap_us = np.diff(frames.time_us)
    long = np.flatnonzero(gap_us > LONGEST_SILENCE_US)
    if long.size:
        last = int(long[0])
        at_us = int(frames.time_us[last]) - int(frames.time_us[0])
        raise jump(trace.source, last + 1, at_us, int(gap_us[last]))


def _own_feed(bare: Feed, trace: Trace) -> Feed:
    """Keep the frames that the unit hears, and count those it does not, by reason."""
    own = Database.own()
    frame = bare.frames.frame
    is_base = (frame["flags"] & FRAME_EXTENDED) == 0

    def sent_as(names: Iterable[str]) -> NDArray[np.bool_]:
        wanted = [own.message(name).frame_id for name in names]
        return np.asarray(is_base & np.isin(frame["id"], wanted), dtype=np.bool_)

    is_heard = sent_as(heard(own))
    is_own = sent_as(m.name for m in own.messages if UNIT_NODE in m.senders)
    is_stepping = sent_as(m.name for m in own.messages if HOST_NODE in m.senders)
    if not is_heard.any():
        raise none_heard(trace.source, len(np.unique(frame["id"])))
    masks = {
        "sent_by_unit": is_own,
        "stepping": is_stepping,
        "unknown_id": ~(is_heard | is_own | is_stepping),
    }
    counts = {reason: int(mask.sum()) for reason, mask in masks.items() if mask.any()}
    return replace(
        bare,
        frames=Frames(bare.frames.time_us[is_heard], frame[is_heard]),
        left_out={**bare.left_out, **counts},
    )


def _mapped_feed(bare: Feed, trace: Trace, mapping: SignalMapping, database: Database) -> Feed:
    """Turn another car's frames into ours, and keep its signals as decoded."""
    from d7xr.mapping import apply

    mapped = apply(mapping, bare.frames, database)
    if len(mapped.frames) == 0 or mapped.used_count == 0:
        raise InconclusiveError(
            f"{trace.source.name}: no frame that {mapping.path.name} maps",
            hint="check that mapping, database and trace are of the same car",
        )
    left_out = dict(bare.left_out)
    if mapped.unused_count:
        left_out["not_mapped"] = mapped.unused_count
    return replace(
        bare,
        frames=mapped.frames,
        left_out=left_out,
        source=tuple(source_groups(database, mapped.source, bare.first_us)),
        missing=mapped.missing,
        assumed=mapped.assumed,
    )


def receptions(ecu: Ecu) -> Iterator[Reception]:
    """Yield what the unit counted, in the order of its table, which is that of the bus file."""
    for number, name in enumerate(heard(Database.own())):
        yield Reception(
            message=name,
            accepted=int(ecu[f"bus.accepted_count[{number}]"]),
            refused=int(ecu[f"bus.rejected_count[{number}]"]),
            lost=int(ecu[f"bus.lost_count[{number}]"]),
        )


def histories(changes: NDArray[np.void], ecu: Ecu) -> dict[str, History]:
    """Sort the changes of a run by state; what a stretch repeats of its predecessor is dropped."""
    is_float = {f.name: f.ctype == "float" for f in ecu.fields()}
    history: dict[str, History] = {}
    for number, name in enumerate(WATCHED):
        mine = changes[changes["field"] == number]
        tick, raw = mine["tick"].astype(np.int64), np.ascontiguousarray(mine["value"])
        is_new = np.diff(raw.astype(np.int64), prepend=-1) != 0
        value = raw[is_new].view(np.float32) if is_float[name] else raw[is_new]
        history[name] = History(tick[is_new], value)
    return history
