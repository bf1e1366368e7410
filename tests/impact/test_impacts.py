"""Hits from below and hard landings: one event each, sized, and none from a broken sensor."""

import numpy as np
import pytest
from hypothesis import given, settings

from tests.car import CORNERS, G_mps2, dampers
from tests.flight.flights import Jump
from tests.impact.bench import (
    HARD,
    HIT,
    LANDING,
    LIGHT,
    SEVERE,
    car,
    force,
    stroke,
    written,
)
from tests.scenario import Segment, play, wild_segments


@pytest.mark.parametrize(("peak_g", "severity"), [(5.5, LIGHT), (10.0, HARD), (18.0, SEVERE)])
def test_a_stone_is_one_hit_of_its_size(peak_g: float, severity: int) -> None:
    # Given 25 ms of it, and the body ringing at 20 Hz afterwards
    blow = force(1500, (300, 25, peak_g))
    blow[325:900] += 2.0 * G_mps2 * np.exp(-np.arange(575) / 150.0) * np.sin(np.arange(575) / 8.0)

    drive = car().drive(1500, SpecificForceZ_mps2=blow)

    counted = written(drive)
    assert counted.events == 1
    assert counted.hits[severity] == 1
    assert drive["impact.record.kind"][-1] == HIT
    peak_mps2 = drive["impact.record.peak_mps2"][-1]
    assert 0.85 * peak_g * G_mps2 < peak_mps2 <= peak_g * G_mps2 + 0.1


def test_a_blow_from_the_front_counts_like_one_from_below() -> None:
    drive = car().drive(1000, SpecificForceX_mps2=-force(1000, (300, 25, 10.0)))

    assert written(drive).hits == (0, 1, 0)


@pytest.mark.parametrize("landing_g", [6.0, 9.0, 13.0])
@pytest.mark.parametrize("air_ms", [300, 1200])
def test_a_landing_with_all_its_ringing_and_bottoming_is_one_event(
    air_ms: int, landing_g: float
) -> None:
    jump = Jump(air_ms, landing_g=landing_g)
    signals = jump.signals()
    down = jump.touchdown_ms
    for corner in CORNERS:
        level = signals[f"DamperTravel{corner}_mm"]
        assert isinstance(level, np.ndarray)
        level[down + 60 : down + 100] = np.linspace(level[down + 60], 298.0, 40)
        level[down + 100 : down + 130] = 298.0
        level[down + 130 : down + 170] = np.linspace(298.0, level[down + 170], 40)

    drive = car().drive(jump.duration_ms, **signals)

    counted = written(drive)
    assert counted.events == 1
    assert sum(counted.landings) == 1
    assert counted.bottomed == (1, 1, 1, 1)
    assert drive["impact.record.kind"][-1] == LANDING
    assert drive["impact.record.corner_mask"][-1] == 15


def test_a_damper_alone_tells_of_its_bump_stop_by_the_speed_with_which_it_met_it() -> None:
    for speed_mps, severity in ((1.0, LIGHT), (3.0, HARD), (5.0, SEVERE)):
        drive = car().drive(1500, DamperTravelRL_mm=stroke(1500, 300, speed_mps, 299.0))

        counted = written(drive)
        assert counted.events == 1
        assert counted.hits[severity] == 1
        assert counted.bottomed == (0, 0, 1, 0)
        assert drive["impact.record.bottom_mps"][-1] == pytest.approx(speed_mps, rel=0.15)


def test_a_damper_that_is_pressed_slowly_into_its_stop_is_a_load_and_no_impact() -> None:
    slow = np.interp(np.arange(4000), (0, 2000, 4000), (130.0, 299.0, 130.0))

    assert written(car().drive(4000, **dampers(slow))).events == 0


def test_two_stones_a_second_apart_are_two() -> None:
    blows = force(3000, (300, 25, 9.0), (1300, 25, 9.0))

    assert written(car().drive(3000, SpecificForceZ_mps2=blows)).hits == (0, 2, 0)


