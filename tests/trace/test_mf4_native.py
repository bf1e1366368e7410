"""MDF 4 read natively: what asammdf reads, and no word of it where that is not sure."""

import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import can
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from d7xr.errors import TraceError
from d7xr.trace import Trace, inflate, mf4, native, read_trace, stream_trace
from d7xr.trace.mf4_tables import (
    DamagedTablesError,
    DataBlock,
    Field,
    Group,
    NotSureError,
    layout_of,
    tables_of,
)
from tests.recordings import recordings
from tests.trace.helpers import Row, put, recorded, refusal, rows, write

SORTED = (
    "s550_drive.mf4",
    "canedge_drive_1.mf4",
    "canedge_drive_5.mf4",
    "canedge_j1939_idle.mf4",
)
FIELDS = (
    ("BusChannel", "u1"),
    ("ID", "<u4"),
    ("IDE", "u1"),
    ("DLC", "u1"),
    ("DataLength", "u1"),
    ("DataBytes", "(8,)u1"),
    ("EDL", "u1"),
)


def not_sure(*_: object) -> None:
    """Stand in for a reader of tables that understands nothing."""
    raise NotSureError("nothing")


def by_asammdf(path: Path) -> Trace:
    """Read a file by the way that is taken where the native reader is not sure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mf4, "tables_of", not_sure)
        return read_trace(path)


def content(trace: Trace) -> tuple[list[Row], object]:
    """Return all that a trace says."""
    told = (trace.channel_names, trace.start_utc_us, trace.start_text, trace.problems)
    return rows(trace), told


def frames(count: int, seed: int) -> NDArray[np.void]:
    """Make up frames of a bus log."""
    generator = np.random.default_rng(seed)
    frame = np.zeros(count, [(f"CAN_DataFrame.{name}", kind) for name, kind in FIELDS])
    frame["CAN_DataFrame.BusChannel"] = generator.integers(0, 3, count)
    frame["CAN_DataFrame.IDE"] = generator.integers(0, 2, count)
    frame["CAN_DataFrame.ID"] = generator.integers(0, 0x800, count)
    frame["CAN_DataFrame.DataLength"] = generator.integers(0, 9, count)
    frame["CAN_DataFrame.DLC"] = frame["CAN_DataFrame.DataLength"]
    frame["CAN_DataFrame.DataBytes"] = generator.integers(0, 256, (count, 8))
    return frame


def logged(
    path: Path, time_s: NDArray[np.float64], *, compression: Literal[0, 1, 2], fragment: int
) -> Path:
    """Let asammdf write frames at these times, in blocks of about so many bytes."""
    from asammdf import MDF, Signal

    with MDF(version="4.10") as mdf:
        mdf.configure(write_fragment_size=fragment)
        mdf.append(Signal(frames(time_s.size, 7), time_s, name="CAN_DataFrame"))
        return Path(mdf.save(path, compression=compression, overwrite=True))


@pytest.fixture
def without_asammdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which only the native reader works."""
    monkeypatch.setattr(mf4, "_whole", not_sure)


@pytest.mark.usefixtures("without_asammdf")
@pytest.mark.parametrize("name", SORTED)
def test_a_sorted_recording_needs_no_asammdf_and_is_read_by_blocks(name: str) -> None:
    stream = stream_trace(recordings() / "can" / name)

    sizes = [len(block.id) for block in stream]

    assert sum(sizes) == stream.met == stream.records == len(recorded(name))
    assert max(sizes) <= native.ROWS
    assert (stream.plain, stream.careful) == (0, 0)


@pytest.mark.parametrize("name", SORTED)
def test_a_recording_reads_as_asammdf_reads_it(name: str) -> None:
    path = recordings() / "can" / name

    assert content(read_trace(path)) == content(by_asammdf(path))


