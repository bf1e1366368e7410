"""A trace is decoded block by block into the very files that it gives when it is held in memory."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from d7xr import decoding_files
from d7xr.database import Database
from d7xr.decoding import decode
from d7xr.decoding_files import Progress, survey
from d7xr.errors import InconclusiveError, TraceError, UsageError
from d7xr.recording import write
from d7xr.trace import native, read_trace
from tests.recordings import recordings

FORMATS = ("mf4", "parquet", "csv")
IDENTITY = {"product": "d7xr", "trace": "drive.log"}
SEED = 11

DBC = """VERSION ""
BU_: X
BO_ 291 Engine: 8 X
 SG_ Speed : 0|16@1+ (0.25,0) [0|0] "rpm" X
 SG_ State : 16|8@1+ (1,0) [0|0] "" X
 SG_ Page M : 24|8@1+ (1,0) [0|0] "" X
 SG_ Oil m1 : 32|8@1- (1,0) [0|0] "degC" X
 SG_ Gear m2 : 32|4@1+ (1,0) [0|0] "" X

BO_ 292 Lamp: 2 X
 SG_ Mode : 0|4@1+ (1,0) [0|0] "" X
 SG_ Level : 8|8@1+ (0.5,-40) [0|0] "%" X

BO_ 293 Rare: 4 X
 SG_ Ratio : 0|32@1- (1,0) [0|0] "" X

BO_ 2147484000 Wide: 12 X
 SG_ Far : 87|16@0+ (1,0) [0|0] "m" X

CM_ BO_ 292 "What the driver sees, \\"lit\\".";
VAL_ 291 State 0 "Off" 1 "On" ;
VAL_ 291 Gear 0 "N" 1 "1st, low" ;
VAL_ 292 Mode 0 "Dark" 1 "Low" 2 "High" ;
SIG_VALTYPE_ 293 Ratio : 1;
"""


def lines(count: int) -> Iterator[str]:
    """Yield frames of all kinds, some too short, some backward in time, on one channel."""
    random = np.random.default_rng(SEED)
    for number, kind in enumerate(random.integers(0, 40, count).tolist()):
        at = 1_700_000_000 + number / 1000 - (0.5 if kind == 39 else 0)
        data = random.bytes(8)
        head = f"({at:.6f}) can0 "
        if kind < 20:
            paged = data[:2] + bytes([data[2] & 3, data[3] & 3]) + data[4:]
            yield f"{head}123#{paged.hex().upper()}\n"
        elif kind < 32:
            yield f"{head}124#{data[: 2 if kind > 20 else 1].hex().upper()}\n"
        elif kind < 34:
            yield f"{head}00000160##1{(data + data[:4]).hex().upper()}\n"
        elif kind == 34:
            yield f"{head}7{number % 3}7#00\n"
        elif kind == 35:
            yield f"{head}123#R8\n"
        else:
            yield f"{head}123#{data.hex().upper()}\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Database]:
    (tmp_path / "car.dbc").write_text(DBC)
    log = tmp_path / "drive.log"
    rare = "(1700000009.000000) can0 125#0000C03F\n(1700000009.100000) can0 125#0000C07F\n"
    late = "(1700000009.200000) can0 123#0000\n"  # the only frame too short for its state
    log.write_text("".join(lines(1500)) + rare + late)
    return log, Database.load(tmp_path / "car.dbc")


def contents(folder: Path) -> dict[str, object]:
    """Return what is in a folder: the bytes, of Parquet what they say."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): content(path) for path in paths}


def content(path: Path) -> object:
    if path.suffix != ".parquet":
        return path.read_bytes()
    table = duckdb.read_parquet(str(path))
    told = duckdb.execute(f"SELECT key, value FROM parquet_kv_metadata('{path}')").fetchall()
    return table.columns, [str(t) for t in table.types], table.fetchall(), told


def in_memory(log: Path, database: Database, folder: Path, **options: object) -> dict[str, object]:
    folder.mkdir()
    decoded = decode(read_trace(log), database, **options)  # type: ignore[arg-type]
    write(replace(decoded.recording, identity=IDENTITY), folder, FORMATS)
    return contents(folder)


def by_blocks(log: Path, database: Database, folder: Path, **options: object) -> dict[str, object]:
    folder.mkdir()
    survey(log, database, **options).write(folder, FORMATS, IDENTITY)  # type: ignore[arg-type]
    return contents(folder)


