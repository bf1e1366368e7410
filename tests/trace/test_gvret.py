"""SavvyCAN's comma separated layout, with the column of the direction and without."""

from pathlib import Path

import pytest

from d7xr.frames import FRAME_EXTENDED, FRAME_FD
from d7xr.trace import read_trace
from tests.trace.helpers import Row, kinds, problem, put, read_text, refusal, rows

OLD = "Time Stamp,ID,Extended,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
NEW = "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"


@pytest.mark.parametrize(
    ("header", "line", "row"),
    [
        (OLD, "7,0000021A,false,0,2,FE,36,00,00,00,00,00,00,", (7, 0, 0x21A, 0, 2, "FE36")),
        (OLD, "7,21A,false,1,2,FE,36", (7, 0, 0x21A, 0, 2, "FE36")),
        (NEW, "7,0000021A,true,Rx,0,0,", (7, 0, 0x21A, FRAME_EXTENDED, 0, "")),
        (NEW, "1234567890123456,7FF,false,Tx,0,1,ff,", (1234567890123456, 0, 0x7FF, 0, 1, "FF")),
        (NEW, "-7,7FF,false,Tx,0,8" + ",0a" * 8, (-7, 0, 0x7FF, 0, 8, "0A" * 8)),
    ],
)
def test_every_kind_of_line_is_read_whole(header: str, line: str, row: Row, tmp_path: Path) -> None:
    trace = read_text(tmp_path, f"{header}{line}\n", "t.csv")

    assert rows(trace) == [row]
    assert trace.start_utc_us is None


def test_more_than_8_bytes_are_fd_and_told(tmp_path: Path) -> None:
    trace = read_text(tmp_path, f"{NEW}7,1,false,Rx,0,12{',0A' * 12},\n", "t.csv")

    assert rows(trace) == [(7, 0, 1, FRAME_FD, 12, "0A" * 12)]
    assert kinds(trace) == {"unmarked_fd": 1}
    assert problem(trace, "unmarked_fd").place == "line 2"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("7,800,false,Rx,0,0,", "800 is no 11-bit identifier"),
        ("7,20000000,true,Rx,0,0,", "20000000 is no 29-bit identifier"),
        ("7,1,false,Rx,0,3,11,22,", "length 3 with 2 bytes of data"),
        ("7,1,false,Rx,0,9" + ",11" * 9, "length 9 with 9 bytes of data"),
        ("7,1,false,Rx,0,1,11,22,", "more data than the length 1 says"),
        ("7,1,false,Rx,0,1" + ",00" * 9, "more data than the length 1 says"),
        ("7,1,false,Rx,256,0,", "channel 256 is not plausible"),
        ("7,1,false,0,0,", "not a row of SavvyCAN's layout"),
        ("7.5,1,false,Rx,0,0,", "not a row of SavvyCAN's layout"),
    ],
)
def test_a_bad_row_is_refused_with_its_number_reason_and_text(
    line: str, reason: str, tmp_path: Path
) -> None:
    path = put(tmp_path, f"{NEW}0,1,false,Rx,0,0,\n{line}\n".encode(), "t.csv")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}:3: {reason}: {line!r}"


def test_unknown_columns_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, b"Time Stamp,ID,Extended,Speed,LEN\n1,2,3\n", "t.csv")

    message, hint = refusal(lambda: read_trace(path))

    assert message == f"{path}: columns 'Time Stamp,ID,Extended,Speed,LEN' are not read"
    assert "Time Stamp,ID,Extended,Dir,Bus,LEN" in hint


def test_buses_count_from_0_where_one_is_0_else_from_1(tmp_path: Path) -> None:
    line = "7,1,false,Rx,{},0,\n".format

    both = read_text(tmp_path, NEW + line(2) + line(0), "t.csv")
    second = read_text(tmp_path, NEW + line(2), "t.csv")

    assert (both.channel.tolist(), both.channel_names) == ([2, 0], ("0", "1", "2"))
    assert (second.channel.tolist(), second.channel_names) == ([1], ("1", "2"))
