"""Many ticks in one crossing into C, and what they gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.ecu.core import DTYPE_OF, ffi, lib
from d7xr.ecu.state import Field, field_named
from d7xr.frames import FRAME_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

CHUNK_TICKS: Final = 4096
"""Ticks for one crossing into C: the worst case of their changes and frames stays in cache."""

RUN_DIGEST_SEED: Final = int(lib.d7xr_digest_seed)

CHANGE_DTYPE: Final = np.dtype([("tick", "<u8"), ("field", "<u4"), ("value", "<u4")])

SENT_DTYPE: Final = np.dtype([("time_us", "<i8"), *FRAME_DTYPE.descr])
"""A sent frame with its time, ``batch_sent_t``."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a stretch of ticks gave.

    Attributes:
        tick: Ticks of the recorded rows, int64, shape ``(m,)``.
        columns: Recorded fields by name, in their own type, each of shape ``(m,)``.
        changes: Changes of the watched fields, ``CHANGE_DTYPE``; the first tick reports them all.
            ``value`` is the bits of the field, widened with zeros.
        sent_tick: Tick of each frame that the unit sent, int64, shape ``(k,)``.
        sent: These frames, ``FRAME_DTYPE``, shape ``(k,)``.
        digest: Digest of the state after each tick, uint32, shape ``(ticks,)``; None if not asked.
        run_digest: Digest of the whole run up to here (see run_digest.h).
    """

    tick: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]
    changes: NDArray[np.void]
    sent_tick: NDArray[np.int64]
    sent: NDArray[np.void]
    digest: NDArray[np.uint32] | None
    run_digest: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one crossing into C gave: views of buffers that the next crossing overwrites.

    Attributes:
        first: Its first tick.
        ticks: How many ran.
        tick: Ticks of the recorded rows, int64, shape ``(m,)``.
        row: Bits of the recorded fields, widened with zeros, uint32, shape ``(m, records)``.
        changes: As in `Run`, but only the first tick of the first stretch reports every field.
        sent_tick: As in `Run`.
        sent: As in `Run`.
        digest: Digest of the state after each tick, shape ``(ticks,)``; empty if not asked.
    """

    first: int
    ticks: int
    tick: NDArray[np.int64]
    row: NDArray[np.uint32]
    changes: NDArray[np.void]
    sent_tick: NDArray[np.int64]
    sent: NDArray[np.void]
    digest: NDArray[np.uint32]

    def kept(self) -> Stretch:
        """Return a copy that lasts."""
        return Stretch(
            self.first,
            self.ticks,
            self.tick,
            self.row.copy(),
            self.changes.copy(),
            self.sent_tick.copy(),
            self.sent.copy(),
            self.digest.copy(),
        )


