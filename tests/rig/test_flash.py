"""Flashing: the board that is meant or none, and the commands are the right ones."""

import subprocess
from pathlib import Path

import pytest

from d7xr.errors import ConfigError, LinkError, RigError, UsageError
from d7xr.flash import BACKENDS, Flashed, Port, flash, plan
from d7xr.hil.identity import Identity
from d7xr.hil.lock import BoardLock
from d7xr.rig import Board, choose_board
from tests.cli.bench import Command, runner
from tests.rig.bench import BENCH1, PROBE, UID, Programs, read

WORDS = "002f0031 3434510d 37363734"
OPENOCD_SAYS = f"Info : clock speed 2000 kHz\n0x1fff7a10: {WORDS} \n"
PYOCD_SAYS = f"1fff7a10:  {WORDS}    |../.44Q.7674|"
DFU_SAYS = f'Found DFU: [0483:df11] ver=2200, alt=0, name="@Internal Flash", serial="{PROBE}"'
WHO = Identity("0a0b0c", "010203", "0405", "0042")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image in both of its forms."""
    (tmp_path / "d7xr.bin").write_bytes(b"image")
    path = tmp_path / "d7xr.hex"
    path.write_text(":00000001FF\n")
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs one command of d7xr."""
    return runner(capsys)


def board(tmp_path: Path, kind: str = "stlink") -> Board:
    return choose_board(read(tmp_path, BENCH1.replace("stlink", kind)))


def write(tmp_path: Path, image: Path, backend: str | None = None, kind: str = "stlink") -> Flashed:
    return flash(plan(board(tmp_path, kind), image, backend=backend), identify=lambda _: WHO)


def test_openocd_is_called_for_the_probe_that_is_meant(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)

    done = write(tmp_path, image)

    front = f"openocd [-f] [interface/stlink.cfg] [-c] [adapter serial {PROBE}] [-f] "
    front += "[target/stm32f4x.cfg]"
    assert programs.calls == [
        f"{front} [-c] [init] [-c] [reset halt] [-c] [mdw 0x1FFF7A10 3] [-c] [shutdown]",
        f"{front} [-c] [program {{{image}}} verify reset exit]",
    ]
    assert done.uid.upper() == UID
    assert done.identity == WHO


def test_pyocd_comes_first_where_both_are_installed(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)
    programs.add("pyocd", say=PYOCD_SAYS)

    write(tmp_path, image)

    unit = f"[-u] [{PROBE}] [-t] [stm32f405rgtx]"
    assert programs.calls == [
        f"pyocd [commander] {unit} [-c] [read32 0x1FFF7A10 12]",
        f"pyocd [flash] {unit} [{image}]",
    ]


