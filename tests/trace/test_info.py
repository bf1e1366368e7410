"""`d7xr info`: what it counts and what it prints."""

import json
from pathlib import Path

import pytest

from d7xr.cli import main
from d7xr.trace.summary import summarize
from tests.trace.helpers import put, read_text, recorded

TEXT = (
    "(1600000000.000000) can0 0B0#0011\n(1600000000.010000) can0 0B0#0011\n"
    "(1600000000.030000) can0 0B0#001122\n(1600000000.040000) can0 0B0#0011\n"
    "(1600000000.040000) can1 000000B0#0011\n(1600000000.050000) can1 20000004#\n"
)


def test_rates_gaps_and_lengths_are_counted_per_channel_and_identifier(tmp_path: Path) -> None:
    summary = summarize(read_text(tmp_path, TEXT))

    assert [(i.channel, i.id_text, i.count) for i in summary.ids] == [
        (0, "0B0", 4),
        (1, "000000B0", 1),
    ]
    first, second = summary.ids
    assert (first.rate_Hz, first.longest_gap_ms, first.lengths) == (100.0, 20.0, (2, 3))
    assert (second.rate_Hz, second.longest_gap_ms) == (None, None)
    assert summary.kinds == {"data": 5, "fd": 0, "remote": 0, "error": 1}
    assert summary.longest_gap_ms == 20.0
    assert [(c.number, c.name, c.frames) for c in summary.channels] == [
        (0, "can0", 4),
        (1, "can1", 2),
    ]


def test_the_wheel_speeds_of_the_recorded_drive_have_their_known_count() -> None:
    summary = summarize(recorded("s550_drive.log"))

    wheels = next(i for i in summary.ids if i.id == 0x217)
    assert wheels.count == 4_651
    assert len(summary.ids) == 72
    assert summary.longest_gap_ms == 5.0


def test_gaps_are_those_of_delivery_where_time_steps_back(tmp_path: Path) -> None:
    text = "(1.0) a 001#\n(3.0) a 001#\n(2.0) a 001#\n(3.5) a 001#\n"

    summary = summarize(read_text(tmp_path, text))

    assert summary.longest_gap_ms == summary.ids[0].longest_gap_ms == 2000.0
    assert summary.ids[0].rate_Hz == 2.0


def test_names_are_given_only_where_every_identifier_has_one(tmp_path: Path) -> None:
    ours = read_text(tmp_path, "(1.0) can0 0B0#\n(1.0) can0 00000001#\n")
    foreign = read_text(tmp_path, "(1.0) can0 0B0#\n(1.0) can0 001#\n")

    names = {0xB0: "WheelSpeeds"}

    assert [i.name for i in summarize(ours, names).ids] == ["WheelSpeeds", None]
    assert [i.name for i in summarize(foreign, names).ids] == [None, None]


def test_the_table_tells_what_is_in_the_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path, TEXT.encode(), "t.asc")

    assert main(["info", str(path)]) == 0

    out, err = capsys.readouterr()
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[:6] == [
        str(path),
        "  format    candump",
        "  frames    6 (5 data, 1 error) of 6 records",
        "  duration  0.050000 s, longest silence 20.000 ms",
        "  start     2020-09-13T12:26:40.000000Z (first frame)",
        "  channels  0 (can0): 4 frames, 1 (can1): 2 frames",
    ]
    assert any("WheelSpeeds" in line and "20.000" in line for line in lines)
    assert lines[-1].endswith("suffix, file name: named .asc, but its content is candump log")
    assert err == ""


def test_json_is_one_object_with_the_same_facts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path, TEXT.encode(), "t.log")

    assert main(["info", str(path), "--json", "--channel", "0"]) == 0

    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["schema"], document["version"]) == ("d7xr.info", 1)
    assert (document["frames"], document["records"]) == (4, 6)
    assert document["start_utc"] == "2020-09-13T12:26:40.000000Z"
    assert document["ids"] == [
        {
            "channel": 0,
            "id": "0B0",
            "is_extended": False,
            "name": "WheelSpeeds",
            "count": 4,
            "rate_Hz": 100.0,
            "longest_gap_ms": 20.0,
            "lengths": [2, 3],
        }
    ]
    assert [p["kind"] for p in document["problems"]] == ["other_channel"]
    assert err == ""


def test_an_unreadable_trace_ends_with_exit_code_2_cause_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.log"

    assert main(["info", str(path), "--json"]) == 2

    out, err = capsys.readouterr()
    assert json.loads(out)["error"] == {
        "kind": "trace",
        "message": f"{path}: no such file",
        "hint": "check the path",
    }
    assert f"{path}: no such file" in err
