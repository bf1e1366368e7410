"""``d7xr hil``: the suite as it is, on every emulated place, and exit codes that tell why."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from d7xr.cli.hil import Account
from tests.recordings import REPOSITORY
from tests.rig.bench import Ran, run_python
from tests.targets import arm

PASS = "def test_it(ecu): ecu.run(ticks=2)\n"
FAIL = "def test_it(ecu): assert False\n"
TROUBLE = """
from d7xr.errors import RigError
def test_it(ecu): raise RigError("the board is another one", hint="swap the cables")
def test_other(ecu): assert False
"""
SKIP = "import pytest\n@pytest.mark.needs('serial')\ndef test_it(rig): pass\n"


def hil(folder: Path, *words: str) -> Ran:
    return run_python(folder, "-m", "d7xr", "hil", *words)


def document(ran: Ran) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ran.out)
    return told


@pytest.mark.parametrize(
    ("suite", "code", "counts"),
    [
        (PASS, 0, (1, 0, 0, 0)),
        (TROUBLE, 3, (0, 0, 2, 0)),
        (SKIP, 4, (0, 0, 0, 1)),
    ],
    ids=["pass", "trouble", "skipped"],
)
def test_the_exit_code_tells_rig_from_unit(
    tmp_path: Path, suite: str, code: int, counts: tuple[int, ...]
) -> None:
    (tmp_path / "test_it.py").write_text(suite)

    ran = hil(tmp_path, "--target", "sil", "--json", "test_it.py")

    assert ran.code == code, ran.err
    told = document(ran)
    assert tuple(told[n] for n in ("passed", "failed", "error", "skipped")) == counts
    assert told["exit_code"] == code
    assert told["targets"] == ["sil"]


def test_an_unknown_target_is_a_usage_error_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(PASS)

    ran = hil(tmp_path, "--target", "emulate", "test_it.py")

    assert ran.code == 2
    assert "nearest: emulated" in ran.err


def test_options_of_pytest_pass_behind_two_hyphens(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(PASS + FAIL.replace("it", "two"))

    ran = hil(
        tmp_path, "--target", "sil", "--junit", "it.xml", "test_it.py", "--", "-k", "it and not two"
    )

    assert ran.code == 0, ran.out + ran.err
    assert "1 deselected" in ran.out
    assert (tmp_path / "it.xml").is_file()


@pytest.mark.parametrize(
    ("of_pytest", "counts", "code"),
    [
        (0, {"passed": 1}, 0),
        (1, {"passed": 1, "failed": 1}, 1),
        (1, {"passed": 1, "failed": 1, "error": 1}, 3),
        (1, {"passed": 1}, 1),
        (2, {"passed": 1}, 130),
        (3, {}, 3),
        (4, {}, 2),
        (5, {}, 4),
        (0, {"skipped": 3}, 4),
    ],
)
def test_the_worst_wins(of_pytest: int, counts: dict[str, int], code: int) -> None:
    account = Account()
    account.counts.update(counts)

    assert account.exit_code(of_pytest) == code


def test_the_suite_refuses_to_run_nowhere() -> None:
    ran = run_python(REPOSITORY, "-m", "pytest", "-q", "-p", "no:cacheprovider", "hil/tests")

    assert ran.code == 4
    assert "these tests run on a target" in ran.err


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_suite_is_green_on_the_emulated_chip(tmp_path: Path) -> None:
    arm.require()
    arm.built(arm.FIRMWARE / "replay.elf")

    ran = hil(REPOSITORY, "--target", "emulated", "--soak-s", "1", "--bundles", str(tmp_path),
              "--", "-q", "-p", "no:cacheprovider")  # fmt: skip

    assert ran.code == 0, ran.out + ran.err
    compared = re.search(r"ticks run, ([\d,]+) compared", ran.out)
    assert compared is not None
    assert int(compared[1].replace(",", "")) > 80_000
    assert "emulated has no serial" in ran.out


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_suite_is_green_on_the_emulated_board(tmp_path: Path) -> None:
    arm.require()
    arm.built(arm.FIRMWARE / "d7xr.elf")

    ran = hil(REPOSITORY, "--target", "board-emulated", "--soak-s", "1", "--bundles",
              str(tmp_path), "--", "-q", "-p", "no:cacheprovider")  # fmt: skip

    assert ran.code == 0, ran.out + ran.err
    assert "has no serial" not in ran.out
    assert "has no power\n" not in ran.out
