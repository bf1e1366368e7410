"""What the doctor says of a rig: what is missing, and the exact command that brings it."""

import getpass
from pathlib import Path

import pytest

from d7xr.doctor_rig import Finding, findings, ports, udev_rule
from tests.recordings import REPOSITORY
from tests.rig.bench import Programs

RULE = REPOSITORY / "hil" / "60-d7xr.rules"


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in found}


def test_what_is_missing_comes_with_its_command(tmp_path: Path) -> None:
    found = by_name(findings(which=lambda _: None, devices=tmp_path, rule_folders=(tmp_path,)))

    assert {name: finding.state for name, finding in found.items()} == dict.fromkeys(
        ("arm-none-eabi-gcc", "qemu-system-arm", "pyocd", "openocd", "dfu-util", "serial ports",
         "udev rule"), "absent")  # fmt: skip
    assert found["arm-none-eabi-gcc"].repair == "sudo apt-get install gcc-arm-none-eabi"
    assert found["qemu-system-arm"].repair == "sudo apt-get install qemu-system-arm"
    assert found["openocd"].repair == "sudo apt-get install openocd"
    assert found["dfu-util"].repair == "sudo apt-get install dfu-util"
    assert found["pyocd"].repair == "python3 -m pip install pyocd"


def test_what_is_there_says_its_version(tmp_path: Path, programs: Programs) -> None:
    programs.add("openocd", say="Open On-Chip Debugger 0.12.0")

    found = by_name(findings(devices=tmp_path, rule_folders=(tmp_path,)))

    assert found["openocd"].state == "ok"
    assert found["openocd"].detail == (
        f"Open On-Chip Debugger 0.12.0 at {programs.folder / 'openocd'}"
    )


def test_ports_that_may_be_opened_are_well(tmp_path: Path) -> None:
    (tmp_path / "ttyACM0").touch()

    assert ports(tmp_path) == Finding("serial ports", "ok", "ttyACM0")


def test_a_port_that_may_not_be_opened_names_the_group_to_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ttyUSB0").touch()
    monkeypatch.setattr("os.access", lambda *_: False)
    group = (tmp_path / "ttyUSB0").group()

    found = ports(tmp_path)

    assert found.detail == f"{getpass.getuser()} may not open ttyUSB0"
    assert found.repair == f"sudo usermod -aG {group} {getpass.getuser()}, then log in again"


def test_the_rule_is_well_absent_or_of_another_version(tmp_path: Path) -> None:
    assert udev_rule((tmp_path,), RULE).detail == "60-d7xr.rules is not installed"
    installed = tmp_path / RULE.name
    installed.write_bytes(RULE.read_bytes())
    assert udev_rule((tmp_path,), RULE).state == "ok"
    installed.write_bytes(b"# old\n")
    found = udev_rule((tmp_path,), RULE)
    assert "another version" in found.detail
    assert found.repair == (
        f"sudo cp {RULE} {tmp_path}/ && sudo udevadm control --reload && sudo udevadm trigger"
    )


def test_the_rule_gives_ports_a_name_that_stays_and_a_right_to_who_sits_there() -> None:
    lines = [line for line in RULE.read_text().splitlines() if line and not line.startswith("#")]

    assert 'SYMLINK+="d7xr-%s{serial}"' in lines[0]
    assert all('TAG+="uaccess"' in line for line in lines)
    assert not any("MODE" in line for line in lines)
