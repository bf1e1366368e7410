"""The package builds from its sources alone, firmware and bus description included."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.gates.checks.sources import REPOSITORY, files

SDIST = "from setuptools import build_meta; build_meta.build_sdist('dist')"


def run(*command: str | Path, cwd: Path, path: Path | None = None) -> str:
    """Run a command in a folder, with one more folder of packages if given."""
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of a copy of the tree, unpacked."""
    tree = tmp_path_factory.mktemp("tree")
    for path in files(REPOSITORY):
        target = tree / path.relative_to(REPOSITORY)
        if path.suffix != ".so":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    run(sys.executable, "-c", SDIST, cwd=tree)
    (archive,) = (tree / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as stream:
        stream.extractall(tree / "unpacked", filter="data")
    (unpacked,) = (tree / "unpacked").iterdir()
    return unpacked


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """The wheel built from the source distribution."""
    folder = sdist.parent / "wheel"
    options = ("--no-deps", "--no-index", "--no-build-isolation", "-w", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, sdist, cwd=sdist.parent)
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_source_distribution_holds_all_that_a_build_and_its_tests_need(sdist: Path) -> None:
    def names(root: Path) -> set[str]:
        parts = [root / name for name in ("firmware", "pyhost", "tests", "tools")]
        return {str(path.relative_to(root)) for part in parts for path in files(part)}

    missing = {name for name in names(REPOSITORY) - names(sdist) if not name.endswith(".so")}

    assert not missing
    assert (sdist / "LICENSE").is_file()


@pytest.mark.slow
def test_the_wheel_holds_the_package_alone_with_its_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        bus = archive.read("d7xr/data/d7xr.dbc")

    assert bus == (REPOSITORY / "firmware" / "bus" / "d7xr.dbc").read_bytes()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"d7xr"}
    assert "d7xr/py.typed" in names
    assert "cp312-abi3" in wheel.name
    data = files(REPOSITORY / "pyhost" / "d7xr", ".toml", ".py", ".pyi", ".gz", ".log", ".json")
    assert {str(path.relative_to(REPOSITORY / "pyhost")) for path in data} <= set(names)


@pytest.mark.slow
def test_the_installed_wheel_runs_its_firmware(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    options = ("--no-deps", "--no-index", "--quiet", "--target", target)
    run(sys.executable, "-m", "pip", "install", *options, wheel, cwd=tmp_path)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    said = run(sys.executable, "-m", "d7xr", "--version", cwd=tmp_path, path=target)
    program = "import d7xr; e = d7xr.Ecu(); e.tick(); print(d7xr.__file__, e.tick_count)"
    place, ticks = run(sys.executable, "-c", program, cwd=tmp_path, path=target).split()

    assert said.split() == ["d7xr", project["version"]]
    assert Path(place).is_relative_to(target)
    assert ticks == "1"


def test_the_development_group_repeats_the_build_requirements() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))

    assert settings["dependency-groups"]["build"] == settings["build-system"]["requires"]