def test_dfu_util_takes_the_binary_and_the_number_of_the_device(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("dfu-util", say=DFU_SAYS)

    done = write(tmp_path, image, kind="dfu")

    device = f"[--device] [0483:df11] [--serial] [{PROBE}]"
    binary = image.with_suffix(".bin")
    assert programs.calls == [
        f"dfu-util [--list] {device}",
        f"dfu-util {device} [--alt] [0] [--dfuse-address] [0x08000000:leave] [--download] "
        f"[{binary}]",
    ]
    assert done.uid == ""


def test_every_command_of_every_program_names_the_probe() -> None:
    assert len(BACKENDS) == 3
    for backend in BACKENDS:
        for words in (backend.identify, backend.write):
            assert any("{serial}" in word for word in words), backend.name


def test_pain_19_another_chip_is_refused_before_anything_is_written(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS.replace("37363734", "37363735"))

    with pytest.raises(RigError, match="nothing was written") as told:
        write(tmp_path, image)

    assert "002f00313434510d37363735 is there" in told.value.message
    assert len(programs.calls) == 1
    assert "program" not in programs.calls[0]


def test_another_bootloader_is_refused_before_anything_is_written(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("dfu-util", say=DFU_SAYS.replace(PROBE, "OTHER"))

    with pytest.raises(RigError, match="OTHER is there"):
        write(tmp_path, image, kind="dfu")
    assert len(programs.calls) == 1


def test_a_program_that_does_not_say_who_is_there_writes_nothing(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say="Info : something else")

    with pytest.raises(RigError, match="does not say who is there; nothing was written"):
        write(tmp_path, image)
    assert len(programs.calls) == 1


def test_unplugged_while_flashing_says_so_and_what_to_do(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say=f"{OPENOCD_SAYS}Error: disconnected", status=1, when="program")

    with pytest.raises(
        RigError, match="writing failed, openocd ended with status 1: Error: disc"
    ) as told:
        write(tmp_path, image)

    assert "may hold half an image: flash it again" in str(told.value.hint)
    assert f"adapter serial {PROBE}" in str(told.value.hint)


def test_a_program_that_hangs_is_ended_and_told(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)

    def hang(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(words, 30.0)

    with pytest.raises(RigError, match="took longer than 30 s and was ended"):
        flash(plan(board(tmp_path), image), run=hang)


def test_no_program_at_all_says_which_and_how_to_get_it(
    tmp_path: Path, image: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs.folder))

    with pytest.raises(RigError, match="pyocd or openocd is not installed") as told:
        plan(board(tmp_path), image)
    assert "apt-get install openocd" in str(told.value.hint)


def test_a_plan_can_be_read_where_no_program_is_installed(
    tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert plan(board(tmp_path), image, is_dry=True).backend.name == "pyocd"


def test_no_image_is_said_before_anything_is_called(tmp_path: Path, programs: Programs) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)

    with pytest.raises(RigError, match="no image"):
        write(tmp_path, tmp_path / "absent.hex")
    assert programs.calls == []


def test_a_board_that_somebody_has_is_not_written(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)

    with BoardLock(UID.lower(), name="bench1"), pytest.raises(RigError, match="in use"):
        write(tmp_path, image)
    assert programs.calls == []


def test_a_unit_that_does_not_answer_afterwards_is_no_success(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)

    def silent(_: Board) -> Identity:
        raise LinkError("nothing that speaks SLCAN answered")

    with pytest.raises(LinkError):
        flash(plan(board(tmp_path), image), identify=silent)
    assert len(programs.calls) == 2


def test_pain_20_the_order_is_lock_identify_listen_write_handshake(
    tmp_path: Path, image: Path, programs: Programs
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)
    order: list[str] = []

    class Ear(Port):
        def __enter__(self) -> "Ear":
            order.append("listen")
            return self

        def heard(self) -> bytes:
            order.append("heard")
            return b"reset\r\n"

    def run(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        order.append("write" if "program" in words[-1] else "identify")
        return subprocess.CompletedProcess(words, 0, OPENOCD_SAYS, "")

    def who(_: Board) -> Identity:
        order.append("handshake")
        return WHO

    done = flash(plan(board(tmp_path), image), run=run, identify=who, listen=Ear)

    assert order == ["identify", "listen", "write", "heard", "handshake"]
    assert done.console == b"reset\r\n"


@pytest.mark.parametrize(
    ("was", "instead", "message"),
    [
        ('probe = { kind = "stlink", serial = "0670FF485550" }\n', "", "has no probe"),
        (f', uid = "{UID}"', "", "has no mcu.uid"),
    ],
)
def test_a_board_of_which_too_little_is_known_is_not_flashed(
    tmp_path: Path, image: Path, programs: Programs, was: str, instead: str, message: str
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)
    assert was in BENCH1

    with pytest.raises(ConfigError, match=message):
        plan(choose_board(read(tmp_path, BENCH1.replace(was, instead))), image)


def test_a_program_that_does_not_drive_the_probe_is_refused(tmp_path: Path, image: Path) -> None:
    with pytest.raises(UsageError, match="dfu-util does not drive a probe of kind stlink"):
        plan(board(tmp_path), image, backend="dfu-util")
    with pytest.raises(UsageError, match="no program 'pyodc'") as told:
        plan(board(tmp_path), image, backend="pyodc")
    assert told.value.hint == "nearest: pyocd"


def test_a_dry_run_prints_the_exact_commands_and_calls_nothing(
    tmp_path: Path, image: Path, programs: Programs, command: Command
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS)
    (tmp_path / "rig.toml").write_text(BENCH1)

    told = command("flash", "--rig", tmp_path / "rig.toml", "--image", image, "--dry-run")

    assert told.code == 0
    assert told.out.splitlines()[1] == (
        f"openocd -f interface/stlink.cfg -c 'adapter serial {PROBE}' -f target/stm32f4x.cfg "
        f"-c 'program {{{image}}} verify reset exit'"
    )
    assert programs.calls == []


def test_the_command_ends_with_3_for_the_wrong_board(
    tmp_path: Path, image: Path, programs: Programs, command: Command
) -> None:
    programs.add("openocd", say=OPENOCD_SAYS.replace("002f", "0030"))
    (tmp_path / "rig.toml").write_text(BENCH1)

    told = command("flash", "--rig", tmp_path / "rig.toml", "--image", image, "--json")

    assert told.code == 3
    assert told.document["error"]["kind"] == "rig"
    assert "nothing was written" in told.err


def test_without_a_rig_file_the_command_says_how_to_make_one(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("D7XR_RIG", raising=False)
    monkeypatch.chdir(tmp_path)

    told = command("flash")

    assert told.code == 2
    assert "rig.example.toml" in told.err
