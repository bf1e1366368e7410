"""Vector ASCII logs: every trap of python-can's reader, closed."""

from pathlib import Path

import can
import pytest

from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from d7xr.trace import read_trace
from tests.trace.helpers import (
    Row,
    kinds,
    problem,
    put,
    read_text,
    refusal,
    row_of,
    rows,
    write,
)

HEADER = "date Thu Feb 13 08:27:45 am 2020\nbase hex  timestamps absolute\n"
FULL_HEADER = (
    HEADER + "no internal events logged\n// version 9.0.0\nBegin Triggerblock Thu Feb 13 2020\n"
)
VECTOR_FD = (
    "CANFD   1 Rx        300  Name_With_01            1 0 9 12 01 02 03 04 05 06 07 08 09 0a 0b 0c"
    "   130000  130   303000 46500250 4b140250 20011736 2001040d"
)


@pytest.mark.parametrize("header", [HEADER, FULL_HEADER, "// a comment\n" + HEADER])
def test_the_first_frame_is_read_whatever_the_header(header: str, tmp_path: Path) -> None:
    text = header + " 1.0 1 123 Rx d 1 AA\n 2.0 1 124 Rx d 1 BB\n"

    trace = read_text(tmp_path, text, "t.asc")

    assert trace.id.tolist() == [0x123, 0x124]
    assert trace.start_text == "Feb 13 08:27:45 am 2020"
    assert trace.start_utc_us is None
    assert trace.problems == ()


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("1  7FF  Rx   d 0", (1_000_000, 0, 0x7FF, 0, 0, "")),
        ("1  7FF  Tx   d 2 7C 33", (1_000_000, 0, 0x7FF, 0, 2, "7C33")),
        (
            "1  1ABx  Rx  d 2 7C 33  Length = 240000 BitCount = 64 ID = 427x",
            (1_000_000, 0, 0x1AB, FRAME_EXTENDED, 2, "7C33"),
        ),
        ("1  12  Rx  d d " + "11 " * 8, (1_000_000, 0, 0x12, 0, 8, "11" * 8)),
        ("1  12  Rx  d 9 " + "11 " * 12, (1_000_000, 0, 0x12, FRAME_FD, 12, "11" * 12)),
        ("1  12  Rx  d 15 " + "11 " * 64, (1_000_000, 0, 0x12, FRAME_FD, 64, "11" * 64)),
        ("1  12  Rx  r", (1_000_000, 0, 0x12, FRAME_REMOTE, 0, "")),
        ("1  12  Rx  r 4 Length = 0", (1_000_000, 0, 0x12, FRAME_REMOTE, 4, "")),
        ("1  ErrorFrame", (1_000_000, 0, 0, FRAME_ERROR, 0, "")),
        ("1  ErrorFrame\tECC: 10100010", (1_000_000, 0, 0, FRAME_ERROR, 0, "")),
        (VECTOR_FD, (1_000_000, 0, 0x300, FRAME_FD, 12, "0102030405060708090A0B0C")),
        # python-can: a remote frame
        ("CANFD 1 Rx 12 0 0 0 0 0 0 1000 0", (1_000_000, 0, 0x12, FRAME_FD, 0, "")),
        # python-can: FD frames, though the flags say classic
        ("CANFD 1 Rx 12 0 0 2 2 11 22 98 10 200000 0", (1_000_000, 0, 0x12, 0, 2, "1122")),
        ("CANFD 1 Rx 12 0 0 4 0 98 10 10 0", (1_000_000, 0, 0x12, FRAME_REMOTE, 4, "")),
    ],
)
def test_every_kind_of_line_is_read_whole(line: str, row: Row, tmp_path: Path) -> None:
    trace = read_text(tmp_path, HEADER + f" 1.000000 {line}\n", "t.asc")

    assert rows(trace) == [row]


def test_a_raw_length_code_on_a_canfd_line_is_8_bytes_and_no_cause_for_alarm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = "CANFD 1 Rx 12 0 0 d 8 " + "11 " * 8 + "98 10 200000 0"

    trace = read_text(tmp_path, HEADER + f" 1.0 {line}\n", "t.asc")

    assert rows(trace) == [(1_000_000, 0, 0x12, 0, 8, "11" * 8)]
    assert caplog.records == []


def test_decimal_files_are_read_as_decimal(tmp_path: Path) -> None:
    text = "base dec timestamps absolute\n 1.0 1 291x Rx d 3 0 17 255\n"

    assert rows(read_text(tmp_path, text, "t.asc")) == [
        (1_000_000, 0, 291, FRAME_EXTENDED, 3, "0011FF")
    ]


def test_relative_stamps_add_up_over_events_of_all_kinds(tmp_path: Path) -> None:
    text = (
        "base hex timestamps relative\n 0.5 1 1 Rx d 0\n 0.25 CAN 1 Status:chip status error active"
        "\n 0.000001 1 2 Rx d 0\n"
    )

    trace = read_text(tmp_path, text, "t.asc")

    assert trace.time_us.tolist() == [500_000, 750_001]


