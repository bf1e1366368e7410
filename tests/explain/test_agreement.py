"""What is said is what was: on random drives of a car with broken and healthy sensors."""

import re

from hypothesis import HealthCheck, given, settings

from d7xr.explain import TOPICS, explain
from d7xr.explain.words import REASONS
from tests.benches import words_of
from tests.car import Car
from tests.explain.bench import moment_of, said
from tests.scenario import Segment, calm_segments, play, wild_segments

WORDS = words_of("torque.reason")
FREE_Nm = 2000.0
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def numbers(text: str) -> list[float]:
    return [
        float(n.replace(",", "")) for n in re.findall(r"-?\d[\d,]*(?:\.\d+)?(?= Nm(?!/))", text)
    ]


def after(segments: list[Segment]) -> Car:
    car = Car(record=["torque.reason"])
    play(car, segments)
    return car


@few
@given(segments=wild_segments(4))
def test_any_moment_of_any_drive_can_be_explained(segments: list[Segment]) -> None:
    statements = explain(moment_of(after(segments).ecu))

    assert {s.topic for s in statements} == set(TOPICS)
    assert all(s.text and not re.search(r"[{}]|nan", s.text) for s in statements)


@few
@given(segments=wild_segments(4))
def test_the_winner_and_its_numbers_are_those_of_the_unit(segments: list[Segment]) -> None:
    ecu = after(segments).ecu
    first = said(ecu, "torque")[0]
    reason = WORDS[int(ecu["torque.reason"])]
    granted, demand = ecu["torque.granted_Nm"], ecu["torque.demand_Nm"]

    told = numbers(first)
    assert all(abs(t - v) <= 0.5 for t, v in zip(told[::-1], (granted, demand), strict=False))
    assert (reason == "None") == ("gets" in first)
    if " wins " in first:
        # judged anew from the bounds: the smallest of all, and it takes something from the demand
        bounds = [ecu[f"torque.bound_Nm[{code}]"] for code in WORDS]
        assert ecu[f"torque.bound_Nm[{int(ecu['torque.reason'])}]"] == min(bounds) < demand
        assert f"the {REASONS[reason].noun} wins ({reason})" in first


@few
@given(segments=calm_segments(4))
def test_the_runner_up_is_the_smallest_of_the_other_bounds(segments: list[Segment]) -> None:
    ecu = after(segments).ecu
    sentences = [
        s for s in said(ecu, "torque") if s.startswith(("Next comes", "The nearest bound"))
    ]
    code = int(ecu["torque.reason"])
    is_won = ecu[f"torque.bound_Nm[{code}]"] < ecu["torque.demand_Nm"]
    others = [ecu[f"torque.bound_Nm[{c}]"] for c in WORDS if c != code or not is_won]

    for sentence in sentences:
        bound, margin = numbers(sentence)
        assert abs(bound - min(others)) <= 0.5
        held = min(ecu["torque.demand_Nm"], ecu[f"torque.bound_Nm[{code}]"])
        assert abs(margin - (min(others) - held)) <= 0.51
        assert min(others) < FREE_Nm


@few
@given(segments=wild_segments(4))
def test_a_sensor_is_named_exactly_when_the_unit_does_not_read_it(segments: list[Segment]) -> None:
    ecu = after(segments).ecu
    sentences = said(ecu, "sensors")
    unusable = [
        name
        for name, value in moment_of(ecu).values.items()
        if name.startswith("inputs.") and name.endswith(".is_usable") and not value
    ]

    silent = [s for s in sentences if "heard" in s]
    invalid = [s for s in sentences if "not available" in s]
    assert bool(unusable) == bool(silent or invalid)
    for sentence in invalid:
        assert f"inputs.{sentence.partition(':')[0]}.is_usable" in unusable
    assert (sentences == ["Every input is believed."]) <= (not unusable)
