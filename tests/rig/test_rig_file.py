"""The rig file: boards by what stays the same, and every slip is told with what was meant."""

from pathlib import Path

import pytest

from d7xr.errors import ConfigError, RigError, UsageError
from d7xr.rig import choose_board, find_rig, load_rig
from tests.recordings import REPOSITORY
from tests.rig.bench import BENCH1, PORT, UID, ports, read

BY_SERIAL = '[board.b]\nlink = "slcan:?baudrate=115200"\nusb_serial = "FT9"\n'


def test_the_example_is_a_rig_file() -> None:
    rig = load_rig(REPOSITORY / "hil" / "rig.example.toml")

    assert list(rig.boards) == ["bench1", "bench2"]
    assert rig.boards["bench1"].capabilities >= {"stepped", "serial", "power", "flash"}
    assert rig.boards["bench2"].capabilities == {"stepped", "free_running", "serial", "real_time"}


def test_a_board_is_reached_by_the_path_of_its_port(tmp_path: Path) -> None:
    port = tmp_path / "by-id" / "usb-x-if00"
    port.parent.mkdir()
    port.touch()

    board = choose_board(read(tmp_path, f'[board.a]\nlink = "slcan://{port}?baudrate=9600"\n'))

    assert board.port() == port
    assert board.link.baudrate == 9600


def test_a_board_is_found_by_the_number_of_its_usb_device(tmp_path: Path) -> None:
    by_id = ports(tmp_path, ttyUSB0="usb-FTDI_X_FT1-if00", ttyUSB1="usb-FTDI_X_FT9-if00")

    assert choose_board(read(tmp_path, BY_SERIAL)).port(by_id) == by_id / "usb-FTDI_X_FT9-if00"


def test_a_board_that_is_not_there_is_rig_trouble_and_says_what_is(tmp_path: Path) -> None:
    by_id = ports(tmp_path, ttyUSB0="usb-FTDI_X_FT1-if00")
    board = choose_board(read(tmp_path, BY_SERIAL))

    with pytest.raises(RigError, match="no serial port of a USB device with number FT9") as told:
        board.port(by_id)
    assert "usb-FTDI_X_FT1-if00" in str(told.value.hint)


def test_a_number_that_stands_for_two_ports_asks_for_the_path(tmp_path: Path) -> None:
    by_id = ports(tmp_path, ttyUSB0="usb-FTDI_X_FT9-if00", ttyUSB1="usb-FTDI_X_FT9-if01")

    with pytest.raises(RigError, match="2 serial ports"):
        choose_board(read(tmp_path, BY_SERIAL)).port(by_id)


@pytest.mark.parametrize("name", ["ttyACM0", "/dev/ttyACM0", "/dev/ttyUSB3", "COM3"])
def test_pain_18_a_port_name_that_changes_is_refused_with_the_right_path(
    tmp_path: Path, name: str
) -> None:
    device = Path(name).name
    by_id = ports(tmp_path, **{device: "usb-ST_board_0670-if02"})

    with pytest.raises(ConfigError, match="may be another device after the next boot") as told:
        read(tmp_path, f'[board.a]\nlink = "slcan://{name}"\n', by_id)
    assert f"slcan://{by_id}/usb-ST_board_0670-if02" in str(told.value.hint)
    assert told.value.message.startswith("rig.toml:2: [board.a] link")


@pytest.mark.parametrize(
    ("was", "slip", "place", "nearest"),
    [
        ("probe = ", "prob = ", "rig.toml:3: [board.bench1] prob: no such key", "probe"),
        ("serial = ", "serail = ", "rig.toml:3: [board.bench1] serail: no such key", "serial"),
        ("uid = ", "udi = ", "rig.toml:4: [board.bench1] udi: no such key", "uid"),
        ("settle_ms", "settle_s", "rig.toml:5: [board.bench1] settle_s: no such key", "settle_ms"),
        (
            "?baudrate",
            "?baudrat",
            "rig.toml:2: [board.bench1] link: no option 'baudrat'",
            "baudrate",
        ),
    ],
)
def test_a_key_that_is_not_known_is_refused_with_the_nearest(
    tmp_path: Path, was: str, slip: str, place: str, nearest: str
) -> None:
    assert was in BENCH1

    with pytest.raises(ConfigError) as told:
        read(tmp_path, BENCH1.replace(was, slip))

    assert told.value.message == place
    assert told.value.hint == f"nearest: {nearest}"


def test_a_table_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rig.toml:1: bord: no such key") as told:
        read(tmp_path, BENCH1.replace("[board.", "[bord."))
    assert told.value.hint == "nearest: board"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('link = "can:can0"', "is no link that d7xr can speak"),
        ('link = "slcan:"', "must be named once"),
        ('link = "slcan:///dev/serial/by-id/x"\nusb_serial = "1"', "must be named once"),
        ('link = "slcan:///dev/serial/by-id/x?baudrate=fast"', "no rate in bit/s"),
        ('link = "slcan:///dev/serial/by-id/x"\ncapabilities = ["serail"]', "no capability"),
        ('link = "slcan:///dev/serial/by-id/x"\nmcu = { family = "stm32f103" }', "stm32f103"),
        ("link = 7", "expected `str`, got `int`"),
        ("", "missing required field `link`"),
    ],
)
def test_a_board_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as told:
        read(tmp_path, f"[board.a]\n{text}\n")

    assert message in told.value.message


def test_one_board_under_two_names_is_refused(tmp_path: Path) -> None:
    twice = BENCH1 + BENCH1.replace("bench1", "bench2").replace(PORT, "other")

    with pytest.raises(ConfigError, match="bench1 and bench2 are the same board"):
        read(tmp_path, twice)


def test_what_locks_a_board_is_its_chip_not_its_name(tmp_path: Path) -> None:
    assert choose_board(read(tmp_path, BENCH1)).key == UID.lower()


def test_of_several_boards_one_must_be_chosen(tmp_path: Path) -> None:
    rig = read(tmp_path, BENCH1 + BY_SERIAL)

    assert choose_board(rig, "b").name == "b"
    with pytest.raises(UsageError, match="several boards"):
        choose_board(rig)
    with pytest.raises(ConfigError, match="no board 'bench'") as told:
        choose_board(rig, "bench")
    assert told.value.hint == "nearest: bench1"


def test_an_empty_rig_has_no_board(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no board in it"):
        choose_board(read(tmp_path, ""))


def test_the_rig_file_is_found_in_a_folder_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("D7XR_RIG", raising=False)
    (tmp_path / "hil").mkdir()
    (tmp_path / "hil" / "rig.toml").write_text(BENCH1)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    named = tmp_path / "other.toml"
    named.write_text("")

    assert find_rig(start=deep) == tmp_path / "hil" / "rig.toml"
    monkeypatch.setenv("D7XR_RIG", str(named))
    assert find_rig(start=deep) == named
    assert find_rig(tmp_path / "hil" / "rig.toml") == tmp_path / "hil" / "rig.toml"


def test_a_rig_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no rig file"):
        find_rig(tmp_path / "rig.toml")


@pytest.mark.parametrize("content", [b"[board", b"\xff\xfe"])
def test_a_rig_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rig.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"rig\.toml"):
        load_rig(path)
