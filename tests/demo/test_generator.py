"""The generator still makes the trace that is shipped."""

from functools import cache

import numpy as np
import pytest

from d7xr.database import Database
from d7xr.demo import demo_trace_path, demo_truth
from d7xr.demo.generate import generate, main
from d7xr.demo.noise import bell, uniform
from d7xr.demo.sensors import MESSAGES
from d7xr.demo.truth import Truth
from d7xr.errors import UsageError
from d7xr.frames import FRAME_DTYPE, Frames
from d7xr.trace import read_trace
from d7xr.trace.candump import text_of


@cache
def made() -> tuple[Frames, Truth]:
    return generate()


@cache
def shipped() -> Frames:
    return read_trace(demo_trace_path()).frames()


def test_the_shipped_trace_reads_without_a_complaint() -> None:
    trace = read_trace(demo_trace_path())
    assert trace.format == "candump"
    assert trace.problems == ()
    assert len(trace.frames()) == demo_truth().frames


@pytest.mark.slow
def test_the_generator_makes_the_shipped_frames_at_the_shipped_times() -> None:
    frames, _ = made()
    assert np.array_equal(frames.time_us, shipped().time_us)
    assert np.array_equal(frames.frame["id"], shipped().frame["id"])


@pytest.mark.slow
@pytest.mark.parametrize("name", MESSAGES)
def test_the_generator_makes_the_shipped_values_to_a_step_of_the_bus(name: str) -> None:
    # Another processor may round a sine differently; no value may move by more than one step.
    database = Database.own()
    message = database.message(name)
    now = database.raw_columns(made()[0], name)
    then = database.raw_columns(shipped(), name)
    for signal in message.signals:
        if signal.name == message.crc_name:
            continue
        step = 1 if signal in message.values and not signal.choices.get(0) else 0
        difference = now[signal.name].raw.astype(np.int64) - then[signal.name].raw.astype(np.int64)
        assert np.abs(difference).max() <= max(step, _sensor_steps(signal.name)), signal.name


def _sensor_steps(signal_name: str) -> int:
    """Return how many steps of the bus one step of the sensor itself is."""
    coarse = {"SpecificForce": 4, "Rate_radps": 2, "DamperTravel": 2, "Speed_rpm": 4, "FilterDp": 2}
    return max((steps for part, steps in coarse.items() if part in signal_name), default=0)


@pytest.mark.slow
def test_the_generator_knows_the_shipped_truth() -> None:
    now, then = made()[1], demo_truth()
    assert (now.seed, now.frames, now.duration_us) == (then.seed, then.frames, then.duration_us)
    for flight, known in zip(now.flights + now.hops, then.flights + then.hops, strict=True):
        assert flight.name == known.name
        assert abs(flight.take_off_us - known.take_off_us) <= 250
        assert abs(flight.touchdown_us - known.touchdown_us) <= 250
    assert [each.name for each in now.stretches] == [each.name for each in then.stretches]
    assert now.coolant_max_degC == pytest.approx(then.coolant_max_degC, abs=0.11)


def test_noise_is_the_same_under_every_numpy() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    assert uniform(rng, 3).tolist() == [0.5118216247002567, 0.9504636963259353, 0.14415961271963373]


def test_bell_shaped_noise_has_mean_zero_deviation_one_and_no_outlier() -> None:
    noise = bell(np.random.Generator(np.random.PCG64(2)), 20_000)
    assert abs(noise.mean()) < 0.03
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert np.abs(noise).max() < 3.5


def test_candump_text_is_that_of_the_tool() -> None:
    frame = np.zeros(1, dtype=FRAME_DTYPE)
    frame["id"], frame["length"], frame["data"] = 0xA0, 8, np.arange(1, 9, dtype=np.uint8)
    text = text_of(Frames(np.array([1_234_567], dtype=np.int64), frame))
    assert text == b"(0000000001.234567) can0 0A0#0102030405060708\n"


def test_the_generator_wants_one_folder() -> None:
    with pytest.raises(UsageError, match="exactly one folder"):
        main([])
