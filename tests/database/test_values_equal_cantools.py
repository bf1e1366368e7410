"""Columns say what cantools says: on every database of the pack, on real and on made frames."""

import random
import struct
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from cantools.database.errors import DecodeError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from d7xr.database import Database
from tests.database.bench import (
    by_frame,
    candump,
    cantools_database,
    frames_of,
    measured,
    parsed,
    random_payloads,
    signal_dbc,
)
from tests.recordings import recordings

SOUND = (
    "bmw_e9x_e8x",
    "canedge_uds_tp",
    "canmod_imu",
    "ford_lincoln_base_pt",
    "hyundai_2015_ccan",
    "j1939_demo",
    "toyota_prius_2010_pt",
    "wrx_drive",
)
UNSOUND = {  # message that made cantools refuse, by file
    "ford_cads_64": "MRR_Detection_022",
    "hyundai_i30_2014": "EMS2",
    "vw_mqb": "PLA_01",
}
FRAMES_PER_MESSAGE = 24


@cache
def source(name: str) -> tuple[Database, bytes]:
    path = recordings() / "dbc" / f"{name}.dbc"
    return Database.load(path), path.read_bytes()


@pytest.mark.parametrize("name", [*SOUND, *UNSOUND])
def test_random_payloads_of_every_message_decode_as_cantools_does(name: str) -> None:
    database, content = source(name)
    judge = cantools_database(content, is_strict=name in SOUND)
    compared = 0
    count = max(FRAMES_PER_MESSAGE, 400 // len(judge.messages))
    for message in judge.messages:
        if not message.signals or message.name == UNSOUND.get(name):
            continue
        rng = random.Random(message.frame_id)
        payloads = random_payloads(rng, message, count)
        frames = frames_of(
            ((time_us, message.frame_id, data) for time_us, data in enumerate(payloads)),
            is_extended=message.is_extended_frame,
        )
        columns = {
            name: by_frame(column)
            for name, column in database.decode_columns(frames, message.name).items()
        }
        assert set(columns) == {signal.name for signal in message.signals}
        for time_us, data in enumerate(payloads):
            try:
                expected = measured(message, data)
            except DecodeError:  # a multiplexer that selects nothing: cantools gives up the frame
                assert message.is_multiplexed()
                continue
            seen = {
                signal: values[time_us] for signal, values in columns.items() if time_us in values
            }
            assert seen == expected
            compared += len(expected)
    assert compared >= 100


@pytest.mark.parametrize(("name", "message_name"), UNSOUND.items())
def test_signals_that_made_a_database_unsound_are_each_read_where_they_lie(
    name: str, message_name: str
) -> None:
    # cantools misreads the whole of such a message, so each signal is judged alone in a message
    database, content = source(name)
    message = cantools_database(content, is_strict=False).get_message_by_name(message_name)
    rng = random.Random(7)
    payloads = [rng.randbytes(min(message.length, 8)) for _ in range(FRAMES_PER_MESSAGE)]
    columns = database.decode_columns(
        frames_of((i, message.frame_id, data) for i, data in enumerate(payloads)), message_name
    )
    judged = 0
    for signal in message.signals:
        column = columns[signal.name]
        described = database.message(message_name).signal(signal.name)
        if described.bits_needed > 8 * len(payloads[0]):
            assert np.isnan(column.values).all()
            assert not column.valid.any()
            continue
        order, sign = int(signal.byte_order == "little_endian"), "-" if signal.is_signed else "+"
        alone = f" SG_ S : {signal.start}|{signal.length}@{order}{sign}"
        alone += f' ({signal.scale},{signal.offset}) [0|0] "" X'
        judge = cantools_database(signal_dbc(alone, length=len(payloads[0]))).messages[0]
        expected = [measured(judge, data)["S"] for data in payloads]
        if signal.multiplexer_signal is None:
            assert column.values.tolist() == expected
            judged += 1
    assert judged >= 8


@pytest.mark.parametrize(
    ("log", "name", "at_least"),
    [("s550_drive.log", "ford_lincoln_base_pt", 84_058), ("wrx_drive.log", "wrx_drive", 38_015)],
)
def test_every_frame_of_a_real_drive_decodes_as_cantools_does(
    log: str, name: str, at_least: int
) -> None:
    database, content = source(name)
    judge = cantools_database(content)
    rows = candump(recordings() / "can" / log)
    frames = frames_of(rows)
    known = {message.frame_id: message for message in judge.messages if message.signals}
    payloads: dict[int, list[bytes]] = defaultdict(list)
    for _, identifier, data in rows:
        payloads[identifier].append(data)

    compared = 0
    for identifier, message in known.items():
        said = cache(lambda data, message=message: measured(message, data))
        expected = [said(data) for data in payloads[identifier]]
        for signal, column in database.decode_columns(frames, message.name).items():
            assert column.values.tolist() == [value[signal] for value in expected]
            assert column.valid.all()
        compared += len(expected)
    assert compared == at_least


@st.composite
def layouts(draw: st.DrawFn) -> tuple[str, int]:
    """A ``SG_`` line of a signal that lies within eight bytes, and its width if it is a float."""
    is_intel = draw(st.booleans())
    float_length = draw(st.sampled_from([0, 0, 32, 64]))
    length = float_length or draw(st.integers(1, 64))
    first = draw(st.integers(0, 64 - length))
    start = first if is_intel else 8 * (first // 8) + 7 - first % 8
    sign = "-" if float_length or draw(st.booleans()) else "+"
    scale = draw(
        st.sampled_from([1, 3, -2, 0.1, 0.0155168902, 1e-06, -0.5, 2.5e10])
        | st.floats(1e-9, 1e9).map(lambda x: float(f"{x:.12g}"))
    )
    offset = draw(st.sampled_from([0, -40, 0.25, 1577840400, -1e-3]) | st.integers(-(2**40), 2**40))
    line = f' SG_ S : {start}|{length}@{int(is_intel)}{sign} ({scale!r},{offset!r}) [0|0] "" X'
    return line, float_length


@settings(max_examples=300, deadline=None)
@given(
    layout=layouts(),
    payloads=st.lists(st.binary(min_size=0, max_size=8), min_size=1, max_size=12),
)
@example(layout=(' SG_ S : 0|64@1+ (3,7) [0|0] "" X', 0), payloads=[b"\xff" * 8, b"\x01" * 8])
@example(layout=(' SG_ S : 0|64@1+ (3,0) [0|0] "" X', 0), payloads=[b"\1\0\0\0\0\0\x20\0"])
@example(layout=(' SG_ S : 0|64@1- (0.1,0.5) [0|0] "" X', 0), payloads=[b"\xff" * 8, b"\x80" * 8])
def test_any_layout_of_a_signal_decodes_as_cantools_does_in_frames_of_any_length(
    layout: tuple[str, int], payloads: list[bytes]
) -> None:
    line, float_length = layout
    extra = f"SIG_VALTYPE_ 291 S : {float_length // 32};" if float_length else ""
    content = signal_dbc(line, extra=extra)
    judge = cantools_database(content).messages[0]
    column = parsed(content).decode_columns(
        frames_of((i, 0x123, data) for i, data in enumerate(payloads)), "M"
    )["S"]
    for data, value, is_valid in zip(payloads, column.values, column.valid, strict=True):
        expected = measured(judge, data).get("S")
        if expected is None:
            assert np.isnan(value)
            assert not is_valid
        else:
            np.testing.assert_equal(value, expected)
            assert is_valid == np.isfinite(expected)


def test_a_float_that_is_no_number_is_not_valid() -> None:
    content = signal_dbc(' SG_ S : 0|32@1- (1,0) [0|0] "" X', extra="SIG_VALTYPE_ 291 S : 1;")
    rows = [struct.pack("<f", x) for x in (1.5, float("nan"), float("inf"), -0.25)]
    column = parsed(content).decode_columns(
        frames_of((i, 0x123, data) for i, data in enumerate(rows)), "M"
    )["S"]
    assert column.valid.tolist() == [True, False, False, True]


EXTENDED_MUX = signal_dbc(
    ' SG_ Kind M : 0|8@1+ (1,0) [0|0] "" X\n'
    ' SG_ Page m1M : 8|8@1+ (1,0) [0|0] "" X\n'
    ' SG_ Speed m0 : 16|16@1+ (0.1,0) [0|0] "" X\n'
    ' SG_ Low m3 : 16|8@1- (1,0) [0|0] "" X\n'
    ' SG_ Always : 56|8@1+ (1,0) [0|0] "" X',
    extra="SG_MUL_VAL_ 291 Page Kind 1-1;\n"
    "SG_MUL_VAL_ 291 Speed Kind 0-0, 5-9;\n"
    "SG_MUL_VAL_ 291 Low Page 3-3, 200-210;",
)


def test_a_signal_behind_two_multiplexers_has_rows_only_where_both_select_it() -> None:
    rows = [b"\x01\x03\xff", b"\x00\x03\x10", b"\x07\x00\x20", b"\x01\xcd\x05", b"\x01\x04\x05"]
    frames = frames_of((i, 0x123, data.ljust(8, b"\0")) for i, data in enumerate(rows))
    columns = parsed(EXTENDED_MUX).decode_columns(frames, "M")
    assert columns["Low"].time_us.tolist() == [0, 3]
    assert columns["Low"].values.tolist() == [-1.0, 5.0]
    assert columns["Speed"].time_us.tolist() == [1, 2]
    assert columns["Always"].time_us.tolist() == [0, 1, 2, 3, 4]


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from([0, 1, 5, 9]),
    page=st.sampled_from([3, 200, 210]),
    rest=st.binary(max_size=6),
)
def test_multiplexed_signals_decode_as_cantools_does_in_short_frames_too(
    kind: int, page: int, rest: bytes
) -> None:
    data = bytes([kind, page]) + rest
    columns = parsed(EXTENDED_MUX).decode_columns(frames_of([(0, 0x123, data)]), "M")
    seen = {name: values[0] for name, column in columns.items() if (values := by_frame(column))}
    assert seen == measured(cantools_database(EXTENDED_MUX).messages[0], data)


def test_a_multiplexer_that_does_not_fit_selects_nothing() -> None:
    content = signal_dbc(
        ' SG_ Speed m0 : 0|8@1+ (1,0) [0|0] "" X\n SG_ Kind M : 56|8@1+ (1,0) [0|0] "" X'
    )
    columns = parsed(content).decode_columns(
        frames_of([(0, 0x123, b"\5" * 7), (1, 0x123, b"\5" * 7 + b"\0")]), "M"
    )
    assert columns["Speed"].time_us.tolist() == [1]


def test_a_frame_shorter_than_its_message_loses_only_what_does_not_fit() -> None:
    content = signal_dbc(
        ' SG_ Early : 0|8@1+ (1,0) [0|0] "" X\n SG_ Late : 23|16@0+ (1,0) [0|0] "" X'
    )
    columns = parsed(content).decode_columns(
        frames_of([(0, 0x123, b"\1\2\3\4"), (1, 0x123, b"\1\2\3"), (2, 0x123, b"")]), "M"
    )
    assert columns["Early"].valid.tolist() == [True, True, False]
    assert columns["Late"].valid.tolist() == [True, False, False]
    assert np.isnan(columns["Late"].values[1:]).all()


def test_bytes_beyond_the_message_are_not_read() -> None:
    content = signal_dbc(' SG_ S : 16|8@1+ (1,0) [0|0] "" X', length=2)
    column = parsed(content).decode_columns(frames_of([(0, 0x123, b"\1\2\3\4")]), "M")["S"]
    assert not column.valid.any()


def test_an_extended_frame_is_not_the_standard_one_of_the_same_number() -> None:
    content = signal_dbc(' SG_ S : 0|8@1+ (1,0) [0|0] "" X')
    extended = frames_of([(0, 0x123, b"\1")], is_extended=True)
    assert parsed(content).decode_columns(extended, "M")["S"].values.size == 0


def test_a_code_that_means_not_available_is_known_on_our_bus_only() -> None:
    line = ' SG_ S : 0|8@1+ (1,0) [0|0] "" X'
    content = signal_dbc(line, extra='VAL_ 291 S 255 "Not available" 0 "Off" ;')
    frames = frames_of([(0, 0x123, b"\xff"), (1, 0x123, b"\x00")])
    foreign = parsed(content).decode_columns(frames, "M")["S"]
    own = parsed(content, is_own=True).decode_columns(frames, "M")["S"]
    assert foreign.valid.tolist() == [True, True]
    assert own.valid.tolist() == [False, True]


def test_a_trace_without_the_message_gives_empty_columns() -> None:
    column = Database.own().decode_columns(frames_of([]), "WheelSpeeds")["WheelSpeedFL_radps"]
    assert [part.size for part in column] == [0, 0, 0]
    assert column.time_us.dtype == np.int64
    assert Path(Database.own().path).name == "d7xr.dbc"
