"""A trace by blocks: the same frames whatever the portions, and every line accounted for."""

import random
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import can
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from d7xr._trace import ffi
from d7xr.errors import TraceError
from d7xr.trace import (
    TraceStream,
    asc,
    candump,
    csv,
    gvret,
    lines,
    native,
    read_trace,
    stream_trace,
    trc,
)
from tests.recordings import recordings
from tests.trace.helpers import Row, put, refusal, row_of, rows, write

RECORDED = (
    "s550_drive.log",
    "s550_drive.asc",
    "wrx_drive.log",
    "twins/candump.log",
    "twins/gvret.csv",
    "asc_short_header.asc",
)
CONVERTED = ("s550_drive.trc", "s550_drive.csv", "twins/candump.trc", "twins/candump.csv")
"""Frames of a recording as python-can writes them in another format."""

TEXTS = (*RECORDED, *CONVERTED)
GRAMMARS = {"candump": candump, "asc": asc, "trc": trc, "csv": csv, "gvret": gvret}
"""By format: the module whose grammar reads such files."""

HEAD_BYTES = {"asc": 200, "trc": 1100, "csv": 0, "gvret": 0}
"""By format: how far to go for the end of the header."""


Place = Callable[[str], Path]
"""Tells where a recording lies; it is converted first where it must be."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The recordings, and copies of them in formats of which none was recorded."""

    @cache
    def converted(name: str) -> Path:
        target = tmp_path_factory.mktemp("converted") / Path(name).name
        source = recordings() / "can" / name.replace(target.suffix, ".log")
        with can.LogReader(str(source)) as reader:
            return write(target, islice(reader, 12_000))

    return lambda name: converted(name) if name in CONVERTED else recordings() / "can" / name


def doubtful(grammar: Any, text: Any, size: int, _columns: Any) -> int:  # noqa: ANN401 - as cffi
    """Stand in for a native reader that is sure of nothing."""
    progress = ffi.cast("trace_progress_t *", grammar.native)
    progress.stop = native.HUNGRY
    if b"\n" in bytes(ffi.buffer(text, size)):
        progress.records += 1
        progress.doubtful += 1
        progress.stop = native.DOUBT
    return 0


def outcome(path: Path) -> tuple[str, list[Row], object]:
    """Return what reading ends in: frames, problems and accounts, or the refusal."""
    stream = stream_trace(path)
    try:
        trace = read_trace(path)
        for _ in stream:
            pass
    except TraceError as error:
        return str(error), [], None
    assert stream.met == stream.records + stream.plain
    facts = (stream.met, stream.plain, stream.rows, trace.channel_names, trace.start_text)
    return "", rows(trace), (trace.problems, trace.start_utc_us, facts)


def drained(stream: TraceStream) -> int:
    """Return how many frames the blocks hold."""
    return sum(len(block.id) for block in stream)


@pytest.mark.parametrize("name", sorted({*TEXTS} - {"asc_short_header.asc"}))
def test_of_a_recording_hardly_a_line_needs_the_careful_path(name: str, place: Place) -> None:
    stream = stream_trace(place(name))

    assert drained(stream) == stream.rows == len(read_trace(place(name)))
    assert stream.met == stream.records + stream.plain
    assert stream.careful <= 20


@pytest.mark.parametrize("name", TEXTS)
def test_no_block_is_larger_than_it_may_be(name: str, place: Place) -> None:
    for block in stream_trace(place(name)):
        assert 0 < len(block.id) <= native.ROWS


@pytest.mark.parametrize("name", sorted({*TEXTS} - {"asc_short_header.asc", "twins/gvret.csv"}))
def test_a_recording_reads_as_python_can_reads_it(name: str, place: Place) -> None:
    """It misreads the short header and knows no layout of SavvyCAN."""
    trace = read_trace(place(name))
    with can.LogReader(str(place(name))) as reader:
        theirs = list(reader)
    start_s = theirs[0].timestamp - trace.time_us[0] / 1e6

    ours = rows(trace)

    assert len(ours) == len(theirs)
    for mine, message in zip(ours, theirs, strict=True):
        other = row_of(message, mine[1], start_s)
        assert mine[1:] == other[1:]
        assert abs(mine[0] - other[0]) <= 1  # they add in floating point


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("window_bytes", [300, 997, 65_536])
def test_the_portions_in_which_a_file_is_read_change_nothing(
    name: str, window_bytes: int, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = place(name).read_bytes()[:300_000]
    path = put(tmp_path, whole, Path(name).name)
    expected = outcome(path)

    monkeypatch.setattr(lines, "WINDOW_BYTES", window_bytes)
    monkeypatch.setattr(native, "ROWS", 100)

    assert outcome(path) == expected
    assert expected[1]


def mutated(text: bytes, seed: int) -> bytes:
    """Return a text with a few bytes changed, dropped or doubled."""
    generator = random.Random(seed)
    content = bytearray(text)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(content))
        kind = generator.randrange(4)
        if kind == 0:
            content[at] = generator.choice(b"0189adfFxR#()._,=/ \t\r\n-\x00\xff")
        elif kind == 1:
            del content[at]
        elif kind == 2:
            content[at:at] = content[at : at + generator.randint(1, 30)]
        else:
            del content[at : at + generator.randint(1, 30)]
    return bytes(content)


