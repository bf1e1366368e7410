"""One build of unit and link for all tests of the link."""

import ctypes
from pathlib import Path

import pytest

from tests.gates import firmware_build
from tests.link.bench import LinkBench, build_library, opened


@pytest.fixture(scope="session")
def link_codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated codec of the bus."""
    return firmware_build.generate_codec(tmp_path_factory.mktemp("link_codec"))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, link_codec: Path) -> ctypes.CDLL:
    """Unit, link and bench, compiled by gcc."""
    return build_library(tmp_path_factory.mktemp("link"), link_codec)


@pytest.fixture
def bench(library: ctypes.CDLL) -> LinkBench:
    """A unit that was just started, its channel closed."""
    return LinkBench(library)


@pytest.fixture
def open_bench(library: ctypes.CDLL) -> LinkBench:
    """A unit that was just started, its channel open."""
    return opened(library)
