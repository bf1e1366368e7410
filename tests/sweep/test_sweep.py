"""Sweeps: draws that depend on seed and number alone, rows that resume, claims that are judged."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr import calibration
from d7xr.ecu import calibration_default
from d7xr.errors import ConfigError
from d7xr.fanout import Cores, Ledger, Row
from d7xr.fanout import run as run_all
from d7xr.simulator import scenario, simulation, sweep
from d7xr.simulator.loop import Loop
from tests.cli.bench import Command, runner
from tools import sweep_page

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
    return [Row(j.name, "", sweep.drive_chunk(j.argument)) for j in sweep.jobs_of(of)]


def test_a_run_is_the_same_alone_and_among_others() -> None:
    whole = sweep.parse(SPEC, "spec")

    together = sweep.drive_chunk(sweep.Chunk(whole, 0, 4, None))
    alone = sweep.drive_chunk(sweep.Chunk(whole, 2, 1, None))

    for name, values in alone.items():
        assert values == together[name][4:6]  # type: ignore[index] # two controls a run


def test_a_run_drawn_by_its_number_drives_as_in_its_row(tmp_path: Path) -> None:
    whole = sweep.parse(SPEC, "spec")
    row = sweep.drive_chunk(sweep.Chunk(whole, 3, 1, None))
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


def test_between_whole_numbers_every_value_is_whole_and_both_ends_are_among_them() -> None:
    whole = sweep.Vary(key="start.gear", between=(2, 6))

    values = [whole.value(share) for share in np.linspace(0.0, 1.0, 1000, endpoint=False)]

    assert {type(value) for value in values} == {int}
    assert {value: values.count(value) for value in values} == dict.fromkeys(range(2, 7), 200)


DRAWN_SETS = SPEC.replace(
    '"stretch[1].surface"\namong = ["gravel", "sand"]',
    '"calibration.flight_mode.air_dwell_ms"\nname = "air_dwell_ms"\nbetween = [60, 130]',
)


def test_a_draw_may_change_the_calibration_and_its_scenario_says_so(tmp_path: Path) -> None:
    whole = sweep.parse(DRAWN_SETS, "spec")
    row = sweep.drive_chunk(sweep.Chunk(whole, 1, 1, None))
    path = tmp_path / "one.toml"

    path.write_text(sweep.toml_of(whole.drawn(1)[0]))

    told = simulation.run(simulation.Options(str(path)), clock=lambda: 0.0)
    dwell_ms = row["air_dwell_ms"][0]  # type: ignore[index]
    assert told.replayed.calibration.values["flight_mode.air_dwell_ms"] == dwell_ms != 90
    peaks = row["peak_shaft_kNm"][:1]  # type: ignore[index]
    assert [told.drive.metrics["peak_shaft_kNm"]] == pytest.approx(peaks, abs=1e-4)


def test_a_run_has_the_set_of_its_event_unless_one_is_given() -> None:
    text = SPEC.replace('"stretch[1].surface"', '"event"').replace(
        '["gravel", "sand"]', '["morocco", "portugal"]'
    )
    whole = sweep.parse(text, "spec")
    row = sweep.drive_chunk(sweep.Chunk(whole, 0, 1, None))
    event = whole.drawn(0)[1]["event"]

    given = sweep.drive_chunk(sweep.Chunk(whole, 0, 1, calibration.load(event)))
    other = sweep.request_of(whole, calibration.load(event))

    assert given == row
    assert other != sweep.request_of(whole)


def test_claims_and_worst_runs_are_of_one_way_to_run_the_fans() -> None:
    text = SPEC.replace('control = ["unit", "none"]', 'fans = ["unit", "hysteresis"]').replace(
        'of = "flights_found"\nover = "flights"\nat_least = 0.5',
        'figure = "fan_energy_kJ"\nfans = "hysteresis"',
    )
    whole = sweep.parse(text.replace('worst = ["peak_shaft_ratio"]', 'worst = ["run"]'), "spec")
    of = columns(fan_energy_kJ=np.arange(4.0), run=np.arange(4.0))
    of["fans"] = np.array(["unit", "unit", "hysteresis", "hysteresis"])

    (found,) = sweep.judged(of, whole)

    assert (found.text, found.value, found.count) == (
        "fans by hysteresis: fan_energy_kJ at 100 %", 3.0, 2,
    )  # fmt: skip
    assert [row for _, row, _ in sweep.worst_of(of, whole)] == [1, 0]


def test_an_interrupted_sweep_goes_on_and_counts_nothing_twice(tmp_path: Path) -> None:
    whole = sweep.parse(
        SPEC.replace("runs = 4", "runs = 70").replace('"unit", "none"', '"unit"'), "s"
    )
    jobs, request = sweep.jobs_of(whole), sweep.request_of(whole)
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


def test_the_page_of_sweeps_lists_the_shipped_ones_as_they_are() -> None:
    text = sweep_page.PAGE.read_text(encoding="utf-8")

    assert sweep_page.page(text) == text, "make figures writes it"


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
        ("at_least = 0.5", 'at_least = 0.5\nfans = "hysteresis"'),
        ('key = "stretch[1].surface"', 'key = "calibration.flight_mode.air_dwel_ms"'),
        (
            'among = ["gravel", "sand"]',
            'among = ["gravel"]\n[[vary]]\n'
            'key = "calibration.flight_mode.air_dwell_ms"\nbetween = [5, 90]',
        ),
    ],
)
def test_a_spec_that_cannot_be_run_is_refused_before_anything_is(old: str, new: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sweep.parse(SPEC.replace(old, new), "spec.toml")

    assert caught.value.exit_code == 2


def columns(**values: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    count = len(next(iter(values.values())))
    unit = np.full(count, "unit")
    return {"control": unit, "fans": unit, "duration_s": np.full(count, 3600.0), **values}


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
