"""A trace decoded by a database: every signal as a column with its unit and words, nothing lost.

What the database does not know is counted, and so is every value that is not there: a frame too
short for a signal, a float that is no number. A trace is surveyed block by block before anything of
it is written, since the type of a column is that of the whole: see `d7xr.decoding_files`.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.database import Column
from d7xr.errors import InconclusiveError, UsageError
from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_REMOTE
from d7xr.names import nearest
from d7xr.recording import Recording
from d7xr.recording.decoded import ColumnFacts, codes, is_enumeration, source_groups

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.database import Database, Message, Signal
    from d7xr.frames import Rows
    from d7xr.recording import Group
    from d7xr.trace import Trace

_WITHOUT_DATA: Final = FRAME_REMOTE | FRAME_ERROR


@dataclass(frozen=True, slots=True)
class SignalSummary:
    """One signal of a trace.

    Attributes:
        name: ``<Message>.<Signal>``.
        unit: As the database spells it.
        samples: Frames in which it should be.
        valid: Those in which it has a value.
        least: The least value, None without one.
        greatest: The greatest value, None without one.
        last: The last value, in words where the database has a word for it; None without one.
    """

    name: str
    unit: str
    samples: int
    valid: int
    least: float | None
    greatest: float | None
    last: str | float | None


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """One message of a trace: its name, identifier, frames and signals."""

    name: str
    id_text: str
    frames: int
    signals: tuple[SignalSummary, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """What a database makes of a trace; each of its frames is counted once.

    Attributes:
        messages: What occurs, in the order of the database.
        frames: Frames of the trace.
        decoded: Frames that are one of these messages.
        left_out: Why the others were not decoded -> how many.
        unknown: Identifiers that the database does not have -> how many frames.
        notes: What had to be let pass to read the database.
    """

    messages: tuple[MessageSummary, ...]
    frames: int
    decoded: int
    left_out: Mapping[str, int]
    unknown: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A trace as a database reads it.

    Attributes:
        recording: The signals; time from the first frame of the channel.
        account: What became of each frame.
    """

    recording: Recording
    account: Account


def decode(
    trace: Trace, database: Database, *, channel: int | None = None, patterns: Sequence[str] = ()
) -> Decoded:
    """Decode a trace in memory, classic and FD frames alike.

    A stamp that steps backward counts as the largest so far, as in a replay.

    Args:
        trace: The recording.
        database: What its frames mean.
        channel: Which of its channels; may be None when the trace has one.
        patterns: Messages wanted, by name with ``*`` and ``?``; all if empty.

    Raises:
        UsageError: Several channels and none chosen; a pattern that fits no message.
        InconclusiveError: No frame is one of the messages wanted.
    """
    survey = Survey(database, patterns)
    others = sum(p.count for p in trace.left_out(channel) if p.kind == "other_channel")
    only = trace if channel is None else trace.only(channel)
    rows = TimedRows(
        np.maximum.accumulate(only.time_us), only.id, only.flags, only.length, only.data
    )
    survey.take(rows)
    account = survey.account(trace.source, len(trace), others)
    first_us, start_us = int(rows.time_us[0]), trace.start_utc_us
    return Decoded(
        Recording(
            groups=tuple(survey.groups(rows, first_us)),
            start_utc_us=None if start_us is None else start_us + first_us - int(trace.time_us[0]),
        ),
        account,
    )


@dataclass(frozen=True, slots=True)
class TimedRows:
    """Frames of one channel; the times never step back."""

    time_us: NDArray[np.int64]
    id: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    length: NDArray[np.uint8]
    data: NDArray[np.uint8]


