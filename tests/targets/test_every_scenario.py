"""Every shipped scenario in closed loop: the chip has the same state at every tick."""

from collections.abc import Callable

import msgspec
import pytest

from d7xr.compare import back_to_back
from d7xr.ecu import calibration_default
from d7xr.simulator.loop import Loop
from d7xr.simulator.scenario import load, shipped
from d7xr.target.emulated import Emulated
from d7xr.target.sil import Sil


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_the_chip_has_the_same_state_at_every_tick_of_the_story(
    name: str, sil: Sil, emulated: Emulated, record_property: Callable[[str, object], None]
) -> None:
    drive = Loop(load(name).scenario, name).drive(calibration_default())
    tick = drive.frames.time_us // 1000

    found = back_to_back(
        sil, emulated, drive.frames.frame, tick, drive.ticks, calibration_default()
    )

    assert found.is_equal, found.summary
    assert found.ticks == drive.ticks > 3000
    assert found.frames > 0
    record_property("ticks_compared", found.ticks)
    record_property("frames_compared", found.frames)


def test_an_emulated_chip_drives_the_car_as_this_process_does(emulated: Emulated) -> None:
    told = msgspec.structs.replace(load("table_top").scenario, lasts_s=4.0)
    here = Loop(told, "table_top").drive(calibration_default())

    chip = Loop(told, "table_top").drive_on(emulated, calibration_default())

    assert here.flight_count > 0
    assert (chip.run_digest, chip.flights) == (here.run_digest, here.flights)
