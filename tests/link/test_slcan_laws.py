"""Laws of the line protocol: whatever is sent, and whatever noise comes between."""

import ctypes

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.link.bench import BEL, CR, Frame, lines_of, opened, sync

standard_id = st.integers(0, 0x7FF)
extended_id = st.integers(0, 0x1FFFFFFF)
data = st.binary(max_size=8)
remote_length = st.integers(0, 8)

data_frames = st.builds(Frame, standard_id, data) | st.builds(
    Frame, extended_id, data, is_extended=st.just(True)
)
remote_frames = st.builds(
    Frame, standard_id, is_remote=st.just(True), remote_length=remote_length
) | st.builds(
    Frame, extended_id, is_extended=st.just(True), is_remote=st.just(True),
    remote_length=remote_length,
)  # fmt: skip
frames = data_frames | remote_frames

# Noise of a line: anything, and what looks like a frame but for one character. No CR: that would be
# a line of its own, and it may be a good one.
noise = st.binary(max_size=60).map(lambda raw: raw.replace(CR, b""))
LETTERS = b"OLCVNFSsZXMmtTrR"


@given(frame=frames, time_ms=st.integers(0, 0xFFFFFFFF), is_stamped=st.booleans())
def test_every_frame_comes_back_from_its_line(
    library: ctypes.CDLL, frame: Frame, time_ms: int, is_stamped: bool
) -> None:
    out = ctypes.create_string_buffer(31)
    back = ctypes.create_string_buffer(16)

    length = library.bench_slcan_print(frame.to_c(), ctypes.c_uint32(time_ms), is_stamped, out)
    line = out.raw[:length]

    stamp = f"{time_ms % 60_000:04X}".encode() if is_stamped else b""
    assert line == frame.line()[:-1] + stamp + CR
    assert library.bench_slcan_read(frame.line(), len(frame.line()), back) == 1
    assert Frame.from_c(back.raw) == frame


@given(raw=st.binary(min_size=16, max_size=16), time_ms=st.integers(0, 0xFFFFFFFF))
def test_any_bytes_as_a_frame_give_a_line_of_pure_ascii(
    library: ctypes.CDLL, raw: bytes, time_ms: int
) -> None:
    out = ctypes.create_string_buffer(32)
    back = ctypes.create_string_buffer(16)

    length = library.bench_slcan_print(raw, ctypes.c_uint32(time_ms), False, out)

    assert 5 <= length <= 31
    assert out.raw[:length].isascii()
    assert out.raw[length:] == bytes(32 - length)
    assert library.bench_slcan_read(out.raw, length, back) == 1


@given(garbage=noise, frame=frames)
def test_noise_costs_one_refusal_and_the_next_whole_line_is_read(
    library: ctypes.CDLL, garbage: bytes, frame: Frame
) -> None:
    # Given noise that no character of the protocol begins, ended by the CR of a half line
    garbage = garbage.replace(b"\n", b"")
    assume(garbage and garbage[0] not in LETTERS)
    bench = opened(library)
    digest = bench.state.digest

    assert bench.talk(garbage + CR) == BEL

    assert bench.state.refused == 1
    assert bench.state.digest == digest
    assert bench.talk(frame.line()) == CR
    assert bench.state.frames == 1


@given(lines=st.lists(noise | st.sampled_from(LETTERS.decode()).flatmap(
    lambda letter: noise.map(lambda raw: letter.encode() + raw)), max_size=12))  # fmt: skip
def test_garbage_between_lines_never_changes_the_unit(
    library: ctypes.CDLL, lines: list[bytes]
) -> None:
    # Given a unit in a stepped run
    bench = opened(library)
    bench.step(0xFFFFFFFF, [])
    bench.step(0, [])
    before = bench.state

    # When garbage comes that closes no channel and holds no frame
    back = ctypes.create_string_buffer(16)
    for line in lines:
        text = line.replace(b"\n", b"")
        assume(text != b"C")
        assume(library.bench_slcan_read(text + CR, len(text) + 1, back) == 0)
        answer = bench.talk(line + CR)
        assert answer.isascii()
        assert len(lines_of(answer)) == 1

    # Then the unit is as it was, and the next tick runs
    assert bench.state.digest == before.digest
    assert bench.state.tick_count == before.tick_count
    _, *_, last = bench.step(1, [])
    assert last.data[:4] == b"\1\0\0\0"


@given(frame=frames, place=st.integers(0, 30), wrong=st.integers(0, 255))
def test_one_wrong_byte_gives_another_good_frame_or_none(
    library: ctypes.CDLL, frame: Frame, place: int, wrong: int
) -> None:
    line = bytearray(frame.line())
    line[place % (len(line) - 1)] = wrong
    back = ctypes.create_string_buffer(16)

    count = library.bench_slcan_read(bytes(line), len(line), back)

    assert count <= 1
    if count:
        read = Frame.from_c(back.raw)
        assert read.id <= (0x1FFFFFFF if read.is_extended else 0x7FF)
        assert bytes(line).replace(b"\n", b"").upper().endswith(read.line().upper())


@given(chunks=st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_it_does_not_matter_how_the_bytes_are_cut(library: ctypes.CDLL, chunks: list[int]) -> None:
    text = b"V\rt1238" + b"5A" * 8 + b"\rX\r" + sync(0xFFFFFFFF).line() + sync(0).line()
    whole, pieces = opened(library), opened(library)

    expected = whole.talk(text)
    answer, rest = b"", text
    for size in chunks:
        answer += pieces.talk(rest[:size])
        rest = rest[size:]
    answer += pieces.talk(rest)

    assert answer == expected
    assert pieces.state == whole.state