def test_negative_times_are_kept(tmp_path: Path) -> None:
    trace = read_text(tmp_path, HEADER + "-0.25 1 1 Rx d 0\n 0.5 1 2 Rx d 0\n", "t.asc")

    assert trace.time_us.tolist() == [-250_000, 500_000]


@pytest.mark.parametrize(
    ("numbers", "channels", "names"),
    [((1, 2), [0, 1], ("1", "2")), ((0, 1), [0, 1], ("0", "1")), ((3,), [2], ("1", "2", "3"))],
)
def test_channels_count_from_0_and_keep_the_number_of_the_file(
    numbers: tuple[int, ...], channels: list[int], names: tuple[str, ...], tmp_path: Path
) -> None:
    text = HEADER + "".join(f" 1.0 {number} 12 Rx d 0\n" for number in numbers)

    trace = read_text(tmp_path, text, "t.asc")

    assert trace.channel.tolist() == channels
    assert trace.channel_names == names


def test_events_that_are_no_frames_are_counted_by_kind(tmp_path: Path) -> None:
    text = (
        FULL_HEADER
        + " 0.0 Start of measurement\n 0.1 1 Statistic: D 0 R 31 XD 0 XR 0 E 0 O 0 B 0.79%\n"
        " 0.2 1 1 Rx d 0\n 0.3 1 Statistic: D 0 R 31\n 0.4 1  1 TxRq d 0\n End TriggerBlock\n"
    )

    trace = read_text(tmp_path, text, "t.asc")

    assert len(trace) == 1
    assert trace.records == 4
    told = problem(trace, "other_event")
    assert told.place == "line 7"
    assert told.text == "records that are no CAN frames: Statistic: 2, TxRq 1"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 12 Rx d 3 11 22", "length code 3 with 2 bytes of data"),
        ("1 12 Rx d 3 11 22 3", "length code 3 with 2 bytes of data"),
        ("1 12 Rx d 9 11 22", "length code 9 with 2 bytes of data"),
        ("1 12 Rx d", "a data frame without its length"),
        ("1 12 Rx d 16 11", "16 is no length code"),
        ("1 800 Rx d 0", "800 is no 11-bit identifier"),
        ("1 20000000x Rx d 0", "20000000x is no 29-bit identifier"),
        ("1 Motor Rx d 0", "not a frame of a Vector ASCII log"),
        ("1 12", "not a frame of a Vector ASCII log"),
        ("CANFD 1 Rx 12 1 0 9 12 01 02", "length code 9 with 2 bytes of data"),
        ("CANFD 1 Rx 12", "not a frame of a Vector ASCII log"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_reason_and_text(
    line: str, reason: str, tmp_path: Path
) -> None:
    path = put(tmp_path, f"{HEADER} 0.0 1 1 Rx d 0\n 1.0 {line}\n".encode(), "t.asc")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}:4: {reason}: {f'1.0 {line}'!r}"


def test_a_line_without_a_time_that_is_no_header_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, f"{HEADER}nonsense\n 0.0 1 1 Rx d 0\n".encode(), "t.asc")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}:3: not a line of a Vector ASCII log: 'nonsense'"


@pytest.mark.parametrize("cut", range(1, 22))
def test_a_last_line_cut_anywhere_is_never_lost_in_silence(cut: int, tmp_path: Path) -> None:
    line = " 2.000000 1 12 Rx d 2 AA BB"

    trace = read_text(tmp_path, f"{HEADER} 1.0 1 1 Rx d 0\n{line[:-cut]}", "t.asc")

    assert trace.id.tolist() == [1]
    assert trace.records == 2


def test_what_python_can_writes_is_read_back(tmp_path: Path) -> None:
    start_s = 1_600_000_000.0
    messages = [
        can.Message(timestamp=start_s, arbitration_id=0x123, is_extended_id=False, data=[1, 2]),
        can.Message(timestamp=start_s + 0.001, arbitration_id=0x1234567, data=[], channel=1),
        can.Message(
            timestamp=start_s + 0.002,
            arbitration_id=5,
            is_extended_id=False,
            is_remote_frame=True,
            dlc=3,
        ),
        can.Message(
            timestamp=start_s + 0.003,
            arbitration_id=6,
            is_fd=True,
            error_state_indicator=True,
            data=bytes(range(20)),
        ),
        can.Message(timestamp=start_s + 0.004, is_extended_id=False, is_error_frame=True),
    ]

    trace = read_trace(write(tmp_path / "can.asc", messages))

    channels = [0, 1, 0, 0, 0]
    assert rows(trace) == [row_of(m, c, start_s) for m, c in zip(messages, channels, strict=True)]
    assert kinds(trace) == {}


def test_a_channel_that_no_tool_can_have_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, f"{HEADER} 0.0 256 1 Rx d 0\n".encode(), "t.asc")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}:3: channel 256 is not plausible: '0.0 256 1 Rx d 0'"
