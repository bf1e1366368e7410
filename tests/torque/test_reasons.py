"""Who takes torque away, and how much: one story for each reason."""

import numpy as np
import pytest

from tests.benches import REASON, bound, calibrated
from tests.car import Car, RASTER_ms, Stretch, pedal

GEARBOX_Nm = 750.0
UNLIMITED_Nm = 2000.0


def settled(car: Car, duration_ms: int = 2000) -> Stretch:
    return car.drive(duration_ms)


def assert_reason(stretch: Stretch, reason: str) -> None:
    assert stretch["torque.reason"][-1] == REASON[reason], stretch.texts("torque.reason")


def test_with_nothing_in_the_way_the_driver_gets_what_he_asks_for() -> None:
    driven = settled(Car())

    assert driven["torque.granted_Nm"][-1] == driven["torque.demand_Nm"][-1] == 750.0
    assert_reason(driven, "None")


def test_the_gearbox_bounds_its_input_torque() -> None:
    car = Car(calibrated(torque__gearbox_max_Nm=600.0))

    driven = settled(car)

    assert driven["torque.granted_Nm"][-1] == 600.0
    assert_reason(driven, "Gearbox")


def test_the_restrictor_bounds_torque_at_high_engine_speed() -> None:
    driven = settled(Car(signals={"EngineSpeed_rpm": 5500.0}))

    power_kW = driven["intake.power_cap_kW"][-1]
    assert driven["torque.granted_Nm"][-1] == pytest.approx(
        power_kW * 1000.0 / (5500.0 * np.pi / 30.0), abs=0.01
    )
    assert_reason(driven, "Restrictor")


def test_power_is_capped_alike_at_all_speeds_above_the_corner() -> None:
    car = Car()
    settled(car)

    powers = []
    for speed_rpm in (4500.0, 5500.0, 6500.0):
        driven = car.drive(1000, EngineSpeed_rpm=speed_rpm)
        powers.append(driven["torque.granted_Nm"][-1] * speed_rpm * np.pi / 30_000.0)

    assert np.ptp(powers) < 0.01


@pytest.mark.parametrize(
    ("speed_rpm", "granted_Nm"), [(6775.0, 562.5), (6850.0, 375.0), (6990.0, 25.0)]
)
def test_the_soft_limit_takes_torque_in_proportion(speed_rpm: float, granted_Nm: float) -> None:
    car = Car(calibrated(intake__restrictor_mm=60.0), signals={"EngineSpeed_rpm": speed_rpm})

    driven = settled(car)

    assert driven["torque.granted_Nm"][-1] == pytest.approx(granted_Nm, abs=0.5)
    assert_reason(driven, "RevSoft")


def test_the_hard_limit_cuts_and_lets_go_fifty_rpm_lower() -> None:
    car = Car()
    settled(car)

    for speed_rpm, is_cut in (
        (7099.0, 0),
        (7100.0, 1),
        (7051.0, 1),
        (7050.0, 1),
        (7049.0, 0),
        (7099.0, 0),
    ):
        driven = car.drive(50, EngineSpeed_rpm=speed_rpm)
        assert driven["torque.is_cut"][-1] == is_cut, speed_rpm
        assert (driven[bound("RevHard")][-1] == 0.0) == (is_cut == 1)
        if is_cut:
            assert driven["torque.granted_Nm"][-1] == 0.0
            assert_reason(driven, "RevHard")


