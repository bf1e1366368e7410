"""A trace by blocks gives the run that the whole trace gives, byte for byte."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d7xr import recorder, replay, stream
from d7xr.database import Database
from d7xr.ecu import Ecu, Stretch
from d7xr.errors import InconclusiveError, TraceError, UsageError
from d7xr.events import find
from d7xr.frames import FRAME_DTYPE
from d7xr.mapping import Mapping, find_mapping, load_mapping
from d7xr.replay import Outcome, Progress
from d7xr.trace import Trace, TraceStream, read_trace, stream_trace
from d7xr.trace.model import Columns
from d7xr.verdict import judge
from tests.recordings import recordings
from tests.replay.bench import Drive, replayed

RECORDED = ("torque.granted_Nm", "flight_mode.state", "inputs.engine_speed_rpm.value")


@dataclass
class Blocks:
    """A trace in memory, handed out as a stream of blocks that end behind these frames."""

    trace: Trace
    ends: Sequence[int]
    first_channel: int = 0

    @property
    def source(self) -> Path:
        return self.trace.source

    @property
    def channel_names(self) -> tuple[str, ...]:
        return self.trace.channel_names

    def __iter__(self) -> Iterator[Columns]:
        t = self.trace
        edges = [0, *sorted(self.ends), len(t)]
        for a, b in itertools.pairwise(edges):
            rows = slice(a, b)
            yield Columns(
                t.time_us[rows], t.channel[rows], t.id[rows], t.flags[rows], t.length[rows],
                t.data[rows],
            )  # fmt: skip


@dataclass
class Kept:
    """A sink that keeps all it is given."""

    stretches: list[Stretch] = field(default_factory=list)

    def take(self, stretch: Stretch) -> None:
        self.stretches.append(stretch.kept())

    def everything(self) -> list[bytes]:
        names = ("tick", "row", "sent_tick", "sent")
        return [np.concatenate([getattr(s, n) for s in self.stretches]).tobytes() for n in names]


@dataclass
class Result:
    """What a run by blocks gave, and what was left out."""

    outcome: Outcome
    kept: Kept
    left_out: dict[str, int]
    missing: tuple[str, ...]


def by_blocks(
    trace: Trace, ends: Sequence[int], *, channel: int | None = None, first_channel: int = 0,
    mapping: Mapping | None = None, database: Database | None = None,
) -> Result:  # fmt: skip
    blocks = Blocks(trace, ends, first_channel)
    feeder = stream.feeder_of(blocks, channel, mapping, database)  # type: ignore[arg-type]
    kept = Kept()
    outcome = stream.run(feeder, Ecu(), record=RECORDED, rate_hz=1000, sinks=(kept,))
    return Result(outcome, kept, dict(feeder.left_out), feeder.missing)


def as_a_whole(
    trace: Trace, *, channel: int | None = None, mapping: Mapping | None = None,
    database: Database | None = None,
) -> Result:  # fmt: skip
    feed = replay.feed_of(trace, channel=channel, mapping=mapping, database=database)
    kept = Kept()
    outcome = replay.run(feed, Ecu(), record=RECORDED, rate_hz=1000, sinks=(kept,))
    return Result(outcome, kept, dict(feed.left_out), feed.missing)


def told(result: Result) -> list[object]:
    """Return all that must not depend on the blocks."""
    outcome = result.outcome
    history = {n: (h.tick.tolist(), h.value.tolist()) for n, h in outcome.history.items()}
    numbers = (outcome.ticks, outcome.frames, outcome.digest, outcome.frames_sent)
    laws = judge(outcome, find(outcome, recorder.words())).laws
    left_out = (result.left_out, result.missing)
    return [numbers, outcome.received, history, laws, left_out, result.kept.everything()]


def odd_trace(folder: Path) -> Trace:
    """Return a drive with all that a trace may hold besides the frames of the unit."""
    extra = (
        *((7_000 * i + 300, 0x7FF, bytes(3)) for i in range(20)),
        *((9_000 * i, 0x0A0, bytes(8)) for i in range(9)),  # refused: no checksum
        (50_000, 0x100, bytes(8)),
    )
    path = Drive(seconds=0.4, extra=extra).write(folder / "odd.log")
    lines = path.read_text().splitlines(keepends=True)
    lines[200:200] = [
        lines[100],  # a stamp that steps back
        "(1700000000.150000) can0 123#R4\n",
        "(1700000000.150000) can0 20000004#0000000000000000\n",
        "(1700000000.150000) can0 123##0AABB\n",
        "(1700000000.150000) can0 00000123#AABB\n",
    ]
    path.write_text("".join(lines))
    return read_trace(path)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return odd_trace(tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def whole(trace: Trace) -> list[object]:
    return told(as_a_whole(trace))


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_where_blocks_end_changes_nothing(
    trace: Trace, whole: list[object], data: st.DataObject
) -> None:
    ends = data.draw(st.lists(st.integers(0, len(trace)), max_size=12))

    assert told(by_blocks(trace, ends)) == whole


def test_a_block_for_every_frame_changes_nothing(trace: Trace, whole: list[object]) -> None:
    assert told(by_blocks(trace, range(len(trace)))) == whole


def test_stepping_by_hand_gives_the_same_states_and_frames(trace: Trace) -> None:
    feed = replay.feed_of(trace)
    run = by_blocks(trace, range(0, len(trace), 37))

    ecu, at = Ecu(), 0
    tick = (feed.frames.time_us - feed.first_us) // 1000
    rows, sent = [], []
    for now in range(feed.ticks):
        while at < len(tick) and tick[at] <= now:
            frame = feed.frames.frame[at]
            ecu.receive(int(frame["id"]), bytes(frame["data"][: frame["length"]]))
            at += 1
        ecu.tick()
        sent += [(now, can_id, data) for can_id, data in ecu.transmit()]
        rows.append([ecu[name] for name in RECORDED])

    stretches = run.kept.stretches
    bits = np.concatenate([s.row for s in stretches])
    assert bits[:, 0].copy().view("<f4").tolist() == [row[0] for row in rows]
    assert bits[:, 1].tolist() == [row[1] for row in rows]
    assert bits[:, 2].copy().view("<f4").tolist() == [row[2] for row in rows]
    ticks = np.concatenate([s.sent_tick for s in stretches]).tolist()
    frames = np.concatenate([s.sent for s in stretches])
    assert sent == [
        (now, int(f["id"]), bytes(f["data"][: f["length"]]))
        for now, f in zip(ticks, frames, strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "mapped", "dbc"),
    [
        ("s550_drive.log", "ford_s550", "ford_lincoln_base_pt.dbc"),
        ("wrx_drive.log", "subaru_wrx", "wrx_drive.dbc"),
    ],
)
def test_another_cars_drive_by_blocks_is_the_drive(name: str, mapped: str, dbc: str) -> None:
    folder = recordings()
    trace = read_trace(folder / "can" / name)
    part = replace(
        trace,
        **{n: getattr(trace, n)[:20_000] for n in ("time_us", "channel", "id", "flags")},
        length=trace.length[:20_000],
        data=trace.data[:20_000],
    )
    mapping = load_mapping(find_mapping(mapped))
    database = Database.load(folder / "dbc" / dbc)

    blocks = by_blocks(part, [5, 6, 4_000, 16_384], mapping=mapping, database=database)

    assert told(blocks) == told(as_a_whole(part, mapping=mapping, database=database))
    assert blocks.outcome.frames > 1_000


def test_of_two_channels_the_chosen_one_is_fed(tmp_path: Path) -> None:
    path = Drive(seconds=0.3).write(tmp_path / "drive.log")
    with path.open("a") as file:
        file.writelines(path.read_text().replace("can0", "can1").splitlines(keepends=True)[:50])
    trace = read_trace(path)

    for channel in (0, 1):
        assert told(by_blocks(trace, [10, 330], channel=channel)) == told(
            as_a_whole(trace, channel=channel)
        )


@pytest.mark.parametrize("channel", [None, 2])
def test_a_channel_is_never_guessed(tmp_path: Path, channel: int | None) -> None:
    path = Drive(seconds=0.3).write(tmp_path / "drive.log")
    with path.open("a") as file:
        file.write("(1700000009.000000) can1 0A0#0000000000000000\n")
    trace = read_trace(path)

    with pytest.raises(UsageError) as by_block:
        by_blocks(trace, range(0, len(trace), 10), channel=channel)
    with pytest.raises(UsageError) as at_once:
        as_a_whole(trace, channel=channel)

    assert str(by_block.value) == str(at_once.value)


def test_a_clock_that_was_set_ends_the_run_with_the_same_words(tmp_path: Path) -> None:
    path = Drive(seconds=0.3).write(tmp_path / "drive.log")
    with path.open("a") as file:
        file.write("(1800000000.000000) can0 0A0#0000000000000000\n")
    trace = read_trace(path)

    with pytest.raises(TraceError) as by_block:
        by_blocks(trace, range(0, len(trace), 10))
    with pytest.raises(TraceError) as at_once:
        as_a_whole(trace)

    assert str(by_block.value) == str(at_once.value)


@pytest.mark.parametrize(
    "line", ["(1.000000) can0 123#AABB\n", "(1.000000) can0 123#R4\n", "(1.000000) can0 0A0#00\n"]
)
def test_a_trace_that_the_unit_cannot_hear_is_inconclusive_in_the_same_words(
    tmp_path: Path, line: str
) -> None:
    path = tmp_path / "other.log"
    path.write_text(line * 5)
    trace = read_trace(path)

    with pytest.raises(InconclusiveError) as by_block:
        by_blocks(trace, [2])
    with pytest.raises(InconclusiveError) as at_once:
        as_a_whole(trace)

    assert str(by_block.value) == str(at_once.value)


def test_an_interrupt_ends_the_run_and_keeps_what_it_has(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_PROGRESS_TICKS", 100)
    kept = Kept()

    def at_once(_: Progress) -> None:
        raise KeyboardInterrupt

    feeder = stream.feeder_of(Blocks(trace, [200]), None, None, None)  # type: ignore[arg-type]
    part = stream.run(
        feeder, Ecu(), record=RECORDED, rate_hz=1000, sinks=(kept,), on_progress=at_once
    )

    assert not part.is_complete
    assert 100 <= part.ticks < 400
    complete = by_blocks(trace, [])
    assert complete.kept.everything()[1].startswith(kept.everything()[1])


def test_columns_are_the_states_of_the_recording(tmp_path: Path) -> None:
    drive = Drive(seconds=1.5).write(tmp_path / "drive.log")
    kept = replay.run(replay.feed_of(read_trace(drive)), Ecu(), record=RECORDED, rate_hz=200)

    replayed(drive, out=tmp_path / "run", formats=("columns",), rate_hz=200, record=RECORDED)

    folder = tmp_path / "run" / "columns"
    states = np.load(folder / "states_200Hz.npy", mmap_mode="r")
    assert states.dtype.names == ("time_us", *sorted(RECORDED, key=states.dtype.names.index))
    assert states["time_us"].tolist() == (1000 * kept.sample_tick).tolist()
    for name in RECORDED:
        assert states[name].tolist() == kept.states[name].tolist()
    sent = np.load(folder / "sent.npy")
    assert sent["time_us"].tolist() == (1000 * kept.sent_tick).tolist()
    for name in FRAME_DTYPE.names or ():
        assert sent[name].tolist() == kept.sent[name].tolist()
    about = json.loads((folder / "columns.json").read_text())
    assert about["torque.granted_Nm"]["unit"] == "Nm"


def test_a_run_folder_is_the_same_streamed_or_in_memory(tmp_path: Path) -> None:
    drive = Drive(seconds=1.5).write(tmp_path / "drive.log")
    streamed = replayed(drive, out=tmp_path / "a", formats=("columns",), rate_hz=500)
    in_memory = replayed(drive, out=tmp_path / "b", formats=("columns", "csv"), rate_hz=500)

    for name in ("events.json", "verdict.json", "columns/states_500Hz.npy", "columns/sent.npy"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert streamed.options.is_streamed
    assert not in_memory.options.is_streamed
    assert streamed.state_digest == in_memory.state_digest
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert "columns/states_500Hz.npy" in manifest["files"]


def test_a_state_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    drive = Drive(seconds=0.1).write(tmp_path / "drive.log")

    with pytest.raises(UsageError, match=r"torque\.grant_Nm") as error:
        replayed(drive, record=("torque.grant_Nm",))

    assert "torque.granted_Nm" in (error.value.hint or "")


def test_patterns_name_states(tmp_path: Path) -> None:
    drive = Drive(seconds=0.1).write(tmp_path / "drive.log")
    replayed(drive, out=tmp_path / "run", formats=("columns",), record=("torque.bound_Nm*",))

    names = np.load(tmp_path / "run" / "columns" / "states_100Hz.npy").dtype.names
    assert len(names) > 10
    assert all(name.startswith("torque.bound_Nm[") for name in names[1:])


def test_a_stream_reads_what_the_whole_file_holds(tmp_path: Path) -> None:
    drive = Drive(seconds=0.5).write(tmp_path / "drive.log")
    trace_stream: TraceStream = stream_trace(drive)

    rows = sum(len(block.id) for block in trace_stream)

    assert rows == len(read_trace(drive))
