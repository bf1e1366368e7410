"""A drive through the real unit: in one stretch or many, whole or interrupted."""

from pathlib import Path

import numpy as np
import pytest

from d7xr import replay
from d7xr.ecu import Ecu
from d7xr.errors import InconclusiveError, UsageError
from d7xr.frames import Frames
from d7xr.replay import Feed, Outcome, Progress, run
from tests.replay.bench import OWN, SENSORS, Drive, feed_of

RECORDED = ("torque.granted_Nm", "flight_mode.state", "inputs.engine_speed_rpm.value")


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """Return a drive of 1.2 s."""
    return feed_of(Drive(seconds=1.2).write(tmp_path / "drive.log"))


def everything(outcome: Outcome) -> list[object]:
    """Return all that an outcome holds, for comparison."""
    columns = [outcome.sample_tick, outcome.sent_tick, outcome.sent, *outcome.states.values()]
    history = [column for h in outcome.history.values() for column in (h.tick, h.value)]
    texts = [column.tobytes() for column in (*columns, *history)]
    return [outcome.ticks, outcome.frames, outcome.digest, outcome.received, *texts]


def test_the_length_of_a_stretch_changes_nothing(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(feed, Ecu(), record=RECORDED)

    monkeypatch.setattr(replay, "_CHUNK_TICKS", 7)
    pieces = run(feed, Ecu(), record=RECORDED)

    assert everything(pieces) == everything(whole)


def test_two_runs_are_equal_and_another_frame_makes_another_run(feed: Feed) -> None:
    first, second = (run(feed, Ecu(), record=RECORDED) for _ in range(2))
    frame = feed.frames.frame.copy()
    frame["data"][10, 0] ^= 1
    changed = Feed(Frames(feed.frames.time_us, frame), feed.first_us, feed.ticks)

    assert everything(first) == everything(second)
    assert run(changed, Ecu()).digest != first.digest


def test_a_frame_is_received_before_the_tick_of_its_millisecond(tmp_path: Path) -> None:
    late_us = 10_999
    speed = OWN.encode_columns("EngineState", [late_us], {"EngineSpeed_rpm": 3000.0})
    keep = OWN.encode_columns("AmbientState", [0, 20_000], {"Battery_V": 13.0})
    order = [0, 2, 1]
    frames = Frames(
        np.concatenate([keep.time_us, speed.time_us])[order],
        np.concatenate([keep.frame, speed.frame])[order],
    )

    outcome = run(
        Feed(frames, 0, 21), Ecu(), record=("inputs.engine_speed_rpm.is_usable",), rate_hz=1000
    )

    usable = outcome.states["inputs.engine_speed_rpm.is_usable"]
    assert np.flatnonzero(usable)[0] == 10


def test_what_the_unit_thought_of_each_message_is_told(tmp_path: Path) -> None:
    broken = (500, 0x0A0, bytes(8))
    outcome = run(feed_of(Drive(seconds=0.5, extra=(broken,)).write(tmp_path / "drive.log")), Ecu())

    told = {reception.message: reception for reception in outcome.received}
    assert set(told) == set(replay.heard(OWN))
    assert (told["InertialAccel"].accepted, told["InertialAccel"].refused) == (100, 1)
    assert {name for name, reception in told.items() if reception.accepted} == set(SENSORS)


def test_frames_that_only_share_our_identifiers_decide_nothing(tmp_path: Path) -> None:
    foreign = tuple((1_000 * i, 0x0A0, bytes(8)) for i in range(20))
    feed = feed_of(Drive(sensors={}, extra=foreign).write(tmp_path / "other.log"))

    with pytest.raises(InconclusiveError, match="refused every one of 20 frames"):
        run(feed, Ecu())


def test_an_interrupt_ends_the_run_and_keeps_what_it_has(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_CHUNK_TICKS", 100)

    def at_half(progress: Progress) -> None:
        if progress.ticks_done >= progress.ticks // 2:
            raise KeyboardInterrupt

    whole = run(feed, Ecu(), record=RECORDED)
    part = run(feed, Ecu(), record=RECORDED, on_progress=at_half)

    assert (whole.is_complete, part.is_complete) == (True, False)
    assert part.ticks == 600
    assert 0 < part.frames < whole.frames
    assert part.sent.tobytes() == whole.sent[: len(part.sent)].tobytes()
    for name in RECORDED:
        assert part.states[name].tolist() == whole.states[name][: len(part.sample_tick)].tolist()


def test_progress_counts_up_to_the_whole(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_CHUNK_TICKS", 500)
    seen: list[Progress] = []

    run(feed, Ecu(), on_progress=seen.append)

    assert [progress.ticks_done for progress in seen] == [500, 1000, feed.ticks]
    assert seen[-1].frames_done == len(feed.frames)


@pytest.mark.parametrize("rate_hz", [0, 3, 60, 2000])
def test_a_rate_without_whole_ticks_in_between_is_refused(feed: Feed, rate_hz: int) -> None:
    with pytest.raises(UsageError, match=f"cannot record at {rate_hz} Hz"):
        run(feed, Ecu(), rate_hz=rate_hz)


@pytest.mark.parametrize("rate_hz", [1, 100, 1000])
def test_the_rate_is_the_distance_of_the_samples(feed: Feed, rate_hz: int) -> None:
    outcome = run(feed, Ecu(), record=RECORDED, rate_hz=rate_hz)

    assert outcome.sample_tick.tolist() == list(range(0, feed.ticks, 1000 // rate_hz))
