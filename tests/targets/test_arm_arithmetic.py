"""What the compiler for the chip made of the unit: no fused product, no double (rule C-3)."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.gates.checks import Finding, report
from tests.gates.checks.flags import read_flags
from tests.recordings import REPOSITORY
from tests.targets import arm

FEWEST_OBJECTS = 16
CPU = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
FUSED = re.compile(r"\s(vfn?m[as]|vn?ml[as])(\.\w+)*\s")
DOUBLE = re.compile(r"__aeabi_(d\w+|\w+2d)$")


def fused(path: Path) -> list[Finding]:
    """Find instructions that multiply and add with one rounding, or in one step."""
    found: list[Finding] = []
    function = ""
    for line in output("arm-none-eabi-objdump", "--disassemble", "--no-show-raw-insn", path):
        if line.endswith(">:"):
            function = line.split("<")[1][:-2]
        elif FUSED.search(line):
            found.append(Finding(path.name, f"{function}: {line.split(chr(9), 1)[1].strip()}"))
    return found


def doubles(path: Path) -> list[Finding]:
    """Find helpers of the compiler for doubles that an object needs."""
    names = [line.split()[-1] for line in output("arm-none-eabi-nm", "--undefined-only", path)]
    return [Finding(path.name, f"needs {name}") for name in names if DOUBLE.match(name)]


def output(program: str, *words: str | Path) -> list[str]:
    command = [program, *(str(word) for word in words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def objects() -> list[Path]:
    """The unit's objects for the chip, the generated codec among them."""
    arm.require(emulator=False)
    return arm.unit_objects()


def compiled(folder: Path, body: str, *flags: str) -> Path:
    """Compile one function for the chip with the flags of the project."""
    arm.require(emulator=False)
    source = folder / "torque.c"
    head = "float torque_a(float a, float b, float c)"
    source.write_text(f"{head};\n{head}\n{{\n    {body}\n}}\n")
    ours = read_flags(REPOSITORY / "firmware" / "flags.mk")["D7XR_CFLAGS"]
    target = folder / "torque.o"
    words = [*CPU, "-O2", *ours, "-Wno-double-promotion", *flags]
    output("arm-none-eabi-gcc", *words, "-c", source, "-o", target)
    return target


def test_no_fused_product_is_left_in_the_unit(objects: list[Path]) -> None:
    found = [finding for path in objects for finding in fused(path)]

    assert not found, report(found)
    assert len(objects) >= FEWEST_OBJECTS


def test_no_double_is_left_in_the_unit(objects: list[Path]) -> None:
    found = [finding for path in objects for finding in doubles(path)]

    assert not found, report(found)


@pytest.mark.parametrize(
    "body", ["return a * b + c;", "return a * b - c;", "return c - a * b;", "return -(a * b) - c;"]
)
def test_canary_a_fused_product_is_found(tmp_path: Path, body: str) -> None:
    assert not fused(compiled(tmp_path, body))

    found = fused(compiled(tmp_path, body, "-ffp-contract=fast"))

    assert len(found) == 1
    assert found[0].text.startswith("torque_a: v")


@pytest.mark.parametrize(
    "body",
    [
        "return (float)((double)a * (double)b + (double)c);",
        "return (float)((double)a / 3.0 + (double)(b * c));",
        "return (double)a < 0.1 ? b : c;",
    ],
)
def test_canary_a_double_is_found(tmp_path: Path, body: str) -> None:
    found = doubles(compiled(tmp_path, body))

    assert found
    assert all(finding.text.startswith("needs __aeabi_") for finding in found)


def test_canary_float_and_integer_helpers_are_no_doubles(tmp_path: Path) -> None:
    body = "return (float)((unsigned long long)a / 7U) + b / c;"

    assert not doubles(compiled(tmp_path, body))
