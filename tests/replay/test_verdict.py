"""Laws of a run: each can fail, and without samples none passes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d7xr.events import find
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.verdict import Tally, Verdict, judge
from tests.replay.bench import OWN
from tests.replay.test_events import WORDS, outcome


def verdict(
    granted_Nm: list[float], demand_Nm: list[float], state: float = 0.0, missing: int = 0
) -> Verdict:
    """Judge a run that sent these torque commands and recorded one state."""
    tick = 5 * np.arange(len(granted_Nm), dtype=np.int64)
    torque = {"GrantedTorque_Nm": granted_Nm, "DemandTorque_Nm": demand_Nm}
    run = replace(
        outcome({"flight_mode.missing_mask": {0: missing}}),
        sent_tick=tick,
        sent=OWN.encode_columns("TorqueCommand", tick, torque).frame,
        sample_tick=np.array([0, 10], dtype=np.int64),
        states={"torque.margin_Nm": np.array([1.0, state], dtype=np.float32)},
    )
    return judge(run, find(run, WORDS))


def failed(judged: Verdict) -> list[str]:
    return [law.name for law in judged.laws if law.judgement == "fail"]


def test_a_run_that_keeps_every_law_passes() -> None:
    judged = verdict([100.0, -90.0, 0.0], [100.0, -90.0, 400.0])

    assert (judged.judgement, judged.exit_code, failed(judged)) == ("pass", 0, [])


@pytest.mark.parametrize(
    ("granted_Nm", "demand_Nm", "law"),
    [
        (100.5, 100.0, "torque_within_demand"),
        (-50.0, 100.0, "torque_keeps_sign"),
        (np.nan, 100.0, "torque_is_known"),
    ],
)
def test_one_torque_command_is_enough_to_fail(
    granted_Nm: float, demand_Nm: float, law: str
) -> None:
    judged = verdict([10.0, granted_Nm, 10.0], [10.0, demand_Nm, 10.0])

    assert failed(judged) == [law]
    assert judged.exit_code == 1
    assert "tick 5" in next(entry.evidence for entry in judged.laws if entry.name == law)


def test_a_state_that_is_not_a_number_fails_by_name_and_tick() -> None:
    judged = verdict([1.0], [1.0], state=float("nan"))

    assert failed(judged) == ["states_are_finite"]
    assert "torque.margin_Nm at tick 10" in [law.evidence for law in judged.laws]


def test_a_run_that_sent_and_recorded_nothing_decides_nothing() -> None:
    run = outcome({"flight_mode.missing_mask": {0: 1}})
    judged = judge(run, find(run, WORDS))

    assert (judged.judgement, judged.exit_code) == ("inconclusive", 4)


def test_without_specific_force_the_absence_of_flights_is_no_finding() -> None:
    judged = verdict([1.0], [1.0], missing=1)

    law = next(law for law in judged.laws if law.name == "flight_evidence")
    assert law.judgement == "inconclusive"
    assert judged.judgement == "pass"


@given(
    payloads=st.lists(st.binary(min_size=8, max_size=8), max_size=40),
    lengths=st.lists(st.integers(0, 8), min_size=40, max_size=40),
    cut=st.integers(0, 40),
)
def test_evidence_is_what_the_database_reads_in_the_frames(
    payloads: list[bytes], lengths: list[int], cut: int
) -> None:
    sent = np.zeros(len(payloads), dtype=FRAME_DTYPE)
    sent["id"] = OWN.message("TorqueCommand").frame_id
    sent["length"] = lengths[: len(payloads)]
    sent["data"] = np.frombuffer(b"".join(payloads), dtype=np.uint8).reshape(-1, 8)
    tick = 3 * np.arange(len(payloads), dtype=np.int64)

    tally = Tally()
    tally.take(tick[:cut], sent[:cut])
    tally.take(tick[cut:], sent[cut:])
    evidence = tally.evidence(0, None)

    columns = OWN.decode_columns(Frames(tick, sent), "TorqueCommand")
    granted, demand = columns["GrantedTorque_Nm"], columns["DemandTorque_Nm"]
    is_known = granted.valid & demand.valid
    assert evidence.commands == evidence.frames == len(payloads)
    assert evidence.known == is_known.sum()
    for breaches, is_breach in (
        (evidence.excesses, is_known & (granted.values > demand.values + 0.25)),
        (evidence.flips, is_known & (granted.values * demand.values < -0.25)),
        (evidence.unknowns, ~is_known),
    ):
        first_tick = int(tick[is_breach.argmax()]) if is_breach.any() else -1
        assert (breaches.count, breaches.first_tick) == (int(is_breach.sum()), first_tick)
