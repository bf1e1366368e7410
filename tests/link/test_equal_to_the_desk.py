"""The demo over bytes: the unit behind the link equals the unit in this process, tick by tick."""

import ctypes

import numpy as np
import pytest

from d7xr.demo import demo_trace_path
from d7xr.ecu import Ecu
from d7xr.frames import Frames
from d7xr.trace import read_trace
from tests.link.bench import START, STATE_DIGEST, Frame, LinkBench, digest_of, opened

STRETCH_TICKS = 8_000
FEWEST_FRAMES = 4_000
"""The first seconds hold key-on, boot values and the first metres of the drive."""


@pytest.fixture(scope="module")
def demo() -> Frames:
    """The shipped demo trace."""
    return read_trace(demo_trace_path()).frames()


def stretch(frames: Frames, ticks: int) -> list[list[Frame]]:
    """Return the frames of each tick."""
    per_tick: list[list[Frame]] = [[] for _ in range(ticks)]
    count = int(np.searchsorted(frames.tick, ticks))
    for tick, row in zip(frames.tick[:count].tolist(), frames.frame[:count], strict=True):
        per_tick[tick].append(Frame.from_c(row.tobytes()))
    return per_tick


def test_the_demo_over_bytes_gives_the_same_digest_and_frames_at_every_tick(
    library: ctypes.CDLL, demo: Frames
) -> None:
    # Given what the unit in this process does
    per_tick = stretch(demo, STRETCH_TICKS)
    count = sum(map(len, per_tick))
    run = Ecu().run(demo.frame[:count], demo.tick[:count], STRETCH_TICKS, with_digests=True)
    assert run.digest is not None
    sent = [(int(row["id"]), row["data"].tobytes()) for row in run.sent]

    # When the same frames go through lines of ASCII
    bench: LinkBench = opened(library)
    bench.step(START, [])
    digests: list[int] = []
    seen: list[tuple[int, bytes]] = []
    for tick, frames in enumerate(per_tick):
        *given, last = bench.step(tick, frames)
        number, digest = digest_of(last)
        assert number == tick
        digests.append(digest)
        seen += [(frame.id, frame.data) for frame in given]

    # Then nothing differs, at any tick
    assert np.array_equal(np.array(digests, dtype=np.uint32), run.digest)
    assert seen == sent
    assert STATE_DIGEST not in {can_id for can_id, _ in seen}
    assert count >= FEWEST_FRAMES
    assert bench.state.losses == (0, 0, 0)
    assert bench.state.refused == 0
