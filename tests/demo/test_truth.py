"""What the shipped truth says about the demo drive."""

import subprocess
import sys
from itertools import pairwise

import pytest

from d7xr.demo import demo_truth
from d7xr.demo.truth import Truth


def test_the_drive_has_three_flights_and_they_last_as_told() -> None:
    flights = demo_truth().flights
    assert [flight.name for flight in flights] == ["ramp", "table-top", "edge"]
    for flight, seconds in zip(flights, (0.25, 0.6, 1.2), strict=True):
        assert flight.air_time_ms == pytest.approx(1000.0 * seconds, abs=15.0)
        assert flight.air_time_ms * 1000.0 == flight.touchdown_us - flight.take_off_us


def test_landings_are_hard_but_survivable() -> None:
    for flight in demo_truth().flights:
        assert 3.0 <= flight.landing_peak_g <= 8.0


def test_whatever_else_leaves_the_ground_is_a_short_hop_on_the_whoops() -> None:
    truth = demo_truth()
    whoops = truth.stretch("whoops")
    assert truth.hops
    for hop in truth.hops:
        assert hop.name == "whoops"
        assert hop.air_time_ms < 50.0
        assert whoops.start_us <= hop.take_off_us < hop.touchdown_us <= whoops.end_us


def test_every_flight_lies_in_the_stretch_that_it_is_named_after() -> None:
    truth = demo_truth()
    for flight in truth.flights:
        stretch = truth.stretch(flight.name)
        assert stretch.start_us < flight.take_off_us < flight.touchdown_us < stretch.end_us


def test_the_stretches_fill_the_drive_without_gap_and_have_names_of_their_own() -> None:
    stretches = demo_truth().stretches
    assert stretches[0].start_us == 0
    for one, other in pairwise(stretches):
        assert one.end_us == other.start_us
    assert len({stretch.name for stretch in stretches}) == len(stretches)
    assert {"whoops", "washboard", "climb"} <= {stretch.name for stretch in stretches}


def test_truth_survives_its_file() -> None:
    truth = demo_truth()
    assert Truth.from_json(truth.to_json()) == truth


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"need d7xr\.demo_truth version 1"):
        Truth.from_json('{"schema": "d7xr.demo_truth", "version": 2}')


def test_an_unknown_stretch_is_named_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match=r"no stretch 'moon'.*whoops"):
        demo_truth().stretch("moon")


def test_asking_for_the_demo_loads_no_numpy() -> None:
    code = (
        "import sys; from d7xr.demo import demo_trace_path, demo_truth;"
        "demo_truth(); assert demo_trace_path().is_file(); sys.exit('numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
