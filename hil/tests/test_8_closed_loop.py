"""The unit drives the car: a jump in closed loop, where each answer shapes what it is told next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from d7xr.hil.fixtures import Recorder, Simulate

pytestmark = pytest.mark.hil

LANDED_S = 4.0
"""Until the car has landed and has its torque back."""


@pytest.mark.req("HIL-002")
def test_a_jump_in_closed_loop_is_the_drive_that_the_desk_makes_of_it(
    simulate: Simulate, recorder: Recorder
) -> None:
    unit, desk = simulate("table_top", lasts_s=LANDED_S)

    assert unit.run_digest == desk.run_digest, "state or frames of some tick differ"
    assert (unit.flights, unit.metrics) == (desk.flights, desk.metrics)
    assert unit.metrics["flights_found"] >= 1, "nothing flew"
    assert recorder.signal("FlightStatus.FlightState").values.max() > 0, "the unit told nothing"


@pytest.mark.req("HIL-003")
@pytest.mark.needs("bulk")
def test_a_start_at_dawn_with_key_and_cranking_is_the_drive_that_the_desk_makes_of_it(
    simulate: Simulate,
) -> None:
    unit, desk = simulate("cold_start_at_dawn", lasts_s=20.0)

    assert unit.run_digest == desk.run_digest, "state or frames of some tick differ"
    assert unit.ticks > 15_000
