"""What a recording is made of: words for choices, numbers for numbers, nothing hidden by a name."""

from pathlib import Path

import numpy as np

from d7xr.database import Database
from d7xr.ecu import Ecu
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.recorder import record, states_of_unit
from d7xr.recording import Column, Group, Recording
from d7xr.recording.decoded import message_groups
from d7xr.replay import Feed, run
from d7xr.runfolder import finite
from tests.replay.bench import OWN, Drive, feed_of

MULTIPLEXED = b"""VERSION ""
BU_: X
BO_ 256 Status: 3 X
 SG_ Page M : 0|8@1+ (1,0) [0|255] "" X
 SG_ Speed m0 : 8|16@1+ (0.5,0) [0|600] "km/h" X
 SG_ Door m1 : 8|2@1+ (1,0) [0|3] "" X
VAL_ 256 Door 0 "Closed" 1 "Open" ;
"""


def recorded(folder: Path, source: tuple[Group, ...] = ()) -> Recording:
    """Record half a second at 100 Hz."""
    feed = feed_of(Drive(seconds=0.5).write(folder / "drive.log"))
    outcome = run(feed, Ecu(), record=states_of_unit())
    with_source = Feed(feed.frames, feed.first_us, feed.ticks, source=source)
    return record(with_source, outcome, Ecu.fields(), rate_hz=100, identity={})


def test_a_choice_keeps_its_words_and_a_number_its_value(tmp_path: Path) -> None:
    recording = recorded(tmp_path)

    state, air_time = recording["FlightStatus.FlightState"], recording["FlightStatus.AirTime_ms"]
    assert (state.choices[2], state.values.dtype.kind) == ("Air", "u")
    assert (dict(air_time.choices), air_time.unit) == ({}, "ms")
    assert recording["GearboxState.TurbineSpeed_rpm"].is_valid is not None
    assert recording["torque.reason"].choices[13] == "FlightAir"


def test_every_state_of_the_unit_is_in_a_group_of_its_module(tmp_path: Path) -> None:
    groups = [group for group in recorded(tmp_path).groups if group.origin == "state"]

    assert {"flight_mode", "torque", "cooling", "temperature", "bus", "unit"} <= {
        group.name for group in groups
    }
    assert sum(len(group.columns) for group in groups) == len(Ecu.fields())
    assert {group.table for group in groups} == {"states_100Hz"}


def test_times_count_from_tick_0(tmp_path: Path) -> None:
    recording = recorded(tmp_path)

    assert recording.time_us_of("InertialAccel.AccelStatus")[:2].tolist() == [0, 5_000]
    assert recording.time_us_of("torque.reason")[:2].tolist() == [0, 10_000]
    assert recording.time_us_of("TorqueCommand.GrantedTorque_Nm")[0] < 5_000


def test_a_foreign_message_with_a_name_of_ours_hides_nothing(tmp_path: Path) -> None:
    time_us = np.zeros(1, dtype=np.int64)
    theirs = Column(np.array([7.0]))
    source = Group(
        "ThermalState", time_us, {"ThermalState.CoolantIn_degC": theirs}, origin="source"
    )

    recording = recorded(tmp_path, (source,))

    assert recording["ThermalState.CoolantIn_degC"].values[0] == 90.0
    assert recording["source.ThermalState.CoolantIn_degC"].values[0] == 7.0


def test_a_multiplexed_signal_has_samples_of_its_own() -> None:
    database = Database.parse(MULTIPLEXED, Path("status.dbc"))
    frame = np.zeros(3, dtype=FRAME_DTYPE)
    frame["id"], frame["length"] = 256, 3
    frame["data"][:, :2] = [[0, 10], [1, 1], [0, 20]]
    frames = Frames(np.array([0, 5, 9], dtype=np.int64), frame)

    groups = {g.name: g for g in message_groups(database, frames, ["Status"], "source")}

    assert groups["Status"].time_us.tolist() == [0, 5, 9]
    assert groups["Status.Speed"].time_us.tolist() == [0, 9]
    assert groups["Status.Speed"].columns["Status.Speed"].values.tolist() == [5.0, 10.0]
    assert groups["Status.Door"].columns["Status.Door"].choices == {0: "Closed", 1: "Open"}


def test_the_heard_messages_are_in_the_order_of_the_units_own_table(tmp_path: Path) -> None:
    for name in ("InertialRate", "GearboxState", "AmbientState"):
        path = Drive(seconds=0.6, sensors={name: {}}).write(tmp_path / f"{name}.log")
        accepted = [r.message for r in run(feed_of(path), Ecu()).received if r.accepted]
        assert accepted == [name]
    assert OWN.message("FanFeedback").senders == ("FANS",)


def test_json_has_no_nan() -> None:
    assert finite({"a": [1.5, float("nan")], "b": (float("inf"), "x")}) == {
        "a": [1.5, None],
        "b": [None, "x"],
    }
