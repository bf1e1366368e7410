"""One unit in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from d7xr.ecu.batch import RUN_DIGEST_SEED, Batch, Run, joined
from d7xr.ecu.core import DTYPE_OF, ffi, lib
from d7xr.ecu.state import Field, all_fields, field_named
from d7xr.ecu.tables import calibration_default, calibration_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Ecu:
    """One unit: frames go in, a millisecond passes, frames come out.

    Two units that got the same frames are equal in every byte. A snapshot is a copy of these bytes;
    a fork goes on from them by itself.

    Args:
        calibration: The set to start with, as bytes of the C struct; None takes the built-in one. A
            set that breaks a range or a rule is refused as on the car: the built-in one is used,
            and the fault ``CalibrationRefused`` says so.

    Raises:
        ValueError: The bytes are not as many as the set has.

    Example:
        >>> ecu = Ecu()
        >>> ecu.tick()
        >>> ecu.text("flight_mode.state")
        'Ground'
    """

    __slots__ = ("_calibration", "_run_digest", "_tick", "_vcu")

    def __init__(self, calibration: bytes | None = None) -> None:
        """Start the unit."""
        blob = calibration_default() if calibration is None else calibration
        self._calibration = calibration_from(blob)
        self._vcu = ffi.new("vcu_t *")
        lib.vcu_init(self._vcu, self._calibration)
        self._tick = 0
        self._run_digest = RUN_DIGEST_SEED

    @property
    def tick_count(self) -> int:
        """Ticks since start."""
        return self._tick

    @property
    def digest(self) -> int:
        """Digest of the state as it is now."""
        return int(lib.vcu_digest(self._vcu))

    @property
    def run_digest(self) -> int:
        """Digest of everything that the unit sent and was, by ``run``, since start."""
        return self._run_digest

    def receive(self, can_id: int, data: bytes) -> None:
        """Hand in one classic data frame with an 11-bit identifier."""
        frame = ffi.new("can_frame_t *")
        frame.id = can_id
        frame.length = len(data)
        ffi.memmove(frame.data, data, len(data))
        lib.vcu_receive(self._vcu, frame)

    def tick(self, count: int = 1) -> None:
        """Let ``count`` milliseconds pass; frames that nobody fetches are counted as overrun."""
        for _ in range(count):
            lib.vcu_tick(self._vcu)
        self._tick += count

    def transmit(self) -> list[tuple[int, bytes]]:
        """Fetch the frames that are due, as identifier and data."""
        frame = ffi.new("can_frame_t *")
        frames: list[tuple[int, bytes]] = []
        while lib.vcu_transmit(self._vcu, frame):
            frames.append((int(frame.id), bytes(ffi.buffer(frame.data, frame.length))))
        return frames

    def snapshot(self) -> bytes:
        """Return the whole state, calibration included."""
        return bytes(ffi.buffer(self._vcu))

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot of a unit of the same build.

        Raises:
            ValueError: The snapshot has another size, so another build made it.
        """
        if len(snapshot) != ffi.sizeof("vcu_t"):
            raise ValueError(
                f"a snapshot has {ffi.sizeof('vcu_t')} bytes, this one {len(snapshot)}"
            )
        ffi.memmove(self._vcu, snapshot, len(snapshot))
        self._tick = int(self._vcu.tick_count)

    def keep(self) -> bytes:
        """Return what outlives power: faults, fuel, impacts, and what was learned (vcu_keep.h)."""
        kept = ffi.new("vcu_keep_t *")
        lib.vcu_keep(self._vcu, kept)
        return bytes(ffi.buffer(kept))

    def recall(self, kept: bytes) -> None:
        """Go on from what a unit kept, before the first tick.

        Raises:
            ValueError: The bytes are damaged, another build with another layout wrote them, or they
                are of another car than the calibration is for; nothing is changed.
        """
        whole = ffi.new("vcu_keep_t *")
        if len(kept) != ffi.sizeof("vcu_keep_t"):
            raise ValueError(f"{len(kept)} bytes, not the {ffi.sizeof('vcu_keep_t')} of this build")
        ffi.memmove(whole, kept, len(kept))
        if not lib.vcu_keep_is_whole(whole):
            raise ValueError("the check word or the layout is wrong")
        if not lib.vcu_recall(self._vcu, whole):
            raise ValueError(
                f"it is of car {whole.car_number}, "
                f"the calibration is for car {self._vcu.calibration.car_number}"
            )

    def fork(self) -> Ecu:
        """Return a unit that goes on from here by itself."""
        other = Ecu.__new__(Ecu)
        other._calibration = self._calibration
        other._vcu = ffi.new("vcu_t *")
        ffi.memmove(other._vcu, self._vcu, ffi.sizeof("vcu_t"))
        other._tick = self._tick
        other._run_digest = self._run_digest
        return other

    def __getitem__(self, name: str) -> float | int:
        """Read one field of the state by its name.

        Raises:
            KeyError: There is no such field.
        """
        field = field_named(name)
        raw = ffi.buffer(self._vcu)[field.offset : field.offset + field.size]
        value = np.frombuffer(raw, dtype=DTYPE_OF[field.ctype])[0]
        return float(value) if field.ctype == "float" else int(value)

    def text(self, name: str) -> str:
        """Read one field in words: the text of its code, or its value with unit."""
        field, value = field_named(name), self[name]
        if field.choices is not None:
            return field.choices.get(int(value), str(value))
        return f"{value:g} {field.unit}".rstrip()

    @staticmethod
    def fields() -> tuple[Field, ...]:
        """Return every field of the state, in the order of its bytes; padding is left out."""
        return all_fields()

    def run(
        self,
        frame: NDArray[np.void],
        frame_tick: NDArray[np.int64],
        ticks: int,
        *,
        record: Sequence[str] = (),
        every_ticks: int = 10,
        watch: Sequence[str] = (),
        with_digests: bool = False,
    ) -> Run:
        """Run a stretch of ticks in C, without a Python step in between.

        Args:
            frame: Frames, ``FRAME_DTYPE``, shape ``(n,)``.
            frame_tick: Tick of each, counted from the first tick of this stretch, shape ``(n,)``,
                never decreasing. The frames of a tick are received before it runs.
            ticks: How many ticks to run.
            record: Fields to record at every tick that is a multiple of ``every_ticks``.
            every_ticks: Distance of the recorded ticks.
            watch: Fields of which every change is kept.
            with_digests: Keep the digest of the state after every tick.

        Raises:
            KeyError: A field does not exist.
            ValueError: Times decrease, or the columns do not belong together.
        """
        if frame.shape != frame_tick.shape or frame.ndim != 1:
            raise ValueError(f"need equal (n,) shapes: {frame.shape}, {frame_tick.shape}")
        if frame_tick.size and np.any(np.diff(frame_tick) < 0):
            raise ValueError("ticks of the frames decrease")
        batch = self.batch(
            record=record, every_ticks=every_ticks, watch=watch, with_digests=with_digests
        )
        at = np.asarray(frame_tick, dtype=np.int64) + self._tick
        run = joined(batch, batch.run(frame, at, self._tick + ticks))
        self.follow(batch)
        return run

    def batch(
        self,
        *,
        record: Sequence[str] = (),
        every_ticks: int = 10,
        watch: Sequence[str] = (),
        with_digests: bool = False,
    ) -> Batch:
        """Begin to run this unit by stretches, in memory that does not grow with their number.

        Until `follow` is called with it, nothing else may be done with the unit. Arguments are
        those of `run`.

        Raises:
            KeyError: A field does not exist.
            ValueError: A distance of less than one tick.
        """
        if every_ticks < 1:
            raise ValueError(f"every_ticks must be 1 or more, not {every_ticks}")
        return Batch(
            self._vcu,
            self._tick,
            self._run_digest,
            record=record,
            watch=watch,
            every_ticks=every_ticks,
            with_digests=with_digests,
        )

    def follow(self, batch: Batch) -> None:
        """Take over how far a batch has come."""
        self._tick = batch.tick
        self._run_digest = batch.run_digest
