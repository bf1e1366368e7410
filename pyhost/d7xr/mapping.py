"""Another car's frames become frames of our bus, as a mapping says.

The rules, none of which invents data:

- One of our messages is sent in each millisecond in which a frame that feeds it arrived, counted
  from the first frame of the trace, and at most once in a millisecond. Each of its signals then
  carries the last value that arrived, as long as that is not older than ``max_hold_ms`` (one cycle
  of our message if nothing is said). An older value, or one that its source calls invalid, is
  NotAvailable.
- A source that is slower than the unit supervises is stale for the unit: that is the truth.
  ``resend_ms`` repeats a message between two arrivals, within the same ``max_hold_ms``; a
  repetition in which nothing is left is not sent.
- A constant rides along in the frames of its message. A message of constants alone is sent at its
  own cycle time.
- What nothing feeds stays NotAvailable, and is named.
"""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from d7xr.database import Column, Database, Message, RawColumn
from d7xr.frames import FRAME_DTYPE, FRAME_EXTENDED, Frames
from d7xr.mapping_check import (
    Feed,
    check_messages,
    choices_of,
    full_name,
    inputs,
    resolve_constant,
    resolve_feed,
)
from d7xr.mapping_file import (
    Mapping,
    MessageRule,
    SignalRule,
    find_mapping,
    list_mappings,
    load_mapping,
)

__all__ = [
    "MappedFrames",
    "Mapper",
    "Mapping",
    "SignalCount",
    "apply",
    "find_mapping",
    "list_mappings",
    "load_mapping",
]

_US_PER_MS = 1000


@dataclass(frozen=True, slots=True)
class SignalCount:
    """What became of the values that fed one of our signals.

    Attributes:
        source: ``<Message>.<Signal>`` of the other car.
        samples: Frames in which the source should be.
        valid: Values that were used.
        absent: Frames too short for the signal, or a float that is no number.
        not_available: Values that are a code in ``not_available_raw``.
        unqualified: Values that ``valid_when`` refused.
        out_of_range: Values outside ``valid_min`` to ``valid_max``.
        unnamed: Codes or values for which ``values`` or ``steps`` has no name.
        saturated: Frames of ours in which the value had to be limited to our range.
    """

    source: str
    samples: int
    valid: int
    absent: int
    not_available: int
    unqualified: int
    out_of_range: int
    unnamed: int
    saturated: int


@dataclass(frozen=True, slots=True)
class MappedFrames:
    """A trace as our bus would have carried it.

    Attributes:
        frames: Frames of our bus, at times of the source trace. Tick 0 is the first frame of that
            trace, not the first of these.
        origin_us: Time of the first frame of the source trace; 0 for an empty one.
        source: The other car's signals that are used, decoded as cantools does, by
            ``<Message>.<Signal>``.
        missing: Our input signals that never had a value, by ``<Message>.<Signal>``.
        silent: Those of them that the mapping feeds, but whose source never brought a usable value.
        assumed: What the mapping takes for true, in words.
        counts: What became of the source values, by our signal.
        used_count: Frames of the trace that feed something.
        unused_count: Frames of the trace that feed nothing.
    """

    frames: Frames
    origin_us: int
    source: AbstractMapping[str, Column]
    missing: tuple[str, ...]
    silent: tuple[str, ...]
    assumed: tuple[str, ...]
    counts: AbstractMapping[str, SignalCount]
    used_count: int
    unused_count: int

    @property
    def used(self) -> tuple[str, ...]:
        """Signals of the other car that are used, by ``<Message>.<Signal>``."""
        return tuple(self.source)


@dataclass(frozen=True, slots=True)
class _Samples:
    """What feeds one of our signals, frame by frame.

    Attributes:
        column: Source signal as cantools decodes it.
        time_ms: Millisecond of arrival, from the first frame of the trace.
        values: Values in our unit, NaN where unusable.
        refused: Why values were not used, counted.
    """

    column: Column
    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    refused: dict[str, int]


def apply(
    mapping: Mapping, frames: Frames, source_db: Database, own_db: Database | None = None
) -> MappedFrames:
    """Make frames of our bus out of another car's.

    Args:
        mapping: What becomes what.
        frames: The other car's frames, times never decreasing.
        source_db: Its database.
        own_db: Our bus, if it has been read already.

    Raises:
        ConfigError: The mapping names a message, signal, unit, code or choice that is not there;
            the message says where in the mapping file, and the nearest name.
    """
    mapper = Mapper(mapping, source_db, own_db, keeps_source=True)
    parts = [mapper.take(frames), mapper.finish()]
    return mapper.result(joined(parts))


