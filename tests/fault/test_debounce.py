"""From a condition to a fault and back: by time, and by number of times."""

import numpy as np
import pytest

from d7xr.ecu import Ecu, Fault, faults
from d7xr.events import FAULT_MASKS
from tests.car import Car, Stretch

TABLE = {fault.name: fault for fault in faults()}
CYCLE_ms = 10
"""Of the driver's message: a reading lasts at least so long."""


def car() -> Car:
    """Return a car that has driven for long enough that something can count as missing."""
    car = Car(record=[*FAULT_MASKS, "fault.newest"])
    car.drive(4000)
    return car


def is_active(stretch: Stretch, name: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    number = TABLE[name].number
    return np.asarray((stretch[FAULT_MASKS[number // 32]] >> number % 32) & 1, dtype=np.bool_)


def flicker(car: Car, times: int, *, gap_ms: int) -> Stretch:
    """Lose one pedal track for a moment, several times, and end with the last loss."""
    stretch = car.drive(CYCLE_ms)
    for number in range(times):
        if number:
            car.drive(gap_ms, AcceleratorTrack1_pct=100.0)
        stretch = car.drive(CYCLE_ms, AcceleratorTrack1_pct=float("nan"))
    return stretch


def test_a_contact_that_is_lost_once_for_a_moment_is_no_fault() -> None:
    assert CYCLE_ms < TABLE["PedalSingle"].set_ms

    assert not is_active(flicker(car(), 1, gap_ms=100), "PedalSingle").any()


def test_a_loose_contact_that_never_holds_becomes_a_fault_by_number_of_times() -> None:
    times = TABLE["PedalSingle"].set_times
    assert times > 1

    assert not is_active(flicker(car(), times - 1, gap_ms=100), "PedalSingle").any()
    assert is_active(flicker(car(), times, gap_ms=100), "PedalSingle").any()


def test_losses_that_are_far_apart_are_not_added_up() -> None:
    fault = TABLE["PedalSingle"]
    rare = fault.heal_ms // CYCLE_ms * CYCLE_ms + 2 * CYCLE_ms

    assert not is_active(flicker(car(), 2 * fault.set_times, gap_ms=rare), "PedalSingle").any()


@pytest.mark.parametrize("name", ["PedalSingle", "GearboxSilent"])
def test_a_fault_is_set_by_its_time_and_heals_by_its_time(name: str) -> None:
    fault, ill = TABLE[name], car()
    signal = {"PedalSingle": "AcceleratorTrack1_pct", "GearboxSilent": "Gear"}[name]
    well = ill.signals[signal]

    lost = is_active(ill.drive(fault.set_ms + 50, **{signal: float("nan")}), name)
    back = is_active(ill.drive(fault.heal_ms + 50, **{signal: well}), name)

    assert fault.set_ms - 1 <= int(np.argmax(lost)) <= fault.set_ms + CYCLE_ms
    assert fault.heal_ms - 1 <= int(np.argmin(back)) <= fault.heal_ms + CYCLE_ms
    assert not back[-1]


def masks(ecu: Ecu) -> list[str]:
    return [f.name for f in ecu.fields() if f.name.startswith("fault.active_mask")]


def test_the_host_knows_all_words_of_active_faults() -> None:
    assert masks(Ecu()) == list(FAULT_MASKS)
    assert max(fault.number for fault in TABLE.values()) < 32 * len(FAULT_MASKS)


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.name)
def test_a_row_of_the_table_is_whole(fault: Fault) -> None:
    letter, digits = fault.code[0], fault.code[1:]

    assert letter in "PCU"
    assert len(digits) == 4
    assert int(digits, 16) >= 0
    assert digits[0] in "012"
    assert digits == digits.upper()
    assert fault.heals in ("Itself", "Key")
    assert fault.kind in ("Missing", "Wrong")
    assert fault.set_ms > 0
    assert fault.heal_ms > 0
    assert fault.saw
    assert fault.does
    assert fault.crew


def test_no_two_faults_share_a_code() -> None:
    assert len({fault.code for fault in faults()}) == len(faults())
