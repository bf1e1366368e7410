"""What a trace gives to a replay: classic data frames of one channel, the rest accounted for."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d7xr.errors import UsageError
from d7xr.trace import Trace, read_trace
from tests.trace.helpers import kinds, problem, read_text

MIXED = (
    "(10.0) can0 001#01\n(10.1) can1 002#02\n(10.2) can0 003#R4\n(10.3) can0 20000004#00\n"
    "(10.4) can0 005##0" + "AA" * 12 + "\n(10.5) can0 00000006#06\n"
)


@pytest.fixture
def mixed(tmp_path: Path) -> Trace:
    return read_text(tmp_path, MIXED)


def test_frames_are_the_classic_data_frames_of_the_channel_and_the_rest_is_counted(
    mixed: Trace,
) -> None:
    frames = mixed.frames(0)

    assert frames.frame["id"].tolist() == [1, 6]
    assert frames.frame["flags"].tolist() == [0, 1]
    assert frames.frame["data"][:, 0].tolist() == [1, 6]
    assert frames.time_us.tolist() == [10_000_000, 10_500_000]
    left_out = {p.kind: p.count for p in mixed.left_out(0)}
    assert left_out == {"other_channel": 1, "error_frame": 1, "remote_frame": 1, "fd_frame": 1}
    assert len(frames) + sum(left_out.values()) == len(mixed)


def test_several_channels_need_a_choice(mixed: Trace) -> None:
    with pytest.raises(UsageError) as caught:
        mixed.frames()

    assert caught.value.message == f"{mixed.source}: has 2 channels: 0 (can0), 1 (can1)"
    assert caught.value.hint == "choose one, for example `--channel 0`"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("channel", [2, -1, 256])
def test_a_channel_that_is_not_there_is_refused(channel: int, mixed: Trace) -> None:
    with pytest.raises(UsageError, match=rf"has no channel {channel}, but 0 \(can0\), 1 \(can1\)"):
        mixed.frames(channel)
    with pytest.raises(UsageError, match="has no channel"):
        read_trace(mixed.source, channel=channel)


def test_reading_one_channel_counts_the_others_as_left_out(mixed: Trace) -> None:
    trace = read_trace(mixed.source, channel=1)

    assert trace.id.tolist() == [2]
    assert trace.records == 6
    assert problem(trace, "other_channel").place == "frame 1"
    assert len(trace.frames()) == 1


def test_the_start_of_one_channel_is_its_own_first_frame(tmp_path: Path) -> None:
    trace = read_text(tmp_path, "(1600000000.0) can0 001#\n(1600000002.5) can1 001#\n")

    assert trace.only(1).start_utc_us == 1_600_000_002_500_000


def test_a_backward_stamp_is_kept_reported_and_delivered_at_the_largest_time_so_far(
    tmp_path: Path,
) -> None:
    text = "(5.0) a 001#\n(7.0) a 002#\n(6.0) a 003#\n(6.5) a 004#\n(7.0) a 005#\n(4.0) a 006#\n"

    trace = read_text(tmp_path, text)

    assert trace.time_us.tolist() == [
        5_000_000,
        7_000_000,
        6_000_000,
        6_500_000,
        7_000_000,
        4_000_000,
    ]
    frames = trace.frames()
    assert frames.frame["id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert frames.time_us.tolist() == [5_000_000, *[7_000_000] * 5]
    told = problem(trace, "backward_time")
    assert (told.count, told.place, told.is_left_out) == (2, "frame 3", False)
    assert told.text == "time steps backward, by at most 3000 ms; order in the file is kept"


def test_equal_stamps_are_normal(tmp_path: Path) -> None:
    trace = read_text(tmp_path, "(5.0) a 001#\n(5.0) a 002#\n")

    assert kinds(trace) == {}
    assert trace.frames().frame["id"].tolist() == [1, 2]


def test_columns_are_read_only(mixed: Trace) -> None:
    for column in (mixed.time_us, mixed.channel, mixed.id, mixed.flags, mixed.length, mixed.data):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


@given(stamps_us=st.lists(st.integers(0, 10**7), min_size=1, max_size=30))
def test_time_of_frames_never_steps_back_and_never_runs_ahead(
    stamps_us: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "".join(f"({t // 10**6}.{t % 10**6:06d}) can0 123#\n" for t in stamps_us)

    trace = read_text(tmp_path_factory.getbasetemp(), text, "stamps.log")
    time_us = trace.frames().time_us

    assert trace.time_us.tolist() == stamps_us
    assert time_us[0] == stamps_us[0]
    assert (np.diff(time_us) >= 0).all()
    assert set(time_us.tolist()) <= set(stamps_us)
    assert (time_us >= trace.time_us).all()
