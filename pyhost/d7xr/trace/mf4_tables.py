"""The tables of an MDF 4 file, as far as they say where CAN frames are.

Only what is plain is understood: sorted groups with records of fixed length, little-endian fields,
data in ``DT`` and ``DZ`` blocks. Whatever else a file may have (unsorted or unfinished data, signal
data of variable length, invalidation bits, other byte orders) raises `NotSureError`.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from d7xr._trace import lib
from d7xr.frames import FRAME_ERROR, FRAME_REMOTE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

KINDS: Final = {
    "CAN_DataFrame": 0,
    "CAN_ErrorFrame": FRAME_ERROR,
    "CAN_RemoteFrame": FRAME_REMOTE,
}
"""Name of a frame's channel -> flag of all frames of its group."""

_HEADER: Final = struct.Struct("<4s4xQQ")
_FINISHED: Final = b"MDF     4."
_HD_ADDRESS: Final = 64
_MOST_BLOCK_BYTES: Final = 1 << 26
_MOST_IN_A_CHAIN: Final = 10_000
_MOST_BLOCKS: Final = 1_000_000
_LOCAL_TIME: Final = 1
_FIXED, _MASTER = 0, 2
_TIME: Final = 1
_UNSIGNED, _SIGNED, _FLOAT, _BYTES, _ODD = 0, 2, 4, 10, 255
_LINEAR: Final = 1


class NotSureError(Exception):
    """The file has something that is not understood here."""


class DamagedTablesError(Exception):
    """The tables contradict themselves: other readers would read beyond the end of a record."""