def test_washboard_and_whoops_below_the_bound_count_nothing() -> None:
    time_s = np.arange(20_000) / 1000.0
    washboard = G_mps2 * (1.0 + 1.8 * np.sin(2 * np.pi * 12.0 * time_s))

    assert written(car().drive(20_000, SpecificForceZ_mps2=washboard)).events == 0


def spiky(length: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    column = np.full(3000, G_mps2)
    for start in range(200, 2800, 400):
        column[start : start + length] = -150.0
    return column


@pytest.mark.parametrize("name", ["X", "Y", "Z"])
def test_a_single_sample_is_electrical_and_no_impact(name: str) -> None:
    drive = car().drive(3000, **{f"SpecificForce{name}_mps2": spiky(5)})

    assert written(drive).events == 0


@pytest.mark.parametrize("stuck_mps2", [60.0, -60.0, 195.0])
def test_a_force_that_never_comes_down_is_a_broken_sensor(stuck_mps2: float) -> None:
    bench = car()
    stuck = bench.drive(6000, SpecificForceZ_mps2=stuck_mps2)

    back = bench.drive(2000, SpecificForceZ_mps2=G_mps2)

    assert written(stuck).events + written(back).events == 0


def test_noise_without_an_end_is_a_broken_sensor() -> None:
    noise = np.repeat(np.random.default_rng(5).uniform(-190.0, 190.0, 1200), 5)

    bench = car()
    noisy = bench.drive(6000, SpecificForceZ_mps2=noise)

    assert written(noisy).events == 0
    assert written(bench.drive(2000, SpecificForceZ_mps2=G_mps2)).events == 0


@pytest.mark.parametrize("value", [np.nan, 250.0])
def test_what_is_not_available_is_no_impact(value: float) -> None:
    bench = car()
    gone = bench.drive(1000, SpecificForceZ_mps2=value, **dampers(np.nan))
    back = bench.drive(1000, SpecificForceZ_mps2=G_mps2, **dampers(130.0))

    assert written(gone).events + written(back).events == 0


@pytest.mark.parametrize("jump_mm", [299.0, 399.0])
def test_a_damper_sensor_that_jumps_to_its_end_is_no_impact(jump_mm: float) -> None:
    bench = car()
    stuck = bench.drive(3000, DamperTravelFL_mm=jump_mm)
    back = bench.drive(1000, DamperTravelFL_mm=130.0)

    assert written(stuck).events + written(back).events == 0


def test_after_a_broken_sensor_a_true_hit_counts_again() -> None:
    bench = car()
    bench.drive(3000, SpecificForceZ_mps2=100.0)
    bench.drive(1000, SpecificForceZ_mps2=G_mps2)

    drive = bench.drive(1000, SpecificForceZ_mps2=force(1000, (300, 25, 9.0)))

    assert written(drive).hits == (0, 1, 0)


def test_impacts_have_no_say_in_torque() -> None:
    one, other = car(), car()
    other_blow = force(2000, (300, 25, 17.0))

    hit = one.drive(2000, SpecificForceZ_mps2=other_blow)
    calm = other.drive(2000, SpecificForceZ_mps2=np.where(other_blow > 2 * G_mps2, 19.0, G_mps2))

    assert written(hit).events == 1
    np.testing.assert_array_equal(hit["torque.granted_Nm"], calm["torque.granted_Nm"])


@settings(max_examples=25, deadline=None)
@given(segments=wild_segments(4))
def test_counts_only_go_up_one_at_a_time_whatever_the_bus_brings(segments: list[Segment]) -> None:
    from tests.car import Car

    names = [*(f"impact.counts.count[{i}]" for i in range(6)), "impact.record.number"]
    driven = play(Car(record=names), segments)

    total = np.sum([driven[name] for name in names[:6]], axis=0)
    steps = np.diff(total, prepend=0.0)
    assert ((steps == 0.0) | (steps == 1.0)).all()
    np.testing.assert_array_equal(total, driven["impact.record.number"])