@pytest.mark.parametrize(
    ("signal", "reason", "start_degC", "half_degC"),
    [
        ("CoolantIn_degC", "Coolant", 108.0, 118.0),
        ("EngineOil_degC", "EngineOil", 135.0, 155.0),
        ("ChargeAir_degC", "ChargeAir", 65.0, 95.0),
        ("GearboxOil_degC", "GearboxOil", 115.0, 135.0),
    ],
)
class TestHeat:
    """The same claims for each of the four temperatures."""

    def car(self, signal: str, start_at_degC: float) -> Car:
        record = ["torque.granted_Nm", "torque.reason", "torque.demand_Nm"]
        record += [bound(reason) for reason in ("Coolant", "EngineOil", "ChargeAir", "GearboxOil")]
        car = Car(signals={signal: start_at_degC}, record=record)
        car.drive(3000)
        return car

    def test_up_to_the_start_nothing_is_taken(
        self, signal: str, reason: str, start_degC: float, half_degC: float
    ) -> None:
        driven = self.car(signal, start_degC - 0.25).drive(20_000)

        assert driven[bound(reason)].min() == UNLIMITED_Nm

    def test_the_bound_is_on_the_straight_line_to_half(
        self, signal: str, reason: str, start_degC: float, half_degC: float
    ) -> None:
        driven = self.car(signal, start_degC + 0.4 * (half_degC - start_degC)).drive(20_000)

        assert driven["torque.granted_Nm"][-1] == pytest.approx(600.0, abs=4.0)
        assert_reason(driven, reason)

    def test_the_bound_falls_by_20_and_rises_by_10_newton_metres_a_second(
        self, signal: str, reason: str, start_degC: float, half_degC: float
    ) -> None:
        car = self.car(signal, start_degC - 6.0)

        hot = min(start_degC + 4.5, half_degC)
        falling = car.drive(
            9000, **{signal: lambda t_s: np.minimum(start_degC - 2.0 + 4.0 * t_s, hot)}
        )
        rising = car.drive(
            9000, **{signal: lambda t_s: np.maximum(hot - 4.0 * t_s, start_degC - 6.0)}
        )

        fall = np.diff(np.minimum(falling[bound(reason)], GEARBOX_Nm))
        rise = np.diff(np.minimum(rising[bound(reason)], GEARBOX_Nm))
        assert fall.min() == pytest.approx(-0.02 * RASTER_ms, abs=1e-4)
        assert rise.max() == pytest.approx(0.01 * RASTER_ms, abs=1e-4)

    def test_a_falling_temperature_gives_torque_back_only_two_kelvin_later(
        self, signal: str, reason: str, start_degC: float, half_degC: float
    ) -> None:
        car = self.car(signal, start_degC)
        half_way = (start_degC + half_degC) / 2.0
        step = (half_degC - start_degC) / 20.0
        hot = car.drive(20_000, **{signal: lambda t_s: np.minimum(start_degC + t_s, half_way)})

        within = car.drive(15_000, **{signal: half_way - 1.5})
        below = car.drive(15_000, **{signal: half_way - 2.5 - step})

        assert hot[bound(reason)][-1] == pytest.approx(562.5, abs=4.0)
        assert within[bound(reason)].max() <= hot[bound(reason)][-1] + 0.01
        assert below[bound(reason)][-1] > hot[bound(reason)][-1] + 5.0


@pytest.mark.parametrize(
    ("signal", "limp_degC", "half_degC"),
    [
        ("CoolantIn_degC", 122.0, 118.0),
        ("EngineOil_degC", 155.5, 155.0),
        ("GearboxOil_degC", 135.5, 135.0),
    ],
)
def test_beyond_the_limp_temperature_torque_goes_to_a_quarter(
    signal: str, limp_degC: float, half_degC: float
) -> None:
    record = ["torque.granted_Nm", "torque.reason", "derate.is_limp[0]"]
    car = Car(signals={signal: limp_degC - 0.25}, record=record)
    below = car.drive(30_000)

    limp = car.drive(25_000, **{signal: limp_degC + 0.5})
    band = car.drive(5_000, **{signal: half_degC + 0.25})
    out = car.drive(30_000, **{signal: half_degC - 0.5})

    assert below["torque.granted_Nm"][-1] == pytest.approx(375.0, abs=0.1)
    assert limp["torque.granted_Nm"][-1] == pytest.approx(187.5, abs=0.1)
    assert band["torque.granted_Nm"][-1] == pytest.approx(187.5, abs=0.1)
    assert out["torque.granted_Nm"][-1] > 370.0


