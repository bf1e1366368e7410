"""ASAM MDF 4 with CAN bus logging.

A file may hold frames in several channel groups: by kind (data, error, remote), by bus or by
identifier. Each group is in order; the groups are merged by time. Groups without CAN frames are
counted.

Sorted files of records of fixed length are read natively, block by block. All others go to asammdf,
column-wise and whole: files that their logger never closed (file id ``UnFinMF``), unsorted ones,
data of variable length, and what is cut short or damaged in its tables.
"""

from __future__ import annotations

import gc
import gzip
import io
import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr._trace import ffi, lib
from d7xr.errors import TraceError
from d7xr.frames import FRAME_EXTENDED, FRAME_FD
from d7xr.trace.channels import Numbering, numbered
from d7xr.trace.inflate import DamagedBlockError, inflated
from d7xr.trace.mf4_tables import KINDS, DamagedTablesError, NotSureError, layout_of, tables_of
from d7xr.trace.model import Columns, Problem
from d7xr.trace.native import DOUBT, FD_BYTES, HUNGRY, NARROW, Block
from d7xr.trace.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from typing import IO

    from numpy.typing import NDArray

    from d7xr.trace.facts import Facts
    from d7xr.trace.mf4_tables import DataBlock, Group
    from d7xr.trace.source import Source

_DAMAGED: Final = "the file is damaged: copy or record it again"
_PORTION_BYTES: Final = 262_144
_PORTION_RECORDS: Final = 4096
_BEFORE_ALL_US: Final = -(1 << 63)
_ID_MASK: Final = 0x1FFF_FFFF
_ID_EXTENDED: Final = 0x8000_0000
_LOCAL_TIME: Final = 1
_NOT_FINALISED: Final = b"UnFinMF "


@dataclass(frozen=True, slots=True)
class _Part:
    """The frames of one channel group; ``bus`` is the file's channel number."""

    columns: Columns
    bus: NDArray[np.int64]


def _whole(source: Source) -> Reading:
    """Read an MDF 4 bus log; see `d7xr.trace` for the rules.

    The start in the header is UTC, unless the file says that it is local time.
    """
    raw = source.content()
    with _quiet(), _opened(raw, source) as mdf:
        return _reading(mdf, source, is_finished=not raw.startswith(_NOT_FINALISED))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep asammdf's own complaints off the terminal: what matters of them is told in our words.

    It prints to standard output and logs when it stumbles, and an object that failed to be built
    complains again when it is collected.
    """
    import logging

    log = logging.getLogger("asammdf")
    was_disabled, hook = log.disabled, sys.unraisablehook
    log.disabled, sys.unraisablehook = True, lambda _: None
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        log.disabled, sys.unraisablehook = was_disabled, hook


def _opened(raw: bytes, source: Source) -> Any:  # noqa: ANN401 - asammdf's class is untyped
    from asammdf import MDF

    try:
        return MDF(io.BytesIO(raw))
    except Exception as error:  # noqa: BLE001 - asammdf meets damage with errors of many kinds
        reason = f"{type(error).__name__}: {error}"
    gc.collect()  # the half-built object, while its complaint is still kept quiet
    raise TraceError(
        f"{source.path}: the tables of this MDF file cannot be read ({reason})",
        hint="the file is damaged or cut short: copy it again, or repair it with asammdf",
    )


def _reading(mdf: Any, source: Source, *, is_finished: bool) -> Reading:  # noqa: ANN401 - untyped
    problems: list[Problem] = []
    parts: list[_Part] = []
    if not is_finished:
        text = "the logger never closed this file: read to its last whole record"
        problems.append(Problem("unfinished", 1, "end of file", text))
    for index, group in enumerate(mdf.groups):
        count = int(group.channel_group.cycles_nr)
        names = {str(channel.name) for channel in group.channels}
        kind = next((kind for kind in KINDS if _has(names, kind)), None)
        if count == 0 or not names:
            continue
        if kind is None:
            problems.append(_other_group(index, count, names))
            continue
        part = _part(_Group(source.path, mdf, index, kind, names), count)
        missing = count - part.bus.size
        if missing:
            text = f"the last records of a group of {count} are cut short"
            place = f"group {index + 1}"
            problems.append(Problem("cut_short", missing, place, text, is_left_out=True))
        parts.append(part)
    columns, bus = _merged(parts)
    channel, channel_names = numbered(bus, source.path)
    header = mdf.header
    is_local = bool(header.time_flags & _LOCAL_TIME)
    return Reading(
        Columns(columns.time_us, channel, columns.id, columns.flags, columns.length, columns.data),
        channel_names=channel_names,
        zero_utc_us=None if is_local else (int(header.abs_time) + 500) // 1000,
        start_text=str(header.start_time),
        problems=problems,
    )


def _has(names: set[str], kind: str) -> bool:
    return f"{kind}.ID" in names


def _other_group(index: int, count: int, names: Collection[str]) -> Problem:
    """Count a group that holds no CAN frames: another bus, or signals already decoded."""
    name = min((name for name in names if "_" in name and "." not in name), default=min(names))
    text = f"records without CAN frames ({name})"
    return Problem("other_event", count, f"group {index + 1}", text, is_left_out=True)


@dataclass(frozen=True, slots=True)
class _Group:
    """One channel group with the fields of its frames."""

    path: Path
    mdf: Any
    index: int
    kind: str
    names: set[str]

    def has(self, field: str) -> bool:
        return f"{self.kind}.{field}" in self.names

    def field(self, name: str, count: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the first samples of a field and their times in seconds."""
        signal = self.mdf.get(
            f"{self.kind}.{name}", group=self.index, raw=True, record_offset=0, record_count=count
        )
        return np.asarray(signal.samples), np.asarray(signal.timestamps, dtype=np.float64)

    def integers(self, name: str, count: int, default: int = 0) -> NDArray[np.int64]:
        """Return a field as integers; the default where the group lacks it."""
        if not self.has(name):
            return np.full(count, default, dtype=np.int64)
        return self.field(name, count)[0].astype(np.int64)


