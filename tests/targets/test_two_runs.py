"""Two run folders: equal, or the first difference with its tick, signal, values, bits and steps."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from d7xr.cli import main
from d7xr.compare import compare_runs
from d7xr.compare.model import bits, distance
from d7xr.errors import InconclusiveError, UsageError
from d7xr.recording import Column, Group, Recording, write
from tests.cli.bench import Command, runner
from tests.replay.bench import SENSORS, Drive, replayed

FORMATS = ("mf4", "parquet")
STATE = Group(
    "torque",
    np.arange(0, 100_000, 10_000, dtype=np.int64),
    {
        "torque.granted_Nm": Column(np.linspace(0.5, 5.0, 10, dtype=np.float32), "Nm"),
        "torque.reason": Column(np.arange(10, dtype=np.uint8), ""),
    },
    table="states_100Hz",
)
SENT = Group(
    "TorqueCommand",
    np.arange(0, 100_000, 5_000, dtype=np.int64),
    {
        "TorqueCommand.GrantedTorque_Nm": Column(np.arange(20, dtype=np.float64), "Nm"),
        "TorqueCommand.TorqueCommand_Ctr": Column(np.arange(20, dtype=np.float64) % 16, ""),
        "TorqueCommand.TorqueCommand_Crc": Column(np.arange(20, dtype=np.float64) + 100, ""),
    },
    origin="sent",
)
GRANTED = "torque.granted_Nm"
COMMANDED = "TorqueCommand.GrantedTorque_Nm"


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``d7xr`` with the given words."""
    return runner(capsys)


def folder(
    path: Path, *groups: Group, ticks: int = 100, digest: str = "0badcafe",
    identity: Mapping[str, str] | None = None, formats: tuple[str, ...] = ("mf4",),
) -> Path:  # fmt: skip
    """Write a run folder that holds some groups."""
    path.mkdir()
    write(Recording(groups), path, formats)
    manifest = {"schema": "d7xr.manifest", "ticks": ticks, "state_digest": digest}
    text = json.dumps({**manifest, "identity": identity or {"target": "sil"}})
    (path / "manifest.json").write_text(text)
    return path


def changed(group: Group, column: str, row: int, value: object) -> Group:
    """Return a group with one sample changed."""
    values = group.columns[column].values.copy()
    values[row] = value
    columns = {**group.columns, column: replace(group.columns[column], values=values)}
    return replace(group, columns=columns)


def without(group: Group, row: int) -> Group:
    """Return a group without one of its rows."""
    columns = {n: replace(c, values=np.delete(c.values, row)) for n, c in group.columns.items()}
    return replace(group, time_us=np.delete(group.time_us, row), columns=columns)


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_drive_twice_is_equal_in_every_sample(tmp_path: Path, form: str) -> None:
    trace = Drive().write(tmp_path / "drive.log")
    for name in ("a", "b"):
        replayed(trace, out=tmp_path / name, formats=(form,))

    found = compare_runs(tmp_path / "a", tmp_path / "b")

    assert found.is_equal
    assert found.exit_code == 0
    assert (found.identity, found.left_out) == ((), {})
    assert found.ticks > 1900
    assert found.frames > 500
    assert found.values > 50_000


@pytest.mark.parametrize("form", FORMATS)
def test_one_other_payload_is_told_by_signal_tick_and_frame(tmp_path: Path, form: str) -> None:
    slower = {**SENSORS, "EngineState": {**SENSORS["EngineState"], "EngineSpeed_rpm": 2999.0}}
    for name, drive in (("a", Drive()), ("b", Drive(sensors=slower))):
        trace = drive.write(tmp_path / f"{name}.log")
        replayed(trace, out=tmp_path / name, formats=(form,))

    found = compare_runs(tmp_path / "a", tmp_path / "b")

    assert found.exit_code == 1
    assert {"trace", "trace_sha256"} <= {entry.name for entry in found.identity}
    assert "state_digest" in {entry.name for entry in found.totals}
    assert found.first_tick == 0
    speed = next(d for d in found.differences if d.name == "inputs.engine_speed_rpm.value")
    assert (speed.left, speed.right, speed.unit, speed.distance_unit) == (3000, 2999, "rpm", "ulp")


@pytest.mark.parametrize("form", FORMATS)
def test_one_bit_of_one_state_is_found_and_measured(tmp_path: Path, form: str) -> None:
    value = np.nextafter(STATE.columns[GRANTED].values[3], np.float32(100.0))
    left = folder(tmp_path / "a", STATE, SENT, formats=(form,))
    right = folder(tmp_path / "b", changed(STATE, GRANTED, 3, value), SENT, formats=(form,))

    found = compare_runs(left, right)

    (difference,) = found.differences
    assert (difference.name, difference.tick, difference.distance) == (GRANTED, 30, 1)
    assert (difference.left_bits, difference.right_bits) == ("0x40000000", "0x40000001")
    assert "differ first at tick 30" in found.summary
    assert found.frames == 20


