"""MDF 4 bus logs, read column-wise."""

import gc
import logging
import sys
from pathlib import Path

import can
import numpy as np
import pytest

from d7xr.frames import FRAME_EXTENDED
from d7xr.trace import read_trace
from tests.recordings import recordings
from tests.trace.helpers import kinds, put, recorded, refusal, row_of, rows, write


def handmade(path: Path, *, length: int, bus: int = 1) -> Path:
    """Write one frame whose 8 stored bytes are all AB, of which ``length`` count."""
    from asammdf import MDF, Signal

    fields = [("BusChannel", "u1"), ("ID", "<u4"), ("DataLength", "u1"), ("DataBytes", "(8,)u1")]
    dtype = np.dtype([(f"CAN_DataFrame.{name}", kind) for name, kind in fields])
    samples = np.array([(bus, 0x123 | 0x8000_0000, length, [0xAB] * 8)], dtype=dtype)
    with MDF(version="4.10") as mdf:
        mdf.append(Signal(samples, np.array([0.5]), name="CAN_DataFrame"))
        return Path(mdf.save(path))


def test_bytes_behind_the_length_are_no_data(tmp_path: Path) -> None:
    trace = read_trace(handmade(tmp_path / "hand.mf4", length=2, bus=3))

    assert rows(trace) == [(500_000, 2, 0x123, FRAME_EXTENDED, 2, "ABAB")]
    assert bytes(trace.data[0]).hex() == "abab000000000000"


def test_a_length_beyond_the_stored_bytes_is_refused_with_its_place(tmp_path: Path) -> None:
    path = handmade(tmp_path / "hand.mf4", length=12)

    message, _ = refusal(lambda: read_trace(path))

    assert message == f"{path}: group 1, record 1: 12 bytes of data are announced, 8 are stored"


def test_groups_of_data_error_and_remote_frames_are_merged_by_time(tmp_path: Path) -> None:
    sent = [
        can.Message(
            timestamp=10.0, arbitration_id=0x123, is_extended_id=False, data=[1], channel=0
        ),
        can.Message(timestamp=11.0, arbitration_id=5, is_remote_frame=True, dlc=3, channel=1),
        can.Message(timestamp=12.0, arbitration_id=0x1234567, data=range(8), channel=1),
        can.Message(timestamp=13.0, arbitration_id=7, is_error_frame=True, channel=0),
        can.Message(timestamp=14.0, arbitration_id=6, is_fd=True, data=bytes(64), channel=0),
        can.Message(timestamp=15.0, arbitration_id=5, is_remote_frame=True, dlc=0, channel=1),
    ]

    trace = read_trace(write(tmp_path / "can.mf4", sent))

    first_us = int(trace.time_us[0])
    read = [(row[0] - first_us, *row[1:]) for row in rows(trace)]
    channels = [0, 1, 1, 0, 0, 1]
    assert read == [row_of(m, c, 10.0) for m, c in zip(sent, channels, strict=True)]
    assert trace.channel_names == ("0", "1")
    assert kinds(trace) == {}


def test_a_backward_stamp_keeps_its_place_in_its_group(tmp_path: Path) -> None:
    sent = [
        can.Message(timestamp=time_s, arbitration_id=i, is_remote_frame=i == 3)
        for i, time_s in enumerate([10.0, 12.0, 11.0, 11.5])
    ]

    trace = read_trace(write(tmp_path / "can.mf4", sent))

    assert trace.id.tolist() == [0, 3, 1, 2]
    assert kinds(trace) == {"backward_time": 1}


def test_decoded_signals_without_frames_are_refused_and_counted(tmp_path: Path) -> None:
    from asammdf import MDF, Signal

    with MDF() as mdf:
        mdf.append([Signal(np.arange(5), np.arange(5.0), name="Engine_Speed")])
        path = Path(mdf.save(tmp_path / "signals.mf4"))

    message, _ = refusal(lambda: read_trace(path))

    assert message == (f"{path}: holds no CAN frame (5: records without CAN frames (Engine_Speed))")


class _Memory(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.mark.parametrize("fraction", [0.9999, 0.99, 0.5])
def test_an_unfinished_file_is_read_to_its_last_whole_record(
    fraction: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = (recordings() / "can" / "canedge_uds.mf4").read_bytes()
    said = _Memory()
    logging.getLogger("asammdf").addHandler(said)

    trace = read_trace(put(tmp_path, content[: int(len(content) * fraction)], "cut.mf4"))

    assert 0.85 * fraction * 2010 < len(trace) < 2010
    assert rows(trace) == rows(recorded("canedge_uds.mf4"))[: len(trace)]
    assert {"unfinished"} <= set(kinds(trace)) <= {"unfinished", "cut_short"}
    logging.getLogger("asammdf").removeHandler(said)
    assert said.records == []
    assert capfd.readouterr() == ("", "")


def test_a_file_without_its_tables_is_refused_without_noise(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (recordings() / "can" / "s550_drive.mf4").read_bytes()
    path = put(tmp_path, content[: len(content) // 2], "cut.mf4")
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    message, hint = refusal(lambda: read_trace(path))
    gc.collect()

    assert message.startswith(f"{path}: the tables of this MDF file cannot be read (")
    assert "cut short" in hint
    assert capfd.readouterr() == ("", "")
    assert complaints == []


def test_mdf_3_is_refused_by_name(tmp_path: Path) -> None:
    path = put(tmp_path, b"MDF     3.30    " + b"\0" * 200, "old.mf4")

    message, hint = refusal(lambda: read_trace(path))

    assert message == f"{path}: is MDF 3.30, which has no standard for CAN frames"
    assert hint == "save it as MDF 4 with bus logging"
