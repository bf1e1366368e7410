"""What level 2 makes of a level 1 that is wrong: one story for each way."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.ecu import faults
from tests.benches import REASON, words_of
from tests.bus.frames import bus, decoded
from tests.car import Car, Level, Stretch, pedal
from tests.monitor.mutants import Mutant, Slip, Workshop

STATE = {word: code for code, word in words_of("monitor.state").items()}
CAUSE = {word: code for code, word in words_of("monitor.cause").items()}
FAULT = {fault.name: fault.number for fault in faults()}
CONFIRM_ms = 150
CUT_ms = 200
MARGIN_Nm = 50.0
WIRE_STEP_Nm = 0.5
RECORD = (
    "monitor.state", "monitor.cause", "monitor.permissible_Nm", "monitor.test",
    "torque.granted_Nm", "torque.reason", "torque.is_cut", "fault.active_mask[1]",
)  # fmt: skip

DEAF = Slip(
    "deaf_to_the_pedal", "core/demand.c",
    "torque_of(demand, cal, demand->pedal_ratio);\n    const float fall",
    "700.0f;\n    const float fall",
)  # fmt: skip
LAWLESS = Slip(
    "deaf_to_every_bound", "core/torque.c",
    "= numeric_min(torque->demand_Nm, bound_of(torque, winner));", "= 700.0f;",
)  # fmt: skip
LEFT_OUT = Slip(
    "a_step_left_out", "core/control.c",
    "    demand_tick(&control->demand, cal, &control->inputs, "
    "flight_mode_is_flying(&control->flight_mode));\n"
    "    monitor_sign(&control->monitor, MONITOR_STEP_DEMAND);\n", "",
)  # fmt: skip
TWICE = Slip(
    "a_step_twice", "core/control.c",
    "    monitor_sign(&control->monitor, MONITOR_STEP_TORQUE);\n",
    "    monitor_sign(&control->monitor, MONITOR_STEP_TORQUE);\n" * 2,
)  # fmt: skip
OTHER_NUMBER = Slip(
    "another_number_on_the_wire", "bus/bus_send.c",
    "bus_codec_torque_command_granted_torque_nm_encode(torque_Nm(granted_Nm))",
    "bus_codec_torque_command_granted_torque_nm_encode(torque_Nm(granted_Nm) + 400.0f)",
)  # fmt: skip
CUT_FORGOTTEN = Slip(
    "the_cut_is_not_sent", "bus/bus_send.c",
    "numeric_flag((torque->is_cut != 0U) || monitor_wants_cut(&control->monitor))", "0U",
)  # fmt: skip


def car(library: Path, **signals: Level) -> Car:
    return Car(ecu=Mutant(library), signals={**pedal(0.0), **signals}, record=RECORD)


def sent(stretch: Stretch) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return torque and cut of every torque command, by cantools."""
    command = bus().get_message_by_name("TorqueCommand")
    rows = stretch.run.sent[stretch.run.sent["id"] == command.frame_id]
    values = [decoded(command, row["data"].tobytes()) for row in rows]
    return (
        np.array([value["GrantedTorque_Nm"] for value in values]),
        np.array([value["EngineCut"] > 0 for value in values]),
    )


def has_fault(stretch: Stretch, name: str) -> NDArray[np.bool_]:
    number = FAULT[name]
    assert number // 32 == 1
    return ((stretch["fault.active_mask[1]"] >> number % 32) & 1).astype(bool)


def first_ms(flags: NDArray[np.bool_]) -> int:
    assert flags.any()
    return int(np.argmax(flags))


def test_a_unit_without_a_slip_is_left_alone(workshop: Workshop) -> None:
    foot = 50.0 - 50.0 * np.cos(np.arange(4000) / 200.0)

    driven = car(workshop.make(None)).drive(4000, **pedal(foot))

    assert set(driven.texts("monitor.state")) == {"Watching"}
    assert set(driven.texts("monitor.cause")) == {"None"}
    assert not sent(driven)[1].any()
    assert driven["torque.granted_Nm"].max() > 700.0


def test_a_level_1_that_is_deaf_to_the_pedal_is_held_at_once_and_stopped_in_time(
    workshop: Workshop,
) -> None:
    unit = car(workshop.make(DEAF))

    driven = unit.drive(1000)

    torque_Nm, _ = sent(driven)
    state = driven["monitor.state"]
    assumed, confirmed = first_ms(state == STATE["Assumed"]), first_ms(state == STATE["Confirmed"])
    assert torque_Nm.max() <= MARGIN_Nm + WIRE_STEP_Nm
    assert confirmed - assumed == CONFIRM_ms - 1
    assert driven["torque.granted_Nm"][confirmed + 1 :].max() <= 0.0
    assert driven["torque.reason"][-1] == REASON["Level2"]
    assert driven["monitor.cause"][-1] == CAUSE["Granted"]
    assert has_fault(driven, "TorqueExceeded")[-1]
    assert state.max() == STATE["Confirmed"], "a bound that is kept needs no cut"


