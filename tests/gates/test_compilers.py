"""Several compilers read the firmware without a word (rules C-1 and C-2)."""

from pathlib import Path

import pytest

from tests import toolchain
from tests.gates import firmware_build
from tests.gates.checks.sources import REPOSITORY, files


@pytest.mark.parametrize("level", ["-O0", "-O2", "-O3"])
def test_gcc_has_nothing_to_say(tmp_path: Path, codec: Path, level: str) -> None:
    made = firmware_build.build(tmp_path, codec, flags=(level,))

    assert made.core
    assert made.generated


@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_clang_has_nothing_to_say(tmp_path: Path, codec: Path, level: str) -> None:
    made = firmware_build.build(tmp_path, codec, compiler=toolchain.clang(), flags=(level,))

    assert made.core


def test_gcc_has_nothing_to_say_about_the_hosts_own_c(tmp_path: Path, codec: Path) -> None:
    native = REPOSITORY / "pyhost" / "native"
    sources = files(native, ".c")

    for source in sources:
        firmware_build.compile_c(
            source, tmp_path, flags=("-O2", "-iquote", str(native)), codec=codec
        )

    assert sources


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("int torque_a(float x) { return x; }", "float-conversion"),
        ("int torque_a(float x) { return x == 1.0f; }", "float-equal"),
        ("int torque_a(unsigned char *x) { int a[*x]; a[0] = 1; return a[0]; }", "vla"),
        ("int torque_a(const int *x) { int *y = (int *)x; return *y; }", "cast-qual"),
        ("float torque_a(float x) { return x * 0.1; }", "double-promotion"),
    ],
)
def test_canary_a_warning_stops_the_build(tmp_path: Path, line: str, warning: str) -> None:
    source = tmp_path / "torque.c"
    source.write_text(f"{line.split('{')[0]};\n{line}\n")

    with pytest.raises(AssertionError, match=rf"-Werror=.*{warning}"):
        firmware_build.compile_c(source, tmp_path, codec=tmp_path)
