"""PAIN-23: merely installed, the plug-in changes nothing in anybody's tests."""

import json
import re
from pathlib import Path

import pytest

from tests.rig.bench import Ran, run_python

FOREIGN = """
import logging
import sys
import warnings

import pytest


@pytest.fixture
def ecu():
    return "a fixture of ours that happens to have this name"


@pytest.fixture
def rig(ecu):
    return ecu.upper()


@pytest.mark.hil
@pytest.mark.needs("nothing that d7xr knows")
def test_ours(ecu, rig):
    assert rig == ecu.upper()


@pytest.mark.parametrize("replay", [1, 2])
def test_even_the_names_of_its_fixtures(replay):
    assert replay < 3


def test_output(caplog):
    print("hello")
    warnings.warn("old", DeprecationWarning)
    logging.getLogger("ours").warning("careful")
    assert caplog.messages == ["careful"]


def test_fails():
    assert sorted([2, 1]) == [2, 1]


def test_skips():
    pytest.skip("not today")


def test_an_error(no_such_fixture):
    pass


def test_what_is_loaded():
    import json, pathlib
    pathlib.Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""

SETTINGS = "[pytest]\nmarkers =\n    hil: ours\n    needs(x): ours\n"
HEAVY = {"numpy", "cffi", "cantools", "can", "serial", "msgspec", "rich", "asammdf"}
LOADED = {"d7xr", "d7xr.pytest_plugin"}

WITH = ("-p", "d7xr.pytest_plugin")
BARE = ("-p", "no:d7xr", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")


def run(folder: Path, *words: str, **variables: str) -> tuple[Ran, set[str]]:
    """Run the foreign suite and return how it ended and what was loaded in it."""
    folder.mkdir()
    (folder / "test_foreign.py").write_text(FOREIGN)
    (folder / "pytest.ini").write_text(SETTINGS)
    ran = run_python(folder, "-m", "pytest", *BARE, *words, **variables)
    modules = folder / "modules.json"
    return ran, set(json.loads(modules.read_text())) if modules.exists() else set()


def told(ran: Ran, folder: Path) -> str:
    """Return what was printed, without what no two runs share: time and folder."""
    text = (ran.out + ran.err).replace(str(folder), "FOLDER").replace(folder.name, "FOLDER")
    return re.sub(r"in \d+\.\d+s", "in TIME", text)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int, set[str]]:
    """The foreign suite on its own."""
    folder = tmp_path_factory.mktemp("inert") / "without"
    ran, modules = run(folder)
    return told(ran, folder), ran.code, modules


def test_a_foreign_suite_says_and_loads_the_same_with_it_and_without(
    tmp_path: Path, without: tuple[str, int, set[str]]
) -> None:
    ran, modules = run(tmp_path / "with", *WITH)
    text, code, before = without

    assert told(ran, tmp_path / "with") == text
    assert ran.code == code == 1
    assert "5 passed" in text
    assert "1 error" in text
    assert modules - before == LOADED
    assert not modules & HEAVY


def test_canary_a_plug_in_that_is_awake_would_be_seen(
    tmp_path: Path, without: tuple[str, int, set[str]]
) -> None:
    ran, modules = run(tmp_path / "awake", *WITH, "--d7xr-target=sil")

    assert told(ran, tmp_path / "awake") != without[0]
    assert modules & HEAVY


def test_it_shows_in_help_and_markers_and_nowhere_else(tmp_path: Path) -> None:
    marked, _ = run(tmp_path / "markers", *WITH, "--markers")
    helped, _ = run(tmp_path / "help", *WITH, "--help")
    fixtures, _ = run(tmp_path / "fixtures", *WITH, "--fixtures", "-q")

    assert "@pytest.mark.upsets(*counters)" in marked.out
    assert "--d7xr-target" in helped.out
    assert "d7xr_target (args)" in helped.out
    assert "d7xr." not in fixtures.out


def test_nothing_is_opened_for_variables_that_are_not_its_own(
    tmp_path: Path, without: tuple[str, int, set[str]]
) -> None:
    ran, modules = run(tmp_path / "with", *WITH, D7XR_RIG="/no/such/rig.toml", TARGET="sil")

    assert told(ran, tmp_path / "with") == without[0]
    assert modules - without[2] == LOADED
