"""What another car's frames become does not depend on the blocks in which they come."""

import itertools
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d7xr.database import Database
from d7xr.frames import Frames
from d7xr.mapping import MappedFrames, Mapper, Mapping, apply, find_mapping, joined, load_mapping
from tests.database.bench import candump, frames_of
from tests.mapping.bench import CAR, ENGINE, GEARBOX, LEFT, WHEELS, engine, wheels
from tests.recordings import recordings

RULES = (
    LEFT
    + """
max_hold_ms = 40

[message.WheelSpeeds]
resend_ms = 7

[signal."EngineState.EngineSpeed_rpm"]
source = "Engine.Speed"
unit = "rpm"

[constant]
"EngineState.Ignition" = "On"
"AmbientState.Battery_V" = 13.8
"""
)


def by_blocks(
    mapping: Mapping, frames: Frames, database: Database, ends: Sequence[int]
) -> MappedFrames:
    """Map frames that come in blocks that end behind these numbers of frames."""
    mapper = Mapper(mapping, database, keeps_source=True)
    edges = [0, *sorted(ends), len(frames)]
    parts = [
        mapper.take(Frames(frames.time_us[a:b], frames.frame[a:b]))
        for a, b in itertools.pairwise(edges)
    ]
    return mapper.result(joined([*parts, mapper.finish()]))


def told(result: MappedFrames) -> list[object]:
    columns = [array for column in result.source.values() for array in column]
    arrays = [result.frames.time_us, result.frames.frame, *columns]
    counts = (dict(result.counts), result.used_count, result.unused_count, result.origin_us)
    return [*(array.tobytes() for array in arrays), counts, result.missing, result.silent]


@given(
    steps_us=st.lists(st.sampled_from([0, 300, 999, 1000, 5_000, 60_000]), max_size=40),
    kinds=st.randoms(use_true_random=False),
    data=st.data(),
)
@settings(deadline=None, max_examples=60)
def test_any_blocks_give_the_frames_of_the_whole(
    steps_us: list[int],
    kinds: random.Random,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "car.toml"
    path.write_text(f'name = "Car"\n{RULES}')
    mapping = load_mapping(path)
    time_us = 5_000_123 + np.cumsum([0, *steps_us])
    payloads = ((WHEELS, wheels(100)), (ENGINE, engine(900)), (GEARBOX, bytes(8)), (0x7FF, b"\1"))
    frames = frames_of((int(us), *kinds.choice(payloads)) for us in time_us)
    ends = data.draw(st.lists(st.integers(0, len(frames)), max_size=6))

    assert told(by_blocks(mapping, frames, CAR, ends)) == told(apply(mapping, frames, CAR))


@pytest.mark.parametrize(
    ("name", "drive"), [("ford_s550", "s550_drive.log"), ("subaru_wrx", "wrx_drive.log")]
)
def test_a_real_drive_in_blocks_is_the_drive(name: str, drive: str) -> None:
    mapping = load_mapping(find_mapping(name))
    database = Database.load(recordings() / "dbc" / mapping.dbc)
    frames = frames_of(candump(recordings() / "can" / drive)[:30_000])
    ends = [1, 2, 3, 1_000, 1_001, 16_384, 29_999]

    assert told(by_blocks(mapping, frames, database, ends)) == told(
        apply(mapping, frames, database)
    )
