"""The LAWICEL protocol, command by command, and what is refused."""

import ctypes

import pytest

from tests.link.bench import BEL, CR, Frame, LinkBench, lines_of, opened

COMMANDS = {
    b"V\r": b"V1013\r",
    b"N\r": b"ND7A2\r",
    b"S0\r": CR,
    b"S8\r": CR,
    b"s001C\r": CR,
    b"M00000000\r": CR,
    b"mffffFFFF\r": CR,
    b"Z0\r": CR,
    b"Z1\r": CR,
    b"X0\r": CR,
    b"X1\r": CR,
    b"O\r": CR,
    b"L\r": CR,
    b"C\r": CR,
    b"\r": CR,
    b"\n": b"",
    b"V\r\n": b"V1013\r",
}

NOT_COMMANDS = [
    b"W", b"v", b"VV", b"V1", b"N ", b"S", b"S9", b"SA", b"S10", b"s", b"s123", b"s12345", b"s12G4",
    b"M1234567", b"M123456789", b"m0000000x", b"Z", b"Z2", b"Z00", b"X2", b"X", b"OO", b"O1", b"CC",
    b"F", b" V", b"\0V", b"V\x80", b"\xff", b"A", b"P", b"d1230", b"x000001230",
]  # fmt: skip

NOT_FRAMES = [
    b"t", b"t12", b"t123", b"t1231", b"t12312", b"t123112 ", b"t12311234", b"t123811223344556677",
    b"t1239112233445566778899", b"t123A", b"t800" b"0", b"tFFF0", b"t12G0", b"t1231G1", b"t12311G",
    b"t 230", b"t-230", b"t123-", b"T", b"T123", b"T00000123", b"T200000000", b"TFFFFFFFF0",
    b"T000001231", b"T0000012312", b"T00000123112Z", b"r", b"r123", b"r12311", b"r1239", b"r8000",
    b"R00000123", b"R000001239", b"R200000000", b"R00000123811", b"t1231\x8011",
]  # fmt: skip

SETTINGS = [b"S6", b"s001C", b"Z1", b"X1", b"M00000000", b"m00000000", b"L"]


@pytest.mark.parametrize(("command", "answer"), COMMANDS.items())
def test_each_command_is_answered(bench: LinkBench, command: bytes, answer: bytes) -> None:
    assert bench.talk(command) == answer
    assert bench.state.refused == 0


@pytest.mark.parametrize("line", NOT_COMMANDS)
def test_what_is_no_command_is_refused_once_and_counted(bench: LinkBench, line: bytes) -> None:
    before = bench.state

    assert bench.talk(line + CR) == BEL

    assert bench.state.refused == 1
    assert bench.state.channel == before.channel
    assert bench.talk(b"V\r") == b"V1013\r"


@pytest.mark.parametrize("line", NOT_FRAMES)
def test_what_is_no_frame_is_refused_and_does_not_reach_the_unit(
    open_bench: LinkBench, line: bytes
) -> None:
    before = open_bench.state

    assert open_bench.talk(line + CR) == BEL

    assert open_bench.state.refused == 1
    assert open_bench.state.frames == 0
    assert open_bench.state.digest == before.digest


@pytest.mark.parametrize("setting", SETTINGS)
def test_configuration_while_open_is_refused(open_bench: LinkBench, setting: bytes) -> None:
    assert open_bench.talk(setting + CR) == BEL

    assert open_bench.state.channel == "open"


def test_asking_for_what_is_so_already_is_no_error(bench: LinkBench) -> None:
    # A client that opens twice, or closes what it has not opened, is common and harms nobody
    assert bench.talk(b"C\rO\rO\rC\rC\rL\rL\rC\r") == CR * 8
    assert bench.state.refused == 0


def test_a_frame_needs_an_open_channel(bench: LinkBench) -> None:
    line = Frame(0x123, b"\x01").line()

    assert bench.talk(line) == BEL
    assert bench.talk(b"L\r" + line) == CR + BEL
    assert bench.talk(b"C\rO\r" + line) == CR + CR + CR
    assert bench.state.frames == 1


def test_an_accepted_frame_is_answered_in_the_form_that_was_asked_for(bench: LinkBench) -> None:
    lines = [Frame(1).line(), Frame(1, is_extended=True).line(), b"r0010\r", b"R000000010\r"]

    assert bench.talk(b"O\r" + b"".join(lines)) == CR + CR * 4
    assert bench.talk(b"C\rX1\rO\r" + b"".join(lines)) == CR * 3 + b"z\rZ\rz\rZ\r"


def test_digits_are_read_in_either_case(library: ctypes.CDLL) -> None:
    frame = ctypes.create_string_buffer(16)

    assert library.bench_slcan_read(b"T1abcDEF02aBCd\r", 15, frame) == 1

    assert Frame.from_c(frame.raw) == Frame(0x1ABCDEF0, b"\xab\xcd", is_extended=True)


@pytest.mark.parametrize("surplus", [1, 5, 300, 5000])
def test_an_over_long_line_is_dropped_up_to_its_cr_and_refused_once(
    open_bench: LinkBench, surplus: int
) -> None:
    line = b"T1FFFFFFF8" + b"11" * 8

    assert open_bench.talk(line + b"1" * surplus + CR) == BEL
    assert open_bench.state.refused == 1
    assert open_bench.talk(line + CR) == CR


def test_the_flags_tell_once_what_was_lost_and_only_while_open(open_bench: LinkBench) -> None:
    # Given more bytes than the ring holds, so the last ones are lost
    assert open_bench.talk(b"F\r") == b"F00\r"
    open_bench.receive(b"\n" * 5000)
    open_bench.pump()

    assert open_bench.talk(b"F\r") == b"F02\r"
    assert open_bench.talk(b"F\r") == b"F00\r"
    assert open_bench.talk(b"C\rF\r") == CR + BEL


def test_time_stamps_count_the_units_milliseconds_within_a_minute(library: ctypes.CDLL) -> None:
    bench = LinkBench(library)
    bench.talk(b"Z1\rO\r")

    for _ in range(599):
        bench.timer(100)
        bench.send()
    bench.timer(95)
    bench.send()
    bench.timer(10)
    lines = [line for line in lines_of(bench.send()) if line.startswith(b"t090")]

    # TorqueCommand leaves every 5 ms, in the tick after whose end the stamp is taken
    assert [line[21:] for line in lines] == [b"EA5C\r", b"0001\r"]


def test_a_line_has_no_stamp_unless_it_is_asked_for(library: ctypes.CDLL) -> None:
    bench = opened(library)

    bench.timer(1)
    (line,) = lines_of(bench.send())

    assert len(line) == len("t0908") + 16 + 1


def test_a_listener_hears_the_unit(bench: LinkBench) -> None:
    bench.talk(b"L\r")

    bench.timer(1)

    assert bench.send().startswith(b"t0908")


def test_nobody_is_told_anything_while_the_channel_is_closed(bench: LinkBench) -> None:
    bench.timer(11)

    assert bench.send() == b""
    assert bench.state.unheard_frames > 0
    assert bench.state.losses == (0, 0, 0)
