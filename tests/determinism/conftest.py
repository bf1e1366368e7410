"""The codec that all builds share."""

from pathlib import Path

import pytest

from tests.gates import firmware_build


@pytest.fixture(scope="session")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated codec."""
    return firmware_build.generate_codec(tmp_path_factory.mktemp("codec"))
