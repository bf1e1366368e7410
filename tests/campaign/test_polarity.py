"""The polarity table, walked cell by cell: the unit does what it says."""

from dataclasses import replace

from d7xr.campaign import polarity
from d7xr.campaign.injection import Kind
from d7xr.inputs import sources
from tests.campaign.test_campaign import campaign, names
from tests.recordings import REPOSITORY

PAGE = REPOSITORY / "docs" / "polarity.md"
WITHOUT_ROOM = {"LockUpClutch", "TransferRange"}


def test_the_unit_does_in_every_cell_what_the_table_says() -> None:
    assert polarity.differences(campaign(), names()) == []


def test_the_table_has_every_input_and_every_failure() -> None:
    cells = {(claim.signal, claim.failure) for claim in polarity.claims()}

    for source in sources():
        kinds = set(polarity.FAILURES)
        if source.signal in WITHOUT_ROOM:
            kinds.remove("out of range")
        assert {failure for signal, failure in cells if signal == source.signal} == kinds
    stale = {claim.message for claim in polarity.claims() if claim.failure == "stale"}
    assert stale == {source.message for source in sources()}


def test_every_cell_says_what_is_assumed() -> None:
    assert not [claim for claim in polarity.claims() if not claim.assumes.strip()]


def test_more_torque_or_fewer_fans_are_told_by_a_fault_or_accepted_with_a_reason() -> None:
    silent = {
        (claim.signal, claim.failure)
        for claim in polarity.claims()
        if "more" in claim.effect.torque or "less" in claim.effect.fans
        if not claim.effect.faults
    }

    assert silent == {("FlightModeSwitch", "lowest")}, "a switch is a wish of the driver"


def test_an_input_that_cannot_be_read_is_never_taken_for_what_gives_most() -> None:
    """Missing, stale and out of range: torque is the same or less, but for flights not seen."""
    unreadable = {"missing", "stale", "out of range"}
    more = {
        claim.message
        for claim in polarity.claims()
        if claim.failure in unreadable and "more" in claim.effect.torque
    }

    assert more == {"InertialAccel", "WheelSpeeds", "VehicleMotion"}, "the witnesses of a flight"
    assert not [c for c in polarity.claims() if c.failure in unreadable and "less" in c.effect.fans]


def test_canary_a_unit_that_does_something_else_is_found() -> None:
    cells = list(campaign())
    place = next(
        i for i, c in enumerate(cells) if (c.signal, c.kind) == ("Battery_V", Kind.MINIMUM)
    )
    cells[place] = replace(
        cells[place],
        found={w: replace(f, fewer_ms=0, fault_bits=0) for w, f in cells[place].found.items()},
    )
    cells = [c for c in cells if (c.name, c.kind) != ("AirPath", Kind.DROPPED)]

    wrong, absent = sorted(polarity.differences(cells, names()), reverse=True)

    assert wrong.startswith("Battery_V lowest: the table says")
    assert absent == "AirPath stale: no such cell in the campaign"


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == polarity.page(), "make docs writes it anew"
