"""ruff, mypy and clang-format find nothing (Python rules 1, 2 and 8)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.gates.checks.sources import REPOSITORY, files

SETTINGS = REPOSITORY / "pyproject.toml"
FEWEST_SOURCES = 30
PYTHON = ["pyhost", "tests", "tools", "setup.py"]


def run(*command: str | Path, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Run a tool of this interpreter's environment."""
    program = Path(sys.executable).parent / command[0]
    arguments = [str(program), *map(str, command[1:])]
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)


def c_sources() -> list[Path]:
    """Return the C files that are laid out by clang-format."""
    native = REPOSITORY / "pyhost" / "native"
    return [*files(REPOSITORY / "firmware", ".c", ".h"), *files(native, ".c", ".h")]


def test_ruff_finds_nothing() -> None:
    done = run("ruff", "check", "--no-cache", "--output-format=concise", *PYTHON)

    assert done.returncode == 0, done.stdout + done.stderr


def test_python_is_laid_out_by_ruff() -> None:
    done = run("ruff", "format", "--no-cache", "--check", *PYTHON)

    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_finds_nothing() -> None:
    done = run("mypy")

    assert done.returncode == 0, done.stdout + done.stderr


def test_c_is_laid_out_by_clang_format() -> None:
    sources = c_sources()

    done = run("clang-format", "--dry-run", "-Werror", *sources)

    places = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error:" in line})
    assert done.returncode == 0, "\n".join(["`make format` lays these out:", *places])
    assert len(sources) >= FEWEST_SOURCES


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('print("torque")', "T201"),
        ("import os", "F401"),
        ("try:\n    X = 1\nexcept Exception:\n    pass", "BLE001"),
        ("def torque(limit):\n    return limit", "ANN001"),
        ("def Torque() -> None:\n    pass", "N802"),
    ],
)
def test_canary_ruff_obeys_the_settings(tmp_path: Path, line: str, rule: str) -> None:
    source = tmp_path / "planted.py"
    source.write_text(f'"""Planted."""\n\n{line}\n')

    done = run(
        "ruff", "check", "--no-cache", "--config", SETTINGS, "--output-format=concise", source
    )

    assert done.returncode == 1
    assert f" {rule} " in done.stdout


def test_canary_a_name_may_end_in_its_unit(tmp_path: Path) -> None:
    source = tmp_path / "planted.py"
    source.write_text(
        '"""Planted."""\n\n\n'
        "def limited(bound_Nm: float) -> float:\n"
        '    """Return it."""\n'
        "    coolant_degC = bound_Nm\n"
        "    return coolant_degC\n"
    )

    done = run("ruff", "check", "--no-cache", "--config", SETTINGS, source)

    assert done.returncode == 0, done.stdout


def test_canary_mypy_is_strict(tmp_path: Path) -> None:
    source = tmp_path / "planted.py"
    source.write_text("def torque(limit):\n    return limit\n")

    done = run("mypy", "--config-file", SETTINGS, "--cache-dir", tmp_path / "cache", source)

    assert done.returncode == 1
    assert "[no-untyped-def]" in done.stdout


def test_canary_clang_format_is_ours(tmp_path: Path) -> None:
    source = tmp_path / "planted.c"
    source.write_text("int a(void)\n{\n\treturn 1;\n}\n")

    done = run(
        "clang-format", f"--style=file:{REPOSITORY / '.clang-format'}", "-n", "-Werror", source
    )

    assert done.returncode == 1
    assert "clang-format-violations" in done.stderr