class Survey:
    """What a channel of a trace holds by a database, gathered block by block.

    Args:
        database: What the frames mean.
        patterns: Messages wanted, by name with ``*`` and ``?``; all if empty.

    Raises:
        UsageError: A pattern fits no message.
    """

    def __init__(self, database: Database, patterns: Sequence[str] = ()) -> None:
        """Look up the messages wanted."""
        self._database = database
        self._patterns = patterns
        self._wanted = _wanted(database, patterns)
        self._frames = Counter[str]()
        self._tallies: dict[str, dict[str, _Tally]] = {}
        self._unknown = Counter[int]()
        self._left_out = Counter[str]()

    def take(self, rows: Rows) -> None:
        """Take a block."""
        is_data = (rows.flags & _WITHOUT_DATA) == 0
        is_unknown = is_data.copy()
        for message, at in self._database.rows_of_messages(rows):
            is_unknown[at] = False
            if message.name not in self._wanted:
                self._left_out["not_wanted"] += len(at)
                continue
            self._frames[message.name] += len(at)
            tallies = self._tallies.setdefault(message.name, {})
            for name, column in self._database.decode_columns(rows, message, at).items():
                tallies.setdefault(name, _Tally(message.signal(name))).take(column)
        self._left_out["error_frame"] += int(np.count_nonzero(rows.flags & FRAME_ERROR))
        is_remote = (rows.flags & _WITHOUT_DATA) == FRAME_REMOTE
        self._left_out["remote_frame"] += int(np.count_nonzero(is_remote))
        extended = (rows.flags[is_unknown] & FRAME_EXTENDED).astype(np.int64) << 32
        keys, counts = np.unique(rows.id[is_unknown] | extended, return_counts=True)
        self._unknown.update(dict(zip(keys.tolist(), counts.tolist(), strict=True)))

    def account(self, source: Path, frames: int, others: int) -> Account:
        """Tell what there was.

        Args:
            source: The file, for the message.
            frames: All frames of the trace.
            others: Those of other channels.

        Raises:
            InconclusiveError: No frame is one of the messages wanted.
        """
        unknown = self._unknown_ids()
        if not self._frames:
            raise self._nothing(source, frames, unknown)
        left_out = {
            "other_channel": others,
            "error_frame": self._left_out["error_frame"],
            "remote_frame": self._left_out["remote_frame"],
            "unknown_id": self._unknown.total(),
            "not_wanted": self._left_out["not_wanted"],
        }
        return Account(
            messages=tuple(self._summaries()),
            frames=frames,
            decoded=self._frames.total(),
            left_out={reason: count for reason, count in left_out.items() if count},
            unknown=unknown,
            notes=self._database.relaxed,
        )

    def groups(self, rows: Rows, first_us: int) -> Iterator[Group]:
        """Yield the groups of some of the rows that were surveyed.

        What type a column has and whether it has a mask is decided by all that was surveyed, so
        the groups of one block after the other make up those of the whole.

        Args:
            rows: The frames; those of messages that are not wanted are passed over.
            first_us: Time of the first row of the channel.
        """
        columns: dict[str, Column] = {}
        for message, at in self._database.rows_of_messages(rows):
            if message.name in self._wanted:
                mine = self._database.decode_columns(rows, message, at)
                columns |= {f"{message.name}.{name}": column for name, column in mine.items()}
        facts = {name: tally.facts for name, tally in self._by_name()}
        return source_groups(self._database, columns, first_us, facts)

    def heads(self) -> Iterator[Group]:
        """Yield every group of the whole, in its order, without rows; each code has its word."""
        none = Column(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))
        columns = {name: none for name, tally in self._by_name() if tally.samples}
        facts = {name: tally.spelt for name, tally in self._by_name()}
        return source_groups(self._database, columns, 0, facts, with_empty=True)

    def _by_name(self) -> Iterator[tuple[str, _Tally]]:
        for message in self._occurring():
            for name, tally in self._tallies[message.name].items():
                yield f"{message.name}.{name}", tally

    def _occurring(self) -> Iterator[Message]:
        return (message for message in self._database.messages if message.name in self._tallies)

    def _summaries(self) -> Iterator[MessageSummary]:
        for message in self._occurring():
            tallies = self._tallies[message.name]
            yield MessageSummary(
                name=message.name,
                id_text=f"{message.frame_id:0{8 if message.is_extended else 3}X}",
                frames=self._frames[message.name],
                signals=tuple(tally.summary(message) for tally in tallies.values()),
            )

    def _unknown_ids(self) -> dict[str, int]:
        """Return frames by identifier, the most frequent first."""
        order = sorted(self._unknown.items(), key=lambda pair: (-pair[1], pair[0]))
        return {f"{key & 0xFFFF_FFFF:0{8 if key >> 32 else 3}X}": count for key, count in order}

    def _nothing(self, source: Path, frames: int, unknown: Mapping[str, int]) -> InconclusiveError:
        seen = ", ".join([*list(unknown)[:5], *(["..."] if len(unknown) > 5 else [])])
        what = f"message of {self._database.path.name}"
        if self._patterns:
            what = f"message {' or '.join(self._patterns)}"
        return InconclusiveError(
            f"{source.name}: none of its {frames:,} frames is a {what}"
            + (f"; it has {seen}" if seen else ""),
            hint="check that database and trace are of the same car, and the channel",
        )


@dataclass(slots=True)
class _Tally:
    """What was seen of one signal."""

    signal: Signal
    samples: int = 0
    valid: int = 0
    least: float = np.inf
    greatest: float = -np.inf
    last: float | None = None
    codes: set[int] = field(default_factory=set)
    is_words: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_words = is_enumeration(self.signal)

    def take(self, column: Column) -> None:
        values = column.values[column.valid]
        self.samples += column.values.size
        self.valid += values.size
        if values.size:
            self.least = min(self.least, float(values.min()))
            self.greatest = max(self.greatest, float(values.max()))
            self.last = float(values[-1])
        self.is_words = self.is_words and bool(np.isfinite(column.values).all())
        if self.is_words:
            self.codes.update(np.unique(codes(self.signal, column.values)).tolist())

    @property
    def facts(self) -> ColumnFacts:
        return ColumnFacts(self.is_words, self.samples == self.valid)

    @property
    def spelt(self) -> ColumnFacts:
        return self.facts._replace(codes=frozenset(self.codes))

    def summary(self, message: Message) -> SignalSummary:
        signal = self.signal
        last: str | float | None = self.last
        if self.last is not None and signal.choices:
            raw = (self.last - signal.offset) / signal.scale
            last = signal.choices.get(round(raw), self.last)
        return SignalSummary(
            name=f"{message.name}.{signal.name}",
            unit=signal.unit,
            samples=self.samples,
            valid=self.valid,
            least=self.least if self.valid else None,
            greatest=self.greatest if self.valid else None,
            last=last,
        )


def _wanted(database: Database, patterns: Sequence[str]) -> frozenset[str]:
    names = [message.name for message in database.messages]
    wanted = set(names if not patterns else ())
    for pattern in patterns:
        found = fnmatch.filter(names, pattern)
        if not found:
            raise UsageError(
                f"{database.path.name} has no message {pattern!r}", hint=nearest(pattern, names)
            )
        wanted.update(found)
    return frozenset(wanted)
