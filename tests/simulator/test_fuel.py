"""Tank, collector, filter and restrictor against the arithmetic of the study."""

import pytest

from d7xr.ecu.core import ffi, lib
from d7xr.simulator.parameters import parameters_with

RADPS_AT_4000 = 418.9
LEVEL = (0.0, 0.0, 9.81)


class Tank:
    """The fuel model under a constant load."""

    def __init__(self, fuel_L: float, **values: float) -> None:
        self.p = parameters_with(values, "test")
        self.ambient = ffi.new("plant_ambient_t *", {"degC": 20.0, "kPa": 100.0})
        self.c = ffi.new("plant_fuel_t *")
        self.load = ffi.new("plant_fuel_load_t *")
        self.load.is_running = 1
        lib.plant_fuel_init(self.c, self.p, fuel_L, 0.0)

    def run(
        self, seconds: float, *, power_W: float = 0.0, force: tuple[float, float, float] = LEVEL
    ) -> None:
        self.load.engine_radps, self.load.engine_Nm = RADPS_AT_4000, power_W / RADPS_AT_4000
        for axis in range(3):
            self.load.force_mps2[axis] = force[axis]
        for _ in range(round(seconds * 100)):
            lib.plant_fuel_step(self.c, self.p, self.ambient, self.load, 0.01)


def test_the_restrictor_gives_the_class_its_power() -> None:
    tank = Tank(300.0, restrictor_mm=37.0, filter_kPa=0.2)

    tank.run(1.0)

    assert tank.c.choked_kgps == pytest.approx(0.246, abs=0.001)
    assert tank.c.power_W == pytest.approx(296e3, abs=2e3)


def test_full_power_burns_what_the_study_says() -> None:
    tank = Tank(300.0)

    tank.run(2.0, power_W=280e3)

    assert tank.c.fuel_mlps == pytest.approx(25.5 * 280.0 / 291.0, abs=0.2)
    assert tank.c.air_kgps == pytest.approx(0.246 * 280.0 / 291.0, abs=0.005)


def test_fuel_is_neither_made_nor_lost() -> None:
    tank = Tank(300.0)

    tank.run(600.0, power_W=120e3)

    assert tank.c.used_L == pytest.approx(6.3, abs=0.3)
    assert tank.c.main_L + tank.c.collector_L + tank.c.used_L == pytest.approx(300.0, abs=1e-6)


def test_a_dead_lift_pump_empties_the_collector_in_its_time_and_then_the_rail_falls() -> None:
    tank = Tank(300.0, collector_L=1.5)
    tank.load.is_lift_pump_dead = 1

    tank.run(55.0, power_W=291e3)
    before = float(tank.c.rail_ratio)
    tank.run(6.0, power_W=291e3)

    assert before == pytest.approx(1.0)
    assert tank.c.rail_ratio < 0.1


def test_a_flight_of_two_and_a_half_seconds_does_not_empty_the_collector() -> None:
    tank = Tank(30.0)

    tank.run(2.5, power_W=291e3, force=(0.0, 0.0, 0.0))

    assert tank.c.rail_ratio == 1.0
    assert 2.0 - tank.c.collector_L == pytest.approx(0.065, abs=0.025)


def test_the_surface_swings_at_the_frequency_of_the_tank() -> None:
    # 0.9 m long and 0.5 m deep: 0.90 Hz.
    tank = Tank(495.0, slosh_ratio=0.02)
    tank.c.tilt[0] = 0.1
    signs = []

    for _ in range(1000):
        tank.run(0.01)
        signs.append(tank.c.tilt[0] > 0.0)

    ups = [i for i in range(1, 1000) if signs[i] and not signs[i - 1]]
    assert 100.0 * (len(ups) - 1) / (ups[-1] - ups[0]) == pytest.approx(0.90, abs=0.02)


def test_the_surface_stands_square_to_the_force_and_the_senders_see_it() -> None:
    tank = Tank(275.0)

    tank.run(20.0, force=(0.0, 1.0, 9.81))

    assert tank.c.tilt[1] == pytest.approx(-1.0 / 9.81, abs=1e-3)
    assert tank.c.sender_L[0] < 275.0 < tank.c.sender_L[1]


def test_dust_loads_the_filter_and_takes_a_per_cent_of_power_for_each_kilopascal() -> None:
    clean, dusty = Tank(400.0), Tank(400.0)
    dusty.load.dust_kgpm3 = 1e-3

    clean.run(10.0, power_W=280e3)
    dusty.run(3600.0, power_W=280e3)

    assert dusty.c.dust_kg == pytest.approx(0.7, abs=0.08)
    lost_kPa = dusty.c.filter_kPa - clean.c.filter_kPa
    assert lost_kPa > 2.0
    assert 1.0 - dusty.c.power_W / clean.c.power_W == pytest.approx(0.0102 * lost_kPa, rel=0.05)
