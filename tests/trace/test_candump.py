"""candump logs: the strict grammar, and what python-can alone would lose."""

import string
from contextlib import suppress
from pathlib import Path

import can
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d7xr.errors import TraceError
from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from d7xr.trace import read_trace
from tests.trace.helpers import kinds, problem, put, read_text, refusal, row_of, rows, write

GOOD = "(0.000000) can0 123#1122\n"


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("(1.5) can0 7FF#", (1_500_000, 0, 0x7FF, 0, 0, "")),
        ("(1.500001) can0 123#DEADBEEF R", (1_500_001, 0, 0x123, 0, 4, "DEADBEEF")),
        ("(1.5) can0 00000123#01 T", (1_500_000, 0, 0x123, FRAME_EXTENDED, 1, "01")),
        ("(1.5) can0 1FFFFFFF#ab", (1_500_000, 0, 0x1FFFFFFF, FRAME_EXTENDED, 1, "AB")),
        ("(1.5) can0 123#R", (1_500_000, 0, 0x123, FRAME_REMOTE, 0, "")),
        ("(1.5) can0 123#R8", (1_500_000, 0, 0x123, FRAME_REMOTE, 8, "")),
        ("(1.5) can0 123#R8_E", (1_500_000, 0, 0x123, FRAME_REMOTE, 8, "")),
        ("(1.5) can0 123#1122334455667788_F", (1_500_000, 0, 0x123, 0, 8, "1122334455667788")),
        ("(1.5) can0 123##1" + "AB" * 12, (1_500_000, 0, 0x123, FRAME_FD, 12, "AB" * 12)),
        ("(1.5) can0 123##D", (1_500_000, 0, 0x123, FRAME_FD, 0, "")),
        ("(-1.5) can0 123#00", (-1_500_000, 0, 0x123, 0, 1, "00")),
        ("(1.0000005) can0 123#", (1_000_000, 0, 0x123, 0, 0, "")),  # a half goes to the even one
        ("(1.0000015) can0 123#", (1_000_002, 0, 0x123, 0, 0, "")),
        ("(1.000000501) can0 123#", (1_000_001, 0, 0x123, 0, 0, "")),
        (
            "(1.5) can0 20000004#0001000000000000",  # python-can: an ordinary data frame
            (1_500_000, 0, 0x4, FRAME_ERROR, 8, "0001000000000000"),
        ),
        (
            "(1.5) can0 20000080#0000000000000001",  # python-can: the details are dropped
            (1_500_000, 0, 0x80, FRAME_ERROR, 8, "0000000000000001"),
        ),
    ],
)
def test_every_kind_of_line_is_read_whole(
    line: str, row: tuple[int, int, int, int, int, str], tmp_path: Path
) -> None:
    assert rows(read_text(tmp_path, line + "\n")) == [row]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("(0.1) can0 123#112", "not a line of candump"),  # python-can: the half byte becomes 02
        ("(0.1) can0 123#112233445566778899", "not a line of candump"),
        ("(0.1) can0 8FF#11", "8FF is no 11-bit identifier"),
        ("(0.1) can0 12345#11", "not a line of candump"),
        ("(0.1) can0 80000123#11", "80000123 is no 29-bit identifier"),
        ("(0.1) can0 123##0" + "AB" * 9, "9 bytes is no length of CAN FD"),
        ("(0.1) can0 123#11 22", "not a line of candump"),
        ("(x) can0 123#11", "not a line of candump"),
        ("hello", "not a line of candump"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_reason_and_text(
    line: str, reason: str, tmp_path: Path
) -> None:
    path = put(tmp_path, (GOOD + line + "\n" + GOOD).encode(), "bad.log")

    message, hint = refusal(lambda: read_trace(path))

    shown = line if len(line) <= 60 else line[:57] + "..."
    assert message == f"{path}:2: {reason}: {shown!r}"
    assert hint == "correct or remove the line, or record the trace again"


def test_interfaces_are_channels_in_order_of_appearance_and_keep_their_names(
    tmp_path: Path,
) -> None:
    text = "(0.0) vcan7 001#\n(0.1) can0 002#\n(0.2) vcan7 003#\n(0.3) can0 20000004#\n"

    trace = read_text(tmp_path, text)

    assert trace.channel_names == ("vcan7", "can0")
    assert trace.channel.tolist() == [0, 1, 0, 1]


def test_more_interfaces_than_there_are_channel_numbers_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "".join(f"(0.0) can{i} 001#\n" for i in range(257)).encode(), "t.log")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}:257: can256 is one interface more than the 256 possible"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_system_are_read(line_end: str, tmp_path: Path) -> None:
    text = line_end.join(["", "(0.0) can0 001#", "", "(0.1) can0 002#", ""])

    trace = read_text(tmp_path, text)

    assert trace.id.tolist() == [1, 2]
    assert trace.problems == ()


