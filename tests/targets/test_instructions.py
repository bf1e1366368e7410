"""What a tick costs on the chip, in instructions, over the whole demo."""

import tomllib
from collections.abc import Callable

import pytest

from d7xr.ecu import calibration_default
from tests.recordings import REPOSITORY
from tests.targets import arm
from tests.targets.corpus import demo
from tests.targets.instructions import Instructions, measure

SLACK = 1.25
READINGS = 2


@pytest.fixture(scope="module")
def cost(tmp_path_factory: pytest.TempPathFactory) -> Instructions:
    """Instructions of each tick of the demo."""
    arm.require()
    image = arm.built(arm.FIRMWARE / "measure.elf")
    drive = demo()
    folder = tmp_path_factory.mktemp("measure")
    return measure(image, folder, drive.frame, drive.tick, drive.ticks, calibration_default())


def budget() -> dict[str, int]:
    """Return the budgets of the firmware in instructions."""
    path = REPOSITORY / "firmware" / "budget.toml"
    table: dict[str, int] = tomllib.loads(path.read_text(encoding="ascii"))["instructions"]
    return table


def test_the_measure_counts_a_thousand_instructions_as_a_thousand(cost: Instructions) -> None:
    assert abs(cost.thousand - 1000) <= READINGS


def test_a_tick_keeps_to_its_budget_of_instructions(
    cost: Instructions, record_property: Callable[[str, object], None]
) -> None:
    mean, most = float(cost.tick.mean()), int(cost.tick.max())
    for name in ("receive", "tick", "transmit", "whole"):
        column = getattr(cost, name)
        told = f"{int(column.min())} to {int(column.max())}, mean {column.mean():.0f}"
        record_property(f"instructions_{name}", told)

    assert mean <= budget()["tick_mean"]
    assert most <= budget()["tick_most"]


def test_the_budget_is_not_so_wide_that_growth_would_pass_unseen(cost: Instructions) -> None:
    assert float(cost.tick.mean()) * SLACK >= budget()["tick_mean"], "lower the budget"
    assert int(cost.tick.max()) * SLACK >= budget()["tick_most"], "lower the budget"
