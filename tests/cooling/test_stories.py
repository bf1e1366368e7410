"""Fans and pump: one story for each rule."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.benches import COOLING, calibrated
from tests.car import Car, Level, RADIUS_m, RASTER_ms, Stretch, wheels

FANS = (0, 1, 2, 3)
STAGGER_ms = 1000
WARM_A = 18.0
RECORD = [
    "cooling.state", "cooling.stage", "cooling.is_full", "cooling.is_ram_air", "cooling.shed",
    "cooling.fans.running_mask", "cooling.fans.failed_mask", "cooling.fans.failed_count",
    "cooling.fans.lead", "cooling.pump_pct", "torque.granted_Nm", "flight_mode.state",
    "temperature[0].state", "fault.active_mask[0]",
    *(f"cooling.fans.fan[{i}].{name}" for i in FANS
      for name in ("duty_pct", "is_on", "is_open", "is_dropped", "run_ticks")),
]  # fmt: skip
STANDING = {"GroundSpeed_mps": 0.0, "FlightModeSwitch": 0.0}
CRANKING: dict[str, Level] = {"EngineStatus": 1.0, "EngineSpeed_rpm": 220.0}
STOPPED: dict[str, Level] = {"EngineStatus": 0.0, "EngineSpeed_rpm": 0.0}


def at_mps(speed_mps: float) -> dict[str, Level]:
    """Let GNSS and wheels show a speed."""
    return {"GroundSpeed_mps": speed_mps, **wheels(speed_mps / RADIUS_m)}


def a_car(coolant_degC: float = 80.0, calibration: bytes | None = None, /, **signals: Level) -> Car:
    """Return a standing car that runs, at a temperature, after a second.

    Its next frames come some milliseconds later, so that what they cause is within a stretch.
    """
    levels: dict[str, Level] = {**STANDING, "CoolantIn_degC": coolant_degC, **signals}
    car = Car(calibration, signals=levels, record=RECORD)
    car.drive(1050)
    return car


def running(stretch: Stretch) -> NDArray[np.int64]:
    """Return how many fans run at every tick."""
    mask = stretch["cooling.fans.running_mask"].astype(np.uint8)
    return np.asarray(np.unpackbits(mask[:, None], axis=1).sum(axis=1), dtype=np.int64)


def starts_ms(stretch: Stretch) -> list[int]:
    """Return the ticks at which a fan starts, of all fans together."""
    on = np.stack([stretch[f"cooling.fans.fan[{i}].is_on"].astype(int) for i in FANS])
    return sorted(np.argwhere(np.diff(on, axis=1) > 0)[:, 1].tolist())


class TestLadder:
    """One fan more at 88, 92, 96, 100 degC; each goes 4 K lower."""

    def test_up_and_down_the_ladder_each_stage_has_its_own_band(self) -> None:
        car = a_car(86.0)
        up = {
            t: car.drive(200, CoolantIn_degC=t)["cooling.stage"][-1]
            for t in (87.5, 88.0, 91.5, 92.0, 95.5, 96.0, 99.5, 100.0)
        }
        down = {
            t: car.drive(200, CoolantIn_degC=t)["cooling.stage"][-1]
            for t in (96.5, 96.0, 92.5, 92.0, 88.5, 88.0, 84.5, 84.0)
        }

        assert list(up.values()) == [0, 1, 1, 2, 2, 3, 3, 4]
        assert list(down.values()) == [4, 3, 3, 2, 2, 1, 1, 0]

    def test_beyond_both_ends_the_band_is_the_same(self) -> None:
        car = a_car(100.0)

        assert car.drive(200, CoolantIn_degC=103.0)["cooling.stage"][-1] == 4
        assert car.drive(200, CoolantIn_degC=99.0)["cooling.stage"][-1] == 4
        car = a_car(85.0)
        assert car.drive(200, CoolantIn_degC=82.0)["cooling.stage"][-1] == 0
        assert car.drive(200, CoolantIn_degC=86.0)["cooling.stage"][-1] == 0

    @pytest.mark.parametrize(
        ("signal", "first_degC"),
        [("EngineOil_degC", 125.0), ("ChargeAir_degC", 60.0), ("GearboxOil_degC", 110.0)],
    )
    def test_the_other_temperatures_have_ladders_of_their_own(
        self, signal: str, first_degC: float
    ) -> None:
        car = a_car(80.0, **{signal: first_degC - 3.0})

        stages = [
            car.drive(200, **{signal: first_degC + add})["cooling.stage"][-1]
            for add in (-0.5, 0.0, 3.0, 6.0, 9.0, 5.5, 5.0, 2.0)
        ]

        assert stages == [0, 1, 2, 3, 4, 4, 3, 2]

    def test_the_highest_request_counts(self) -> None:
        car = a_car(92.5, ChargeAir_degC=66.5)

        assert car.drive(200)["cooling.stage"][-1] == 3

    def test_from_104_all_fans_run_whatever_speed_says(self) -> None:
        car = a_car(103.5, calibrated(cooling__ram_air_below_degC=120.0), **at_mps(30.0))

        assert car.drive(200)["cooling.stage"][-1] == 1
        assert car.drive(200, CoolantIn_degC=104.0)["cooling.stage"][-1] == 4
        assert car.drive(200, CoolantIn_degC=100.5)["cooling.stage"][-1] == 4
        assert car.drive(200, CoolantIn_degC=99.9)["cooling.stage"][-1] == 1


class TestStarts:
    """Spaced starts, minimum times, rotation."""

    def test_four_fans_wanted_at_once_start_a_second_apart(self) -> None:
        car = a_car(86.0)
        started = car.drive(6000, FanSwitch=lambda t_s: np.where(t_s > 0.1, 1.0, 0.0))

        assert np.diff(starts_ms(started)).tolist() == [STAGGER_ms] * 3
        assert running(started)[-1] == 4

    def test_a_fan_runs_ten_seconds_at_least(self) -> None:
        driven = a_car(86.0).drive(
            15_000, CoolantIn_degC=lambda t_s: np.where(t_s > 2.0, 83.9, 88.5)
        )

        end = int(np.flatnonzero(np.diff(running(driven)) < 0)[0])
        assert end - starts_ms(driven)[0] == 10_000

    def test_a_fan_rests_five_seconds_at_least(self) -> None:
        car = a_car(86.0)
        car.drive(15_000, FanSwitch=1.0)
        off = car.drive(500, FanSwitch=0.0)
        again = car.drive(10_000, FanSwitch=1.0)

        assert running(off)[RASTER_ms:].max() == 0
        assert starts_ms(again)[0] == pytest.approx(5000 - 500, abs=RASTER_ms)

    def test_the_fan_with_the_fewest_hours_leads(self) -> None:
        car = a_car(86.0)

        leads = []
        for _ in range(8):
            on = car.drive(11_000, CoolantIn_degC=88.5)
            leads.append(int(on["cooling.fans.lead"][-1]))
            assert on["cooling.fans.running_mask"][-1] == 1 << leads[-1]
            car.drive(6000, CoolantIn_degC=83.5)

        assert leads == [0, 1, 2, 3, 0, 1, 2, 3]

    def test_the_lead_does_not_change_while_a_fan_runs(self) -> None:
        car = a_car(86.0)

        on = car.drive(60_000, CoolantIn_degC=88.5)

        assert set(on["cooling.fans.lead"][200:].tolist()) == {0}
        assert len(starts_ms(on)) == 1

    def test_a_start_is_soft_and_a_stop_is_not(self) -> None:
        car = a_car(86.0)
        on = car.drive(12_000, CoolantIn_degC=88.5)
        off = car.drive(200, CoolantIn_degC=84.0)

        duty = on["cooling.fans.fan[0].duty_pct"]
        begin = starts_ms(on)[0] + 1
        step = 0.04 * RASTER_ms
        assert duty[begin] == pytest.approx(10.0 + step, abs=0.01)
        assert duty[begin + 1000] == pytest.approx(50.0 + step, abs=0.01)
        assert duty[begin + 2000] == pytest.approx(90.0, abs=0.01)
        assert set(np.unique(np.minimum(off["cooling.fans.fan[0].duty_pct"], 90.0))) == {0.0, 90.0}

    def test_the_code_that_stops_a_fan_is_a_parameter(self) -> None:
        car = a_car(80.0, calibrated(cooling__duty_stop_pct=5.0))

        assert (car.drive(100)["cooling.fans.fan[2].duty_pct"] == 5.0).all()


class TestRamAir:
    """Above 80 km/h one fan is enough, unless it is hot."""

    @pytest.mark.parametrize(
        ("speed_mps", "stage"),
        [(0.0, 3), (19.3, 3), (22.3, 1), (40.0, 1), (float("nan"), 3)],
        ids=["standing", "slow", "fast", "very fast", "unknown"],
    )
    def test_only_a_known_high_speed_takes_fans_away(self, speed_mps: float, stage: int) -> None:
        car = a_car(97.0, **at_mps(speed_mps))

        assert car.drive(500)["cooling.stage"][-1] == stage

    def test_a_stale_speed_counts_as_standing(self) -> None:
        car = a_car(97.0, **at_mps(30.0))
        car.silent = {"VehicleMotion"}

        stale = car.drive(300)

        assert stale["cooling.stage"][0] == 1
        assert stale["cooling.stage"][-1] == 3

    def test_a_speed_that_the_wheels_contradict_takes_no_fan(self) -> None:
        car = a_car(97.0, **at_mps(10.0))

        assert car.drive(500, GroundSpeed_mps=100.0)["cooling.stage"][-1] == 3

    def test_the_rule_has_a_hysteresis_of_ten_kilometres_an_hour(self) -> None:
        car = a_car(97.0)

        stages = [
            car.drive(200, **at_mps(speed))["cooling.stage"][-1]
            for speed in (22.0, 22.5, 19.5, 19.3, 22.0)
        ]

        assert stages == [3, 1, 1, 3, 3]

    def test_heat_overrides_it(self) -> None:
        car = a_car(99.5, **at_mps(30.0))

        assert car.drive(200)["cooling.stage"][-1] == 1
        assert car.drive(200, CoolantIn_degC=100.0)["cooling.stage"][-1] == 4


class TestCranking:
    """The starter gets the whole battery."""

    def test_cranking_stops_all_fans_inside_the_hysteresis_band(self) -> None:
        car = a_car(101.0)
        car.drive(15_000)
        held = car.drive(1000, CoolantIn_degC=98.0)

        cranking = car.drive(100, **CRANKING)

        assert running(held)[-1] == 4
        assert running(cranking)[RASTER_ms] == 0
        assert cranking.texts("cooling.state")[-1] == "Cranking"
        assert cranking["cooling.fans.fan[0].duty_pct"][RASTER_ms] == 0.0

    @pytest.mark.parametrize(
        "signals", [CRANKING, {**STOPPED, "Battery_V": 11.0}],
        ids=["cranking", "stop without supply"],
    )  # fmt: skip
    def test_a_stop_waits_for_no_minimum_time(self, signals: dict[str, Level]) -> None:
        car = a_car(86.0)
        started = car.drive(2000, CoolantIn_degC=88.5)

        assert running(started)[-1] == 1
        assert running(car.drive(700, **signals))[-1] == 0

    def test_fans_return_two_seconds_after_it_one_by_one(self) -> None:
        car = a_car(101.0)
        car.drive(15_000)
        car.drive(5000, **CRANKING)

        back = car.drive(8000, EngineStatus=2.0, EngineSpeed_rpm=900.0)

        assert starts_ms(back) == pytest.approx([1999, 2999, 3999, 4999], abs=RASTER_ms)

    @pytest.mark.parametrize("status", [0.0, 1.0], ids=["stopped", "cranking"])
    def test_a_status_that_a_turning_engine_contradicts_takes_no_fan(self, status: float) -> None:
        car = a_car(101.0)
        car.drive(15_000)

        lied_to = car.drive(5000, EngineStatus=status)

        assert lied_to.texts("cooling.state") == ["Normal"]
        assert running(lied_to).min() == 4

    def test_not_even_the_driver_starts_a_fan_while_cranking(self) -> None:
        car = a_car(101.0, **CRANKING)

        assert running(car.drive(3000, FanSwitch=1.0)).max() == 0


class TestRunOn:
    """After a stop: bounded by time, temperature and supply; two fans at most."""

    def stopped(self, coolant_degC: float = 101.0, **signals: Level) -> Car:
        car = a_car(coolant_degC)
        car.drive(15_000)
        car.drive(10, **STOPPED, **signals)
        return car

    def test_a_hot_engine_keeps_two_fans_and_the_pump(self) -> None:
        running_on = self.stopped().drive(15_000)

        assert running_on.texts("cooling.state") == ["RunOn"]
        assert running(running_on)[-1] == 2
        assert running_on["cooling.pump_pct"][-1] == 50.0

    def test_ignition_off_means_the_same(self) -> None:
        car = a_car(101.0)
        car.drive(15_000)

        off = car.drive(15_000, Ignition=0.0)

        assert off.texts("cooling.state") == ["Normal", "RunOn"]
        assert off["cooling.state"][RASTER_ms] == off["cooling.state"][-1]

    def test_it_ends_after_ten_minutes(self) -> None:
        car = self.stopped()
        before = car.drive(599_900)
        after = car.drive(300)

        assert running(before).min() >= 2
        assert running(after)[-1] == 0
        assert after.texts("cooling.state") == ["RunOn", "Off"]
        assert after["cooling.pump_pct"][-1] == 0.0

    def test_it_ends_when_the_engine_is_cool(self) -> None:
        car = self.stopped(90.0)

        warm = car.drive(12_000, CoolantIn_degC=85.0)
        cool = car.drive(200, CoolantIn_degC=84.9)

        assert running(warm)[-1] >= 1
        assert running(cool)[-1] == 0

    @pytest.mark.parametrize("supply_V", [11.9, float("nan")], ids=["low", "unknown"])
    def test_it_ends_at_once_for_the_battery(self, supply_V: float) -> None:
        ended = self.stopped().drive(700, Battery_V=supply_V)

        assert running(ended)[-1] == 0
        assert ended.texts("cooling.state")[-1] == "Off"

    def test_a_blind_hot_stop_keeps_air(self) -> None:
        car = self.stopped()

        blind = car.drive(30_000, CoolantIn_degC=float("nan"))

        assert running(blind).min() >= 2
        assert blind.texts("cooling.state") == ["RunOn"]

    def test_it_is_bounded_though_the_engine_node_falls_asleep(self) -> None:
        car = a_car(101.0)
        car.drive(15_000)
        car.drive(200, Ignition=0.0, **STOPPED)
        car.silent = {"EngineState", "ThermalState", "GearboxState", "AirPath", "DriverDemand"}

        asleep = car.drive(599_000)
        late = car.drive(2000)

        assert set(asleep.texts("cooling.state")) == {"RunOn"}
        assert running(asleep)[20_000:].max() == 2
        assert running(late)[-1] == 0

    def test_a_cold_stop_needs_nothing(self) -> None:
        car = a_car(80.0)

        off = car.drive(1000, **STOPPED)

        assert off.texts("cooling.state")[-1] == "Off"
        assert running(off).max() == 0


class TestSwitchAndSupply:
    """The driver's switch, and what a weak supply takes."""

    def test_the_switch_runs_all_fans(self) -> None:
        on = a_car(70.0).drive(5000, FanSwitch=1.0)

        assert on.texts("cooling.state") == ["Normal", "Manual"]
        assert on["cooling.state"][RASTER_ms] == on["cooling.state"][-1]
        assert running(on)[-1] == 4

    @pytest.mark.parametrize("silence", [True, False], ids=["message", "code"])
    def test_a_switch_that_cannot_be_read_stays_where_it_was(self, silence: bool) -> None:
        car = a_car(70.0)
        car.drive(5000, FanSwitch=1.0)
        if silence:
            car.silent = {"DriverDemand"}

        unread = car.drive(15_000) if silence else car.drive(15_000, FanSwitch=float("nan"))

        assert running(unread).min() == 4

    def test_below_13_volts_one_fan_goes_and_below_12_and_a_half_another(self) -> None:
        car = a_car(101.0)
        car.drive(16_000)

        stages = {
            volts: car.drive(3500, Battery_V=volts)["cooling.stage"][-1]
            for volts in (13.0, 12.9, 12.5, 12.4, 13.1)
        }

        assert stages == {13.0: 4, 12.9: 3, 12.5: 3, 12.4: 2, 13.1: 4}

    def test_a_short_dip_sheds_nothing(self) -> None:
        car = a_car(101.0)

        assert car.drive(1900, Battery_V=12.0)["cooling.stage"].min() == 4

    def test_a_hot_engine_keeps_two_fans_at_any_voltage(self) -> None:
        car = a_car(97.0, GroundSpeed_mps=0.0)

        assert car.drive(4000, Battery_V=11.0)["cooling.stage"][-1] == 1
        assert car.drive(4000, CoolantIn_degC=105.0)["cooling.stage"][-1] == 2

    def test_an_unknown_supply_sheds_nothing(self) -> None:
        car = a_car(101.0)

        assert car.drive(6000, Battery_V=float("nan"))["cooling.stage"].min() == 4