class Mapper:
    """Makes frames of our bus out of another car's, block by block.

    What comes out does not depend on where the blocks end: a millisecond is sent when it is over.

    Args:
        mapping: What becomes what.
        source_db: The other car's database.
        own_db: Our bus, if it has been read already.
        keeps_source: Keep the other car's signals as decoded: memory then grows with the trace.

    Raises:
        ConfigError: As for `apply`.
    """

    def __init__(
        self,
        mapping: Mapping,
        source_db: Database,
        own_db: Database | None = None,
        *,
        keeps_source: bool = False,
    ) -> None:
        """Look up all names."""
        self._mapping = mapping
        self._source_db = source_db
        self._own_db = own_db or Database.own()
        self._feeds = [
            resolve_feed(mapping, name, rule, source_db, self._own_db)
            for name, rule in mapping.signals.items()
        ]
        self._constants = {
            name: resolve_constant(mapping, name, value, self._own_db)
            for name, value in mapping.constants.items()
        }
        check_messages(mapping, self._feeds, self._own_db)
        self._keeps_source = keeps_source
        self._source: dict[str, list[Column]] = {feed.source_name: [] for feed in self._feeds}
        self._counts = {feed.name: Counter(dict.fromkeys(_COUNTED, 0)) for feed in self._feeds}
        self._last = {feed.name: _NOTHING for feed in self._feeds}
        self._arrived: dict[str, NDArray[np.int64]] = {}
        self._sent: Counter[str] = Counter()
        self._origin_us: int | None = None
        self._begin_ms = 0
        self._last_ms = -1
        self.frames = 0
        self.used_count = 0

    @property
    def unused_count(self) -> int:
        """Frames so far that feed nothing."""
        return self.frames - self.used_count

    @property
    def missing(self) -> tuple[str, ...]:
        """Our input signals that never had a value so far, by ``<Message>.<Signal>``."""
        fed = {name for name, count in self._counts.items() if count["valid"]}
        present = fed.union(self._constants if self.frames else ())
        return tuple(name for name in inputs(self._own_db) if name not in present)

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the mapping takes for true, in words."""
        return _assumed(self._mapping)

    def take(self, frames: Frames) -> Frames:
        """Return our frames up to the millisecond before that of the latest frame.

        Args:
            frames: The next of the other car's frames, times never decreasing.
        """
        if not len(frames):
            return joined([])
        if self._origin_us is None:
            self._origin_us = int(frames.time_us[0])
        self.frames += len(frames)
        messages = [feed.source_message for feed in self._feeds]
        self.used_count += _count_frames(frames, messages)
        self._last_ms = (int(frames.time_us[-1]) - self._origin_us) // _US_PER_MS
        return self._sent_until(self._last_ms, self._samples(frames))

    def finish(self) -> Frames:
        """Return our frames of the last millisecond."""
        nothing = Frames(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=FRAME_DTYPE))
        return self._sent_until(self._last_ms + 1, self._samples(nothing))

    def result(self, frames: Frames) -> MappedFrames:
        """Return what became of the whole trace, with all our frames."""
        counts = {
            feed.name: SignalCount(source=feed.source_name, **self._counts[feed.name])
            for feed in self._feeds
        }
        return MappedFrames(
            frames=frames,
            origin_us=self._origin_us or 0,
            source={name: _joined_column(parts) for name, parts in self._source.items()},
            missing=self.missing,
            silent=tuple(name for name, count in counts.items() if count.valid == 0),
            assumed=self.assumed,
            counts=counts,
            used_count=self.used_count,
            unused_count=self.unused_count,
        )

    def _samples(self, frames: Frames) -> dict[str, _Samples]:
        """Decode what feeds our signals, each source message once, and count it."""
        raw: dict[str, dict[str, RawColumn]] = {}
        decoded: dict[str, dict[str, Column]] = {}
        samples: dict[str, _Samples] = {}
        kept: set[str] = set()
        for feed in self._feeds:
            message = feed.source_message
            if message.name not in raw:
                raw[message.name] = self._source_db.raw_columns(frames, message)
                decoded[message.name] = self._source_db.decode_columns(frames, message)
            column = decoded[message.name][feed.source.name]
            if self._keeps_source and feed.source_name not in kept:
                self._source[feed.source_name].append(column)
                kept.add(feed.source_name)
            values, refused = _usable(feed, column, raw[message.name])
            self._counts[feed.name].update(
                samples=values.size, valid=int(np.count_nonzero(np.isfinite(values))), **refused
            )
            time_ms = (column.time_us - (self._origin_us or 0)) // _US_PER_MS
            before = self._last[feed.name]
            mine = _Samples(
                column,
                np.concatenate([before.time_ms, time_ms]),
                np.concatenate([before.values, values]),
                refused,
            )
            samples[feed.name] = mine
            self._last[feed.name] = _Carried(mine.time_ms[-1:], mine.values[-1:])
        return samples

    def _sent_until(self, end_ms: int, samples: AbstractMapping[str, _Samples]) -> Frames:
        """Return our frames from where the last call ended to before a millisecond."""
        parts: list[Frames] = []
        for message in self._own_db.messages:
            schedule = self._schedule(message, samples, end_ms)
            if schedule is None:
                continue
            time_ms, columns = schedule
            is_new = time_ms >= self._begin_ms
            columns = {n: v[is_new] if np.ndim(v) else v for n, v in columns.items()}  # type: ignore[index]
            time_us = (self._origin_us or 0) + time_ms[is_new] * _US_PER_MS
            start = self._sent[message.name] & _COUNTER_MASK
            parts.append(
                self._own_db.encode_columns(message.name, time_us, columns, counter_start=start)
            )
            self._sent[message.name] += len(time_us)
            limited = self._own_db.saturated_counts(message.name, columns)
            for name, count in limited.items():
                full = f"{message.name}.{name}"
                if full in self._counts:
                    self._counts[full]["saturated"] += count
        self._begin_ms = end_ms
        return _merged(parts)

    def _schedule(
        self, message: Message, samples: AbstractMapping[str, _Samples], end_ms: int
    ) -> tuple[NDArray[np.int64], dict[str, ArrayLike]] | None:
        """Return when one of our messages is sent and with which values; None if it never is.

        Times before those that are asked for may be among them.
        """
        fed = [feed for feed in self._feeds if feed.message.name == message.name]
        fixed: dict[str, ArrayLike] = {
            signal.name: self._constants[full_name(message, signal)]
            for signal in message.values
            if full_name(message, signal) in self._constants
        }
        if fed:
            rule = self._mapping.messages.get(message.name, MessageRule())
            arrived = np.unique(
                np.concatenate(
                    [
                        self._arrived.get(message.name, _NOTHING.time_ms),
                        *(samples[feed.name].time_ms for feed in fed),
                    ]
                )
            )
            self._arrived[message.name] = arrived[-1:]
            time_ms, columns = _held(fed, samples, arrived, rule.resend_ms, end_ms - 1)
            return time_ms, {**columns, **fixed}
        if fixed:
            cycle_ms = message.cycle_time_ms or 1
            first = -(-self._begin_ms // cycle_ms) * cycle_ms
            return np.arange(first, end_ms, cycle_ms), fixed
        return None


@dataclass(frozen=True, slots=True)
class _Carried:
    """The last sample of a signal, which holds until the next: of shape ``(1,)`` or ``(0,)``."""

    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]


_NOTHING = _Carried(np.zeros(0, dtype=np.int64), np.zeros(0))
_COUNTED = (
    *("samples", "valid", "absent", "not_available", "unqualified"),
    *("out_of_range", "unnamed", "saturated"),
)
_COUNTER_MASK = 0xF


def _joined_column(parts: list[Column]) -> Column:
    return Column(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def joined(parts: Iterable[Frames]) -> Frames:
    """Return consecutive frames as one."""
    nothing = Frames(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=FRAME_DTYPE))
    whole = [nothing, *parts]
    return Frames(
        np.concatenate([part.time_us for part in whole]),
        np.concatenate([part.frame for part in whole]),
    )


def _usable(
    feed: Feed, column: Column, raw: AbstractMapping[str, RawColumn]
) -> tuple[NDArray[np.float64], dict[str, int]]:
    """Return source values in our unit, NaN where they are no value, and why, counted.

    A value with several reasons counts for the first.
    """
    rule = feed.rule
    own = raw[feed.source.name]
    good = column.valid.copy()
    refused = {"absent": int(np.count_nonzero(~good))}

    def refuse(reason: str, is_bad: NDArray[np.bool_]) -> None:
        refused[reason] = int(np.count_nonzero(good & is_bad))
        good[is_bad] = False

    refuse("not_available", np.isin(own.raw, rule.not_available_raw))
    refuse("unqualified", ~_is_qualified(rule, own, raw))
    low = -np.inf if rule.valid_min is None else rule.valid_min
    high = np.inf if rule.valid_max is None else rule.valid_max
    refuse("out_of_range", (column.values < low) | (column.values > high))
    if rule.values is not None or rule.steps is not None:
        ours = _named(feed, column.values, own.raw)
    else:
        ours = column.values * (1.0 if rule.scale is None else rule.scale) + rule.offset
    refuse("unnamed", np.isnan(ours))
    return np.where(good, ours, np.nan), refused


def _is_qualified(
    rule: SignalRule, own: RawColumn, raw: AbstractMapping[str, RawColumn]
) -> NDArray[np.bool_]:
    """Return in which rows of a signal its quality signal, in the same frame, calls it good."""
    if rule.valid_when is None:
        return np.ones(own.row.size, dtype=np.bool_)
    quality = raw[rule.valid_when.signal]
    is_good = quality.fits & np.isin(quality.raw, rule.valid_when.equals_raw)
    return np.isin(own.row, quality.row[is_good])


def _named(feed: Feed, values: NDArray[np.float64], raw: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the raw value of the choice of ours that each source value stands for, or NaN."""
    choices = choices_of(feed.target)
    named = np.full(values.shape, np.nan)
    for code, name in (feed.rule.values or {}).items():
        named[raw == int(code)] = choices[name]
    for start, name in feed.rule.steps or ():  # ascending: the last that is reached stays
        named[values >= start] = choices[name]
    named[named == feed.target.not_available_raw] = np.nan
    return named


