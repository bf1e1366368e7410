"""The contest of detectors counts fairly; its sequential test keeps the rates that it states."""

import numpy as np
import pytest

from tools.contest import runs, sequential
from tools.contest.__main__ import Contest, page
from tools.contest.score import BOUNCE_MS, Score, most_per_hour, scored, share_pct
from tools.contest.sequential import BOUND, CHANNELS, NOT_SEEN, Weights, learned, spans

SURE = Weights({name: np.zeros(channel.bins) for name, channel in CHANNELS.items()})


def test_evidence_adds_up_until_it_passes_the_bound_and_turns_back_the_same_way() -> None:
    for_air = int(np.ceil(BOUND / 2.0))

    found = spans(range(100), [2.0] * 50 + [-2.0] * 50, SURE)

    assert found == ((for_air - 1, 50 + for_air - 1),)


def test_evidence_for_the_ground_is_no_debt_that_a_flight_has_to_pay() -> None:
    begins = [
        spans(range(ground + 50), [-2.0] * ground + [2.0] * 50, SURE)[0][0] - ground
        for ground in (0, 10, 150)
    ]

    assert len(set(begins)) == 1


def test_by_chance_alone_a_flight_is_believed_no_oftener_than_stated() -> None:
    draw = np.random.Generator(np.random.PCG64(5))
    step = 0.8  # normal samples, mean 0 on the ground and `step` in the air
    sample = draw.normal(0.0, 1.0, 400_000)
    ratio = step * sample - 0.5 * step * step

    false = spans(range(sample.size), ratio.tolist(), SURE)

    # Page's form begins anew with every sample: the rate is per sample.
    assert len(false) <= sequential.FALSE_RATE * sample.size + 3.0


def test_what_a_channel_does_not_have_adds_nothing() -> None:
    ticks = 100
    lost = {
        name: np.full(len(range(channel.phase, ticks, channel.period)), NOT_SEEN)
        for name, channel in CHANNELS.items()
    }
    eager = Weights({name: np.full(channel.bins, 3.0) for name, channel in CHANNELS.items()})

    assert sequential.evidence_of(lost, eager, ticks) == ([], [])


def test_likelier_in_the_air_counts_for_flight() -> None:
    ticks = 1000
    is_air = np.arange(ticks) >= ticks // 2
    samples = {}
    for name, channel in CHANNELS.items():
        where = is_air[channel.phase :: channel.period]
        samples[name] = np.where(where, 1, 0)

    weights = learned([(samples, is_air)])

    for name in CHANNELS:
        assert weights.ratio[name][1] > 1.0
        assert weights.ratio[name][0] < -1.0
        assert weights.ratio[name][2] == pytest.approx(0.0, abs=0.1)  # never seen


def test_a_flight_is_found_missed_ended_early_or_invented() -> None:
    true = ((1000, 1500), (4000, 4400), (8000, 8300), (9000, None))
    told = ((1100, 1530), (4050, 4200), (6900, 7000), (1600, 1700))

    score = scored(true, sorted(told), 10_000)

    assert (score.flights, score.missed, score.early) == (3, 1, 1)
    assert (score.latency, score.landing) == ((100, 50), (30,))
    assert (score.bounces, score.false) == (1, 1)


def test_behind_the_swing_of_a_landing_a_flight_that_never_was_is_false() -> None:
    first = 1500 + BOUNCE_MS

    late, soon = (
        scored(((1000, 1500),), ((at, at + 50),), 10_000) for at in (first + 1, first - 1)
    )

    assert (late.false, late.bounces) == (1, 0)
    assert (soon.false, soon.bounces) == (0, 1)


def test_scores_of_parts_add_up_to_that_of_the_whole() -> None:
    part = scored(((1000, 1500),), ((1100, 1530),), 5000)

    whole = part + part + Score()

    assert (whole.flights, whole.latency, whole.ticks) == (2, (100, 100), 10_000)


def test_bounds_widen_where_little_was_seen() -> None:
    assert share_pct(10, 10)[1] < share_pct(1000, 1000)[1] < 100.0
    assert most_per_hour(0, 10.0) == pytest.approx(0.3)


@pytest.mark.parametrize("draw", [runs.jump, runs.rough])
def test_a_seed_gives_its_run_again_and_another_gives_another(draw: object) -> None:
    assert callable(draw)

    assert draw(7, "none") == draw(7, "none")
    assert draw(7, "none") != draw(8, "none")


def test_both_detectors_see_one_and_the_same_jump() -> None:
    run = runs.run(runs.jump(1))

    true = [s for s in runs.true_spans(run.is_air) if s[1] is not None and s[1] - s[0] > 250]
    score = scored(runs.true_spans(run.is_air), run.unit, len(run.is_air))
    bins = sequential.binned(run.evidence)

    assert len(true) == score.flights >= 1
    assert score.missed == 0
    assert all(seen.max() < CHANNELS[name].bins for name, seen in bins.items())
    assert all((seen != NOT_SEEN).any() for seen in bins.values())


def test_a_shorter_dwell_tells_a_landing_sooner_and_nothing_else() -> None:
    soon, late = (runs.run(runs.jump(4), runs.with_dwell(ms)) for ms in (5, 20))

    assert soon.unit[0][0] == late.unit[0][0]
    assert soon.unit[0][1] == late.unit[0][1] - 15  # type: ignore[operator]


def test_the_page_gives_every_fault_both_detectors_and_a_result() -> None:
    pair = (Score(10, (90, 100), (20, 30), 0, 1, 2, 3_600_000), Score(ticks=3_600_000))
    each = dict.fromkeys(runs.FAULTS, pair)
    dwells = {("none", 20): pair[0]}

    text = page(Contest(SURE, each, each, dwells), 100, 10)

    assert text.count("| threshold and dwell |") == text.count("| sequential |") == 2 * len(each)
    assert (
        "| none | threshold and dwell | 10 | 20.00 [5.67] | 95, 100 | 25, 30 | 0 | 1 | 2 |" in text
    )
    assert "| none | sequential | 0 | 0.00 [0.00] | -, - | -, - | 0 | 0 | 0 |" in text
    assert "| none | sequential | 1.00 | 0 | 3.00 |" in text
