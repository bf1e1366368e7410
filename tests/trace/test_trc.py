"""PEAK traces of every version that is read, and the refusal of the others."""

from pathlib import Path

import can
import pytest

from d7xr.frames import FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
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

STARTTIME = ";$STARTTIME=43878.5\n"
V1_0 = ";##########\n;   C:\\trace.trc\n;---+-- ----\n"
V1_1 = ";$FILEVERSION=1.1\n" + STARTTIME + ";\n"
V1_3 = ";$FILEVERSION=1.3\n" + STARTTIME
V2_0 = ";$FILEVERSION=2.0\n" + STARTTIME + ";$COLUMNS=N,O,T,I,d,l,D\n"
V2_1 = ";$FILEVERSION=2.1\n" + STARTTIME + ";$COLUMNS=N,O,T,B,I,d,R,L,D\n"


@pytest.mark.parametrize(
    ("header", "line", "row"),
    [
        (V1_0, "     1)      1841  0300  3  00 11 FF", (1_841_000, 0, 0x300, 0, 3, "0011FF")),
        (V1_0, "     1)      1841  00000300  0", (1_841_000, 0, 0x300, FRAME_EXTENDED, 0, "")),
        (V1_0, "     1)      1841  00300  0", (1_841_000, 0, 0x300, FRAME_EXTENDED, 0, "")),
        (V1_0, "     1)      1841  0300  4  RTR", (1_841_000, 0, 0x300, FRAME_REMOTE, 4, "")),
        (";$FILEVERSION=1.0\n", "1) 1841.5 0300 1 FF", (1_841_500, 0, 0x300, 0, 1, "FF")),
        (V1_1, "     1)    6.357  Rx    0401  2  00 11", (6_357, 0, 0x401, 0, 2, "0011")),
        (V1_1, "     1)    6.357  Rx    0401  2  RTR", (6_357, 0, 0x401, FRAME_REMOTE, 2, "")),
        (V1_3, "     1)    6.3 2  Tx    0401 -  2  00 11", (6_300, 1, 0x401, 0, 2, "0011")),
        (V2_0, "    1  -1.001 DT  0300 Rx 2 00 11", (-1_001, 0, 0x300, 0, 2, "0011")),
        (V2_0, "    1  1.0 FB 0300 Rx 12 " + "0A " * 12, (1000, 0, 0x300, FRAME_FD, 12, "0A" * 12)),
        (V2_1, "    1  1.0 DT 1 0300 Rx - 2 00 11", (1000, 0, 0x300, 0, 2, "0011")),
        (V2_1, "    1  1.0 FD 1 0300 Rx - 9 " + "0A " * 12, (1000, 0, 0x300, 8, 12, "0A" * 12)),
        (V2_1, "    1  1.0 RR 2 18EF0300 Rx - 5", (1000, 1, 0x18EF0300, 3, 5, "")),
    ],
)
def test_every_kind_of_line_is_read_whole(header: str, line: str, row: Row, tmp_path: Path) -> None:
    assert rows(read_text(tmp_path, f"{header}{line}\n", "t.trc")) == [row]


def test_the_start_is_kept_as_text_since_it_has_no_zone(tmp_path: Path) -> None:
    trace = read_text(tmp_path, V1_1 + "1) 6.357 Rx 0401 0\n", "t.trc")

    assert trace.start_text == "2020-02-17 12:00:00.000"
    assert trace.start_utc_us is None


@pytest.mark.parametrize(
    ("header", "lines", "text"),
    [
        (V1_0, "1) 1 FFFFFFFF 4 00 00 00 04\n2) 1 0001 0\n", "bus information 1"),
        (V1_1, "1) 1 Warng FFFFFFFF 4 00 00 00 08\n2) 1 Rx 0001 0\n", "Warng 1"),
        (
            V2_1,
            "1 1 ST 1 - Rx - 4 00 00 00 08\n2 1 ER 1 - Rx - 5 01\n3 1 DT 1 0001 Rx - 0\n",
            "ST 1",
        ),
    ],
)
def test_records_that_are_no_frames_are_counted(
    header: str, lines: str, text: str, tmp_path: Path
) -> None:
    trace = read_text(tmp_path, header + lines, "t.trc")

    assert len(trace) == 1
    assert trace.records == lines.count("\n")
    assert text in problem(trace, "other_event").text


@pytest.mark.parametrize(
    ("header", "line", "reason"),
    [
        (V1_0, "1) 1841 0300 3 00 11", "2 bytes of data where the length says 3"),
        (V1_0, "1) 1841 0800 0", "0800 is no identifier"),
        (V1_1, "1) 6.3 0401 2 00 11", "not a line of PEAK version 1.1"),
        (V2_1, "1 1.0 DT 1 0300 Rx - 2 00 1", "not a line of PEAK version 2.1"),
        (V2_1, "1 1.0 FD 1 0300 Rx - 9 00 11", "2 bytes of data where the length says 12"),
        (V2_1, "1 1.0", "not a line of PEAK version 2.1"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_reason_and_text(
    header: str, line: str, reason: str, tmp_path: Path
) -> None:
    path = put(tmp_path, f"{header}{line}\n".encode(), "t.trc")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}:{header.count(chr(10)) + 1}: {reason}: {line!r}"


def test_an_unknown_version_is_refused_and_not_taken_for_another(tmp_path: Path) -> None:
    path = put(tmp_path, b";$FILEVERSION=1.2\n1) 1.0 1 Rx 0300 0\n", "t.trc")

    message, hint = refusal(lambda: read_trace(path))

    assert message == f"{path}: PEAK trace version '1.2' is not read"
    assert hint == "save it as version 1.1 or 2.1"


def test_what_python_can_writes_is_read_back(tmp_path: Path) -> None:
    messages = [
        can.Message(timestamp=1e9, arbitration_id=0x123, is_extended_id=False, data=[1, 2]),
        can.Message(timestamp=1e9 + 0.001, arbitration_id=0x1234567, data=range(8), channel=2),
        can.Message(timestamp=1e9 + 0.002, arbitration_id=0x12345678, data=[]),
    ]

    trace = read_trace(write(tmp_path / "can.trc", messages))

    channels = [0, 2, 0]
    assert rows(trace) == [row_of(m, c, 1e9) for m, c in zip(messages, channels, strict=True)]
    assert kinds(trace) == {}
