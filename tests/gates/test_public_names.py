"""What the package exports exists, and its examples run (Python rules 3 and 8)."""

import doctest
import importlib
import re
import tomllib
from pathlib import Path

import numpy
import pytest

import d7xr
from tests.gates.checks.python_code import module_name
from tests.gates.checks.sources import REPOSITORY, files
from tests.recordings import recordings

FEWEST_EXAMPLES = 5


def modules() -> list[str]:
    """Return the names of the modules of the package whose docstrings hold examples."""
    root = REPOSITORY / "pyhost"
    sources = files(root / "d7xr", ".py")
    return [module_name(path, root) for path in sources if ">>> " in path.read_text("utf-8")]


def examples(name: str) -> list[doctest.DocTest]:
    """Return the examples in the docstrings of a module.

    They see what the module sees, the public names of the package, ``Path`` and ``np``.
    """
    module = importlib.import_module(name)
    public = {public: getattr(d7xr, public) for public in d7xr.__all__}
    names = {"Path": Path, "np": numpy, **public, **vars(module)}
    found = doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=names)
    return [example for example in found if example.examples]


@pytest.mark.parametrize("name", sorted(d7xr.__all__))
def test_a_public_name_can_be_used(name: str) -> None:
    assert getattr(d7xr, name) is not None
    assert name in dir(d7xr)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'd7xr' has no attribute 'Ekku'"):
        _ = d7xr.Ekku


def test_the_version_is_that_of_the_project_file() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert d7xr.__version__ == project["version"]


@pytest.mark.parametrize("module", modules())
def test_the_examples_in_the_docstrings_run(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the drive that examples speak of, under the name by which they call it
    monkeypatch.chdir(tmp_path)
    for example in examples(module):
        for suffix in set(re.findall(r'Path\("drive\.(\w+)"\)', example.docstring or "")):
            link = tmp_path / f"drive.{suffix}"
            if not link.exists():
                link.symlink_to(recordings() / "can" / f"s550_drive.{suffix}")

    # When each example is run, then it says what it promises
    for example in examples(module):
        said: list[str] = []
        failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(
            example, out=said.append
        )
        assert not failed, "".join(said)


def test_there_are_examples() -> None:
    count = sum(len(example.examples) for name in modules() for example in examples(name))

    assert count >= FEWEST_EXAMPLES