def test_charge_air_never_goes_to_limp() -> None:
    car = Car(signals={"ChargeAir_degC": 150.0}, record=["torque.granted_Nm"])

    assert car.drive(60_000)["torque.granted_Nm"][-1] == pytest.approx(375.0, abs=0.1)


@pytest.mark.parametrize(
    "signal", ["CoolantIn_degC", "EngineOil_degC", "ChargeAir_degC", "GearboxOil_degC"]
)
def test_a_lost_temperature_leaves_sixty_percent(signal: str) -> None:
    car = Car(record=["torque.granted_Nm", "torque.reason"])
    car.drive(2000)

    lost = car.drive(25_000, **{signal: float("nan")})

    assert lost["torque.granted_Nm"][-1] == pytest.approx(450.0, abs=0.1)
    assert np.diff(lost["torque.granted_Nm"]).min() > -0.021 * RASTER_ms
    assert_reason(lost, "SensorLimp")


def test_a_silent_gearbox_leaves_less_torque() -> None:
    car = Car()
    settled(car)
    car.silent = {"GearboxState"}

    lost = car.drive(40)

    assert lost["torque.granted_Nm"][-1] == 500.0
    assert_reason(lost, "SensorLimp")


def test_a_single_pedal_track_gives_half_the_pedal() -> None:
    car = Car()
    settled(car)

    single = car.drive(1000, AcceleratorTrack2_pct=float("nan"))

    # 95 % is left of the track for the tolerance, half of it counts: 47.5 % pedal
    share = 0.18 + (0.42 - 0.18) * (0.475 - 0.25) / 0.25
    assert single["torque.granted_Nm"][-1] == pytest.approx(-90.0 + 840.0 * share, abs=1.0)
    assert_reason(single, "Driver")


def test_disagreeing_tracks_count_as_half_the_lower_one() -> None:
    car = Car()
    settled(car)

    first = car.drive(90, AcceleratorTrack1_pct=60.0)
    then = car.drive(1000)

    assert set(first.texts("demand.pedal")) == {"Both"}
    assert then.texts("demand.pedal")[-1] == "Disagree"
    share = 0.18 + (0.42 - 0.18) * (0.30 - 0.25) / 0.25
    assert then["torque.granted_Nm"][-1] == pytest.approx(-90.0 + 840.0 * share, abs=1.0)
    assert_reason(then, "Driver")


def test_tracks_are_believed_again_after_a_second_of_agreement() -> None:
    car = Car()
    settled(car)
    car.drive(500, AcceleratorTrack1_pct=60.0)

    agreed = car.drive(1100, **pedal(100.0))

    is_doubted = agreed["demand.pedal"] != 0
    assert is_doubted[:990].all()
    assert not is_doubted[1020:].any()


@pytest.mark.parametrize("lying", ["AcceleratorTrack1_pct", "AcceleratorTrack2_pct"])
def test_when_one_of_two_disagreeing_tracks_is_lost_the_other_is_not_believed(lying: str) -> None:
    honest = ({"AcceleratorTrack1_pct", "AcceleratorTrack2_pct"} - {lying}).pop()
    car = Car(signals=pedal(0.0))
    settled(car)
    car.drive(500, **{lying: 100.0})

    lost = car.drive(2000, **{honest: float("nan")})

    assert lost["torque.granted_Nm"].max() <= 0.0
    assert lost.texts("demand.pedal") == ["Lost"]


def test_with_both_tracks_lost_torque_holds_and_then_goes_to_overrun() -> None:
    car = Car()
    settled(car)
    car.silent = {"DriverDemand"}

    lost = car.drive(1000)
    granted = lost["torque.granted_Nm"]

    assert (granted[:120] == 750.0).all()
    assert granted[500] == granted[-1] == pytest.approx(-90.0)
    assert np.diff(granted).min() > -4.5


