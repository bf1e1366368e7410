"""One home of compiler flags, and every build obeys it (rules C-2 and C-3)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gates.checks import report
from tests.gates.checks.flags import (
    deciding_flags,
    forbidden_flags,
    homeless_flags,
    missing_flags,
    read_flags,
    unlike_flags,
)
from tests.gates.checks.sources import REPOSITORY, files
from tests.gates.firmware_build import packaged_sources

FLAGS = REPOSITORY / "firmware" / "flags.mk"
RECORDING_COMPILER = """#!/bin/sh
echo "$@" >>"{log}"
while [ $# -gt 1 ]; do
    if [ "$1" = -o ]; then : >"$2"; fi
    shift
done
"""


def builders(root: Path) -> list[Path]:
    """Return the files that may call a compiler."""
    return [
        root / "Makefile",
        root / "setup.py",
        root / "pyproject.toml",
        *(path for path in files(root / "firmware", ".mk") if path.name != FLAGS.name),
        *files(root / "pyhost", ".py"),
        *files(root / "tools"),
        *files(root / ".ci"),
    ]


def compile_commands(folder: Path) -> list[list[str]]:
    """Build the extension in a copy of the tree with a compiler that only notes what it is told."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / name)
    for name in ("firmware", "pyhost"):
        shutil.copytree(
            REPOSITORY / name,
            folder / name,
            ignore=shutil.ignore_patterns("*.so", "*.egg-info", "__pycache__"),
        )
    log, compiler = folder / "commands.txt", folder / "recording-cc"
    compiler.write_text(RECORDING_COMPILER.format(log=log))
    compiler.chmod(0o755)
    done = subprocess.run(
        [
            sys.executable,
            "setup.py",
            "-q",
            "build_ext",
            "--build-lib",
            "lib",
            "--build-temp",
            "temp",
        ],
        cwd=folder,
        env={**os.environ, "CC": str(compiler)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    commands = [line.split() for line in log.read_text().splitlines()]
    return [command for command in commands if "-c" in command]


def test_flags_mk_says_what_the_rules_say() -> None:
    assert not missing_flags(FLAGS)


def test_no_builder_names_a_flag_that_changes_arithmetic() -> None:
    looked_at = [FLAGS, *builders(REPOSITORY)]

    found = [finding for path in looked_at for finding in forbidden_flags(path)]

    assert not found, report(found)
    assert len(looked_at) >= 10


def test_language_arithmetic_and_warnings_are_set_in_flags_mk_alone() -> None:
    found = [finding for path in builders(REPOSITORY) for finding in homeless_flags(path)]

    assert not found, report(found)


def test_the_extension_is_compiled_with_the_arithmetic_of_flags_mk(tmp_path: Path) -> None:
    # Warnings are the matter of test_compilers: cffi's own code in the extension may raise some.
    flags = deciding_flags(FLAGS)

    commands = compile_commands(tmp_path)

    ours = [command for command in commands if any("firmware/" in part for part in command)]
    found = [finding for command in ours for finding in unlike_flags(command, flags)]
    assert not found, report(found)
    sources = [part for command in ours for part in command if part.endswith(".c")]
    firmware = {path.name for path in packaged_sources()}
    assert firmware <= {Path(source).name for source in sources}


def test_canary_a_missing_flag_is_found(tmp_path: Path) -> None:
    text = FLAGS.read_text().replace(" -Wshadow", "")
    (tmp_path / "flags.mk").write_text(text)

    found = missing_flags(tmp_path / "flags.mk")

    assert [finding.text for finding in found] == [
        "-Wshadow is missing in D7XR_WARN",
        "-Wshadow is missing in D7XR_CFLAGS",
    ]


def test_canary_a_line_that_python_and_make_read_differently_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flags.mk").write_text("D7XR_WARN += -Wall\n")

    with pytest.raises(ValueError, match=r"flags\.mk:1: not a plain assignment"):
        read_flags(tmp_path / "flags.mk")


def test_canary_fast_maths_is_found_and_its_mention_in_a_comment_is_not(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("# never -ffast-math\nFLAGS := -O2 -ffast-math\n")

    found = forbidden_flags(tmp_path / "Makefile")

    assert [str(finding) for finding in found] == ["Makefile:2: forbidden flag -ffast-math"]


def test_canary_a_warning_flag_away_from_home_is_found(tmp_path: Path) -> None:
    (tmp_path / "build.py").write_text('ARGS = ["-O2", "-Wall", "-Wl,--gc-sections"]\n')

    found = homeless_flags(tmp_path / "build.py")

    assert [str(finding) for finding in found] == ["build.py:1: -Wall belongs into flags.mk"]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("cc -O2 -Wall -c a.c", "compiled without the flags of flags.mk as they stand"),
        ("cc -Wall -std=c11 -Wno-shadow -std=c99 -c a.c", "-std=c99 overrides flags.mk"),
        ("cc -ffast-math -Wall -std=c11 -c a.c", "forbidden flag -ffast-math"),
        ("cc -Ifirmware/core -Wall -std=c11 -c a.c", "own folder by -I: -Ifirmware/core"),
    ],
)
def test_canary_a_command_that_departs_from_the_flags_is_found(command: str, text: str) -> None:
    found = unlike_flags(command.split(), ["-Wall", "-std=c11"])

    assert text in [finding.text for finding in found]


def test_canary_a_command_that_keeps_to_the_flags_passes() -> None:
    command = "cc -O3 -fPIC -Wsign-compare -I/python -iquote firmware/core -Wall -std=c11 -c a.c"

    assert not unlike_flags(command.split(), ["-Wall", "-std=c11"])
