"""The laws of Flight Mode, torque and cooling, run once more on a unit that watches itself.

The firmware is compiled into a second copy of the package with AddressSanitizer and
UndefinedBehaviorSanitizer, and the very tests of the laws run on that copy, in a process of their
own: the sanitizers abort at the first finding.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gates.checks.sources import REPOSITORY

LAWS = (
    "tests/flight/test_flight_laws.py",
    "tests/torque/test_laws.py",
    "tests/cooling/test_laws.py",
)
FEWEST_TESTS = 25
WATCHED = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def watched_package(folder: Path, defines: str = "") -> Path:
    """Build the package with sanitizers into a folder that can stand on PYTHONPATH."""
    shutil.copytree(
        REPOSITORY / "pyhost" / "d7xr", folder / "d7xr", ignore=shutil.ignore_patterns("*.so")
    )
    (folder / "d7xr" / "data").mkdir()
    shutil.copy(REPOSITORY / "firmware" / "bus" / "d7xr.dbc", folder / "d7xr" / "data")
    subprocess.run(
        [
            sys.executable, "setup.py", "-q", "build_ext",
            "--build-temp", str(folder / "temp"), "--build-lib", str(folder),
        ],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
        env={**os.environ, "CC": "gcc", "CFLAGS": f"{WATCHED} {defines}", "LDFLAGS": WATCHED},
    )  # fmt: skip
    return folder


def run_watched(package: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the watched package; leaks are not looked for, since Python itself leaks."""
    runtime = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    return subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(package),
            "LD_PRELOAD": runtime.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the watched package."""
    return watched_package(tmp_path_factory.mktemp("watched"))


def test_the_laws_hold_on_a_unit_that_watches_itself(package: Path) -> None:
    done = run_watched(
        package, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *LAWS
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    passed = int(done.stdout.rsplit(" passed", 1)[0].rsplit(maxsplit=1)[-1])
    assert passed >= FEWEST_TESTS


def test_it_is_the_watched_unit_that_these_tests_run(package: Path) -> None:
    done = run_watched(package, "-c", "from d7xr import _core; print(_core.__file__)")

    assert Path(done.stdout.strip()).is_relative_to(package)


def test_canary_a_read_beside_the_state_ends_the_run(package: Path) -> None:
    program = (
        "from d7xr._core import ffi, lib\n"
        "frame = ffi.new('can_frame_t *')\n"
        "small = ffi.new('char[100]')\n"
        "lib.vcu_digest(ffi.cast('vcu_t *', small))\n"
    )

    done = run_watched(package, "-c", program)

    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr
