"""Sweeps: draws that depend on seed and number alone, rows that resume, claims that are judged."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.ecu import calibration_default
from d7xr.errors import ConfigError
from d7xr.fanout import Cores, Ledger, Row
from d7xr.fanout import run as run_all
from d7xr.simulator import scenario, sweep
from d7xr.simulator.loop import Loop
from tests.cli.bench import Command, runner

SPEC = """
story = "A jump at several speeds."
scenario = "table_top"
runs = 4
seed = 7
method = "random"
control = ["unit", "none"]
worst = ["peak_shaft_ratio"]

[[vary]]
key = ["start.speed_kph", "stretch[0].exit_kph"]
name = "speed_kph"
between = [60.0, 80.0]

[[vary]]
key = "stretch[1].surface"
among = ["gravel", "sand"]

[[claim]]
of = "flights_found"
over = "flights"
at_least = 0.5
"""


@pytest.fixture
def d7xr(capsys: pytest.CaptureFixture[str]) -> Command:
    return runner(capsys)


def rows_of(of: sweep.Sweep) -> list[Row]:
    blob = calibration_default()
    return [Row(j.name, "", sweep.drive_chunk(j.argument)) for j in sweep.jobs_of(of, blob)]


def test_a_run_is_the_same_alone_and_among_others() -> None:
    whole = sweep.parse(SPEC, "spec")
    blob = calibration_default()

    together = sweep.drive_chunk(sweep.Chunk(whole, 0, 4, blob))
    alone = sweep.drive_chunk(sweep.Chunk(whole, 2, 1, blob))

    for name, values in alone.items():
        assert values == together[name][4:6]  # type: ignore[index] # two controls a run


def test_a_run_drawn_by_its_number_drives_as_in_its_row(tmp_path: Path) -> None:
    whole = sweep.parse(SPEC, "spec")
    row = sweep.drive_chunk(sweep.Chunk(whole, 3, 1, calibration_default()))
    path = tmp_path / "three.toml"

    path.write_text(sweep.toml_of(whole.drawn(3)[0]))

    told = scenario.load(str(path)).scenario
    drive = Loop(told, "three").drive(calibration_default())
    peaks = row["peak_shaft_kNm"][:1]  # type: ignore[index]
    assert [drive.metrics["peak_shaft_kNm"]] == pytest.approx(peaks, abs=1e-4)
    assert told.start.speed_kph == told.stretch[0].exit_kph
    speeds = row["speed_kph"][:1]  # type: ignore[index]
    assert [told.start.speed_kph] == pytest.approx(speeds, abs=1e-4)


def test_sobol_draws_fill_the_range_evenly_whatever_the_part() -> None:
    pytest.importorskip("scipy")
    whole = sweep.parse(SPEC.replace('"random"', '"sobol"').replace("runs = 4", "runs = 256"), "s")

    parts = np.concatenate([whole._shares(first, 64) for first in range(0, 256, 64)])

    counts, _ = np.histogram(parts[:, 0], bins=16, range=(0.0, 1.0))
    assert counts.tolist() == [16] * 16


def test_an_interrupted_sweep_goes_on_and_counts_nothing_twice(tmp_path: Path) -> None:
    whole = sweep.parse(
        SPEC.replace("runs = 4", "runs = 70").replace('"unit", "none"', '"unit"'), "s"
    )
    blob = calibration_default()
    jobs, request = sweep.jobs_of(whole, blob), sweep.request_of(whole, blob)
    with Ledger.opened(tmp_path / sweep.ROWS, request) as ledger:
        run_all(sweep.drive_chunk, jobs[1:], workers=Cores(1), ledger=ledger)

    seen: list[int] = []
    with Ledger.opened(tmp_path / sweep.ROWS, request) as ledger:
        rows = run_all(
            sweep.drive_chunk, jobs, workers=Cores(1), ledger=ledger,
            on_progress=lambda p: seen.append(p.resumed),
        )  # fmt: skip

    assert set(seen) == {1}
    assert sweep.columns_of(rows, whole)["run"].tolist() == list(range(70))


def test_the_command_tells_claims_and_worst_runs_and_keeps_parquet(
    d7xr: Command, tmp_path: Path
) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)

    ending = d7xr("sweep", path, "--out", tmp_path / "rows", "--json", "--jobs", "1")

    assert ending.code == 0
    assert ending.document["findings"][0]["value"] == 1.0
    assert len(ending.document["worst"]) == 3
    table = f"'{tmp_path / 'rows' / sweep.TABLE}'"
    counts = duckdb.sql(f"select control, count(*) from {table} group by 1 order by 1").fetchall()
    assert counts == [("none", 4), ("unit", 4)]


def test_a_claim_that_is_not_kept_is_exit_code_1(d7xr: Command, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(SPEC.replace("at_least = 0.5", "at_most = 0.5").replace("runs = 4", "runs = 1"))

    ending = d7xr("sweep", path, "--jobs", "1")

    assert ending.code == 1
    assert "NOT KEPT" in ending.out


def test_the_command_prints_a_run_as_a_scenario(d7xr: Command, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)

    ending = d7xr("sweep", path, "--scenario", 2)

    assert ending.code == 0
    assert scenario.parse(ending.out, "two").seed == (7 << 32) + 2
    assert d7xr("sweep", path, "--scenario", 4).code == 2


def test_every_shipped_sweep_can_be_drawn(d7xr: Command) -> None:
    names = [row["name"] for row in json.loads(d7xr("sweep", "--list", "--json").out)["sweeps"]]

    assert set(names) == set(sweep.shipped())
    assert len(names) >= 4


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('key = "stretch[1].surface"', 'key = "stretch[9].surface"'),
        ('key = "stretch[1].surface"', 'key = "stretch[1].colour"'),
        ('key = "stretch[1].surface"', 'key = "1 + 1"'),
        ('["gravel", "sand"]', '["gravel", "ice"]'),
        ("between = [60.0, 80.0]", "between = [60.0, 900.0]"),
        ("between = [60.0, 80.0]", ""),
        ('of = "flights_found"', 'of = "flights_fuond"'),
        ('worst = ["peak_shaft_ratio"]', 'worst = ["peak"]'),
        ("runs = 4", "runs = 0"),
        ('scenario = "table_top"', 'scenario = "table_topp"'),
        ("seed = 7", "sede = 7"),
    ],
)
def test_a_spec_that_cannot_be_run_is_refused_before_anything_is(old: str, new: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sweep.parse(SPEC.replace(old, new), "spec.toml")

    assert caught.value.exit_code == 2


def columns(**values: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    count = len(next(iter(values.values())))
    control = np.full(count, "unit")
    return {"control": control, "duration_s": np.full(count, 3600.0), **values}


def judged(claim: str, **values: NDArray[np.float64]) -> sweep.Finding:
    head = SPEC.split("[[claim]]")[0]
    return sweep.judged(columns(**values), sweep.parse(f"{head}\n[[claim]]\n{claim}", "s"))[0]


def test_a_rate_has_wilsons_interval() -> None:
    found = judged(
        'of = "flights_found"\nover = "flights"\nat_least = 0.9',
        flights=np.ones(100), flights_found=np.r_[np.ones(95), np.zeros(5)],
    )  # fmt: skip

    assert found.value == pytest.approx(0.95)
    assert (found.low, found.high) == pytest.approx((0.8882, 0.9785), abs=1e-4)  # by hand
    assert found.is_kept


def test_of_no_event_in_a_time_no_more_is_said_than_three_over_it() -> None:
    found = judged('of = "interventions"\nover = "hours"', interventions=np.zeros(60))

    assert (found.value, found.low, found.high) == pytest.approx((0.0, 0.0, 0.05))


def test_a_quantile_is_an_order_statistic_between_two_others() -> None:
    found = judged(
        'figure = "peak_shaft_ratio"\nshare = 0.95\nat_most = 1.0',
        peak_shaft_ratio=np.arange(1000.0) / 1000.0,
    )

    assert found.value == pytest.approx(0.949)
    assert found.low == pytest.approx(0.935, abs=0.002)
    assert found.high == pytest.approx(0.963, abs=0.002)


def test_nothing_to_judge_is_no_kept_claim() -> None:
    none = np.zeros(0)
    found = judged('of = "flights_found"\nover = "flights"', flights=none, flights_found=none)

    assert not found.is_kept
