"""A part of the drive that is told again: what happens in it, and nothing else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.campaign import drive
from d7xr.campaign.stories import Change, Window, told, windows_of_demo
from d7xr.campaign.twins import run
from d7xr.database import Database
from d7xr.ecu import Ecu
from d7xr.frames import Frames
from d7xr.replay import US_PER_TICK, Feed
from tests.benches import REASON

OWN = Database.own()
DRIVE = drive()


def window(*changes: Change) -> Window:
    return Window("told", 1000, 1000, 2000, 3000, "", changes)


def column(feed: Feed, message: str, signal: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    is_mine = feed.frames.frame["id"] == OWN.message(message).frame_id
    mine = Frames(feed.frames.time_us[is_mine], feed.frames.frame[is_mine])
    columns = OWN.decode_columns(mine, message)
    known = columns[signal].valid  # the node is silent on it while it wakes up
    return ((mine.time_us - feed.first_us) // US_PER_TICK)[known], columns[signal].values[known]


def test_a_value_holds_from_its_time_on_and_a_ramp_grows_from_what_was() -> None:
    retold = told(
        DRIVE,
        window(
            Change("EngineOil_degC", 10_000, add=5.0, per_s=1.0),
            Change("ChargeAir_degC", 20_000, value=70.0),
        ),
    )

    time_ms, was = column(DRIVE, "ThermalState", "EngineOil_degC")
    _, oil = column(retold, "ThermalState", "EngineOil_degC")
    grown = 5.0 + np.maximum(time_ms - 10_000, 0) / 1000.0
    assert oil == pytest.approx(was + grown, abs=0.06)
    _, charge_was = column(DRIVE, "ThermalState", "ChargeAir_degC")
    _, charge = column(retold, "ThermalState", "ChargeAir_degC")
    assert np.array_equal(charge, np.where(time_ms >= 20_000, 70.0, charge_was))


def test_all_else_of_the_drive_is_as_it_was_to_the_bit() -> None:
    retold = told(DRIVE, window(Change("ChargeAir_degC", 20_000, value=70.0)))

    is_thermal = DRIVE.frames.frame["id"] == OWN.message("ThermalState").frame_id
    assert np.array_equal(retold.frames.time_us, DRIVE.frames.time_us)
    assert np.array_equal(retold.frames.frame[~is_thermal], DRIVE.frames.frame[~is_thermal])
    for name in ("CoolantIn_degC", "CoolantOut_degC", "EngineOil_degC"):
        before, after = (column(feed, "ThermalState", name)[1] for feed in (DRIVE, retold))
        assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("coolant", "Coolant"), ("oil", "EngineOil"), ("gearbox", "GearboxOil"),
        ("charge", "ChargeAir"), ("starved", "FuelLow"),
    ],
)  # fmt: skip
def test_what_a_window_tells_takes_torque_while_an_input_is_broken(name: str, reason: str) -> None:
    (mine,) = [w for w in windows_of_demo() if w.name == name]
    feed = told(DRIVE, mine)
    tick = (feed.frames.time_us - feed.first_us) // US_PER_TICK
    ecu = Ecu()
    ecu.run(feed.frames.frame[tick < mine.start_ms], tick[tick < mine.start_ms], mine.start_ms)

    did = run(ecu, feed.frames, feed.first_us, mine)

    reasons = did.columns["torque.reason"][: mine.healed_ms - mine.start_ms]
    assert REASON[reason] in reasons
