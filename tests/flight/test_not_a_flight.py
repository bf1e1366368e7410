"""What looks like a flight and is none: every row of the false-positive catalogue.

Each test tells what the sensors see and who contradicts; a flight declared here would take the
driver's torque on the ground.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.car import CORNERS, Car, G_mps2, Level, Stretch, dampers, pedal, wheels
from tests.flight.flights import (
    AIR,
    SUSPECT,
    GROUND_radps,
    Jump,
    STATIC_mm,
    first_ms,
    fly,
    flying_start,
    is_in,
    spans_ms,
    states,
    stays_on_the_ground,
)  # fmt: skip

type Column = NDArray[np.float64]

OUT_mm = 60.0
"""Past 20 % of the droop travel: the corner counts as out."""


def runaway(radps2: float) -> dict[str, Level]:
    """All wheels gain speed until they are at twice the speed of the ground."""
    return wheels(lambda t: np.minimum(GROUND_radps + radps2 * t, 2.0 * GROUND_radps))


def is_undisturbed(stretch: Stretch) -> bool:
    """Neither flight nor suspicion, and the driver has all his torque."""
    return states(stretch) == ["Ground"] and bool(np.all(stretch["torque.granted_Nm"] == 750.0))


# ---- roads


@pytest.mark.parametrize("lowest_g", [0.55, 0.64])
@pytest.mark.parametrize("duration_s", [0.3, 0.8])
def test_a_fast_crest_with_all_dampers_out_keeps_its_torque(
    lowest_g: float, duration_s: float
) -> None:
    def crest(t: Column) -> Column:
        return 1.0 - (1.0 - lowest_g) * np.sin(np.pi * np.clip((t - 0.2) / duration_s, 0, 1))

    driven = flying_start().drive(
        1500,
        SpecificForceZ_mps2=lambda t: G_mps2 * crest(t),
        **dampers(lambda t: STATIC_mm - 100.0 * (1.0 - crest(t)) / (1.0 - lowest_g)),
    )

    assert int(driven["flight_mode.evidence.corners_out"].max()) == 4
    assert is_undisturbed(driven)


@pytest.mark.parametrize("kph", [50, 70, 90])
def test_a_washboard_keeps_its_torque(kph: int) -> None:
    # Waves of 0.9 m; the axles work against each other and every damper passes its extended bound
    turn_radps = 2.0 * np.pi * kph / 3.6 / 0.9

    def travel(phase: float) -> Level:
        return lambda t: STATIC_mm + 45.0 * np.sin(turn_radps * t + phase)

    driven = flying_start().drive(
        3000,
        SpecificForceZ_mps2=lambda t: G_mps2 * (1.0 + 0.51 * np.sin(turn_radps * t)),
        **{f"DamperTravel{c}_mm": travel(0.0 if c[0] == "F" else np.pi) for c in CORNERS},
    )

    assert is_undisturbed(driven)


def whoops(dip_ms: int, period_ms: int, duration_ms: int) -> Stretch:
    """Dips of the force to 0.1 g with all dampers out meanwhile, over and over."""

    def low(t: Column) -> NDArray[np.bool_]:
        return np.asarray((1000.0 * t) % period_ms < dip_ms)

    return flying_start().drive(
        duration_ms,
        SpecificForceZ_mps2=lambda t: G_mps2 * np.where(low(t), 0.1, 1.3),
        **dampers(lambda t: np.where(low(t), OUT_mm, STATIC_mm + 30.0)),
    )


@pytest.mark.parametrize("dip_ms", [61, 68, 75])
@pytest.mark.parametrize("period_ms", [240, 360, 700, 950])
def test_whoops_are_never_a_flight_and_cost_torque_only_until_the_road_is_known_as_rough(
    dip_ms: int, period_ms: int
) -> None:
    driven = whoops(dip_ms, period_ms, 10_000)

    assert stays_on_the_ground(driven)
    suspect = is_in(driven, SUSPECT)
    assert len(spans_ms(suspect)) >= 9
    assert np.all(driven["flight_mode.is_rough"][-5000:] == 1)
    is_precut = suspect & (driven["flight_mode.bound_Nm"] < 0.31 * 750.0)
    assert len(spans_ms(is_precut)) == 2
    assert is_precut.mean() <= 0.05
    # From the third on: torque may not rise, and does not fall
    third = first_ms(driven["flight_mode.is_rough"] == 1)
    assert np.all(np.diff(driven["torque.granted_Nm"][third:]) >= 0.0)


def test_the_road_is_smooth_again_five_seconds_after_the_last_suspicion() -> None:
    car = flying_start()
    for _ in range(3):
        car.drive(70, SpecificForceZ_mps2=0.0)
        rough = car.drive(170, SpecificForceZ_mps2=G_mps2)
    assert rough["flight_mode.is_rough"][-1] == 1

    smooth = car.drive(6000)

    assert 4700 < first_ms(smooth["flight_mode.is_rough"] == 0) < 5000
    precut = car.drive(100, SpecificForceZ_mps2=0.0)
    assert precut["torque.granted_Nm"].min() < 0.31 * 750.0


def test_on_a_rough_road_a_real_flight_is_still_found_a_little_later() -> None:
    car = flying_start()
    for _ in range(3):
        car.drive(70, SpecificForceZ_mps2=0.0)
        car.drive(170, SpecificForceZ_mps2=G_mps2)

    flown = fly(Jump(400, lead_ms=300), car=car)

    assert 110 <= first_ms(is_in(flown, AIR)) - 300 <= 140
    assert flown["flight_mode.record.is_touched_down"][-1] == 1


def test_a_brake_dip_over_an_edge_lifts_the_rear_axle_alone() -> None:
    rear = lambda t: STATIC_mm - 110.0 * np.clip(t / 0.2, 0, 1)  # noqa: E731
    driven = flying_start().drive(
        800, BrakePedal_pct=80.0, **pedal(0.0),
        SpecificForceZ_mps2=0.7 * G_mps2, SpecificForceX_mps2=-8.0,
        DamperTravelFL_mm=200.0, DamperTravelFR_mm=200.0,
        DamperTravelRL_mm=rear, DamperTravelRR_mm=rear,
    )  # fmt: skip

    assert driven["flight_mode.evidence.lifted_axles"][-1] == 2
    assert states(driven) == ["Ground"]


@pytest.mark.parametrize("lifted", [("FL",), ("FL", "RR"), ("FL", "RL")])
def test_one_or_two_wheels_in_the_air_run_away_and_the_car_stands_on_the_others(
    lifted: tuple[str, ...],
) -> None:
    spin: Level = lambda t: np.minimum(GROUND_radps + 90.0 * t, 80.0)  # noqa: E731
    driven = flying_start().drive(
        1000,
        **{f"DamperTravel{c}_mm": 10.0 for c in lifted},
        **{f"WheelSpeed{c}_radps": spin for c in lifted},
    )

    assert is_undisturbed(driven)


@pytest.mark.parametrize("force_g", [0.75, 0.2])
def test_an_axle_that_is_lifted_alone_is_no_flight_even_under_low_force(force_g: float) -> None:
    # Nose high up a dune: the front dampers are at the stop, the rear carries the car
    front = lambda t: STATIC_mm - 125.0 * np.clip(t / 0.15, 0, 1)  # noqa: E731
    driven = flying_start().drive(
        1000, SpecificForceZ_mps2=force_g * G_mps2,
        DamperTravelFL_mm=front, DamperTravelFR_mm=front,
        DamperTravelRL_mm=200.0, DamperTravelRR_mm=200.0,
    )  # fmt: skip

    assert driven["flight_mode.evidence.lifted_axles"][-1] == 1
    assert stays_on_the_ground(driven)
    assert sum(spans_ms(is_in(driven, SUSPECT))) <= 200


@pytest.mark.parametrize(
    ("x_g", "y_g", "z_g"),
    [(0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (0.0, -1.0, -0.05), (1.0, 0.0, 0.0)],
    ids=["roof", "left side", "right side", "tail"],
)
def test_a_car_on_its_roof_or_side_is_not_flying(x_g: float, y_g: float, z_g: float) -> None:
    # Springs at the droop stop and wheels that run away: all but the norm of the force says flight
    driven = flying_start().drive(
        3000,
        SpecificForceX_mps2=x_g * G_mps2,
        SpecificForceY_mps2=y_g * G_mps2,
        SpecificForceZ_mps2=z_g * G_mps2,
        **dampers(lambda t: STATIC_mm - 125.0 * np.clip(t / 0.15, 0, 1)),
        **runaway(90.0),
    )

    assert stays_on_the_ground(driven)
    assert spans_ms(is_in(driven, SUSPECT)) == [200]


def test_a_slope_of_45_degrees_is_no_flight() -> None:
    driven = flying_start().drive(
        2000, SpecificForceX_mps2=0.71 * G_mps2, SpecificForceZ_mps2=0.71 * G_mps2
    )

    assert is_undisturbed(driven)


def test_a_side_slope_of_35_degrees_with_its_uphill_wheels_light_is_no_flight() -> None:
    uphill = {f"DamperTravel{corner}_mm": OUT_mm for corner in ("FL", "RL")}
    downhill = {f"DamperTravel{corner}_mm": 190.0 for corner in ("FR", "RR")}

    driven = flying_start().drive(
        2000, SpecificForceY_mps2=-0.57 * G_mps2, SpecificForceZ_mps2=0.82 * G_mps2,
        **uphill, **downhill,
    )  # fmt: skip

    assert is_undisturbed(driven)


def test_a_kerb_taken_at_speed_is_no_flight() -> None:
    # Given a kerb: each axle is hit, its dampers compress and spring back, and the body is light
    # for as long as that takes; the rear follows 180 ms after the front
    def hit(t: Column, at_s: float) -> Column:
        return np.where((t >= at_s) & (t < at_s + 0.03), 1.0, 0.0)

    def rebound(t: Column, at_s: float) -> Column:
        return np.where((t >= at_s + 0.03) & (t < at_s + 0.09), 1.0, 0.0)

    def axle(at_s: float) -> Level:
        return lambda t: STATIC_mm + 90.0 * hit(t, at_s) - 60.0 * rebound(t, at_s)

    driven = flying_start().drive(
        1000,
        SpecificForceZ_mps2=lambda t: G_mps2 * (
            1.0 + 2.5 * (hit(t, 0.2) + hit(t, 0.38)) - 0.8 * (rebound(t, 0.2) + rebound(t, 0.38))
        ),
        DamperTravelFL_mm=axle(0.2), DamperTravelFR_mm=axle(0.2),
        DamperTravelRL_mm=axle(0.38), DamperTravelRR_mm=axle(0.38),
    )  # fmt: skip

    # Then it may look suspicious for a moment, but it is never declared
    assert stays_on_the_ground(driven)
    assert max(spans_ms(is_in(driven, SUSPECT)), default=0) <= 60


# ---- garage, lift, mud


@pytest.mark.parametrize("has_ground_speed", [True, False])
def test_a_car_on_a_jack_with_spinning_wheels_is_not_flying(has_ground_speed: bool) -> None:
    silent = () if has_ground_speed else ("VehicleMotion",)
    car = flying_start(silent=silent)
    car.drive(4000, GroundSpeed_mps=0.0, **wheels(0.0), **pedal(0.0))

    lifted = car.drive(
        3000,
        **dampers(lambda t: STATIC_mm - 125.0 * np.clip(t / 0.5, 0, 1)),
        **wheels(lambda t: np.clip(90.0 * (t - 1.0), 0.0, 80.0)),
    )

    assert states(lifted) == ["Ground"]


def test_a_car_that_falls_off_its_jack_stands_and_is_not_flying() -> None:
    car = flying_start()
    car.drive(4000, GroundSpeed_mps=0.0, **wheels(0.0), **pedal(0.0))

    fallen = fly(Jump(200), wheels(0.0), car=car)

    assert states(fallen) == ["Ground"]


@pytest.mark.parametrize("force_g", [1.0, 0.7])
def test_wheelspin_in_mud_with_dampers_out_is_no_flight(force_g: float) -> None:
    driven = flying_start().drive(
        1500,
        SpecificForceZ_mps2=lambda t: G_mps2 * (force_g + 0.15 * np.sin(50.0 * t)),
        **dampers(OUT_mm),
        **runaway(70.0),
    )

    evidence = "flight_mode.evidence."
    assert driven[evidence + "wheel[0].is_running_away"].any()
    assert not driven[evidence + "is_wheel_flying"].any()
    assert states(driven) == ["Ground"]


# ---- sensors


def square_wave(rate_hz: int) -> Level:
    """The force of a contact that comes and goes: 0 g, 1 g, 0 g."""
    return lambda t: np.where((t * rate_hz + 1e-9) % 1.0 < 0.5, 0.0, G_mps2)


def test_a_force_stuck_at_zero_costs_one_suspicion_and_then_says_that_it_is_frozen() -> None:
    car = flying_start()
    car.frozen |= {f"SpecificForce{axis}_mps2" for axis in "XYZ"}
    stuck = car.drive(
        4000, SpecificForceX_mps2=0.0, SpecificForceY_mps2=0.0, SpecificForceZ_mps2=0.0
    )

    assert stays_on_the_ground(stuck)
    assert spans_ms(is_in(stuck, SUSPECT)) == [200]
    assert first_ms(stuck["flight_mode.evidence.is_inertial_frozen"] == 1) <= 1010
    assert stuck.texts("flight_mode.detector_mode") == ["Full", "Off"]
    assert stuck["torque.granted_Nm"][-1] == 750.0


def test_a_force_that_lies_at_zero_with_noise_costs_one_suspicion() -> None:
    lying = flying_start().drive(4000, SpecificForceZ_mps2=0.0)

    assert stays_on_the_ground(lying)
    assert spans_ms(is_in(lying, SUSPECT)) == [200]


@pytest.mark.parametrize("travel_mm", [0.0, 10.0], ids=["at the stop", "near the stop"])
@pytest.mark.parametrize("is_frozen", [True, False])
def test_dampers_at_full_droop_alone_are_no_flight(travel_mm: float, is_frozen: bool) -> None:
    car = flying_start()
    if is_frozen:
        car.frozen |= {f"DamperTravel{c}_mm" for c in CORNERS}
    driven = car.drive(3000, **dampers(travel_mm))

    assert is_undisturbed(driven)


def test_an_inertial_unit_that_froze_on_the_ground_is_told_from_a_smooth_road() -> None:
    car = flying_start()
    car.frozen |= {f"SpecificForce{axis}_mps2" for axis in "XYZ"}
    frozen = car.drive(2000)

    assert frozen.texts("flight_mode.detector_mode") == ["Full", "Off"]
    car.frozen.clear()
    alive = car.drive(500)
    assert alive.texts("flight_mode.detector_mode")[-1] == "Full"


@pytest.mark.parametrize("rate_hz", [5, 7, 10, 15, 25, 50, 100, 125, 200, 333, 500])
def test_contact_chatter_of_a_loaded_car_is_no_flight(rate_hz: int) -> None:
    chatter = flying_start().drive(4000, SpecificForceZ_mps2=square_wave(rate_hz))

    assert stays_on_the_ground(chatter)
    assert (chatter["flight_mode.bound_Nm"] < 0.31 * 750.0).mean() <= 0.05


@pytest.mark.parametrize("rate_hz", [6, 7, 10, 15, 25, 50, 90, 125, 190])
def test_contact_chatter_with_all_dampers_out_is_no_flight(rate_hz: int) -> None:
    # 5 Hz is left out: 0 g for 100 ms with all dampers out is a flight. So is 200 Hz: the bus
    # samples the force at that very rate, and every sample reads 0 g.
    chatter = flying_start().drive(
        4000, SpecificForceZ_mps2=square_wave(rate_hz), **dampers(OUT_mm)
    )

    assert stays_on_the_ground(chatter)


@pytest.mark.parametrize("status", [1, 3], ids=["called valid", "called invalid"])
@pytest.mark.parametrize("glitch_mps2", [-64.0, 64.0])
def test_one_wild_sample_on_all_axes_is_nothing(status: int, glitch_mps2: float) -> None:
    car = flying_start()
    wild = car.drive(
        5, AccelStatus=status, **{f"SpecificForce{a}_mps2": glitch_mps2 for a in "XYZ"}
    )
    after = car.drive(
        500, AccelStatus=1, SpecificForceX_mps2=0.0, SpecificForceY_mps2=0.0,
        SpecificForceZ_mps2=G_mps2,
    )  # fmt: skip

    assert is_undisturbed(wild)
    assert is_undisturbed(after)


@pytest.mark.parametrize("glitch_mps2", [-64.0, 64.0])
def test_one_wild_sample_in_the_air_ends_no_flight(glitch_mps2: float) -> None:
    car = flying_start()
    jump = Jump(800)
    signals = jump.signals()
    for axis in "XYZ":
        level = np.array(signals.get(f"SpecificForce{axis}_mps2", np.zeros(jump.duration_ms)))
        level[400:405] = glitch_mps2
        signals[f"SpecificForce{axis}_mps2"] = level

    flown = car.drive(jump.duration_ms, **signals)

    assert states(flown) == ["Ground", "Suspect", "Air", "Landing", "Ramp", "Ground"]
    assert abs(int(flown["flight_mode.record.air_time_ms"][-1]) - 800) <= 20


def test_wheels_at_their_unknown_code_for_120_ms_are_missing_wheels_and_nothing_else() -> None:
    car = flying_start()
    unknown = car.drive(120, **wheels(327.6))
    after = car.drive(500, **wheels(GROUND_radps))

    assert unknown["flight_mode.missing_mask"][-1] == 4
    assert after["flight_mode.missing_mask"][-1] == 0
    assert is_undisturbed(unknown)
    assert is_undisturbed(after)


@pytest.mark.parametrize("boot", [np.nan, 0.0], ids=["not available", "zero"])
def test_values_at_key_on_are_no_flight(boot: float) -> None:
    # Nothing is known for a second, or everything reads 0; then the car stands, and drives off
    car = Car()
    flight_signals = [s for s in car.signals if "Status" not in s and "Switch" not in s]
    started = car.drive(1000, **dict.fromkeys(flight_signals, boot))
    standing = {name: level for name, level in Car().signals.items() if name in flight_signals}
    standing |= {**wheels(0.0), **pedal(0.0), "GroundSpeed_mps": 0.0}
    stands = car.drive(1000, **standing)
    drives = car.drive(
        3000, GroundSpeed_mps=lambda t: 5.0 * t, **wheels(lambda t: 5.0 * t / 0.43), **pedal(30.0)
    )

    for stretch in (started, stands, drives):
        assert states(stretch) == ["Ground"]
    assert started["torque.granted_Nm"].max() <= 0.0


# ---- when no flight is permitted

forbidding = pytest.mark.parametrize(
    "forbidden",
    [
        {"GroundSpeed_mps": 6.9, **wheels(16.0)},
        *({"Gear": gear, "TargetGear": gear} for gear in (0, 9, 10)),
        {"FlightModeSwitch": 0},
    ],
    ids=["below 25 km/h", "neutral", "reverse", "park", "switched off"],
)  # fmt: skip


@forbidding
def test_there_is_no_flight_where_none_is_permitted(forbidden: dict[str, Level]) -> None:
    car = flying_start()
    car.drive(200, **forbidden)
    jumped = fly(Jump(600), forbidden, car=car)

    assert jumped["flight_mode.evidence.is_damper_flying"].max() == 1
    assert states(jumped) == ["Ground"]
    assert jumped["flight_mode.flight_count"][-1] == 0


@forbidding
def test_a_flight_ends_in_the_ramp_when_it_is_not_permitted_any_more(
    forbidden: dict[str, Level],
) -> None:
    car = flying_start()
    fly(Jump(1000), car=car, duration_ms=401)
    assert car.ecu.text("flight_mode.state") == "Air"

    ended = car.drive(600, **forbidden)

    assert states(ended) == ["Air", "Ramp", "Ground"]
    # The slowest of these messages comes every 50 ms, and a switch is believed after 100 ms.
    assert spans_ms(is_in(ended, AIR))[0] <= (61 if "FlightModeSwitch" not in forbidden else 111)
    assert "EvidenceLost" in ended.texts("flight_mode.cause")


@pytest.mark.parametrize("gear", [1, 2, 3, 4, 5, 6, 7, 8, np.nan])
def test_every_forward_gear_and_an_unknown_one_permit_a_flight(gear: float) -> None:
    car = flying_start()
    car.drive(200, Gear=gear)

    assert "Air" in states(fly(Jump(300), car=car))
