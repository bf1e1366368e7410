"""python-can's comma separated layout."""

from pathlib import Path

import can
import pytest

from d7xr.trace import read_trace
from tests.trace.helpers import kinds, put, refusal, row_of, rows, write

HEADER = "timestamp,arbitration_id,extended,remote,error,dlc,data\n"
GOOD = "1.5,0x123,0,0,0,2,ESI=\n"


def test_what_python_can_writes_is_read_back(tmp_path: Path) -> None:
    messages = [
        can.Message(timestamp=1e9, arbitration_id=0x123, is_extended_id=False, data=[1, 2]),
        can.Message(timestamp=1e9 + 1e-6, arbitration_id=0x1234567, data=range(8)),
        can.Message(timestamp=1e9 + 2e-6, arbitration_id=5, is_remote_frame=True, dlc=3),
        can.Message(timestamp=1e9 + 3e-6, is_error_frame=True, data=[7]),
        can.Message(timestamp=1e9 + 4e-6, arbitration_id=6, is_fd=True, data=bytes(12)),
    ]

    trace = read_trace(write(tmp_path / "can.csv", messages))

    assert rows(trace) == [row_of(message) for message in messages]
    assert kinds(trace) == {"unmarked_fd": 1}
    assert trace.start_utc_us == 10**15


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1.5,0x123,0,0,0,3,ESI=", "data is not 3 bytes of base64"),
        ("1.5,0x123,0,0,0,2,E!SI=", "not a row of python-can's layout"),  # python-can skips the !
        ("1.5,0x123,0,0,0,2,ESI", "data is not 2 bytes of base64"),
        ("1.5,0x123,0,0,0,3,EREzAA", "data is not 3 bytes of base64"),
        ("1.5,0x800,0,0,0,0,", "0x800 is no identifier"),
        ("1.5,0x123,0,0,0", "not a row of python-can's layout"),
    ],
)
def test_a_bad_row_is_refused_with_its_number_reason_and_text(
    row: str, reason: str, tmp_path: Path
) -> None:
    path = put(tmp_path, f"{HEADER}{GOOD}{row}\n{GOOD}".encode(), "t.csv")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}:3: {reason}: {row!r}"


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, HEADER.encode(), "t.csv")

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}: holds no CAN frame"


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = put(tmp_path, f"\ufeff{HEADER}{GOOD}".encode(), "t.csv")

    assert rows(read_trace(path)) == [(1_500_000, 0, 0x123, 0, 2, "1122")]