def _part(group: _Group, count: int) -> _Part:
    """Read as many records of a group as are whole."""
    count = _whole_records(group, count)
    identifier, time_s = group.field("ID", count)
    identifier = identifier.astype(np.int64)
    data, length = _payload(group, count)
    is_extended = (group.integers("IDE", count) != 0) | ((identifier & _ID_EXTENDED) != 0)
    is_fd = group.integers("EDL", count) != 0
    flags = np.full(count, KINDS[group.kind], dtype=np.uint8)
    if group.kind != "CAN_ErrorFrame":
        flags |= np.where(is_extended, FRAME_EXTENDED, 0).astype(np.uint8)
        flags |= np.where(is_fd | (length > 8), FRAME_FD, 0).astype(np.uint8)
    columns = Columns(
        time_us=np.rint(time_s * 1e6).astype(np.int64),
        channel=np.zeros(count, dtype=np.uint8),
        id=(identifier & _ID_MASK).astype(np.uint32),
        flags=flags,
        length=length,
        data=data,
    )
    return _Part(columns, group.integers("BusChannel", count))


def _whole_records(group: _Group, count: int) -> int:
    """Return how many records can be read: in a file cut short the last payloads may be missing."""
    if _can_read(group, count):
        return count
    low, high = 0, count  # low can be read, high cannot
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _can_read(group, middle) else (low, middle)
    return low


def _can_read(group: _Group, count: int) -> bool:
    fields = ("ID", "DataBytes") if group.has("DataBytes") else ("ID",)
    try:
        return all(len(group.field(name, count)[0]) == count for name in fields)
    except Exception:  # noqa: BLE001 - asammdf meets missing bytes with errors of many kinds
        return False


