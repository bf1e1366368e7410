"""The radiator and the fans of the demo."""

import numpy as np
import pytest

from d7xr.demo import thermal


@pytest.mark.parametrize(
    ("face_mps", "heat_kW"), [(2, 55), (3, 77), (4, 96), (5, 114), (6, 129), (8, 157), (10, 180)]
)
def test_a_clean_radiator_gives_the_heat_of_the_effectiveness_table(
    face_mps: float, heat_kW: float
) -> None:
    assert thermal.radiator_W(face_mps, 60.0, 0.0) / 1e3 == pytest.approx(heat_kW, rel=0.02)


def test_dust_costs_heat() -> None:
    clean_W, dusty_W = (thermal.radiator_W(5.0, 60.0, ratio) for ratio in (0.0, 0.3))
    assert 0.6 * clean_W < dusty_W < 0.8 * clean_W


def test_a_long_pull_settles_where_given_heat_equals_taken_heat() -> None:
    count = 40_000
    heat = thermal.heat(np.full(count, 150e3), np.full(count, 12.0), np.full(count, 3000.0))
    settled_degC = float(heat.coolant_in_degC[-1])
    assert settled_degC == pytest.approx(float(heat.coolant_in_degC[-500]), abs=0.05)
    running = int((heat.fan_A[-1] > 0.0).sum())
    face_mps = 0.2 * 12.0 + 0.65 * running
    assert thermal.radiator_W(face_mps, settled_degC - 50.0) == pytest.approx(75e3, rel=0.02)


def test_fans_of_a_car_that_starts_hot_never_start_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(thermal._START_DEGC, "coolant", 105.0)
    heat = thermal.heat(np.full(500, 50e3), np.full(500, 10.0), np.full(500, 3000.0))
    assert len(heat.fan_start_us) == 4
    assert min(np.diff(heat.fan_start_us)) >= 1_000_000


def test_fans_stand_still_while_the_engine_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(thermal._START_DEGC, "coolant", 105.0)
    heat = thermal.heat(np.zeros(500), np.zeros(500), np.zeros(500))
    assert heat.fan_start_us == ()
    assert not heat.fan_rpm.any()
