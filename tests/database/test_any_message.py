"""Messages of any database: classic or FD, encoded and decoded as cantools does it."""

import random
from functools import cache

import numpy as np
import pytest
from cantools.database.can import Message as CantoolsMessage
from cantools.database.can import Signal as CantoolsSignal
from cantools.database.errors import EncodeError, UnsupportedDatabaseFormatError
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from d7xr.database import Database
from d7xr.errors import ConfigError
from d7xr.frames import FRAME_DTYPE, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE, Frames
from d7xr.trace.model import Columns
from tests.database.bench import (
    by_frame,
    cantools_database,
    frames_of,
    measured,
    parsed,
    place,
    signal_dbc,
)
from tests.recordings import recordings

DATABASES = (
    *("bmw_e9x_e8x", "canedge_uds_tp", "canmod_imu", "ford_cads_64", "ford_lincoln_base_pt"),
    *("hyundai_2015_ccan", "hyundai_i30_2014", "j1939_demo", "toyota_prius_2010_pt", "vw_mqb"),
    "wrx_drive",
)
UNREADABLE = ("fca_giorgio",)  # cantools does not read it either, even relaxed


def fd_rows(payloads: list[bytes], *, flags: int = FRAME_FD) -> Columns:
    """Return frames of 64 bytes with the identifier of the made databases."""
    count = len(payloads)
    data = b"".join(payload.ljust(64, b"\xa5") for payload in payloads)
    return Columns(
        time_us=np.arange(count, dtype=np.int64),
        channel=np.zeros(count, dtype=np.uint8),
        id=np.full(count, 0x123, dtype=np.uint32),
        flags=np.full(count, flags, dtype=np.uint8),
        length=np.array([len(payload) for payload in payloads], dtype=np.uint8),
        data=np.frombuffer(data, dtype=np.uint8).reshape(-1, 64),
    )