class TestFlight:
    """No new load on the supply while the car flies."""

    def flown(self, coolant_degC: Level, air_ms: int = 500) -> tuple[Stretch, Car]:
        car = Car(signals={"CoolantIn_degC": 86.0}, record=RECORD)
        car.drive(3000)
        lead_ms, after_ms = 200, 4000
        total = lead_ms + air_ms + after_ms
        time_ms = np.arange(total)
        in_air = (time_ms >= lead_ms) & (time_ms < lead_ms + air_ms)
        landing = (time_ms >= lead_ms + air_ms) & (time_ms < lead_ms + air_ms + 60)
        force = np.where(in_air, 0.3, np.where(landing, 30.0, 9.81))
        droop = np.clip((time_ms - lead_ms) / 100.0, 0.0, 1.0) * 100.0
        travel = np.where(in_air, 130.0 - droop, np.where(landing, 180.0, 130.0))
        levels: dict[str, Level] = {f"DamperTravel{c}_mm": travel for c in ("FL", "FR", "RL", "RR")}
        flown = car.drive(total, SpecificForceZ_mps2=force, CoolantIn_degC=coolant_degC, **levels)
        return flown, car

    def test_no_fan_starts_from_suspicion_until_300_milliseconds_after_the_landing(self) -> None:
        hot = np.full(4700, 86.0)
        hot[300:] = 90.5

        flown, _ = self.flown(hot)

        state = flown["flight_mode.state"]
        is_flying = (state >= 1) & (state <= 3)
        last = int(np.flatnonzero(is_flying)[-1])
        begin = starts_ms(flown)[0]
        assert 2 in state
        assert flown["cooling.stage"][last] == 1
        assert begin + 1 == pytest.approx(last + 300, abs=RASTER_ms)

    def test_no_fan_stops_in_the_air_because_it_is_cool(self) -> None:
        car = Car(signals={"CoolantIn_degC": 88.5}, record=RECORD)
        car.drive(13_000)
        lead_ms, air_ms, total = 200, 800, 2500
        time_ms = np.arange(total)
        in_air = (time_ms >= lead_ms) & (time_ms < lead_ms + air_ms)
        force = np.where(in_air, 0.3, 9.81)
        droop = np.clip((time_ms - lead_ms) / 100.0, 0.0, 1.0) * 100.0
        levels: dict[str, Level] = {
            f"DamperTravel{c}_mm": np.where(in_air, 130.0 - droop, 130.0)
            for c in ("FL", "FR", "RL", "RR")
        }
        cool = np.where(time_ms < 400, 88.5, 84.0)

        flown = car.drive(total, SpecificForceZ_mps2=force, CoolantIn_degC=cool, **levels)

        state = flown["flight_mode.state"]
        is_flying = (state >= 1) & (state <= 3)
        assert 2 in state
        assert running(flown)[is_flying].min() == 1
        assert running(flown)[-1] == 0


