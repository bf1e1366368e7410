"""A calibration set that comes in frames: kept as a whole, or refused with the reason."""

import ctypes
import struct

import pytest

from d7xr.calibration import default_set
from d7xr.database import Database
from d7xr.ecu import (
    Ecu,
    calibration_default,
    calibration_hash,
    calibration_parameters,
    core_identity,
)
from d7xr.ecu.tables import Parameter
from tests.link.bench import START, Frame, LinkBench

LOAD, ANSWER = 0x7F3, 0x7F4
BEGIN, WORD, KEEP = range(3)
DONE, UNKNOWN, OTHER_LAYOUT, OUT_OF_TURN, DAMAGED, OUT_OF_RANGE, BREAKS_RULE, ENGINE_RUNS = range(8)
NO_ROOM = 8
ENGINE_STATE = 0x0B8
WORDS = len(calibration_default()) // 4
LAYOUT = int(core_identity()["layout_hash"], 16)


def load(command: int, index: int = 0, word: int = 0) -> Frame:
    """Return one CalibrationLoad."""
    return Frame(LOAD, struct.pack("<BxHI", command, index, word))


def answers(bench: LinkBench, *frames: Frame) -> list[tuple[int, int, int]]:
    """Give frames past the bytes and return result, index and word of each answer."""
    for frame in frames:
        bench.session_receive(frame)
    told = [frame for frame in bench.session_fetch() if frame.id == ANSWER]
    return [struct.unpack("<BxHI", frame.data) for frame in told]


def words_of(blob: bytes) -> list[int]:
    """Return the words of a set."""
    return list(struct.unpack(f"<{WORDS}I", blob))


def collect(bench: LinkBench, blob: bytes) -> None:
    """Send a whole set, up to the wish to keep it."""
    told = answers(bench, load(BEGIN, WORDS, LAYOUT))
    for index, word in enumerate(words_of(blob)):
        told += answers(bench, load(WORD, index, word))
    assert [result for result, _, _ in told] == [DONE] * (WORDS + 1)


def keep(bench: LinkBench, blob: bytes) -> list[tuple[int, int, int]]:
    """Ask to keep the set that was sent."""
    return answers(bench, load(KEEP, 0, calibration_hash(blob)))


def settled(bench: LinkBench, result: int) -> tuple[int, int]:
    """Let the machine keep the set, or not, and return result and word of the answer."""
    (told,) = [frame for frame in bench.settle(result) if frame.id == ANSWER]
    answered, _, word = struct.unpack("<BxHI", told.data)
    return answered, word


def changed(name: str, value: float) -> bytes:
    """Return the built-in set with one number changed."""
    number = parameter(name)
    blob = bytearray(calibration_default())
    struct.pack_into("<I" if number.ctype == "uint32_t" else "<f", blob, number.offset, value)
    return bytes(blob)


def parameter(name: str) -> Parameter:
    """Return a number of the table."""
    return next(p for p in calibration_parameters() if p.name == name)


OTHER = changed("flight_mode.air_dwell_ms", 100)


def test_a_whole_set_is_offered_and_once_it_is_kept_the_unit_begins_anew_with_it(
    bench: LinkBench,
) -> None:
    bench.timer(50)
    bench.session_fetch()
    collect(bench, OTHER)

    # Given a set that passes, then nothing is answered before the machine has kept it
    assert keep(bench, OTHER) == []
    assert bench.offered() == OTHER
    assert bench.state.tick_count == 50

    # When it has
    told = settled(bench, DONE)

    # Then the unit is a new one with that set, and says so
    assert told == (DONE, calibration_hash(OTHER))
    assert bench.state.tick_count == 0
    assert bench.state.digest == Ecu(OTHER).digest
    assert bench.offered() is None


def test_a_set_that_was_not_kept_changes_nothing(bench: LinkBench) -> None:
    bench.timer(50)
    bench.session_fetch()
    before = bench.state
    collect(bench, OTHER)
    keep(bench, OTHER)

    assert settled(bench, NO_ROOM) == (NO_ROOM, calibration_hash(calibration_default()))

    assert bench.state == before
    assert keep(bench, OTHER) == [(OUT_OF_TURN, WORDS, calibration_hash(calibration_default()))]


def test_in_the_hosts_time_a_set_is_taken_too(bench: LinkBench) -> None:
    bench.session_receive(Frame(0x7F0, START.to_bytes(4, "little") + bytes(4)))
    bench.session_fetch()
    collect(bench, OTHER)
    keep(bench, OTHER)

    bench.settle(DONE)

    assert bench.state.mode == "stepped"
    assert bench.state.digest == Ecu(OTHER).digest


