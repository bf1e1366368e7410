"""Which files are read, how strictly, and what is said about those that are not."""

import subprocess
import sys
from pathlib import Path

import pytest

from d7xr.database import Database, own_dbc_path
from d7xr.errors import ConfigError
from tests.database.bench import signal_dbc
from tests.recordings import recordings

LINE = ' SG_ Speed : 0|8@1+ (1,0) [0|0] "km/h" X'


@pytest.mark.parametrize(
    ("name", "messages", "signals"),
    [
        ("ford_lincoln_base_pt", 331, 2150),
        ("hyundai_2015_ccan", 113, 1154),
        ("toyota_prius_2010_pt", 26, 78),
        ("bmw_e9x_e8x", 326, 165),
        ("vw_mqb", 113, 1348),
        ("hyundai_i30_2014", 32, 415),
        ("ford_cads_64", 80, 1854),
    ],
)
def test_real_databases_are_read_whole(name: str, messages: int, signals: int) -> None:
    database = Database.load(recordings() / "dbc" / f"{name}.dbc")
    assert len(database.messages) == messages
    assert sum(len(message.signals) for message in database.messages) == signals


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vw_mqb", "PLA_Bremsverzoegerung and PLA_Bremsmoment are overlapping"),
        ("hyundai_i30_2014", "CAN_VERS and TQ_STND are overlapping in message EMS2"),
        ("ford_cads_64", "CAN_DET_AZIMUTH_22_03 does not fit in message MRR_Detection_022"),
    ],
)
def test_what_was_relaxed_is_said(name: str, said: str) -> None:
    database = Database.load(recordings() / "dbc" / f"{name}.dbc")
    assert len(database.relaxed) == 1
    assert said in database.relaxed[0]


def test_a_sound_database_is_not_called_relaxed() -> None:
    assert Database.load(recordings() / "dbc" / "wrx_drive.dbc").relaxed == ()


def test_a_database_that_cantools_cannot_read_at_all_is_refused_with_its_reason() -> None:
    path = recordings() / "dbc" / "fca_giorgio.dbc"
    with pytest.raises(
        ConfigError, match=r"fca_giorgio\.dbc.*0x1e36001e is more than 11 bits"
    ) as e:
        Database.load(path)
    assert e.value.exit_code == 2


def test_an_absent_database_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the database .*none\.dbc: No such file"):
        Database.load(tmp_path / "none.dbc")


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        Database.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00\x01\xff" * 50, b'VERSION ""\n'])
def test_what_is_no_database_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.dbc"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"odd\.dbc") as caught:
        Database.load(path)
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
def test_a_degree_sign_is_read_in_the_usual_encodings(encoding: str) -> None:
    content = signal_dbc(LINE.replace("km/h", "\N{DEGREE SIGN}C")).decode().encode(encoding)
    database = Database.parse(content, Path("x.dbc"))
    assert database.message("M").signal("Speed").unit == "\N{DEGREE SIGN}C"
    noted = ("text is cp1252, not UTF-8 (line 4)",) if encoding == "cp1252" else ()
    assert database.relaxed == noted


def test_a_byte_that_windows_does_not_know_is_read_too() -> None:
    content = signal_dbc(LINE).replace(b"km/h", b"\x81")
    assert Database.parse(content, Path("x.dbc")).relaxed[0].startswith("text is latin-1")


def test_an_unknown_message_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"d7xr\.dbc has no message 'WheelSpeed'") as caught:
        Database.own().message("WheelSpeed")
    assert caught.value.hint == "nearest: WheelSpeeds"


def test_our_own_bus_is_described_in_full() -> None:
    wheels = Database.own().message("WheelSpeeds")
    assert (wheels.frame_id, wheels.length, wheels.cycle_time_ms) == (176, 8, 10)
    assert (wheels.senders, wheels.receivers) == (("ABS_ECU",), ("VCU",))
    assert wheels.is_protected
    speed = wheels.signal("WheelSpeedFL_radps")
    assert (speed.unit, speed.scale, speed.maximum) == ("rad/s", 0.04, 327.6)
    assert (speed.not_available_raw, speed.start_raw) == (8191, 8191)
    assert speed.choices == {8191: "NotAvailable"}
    assert speed.comment == "Wheel speed front left."
    assert Database.load(None) is Database.own()


def test_every_input_of_the_unit_has_a_code_for_not_available() -> None:
    heard = [m for m in Database.own().messages if "VCU" in m.receivers and "HOST" not in m.senders]
    assert len(heard) == 13
    assert all(signal.not_available_raw is not None for m in heard for signal in m.values)


def test_our_own_bus_is_found_without_an_installed_copy() -> None:
    assert own_dbc_path().name == "d7xr.dbc"
    assert own_dbc_path().read_bytes().startswith(b"VERSION")


def test_cantools_is_not_loaded_before_a_database_is() -> None:
    check = "import sys, d7xr.database, d7xr.mapping; sys.exit('cantools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
