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
    own_db = own_db or Database.own()
    feeds = [
        resolve_feed(mapping, name, rule, source_db, own_db)
        for name, rule in mapping.signals.items()
    ]
    constants = {
        name: resolve_constant(mapping, name, value, own_db)
        for name, value in mapping.constants.items()
    }
    check_messages(mapping, feeds, own_db)

    origin_us = int(frames.time_us[0]) if len(frames) else 0
    last_ms = (int(frames.time_us[-1]) - origin_us) // _US_PER_MS if len(frames) else -1
    samples = _samples(feeds, frames, source_db, origin_us)
    parts: list[Frames] = []
    saturated: dict[str, int] = {}
    for message in own_db.messages:
        schedule = _schedule(mapping, message, feeds, samples, constants, last_ms)
        if schedule is None:
            continue
        time_ms, columns = schedule
        time_us = origin_us + time_ms * _US_PER_MS
        parts.append(own_db.encode_columns(message.name, time_us, columns))
        limited = own_db.saturated_counts(message.name, columns)
        saturated |= {f"{message.name}.{name}": count for name, count in limited.items()}

    counts = {feed.name: _count(feed, samples[feed.name], saturated) for feed in feeds}
    silent = tuple(name for name, count in counts.items() if count.valid == 0)
    present = set(counts).difference(silent).union(constants if len(frames) else ())
    used_count = _count_frames(frames, [feed.source_message for feed in feeds])
    return MappedFrames(
        frames=_merged(parts),
        origin_us=origin_us,
        source={feed.source_name: samples[feed.name].column for feed in feeds},
        missing=tuple(name for name in inputs(own_db) if name not in present),
        silent=silent,
        assumed=_assumed(mapping),
        counts=counts,
        used_count=used_count,
        unused_count=len(frames) - used_count,
    )


def _samples(
    feeds: Iterable[Feed], frames: Frames, source_db: Database, origin_us: int
) -> dict[str, _Samples]:
    """Decode what feeds our signals, each source message once."""
    raw: dict[str, dict[str, RawColumn]] = {}
    decoded: dict[str, dict[str, Column]] = {}
    samples: dict[str, _Samples] = {}
    for feed in feeds:
        message = feed.source_message
        if message.name not in raw:
            raw[message.name] = source_db.raw_columns(frames, message)
            decoded[message.name] = source_db.decode_columns(frames, message)
        column = decoded[message.name][feed.source.name]
        values, refused = _usable(feed, column, raw[message.name])
        time_ms = (column.time_us - origin_us) // _US_PER_MS
        samples[feed.name] = _Samples(column, time_ms, values, refused)
    return samples


def _schedule(
    mapping: Mapping,
    message: Message,
    feeds: Iterable[Feed],
    samples: AbstractMapping[str, _Samples],
    constants: AbstractMapping[str, float],
    last_ms: int,
) -> tuple[NDArray[np.int64], dict[str, ArrayLike]] | None:
    """Return when one of our messages is sent and with which values; None if it never is."""
    fed = [feed for feed in feeds if feed.message.name == message.name]
    fixed: dict[str, ArrayLike] = {
        signal.name: constants[full_name(message, signal)]
        for signal in message.values
        if full_name(message, signal) in constants
    }
    if fed:
        rule = mapping.messages.get(message.name, MessageRule())
        time_ms, columns = _held(fed, samples, rule.resend_ms, last_ms)
        return time_ms, {**columns, **fixed}
    if fixed:
        return np.arange(0, last_ms + 1, message.cycle_time_ms or 1), fixed
    return None


def _count(feed: Feed, samples: _Samples, saturated: AbstractMapping[str, int]) -> SignalCount:
    return SignalCount(
        source=feed.source_name,
        samples=samples.values.size,
        valid=int(np.count_nonzero(np.isfinite(samples.values))),
        saturated=saturated.get(feed.name, 0),
        **samples.refused,
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
    feeds: list[Feed], samples: AbstractMapping[str, _Samples], resend_ms: int | None, last_ms: int
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Return when one of our messages is sent, and the values of its fed signals at these times."""
    arrived = np.unique(np.concatenate([samples[feed.name].time_ms for feed in feeds]))
    time_ms = arrived
    if resend_ms is not None:
        longest_ms = max(feed.hold_ms for feed in feeds)
        repeated = _repetitions(arrived, resend_ms, longest_ms, last_ms)
        time_ms = np.sort(np.concatenate([arrived, repeated]))
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
    count = (until - arrived) // period_ms
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