def test_the_earliest_difference_is_told_first(tmp_path: Path) -> None:
    later = changed(STATE, GRANTED, 8, 1.0)
    both = changed(later, "torque.reason", 2, 77)

    found = compare_runs(folder(tmp_path / "a", STATE), folder(tmp_path / "b", both))

    assert [(d.name, d.tick) for d in found.differences] == [("torque.reason", 20), (GRANTED, 80)]


def test_a_tolerance_accepts_and_counts_what_it_covers_and_no_more(tmp_path: Path) -> None:
    left = folder(tmp_path / "a", STATE, digest="11111111")
    near = folder(tmp_path / "b", changed(STATE, GRANTED, 3, 2.25), digest="22222222")
    far = folder(tmp_path / "c", changed(STATE, GRANTED, 3, 2.75), digest="22222222")

    accepted = compare_runs(left, near, tolerances={GRANTED: 0.5})
    assert accepted.is_equal
    assert accepted.tolerated == {GRANTED: 1}
    assert "state_digest" in {entry.name for entry in accepted.identity}
    assert not compare_runs(left, near).is_equal
    assert not compare_runs(left, far, tolerances={GRANTED: 0.5}).is_equal


def test_the_checksum_of_an_accepted_frame_is_not_held_against_it(tmp_path: Path) -> None:
    crc = "TorqueCommand.TorqueCommand_Crc"
    other = changed(changed(SENT, COMMANDED, 4, 4.5), crc, 4, 7.0)
    left, right = folder(tmp_path / "a", SENT), folder(tmp_path / "b", other)

    assert compare_runs(left, right, tolerances={COMMANDED: 0.5}).is_equal
    strict = compare_runs(left, right)
    assert strict.frame_counts == {"changed": 1}
    assert {difference.name for difference in strict.differences} == {COMMANDED, crc}


def test_a_checksum_that_is_wrong_by_itself_is_a_difference(tmp_path: Path) -> None:
    other = changed(SENT, "TorqueCommand.TorqueCommand_Crc", 4, 7.0)

    left, right = folder(tmp_path / "a", SENT), folder(tmp_path / "b", other)

    assert not compare_runs(left, right, tolerances={COMMANDED: 0.5}).is_equal


def test_not_a_number_fails_even_where_both_agree(tmp_path: Path) -> None:
    sick = changed(STATE, GRANTED, 5, np.nan)

    found = compare_runs(folder(tmp_path / "a", sick), folder(tmp_path / "b", sick))

    assert not found.differences
    assert [(nan.side, nan.tick) for nan in found.nan] == [("left", 50), ("right", 50)]
    assert found.exit_code == 1


def test_a_sample_that_is_not_available_is_not_a_number_that_counts(tmp_path: Path) -> None:
    values = SENT.columns[COMMANDED].values.copy()
    values[3] = np.nan
    column = Column(values, "Nm", is_valid=np.arange(20) != 3)
    silent = replace(SENT, columns={**SENT.columns, COMMANDED: column})

    assert compare_runs(folder(tmp_path / "a", silent), folder(tmp_path / "b", silent)).is_equal
    found = compare_runs(tmp_path / "a", folder(tmp_path / "c", SENT))
    assert found.differences[0].left is None
    assert "not available" in found.summary


def test_lost_and_moved_frames_are_told_by_name_and_tick(tmp_path: Path) -> None:
    left = folder(tmp_path / "a", SENT)
    lost = folder(tmp_path / "b", without(SENT, 7))
    time_us = SENT.time_us.copy()
    time_us[7] += 1000
    late = folder(tmp_path / "c", replace(SENT, time_us=time_us))

    missing = compare_runs(left, lost)
    assert missing.frame_counts == {"missing": 1}
    assert missing.first_tick == 35
    assert compare_runs(lost, left).frame_counts == {"extra": 1}
    moved = compare_runs(left, late)
    assert moved.frame_counts == {"moved": 1}
    assert "TorqueCommand (0x" in moved.summary
    assert "moved from tick 35 to 36" in moved.summary


def test_signals_of_one_run_alone_are_named(tmp_path: Path) -> None:
    fewer = replace(STATE, columns={GRANTED: STATE.columns[GRANTED]})

    found = compare_runs(folder(tmp_path / "a", STATE, SENT), folder(tmp_path / "b", fewer))

    assert [(o.side, o.name) for o in found.only] == [
        ("left", "torque.reason"), ("left", "TorqueCommand"),
    ]  # fmt: skip
    assert found.exit_code == 1


def test_another_rate_is_compared_where_both_have_samples_and_the_rest_is_counted(
    tmp_path: Path,
) -> None:
    half = STATE
    for row in (9, 7, 5, 3, 1):
        half = without(half, row)

    found = compare_runs(folder(tmp_path / "a", STATE), folder(tmp_path / "b", half))

    assert found.is_equal
    assert found.values == 10
    assert found.left_out == {"torque": 5}


