"""Real recordings read to the numbers that other tools measured on them."""

from pathlib import Path

import numpy as np
import pytest

from d7xr.trace import read_trace
from tests.recordings import recordings
from tests.trace.helpers import (
    expected,
    frames_sha256,
    kinds,
    problem,
    recorded,
    refusal,
    zipped,
)

S550 = ("s550_drive.log", "s550_drive.asc", "s550_drive.blf", "s550_drive.mf4")
CANEDGE = (
    "canedge_drive_1.mf4",
    "canedge_drive_2.mf4",
    "canedge_drive_3.mf4",
    "canedge_drive_4.mf4",
    "canedge_drive_5.mf4",
    "canedge_j1939_idle.mf4",
    "canedge_uds.mf4",
)
OTHERS = ("wrx_drive.log", "twins/candump.log", "asc_short_header.asc", "asc_one_frame.asc")


@pytest.mark.parametrize("name", [*S550, *CANEDGE, *OTHERS])
def test_every_frame_of_a_recording_is_read_as_the_reference_has_it(name: str) -> None:
    trace, reference = recorded(name), expected(name)

    assert len(trace) == trace.records == reference["frames"]
    assert frames_sha256(trace) == reference["frames_sha256"]
    assert trace.duration_us == round(reference["duration_s"] * 1e6)
    step_us = np.diff(trace.time_us)
    assert (step_us < 0).sum() == reference["backward"]
    assert (step_us == 0).sum() == reference["equal"]
    assert step_us.max(initial=0) == round(reference["max_gap_s"] * 1e6)


def test_a_twin_in_savvycans_layout_has_the_same_frames() -> None:
    trace, reference = recorded("twins/gvret.csv"), expected("twins/gvret.csv")

    assert len(trace) == trace.records == reference["frames"]
    assert frames_sha256(trace) == reference["frames_sha256"]
    assert trace.channel_names == ("0",)
    assert trace.duration_us == 8_560_000
    assert trace.problems == ()


@pytest.mark.parametrize("name", S550[1:])
def test_one_drive_has_the_same_microseconds_in_every_format(name: str) -> None:
    log, other = recorded(S550[0]), recorded(name)

    assert np.array_equal(log.time_us - log.time_us[0], other.time_us - other.time_us[0])


@pytest.mark.parametrize("name", S550)
def test_a_healthy_recording_has_no_problems(name: str) -> None:
    assert recorded(name).problems == ()


@pytest.mark.parametrize("name", ["wrx_drive.log", *CANEDGE])
def test_the_start_in_utc_is_the_first_frame(name: str) -> None:
    start_utc_us = recorded(name).start_utc_us

    assert start_utc_us is not None
    assert abs(start_utc_us - expected(name)["first_t"] * 1e6) <= 1


@pytest.mark.parametrize("name", S550)
def test_a_clock_that_was_never_set_is_no_utc(name: str) -> None:
    assert recorded(name).start_utc_us is None


@pytest.mark.parametrize("name", CANEDGE[:6])
def test_both_channels_of_a_canedge_file_are_told_apart(name: str) -> None:
    trace, reference = recorded(name), expected(name)

    assert trace.channels == (0, 1)
    assert trace.channel_names == ("1", "2")
    for number in trace.channels:
        count = reference["channels"][trace.channel_names[number]]
        assert len(trace.frames(number)) == count


def test_a_file_that_its_logger_never_closed_is_read_and_says_so() -> None:
    trace = recorded("canedge_uds.mf4")

    assert kinds(trace) == {"unfinished": 1}


def test_long_frames_on_classic_looking_asc_lines_are_fd_and_counted() -> None:
    trace = recorded("asc_short_header.asc")

    assert problem(trace, "unmarked_fd").count == 56
    assert trace.data.shape == (164, 64)
    assert len(trace.frames(0)) + len(trace.frames(1)) == 164 - 56


@pytest.mark.parametrize("name", ["asc_short_header.asc", "twins/candump.log", "canedge_uds.mf4"])
def test_a_gzipped_recording_reads_the_same(name: str, tmp_path: Path) -> None:
    trace = read_trace(zipped(recordings() / "can" / name, tmp_path))

    assert frames_sha256(trace) == expected(name)["frames_sha256"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("twins/busmaster.log", "is a BUSMASTER log, not a trace that is read here"),
        ("twins/microchip.log", "is a log of Microchip's CAN BUS Analyzer, not"),
        ("twins/crtd.txt", "is a CRTD log, not"),
        ("twins/generic.csv", "is a generic CSV of SavvyCAN, not"),
        ("carbusanalyzer.trc", "is a log of CarBusAnalyzer, not"),
        ("canedge_drive_obd.csv", "unknown format: it begins with 't_s,pid,signal,value'"),
        ("s550_drive.txt", "unknown format: it begins with '820298   0x085: 7C 33 80 00 47 E0"),
    ],
)
def test_a_foreign_file_is_refused_by_its_content_whatever_its_suffix(name: str, what: str) -> None:
    path = recordings() / "can" / name

    message, hint = refusal(lambda: read_trace(path))

    assert message.startswith(f"{path}: {what}")
    assert "candump .log" in hint
