"""Builds that several gates look at."""

from pathlib import Path

import pytest

from tests.gates import firmware_build
from tests.gates.checks import objects
from tests.gates.checks.stack import Calls, read_calls
from tests.gates.firmware_build import Build


@pytest.fixture(scope="session")
def optimised(tmp_path_factory: pytest.TempPathFactory, codec: Path) -> Build:
    """The firmware at -O2, with fused multiplications on offer where the machine has them."""
    flags = ("-O2", "-fcallgraph-info=su", *(("-mfma",) if objects.can_show_fused() else ()))
    return firmware_build.build(tmp_path_factory.mktemp("optimised"), codec, flags=flags)


@pytest.fixture(scope="session")
def literal(tmp_path_factory: pytest.TempPathFactory, codec: Path) -> Build:
    """The firmware at -O0: every call of the text is a call of the object."""
    flags = ("-O0", "-fcallgraph-info=su")
    return firmware_build.build(tmp_path_factory.mktemp("literal"), codec, flags=flags)


@pytest.fixture(scope="session")
def calls(literal: Build) -> Calls:
    """Who calls whom, as written."""
    return read_calls([path.with_suffix(".ci") for path in literal.everything])


@pytest.fixture(scope="session")
def optimised_calls(optimised: Build) -> Calls:
    """Who calls whom after inlining, with the stack that the unit will need."""
    return read_calls([path.with_suffix(".ci") for path in optimised.everything])
