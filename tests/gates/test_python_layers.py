"""Who knows whom in the package (architecture, section 2; Python rules 3 and 17)."""

from pathlib import Path

import pytest

from tests.gates.checks import report
from tests.gates.checks.python_code import check_layers, imports, sleeps
from tests.gates.checks.sources import REPOSITORY, files

ROOT = REPOSITORY / "pyhost"
FEWEST_MODULES = 40
FEWEST_TESTS = 50


def test_the_package_keeps_to_its_layers() -> None:
    found = check_layers(ROOT)

    assert not found, report(found)
    assert len(files(ROOT / "d7xr", ".py")) >= FEWEST_MODULES


def test_nothing_but_the_package_is_importable() -> None:
    modules = [path for path in ROOT.iterdir() if (path / "__init__.py").is_file()]
    scripts = [path.name for path in ROOT.glob("*.py")]

    assert [path.name for path in modules] == ["d7xr"]
    assert scripts == ["build_core.py"]


def test_no_test_waits_for_the_clock() -> None:
    modules = files(REPOSITORY / "tests", ".py")

    found = [finding for path in modules for finding in sleeps(path)]

    assert not found, report(found)
    assert len(modules) >= FEWEST_TESTS


def planted(root: Path, name: str, text: str) -> Path:
    """Write one module of a package."""
    path = root / "d7xr" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("replay.py", "import d7xr._core\n", "d7xr.replay may not import d7xr._core"),
        ("replay.py", "from d7xr import _core\n", "d7xr.replay may not import d7xr._core"),
        (
            "replay.py",
            "def f():\n    from ._core import lib\n",
            "d7xr.replay may not import d7xr._core",
        ),
        ("replay.py", "from d7xr.cli import main\n", "d7xr.replay may not import d7xr.cli"),
        ("trace/blf.py", "from ..ecu import Ecu\n", "d7xr.trace.blf may not import d7xr.ecu"),
        ("trace/__init__.py", "from ..ecu import Ecu\n", "d7xr.trace may not import d7xr.ecu"),
        ("errors.py", "import d7xr.frames\n", "d7xr.errors may not import d7xr.frames"),
    ],
)
def test_canary_a_crossed_layer_is_found(
    tmp_path: Path, name: str, text: str, finding: str
) -> None:
    planted(tmp_path, name, text)

    assert finding in [found.text for found in check_layers(tmp_path)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ecu.py", "from d7xr._core import ffi, lib\nfrom d7xr.errors import D7xrError\n"),
        ("__main__.py", "from d7xr.cli import main\n"),
        ("cli/replay.py", "from d7xr.cli import output\nfrom d7xr.ecu import Ecu\nimport numpy\n"),
        ("trace/blf.py", "from d7xr.trace.model import Trace\nfrom d7xr import errors\n"),
        ("replay.py", "from d7xr.ecu import Ecu\nfrom d7xr.trace import Trace\n"),
    ],
)
def test_canary_the_planned_ways_are_open(tmp_path: Path, name: str, text: str) -> None:
    planted(tmp_path, name, text)

    assert not check_layers(tmp_path)


def test_relative_imports_are_read_as_absolute_ones(tmp_path: Path) -> None:
    path = planted(tmp_path, "trace/blf.py", "from . import model\nfrom ..frames import Frames\n")

    names = [entry.name for entry in imports(path, tmp_path)]

    assert names == ["d7xr.trace", "d7xr.trace.model", "d7xr.frames", "d7xr.frames.Frames"]


def test_canary_each_way_to_sleep_is_found(tmp_path: Path) -> None:
    path = tmp_path / "test_planted.py"
    path.write_text(
        "import time\nfrom time import sleep as doze\nimport asyncio\n"
        "time.sleep(1)\ndoze(1)\nasyncio.sleep(1)\nclock.advance(1)\n"
    )

    assert [finding.place for finding in sleeps(path)] == [
        "test_planted.py:4",
        "test_planted.py:5",
        "test_planted.py:6",
    ]