def test_what_was_confirmed_is_forgiven_by_the_key_alone(workshop: Workshop) -> None:
    unit = car(workshop.make(DEAF))
    unit.drive(1000)

    asked_for = unit.drive(5000, **pedal(100.0))
    off = unit.drive(300, Ignition=0.0, **pedal(100.0))
    on = unit.drive(2000, Ignition=1.0)

    assert (asked_for["monitor.state"] == STATE["Confirmed"]).all()
    assert asked_for["torque.granted_Nm"].max() <= 0.0
    assert off["monitor.state"][-1] == STATE["Watching"]
    assert not has_fault(off, "TorqueExceeded")[-1]
    assert on["monitor.state"].max() == STATE["Watching"], (
        "with the pedal down 700 Nm are permitted"
    )
    assert on["torque.granted_Nm"][-1] > 600.0


def test_when_even_the_bound_of_level_2_is_not_kept_combustion_is_cut(workshop: Workshop) -> None:
    driven = car(workshop.make(LAWLESS)).drive(1500)

    torque_Nm, is_cut = sent(driven)
    state = driven["monitor.state"]
    confirmed, cut = first_ms(state == STATE["Confirmed"]), first_ms(state == STATE["Cut"])
    assert driven["torque.granted_Nm"][-1] == 700.0
    assert cut - confirmed == CUT_ms
    assert torque_Nm.max() <= MARGIN_Nm + WIRE_STEP_Nm
    assert torque_Nm[-1] <= 0.0
    assert is_cut[-1]
    assert CONFIRM_ms + CUT_ms <= 500


def test_an_excess_that_ends_before_it_is_confirmed_is_forgotten(workshop: Workshop) -> None:
    unit = car(workshop.make(LAWLESS), **pedal(100.0))
    unit.drive(2000)

    unit.signals.update(pedal(0.0))
    while (seen := unit.drive(10))["monitor.state"][-1] == STATE["Watching"]:
        pass
    lasted = unit.drive(CONFIRM_ms - 30)
    back = unit.drive(500, **pedal(100.0))

    assert seen["monitor.cause"][-1] == CAUSE["Granted"]
    assert set(lasted.texts("monitor.state")) == {"Assumed"}
    assert back.texts("monitor.state") == ["Assumed", "Watching"]
    assert back["monitor.cause"][-1] == CAUSE["None"]
    assert back["torque.granted_Nm"][-1] == 700.0
    assert not has_fault(back, "TorqueExceeded").any()


@pytest.mark.parametrize("slip", [LEFT_OUT, TWICE], ids=lambda slip: slip.name)
def test_a_tick_that_skips_or_repeats_a_step_starves_the_watchdog_and_stops_the_car(
    workshop: Workshop, slip: Slip
) -> None:
    unit = car(workshop.make(slip), **pedal(100.0))
    assert isinstance(unit.ecu, Mutant)

    driven = unit.drive(1)
    is_well = unit.ecu.is_well
    driven = unit.drive(500)

    assert not is_well
    assert not unit.ecu.is_well
    assert driven["monitor.cause"][-1] == CAUSE["Flow"]
    assert driven["monitor.state"][-1] >= STATE["Confirmed"]
    assert has_fault(driven, "FlowBroken")[-1]
    assert sent(driven)[0][-1] <= 0.0


def test_a_tick_that_is_whole_feeds_the_watchdog(workshop: Workshop) -> None:
    unit = car(workshop.make(None))
    assert isinstance(unit.ecu, Mutant)

    unit.drive(20)

    assert unit.ecu.is_well


def test_a_frame_that_says_more_than_was_decided_is_seen_on_the_wire(workshop: Workshop) -> None:
    driven = car(workshop.make(OTHER_NUMBER)).drive(1000)

    torque_Nm, is_cut = sent(driven)
    assert driven["monitor.cause"][-1] == CAUSE["Wire"]
    assert driven["monitor.state"][-1] == STATE["Cut"]
    assert torque_Nm[-1] > 4.0 * MARGIN_Nm, "the number is beyond its reach"
    assert is_cut[-1], "combustion is not"


def test_a_cut_that_never_reaches_the_wire_fails_the_test_at_key_on(workshop: Workshop) -> None:
    standing = {"EngineSpeed_rpm": 0.0, "EngineStatus": 0.0}
    unit = car(workshop.make(CUT_FORGOTTEN), **standing)

    tested = unit.drive(1000)
    away = unit.drive(3000, EngineSpeed_rpm=3252.0, EngineStatus=2.0, **pedal(100.0))

    assert tested.texts("monitor.test")[-1] == "Failed"
    assert has_fault(tested, "ShutOffFailed")[-1]
    assert not tested["monitor.state"].any(), "a path that may fail in a test is judged by the test"
    assert away["torque.granted_Nm"].max() == pytest.approx(0.25 * 750.0)
    assert away["torque.reason"][-1] == REASON["Level2"]