@dataclass(frozen=True, slots=True)
class Field:
    """One channel of a record.

    Attributes:
        byte: Where it begins.
        bit: Where it begins in that byte.
        bits: How many it has.
        kind: Its data type, as MDF numbers them.
        scale: Factor of its linear conversion.
        offset: What is added then.
    """

    byte: int
    bit: int
    bits: int
    kind: int
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class DataBlock:
    """One block of records.

    Attributes:
        at: Address of its bytes in the file.
        stored: How many there are.
        size: How many they are once inflated.
        columns: Bytes of a record if the block is transposed, else 0.
        is_deflated: Whether it is.
    """

    at: int
    stored: int
    size: int
    columns: int
    is_deflated: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One channel group with records.

    Attributes:
        index: Number of the group in the file, from 0.
        count: Records in it.
        record_bytes: Bytes of a record.
        time: Its master channel.
        kind: One of `KINDS`, or None for a group that holds no CAN frames.
        fields: Name of a frame's field -> where it is.
        names: Of all channels.
        data: Its blocks.
    """

    index: int
    count: int
    record_bytes: int
    time: Field
    kind: str | None
    fields: dict[str, Field]
    names: frozenset[str]
    data: tuple[DataBlock, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """What a file says of itself.

    Attributes:
        start_text: Its start.
        zero_utc_us: The same in UTC, Unix microseconds; None where it is local time.
        groups: Groups that have records.
    """

    start_text: str
    zero_utc_us: int | None
    groups: tuple[Group, ...]


def tables_of(file: IO[bytes]) -> Tables:
    """Read the tables of a file.

    Raises:
        NotSureError: If they hold something that is not understood here.
        DamagedTablesError: If a channel lies outside of its record.
    """
    try:
        tables = _Tables(file)
        tables.check_channels()
        return tables.read()
    except (struct.error, ValueError, IndexError, OverflowError, OSError) as error:
        raise NotSureError(str(error)) from error


class _Tables:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)

    def check_channels(self) -> None:
        """Check that all channels of all groups lie within their records, of whatever kind."""
        links, _ = self._block(_HD_ADDRESS, b"##HD")
        for group_links, _ in self._chain(links[0], b"##DG"):
            for channel_links, data in self._chain(group_links[1], b"##CG"):
                record_bytes, invalid_bytes = struct.unpack_from("<II", data, 24)
                listed = self._channels(channel_links[1], [], depth=0)
                for name, place in listed:
                    if (
                        place.byte + (place.bit + place.bits + 7) // 8
                        > record_bytes + invalid_bytes
                    ):
                        raise DamagedTablesError(f"channel {name} lies outside of its record")

    def read(self) -> Tables:
        if not self._bytes(0, 64).startswith(_FINISHED):
            raise NotSureError("not finished")
        links, data = self._block(_HD_ADDRESS, b"##HD")
        start_ns, zone_min, summer_min, flags = struct.unpack_from("<QhhB", data)
        is_local = bool(flags & _LOCAL_TIME)
        return Tables(
            start_text=_start_text(start_ns, zone_min + summer_min, is_local=is_local),
            zero_utc_us=None if is_local else (start_ns + 500) // 1000,
            groups=tuple(self._groups(links[0])),
        )

    def _bytes(self, address: int, size: int) -> bytes:
        self._file.seek(address)
        content = self._file.read(size)
        if len(content) != size:
            raise NotSureError(f"byte {address}: {size} bytes are not there")
        return content

    def _block(self, address: int, kind: bytes) -> tuple[tuple[int, ...], bytes]:
        """Return links and data of a block."""
        found, size, count = _HEADER.unpack(self._bytes(address, _HEADER.size))
        if found != kind or not 8 * count <= size - _HEADER.size <= _MOST_BLOCK_BYTES:
            raise NotSureError(f"byte {address}: {found!r} where {kind!r} should be")
        content = self._bytes(address + _HEADER.size, size - _HEADER.size)
        return struct.unpack_from(f"<{count}Q", content), content[8 * count :]

    def _chain(self, address: int, kind: bytes) -> Iterator[tuple[tuple[int, ...], bytes]]:
        """Yield blocks of which each names the next one first."""
        for _ in range(_MOST_IN_A_CHAIN):
            if not address:
                return
            links, data = self._block(address, kind)
            yield links, data
            address = links[0]
        raise NotSureError(f"a chain of {kind!r} without end")

    def _groups(self, address: int) -> Iterator[Group]:
        for index, (links, data) in enumerate(self._chain(address, b"##DG")):
            groups = list(self._chain(links[1], b"##CG"))
            if len(groups) != 1 or data[0] != 0:
                raise NotSureError("unsorted records")
            (group_links, group), *_ = groups
            _, count, flags, _, record_bytes, invalid_bytes = struct.unpack_from("<QQHH4xII", group)
            if count == 0:
                continue
            if flags & ~0x6 or invalid_bytes or len(group_links) != 6:  # 2, 4: bus logging
                raise NotSureError("a group of another kind")
            blocks = tuple(islice(self._data(links[2]), _MOST_BLOCKS))
            if sum(block.size for block in blocks) != count * record_bytes:
                raise NotSureError("another number of records than the table says")
            yield self._group(index, count, record_bytes, group_links[1], blocks)

    def _group(
        self, index: int, count: int, record_bytes: int, channels: int, data: tuple[DataBlock, ...]
    ) -> Group:
        time: list[Field] = []
        listed = list(self._channels(channels, time, depth=0))
        found = dict(listed)
        if len(found) != len(listed):
            raise NotSureError("two channels of one name")
        kind = next((kind for kind in KINDS if f"{kind}.ID" in found), None)
        if len(time) != 1:
            raise NotSureError("no master of time, or several")
        fields: dict[str, Field] = {}
        for name, of in found.items():
            prefix, _, field = name.partition(".")
            if kind is not None and prefix == kind and field:
                fields[field] = of
        return Group(
            index=index,
            count=count,
            record_bytes=record_bytes,
            time=time[0],
            kind=kind,
            fields=fields,
            names=frozenset(found),
            data=data,
        )

    def _channels(self, address: int, time: list[Field], depth: int) -> Iterator[tuple[str, Field]]:
        """Yield name and place of each channel and of those that it is made of.

        Args:
            address: Of the first channel.
            time: Where masters go.
            depth: How deep in others.
        """
        if depth > 2:
            raise NotSureError("channels in channels in channels")
        for links, data in self._chain(address, b"##CN"):
            kind, sync, data_type, bit, byte, bits = struct.unpack_from("<BBBBII", data)
            scale, offset = self._conversion(links[4]) if kind == _MASTER else (1.0, 0.0)
            plain = data_type if kind in (_FIXED, _MASTER) else _ODD
            field = Field(byte, bit, bits, plain, scale, offset)
            if kind == _MASTER and sync == _TIME:
                time.append(field)
            yield self._text(links[2]), field
            if links[1]:
                yield from self._channels(links[1], time, depth + 1)

    def _text(self, address: int) -> str:
        _, data = self._block(address, b"##TX")
        return data.partition(b"\0")[0].decode("utf-8")

    def _conversion(self, address: int) -> tuple[float, float]:
        """Return factor and offset of a linear conversion."""
        if not address:
            return 1.0, 0.0
        _, data = self._block(address, b"##CC")
        kind, _, _, _, values = struct.unpack_from("<BBHHH", data)
        if kind == 0:
            return 1.0, 0.0
        if kind != _LINEAR or values != 2:
            raise NotSureError("time that is not linear")
        offset, scale = struct.unpack_from("<dd", data, 24)
        return scale, offset

    def _data(self, address: int) -> Iterator[DataBlock]:
        """Yield the blocks that hold the records of a group."""
        if not address:
            return
        kind, _, _ = _HEADER.unpack(self._bytes(address, _HEADER.size))
        if kind == b"##HL":
            links, _ = self._block(address, b"##HL")
            yield from self._list(links[0])
        elif kind == b"##DL":
            yield from self._list(address)
        else:
            yield self._data_block(address)

    def _list(self, address: int) -> Iterator[DataBlock]:
        for links, _ in self._chain(address, b"##DL"):
            for place in links[1:]:
                yield self._data_block(place)

    def _data_block(self, address: int) -> DataBlock:
        kind, size, _ = _HEADER.unpack(self._bytes(address, _HEADER.size))
        at = address + _HEADER.size
        if kind == b"##DT":
            return self._within(DataBlock(at, size - _HEADER.size, size - _HEADER.size, 0, False))
        if kind != b"##DZ":
            raise NotSureError(f"data in {kind!r}")
        of, zipped, columns, unpacked, packed = struct.unpack("<2sBxIQQ", self._bytes(at, 24))
        if of != b"DT" or zipped > 1 or unpacked > _MOST_BLOCK_BYTES or (zipped and not columns):
            raise NotSureError("data deflated in another way")
        return self._within(
            DataBlock(at + 24, packed, unpacked, columns if zipped else 0, is_deflated=True)
        )

    def _within(self, block: DataBlock) -> DataBlock:
        if block.stored < 0 or block.at + block.stored > self._size:
            raise NotSureError("data that runs past the end of the file")
        return block


def _start_text(start_ns: int, zone_min: int, *, is_local: bool) -> str:
    """Return the start as asammdf writes it."""
    zone = timezone(timedelta(minutes=0 if is_local else zone_min))
    start = datetime.fromtimestamp(start_ns / 10**9, zone)
    return str(start.replace(tzinfo=None) if is_local else start)


def layout_of(group: Group) -> dict[str, Any]:
    """Return the fields of a group's records for the native reader, ``mf4_layout_t``.

    Raises:
        NotSureError: If one is not where it could be read.
    """
    if not lib.MF4_RECORD_LEAST_BYTES <= group.record_bytes <= lib.MF4_RECORD_MOST_BYTES:
        raise NotSureError(f"records of {group.record_bytes} bytes")
    kind = KINDS[group.kind or ""]
    data = group.fields.get("DataBytes")
    length = group.fields.get("DataLength", group.fields.get("DLC"))
    if kind == FRAME_REMOTE:
        data, length = None, group.fields.get("DLC")
    elif data is None:
        length = None
    size = 0 if data is None else _bytes_of(group, data)
    head = None if data is None else Field(data.byte, 0, 8 * min(size, 8), _UNSIGNED)
    layout: dict[str, Any] = {
        "id": group.fields["ID"],
        "is_extended": group.fields.get("IDE"),
        "is_fd": group.fields.get("EDL"),
        "length": length,
        "bus": group.fields.get("BusChannel"),
        "data": head,
    }
    layout = {name: _loaded(group, field) for name, field in layout.items()}
    return layout | {
        "time": _loaded(group, Field(group.time.byte, group.time.bit, group.time.bits, _UNSIGNED)),
        "scale_s": group.time.scale,
        "offset_s": group.time.offset,
        "time_kind": _time_kind(group.time),
        "record_bytes": group.record_bytes,
        "data_at": 0 if data is None else data.byte,
        "data_bytes": size,
        "kind": kind,
    }


def _bytes_of(group: Group, data: Field) -> int:
    """Return how many bytes of data a record stores."""
    size = data.bits // 8
    is_whole = data.kind == _BYTES and data.bit == 0 and data.bits == 8 * size
    if not is_whole or not 0 < size <= 64 or data.byte + size > group.record_bytes:
        raise NotSureError("bytes of data of another kind")
    return size


def _time_kind(time: Field) -> int:
    is_plain = time.scale == 1.0 and time.offset == 0.0
    known: dict[tuple[int, int], int] = {
        (_FLOAT, 64): lib.MF4_TIME_FLOAT64,
        (_FLOAT, 32): lib.MF4_TIME_FLOAT32,
    }
    if time.kind == _UNSIGNED:
        return int(lib.MF4_TIME_UNSIGNED)
    if time.kind == _SIGNED:
        return int(lib.MF4_TIME_SIGNED)
    if (time.kind, time.bits) not in known or (time.bits == 32 and not is_plain):
        raise NotSureError("time of another kind")
    return known[time.kind, time.bits]


def _loaded(group: Group, field: Field | None) -> dict[str, int]:
    """Return how to load a field with eight bytes of its record."""
    if field is None:
        return {"mask": 0, "at": 0, "shift": 0}
    at = min(field.byte, group.record_bytes - 8)
    shift = 8 * (field.byte - at) + field.bit
    if field.kind != _UNSIGNED or not 0 < field.bits <= 64 - shift:
        raise NotSureError("a field of another kind")
    return {"mask": (1 << field.bits) - 1, "at": at, "shift": shift}