def test_who_they_are_is_named_and_not_judged(tmp_path: Path) -> None:
    left = folder(tmp_path / "a", STATE, identity={"target": "sil", "build_id": "1"})
    right = folder(tmp_path / "b", STATE, identity={"target": "emulated", "build_id": "1"})

    found = compare_runs(left, right)

    assert [entry.text for entry in found.identity] == ["target sil against emulated"]
    assert found.is_equal


def test_runs_of_another_length_differ(tmp_path: Path) -> None:
    found = compare_runs(folder(tmp_path / "a", STATE), folder(tmp_path / "b", STATE, ticks=99))

    assert found.exit_code == 1
    assert "ticks 100 against 99" in found.summary


def test_runs_that_share_no_sample_are_inconclusive(tmp_path: Path) -> None:
    left, right = folder(tmp_path / "a", STATE), folder(tmp_path / "b", SENT)

    with pytest.raises(InconclusiveError, match="nothing was compared"):
        compare_runs(left, right)


def test_runs_that_share_no_format_are_inconclusive(tmp_path: Path) -> None:
    left = folder(tmp_path / "a", STATE)
    right = folder(tmp_path / "b", STATE, formats=("parquet",))

    with pytest.raises(InconclusiveError, match="no recording of one format"):
        compare_runs(left, right)


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"schema": "d7xr.events"}'])
def test_what_is_no_run_folder_is_refused(tmp_path: Path, content: str | None) -> None:
    good, bad = folder(tmp_path / "a", STATE), tmp_path / "b"
    bad.mkdir()
    if content is not None:
        (bad / "manifest.json").write_text(content)

    with pytest.raises(UsageError, match="b"):
        compare_runs(good, bad)


def test_a_tolerance_for_an_unknown_signal_is_refused_with_the_nearest(tmp_path: Path) -> None:
    left, right = folder(tmp_path / "a", STATE), folder(tmp_path / "b", STATE)

    with pytest.raises(UsageError, match=r"did you mean torque\.granted_Nm"):
        compare_runs(left, right, tolerances={"torque.grantd_Nm": 1.0})


@pytest.mark.parametrize(
    ("left", "right", "steps"),
    [
        (np.float32(0.0), np.float32(-0.0), 1),
        (np.float32(1.0), np.float32(1.0), 0),
        (np.float32(2.0), np.nextafter(np.float32(2.0), np.float32(0.0)), 1),
        (np.float32(1e-45), np.float32(-1e-45), 3),
        (np.float64(1.0), np.nextafter(np.float64(1.0), 2.0), 1),
        (np.float32(1.0), np.float32(2.0), 1 << 23),
        (np.uint8(3), np.uint8(250), 247),
        (np.float32(np.nan), np.float32(1.0), None),
        (np.float32(1.0), np.float64(1.0), None),
        (None, np.float32(1.0), None),
    ],
)
def test_distances_are_counted_in_representable_numbers(
    left: np.generic | None, right: np.generic | None, steps: int | None
) -> None:
    assert distance(left, right) == steps
    assert distance(right, left) == steps


def test_bits_are_written_most_significant_first() -> None:
    assert bits(np.float32(1.0)) == "0x3f800000"
    assert bits(np.uint16(0x1234)) == "0x1234"


def test_the_command_ends_0_for_equal_1_for_different_and_4_for_nothing(
    tmp_path: Path, d7xr: Command
) -> None:
    left, same = folder(tmp_path / "a", STATE, SENT), folder(tmp_path / "b", STATE, SENT)
    other = folder(tmp_path / "c", changed(STATE, GRANTED, 3, 2.75), SENT)
    apart = folder(tmp_path / "d", replace(STATE, name="cooling", columns={}))

    equal = d7xr("compare", left, same)
    assert equal.code == 0
    assert "equal at 100 ticks, 20 frames, 80 values" in equal.out
    different = d7xr("compare", left, other)
    assert different.code == 1
    assert f"tick 30: {GRANTED} 2.0 (0x40000000) against 2.75 (0x40300000) Nm" in different.out
    assert "again: d7xr compare" in different.out
    assert d7xr("compare", left, other, "--tolerance", f"{GRANTED}=0.75").code == 0
    assert d7xr("compare", left, apart).code == 4
    assert d7xr("compare", left).code == 2


def test_the_command_tells_the_same_as_one_document(tmp_path: Path, d7xr: Command) -> None:
    left = folder(tmp_path / "a", STATE)
    right = folder(tmp_path / "b", changed(STATE, GRANTED, 3, 2.75))

    ending = d7xr("compare", left, right, "--json")

    assert ending.code == 1
    assert (ending.document["schema"], ending.document["version"]) == ("d7xr.compare", 1)
    assert ending.document["first_tick"] == 30
    assert ending.document["differences"][0]["right"] == 2.75


@pytest.mark.parametrize("text", ["torque.granted_Nm", "=1", f"{GRANTED}=-1", f"{GRANTED}=much"])
def test_a_tolerance_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    left, right = folder(tmp_path / "a", STATE), folder(tmp_path / "b", STATE)

    assert main(["compare", str(left), str(right), "--tolerance", text]) == 2