@pytest.mark.parametrize(("rows", "cells"), [(7, 50), (100, 1 << 20), (8192, 1)])
@pytest.mark.parametrize("patterns", [(), ("L*", "Wide")])
def test_the_files_are_those_of_the_whole_trace(
    rows: int,
    cells: int,
    patterns: tuple[str, ...],
    files: tuple[Path, Database],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, database = files
    whole = in_memory(log, database, tmp_path / "whole", patterns=patterns)

    monkeypatch.setattr(native, "ROWS", rows)
    monkeypatch.setattr(decoding_files, "_CELLS", cells)
    parts = by_blocks(log, database, tmp_path / "parts", patterns=patterns)

    assert parts.keys() == whole.keys()
    assert {"out.mf4", "csv/Lamp.csv", "parquet/Lamp.parquet"} <= whole.keys()
    assert [name for name in whole if parts[name] != whole[name]] == []


def test_the_same_trace_gives_the_same_bytes(files: tuple[Path, Database], tmp_path: Path) -> None:
    log, database = files
    for name in ("a", "b"):
        by_blocks(log, database, tmp_path / name)

    first = {p.name: p.read_bytes() for p in (tmp_path / "a").rglob("*") if p.is_file()}
    second = {p.name: p.read_bytes() for p in (tmp_path / "b").rglob("*") if p.is_file()}

    assert first == second
    assert len(first) == 13


def test_the_account_is_that_of_the_whole_trace(
    files: tuple[Path, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, database = files
    whole = decode(read_trace(log), database).account

    monkeypatch.setattr(native, "ROWS", 7)
    account = survey(log, database).account

    assert account == whole
    assert account.decoded + sum(account.left_out.values()) == account.frames == 1503


@pytest.mark.parametrize("channel", [0, 1])
def test_one_channel_of_several_is_written_as_from_memory(
    channel: int, files: tuple[Path, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, database = files
    text = log.read_text().splitlines()
    log.write_text(
        "".join(f"{line}\n".replace("can0", f"can{n % 2}") for n, line in enumerate(text))
    )
    whole = in_memory(log, database, tmp_path / "whole", channel=channel)

    monkeypatch.setattr(native, "ROWS", 50)
    parts = by_blocks(log, database, tmp_path / "parts", channel=channel)

    assert parts == whole


def test_a_real_drive_gives_the_files_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = recordings() / "can" / "wrx_drive.log"
    database = Database.load(recordings() / "dbc" / "wrx_drive.dbc")
    whole = in_memory(log, database, tmp_path / "whole")

    monkeypatch.setattr(native, "ROWS", 1000)
    monkeypatch.setattr(decoding_files, "_CELLS", 20_000)
    parts = by_blocks(log, database, tmp_path / "parts")

    assert parts == whole


def test_damage_at_the_end_is_told_before_anything_is_written(
    files: tuple[Path, Database],
) -> None:
    log, database = files
    with log.open("a") as file:
        file.write("damage\n(1700000010.0) can0 123#\n")

    with pytest.raises(TraceError, match="not a line of candump"):
        survey(log, database)


def test_a_trace_that_grows_between_its_readings_is_refused(
    files: tuple[Path, Database], tmp_path: Path
) -> None:
    log, database = files
    seen = survey(log, database)
    with log.open("a") as file:
        file.write("(1700000010.0) can0 123#0000\n")

    with pytest.raises(TraceError, match="changed while it was read"):
        seen.write(tmp_path, ("csv",), IDENTITY)


@pytest.mark.parametrize(
    ("channel", "said"),
    [(None, "has 2 channels: 0 .can0., 1 .can1."), (5, "has no channel 5, but")],
)
def test_a_channel_is_not_guessed_and_all_are_named(
    channel: int | None,
    said: str,
    files: tuple[Path, Database],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, database = files
    monkeypatch.setattr(native, "ROWS", 10)
    with log.open("a") as file:
        file.write("(1700000010.0) can1 123#0000\n")

    with pytest.raises(UsageError, match=said):
        survey(log, database, channel=channel)


def test_what_no_message_fits_is_said_with_what_there_is(
    files: tuple[Path, Database],
) -> None:
    log, _ = files

    with pytest.raises(
        InconclusiveError, match=r"none of its 1,503 frames is a message of d7xr\.dbc"
    ):
        survey(log, Database.own())


def test_progress_knows_the_whole_when_it_writes(
    files: tuple[Path, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, database = files
    monkeypatch.setattr(native, "ROWS", 500)
    told: list[Progress] = []

    seen = survey(log, database, on_progress=told.append)
    seen.write(tmp_path, ("csv",), IDENTITY, told.append)

    assert [(p.rows, p.of) for p in told if p.of is None][-1] == (1503, None)
    assert told[-1] == Progress(1503, 1503)
    assert len(told) >= 8


@pytest.mark.parametrize("form", FORMATS)
def test_interrupted_it_leaves_no_file_that_waits_open(
    form: str, files: tuple[Path, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, database = files
    monkeypatch.setattr(native, "ROWS", 100)
    monkeypatch.setattr(decoding_files, "_CELLS", 10)

    def interrupt(progress: Progress) -> None:
        if progress.rows > 500:
            raise KeyboardInterrupt

    seen = survey(log, database)
    with pytest.raises(KeyboardInterrupt):
        seen.write(tmp_path, (form,), IDENTITY, interrupt)

    endings = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert ".mf4" not in endings
    assert ".parquet" not in endings
