"""Events are read from changes of states, tick by tick, and speak in words."""

from collections.abc import Mapping

import numpy as np
import pytest

from d7xr.ecu import Fault
from d7xr.events import (
    COOLANT,
    WATCHED,
    Events,
    FanStart,
    Flight,
    History,
    Impact,
    Refill,
    Words,
    find,
)
from d7xr.frames import FRAME_DTYPE
from d7xr.replay import Outcome

BELIEVED = 1
WORDS = Words(
    reasons={0: "None", 12: "FlightSuspect"},
    evidence={0: "inertial", 1: "dampers"},
    faults={
        n: Fault(n, f"Fault{n}", "P1000", "Wrong", "Warning", "Itself", 1, 0, 1, "seen", "done", "")
        for n in (3, 31, 40)
    },
    believed=BELIEVED,
    impact_kinds={0: "Hit", 1: "Landing"},
    severities={0: "Light", 1: "Hard", 2: "Severe"},
)
TICKS = 10_000
RECORD = "flight_mode.record."


type Steps = Mapping[str, Mapping[int, float]]
"""State by C path: value from each tick on; it begins with 0."""


def outcome(changes: Steps) -> Outcome:
    """Return a run of 10 s in which these states change."""
    assert set(changes) <= set(WATCHED)
    history = {}
    for name in WATCHED:
        steps = {0: 0.0} | dict(changes.get(name, {}))
        ticks = np.array(sorted(steps), dtype=np.int64)
        history[name] = History(ticks, np.array([steps[t] for t in sorted(steps)]))
    return Outcome(
        ticks=TICKS,
        frames=0,
        digest=0,
        sample_tick=np.zeros(0, dtype=np.int64),
        states={},
        history=history,
        sent_tick=np.zeros(0, dtype=np.int64),
        sent=np.zeros(0, dtype=FRAME_DTYPE),
    )


def events(changes: Steps) -> Events:
    return find(outcome(changes), WORDS)


def test_take_off_is_reckoned_back_from_the_tick_that_reported_the_flight() -> None:
    found = events(
        {
            f"{RECORD}number": {3020: 1},
            f"{RECORD}air_time_ms": {3020: 500},
            f"{RECORD}touchdown_ago_ms": {3020: 20},
            f"{RECORD}peak_engine_rpm": {3020: 5210.25},
            f"{RECORD}peak_overspeed_pct": {3020: 7.5},
            f"{RECORD}granted_at_landing_Nm": {3020: 120.0},
        }
    )

    assert found.flights == (Flight(2.5, 3.0, 500, 5210.25, 7.5, 120.0),)


def test_two_flights_alike_are_two_flights() -> None:
    found = events({f"{RECORD}number": {1000: 1, 4000: 2}, f"{RECORD}air_time_ms": {1000: 300}})

    assert [(f.take_off_s, f.air_time_ms) for f in found.flights] == [(0.7, 300), (3.7, 300)]


def test_limits_add_up_to_the_whole_run() -> None:
    found = events({"torque.reason": {1000: 12, 1500: 0, 2000: 12, 2250: 99}})

    assert [(x.reason, x.total_s, x.times) for x in found.limits] == [
        ("99", 7.75, 1),
        ("None", 1.5, 2),
        ("FlightSuspect", 0.75, 2),
    ]
    assert sum(limit.total_s for limit in found.limits) == TICKS / 1000


def test_a_fan_start_names_fan_and_coolant_and_a_stop_is_none() -> None:
    found = events(
        {
            "cooling.fans.running_mask": {100: 0b0001, 200: 0b1101, 300: 0b1100, 400: 0b0000},
            f"{COOLANT}.degC": {150: 96.5},
            f"{COOLANT}.state": {150: BELIEVED},
        }
    )

    assert found.fans == (FanStart(0.1, 1, None), FanStart(0.2, 3, 96.5), FanStart(0.2, 4, 96.5))


def test_a_fault_that_never_heals_has_no_end() -> None:
    found = events(
        {
            "fault.active_mask[0]": {100: 1 << 3, 600: 0, 800: (1 << 3) | (1 << 31)},
            "fault.active_mask[1]": {200: 1 << 8, 300: 0},
        }
    )

    assert [(f.name, f.start_s, f.end_s) for f in found.faults] == [
        ("Fault3", 0.1, 0.6),
        ("Fault40", 0.2, 0.3),
        ("Fault3", 0.8, None),
        ("Fault31", 0.8, None),
    ]


def test_missing_evidence_is_told_with_its_spans() -> None:
    found = events({"flight_mode.missing_mask": {0: 0b11, 2000: 0b10, 9000: 0b11}})

    assert [(m.evidence, m.total_s, m.spans_s) for m in found.missing] == [
        ("inertial", 3.0, ((0.0, 2.0), (9.0, 10.0))),
        ("dampers", 10.0, ((0.0, 10.0),)),
    ]


@pytest.mark.parametrize("kind", ["flights", "fans", "faults", "missing"])
def test_a_run_without_events_has_empty_lists_not_absent_ones(kind: str) -> None:
    assert events({}).as_document()[kind] == []


def test_an_impact_is_told_when_it_hit_with_kind_severity_and_corners() -> None:
    prefix = "impact.record."
    found = events(
        {
            f"{prefix}number": {4250: 1},
            f"{prefix}ago_ms": {4250: 250},
            f"{prefix}kind": {4250: 1},
            f"{prefix}severity": {4250: 2},
            f"{prefix}peak_mps2": {4250: 131.5},
            f"{prefix}bottom_mps": {4250: 1.25},
            f"{prefix}corner_mask": {4250: 0b1010},
        }
    )

    corners = ("front right", "rear right")
    assert found.impacts == (Impact(4.0, "Landing", "Severe", 131.5, 1.25, corners),)


def test_a_refill_is_told_with_its_litres() -> None:
    found = events({"fuel.refill_count": {7000: 1}, "fuel.refilled_L": {7000: 180.25}})

    assert found.refills == (Refill(7.0, 180.25),)