class TestFanHealth:
    """A fan that does not cool is replaced; one that may only seem so is not given up."""

    def test_an_open_fan_is_replaced_and_stays_commanded(self) -> None:
        car = a_car(86.0, Fan1Current_A=0.0)

        on = car.drive(12_000, CoolantIn_degC=88.5)

        assert on["cooling.fans.failed_mask"][-1] == 0b0001
        assert on["cooling.fans.running_mask"][-1] == 0b0011
        found = int(np.flatnonzero(on["cooling.fans.fan[0].is_open"])[0])
        assert found - starts_ms(on)[0] == pytest.approx(6000, abs=5)  # 4 s spin-up, 2 s bad

    def test_a_stalled_fan_is_dropped_replaced_and_tried_again(self) -> None:
        car = a_car(86.0, Fan1Current_A=40.0)

        on = car.drive(12_000, CoolantIn_degC=88.5)
        tried = car.drive(60_000)

        assert on["cooling.fans.fan[0].is_dropped"][-1] == 1
        assert on["cooling.fans.running_mask"][-1] == 0b0010
        again = np.flatnonzero(np.diff(tried["cooling.fans.fan[0].is_on"].astype(int)) > 0)
        assert len(again) >= 1
        drops = np.flatnonzero(np.diff(tried["cooling.fans.fan[0].is_dropped"].astype(int)) != 0)
        assert drops[0] == pytest.approx(30_000 - 6000, abs=1000)

    def test_a_healed_fan_counts_again(self) -> None:
        car = a_car(86.0, Fan1Current_A=0.0)
        car.drive(12_000, CoolantIn_degC=88.5)

        healed = car.drive(15_000, Fan1Current_A=WARM_A)

        assert healed["cooling.fans.failed_mask"][-1] == 0
        assert running(healed)[-1] == 1

    def test_at_most_two_fans_are_dropped(self) -> None:
        currents = {f"Fan{i}Current_A": 40.0 for i in (1, 2, 3, 4)}
        car = a_car(101.0, **currents)

        on = car.drive(60_000)

        dropped = sum(on[f"cooling.fans.fan[{i}].is_dropped"].astype(int) for i in FANS)
        assert np.max(dropped) == 2
        assert running(on)[12_000:].min() >= 2

    def test_currents_that_all_read_nothing_cost_no_cooling(self) -> None:
        currents = {f"Fan{i}Current_A": 0.0 for i in (1, 2, 3, 4)}
        lying, honest = a_car(92.5, **currents), a_car(92.5)

        a, b = lying.drive(40_000), honest.drive(40_000)

        assert (running(a) >= running(b)).all()
        assert running(a)[-1] == 4

    def test_unheard_fans_run_unseen(self) -> None:
        car = a_car(101.0)
        car.silent = {"FanFeedback"}

        assert running(car.drive(20_000))[-1] == 4

    def test_a_lost_fan_starts_the_coolant_derate_two_kelvin_earlier(self) -> None:
        well, ill = a_car(107.0), a_car(107.0, Fan1Current_A=0.0)

        a, b = well.drive(60_000), ill.drive(60_000)

        assert a["torque.granted_Nm"][-1] == 750.0
        assert b["torque.granted_Nm"][-1] == pytest.approx(750.0 * (1 - 0.5 * 1.0 / 12.0), abs=0.5)


class TestPump:
    """The pump follows the coolant."""

    def test_it_rises_from_60_to_95_degrees(self) -> None:
        car = a_car(50.0, CoolantOut_degC=40.0, EngineOil_degC=70.0)

        duty = [
            car.drive(15_000, CoolantIn_degC=t)["cooling.pump_pct"][-1]
            for t in (52.0, 56.0, 60.0, 64.0, 68.0, 72.0, 76.0, 80.0, 84.0, 88.0, 92.0, 95.0, 99.0)
        ]

        assert duty[:3] == [30.0, 30.0, 30.0]
        assert duty[4] == pytest.approx(30.0 + 70.0 * 8.0 / 35.0, abs=0.1)
        assert duty[-2:] == [100.0, 100.0]

    def test_blind_it_runs_at_full_duty(self) -> None:
        car = a_car(70.0)

        assert car.drive(2000, CoolantIn_degC=float("nan"))["cooling.pump_pct"][-1] == 100.0


def test_the_states_are_those_of_the_bus() -> None:
    assert list(COOLING) == ["Off", "Normal", "SensorLost", "Manual", "Cranking", "RunOn"]
