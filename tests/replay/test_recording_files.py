"""A recording opens in the tools of the trade: decoded, with units and words, always the same."""

import csv
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest
from asammdf import MDF

from d7xr.errors import UsageError
from d7xr.recording import (
    FORMATS,
    STREAMED,
    Column,
    Group,
    Recording,
    require_formats,
    tables,
    write,
)

START_US = 1_700_000_000_123_456


def recording() -> Recording:
    """Return four samples of a module and of a message."""
    time_us = np.arange(4, dtype=np.int64) * 10_000
    known = np.array([True, False, True, True])
    states = {
        "flight_mode.state": Column(
            np.array([0, 2, 7, 0], dtype=np.uint8), "", {0: "Ground", 2: 'Air, "high"'}, "State."
        ),
        "flight_mode.bound_Nm": Column(np.array([0.1, 2e3, 3.5, 4.0], dtype=np.float32), "Nm"),
    }
    message = {
        "WheelSpeeds.WheelSpeedFL_radps": Column(
            np.array([1.0, 327.64, 3.0, 4.0]), "rad/s", {}, "Wheel.", known
        )
    }
    return Recording(
        groups=(
            Group("flight_mode", time_us, states, "Flight Mode", "state", "states_100Hz"),
            Group("WheelSpeeds", time_us + 3, message, "Wheel speeds.", "received"),
        ),
        start_utc_us=START_US,
        identity={"version": "0.1.0", "trace": "a<b>&.log", "state_digest": "61fca2fe"},
    )


def test_mf4_opens_with_units_words_comments_and_start(tmp_path: Path) -> None:
    (path,) = write(recording(), tmp_path, ("mf4",))

    with MDF(path) as mdf:
        state = mdf.get("flight_mode.state")
        bound = mdf.get("flight_mode.bound_Nm")
        groups = [str(getattr(group.channel_group, "acq_name")) for group in mdf.groups]  # noqa: B009
        start = mdf.header.start_time
        comment = mdf.header.comment
    assert [text.decode() for text in state.samples] == ["Ground", 'Air, "high"', "7", "Ground"]
    assert (bound.unit, state.comment) == ("Nm", "State.")
    assert bound.samples.tolist() == [np.float32(0.1), 2000.0, 3.5, 4.0]
    assert bound.timestamps.tolist() == [0.0, 0.01, 0.02, 0.03]
    assert groups == ["flight_mode", "WheelSpeeds"]
    assert start == datetime.fromtimestamp(START_US / 1e6, UTC)
    assert '<e name="state_digest">61fca2fe</e>' in comment
    assert "a&lt;b&gt;&amp;.log" in comment


def test_mf4_marks_samples_that_the_sender_called_not_available(tmp_path: Path) -> None:
    (path,) = write(recording(), tmp_path, ("mf4",))

    with MDF(path) as mdf:
        valid = mdf.get("WheelSpeeds.WheelSpeedFL_radps")
        every = mdf.get("WheelSpeeds.WheelSpeedFL_radps", ignore_invalidation_bits=True)
    assert valid.samples.tolist() == [1.0, 3.0, 4.0]
    assert every.samples.tolist() == [1.0, 327.64, 3.0, 4.0]


def test_parquet_has_one_file_per_time_base_with_words_nulls_and_units(tmp_path: Path) -> None:
    paths = write(recording(), tmp_path, ("parquet",))

    assert [path.name for path in paths] == ["states_100Hz.parquet", "WheelSpeeds.parquet"]
    with duckdb.connect() as connection:
        states = connection.execute(f"SELECT * FROM '{paths[0]}'").fetchall()
        wheels = connection.execute(f"SELECT * FROM '{paths[1]}'").fetchall()
        metadata = connection.execute(
            f"SELECT key, value FROM parquet_kv_metadata('{paths[1]}')"
        ).fetchall()
    assert states[1] == (10_000, 'Air, "high"', 2000.0)
    assert wheels[:2] == [(3, 1.0), (10_003, None)]
    assert dict(metadata)[b"units"] == b'{"WheelSpeeds.WheelSpeedFL_radps": "rad/s"}'


def test_csv_has_units_in_its_header_and_seconds_first(tmp_path: Path) -> None:
    paths = write(recording(), tmp_path, ("csv",))

    with paths[0].open(newline="") as file:
        states = list(csv.reader(file))
    assert states[0] == ["time_s", "flight_mode.state", "flight_mode.bound_Nm [Nm]"]
    assert states[2] == ["0.010000", 'Air, "high"', "2000.0"]
    assert paths[1].read_bytes() == (
        b"time_s,WheelSpeeds.WheelSpeedFL_radps [rad/s]\n"
        b"0.000003,1.0\n0.010003,\n0.020003,3.0\n0.030003,4.0\n"
    )


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - STREAMED))
def test_the_same_recording_gives_the_same_bytes_whatever_the_clock_and_zone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = []
    for zone, now_s in (("UTC", 1e9), ("Asia/Tokyo", 2e9)):
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setattr("time.time", lambda now_s=now_s: now_s)
        folder = tmp_path / zone.replace("/", "_")
        folder.mkdir()
        paths = write(recording(), folder, (name,))
        hashes.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])

    assert hashes[0] == hashes[1]


def test_a_missing_package_is_one_sentence_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(UsageError, match="writing parquet needs duckdb") as told:
        require_formats(("parquet",))

    assert told.value.hint == "python -m pip install 'd7xr[store]'"


def test_columns_are_read_only_and_belong_together() -> None:
    column = Column(np.zeros(3))

    with pytest.raises(ValueError, match="read-only"):
        column.values[0] = 1.0
    with pytest.raises(ValueError, match="need"):
        Group("g", np.zeros(2, dtype=np.int64), {"c": column})
    with pytest.raises(ValueError, match="words need integers"):
        Column(np.zeros(3), "", {0: "Zero"})


def test_groups_of_one_table_share_their_time() -> None:
    one = Group("a", np.array([0], dtype=np.int64), {}, table="t")
    other = Group("b", np.array([1], dtype=np.int64), {}, table="t")

    with pytest.raises(ValueError, match="differ in time"):
        tables(Recording((one, other)))