def test_a_silent_engine_holds_torque_and_then_takes_it_away() -> None:
    car = Car()
    settled(car)
    car.silent = {"EngineState"}

    lost = car.drive(1000)
    granted = lost["torque.granted_Nm"]

    assert (granted[:115] == 750.0).all()
    assert granted[450] == granted[-1] == 0.0
    assert np.diff(granted).min() == pytest.approx(-2.5, abs=0.01)
    assert_reason(lost, "Link")


@pytest.mark.parametrize(
    ("signal", "stop", "go"), [("KillSwitch", 1, 0), ("Ignition", 0, 1)], ids=["kill", "ignition"]
)
class TestStop:
    """The same claims for the kill switch and the ignition."""

    def test_it_takes_all_torque_at_once_and_cuts(self, signal: str, stop: int, go: int) -> None:
        car = Car()
        settled(car)

        stopped = car.drive(30, **{signal: float(stop)})

        assert stopped["torque.granted_Nm"][0] == 0.0
        assert stopped["torque.is_cut"].all()
        assert_reason(stopped, "Stop")

    @pytest.mark.parametrize("silence", ["not available", "message"])
    def test_a_switch_that_cannot_be_read_stays_where_it_was(
        self, signal: str, stop: int, go: int, silence: str
    ) -> None:
        car = Car()
        settled(car)
        car.drive(30, **{signal: float(stop)})

        if silence == "message":
            car.silent = {"DriverDemand" if signal == "KillSwitch" else "EngineState"}
            unread = car.drive(2000)
        else:
            unread = car.drive(2000, **{signal: float("nan")})

        assert unread["torque.granted_Nm"].max() <= 0.0
        assert unread["torque.is_cut"].all()

    def test_a_switch_that_was_never_heard_stops_nothing(
        self, signal: str, stop: int, go: int
    ) -> None:
        driven = settled(Car(signals={signal: float("nan")}))

        assert driven["torque.granted_Nm"][-1] == 750.0

    def test_torque_comes_back_as_after_a_fault(self, signal: str, stop: int, go: int) -> None:
        car = Car()
        settled(car)
        car.drive(30, **{signal: float(stop)})

        back = car.drive(2000, **{signal: float(go)})

        assert np.diff(back["torque.granted_Nm"]).max() == pytest.approx(0.5, abs=1e-3)
        assert not back["torque.is_cut"].any()
        assert back["torque.granted_Nm"][-1] == 750.0


def test_overrun_is_kept_whatever_binds() -> None:
    car = Car(
        signals={"CoolantIn_degC": 130.0, "GearboxOil_degC": float("nan"), **pedal(0.0)},
        record=["torque.granted_Nm", "torque.demand_Nm", "torque.reason"],
    )

    driven = car.drive(30_000)

    assert driven["torque.demand_Nm"][-1] == pytest.approx(-90.0)
    assert (driven["torque.granted_Nm"] == driven["torque.demand_Nm"]).all()
    assert_reason(driven, "None")


def test_the_air_path_stays_ready_behind_a_fast_bound_and_follows_a_slow_one() -> None:
    car = Car(calibrated(intake__restrictor_mm=60.0))
    settled(car)

    fast = car.drive(100, EngineSpeed_rpm=6850.0)
    slow = car.drive(100, EngineSpeed_rpm=3252.0, GearboxOil_degC=90.0, Gear=float("nan"))

    full_load_Nm = fast["torque.demand_Nm"][-1]
    assert fast["torque.granted_Nm"][-1] == pytest.approx(375.0, abs=0.5)
    assert fast["torque.air_path_Nm"][-1] == pytest.approx(min(full_load_Nm, 750.0), abs=0.5)
    assert slow["torque.air_path_Nm"][-1] == 500.0


