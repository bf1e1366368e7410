"""Many ticks in one crossing into C, and what they gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.ecu.core import DTYPE_OF, ffi, lib
from d7xr.ecu.state import Field, field_named
from d7xr.frames import FRAME_DTYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CHUNK_TICKS: Final = 4096
"""Ticks for one crossing into C: the worst case of their changes and frames stays in cache."""

RUN_DIGEST_SEED: Final = int(lib.d7xr_digest_seed)

CHANGE_DTYPE: Final = np.dtype([("tick", "<u8"), ("field", "<u4"), ("value", "<u4")])


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


class Batch:
    """The buffers of one stretch, and the C struct that points into them."""

    def __init__(
        self, tick: int, frame: NDArray[np.void], frame_tick: NDArray[np.int64],
        record: Sequence[str], watch: Sequence[str], every_ticks: int, with_digests: bool,
    ) -> None:  # fmt: skip
        """Make the buffers and let the C struct point into them."""
        self._record = [field_named(name) for name in record]
        self._watch = [field_named(name) for name in watch]
        self._rows = -(-CHUNK_TICKS // every_ticks) + 1
        self._row = np.zeros((len(record), self._rows), dtype=np.uint32)
        self._change = np.zeros(CHUNK_TICKS * len(watch), dtype=CHANGE_DTYPE)
        self._last = np.zeros(len(watch), dtype=np.uint32)
        per_tick = int(lib.BUS_SENT_COUNT)
        self._sent = np.zeros(CHUNK_TICKS * per_tick + 1, dtype=FRAME_DTYPE)
        self._sent_tick = np.zeros(CHUNK_TICKS * per_tick + 1, dtype=np.int64)
        self._digest = np.zeros(CHUNK_TICKS if with_digests else 0, dtype=np.uint32)
        self._every_ticks = every_ticks
        self._frame = np.ascontiguousarray(frame, dtype=FRAME_DTYPE)
        self._frame_tick = np.asarray(frame_tick, dtype=np.int64) + tick
        self._first_tick = tick

        self.c = ffi.new("batch_t *")
        self._alive = [_c_fields(self._record), _c_fields(self._watch)]
        self._point("frame", "can_frame_t *", self._frame)
        self._point("frame_tick", "int64_t *", self._frame_tick)
        self._point("last", "uint32_t *", self._last)
        self._point("row", "uint32_t *", self._row)
        self._point("change", "batch_change_t *", self._change)
        self._point("sent", "can_frame_t *", self._sent)
        self._point("sent_tick", "int64_t *", self._sent_tick)
        if with_digests:
            self._point("digest", "uint32_t *", self._digest)
        self.c.frames = len(self._frame)
        self.c.record, self.c.records = self._alive[0], len(record)
        self.c.watch, self.c.watches = self._alive[1], len(watch)
        self.c.every_ticks = every_ticks
        self.c.row_capacity = self._rows
        self.c.tick = tick

        self._ticks: list[NDArray[np.int64]] = []
        self._row_parts: list[NDArray[np.uint32]] = []
        self._change_parts: list[NDArray[np.void]] = []
        self._sent_parts: list[NDArray[np.void]] = []
        self._sent_tick_parts: list[NDArray[np.int64]] = []
        self._digest_parts: list[NDArray[np.uint32]] = []

    def _point(self, member: str, ctype: str, column: NDArray[Any]) -> None:
        """Let a member point into a column; this object keeps the column alive."""
        setattr(self.c, member, ffi.cast(ctype, column.ctypes.data))

    def run(self, vcu: Any, ticks: int) -> None:  # noqa: ANN401 - a cffi handle has no type
        """Run at most ``CHUNK_TICKS`` ticks and keep what they gave."""
        first = int(self.c.tick)
        lib.batch_run(self.c, vcu, ticks)
        rows, changes, sents = int(self.c.rows), int(self.c.changes), int(self.c.sents)
        start = -(-first // self._every_ticks) * self._every_ticks
        self._ticks.append(start + self._every_ticks * np.arange(rows, dtype=np.int64))
        self._row_parts.append(self._row[:, :rows].copy())
        self._change_parts.append(self._change[:changes].copy())
        self._sent_parts.append(self._sent[:sents].copy())
        self._sent_tick_parts.append(self._sent_tick[:sents].copy())
        self._digest_parts.append(self._digest[:ticks].copy())

    def result(self, run_digest: int) -> Run:
        """Join what all calls gave."""
        row = _joined([*self._row_parts, self._row[:, :0]], axis=1)
        return Run(
            tick=_joined([*self._ticks, np.zeros(0, np.int64)]),
            columns={
                field.name: _as_type(row[number], field.ctype)
                for number, field in enumerate(self._record)
            },
            changes=_joined([*self._change_parts, self._change[:0]]),
            sent_tick=_joined([*self._sent_tick_parts, self._sent_tick[:0]]),
            sent=_joined([*self._sent_parts, self._sent[:0]]),
            digest=_joined([*self._digest_parts, self._digest[:0]]) if self._digest.size else None,
            run_digest=run_digest,
        )


def _joined(parts: Sequence[NDArray[Any]], axis: int = 0) -> NDArray[Any]:
    joined = np.concatenate(parts, axis=axis)
    joined.flags.writeable = False
    return joined


def _as_type(bits: NDArray[np.uint32], ctype: str) -> NDArray[Any]:
    return bits.view("<f4") if ctype == "float" else bits.astype(DTYPE_OF[ctype])


def _c_fields(fields: Sequence[Field]) -> Any:  # noqa: ANN401 - a cffi array has no type
    return ffi.new("batch_field_t[]", [(field.offset, field.size) for field in fields])


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