@pytest.mark.parametrize("number", calibration_parameters(), ids=lambda p: str(p.name))
def test_a_number_out_of_its_range_is_refused_by_its_id(
    bench: LinkBench, number: Parameter
) -> None:
    if number.ctype == "float":
        bad = changed(number.name, float("nan"))
    else:
        bad = changed(number.name, int(number.maximum) + 1)
    collect(bench, bad)

    ((result, about, in_use),) = keep(bench, bad)

    assert (result, about) == (OUT_OF_RANGE, number.id)
    assert in_use == calibration_hash(calibration_default())
    assert bench.offered() is None


def test_a_set_that_breaks_a_rule_is_refused_by_the_rule(bench: LinkBench) -> None:
    low = parameter("flight_mode.clear_above_mps2").minimum
    bad = changed("flight_mode.clear_above_mps2", low)
    collect(bench, bad)

    ((result, _, _),) = keep(bench, bad)

    assert result == BREAKS_RULE
    assert bench.offered() is None


def test_what_did_not_come_as_it_was_sent_is_refused(bench: LinkBench) -> None:
    collect(bench, OTHER)

    ((result, _, _),) = answers(bench, load(KEEP, 0, calibration_hash(OTHER) ^ 1))

    assert result == DAMAGED


def test_words_come_in_turn_and_the_last_may_be_repeated(bench: LinkBench) -> None:
    in_use = calibration_hash(calibration_default())

    assert answers(bench, load(WORD, 0, 1)) == [(OUT_OF_TURN, 0, in_use)], "nothing was begun"
    answers(bench, load(BEGIN, WORDS, LAYOUT))
    assert answers(bench, load(WORD, 1, 1)) == [(OUT_OF_TURN, 0, in_use)]
    assert answers(bench, load(WORD, 0, 1), load(WORD, 0, 2)) == [(DONE, 0, in_use)] * 2
    assert answers(bench, load(WORD, 1, 1), load(WORD, 0, 2)) == [
        (DONE, 1, in_use), (OUT_OF_TURN, 2, in_use)
    ]  # fmt: skip
    assert answers(bench, load(KEEP)) == [(OUT_OF_TURN, 2, in_use)], "words are missing"


@pytest.mark.parametrize(("count", "layout"), [(WORDS, LAYOUT ^ 1), (WORDS - 1, LAYOUT)])
def test_a_set_of_another_firmware_is_refused_at_once(
    bench: LinkBench, count: int, layout: int
) -> None:
    assert answers(bench, load(BEGIN, count, layout))[0][0] == OTHER_LAYOUT
    assert answers(bench, load(WORD, 0, 1))[0][0] == OUT_OF_TURN


def test_an_unknown_command_is_named(bench: LinkBench) -> None:
    assert answers(bench, load(7))[0][0] == UNKNOWN


@pytest.mark.parametrize(
    ("speeds_rpm", "since_ms", "result"),
    [
        ([0.0], 0, None), ([], 0, None), ([900.0], 0, ENGINE_RUNS), ([0.0], 500, ENGINE_RUNS),
        ([900.0, 0.0], 0, None),
    ],
    ids=["stands", "a bench", "runs", "stood, and is silent", "has stopped"],
)  # fmt: skip
def test_no_set_is_kept_while_the_engine_may_run(
    bench: LinkBench, speeds_rpm: list[float], since_ms: int, result: int | None
) -> None:
    collect(bench, OTHER)
    for counter, speed in enumerate(speeds_rpm):
        bench.session_receive(engine(speed, counter))
        bench.timer(20)
    bench.timer(since_ms)
    bench.session_fetch()

    told = keep(bench, OTHER)

    assert [told[0][0]] == [result] if result is not None else told == []


def engine(speed_rpm: float, counter: int) -> Frame:
    """Return one EngineState."""
    import numpy as np

    frames = Database.own().encode_columns(
        "EngineState", np.arange(counter + 1, dtype=np.int64) * 10_000,
        {"EngineSpeed_rpm": np.full(counter + 1, speed_rpm)},
    )  # fmt: skip
    return Frame(ENGINE_STATE, frames.frame[-1]["data"].tobytes())


def test_the_built_in_set_is_a_set_like_any_other(library: ctypes.CDLL) -> None:
    bench = LinkBench(library)
    collect(bench, default_set().blob)

    assert keep(bench, default_set().blob) == []