@st.composite
def wide_signals(draw: st.DrawFn) -> tuple[str, int]:
    """A ``SG_`` line of a signal that lies anywhere in 64 bytes, and its width if it is a float."""
    is_intel = draw(st.booleans())
    float_length = draw(st.sampled_from([0, 0, 0, 16, 32, 64]))
    length = float_length or draw(st.integers(1, 64))
    first = draw(st.integers(0, 512 - length))
    start = first if is_intel else 8 * (first // 8) + 7 - first % 8
    sign = "-" if float_length or draw(st.booleans()) else "+"
    scale = draw(st.sampled_from([1, 3, -2, 0.1, 1e-06, -0.5]))
    offset = draw(st.sampled_from([0, -40, 0.25]))
    return f' SG_ S : {start}|{length}@{int(is_intel)}{sign} ({scale},{offset}) [0|0] "" X', (
        float_length
    )


def value_type(float_length: int) -> str:
    kinds = {0: "", 16: "", 32: "SIG_VALTYPE_ 291 S : 1;", 64: "SIG_VALTYPE_ 291 S : 2;"}
    return kinds[float_length]


@settings(max_examples=300, deadline=None)
@given(
    signal=wide_signals(),
    payloads=st.lists(st.binary(min_size=0, max_size=64), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
)
@example(signal=(' SG_ S : 5|64@1+ (1,0) [0|0] "" X', 0), payloads=[bytes(range(64))], seed=1)
@example(signal=(' SG_ S : 3|64@0- (1,0) [0|0] "" X', 0), payloads=[bytes(range(64))], seed=1)
@example(signal=(' SG_ S : 450|61@1- (1,0) [0|0] "" X', 0), payloads=[b"\xff" * 64], seed=1)
def test_a_signal_anywhere_in_64_bytes_decodes_as_cantools_does(
    signal: tuple[str, int], payloads: list[bytes], seed: int
) -> None:
    line, float_length = signal
    content = signal_dbc(line, length=64, extra=value_type(float_length))
    judge = cantools_database(content).messages[0]
    payloads = [*payloads, random.Random(seed).randbytes(64)]

    column = parsed(content).decode_columns(fd_rows(payloads), "M")["S"]

    for data, value, is_valid in zip(payloads, column.values, column.valid, strict=True):
        expected = measured(judge, data).get("S")
        np.testing.assert_equal(value, np.nan if expected is None else expected)
        assert is_valid == (expected is not None and np.isfinite(expected))


def test_frames_without_data_are_not_decoded() -> None:
    content = signal_dbc(' SG_ S : 0|8@1+ (1,0) [0|0] "" X')
    rows = fd_rows([b"\1" * 8], flags=FRAME_REMOTE)

    assert parsed(content).decode_columns(rows, "M")["S"].values.size == 0


def test_a_signal_of_more_than_64_bits_is_never_valid() -> None:
    content = signal_dbc(
        ' SG_ Number : 0|96@1+ (1,0) [0|0] "" X\n SG_ S : 96|8@1+ (1,0) [0|0] "" X', length=16
    )
    columns = parsed(content).decode_columns(fd_rows([bytes(range(16))]), "M")

    assert not columns["Number"].valid.any()
    assert columns["S"].values.tolist() == [12.0]


def test_the_frames_of_every_message_are_found_at_once() -> None:
    own = Database.own()
    rng = np.random.default_rng(1)
    frame = np.zeros(500, dtype=FRAME_DTYPE)
    known = [message.frame_id for message in own.messages]
    frame["id"] = rng.choice([*known[:5], 0x7FF], 500)
    frame["flags"] = rng.choice([0, FRAME_EXTENDED], 500, p=[0.9, 0.1])
    frames = Frames(np.arange(500, dtype=np.int64), frame)

    found = {m.name: rows for m, rows in own.rows_of_messages(frames)}

    assert set(found) == {message.name for message in own.messages[:5]}
    for name, rows in found.items():
        mine = (frame["id"] == own.message(name).frame_id) & (frame["flags"] == 0)
        assert rows.tolist() == np.flatnonzero(mine).tolist()
        columns = own.decode_columns(frames, name, rows)
        for signal, column in own.decode_columns(frames, name).items():
            np.testing.assert_array_equal(columns[signal].values, column.values)


@cache
def loaded(name: str) -> tuple[Database, dict[str, CantoolsMessage]]:
    path = recordings() / "dbc" / f"{name}.dbc"
    database = Database.load(path)
    judge = cantools_database(path.read_bytes(), is_strict=not database.relaxed)
    return database, {message.name: message for message in judge.messages}


def said(message: CantoolsMessage, values: dict[str, float]) -> bytes | None:
    """Return what cantools makes of values when it is strict; None where it refuses.

    Where signals overlap it adds them up: what then does not read as it was written is refused too.
    """
    try:
        data = message.encode(values, strict=True)
    except (EncodeError, OverflowError, ValueError):
        return None
    read = message.decode_simple(data, decode_choices=False, scaling=False)
    taken = {bit for s in message.signals if s.name in values for bit in bits_of(s)}
    if len(taken) < sum(s.length for s in message.signals if s.name in values):
        for name, raw in read.items():
            if raw != message.get_signal_by_name(name).scaled_to_raw(values[name]):
                return None
    return data


def bits_of(signal: CantoolsSignal) -> set[int]:
    """Return the bits of a payload that a signal takes."""
    payload = bytearray(64)
    place(payload, signal, (1 << signal.length) - 1)
    return {8 * n + bit for n, byte in enumerate(payload) for bit in range(8) if byte >> bit & 1}


def test_every_database_is_encoded_with() -> None:
    assert {path.stem for path in (recordings() / "dbc").glob("*.dbc")} == {
        *DATABASES,
        *UNREADABLE,
    }
    for name in UNREADABLE:
        with pytest.raises(UnsupportedDatabaseFormatError):
            cantools_database((recordings() / "dbc" / f"{name}.dbc").read_bytes(), is_strict=False)


@pytest.mark.parametrize("name", DATABASES)
def test_what_cantools_encodes_is_encoded_alike_and_what_it_refuses_is_refused(name: str) -> None:
    database, judges = loaded(name)
    rng = random.Random(name)
    encoded = refused = 0
    for message in judges.values():
        if not message.signals:
            continue
        for _ in range(4):
            values = drawn(rng, message)
            expected = said(message, values)
            if expected is None:
                with pytest.raises(ConfigError, match=message.name):
                    database.payloads(message.name, values)
                refused += 1
            else:
                assert database.payloads(message.name, values)[0].tobytes() == expected
                encoded += 1
    assert encoded >= 4
    assert encoded + refused == 4 * sum(bool(message.signals) for message in judges.values())


def drawn(rng: random.Random, message: CantoolsMessage) -> dict[str, float]:
    """Return a value for every signal that a frame with these multiplexers holds."""
    values: dict[str, float] = {}

    def take(node: object) -> None:
        for signal in node["signals"]:  # type: ignore[index]
            values[signal.name] = value_of(rng, signal)
        for selector, nodes in node["multiplexers"].items():  # type: ignore[index]
            number = rng.choice(sorted(nodes))
            values[selector] = message.get_signal_by_name(selector).raw_to_scaled(number, False)  # type: ignore[assignment]
            take(nodes[number])

    take(message._codecs)
    return values


def value_of(rng: random.Random, signal: object) -> float:
    low, high = signal.minimum, signal.maximum  # type: ignore[attr-defined]
    if low is None or high is None:
        if signal.conversion.is_float:  # type: ignore[attr-defined]
            return rng.uniform(-1e6, 1e6)
        half = 1 << (signal.length - 1)  # type: ignore[attr-defined]
        raw = rng.randrange(-half, half) if signal.is_signed else rng.randrange(2 * half)  # type: ignore[attr-defined]
        return float(signal.raw_to_scaled(raw, False))  # type: ignore[attr-defined]
    value = rng.uniform(low, high)
    if rng.random() < 0.01:
        value = high + 0.02 * abs(high - low)
    return float(rng.choice([low, high, value, round(value)]))


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A database of one message of signals side by side, some behind a multiplexer."""
    length = draw(st.sampled_from([1, 2, 3, 7, 8, 12, 16, 64]))
    is_intel = draw(st.booleans())
    lines, at = [], 0
    if length > 3 and draw(st.booleans()):
        start = 0 if is_intel else 7
        lines.append(f' SG_ Kind M : {start}|8@{int(is_intel)}+ (1,0) [0|0] "" X')
        at = 8
    number = 0
    while at < 8 * length and number < 12:
        at += draw(st.integers(0, 5))
        width = draw(st.integers(1, 64))
        if at + width > 8 * length:
            break
        start = at if is_intel else 8 * (at // 8) + 7 - at % 8
        mark = draw(st.sampled_from(["", "m0 ", "m1 ", "m2 "])) if len(lines) and at else ""
        mark = mark if lines and lines[0].startswith(" SG_ Kind") else ""
        scale = draw(st.sampled_from([1, 2, -3, 0.1, 0.5, 1e-3, 10]))
        offset = draw(st.sampled_from([0, 5, -40, 0.25]))
        sign = draw(st.sampled_from("+-"))
        lines.append(
            f" SG_ S{number} {mark}: {start}|{width}@{int(is_intel)}{sign} "
            f'({scale},{offset}) [0|0] "" X'
        )
        at += width
        number += 1
    assume(number)
    return signal_dbc("\n".join(lines), length=length)


@settings(max_examples=200, deadline=None)
@given(content=messages(), rng=st.randoms(use_true_random=False))
def test_any_message_is_encoded_as_cantools_does_and_decodes_to_what_cantools_reads(
    content: bytes, rng: random.Random
) -> None:
    judge = cantools_database(content).messages[0]
    database = parsed(content)
    rows = [drawn(rng, judge) for _ in range(5)]
    expected = [said(judge, row) for row in rows]
    names = {name for row in rows for name in row}
    kept = [(row, data) for row, data in zip(rows, expected, strict=True) if data is not None]
    assume(kept)

    columns = {name: [row.get(name, 0.0) for row, _ in kept] for name in names}
    payloads = database.payloads("M", columns)

    assert [row.tobytes() for row in payloads] == [data for _, data in kept]
    decoded = database.decode_columns(fd_rows([row.tobytes() for row in payloads]), "M")
    seen = {name: by_frame(column) for name, column in decoded.items()}
    for number, (_, data) in enumerate(kept):
        assert {n: v[number] for n, v in seen.items() if number in v} == measured(judge, data)


@pytest.mark.parametrize(
    ("line", "value", "said"),
    [
        ("0|8@1+ (1,0) [0|100]", 101, "out of range"),
        ("0|8@1+ (1,0) [0|0]", 256, "more than 8 bits"),
        ("0|8@1- (1,0) [0|0]", -129, "more than 8 bits"),
        ("0|8@1+ (1,0) [0|0]", float("nan"), "is no number"),
        ("0|8@1+ (1,0) [0|0]", "Offf", "no word"),
    ],
)
def test_a_value_that_cannot_be_sent_is_refused_with_its_row(
    line: str, value: float | str, said: str
) -> None:
    content = signal_dbc(f' SG_ S : {line} "" X', extra='VAL_ 291 S 0 "Off" 1 "On" ;')
    good = "On" if isinstance(value, str) else 1

    with pytest.raises(ConfigError, match=f"M.S, row 2: .*{said}"):
        parsed(content).payloads("M", {"S": [good, good, value]})


def test_words_of_the_value_table_stand_for_their_numbers() -> None:
    content = signal_dbc(
        ' SG_ S : 0|8@1+ (0.5,0) [0|1] "" X', extra='VAL_ 291 S 0 "Off" 200 "On" ;'
    )

    payloads = parsed(content).payloads("M", {"S": ["Off", "On", "Off"]})

    assert payloads[:, 0].tolist() == [0, 200, 0]


def test_integers_keep_every_bit() -> None:
    content = signal_dbc(' SG_ S : 0|64@1+ (1,0) [0|0] "" X')
    wide = [2**64 - 1, 2**63 + 1, 2**53 + 1]

    payloads = parsed(content).payloads("M", {"S": np.array(wide, dtype=np.uint64)})

    assert payloads.view("<u8")[:, 0].tolist() == wide


def test_a_signal_that_is_missing_and_a_multiplexer_that_selects_nothing_are_refused() -> None:
    content = signal_dbc(
        ' SG_ Kind M : 0|8@1+ (1,0) [0|0] "" X\n SG_ Low m0 : 8|8@1+ (1,0) [0|0] "" X'
    )
    with pytest.raises(ConfigError, match=r"M\.Low, row 1: is missing"):
        parsed(content).payloads("M", {"Kind": [7, 0]})
    with pytest.raises(ConfigError, match=r"M\.Kind, row 1: 7 selects no signals"):
        parsed(content).payloads("M", {"Kind": [0, 7], "Low": 1})
    with pytest.raises(ConfigError, match="no signal 'Lo'"):
        parsed(content).payloads("M", {"Kind": 0, "Lo": 1})


def test_frames_of_eight_bytes_are_rows_too() -> None:
    content = signal_dbc(' SG_ S : 0|8@1+ (1,0) [0|0] "" X')

    assert parsed(content).raw_columns(frames_of([(0, 0x123, b"\7")]), "M")["S"].raw.tolist() == [7]
