"""Which frames of a trace reach the unit; each of the others is counted (PAIN-04, PAIN-32)."""

from pathlib import Path

import pytest

from d7xr.errors import InconclusiveError, TraceError, UsageError
from d7xr.replay import feed_of
from d7xr.trace import read_trace
from tests.replay.bench import OWN, Drive, rows_of

TORQUE_COMMAND = OWN.encode_columns("TorqueCommand", [3_000], {"GrantedTorque_Nm": 500.0})
SYNC = OWN.encode_columns("Sync", [4_000], {"SyncTick": 4})
FOREIGN = (5_000, 0x7DF, bytes(8))


def test_what_the_unit_itself_had_sent_stays_out_and_is_counted(tmp_path: Path) -> None:
    drive = Drive(seconds=0.1, extra=(*rows_of(TORQUE_COMMAND), *rows_of(SYNC), FOREIGN))
    trace = read_trace(drive.write(tmp_path / "drive.log"))

    feed = feed_of(trace)

    assert feed.left_out == {"sent_by_unit": 1, "stepping": 1, "unknown_id": 1}
    assert len(feed.frames) + sum(feed.left_out.values()) == len(trace)


def test_a_frame_with_a_29_bit_identifier_is_never_ours(tmp_path: Path) -> None:
    path = Drive(seconds=0.05).write(tmp_path / "drive.log")
    with path.open("a") as file:
        file.write("(1700000001.000000) can0 000000A0#0000000000000000\n")

    assert feed_of(read_trace(path)).left_out == {"unknown_id": 1}


def test_tick_0_is_the_first_frame_even_one_that_is_not_fed(tmp_path: Path) -> None:
    early = (-7_000, 0x7DF, bytes(8))
    trace = read_trace(Drive(seconds=0.1, extra=(early,)).write(tmp_path / "drive.log"))

    feed = feed_of(trace)

    assert int(feed.frames.time_us[0]) - feed.first_us == 7_000
    assert feed.ticks == (int(trace.time_us[-1]) - int(trace.time_us[0])) // 1000 + 1


def test_a_trace_with_none_of_our_identifiers_decides_nothing(tmp_path: Path) -> None:
    path = Drive(seconds=0.1, sensors={}, extra=(FOREIGN,)).write(tmp_path / "other.log")

    with pytest.raises(InconclusiveError, match=r"other\.log: none of its 1 identifiers") as told:
        feed_of(read_trace(path))

    assert "--map" in str(told.value.hint)
    assert "ford_s550" in str(told.value.hint)


def test_a_trace_of_the_units_own_frames_alone_decides_nothing(tmp_path: Path) -> None:
    drive = Drive(sensors={}, extra=tuple(rows_of(TORQUE_COMMAND)))

    with pytest.raises(InconclusiveError):
        feed_of(read_trace(drive.write(tmp_path / "echo.log")))


def test_of_two_channels_one_must_be_chosen_and_the_other_is_counted(tmp_path: Path) -> None:
    path = Drive(seconds=0.1).write(tmp_path / "drive.log")
    with path.open("a") as file:
        file.write("(1700000009.000000) can1 0A0#0000000000000000\n")
    trace = read_trace(path)

    with pytest.raises(UsageError, match="2 channels"):
        feed_of(trace)
    feed = feed_of(trace, channel=0)

    assert feed.left_out == {"other_channel": 1}
    assert feed.ticks == 96  # the last frame of channel 0 comes at 95 ms


def test_a_database_without_a_mapping_is_a_mistake(tmp_path: Path) -> None:
    trace = read_trace(Drive(seconds=0.1).write(tmp_path / "drive.log"))

    with pytest.raises(UsageError, match="maps nothing"):
        feed_of(trace, database=OWN)


def test_a_clock_that_was_set_is_named_and_not_ticked_through(tmp_path: Path) -> None:
    """PAIN-07: time jumps are never bridged in silence."""
    path = Drive(seconds=0.1).write(tmp_path / "drive.log")
    path.write_text("(0.000000) can0 0A0#0000000000000000\n" + path.read_text())

    with pytest.raises(TraceError, match=r"472,222\.2 h behind frame 1, 0\.000 s after"):
        feed_of(read_trace(path))


def test_a_pause_of_minutes_is_time_that_passes(tmp_path: Path) -> None:
    path = Drive(seconds=0.1, extra=((600_000_000, 0x0A0, bytes(8)),)).write(tmp_path / "drive.log")

    assert feed_of(read_trace(path)).ticks == 600_001
