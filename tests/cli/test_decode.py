"""``d7xr decode``: the signals of any trace by any database, what is lost counted and said."""

import csv
import json
from pathlib import Path

import cantools.database
import duckdb
import numpy as np
import pytest
from asammdf import MDF

from d7xr.database import Database
from d7xr.decoding import decode
from d7xr.trace import read_trace
from tests.cli.bench import Command
from tests.database.bench import candump, measured
from tests.recordings import recordings

DBC = """VERSION ""
BU_: X
BO_ 291 Engine: 8 X
 SG_ Speed : 0|16@1+ (0.25,0) [0|0] "rpm" X
 SG_ State : 16|8@1+ (1,0) [0|0] "" X
 SG_ Page M : 24|8@1+ (1,0) [0|0] "" X
 SG_ Oil m1 : 32|8@1- (1,0) [0|0] "degC" X

BO_ 2147484000 Wide: 12 X
 SG_ Far : 87|16@0+ (1,0) [0|0] "m" X

VAL_ 291 State 0 "Off" 1 "On" ;
"""
LOG = (
    "(1700000000.000000) can0 123#6400010109000000\n"
    "(1700000000.010000) can0 123#C800000200000000\n"
    "(1700000000.005000) can0 123#2C01\n"  # a stamp that steps back, a frame cut short
    "(1700000000.020000) can0 00000160##1000102030405060708090A0B\n"
    "(1700000000.030000) can0 777#00\n"
    "(1700000000.040000) can0 123#R8\n"
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "car.dbc").write_text(DBC)
    (tmp_path / "drive.log").write_text(LOG)
    return tmp_path / "drive.log", tmp_path / "car.dbc"


def test_every_frame_is_decoded_or_counted(files: tuple[Path, Path], d7xr: Command) -> None:
    log, dbc = files
    document = d7xr("decode", log, "--dbc", dbc, "--json").document

    assert document["frames"] == 6
    assert document["frames_decoded"] == 4
    assert document["left_out"] == {"remote_frame": 1, "unknown_id": 1}
    assert document["unknown"] == {"777": 1}
    engine, wide = document["messages"]
    assert (engine["name"], engine["id_text"], engine["frames"]) == ("Engine", "123", 3)
    assert (wide["name"], wide["id_text"], wide["frames"]) == ("Wide", "00000160", 1)


def test_a_signal_is_told_with_its_range_its_words_and_what_is_missing(
    files: tuple[Path, Path], d7xr: Command
) -> None:
    log, dbc = files
    messages = d7xr("decode", log, "--dbc", dbc, "--json").document["messages"]
    signals = {s["name"]: s for message in messages for s in message["signals"]}

    speed, state, oil = (signals[f"Engine.{name}"] for name in ("Speed", "State", "Oil"))
    assert (speed["least"], speed["greatest"], speed["last"]) == (25.0, 75.0, 75.0)
    assert (speed["unit"], speed["samples"], speed["valid"]) == ("rpm", 3, 3)
    assert (state["samples"], state["valid"], state["last"]) == (3, 2, "Off")
    assert (oil["samples"], oil["valid"], oil["last"]) == (1, 1, 9.0)
    assert signals["Wide.Far"]["last"] == 0x0A0B


def test_the_three_formats_hold_the_same_values(
    files: tuple[Path, Path], tmp_path: Path, d7xr: Command
) -> None:
    log, dbc = files
    out = tmp_path / "out"
    ending = d7xr("decode", log, "--dbc", dbc, "--out", out, "--format", "mf4,parquet,csv")

    assert ending.code == 0
    with (out / "csv" / "Engine.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["time_s"] for row in rows] == ["0.000000", "0.010000", "0.010000"]
    assert [row["Engine.Speed [rpm]"] for row in rows] == ["25.0", "50.0", "75.0"]
    with MDF(out / "out.mf4") as mdf:
        speed = mdf.get("Engine.Speed")
        assert speed.samples.tolist() == [25.0, 50.0, 75.0]
        assert speed.unit == "rpm"
    table = duckdb.read_parquet(f"{out}/parquet/Engine.parquet").fetchnumpy()
    assert table["Engine.Speed"].tolist() == [25.0, 50.0, 75.0]
    decoded = json.loads((out / "decoded.json").read_text())
    assert decoded["frames_decoded"] == 4


def test_a_real_drive_decodes_as_cantools_decodes_it() -> None:
    log = recordings() / "can" / "wrx_drive.log"
    dbc = recordings() / "dbc" / "wrx_drive.dbc"
    decoded = decode(read_trace(log), Database.load(dbc))
    judge = cantools.database.load_file(dbc)
    assert isinstance(judge, cantools.database.Database)
    payloads: dict[int, list[bytes]] = {}
    for _, identifier, data in candump(log):
        payloads.setdefault(identifier, []).append(data)

    compared = 0
    for message in judge.messages:
        said = [measured(message, data) for data in payloads.get(message.frame_id, [])]
        for signal in message.signals if said else ():
            column = decoded.recording[f"{message.name}.{signal.name}"]
            np.testing.assert_array_equal(column.values, [values[signal.name] for values in said])
            compared += len(said)
    assert compared >= 38_015
    account = decoded.account
    assert account.decoded + sum(account.left_out.values()) == account.frames


def test_messages_are_chosen_by_pattern(files: tuple[Path, Path], d7xr: Command) -> None:
    log, dbc = files
    document = d7xr("decode", log, "--dbc", dbc, "--message", "Eng*", "--json").document

    assert [message["name"] for message in document["messages"]] == ["Engine"]
    assert document["left_out"]["not_wanted"] == 1


def test_one_channel_of_several_must_be_chosen(files: tuple[Path, Path], d7xr: Command) -> None:
    log, dbc = files
    with log.open("a") as file:
        file.write("(1700000000.050000) can1 123#0000000000000000\n")

    ending = d7xr("decode", log, "--dbc", dbc)
    chosen = d7xr("decode", log, "--dbc", dbc, "--channel", 1, "--json").document

    assert ending.code == 2
    assert "has 2 channels" in ending.err
    assert chosen["frames_decoded"] == 1
    assert chosen["left_out"] == {"other_channel": 6}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--message", "Engin"), 2, "has no message 'Engin'"),
        (("--format", "xlsx"), 2, "is not written as 'xlsx'"),
        (("--format", "columns"), 2, "is not written as 'columns'"),
        (("--dbc", "no_such.dbc"), 2, "cannot read the database no_such.dbc"),
        ((), 4, "none of its 6 frames is a message of d7xr.dbc; it has 123"),
    ],
)
def test_what_cannot_be_done_is_said(
    words: tuple[str, ...], code: int, said: str, files: tuple[Path, Path], d7xr: Command
) -> None:
    log, dbc = files
    words = words if not words or "--dbc" in words else ("--dbc", str(dbc), *words)

    ending = d7xr("decode", log, *words)

    assert ending.code == code
    assert said in ending.err


def test_a_folder_that_is_taken_is_not_touched(
    files: tuple[Path, Path], tmp_path: Path, d7xr: Command
) -> None:
    log, dbc = files

    ending = d7xr("decode", log, "--dbc", dbc, "--out", tmp_path)

    assert ending.code == 2
    assert "is not an empty folder" in ending.err