class Batch:
    """Ticks of one unit by stretches, in memory that does not grow with their number.

    Attributes:
        record: Fields that are recorded.
        watch: Fields of which every change is kept.
        with_digests: Whether the digest of the state after every tick is kept.
    """

    def __init__(
        self, unit: Any, tick: int, run_digest: int, *, record: Sequence[str] = (),  # noqa: ANN401
        watch: Sequence[str] = (), every_ticks: int = 10, with_digests: bool = False,
    ) -> None:  # fmt: skip
        """Make the buffers and let the C struct point into them; made by ``Ecu.batch``."""
        self.record = tuple(field_named(name) for name in record)
        self.watch = tuple(field_named(name) for name in watch)
        self.with_digests = with_digests
        self._unit = unit
        self._every_ticks = every_ticks
        per_tick = int(lib.BUS_SENT_COUNT)
        self._row = np.empty((-(-CHUNK_TICKS // every_ticks) + 1, len(record)), dtype=np.uint32)
        self._change = np.empty(CHUNK_TICKS * len(watch), dtype=CHANGE_DTYPE)
        self._last = np.zeros(len(watch), dtype=np.uint32)
        self._bad_tick = np.full(len(record), -1, dtype=np.int64)
        self._sent = np.empty(CHUNK_TICKS * per_tick + 1, dtype=FRAME_DTYPE)
        self._sent_tick = np.empty(CHUNK_TICKS * per_tick + 1, dtype=np.int64)
        self._digest = np.empty(CHUNK_TICKS if with_digests else 0, dtype=np.uint32)

        self._c = ffi.new("batch_t *")
        self._alive: dict[str, Any] = {}
        self._fields = [_c_fields(self.record), _c_fields(self.watch)]
        self._glance = _c_glances(self.watch)
        self._seen = np.zeros(len(self._glance), dtype=np.uint64)
        self._point("last", "uint32_t[]", self._last)
        self._point("seen", "uint64_t[]", self._seen)
        self._point("bad_tick", "int64_t[]", self._bad_tick)
        self._point("row", "uint32_t[]", self._row)
        self._point("change", "batch_change_t[]", self._change)
        self._point("sent", "can_frame_t[]", self._sent)
        self._point("sent_tick", "int64_t[]", self._sent_tick)
        if with_digests:
            self._point("digest", "uint32_t[]", self._digest)
        self._c.record, self._c.records = self._fields[0], len(record)
        self._c.watch, self._c.watches = self._fields[1], len(watch)
        self._c.glance, self._c.glances = self._glance, len(self._glance)
        self._c.every_ticks = every_ticks
        self._c.tick = tick
        self._c.run_digest = run_digest

    @property
    def tick(self) -> int:
        """Ticks since the start of the unit."""
        return int(self._c.tick)

    @property
    def run_digest(self) -> int:
        """Digest of the whole run up to here (see run_digest.h)."""
        return int(self._c.run_digest)

    @property
    def not_finite(self) -> tuple[str, int] | None:
        """The first recorded field that ever was NaN or infinite, and its tick; None if none."""
        bad = np.flatnonzero(self._bad_tick >= 0)
        return (self.record[bad[0]].name, int(self._bad_tick[bad[0]])) if bad.size else None

    def run(
        self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], until: int
    ) -> Iterator[Stretch]:
        """Run up to a tick, by stretches of at most ``CHUNK_TICKS``.

        Args:
            frame: Frames, ``FRAME_DTYPE``, shape ``(n,)``.
            frame_tick: Tick of each since the start of the unit, shape ``(n,)``, never decreasing.
            until: The first tick that does not run.
        """
        self._point("frame", "can_frame_t[]", np.ascontiguousarray(frame, dtype=FRAME_DTYPE))
        self._point("frame_tick", "int64_t[]", np.ascontiguousarray(frame_tick, dtype=np.int64))
        self._c.frames, self._c.next_frame = len(frame), 0
        while self.tick < until:
            first, ticks = self.tick, min(CHUNK_TICKS, until - self.tick)
            lib.batch_run(self._c, self._unit, ticks)
            yield self._stretch(first, ticks)

    def deliver(self) -> None:
        """Let the unit receive the frames of the tick that runs next, so that none is left over.

        It makes no difference to receive them now or when it runs.
        """
        lib.batch_deliver(self._c, self._unit)

    def _stretch(self, first: int, ticks: int) -> Stretch:
        rows, sents = int(self._c.rows), int(self._c.sents)
        start = -(-first // self._every_ticks) * self._every_ticks
        return Stretch(
            first=first,
            ticks=ticks,
            tick=start + self._every_ticks * np.arange(rows, dtype=np.int64),
            row=self._row[:rows],
            changes=self._change[: int(self._c.changes)],
            sent_tick=self._sent_tick[:sents],
            sent=self._sent[:sents],
            digest=self._digest[:ticks],
        )

    def _point(self, member: str, ctype: str, column: NDArray[Any]) -> None:
        """Let a member point into a column, which is kept alive."""
        self._alive[member] = ffi.from_buffer(ctype, column)
        setattr(self._c, member, self._alive[member])


def packed_rows(stretch: Stretch) -> NDArray[np.uint32]:
    """Return the recorded rows as a file of columns has them: time in microseconds, then the words.

    Returns:
        Shape ``(m, 2 + records)``; the first two words are the time, int64, low word first.
    """
    row = np.ascontiguousarray(stretch.row)
    packed = np.empty((row.shape[0], 2 + row.shape[1]), dtype=np.uint32)
    lib.batch_pack_rows(
        ffi.from_buffer("uint32_t[]", row),
        ffi.from_buffer("int64_t[]", np.ascontiguousarray(stretch.tick, dtype=np.int64)),
        row.shape[0],
        row.shape[1],
        ffi.from_buffer("uint32_t[]", packed),
    )
    return packed


def packed_sent(stretch: Stretch) -> NDArray[np.void]:
    """Return the frames that the unit sent as a file of columns has them, ``SENT_DTYPE``."""
    packed = np.empty(len(stretch.sent), dtype=SENT_DTYPE)
    lib.batch_pack_sent(
        ffi.from_buffer("can_frame_t[]", np.ascontiguousarray(stretch.sent, dtype=FRAME_DTYPE)),
        ffi.from_buffer("int64_t[]", np.ascontiguousarray(stretch.sent_tick, dtype=np.int64)),
        len(packed),
        ffi.from_buffer("batch_sent_t[]", packed),
    )
    return packed


def joined(batch: Batch, stretches: Iterable[Stretch]) -> Run:
    """Return consecutive stretches, copied, as one run."""
    kept = [stretch.kept() for stretch in stretches]
    row = np.concatenate([s.row for s in kept]) if kept else np.zeros((0, len(batch.record)), "u4")
    digest = _joined([s.digest for s in kept], np.dtype(np.uint32))
    return Run(
        tick=_joined([s.tick for s in kept], np.dtype(np.int64)),
        columns={f.name: column_of(row[:, n], f) for n, f in enumerate(batch.record)},
        changes=_joined([s.changes for s in kept], CHANGE_DTYPE),
        sent_tick=_joined([s.sent_tick for s in kept], np.dtype(np.int64)),
        sent=_joined([s.sent for s in kept], FRAME_DTYPE),
        digest=digest if batch.with_digests else None,
        run_digest=batch.run_digest,
    )


def column_of(bits: NDArray[np.uint32], field: Field) -> NDArray[Any]:
    """Return the bits of one recorded field in its own type, read-only."""
    plain = np.ascontiguousarray(bits)
    column = plain.view("<f4") if field.ctype == "float" else plain.astype(DTYPE_OF[field.ctype])
    column.flags.writeable = False
    return column


def _joined(parts: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    whole = np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
    whole.flags.writeable = False
    return whole


def _c_fields(fields: Sequence[Field]) -> Any:  # noqa: ANN401 - a cffi array has no type
    """Return fields as parts of the words in which they lie."""
    rows = [
        {
            "word_bytes": field.offset & ~3,
            "mask": ((1 << (8 * field.size)) - 1) << 8 * (field.offset & 3),
            "shift": 8 * (field.offset & 3),
            "is_float": field.ctype == "float",
        }
        for field in fields
    ]
    return ffi.new("batch_field_t[]", rows)


def _c_glances(fields: Sequence[Field]) -> Any:  # noqa: ANN401 - a cffi array has no type
    """Return the words of eight bytes in which fields lie, and some of nothing to fill a round."""
    masks: dict[int, int] = {}
    last = int(ffi.sizeof("vcu_t")) - 8
    for field in fields:
        at = min(field.offset & ~7, last)
        mask = ((1 << (8 * field.size)) - 1) << 8 * (field.offset - at)
        masks[at] = masks.get(at, 0) | mask
    rows = [{"at": at, "mask": mask} for at, mask in sorted(masks.items())]
    filling = -len(rows) % int(lib.BATCH_GLANCE_ROUND)
    return ffi.new("batch_glance_t[]", [*rows, *({"mask": 0} for _ in range(filling))])


def chain_digest(
    run_digest: int, first_tick: int, digest: NDArray[np.uint32],
    sent_tick: NDArray[np.int64], sent: NDArray[np.void],
) -> int:  # fmt: skip
    """Carry a run's digest over a stretch that ran on another target (see run_digest.h).

    Args:
        run_digest: The chain so far; ``RUN_DIGEST_SEED`` before the first tick.
        first_tick: Tick at which the stretch began.
        digest: Digest of the state after each of its ticks, shape ``(ticks,)``.
        sent_tick: Tick of each frame sent, counted from the first of the stretch, shape ``(k,)``.
        sent: These frames, ``FRAME_DTYPE``, shape ``(k,)``.
    """
    columns = (
        ("digest", "uint32_t *", np.ascontiguousarray(digest, dtype=np.uint32)),
        ("sent", "can_frame_t *", np.ascontiguousarray(sent, dtype=FRAME_DTYPE)),
        ("sent_tick", "int64_t *", np.ascontiguousarray(sent_tick, dtype=np.int64)),
    )
    stretch = ffi.new("batch_stretch_t *")
    for member, ctype, column in columns:
        setattr(stretch, member, ffi.cast(ctype, column.ctypes.data))
    stretch.first_tick, stretch.ticks, stretch.sents = first_tick, len(digest), len(sent)
    return int(lib.batch_chain(run_digest, stretch))