def test_a_last_line_cut_short_is_left_out_and_told_with_its_number(tmp_path: Path) -> None:
    trace = read_text(tmp_path, GOOD + "(0.1) can0 456#11223")

    assert trace.id.tolist() == [0x123]
    assert trace.records == 2
    told = problem(trace, "cut_short")
    assert (told.place, told.is_left_out) == ("line 2", True)
    assert told.text == (
        "the last line is cut short (not a line of candump): '(0.1) can0 456#11223'"
    )


def test_a_last_line_without_line_end_is_delivered_but_told(tmp_path: Path) -> None:
    trace = read_text(tmp_path, GOOD + "(0.1) can0 456#1122")

    assert trace.id.tolist() == [0x123, 0x456]
    assert kinds(trace) == {"no_line_end": 1}


def test_zero_bytes_after_a_power_cut_are_told(tmp_path: Path) -> None:
    trace = read_text(tmp_path, GOOD + "\0" * 512)

    assert trace.id.tolist() == [0x123]
    assert kinds(trace) == {"cut_short": 1}


def test_what_python_can_writes_is_read_back(tmp_path: Path) -> None:
    messages = [
        can.Message(timestamp=1e9, arbitration_id=0x123, is_extended_id=False, data=[1, 2]),
        can.Message(timestamp=1e9 + 1e-6, arbitration_id=0x1234567, data=[], channel=0),
        can.Message(
            timestamp=1e9 + 2e-6, arbitration_id=5, is_extended_id=False, is_remote_frame=True
        ),
        can.Message(
            timestamp=1e9 + 3e-6, arbitration_id=6, is_fd=True, bitrate_switch=True, data=bytes(64)
        ),
    ]
    path = write(tmp_path / "can.log", messages)

    trace = read_trace(path)

    channels = [0, 1, 0, 0]  # vcan0 and can0
    assert rows(trace) == [row_of(m, c) for m, c in zip(messages, channels, strict=True)]
    assert trace.start_utc_us == 10**15


_line = st.builds(
    "({}.{:06d}) {} {}#{}\n".format,
    st.integers(0, 2_000_000_000),
    st.integers(0, 999_999),
    st.sampled_from(["can0", "can1"]),
    st.one_of(
        st.integers(0, 0x7FF).map("{:03X}".format),
        st.integers(0, 0x3FFFFFFF).map("{:08X}".format),
    ),
    st.one_of(
        st.binary(max_size=8).map(lambda data: data.hex().upper()),
        st.sampled_from(["R", "R4", "#1" + "5A" * 16, "#000"]),
    ),
)


@given(lines=st.lists(_line, min_size=1, max_size=6), data=st.data())
def test_a_log_cut_anywhere_never_crashes_and_never_loses_a_whole_line_in_silence(
    lines: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "".join(lines)
    cut = text[: data.draw(st.integers(0, len(text)), label="cut")]
    path = put(tmp_path_factory.getbasetemp(), cut.encode(), "cut.log")
    whole = cut.count("\n")
    rest = cut.rpartition("\n")[2]

    try:
        trace = read_trace(path)
    except TraceError:
        assert whole == 0
        return

    assert trace.records == whole + bool(rest)
    assert len(trace) >= whole
    assert set(kinds(trace)) - {"backward_time"} <= {"cut_short", "no_line_end"}
    assert bool(rest) == bool({"cut_short", "no_line_end"} & set(kinds(trace)))


@given(text=st.text(alphabet=string.printable + "\0\x1a\ufeff\u00e9", max_size=200))
def test_any_text_is_read_or_refused_but_never_crashes(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = put(tmp_path_factory.getbasetemp(), (GOOD + text).encode(), "any.log")

    with suppress(TraceError):  # refused: the only other end
        assert read_trace(path).records >= 1
