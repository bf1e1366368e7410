"""Vector binary logs: whole, cut short, damaged."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import can
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d7xr.errors import TraceError
from d7xr.frames import FRAME_ERROR, FRAME_FD
from d7xr.trace import inflate, read_trace
from tests.recordings import recordings
from tests.trace.helpers import kinds, problem, put, recorded, refusal, row_of, rows, write

START_S = 1_600_000_000.0


def messages(count: int) -> list[can.Message]:
    return [
        can.Message(
            timestamp=START_S + i * 0.001,
            arbitration_id=i % 0x800,
            is_extended_id=False,
            data=i.to_bytes(8, "little"),
            channel=i % 2,
        )
        for i in range(count)
    ]


def blf(folder: Path, count: int, *, level: int = 6, container_bytes: int) -> bytes:
    """Return a log as python-can writes it."""
    path = folder / "whole.blf"
    with can.BLFWriter(
        str(path), compression_level=level, max_container_size=container_bytes
    ) as writer:
        for message in messages(count):
            writer(message)
    return path.read_bytes()


def custom(*objects: bytes, method: int = 0) -> bytes:
    """Return a log of one container that holds these objects."""
    content = b"".join(objects)
    body = struct.pack("<H6xL4x", method, len(content)) + content
    container = struct.pack("<4sHHLL", b"LOBJ", 16, 1, 16 + len(body), 10) + body
    header = struct.pack("<4sLBBBBBBBBQQLL8H8H", b"LOGG", 144, *[0] * 28).ljust(144, b"\0")
    return header + container


def item(kind: int, body: bytes, *, version: int = 1, flags: int = 2, stamp: int = 0) -> bytes:
    """Return one object with a version 1 header."""
    header = struct.pack("<4sHHLL", b"LOBJ", 32, version, 32 + len(body), kind)
    return header + struct.pack("<LHHQ", flags, 0, 0, stamp) + body


EMPTY_OBJECT = struct.pack("<4sHHLL", b"LOBJ", 32, 1, 0, 1)
FRAME = struct.pack("<HBBL8s", 1, 0, 2, 0x123, b"\x11\x22")


def test_what_python_can_writes_is_read_back(tmp_path: Path) -> None:
    sent = [
        can.Message(timestamp=START_S, arbitration_id=0x123, is_extended_id=False, data=[1, 2]),
        can.Message(timestamp=START_S + 0.001, arbitration_id=0x1234567, data=[], channel=3),
        can.Message(timestamp=START_S + 0.002, arbitration_id=5, is_remote_frame=True, dlc=3),
        can.Message(timestamp=START_S + 0.003, arbitration_id=6, is_fd=True, data=bytes(64)),
        can.Message(timestamp=START_S + 0.004, arbitration_id=7, is_error_frame=True),
    ]

    trace = read_trace(write(tmp_path / "can.blf", sent))

    channels = [0, 3, 0, 0, 0]
    assert rows(trace) == [row_of(m, c, START_S) for m, c in zip(sent, channels, strict=True)]
    assert trace.start_text == "2020-09-13 12:26:40.000"
    assert trace.start_utc_us is None
    assert kinds(trace) == {}


def test_an_fd_object_of_the_64_byte_kind_is_read(tmp_path: Path) -> None:
    body = struct.pack("<BBBBLLLLLLLHBBL", 2, 9, 12, 0, 0x123, 0, 0x1000, *[0] * 8) + b"\xab" * 12

    trace = read_trace(put(tmp_path, custom(item(101, body)), "t.blf"))

    assert rows(trace) == [(0, 1, 0x123, FRAME_FD, 12, "AB" * 12)]


def test_stamps_of_ten_microseconds_and_of_nanoseconds_are_told_apart(tmp_path: Path) -> None:
    content = custom(item(1, FRAME, flags=1, stamp=7), item(1, FRAME, flags=2, stamp=70_600))

    assert read_trace(put(tmp_path, content, "t.blf")).time_us.tolist() == [70, 71]


def test_channel_0_is_kept(tmp_path: Path) -> None:
    zero = struct.pack("<HBBL8s", 0, 0, 2, 0x123, b"\x11\x22")

    trace = read_trace(put(tmp_path, custom(item(1, zero), item(1, FRAME)), "t.blf"))

    assert trace.channel.tolist() == [0, 1]
    assert trace.channel_names == ("0", "1")


def test_an_error_frame_of_the_old_kind_is_delivered(tmp_path: Path) -> None:
    old = item(2, struct.pack("<HH", 2, 0))  # python-can: skipped

    trace = read_trace(put(tmp_path, custom(old, item(1, FRAME)), "t.blf"))

    assert rows(trace)[0] == (0, 1, 0, FRAME_ERROR, 0, "")


def test_more_kinds_of_objects_than_are_told_apart_are_counted_all_the_same(tmp_path: Path) -> None:
    content = custom(item(1, FRAME), *[item(200 + i, b"") for i in range(60)])

    trace = read_trace(put(tmp_path, content, "t.blf"))

    assert (len(trace), trace.records) == (1, 61)
    assert "of many more kinds 13" in problem(trace, "other_event").text


def test_objects_outside_of_containers_are_read(tmp_path: Path) -> None:
    trace = read_trace(put(tmp_path, custom() + item(1, FRAME), "t.blf"))

    assert len(trace) == 1


def test_objects_that_are_no_frames_are_counted_by_kind(tmp_path: Path) -> None:
    content = custom(
        item(1, FRAME), item(96, b"\0" * 40), item(4, b"\0" * 32), item(250, b"\0\0\0\0"),
        item(1, FRAME, version=9),
    )  # fmt: skip

    trace = read_trace(put(tmp_path, content, "t.blf"))

    assert (len(trace), trace.records) == (1, 5)
    assert problem(trace, "other_event").place == "object 2"
    assert problem(trace, "other_event").text == (
        "records that are no CAN frames: marker 1, CAN statistics 1, object type 250 1, "
        "header version 9 1"
    )


@pytest.mark.parametrize("fraction", [0.999, 0.7, 0.4])
@pytest.mark.parametrize("level", [0, 6])
def test_what_was_whole_before_a_cut_is_delivered_and_the_cut_is_told(
    fraction: float, level: int, tmp_path: Path
) -> None:
    whole = blf(tmp_path, 500, level=level, container_bytes=2048)
    path = put(tmp_path, whole[: int(len(whole) * fraction)], "cut.blf")

    trace = read_trace(path)

    assert 0.5 * fraction * 500 < len(trace) < 500
    assert rows(trace) == [row_of(m, i % 2, START_S) for i, m in enumerate(messages(len(trace)))]
    assert problem(trace, "cut_short").is_left_out


def test_no_cut_of_a_log_crashes_or_goes_unnoticed(tmp_path: Path) -> None:
    whole = blf(tmp_path, 60, container_bytes=512)

    for cut in range(len(whole)):
        path = put(tmp_path, whole[:cut], "cut.blf")
        with suppress(TraceError):  # refused: nothing is readable yet
            assert kinds(read_trace(path)) == {"cut_short": 1}


def test_an_object_cut_short_in_a_log_that_was_never_closed_is_told(tmp_path: Path) -> None:
    content = custom(item(1, FRAME), item(1, FRAME)[:20])

    trace = read_trace(put(tmp_path, content, "open.blf"))

    assert (len(trace), trace.records) == (1, 2)
    assert problem(trace, "cut_short").place == "object 2"


def test_the_recorded_drive_cut_in_half_is_read_up_to_there(tmp_path: Path) -> None:
    content = (recordings() / "can" / "s550_drive.blf").read_bytes()

    trace = read_trace(put(tmp_path, content[: len(content) // 2], "half.blf"))

    assert 40_000 < len(trace) < 50_000
    assert rows(trace) == rows(recorded("s550_drive.blf"))[: len(trace)]
    assert kinds(trace) == {"cut_short": 1}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"LOGG", "is cut short within its header"),
        (custom(item(1, FRAME), b"\xff" * 64), "object 2: no object where one should begin"),
        (custom(item(1, FRAME), EMPTY_OBJECT), "object 2: an object of 0 bytes"),
        (custom(item(1, FRAME[:6])), "object 1: a frame object of 38 bytes"),
        (custom(item(1, FRAME), method=7), "container 1: unknown compression 7"),
        (custom(item(1, FRAME), method=2), "container 1 is damaged (Error -3"),
        (custom(item(1, FRAME)) + b"\xff" * 64, "byte 224: no object where one should begin"),
        (custom(item(1, b"\xff\xff" + FRAME[2:])), "channel 65535 in frame 1 is not plausible"),
        (custom(), "holds no CAN frame"),
    ],
)  # fmt: skip
def test_damage_is_refused_with_its_place(content: bytes, what: str, tmp_path: Path) -> None:
    path = put(tmp_path, content, "bad.blf")

    message, hint = refusal(lambda: read_trace(path))

    assert message.startswith(f"{path}: {what}")
    assert hint


@pytest.mark.parametrize(
    ("level", "at", "what"),
    [
        (6, 144 + 8, "container 1: runs past the end of the file"),
        (0, 144 + 32 + 59 * 48 + 8, "object 60: runs past the end of the file"),
        (0, 144 + 32 + 11, "object 1: an object of 1996488752 bytes"),
    ],
)
def test_a_damaged_size_in_a_whole_file_is_no_cut(
    level: int, at: int, what: str, tmp_path: Path
) -> None:
    content = bytearray(blf(tmp_path, 60, level=level, container_bytes=1 << 17))
    content[at] ^= 0x77 if at % 48 == 43 else 0x40

    path = put(tmp_path, bytes(content), "bad.blf")

    assert refusal(lambda: read_trace(path))[0] == f"{path}: {what}"


@given(at=st.integers(0, 144 + 32 + 20 * 48 - 1), value=st.integers(0, 255))
def test_no_single_damaged_byte_crashes(
    at: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(blf(folder, 20, level=0, container_bytes=1 << 17))
    content[at] = value

    with suppress(TraceError):  # refused: the only other end
        assert read_trace(put(folder, bytes(content), "bad.blf")).records >= 20


def test_a_container_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    packed = zlib.compress(item(1, FRAME) * 50)[:-20]
    body = struct.pack("<H6xL4x", 2, 2400) + packed
    container = struct.pack("<4sHHLL", b"LOBJ", 16, 1, 16 + len(body), 10) + body
    path = put(tmp_path, custom()[:144] + container + b"\0" * 64, "bad.blf")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}: container 1 ends too early"


_message = st.builds(
    can.Message,
    timestamp=st.integers(0, 10**9).map(lambda us: START_S + us / 1e6),
    arbitration_id=st.integers(0, 0x7FF),
    is_extended_id=st.booleans(),
    is_remote_frame=st.just(value=False),
    is_fd=st.just(value=False),
    channel=st.integers(0, 3),
    data=st.binary(max_size=8),
) | st.builds(
    can.Message,
    timestamp=st.integers(0, 10**9).map(lambda us: START_S + us / 1e6),
    arbitration_id=st.integers(0, 0x1FFF_FFFF),
    is_fd=st.just(value=True),
    channel=st.integers(0, 3),
    data=st.sampled_from([0, 1, 8, 12, 20, 64]).map(bytes),
)


@given(
    sent=st.lists(_message, min_size=1, max_size=40),
    level=st.sampled_from([0, 1, 9]),
    container_bytes=st.integers(130, 600),
)
def test_whatever_python_can_writes_it_reads_as_we_do(
    sent: list[can.Message],
    level: int,
    container_bytes: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.blf"
    with can.BLFWriter(
        str(path), compression_level=level, max_container_size=container_bytes
    ) as writer:
        for message in sent:
            writer(message)
    with can.BLFReader(str(path)) as reader:
        theirs = list(reader)

    trace = read_trace(path)

    start_s = theirs[0].timestamp - trace.time_us[0] / 1e6
    ours = rows(trace)
    assert trace.channel_names == tuple(str(1 + n) for n in range(max(trace.channels) + 1))
    assert trace.channel.tolist() == [message.channel for message in theirs]
    others = [row_of(m, mine[1], start_s) for m, mine in zip(theirs, ours, strict=True)]
    assert [row[1:] for row in ours] == [row[1:] for row in others]
    assert all(abs(a[0] - b[0]) <= 1 for a, b in zip(ours, others, strict=True))


def test_zlib_inflates_what_the_faster_library_does_or_where_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = rows(recorded("s550_drive.blf"))

    monkeypatch.setattr(inflate, "_fast", lambda: None)

    assert rows(read_trace(recordings() / "can" / "s550_drive.blf")) == whole


@pytest.mark.parametrize("announced", [0, 1, 999, 1001, 1 << 31, (1 << 32) - 1])
def test_a_container_that_lies_about_its_size_is_read_by_its_content(announced: int) -> None:
    content = bytes(range(250)) * 4

    assert inflate.inflated(zlib.compress(content), announced) == (content, True)


def test_a_container_that_inflates_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "MOST_BYTES", 1000)

    with pytest.raises(inflate.DamagedBlockError, match=r"more than 1,000 bytes"):
        inflate.inflated(zlib.compress(bytes(1001)), 7)
