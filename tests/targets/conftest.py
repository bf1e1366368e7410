"""Images and machines that several tests run on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from d7xr.target.emulated import Emulated
from d7xr.target.sil import Sil
from tests.targets import arm


@pytest.fixture(scope="session")
def replay_image() -> Path:
    """The image that replays whole traces, of this very tree."""
    arm.require()
    return arm.replay_image()


@pytest.fixture(scope="session")
def contracted_image() -> Path:
    """The same with fused products and sums."""
    arm.require()
    return arm.contracted_image()


@pytest.fixture
def emulated(replay_image: Path) -> Iterator[Emulated]:
    """The unit on the emulated chip."""
    with Emulated(replay_image) as target:
        yield target


@pytest.fixture
def sil() -> Sil:
    """The unit in this process."""
    return Sil()
