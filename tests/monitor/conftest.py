"""The workshop that all stories of level 2 share."""

from pathlib import Path

import pytest

from tests.monitor.mutants import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, codec: Path) -> Workshop:
    """Where a unit gets a wrong line."""
    return Workshop.open(tmp_path_factory.mktemp("workshop"), codec)