def _held(
    feeds: list[Feed],
    samples: AbstractMapping[str, _Samples],
    arrived: NDArray[np.int64],
    resend_ms: int | None,
    last_ms: int,
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Return when one of our messages is sent, and the values of its fed signals at these times."""
    time_ms = arrived
    if resend_ms is not None:
        longest_ms = max(feed.hold_ms for feed in feeds)
        repeated = _repetitions(arrived, resend_ms, longest_ms, last_ms)
        time_ms = np.sort(np.concatenate([arrived, repeated]))
    time_ms = time_ms[time_ms <= last_ms]
    columns = {
        feed.target.name: _latest(samples[feed.name], time_ms, feed.hold_ms) for feed in feeds
    }
    is_empty = np.all([np.isnan(values) for values in columns.values()], axis=0)
    is_sent = np.isin(time_ms, arrived) | ~is_empty
    return time_ms[is_sent], {name: values[is_sent] for name, values in columns.items()}


def _repetitions(
    arrived: NDArray[np.int64], period_ms: int, longest_ms: int, last_ms: int
) -> NDArray[np.int64]:
    """Return the times at which a message is repeated after each arrival, until the next."""
    until = np.minimum(np.append(arrived[1:] - 1, last_ms), arrived + longest_ms)
    count = np.maximum(until - arrived, 0) // period_ms
    total = int(count.sum())
    nth = np.arange(total) - np.repeat(np.cumsum(count) - count, count) + 1
    return np.asarray(np.repeat(arrived, count) + nth * period_ms)


def _latest(samples: _Samples, time_ms: NDArray[np.int64], hold_ms: int) -> NDArray[np.float64]:
    """Return the last value that had arrived by each time, NaN where it is too old or unusable."""
    last = np.searchsorted(samples.time_ms, time_ms, side="right") - 1
    values = np.full(time_ms.shape, np.nan)
    has_one = last >= 0
    at = last[has_one]
    is_fresh = time_ms[has_one] - samples.time_ms[at] <= hold_ms
    values[has_one] = np.where(is_fresh, samples.values[at], np.nan)
    return values


def _count_frames(frames: Frames, messages: Iterable[Message]) -> int:
    """Count the frames that are one of these messages."""
    flag = np.where((frames.frame["flags"] & FRAME_EXTENDED) != 0, 1 << 31, 0)
    wanted = [message.frame_id | (int(message.is_extended) << 31) for message in messages]
    return int(np.count_nonzero(np.isin(frames.frame["id"].astype(np.int64) | flag, wanted)))


def _merged(parts: list[Frames]) -> Frames:
    """Return all frames in order of time; at equal times in the order of our database."""
    if not parts:
        return Frames(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=FRAME_DTYPE))
    time_us = np.concatenate([part.time_us for part in parts])
    order = np.argsort(time_us, kind="stable")
    return Frames(time_us[order], np.concatenate([part.frame for part in parts])[order])


def _assumed(mapping: Mapping) -> tuple[str, ...]:
    """Return in words what a mapping believes rather than knows."""
    believed = [f"{name}: {rule.assumed}" for name, rule in mapping.signals.items() if rule.assumed]
    return (*believed, *(f"{name} = {value}" for name, value in mapping.constants.items()))
