"""Who answers: the unit of this very build, with the set that it was started with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from d7xr.hil.identity import expected, handshake

if TYPE_CHECKING:
    from d7xr.hil.fixtures import Recorder
    from d7xr.hil.machines import Machine
    from d7xr.hil.witness import Witness

pytestmark = pytest.mark.hil

TICKS_OF_IDENTITY = 310
ON_THE_BUS = 0xFFFFFF


def test_the_unit_is_of_this_build(rig: Machine) -> None:
    found, ours = handshake(rig), expected()

    assert (found.build_id, found.layout_hash) == (ours.build_id, ours.layout_hash)


def test_the_unit_started_with_the_set_it_was_given(ecu: Witness, recorder: Recorder) -> None:
    ecu.run(ticks=TICKS_OF_IDENTITY)

    told = recorder.signal("Identity.CalibrationId").values
    assert [f"{int(value):06x}" for value in told] == [expected().calibration_id]


@pytest.mark.needs("calibration")
def test_another_set_has_another_number(ecu: Witness, recorder: Recorder) -> None:
    # Given a set that differs from the built-in one by one value that is within its range
    from d7xr.ecu import calibration_check, calibration_hash, calibration_parameters

    number = next(p for p in calibration_parameters() if p.ctype != "float" and p.count == 1)
    changed = bytearray(ecu.calibration)
    value = int.from_bytes(changed[number.offset : number.offset + 4], "little")
    value += 1 if value < number.maximum else -1
    changed[number.offset : number.offset + 4] = value.to_bytes(4, "little")
    assert not calibration_check(bytes(changed))

    # When the unit is started with it
    ecu.start(bytes(changed)).run(ticks=TICKS_OF_IDENTITY)

    # Then it says so
    told = recorder.signal("Identity.CalibrationId").values
    assert [int(value) for value in told] == [calibration_hash(bytes(changed)) & ON_THE_BUS]
