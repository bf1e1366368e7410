"""Level 2 in a unit that is right: never in the way, and awake."""

import numpy as np
import pytest
from hypothesis import given, settings

from d7xr.ecu import Ecu, faults
from tests.benches import calibrated
from tests.bus.frames import bus, decoded
from tests.car import Car, Stretch, pedal
from tests.scenario import Segment, calm_segments, play, wild_segments
from tests.targets.corpus import PIECES

STANDING = {"EngineSpeed_rpm": 0.0, "EngineStatus": 0.0, **pedal(0.0)}
RUNNING = {"EngineSpeed_rpm": 900.0, "EngineStatus": 2.0}
RECORD = (
    "monitor.state", "monitor.cause", "monitor.permissible_Nm", "monitor.bound_Nm",
    "monitor.is_flow_right", "monitor.is_wire_wrong", "monitor.test", "torque.granted_Nm",
    "torque.is_cut", "torque.reason", "fault.active_mask[1]",
)  # fmt: skip
NUMBER = {fault.name: fault.number for fault in faults()}


def has_fault(stretch: Stretch, name: str) -> bool:
    return bool(stretch["fault.active_mask[1]"][-1] >> NUMBER[name] % 32 & 1)


@settings(max_examples=40)
@given(segments=wild_segments(5))
def test_whatever_is_read_a_level_1_that_is_right_never_meets_level_2(
    segments: list[Segment],
) -> None:
    car = Car(record=RECORD)

    seen = play(car, segments)

    assert not seen["monitor.state"].any()
    assert not seen["monitor.cause"].any()
    assert seen["monitor.is_flow_right"].all()
    assert (seen["torque.granted_Nm"] <= seen["monitor.permissible_Nm"]).all()


@settings(max_examples=10)
@given(segments=calm_segments(4))
def test_what_goes_on_the_wire_is_never_above_what_is_permissible(segments: list[Segment]) -> None:
    car = Car(record=RECORD)
    command = bus().get_message_by_name("TorqueCommand")
    count = 0

    for segment in segments:
        run = car.drive(segment.duration_ms, **segment.signals).run
        rows = run.sent["id"] == command.frame_id
        for tick, frame in zip(run.sent_tick[rows] - run.tick[0], run.sent[rows], strict=True):
            sent_Nm = decoded(command, frame["data"].tobytes())["GrantedTorque_Nm"]
            assert sent_Nm <= run.columns["monitor.permissible_Nm"][tick] + 0.5
            count += 1

    assert count > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", PIECES)
def test_no_recording_meets_level_2(name: str) -> None:
    drive = PIECES[name].load()

    run = Ecu().run(drive.frame, drive.tick, drive.ticks, watch=["monitor.state", "monitor.cause"])

    assert not run.changes["value"].any()


def test_permissible_is_what_both_tracks_ask_at_the_most_and_a_margin() -> None:
    driven = Car(record=RECORD, signals=pedal(30.0)).drive(300, AcceleratorTrack2_pct=38.0)

    # 38 % lies at 13/25 between the map's 25 and 50 %
    low, high = 0.30, 0.58
    assert low < driven["monitor.permissible_Nm"][-1] / 750.0 - 50.0 / 750.0 < high


@pytest.mark.parametrize(
    "stop", [{"KillSwitch": 1.0}, {"Ignition": 0.0}, {"EngineSpeed_rpm": 7300.0}], ids=str
)
def test_where_the_car_must_not_drive_nothing_but_the_margin_is_permissible(
    stop: dict[str, float],
) -> None:
    driven = Car(record=RECORD).drive(300, **stop)

    assert driven["monitor.permissible_Nm"][-1] == 50.0


def test_the_shut_off_path_is_tested_at_every_key_on_with_the_engine_standing() -> None:
    car = Car(record=RECORD, signals=STANDING)

    first = car.drive(500)
    car.drive(500, **RUNNING)
    off = car.drive(300, **STANDING, Ignition=0.0)
    again = car.drive(500, Ignition=1.0)

    assert first.texts("monitor.test") == ["Open", "Running", "Passed"]
    assert int(np.count_nonzero(first["torque.is_cut"])) <= 30
    assert off.texts("monitor.test")[-1] == "Open"
    assert again.texts("monitor.test")[-1] == "Passed"


def test_the_test_takes_no_torque_once_it_has_passed() -> None:
    car = Car(record=RECORD, signals=STANDING)
    car.drive(500)

    away = car.drive(2000, **{**RUNNING, "EngineSpeed_rpm": 3252.0, **pedal(100.0)})

    assert away["torque.granted_Nm"][-1] == 750.0
    assert not away["torque.is_cut"].any()


def test_a_unit_that_wakes_while_the_engine_runs_tests_nothing() -> None:
    driven = Car(record=RECORD).drive(2000)

    assert driven.texts("monitor.test") == ["Open"]
    assert not driven["torque.is_cut"].any()


def test_an_engine_that_disobeys_is_a_fault_and_takes_no_torque_by_default() -> None:
    car = Car(record=RECORD, signals={**pedal(30.0), "EngineTorque_Nm": 200.0})
    car.drive(3000)

    brief = car.drive(400, EngineTorque_Nm=600.0)
    lasting = car.drive(400)

    assert not has_fault(brief, "EngineDisobeys")
    assert has_fault(lasting, "EngineDisobeys")
    assert not lasting["monitor.state"].any()
    assert lasting["torque.granted_Nm"][-1] > 0.0


def test_where_the_unit_owns_the_engine_disobedience_stops_it() -> None:
    car = Car(calibrated(monitor__actual_counts=1), record=RECORD, signals=pedal(10.0))
    car.drive(3000, EngineTorque_Nm=60.0)

    driven = car.drive(1500, EngineTorque_Nm=600.0)

    assert driven.texts("monitor.state") == ["Watching", "Assumed", "Confirmed", "Cut"]
    assert driven.texts("monitor.cause")[-1] == "Actual"
    assert driven["torque.is_cut"][-1]
