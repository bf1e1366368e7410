"""The command under test."""

import pytest

from tests.cli.bench import Command, runner


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``d7xr`` with the given words."""
    return runner(capsys)