def _payload(group: _Group, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the payloads, 8 or 64 bytes wide, zero behind the length, and the lengths."""
    if group.kind == "CAN_RemoteFrame":  # asks for a length and carries no byte
        length = np.minimum(group.integers("DLC", count), 8)
        return np.zeros((count, 8), dtype=np.uint8), length.astype(np.uint8)
    length = group.integers("DataLength" if group.has("DataLength") else "DLC", count)
    if not group.has("DataBytes"):
        return np.zeros((count, 8), dtype=np.uint8), np.zeros(count, dtype=np.uint8)
    stored = np.asarray(group.field("DataBytes", count)[0], dtype=np.uint8).reshape(count, -1)
    if count and int(length.max()) > stored.shape[1]:
        row = int(length.argmax())
        place = f"{group.path}: group {group.index + 1}, record {row + 1}"
        raise TraceError(
            f"{place}: {int(length[row])} bytes of data are announced, "
            f"{stored.shape[1]} are stored",
            hint=_DAMAGED,
        )
    width = 8 if int(length.max(initial=0)) <= 8 else 64
    data = np.zeros((count, width), dtype=np.uint8)
    kept = min(width, stored.shape[1])
    data[:, :kept] = stored[:, :kept]
    data[np.arange(width) >= length[:, None]] = 0
    return data, length.astype(np.uint8)


def _merged(parts: list[_Part]) -> tuple[Columns, NDArray[np.int64]]:
    """Merge groups by time; within a group the order of the file is kept, backward time or not."""
    width = max((part.columns.data.shape[1] for part in parts), default=8)
    columns = Columns(
        time_us=_joined((p.columns.time_us for p in parts), np.int64),
        channel=_joined((p.columns.channel for p in parts), np.uint8),
        id=_joined((p.columns.id for p in parts), np.uint32),
        flags=_joined((p.columns.flags for p in parts), np.uint8),
        length=_joined((p.columns.length for p in parts), np.uint8),
        data=np.concatenate(
            [np.zeros((0, width), dtype=np.uint8), *(_widened(p, width) for p in parts)]
        ),
    )
    bus = _joined((p.bus for p in parts), np.int64)
    if len(parts) < 2:
        return columns, bus
    key = _joined((np.maximum.accumulate(p.columns.time_us) for p in parts), np.int64)
    order = np.argsort(key, kind="stable")
    return columns.take(order), bus[order]


def _joined(pieces: Iterator[NDArray[Any]], dtype: Any) -> NDArray[Any]:  # noqa: ANN401 - any dtype
    return np.concatenate([np.zeros(0, dtype=dtype), *pieces]).astype(dtype)


def _widened(part: _Part, width: int) -> NDArray[np.uint8]:
    data = part.columns.data
    return np.pad(data, ((0, 0), (0, width - data.shape[1])))


def read(source: Source, facts: Facts) -> Iterator[Columns]:
    """Read an MDF 4 bus log; see `d7xr.trace` for the rules.

    The start in the header is UTC, unless the file says that it is local time.
    """
    with source.open() as raw:
        # A gzip stream cannot be read at any place: its content is held in memory.
        file = raw if raw.seekable() and not _is_unpacked(raw) else io.BytesIO(raw.read())
        try:
            reader = _Native(source.path, file, facts)
        except NotSureError:
            reader = None
        except DamagedTablesError as error:
            raise TraceError(f"{source.path}: {error}", hint=_DAMAGED) from error
        if reader is not None:
            yield from reader.blocks()
    if reader is None:
        yield from _whole(source).as_blocks(facts)


def _is_unpacked(file: IO[bytes]) -> bool:
    return isinstance(getattr(file, "raw", None), gzip.GzipFile)


class _Native:
    """A file of which all is understood, on its way into blocks.

    Raises:
        NotSureError: If it is not.
    """

    def __init__(self, path: Path, file: IO[bytes], facts: Facts) -> None:
        self._path = path
        self._file = file
        self._facts = facts
        tables = tables_of(file)
        self._groups = [group for group in tables.groups if group.kind is not None]
        layouts = [layout_of(group) for group in self._groups]
        if not 0 < len(layouts) <= lib.MF4_GROUPS:
            raise NotSureError(f"{len(layouts)} groups of frames")
        self._native: Any = ffi.new("trace_mf4_t *")
        self._native.groups = len(layouts)
        for number, layout in enumerate(layouts):
            self._native.of[number].layout = layout
            self._native.of[number].latest_us = _BEFORE_ALL_US
        self._windows: Any = ffi.new("mf4_window_t[]", len(layouts))
        self._portions = [self._portions_of(group) for group in self._groups]
        self._held: list[Any] = [None] * len(layouts)
        self._block = Block()
        self._numbering = Numbering(facts)
        facts.start_text, facts.zero_utc_us = tables.start_text, tables.zero_utc_us
        others = [group for group in tables.groups if group.kind is None]
        facts.problems += [_other_group(g.index, g.count, g.names) for g in others]
        self._others = sum(group.count for group in others)

    def blocks(self) -> Iterator[Columns]:
        native, progress = self._native, self._native.progress
        while True:
            lib.trace_mf4_read(native, self._windows, self._block.struct)
            if progress.stop == DOUBT:
                raise self._damage()
            if progress.stop != HUNGRY:
                if self._block.rows:
                    yield self._columns()
                self._block = Block(FD_BYTES if progress.stop == NARROW else self._block.width)
            elif native.group == native.groups:
                break
            else:
                self._supply(native.group)
        if self._block.rows:
            yield self._columns()
        self._facts.met = progress.records + self._others

    def _columns(self) -> Columns:
        self._facts.met = self._native.progress.records + self._others
        return self._numbering.see(self._block.columns())

    def _supply(self, number: int) -> None:
        """Push the next portion of a group's records."""
        window = self._windows[number]
        window.bytes, window.size, window.taken = ffi.NULL, 0, 0
        self._held[number] = None  # all of it was taken: two blocks need not be in memory
        portion = next(self._portions[number], None)
        if portion is None:
            self._native.of[number].is_ended = 1
            return
        held = ffi.from_buffer("uint8_t[]", portion)
        self._held[number] = held  # the window points into it
        window.bytes, window.size = held, len(portion)

    def _portions_of(self, group: Group) -> Iterator[bytes | bytearray | memoryview]:
        """Yield the bytes of a group's records, in portions of bounded size."""
        for block in group.data:
            if not block.is_deflated:
                yield from self._stored(block)
            elif block.columns:
                yield from _untransposed(self._inflated(block), block.columns)
            else:
                yield self._inflated(block)

    def _stored(self, block: DataBlock) -> Iterator[bytes]:
        for at in range(0, block.stored, _PORTION_BYTES):
            self._file.seek(block.at + at)
            yield self._file.read(min(_PORTION_BYTES, block.stored - at))

    def _inflated(self, block: DataBlock) -> bytes | bytearray:
        self._file.seek(block.at)
        reason = "it ends too early"
        try:
            content, _ = inflated(self._file.read(block.stored), block.size)
        except DamagedBlockError as error:
            content, reason = b"", str(error)
        if len(content) != block.size:
            raise TraceError(
                f"{self._path}: byte {block.at}: a deflated block is damaged ({reason})",
                hint="copy or record the file again",
            )
        return content

    def _damage(self) -> TraceError:
        """Return what the native reader met, in words."""
        native = self._native
        group = self._groups[native.group]
        place = f"group {group.index + 1}, record {native.of[native.group].records + 1}"
        if native.fault == lib.MF4_FAULT_LENGTH:
            stored = native.of[native.group].layout.data_bytes
            what = f"{place}: {native.value} bytes of data are announced, {stored} are stored"
        elif native.fault == lib.MF4_FAULT_CHANNEL:
            frame = native.progress.frames + 1
            what = f"channel {native.value} in frame {frame} is not plausible"
        else:
            what = f"{place}: its time is none"
        return TraceError(f"{self._path}: {what}", hint=_DAMAGED)


def _untransposed(content: bytes | bytearray, columns: int) -> Iterator[memoryview]:
    """Yield the records of a transposed block; bytes behind the last whole one stay as they are."""
    records = len(content) // columns
    held = ffi.from_buffer("uint8_t[]", content)
    block = ffi.new("mf4_transposed_t *", (held, records, columns))
    for first in range(0, records, _PORTION_RECORDS):
        count = min(_PORTION_RECORDS, records - first)
        portion = bytearray(count * columns)
        lib.trace_mf4_untranspose(block, first, count, ffi.from_buffer("uint8_t[]", portion))
        yield memoryview(portion)
    yield memoryview(content)[records * columns :]