@pytest.mark.parametrize("name", TEXTS)
@given(seed=st.integers(0, 1 << 32))
def test_a_damaged_recording_reads_as_by_the_careful_path_alone(
    name: str, seed: int, place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = place(name).read_bytes()
    at = whole.index(b"\n", seed % (len(whole) // 2)) + 1
    form = stream_trace(place(name)).format
    head = whole[: whole.index(b"\n", HEAD_BYTES[form]) + 1] if form in HEAD_BYTES else b""
    text = head + mutated(whole[at : at + 1500], seed)
    path = put(tmp_path_factory.getbasetemp(), text, f"mutated{place(name).suffix}")

    try:
        fast = outcome(path)
    except TraceError as error:  # damage at the very beginning: no format
        fast = (str(error), [], None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GRAMMARS[form]._Grammar, "read", doubtful)
        try:
            careful = outcome(path)
        except TraceError as error:
            careful = (str(error), [], None)

    assert fast == careful


TRC_2_1 = ";$FILEVERSION=2.1\n;$STARTTIME=45244.9\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n"
EIGHT_BYTES = {
    "asc": ("date Thu Nov 26 11:42:50 2026\nbase hex  timestamps absolute\n",
            " 0.000193 1  118             Rx   d 8 FD 07 80 7f 02 08 00 A0\n"),
    "trc": (TRC_2_1, "      1         0.193 DT  1     0118 Rx -  8    FD 07 80 7f 02 08 00 A0\n"),
    "csv": ("timestamp,arbitration_id,extended,remote,error,dlc,data\n",
            "1700000000.000193,0x118,0,0,0,8,/QeAfwII+6A=\n"),
    "gvret.csv": ("Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n",
                  "193,00000118,false,Rx,0,8,FD,07,80,7f,02,08,00,A0,\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", EIGHT_BYTES)
def test_no_character_of_a_line_is_taken_for_another(name: str, tmp_path: Path) -> None:
    """What has a fast way reads, with any character changed, as by the careful path alone."""
    head, line = EIGHT_BYTES[name]
    good = head + line * 2
    form = stream_trace(put(tmp_path, good.encode(), f"good.{name}")).format
    read = GRAMMARS[form]._Grammar.read
    assert read_trace(tmp_path / f"good.{name}").data.shape == (2, 8)
    verdicts = set()

    for at in range(len(head), len(head) + len(line)):
        for other in b"09:@AFGafg/=+, \t-x\x00\xb0\xff":
            text = bytearray(good.encode())
            text[at] = other
            path = put(tmp_path, bytes(text), f"changed.{name}")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(GRAMMARS[form]._Grammar, "read", doubtful)
                careful = outcome(path)
                patch.setattr(GRAMMARS[form]._Grammar, "read", read)
                assert outcome(path) == careful, bytes(text)
            verdicts.add(careful[0] == "")

    assert verdicts == {True, False}


def test_time_that_steps_backward_is_told_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "ROWS", 2)
    stamps = ("5.0", "6.0", "4.0", "4.5", "4.25")
    path = put(tmp_path, "".join(f"({s}) can0 001#\n" for s in stamps).encode(), "t.log")
    stream = stream_trace(path)

    assert drained(stream) == 5

    (told,) = stream.problems
    assert (told.kind, told.count, told.place) == ("backward_time", 2, "frame 3")
    assert told.text == "time steps backward, by at most 2000 ms; order in the file is kept"


def test_damage_in_the_middle_is_refused_when_its_block_is_asked_for(tmp_path: Path) -> None:
    good = "(0.0) can0 001#\n"
    path = put(tmp_path, (good * 20_000 + "damage\n" + good).encode(), "t.log")
    stream = stream_trace(path)

    def read_on() -> None:
        for _ in stream:
            pass

    message, _ = refusal(read_on)

    assert message == f"{path}:20001: not a line of candump: 'damage'"
    assert stream.rows == native.ROWS * (20_000 // native.ROWS)


def test_a_frame_of_64_bytes_begins_a_wider_block_and_changes_no_other(tmp_path: Path) -> None:
    classic, fd = "(0.0) can0 001#11\n", "(0.0) can0 002##1" + "5A" * 64 + "\n"
    path = put(tmp_path, (classic * 3 + fd + classic).encode(), "t.log")

    blocks = list(stream_trace(path))

    assert [block.data.shape for block in blocks] == [(3, 8), (2, 64)]
    assert [row[5] for row in rows(read_trace(path))] == ["11", "11", "11", "5A" * 64, "11"]


def test_a_line_longer_than_the_window_is_refused_with_its_number(
    tmp_path: Path,
) -> None:
    long = "x" * (3 * lines.WINDOW_BYTES)
    path = put(tmp_path, f"(0.0) can0 001#\n{long}\n(0.0) can0 001#\n".encode(), "t.log")

    message, _ = refusal(lambda: read_trace(path))

    assert message.startswith(f"{path}:2: a line of more than 262,144 bytes: 'xxx")


@given(stamps_ns=st.lists(st.integers(-(10**18), 10**18), min_size=1, max_size=30))
def test_stamps_are_exact_to_the_microsecond_and_half_goes_to_even(
    stamps_ns: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def spelt(ns: int) -> str:
        return f"{'-' * (ns < 0)}{abs(ns) // 10**9}.{abs(ns) % 10**9:09d}"

    text = "".join(f"({spelt(ns)}) can0 001#\n" for ns in stamps_ns)
    path = put(tmp_path_factory.getbasetemp(), text.encode(), "ns.log")

    trace = read_trace(path)

    assert np.array_equal(trace.time_us, [round(ns, -3) // 1000 for ns in stamps_ns])