class TestWinner:
    """Which reason is named when several bind."""

    def test_the_runner_up_is_the_next_bound_and_the_margin_what_lies_between(self) -> None:
        car = Car(signals={"EngineSpeed_rpm": 5500.0, "Gear": float("nan")})

        driven = settled(car)

        cap_Nm = driven[bound("Restrictor")][-1]
        assert driven["torque.granted_Nm"][-1] == min(cap_Nm, 500.0)
        named = {driven["torque.reason"][-1], driven["torque.runner_up"][-1]}
        assert named == {REASON["Restrictor"], REASON["SensorLimp"]}
        assert driven["torque.margin_Nm"][-1] == pytest.approx(abs(cap_Nm - 500.0), abs=1e-3)

    def test_with_no_winner_the_margin_is_counted_from_demand(self) -> None:
        driven = settled(Car(signals=pedal(50.0)))

        assert_reason(driven, "None")
        assert driven["torque.runner_up"][-1] == REASON["Gearbox"]
        assert driven["torque.margin_Nm"][-1] == pytest.approx(
            750.0 - driven["torque.demand_Nm"][-1], abs=1e-3
        )

    def test_on_equal_bounds_the_higher_number_wins(self) -> None:
        car = Car(signals={"EngineSpeed_rpm": 7200.0})
        settled(car)

        both = car.drive(30, KillSwitch=1.0)

        assert both[bound("RevHard")][-1] == both[bound("Stop")][-1] == 0.0
        assert_reason(both, "Stop")
        assert both["torque.runner_up"][-1] == REASON["RevHard"]
        assert both["torque.margin_Nm"][-1] == 0.0


class TestHandBack:
    """How torque returns when a reason is gone."""

    def test_after_an_engine_speed_limit_it_rises_by_3000_newton_metres_a_second(self) -> None:
        car = Car()
        settled(car)
        car.drive(100, EngineSpeed_rpm=7200.0)

        back = car.drive(500, EngineSpeed_rpm=3252.0)

        assert np.diff(back["torque.granted_Nm"]).max() == pytest.approx(3.0, abs=1e-3)
        assert back["torque.granted_Nm"][-1] == 750.0

    @pytest.mark.parametrize(
        ("message", "silence_ms"),
        [("DriverDemand", 600), ("EngineState", 600), ("GearboxState", 600)],
    )
    def test_after_a_silent_message_it_rises_by_500(self, message: str, silence_ms: int) -> None:
        car = Car()
        settled(car)
        car.silent = {message}
        lost = car.drive(silence_ms)
        car.silent = set()

        back = car.drive(3000)

        before_Nm = lost["torque.granted_Nm"][-1]
        rises = np.diff(back["torque.granted_Nm"], prepend=before_Nm)
        is_driving = back["torque.granted_Nm"] > 30.0  # overrun, which no fault bounds, ends sooner
        assert rises[is_driving].max() == pytest.approx(0.5, abs=1e-3)
        if message != "GearboxState":  # whose oil needs ten seconds to be believed again
            assert back["torque.granted_Nm"][-1] == 750.0

    def test_what_binds_meanwhile_does_not_speed_up_the_return_from_a_fault(self) -> None:
        car = Car()
        settled(car)
        car.drive(50, KillSwitch=1.0)

        back = car.drive(500, KillSwitch=0.0, Gear=float("nan"))

        assert np.diff(back["torque.granted_Nm"]).max() == pytest.approx(0.5, abs=1e-3)
        assert back["torque.granted_Nm"][-1] < 260.0

    def test_a_driver_who_presses_again_during_the_return_does_not_speed_it_up(self) -> None:
        car = Car()
        settled(car)
        car.drive(50, KillSwitch=1.0)
        car.drive(200, KillSwitch=0.0)
        lifted = car.drive(300, **pedal(0.0))

        pressed = car.drive(400, **pedal(100.0))

        assert lifted["torque.granted_Nm"][-1] == pytest.approx(-90.0)
        assert pressed["torque.granted_Nm"].max() <= 0.5 * (200 + 300 + 400) + 1.0

    def test_the_reason_is_named_until_torque_has_arrived(self) -> None:
        car = Car()
        settled(car)
        car.drive(50, KillSwitch=1.0)

        back = car.drive(3000, KillSwitch=0.0)

        assert back.texts("torque.reason") == ["Stop", "None"]