@settings(max_examples=30)
@given(
    step_us=st.lists(st.integers(-50, 400), min_size=1, max_size=300),
    compression=st.sampled_from([0, 1, 2]),
    portion=st.integers(1, 400),
)
def test_whatever_asammdf_writes_it_reads_as_we_do(
    step_us: list[int],
    compression: Literal[0, 1, 2],
    portion: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.mf4"
    logged(path, np.cumsum(step_us) / 1e6, compression=compression, fragment=1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mf4, "_PORTION_BYTES", portion)
        patch.setattr(mf4, "_PORTION_RECORDS", portion)
        patch.setattr(mf4, "_whole", not_sure)

        mine = content(read_trace(path))

    assert mine == content(by_asammdf(path))


_kinds = st.sampled_from(["data", "remote", "error", "fd"])


def message(index: int, kind: str, step_us: int) -> can.Message:
    return can.Message(
        timestamp=10.0 + step_us / 1e6,
        arbitration_id=index,
        is_extended_id=bool(index % 2),
        is_remote_frame=kind == "remote",
        is_error_frame=kind == "error",
        is_fd=kind == "fd",
        dlc=3 if kind == "remote" else None,
        data=None if kind == "remote" else bytes([index % 256] * (12 if kind == "fd" else 5)),
        channel=index % 3,
    )


@settings(max_examples=30)
@given(sent=st.lists(st.tuples(_kinds, st.integers(0, 30)), min_size=1, max_size=30))
def test_groups_are_merged_as_they_are_by_asammdf(
    sent: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "groups.mf4"
    write(path, [message(i, kind, step_us) for i, (kind, step_us) in enumerate(sent)])

    assert content(read_trace(path)) == content(by_asammdf(path))


def test_of_equal_times_the_earlier_group_is_first(tmp_path: Path) -> None:
    kinds = [("remote", 1), ("remote", 2), ("data", 2), ("error", 2), ("data", 3), ("remote", 3)]
    sent = [message(i, kind, step_us) for i, (kind, step_us) in enumerate(kinds)]

    trace = read_trace(write(tmp_path / "t.mf4", sent))

    assert trace.id.tolist() == [0, 2, 3, 1, 4, 5]


def test_the_groups_that_python_can_writes_need_no_asammdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("data", "remote", "error", "fd")
    path = write(tmp_path / "t.mf4", [message(i, kind, i) for i, kind in enumerate(kinds)])
    monkeypatch.setattr(mf4, "_whole", not_sure)

    assert read_trace(path).id.tolist() == [0, 1, 2, 3]


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_byte_is_refused_or_reads_as_asammdf_reads_it(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole = folder / "whole.mf4"
    if not whole.is_file():
        logged(whole, np.arange(60) / 1e3, compression=2, fragment=1000)
    raw = bytearray(whole.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1), label="at")
    raw[at] ^= data.draw(st.integers(1, 255), label="change")
    path = put(folder, bytes(raw), "damaged.mf4")
    with path.open("rb") as file:
        try:
            tables_of(file)
        except (NotSureError, DamagedTablesError):
            return  # refused, or asammdf's turn: there is nothing to compare

    try:
        mine = content(read_trace(path))
    except TraceError:
        return
    with suppress(TraceError):  # it also looks at what is of no use here
        assert mine[0] == content(by_asammdf(path))[0]


@pytest.mark.parametrize("library", ["deflate", "zlib"])
def test_a_damaged_block_is_refused_with_its_place(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = logged(tmp_path / "t.mf4", np.arange(60) / 1e3, compression=1, fragment=1 << 20)
    with path.open("rb") as file:
        (block,) = tables_of(file).groups[0].data
    raw = bytearray(path.read_bytes())
    raw[block.at + block.stored - 1] ^= 1  # of the checksum
    path.write_bytes(raw)
    if library == "zlib":
        monkeypatch.setattr(inflate, "_fast", lambda: None)

    message, hint = refusal(lambda: read_trace(path))

    assert message.startswith(f"{path}: byte {block.at}: a deflated block is damaged (Error -3")
    assert hint == "copy or record the file again"


def test_a_time_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    time_s = np.arange(60) / 1e3
    time_s[41] = np.nan
    path = logged(tmp_path / "t.mf4", time_s, compression=0, fragment=1 << 20)

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}: group 1, record 42: its time is none"


@pytest.mark.parametrize(
    ("at", "form", "value", "reason"),
    [
        (0, "<8s", b"UnFinMF ", "not finished"),
        (64, "<4s", b"##XX", "byte 64: b'##XX' where b'##HD' should be"),
        (64 + 24, "<Q", 1 << 40, "are not there"),
    ],
)
def test_tables_that_are_not_understood_are_left_to_asammdf(
    at: int, form: str, value: object, reason: str, tmp_path: Path
) -> None:
    path = logged(tmp_path / "t.mf4", np.arange(60) / 1e3, compression=0, fragment=1 << 20)
    raw = bytearray(path.read_bytes())
    struct.pack_into(form, raw, at, value)
    path.write_bytes(raw)

    with path.open("rb") as file, pytest.raises(NotSureError, match=reason):
        tables_of(file)


def test_a_channel_outside_of_its_record_is_refused_before_asammdf_would_crash_on_it(
    tmp_path: Path,
) -> None:
    path = logged(tmp_path / "t.mf4", np.arange(60) / 1e3, compression=0, fragment=1 << 20)
    raw = bytearray(path.read_bytes())
    at = raw.index(struct.pack("<BBBBII", 0, 0, 0, 0, 9, 32))  # CAN_DataFrame.ID
    struct.pack_into("<I", raw, at + 4, 0x8000_0009)
    path.write_bytes(raw)

    message, hint = refusal(lambda: read_trace(path))

    assert message == f"{path}: channel CAN_DataFrame.ID lies outside of its record"
    assert hint == "the file is damaged: copy or record it again"


GROUP = Group(
    index=0,
    count=1,
    record_bytes=20,
    time=Field(0, 0, 64, 4),
    kind="CAN_DataFrame",
    fields={"ID": Field(8, 0, 32, 0), "DataBytes": Field(12, 0, 64, 10)},
    names=frozenset(),
    data=(DataBlock(0, 20, 20, 0, is_deflated=False),),
)


def test_a_plain_group_can_be_loaded() -> None:
    layout = layout_of(GROUP)

    assert (layout["data_at"], layout["data_bytes"], layout["record_bytes"]) == (12, 8, 20)
    assert layout["id"] == {"mask": 0xFFFF_FFFF, "at": 8, "shift": 0}


@pytest.mark.parametrize(
    "group",
    [
        replace(GROUP, record_bytes=7),
        replace(GROUP, record_bytes=513),
        replace(GROUP, time=Field(0, 0, 64, 5)),  # big-endian
        replace(GROUP, time=Field(0, 0, 32, 4, scale=2.0)),  # asammdf scales it as float32
        *[
            replace(GROUP, fields=GROUP.fields | changed)
            for changed in (
                {"ID": Field(8, 0, 32, 1)},  # big-endian
                {"ID": Field(17, 0, 32, 0)},
                {"DataBytes": Field(13, 0, 64, 10)},
                {"DataBytes": Field(12, 0, 60, 10)},
                {"DataBytes": Field(12, 0, 64, 0)},
            )
        ],
    ],
)
def test_fields_that_cannot_be_loaded_are_left_to_asammdf(group: Group) -> None:
    with pytest.raises(NotSureError):
        layout_of(group)
