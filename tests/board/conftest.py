"""The board's image, and the emulator that runs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from d7xr.demo import demo_trace_path
from d7xr.frames import Frames
from d7xr.target.board_emulator import BoardEmulator
from d7xr.trace import read_trace
from tests.targets import arm


@pytest.fixture(scope="session")
def image() -> Path:
    """The image that is flashed to a board."""
    arm.require()
    return arm.built(arm.FIRMWARE / "d7xr.elf")


@pytest.fixture
def board(image: Path) -> Iterator[BoardEmulator]:
    """A board that was just switched on."""
    with BoardEmulator(image) as board:
        yield board


@pytest.fixture(scope="session")
def demo() -> Frames:
    """The shipped demo trace."""
    return read_trace(demo_trace_path()).frames()
