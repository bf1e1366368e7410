"""The single-fault campaign: no break is undetected and harmful, and the page says the rest."""

from functools import cache

import pytest

from d7xr.campaign import Cell, cells, drive, windows_of_demo
from d7xr.campaign.accepted import ACCEPTED
from d7xr.campaign.injection import OF_SIGNALS, Kind
from d7xr.campaign.table import page
from d7xr.database import Database
from d7xr.ecu import calibration_default, faults
from d7xr.inputs import sources
from tests.benches import calibrated
from tests.recordings import REPOSITORY

PAGE = REPOSITORY / "docs" / "fault_campaign.md"


@cache
def campaign() -> tuple[Cell, ...]:
    return tuple(cells(drive(), calibration_default(), windows_of_demo()))


def names() -> dict[int, str]:
    return {fault.number: fault.name for fault in faults()}


def test_nothing_is_undetected_and_harmful_but_what_is_accepted_with_a_reason() -> None:
    found = {(c.name, c.kind) for c in campaign() if c.is_undetected_and_harmful}

    assert found == set(ACCEPTED)


def test_every_input_is_broken_in_every_way() -> None:
    broken = {(cell.signal, cell.kind) for cell in campaign() if cell.signal}
    messages = {(cell.message, cell.kind) for cell in campaign() if not cell.signal}

    without_room = {"LockUpClutch", "TransferRange"}
    for source in sources():
        kinds = set(OF_SIGNALS)
        if source.signal in without_room:
            kinds.remove(Kind.OUT_OF_RANGE)
        assert {kind for signal, kind in broken if signal == source.signal} == kinds
        assert (source.message, Kind.DROPPED) in messages
        assert (source.message, Kind.DELAYED) in messages
        if Database.own().message(source.message).is_protected:
            assert (source.message, Kind.WRONG_CRC) in messages
            assert (source.message, Kind.WRONG_COUNTER) in messages


def test_no_single_broken_input_makes_a_false_flight() -> None:
    assert not [c.name for c in campaign() for f in c.found.values() if f.false_flights]


@pytest.mark.parametrize(
    ("name", "kind", "fault"),
    [
        ("InertialAccel.SpecificForceZ_mps2", Kind.FROZEN, "InertialFrozen"),
        ("InertialAccel.SpecificForceX_mps2", Kind.MAXIMUM, "InertialLost"),
        ("WheelSpeeds", Kind.FROZEN, "WheelLost"),
        ("EngineState.EngineSpeed_rpm", Kind.FROZEN, "SpeedsDisagree"),
        ("VehicleMotion.GroundSpeed_mps", Kind.MAXIMUM, "SpeedLost"),
        ("EngineState.Ignition", Kind.MINIMUM, "KeyDisputed"),
        ("DriverDemand", Kind.WRONG_CRC, "BusErrors"),
    ],
)
def test_a_break_is_called_by_its_name(name: str, kind: Kind, fault: str) -> None:
    number = {word: number for number, word in names().items()}[fault]

    (cell,) = [c for c in campaign() if (c.name, c.kind) == (name, kind)]

    assert any(found.fault_bits >> number & 1 for found in cell.found.values())


def test_a_unit_that_is_told_to_believe_everything_is_found_out() -> None:
    # Given a calibration that lets engine and turbine differ as they like
    deaf = calibrated(torque__speed_difference_rpm=1000.0)

    found = list(cells(drive(), deaf, windows_of_demo(), messages=["EngineState"]))

    harmful = {(c.signal, c.kind) for c in found if c.is_undetected_and_harmful}
    assert ("EngineSpeed_rpm", Kind.FROZEN) in harmful


def test_the_page_says_what_the_campaign_found() -> None:
    current = page(campaign(), windows_of_demo(), names())

    assert PAGE.read_text(encoding="utf-8") == current, "make docs writes it anew"


def test_the_same_campaign_gives_the_same_cells() -> None:
    again = list(
        cells(drive(), calibration_default(), windows_of_demo(), messages=["InertialAccel"])
    )

    assert again == [c for c in campaign() if c.message == "InertialAccel"]
