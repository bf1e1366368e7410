"""The demo's judge: found flights are paired with true ones, and it can fail."""

import pytest

from d7xr.demo.check import FlightCheck, check_flights
from d7xr.demo.truth import AirborneTruth
from d7xr.events import Flight

TRUTH = (
    AirborneTruth("ramp", 10_000_000, 10_500_000, 500.0, 60.0, 3.0),
    AirborneTruth("edge", 20_000_000, 21_000_000, 1000.0, 90.0, 5.0),
)


def flight(take_off_s: float, air_time_ms: int) -> Flight:
    return Flight(take_off_s, take_off_s + air_time_ms / 1000, air_time_ms, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(("air_time_ms", "is_good"), [(520, True), (521, False), (479, False)])
def test_a_flight_is_good_within_20_ms(air_time_ms: int, is_good: bool) -> None:
    checks = check_flights([flight(10.0, air_time_ms), flight(20.0, 1000)], TRUTH)

    assert [check.is_good for check in checks] == [is_good, True]
    assert checks[0].difference_ms == air_time_ms - 500


def test_a_missed_flight_is_not_good() -> None:
    assert check_flights([flight(10.0, 500)], TRUTH)[1] == FlightCheck("edge", 1000.0, None)
    assert not check_flights([flight(10.0, 500)], TRUTH)[1].is_good


def test_a_flight_that_never_was_is_not_good() -> None:
    checks = check_flights([flight(10.0, 500), flight(15.0, 300), flight(20.0, 1000)], TRUTH)

    assert checks[2:] == (FlightCheck("", None, 300.0),)
    assert not checks[2].is_good


def test_one_flight_cannot_stand_for_two() -> None:
    checks = check_flights([flight(10.0, 11_000)], TRUTH)

    assert [check.found_ms for check in checks] == [11_000.0, None]
