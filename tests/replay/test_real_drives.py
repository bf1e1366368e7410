"""Real drives through the unit: no flight, no contradiction, and the same in every format."""

from functools import cache
from pathlib import Path

import cantools
import numpy as np
import pytest
from asammdf import MDF

from d7xr.database import Database
from d7xr.mapping import find_mapping, load_mapping
from d7xr.replay import feed_of
from d7xr.session import Result
from d7xr.trace import Trace, read_trace
from tests.recordings import recordings
from tests.replay.bench import replayed

FORMATS = ("s550_drive.log", "s550_drive.asc", "s550_drive.blf", "s550_drive.mf4")
S550_DBC = "ford_lincoln_base_pt.dbc"
WRX_DBC = "wrx_drive.dbc"


@cache
def drive(name: str, mapping: str, dbc: str) -> Result:
    """Replay a recording, once per process."""
    folder = recordings()
    return replayed(folder / "can" / name, mapping=mapping, database=folder / "dbc" / dbc)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_drive_gives_the_same_digest_in_every_format(name: str) -> None:
    reference = drive(FORMATS[0], "ford_s550", S550_DBC)
    result = drive(name, "ford_s550", S550_DBC)

    assert result.state_digest == reference.state_digest
    assert result.outcome.ticks == 70_371
    assert result.recorded.frames == 87_212
    assert result.events == reference.events


@pytest.mark.parametrize(
    ("name", "mapping", "dbc"),
    [(FORMATS[0], "ford_s550", S550_DBC), ("wrx_drive.log", "subaru_wrx", WRX_DBC)],
)
def test_a_car_that_never_left_the_ground_is_never_said_to_fly(
    name: str, mapping: str, dbc: str
) -> None:
    result = drive(name, mapping, dbc)

    assert result.events.flights == ()
    assert result.verdict.judgement == "pass"
    assert sum(limit.total_s for limit in result.events.limits) == pytest.approx(
        result.outcome.ticks / 1000
    )
    assert "dampers" in {missing.evidence for missing in result.events.missing}


def test_foreign_signals_in_the_recording_are_those_that_cantools_decodes(tmp_path: Path) -> None:
    folder = recordings()
    trace, dbc = folder / "can" / FORMATS[0], folder / "dbc" / S550_DBC
    replayed(trace, mapping="ford_s550", database=dbc, out=tmp_path / "run")
    recorded = read_trace(trace)
    mapping = load_mapping(find_mapping("ford_s550"))
    feed = feed_of(recorded, mapping=mapping, database=Database.load(dbc))
    database = cantools.database.load_file(dbc)
    assert isinstance(database, cantools.database.Database)

    compared = 0
    with MDF(tmp_path / "run" / "out.mf4") as mdf:
        for group in feed.source:
            message = database.get_message_by_name(group.name)
            decoded = [
                message.decode_simple(payload, decode_choices=False)
                for payload in payloads_of(recorded, message.frame_id)
            ]
            for full, column in group.columns.items():
                name = full.removeprefix(f"{group.name}.")
                read = mdf.get(full, raw=True, ignore_invalidation_bits=True).samples
                wanted = np.array([values[name] for values in decoded], dtype=np.float64)
                assert read.astype(np.float64).tolist() == wanted.tolist(), full
                assert mdf.get(full).unit == column.unit
                compared += wanted.size
    assert compared > 50_000


def payloads_of(trace: Trace, frame_id: int) -> list[bytes]:
    rows = trace.id == frame_id
    return [bytes(data[:8]) for data in trace.data[rows]]


def test_every_frame_of_a_mapped_drive_is_used_or_counted() -> None:
    result = drive(FORMATS[0], "ford_s550", S550_DBC)

    assert 0 < result.recorded.left_out["not_mapped"] < result.recorded.frames
    assert "DamperTravel.DamperTravelFL_mm" in result.recorded.missing
