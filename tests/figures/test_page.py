"""The page of figures: sections from a few runs, and the shipped page is of the shipped sweeps."""

from pathlib import Path

import numpy as np
import pytest

from d7xr.simulator import sweep
from tools.figures import page, runs
from tools.figures.__main__ import PAGE

FEW = {name: 2 if name == "cooling" else 8 for name in runs.RUNS}


@pytest.mark.parametrize("name", page.SECTIONS)
def test_a_section_is_written_from_the_rows_of_its_sweep_alone(name: str, tmp_path: Path) -> None:
    driven = runs.driven(name, FEW[name], tmp_path, jobs=1)

    text = page.SECTIONS[name](driven)

    assert f"`d7xr sweep {name} --runs {FEW[name]}`" in text.splitlines()[0]
    for finding in driven.findings:
        assert f"| {finding.text} |" in text
    again = runs.driven(name, FEW[name], tmp_path, jobs=1)  # from what was kept
    assert page.SECTIONS[name](again) == text


def test_every_shipped_sweep_has_its_section() -> None:
    assert set(page.SECTIONS) == set(runs.RUNS) == set(sweep.shipped())


@pytest.mark.parametrize("name", page.SECTIONS)
def test_the_page_holds_the_claims_that_the_shipped_sweep_makes_today(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (section,) = [part for part in text.split("\n## ") if f"`d7xr sweep {name} " in part]
    nothing = {key: np.zeros(0) for key in sweep.load(name).figures}

    wanted = [finding.text for finding in sweep.judged(nothing, sweep.load(name))]

    assert [line for line in wanted if f"| {line} |" not in section] == []
    assert section.count("not kept**") + section.count("| kept |") + section.count(
        "| told |"
    ) == len(wanted)


def test_a_share_of_the_runs_is_an_order_statistic() -> None:
    values = np.arange(1.0, 101.0)

    assert page.quantile(values, 0.95) == 95.0
    assert page.quantile(values, 1.0) == 100.0
    assert page.quantile(np.zeros(0), 0.5) == 0.0
