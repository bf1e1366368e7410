"""The shipped drive explained, word for word."""

from itertools import pairwise

from d7xr.explain import intervals, tick_of
from tests.explain.bench import demo, told


def test_in_the_air_torque_is_taken_because_the_wheels_are_too_fast() -> None:
    assert told(demo(), "flight", "1", topic="torque") == [
        "Of the 749 Nm that the driver asks for, 0 Nm are granted: the flight wins (FlightAir).",
        "In the air the wheels are to turn as the ground will come back to them: they turn at "
        "56.0 rad/s, the ground at 42.0 rad/s, so 0 Nm are left.",
        "That has been so for 39 ms.",
        "Next comes the air restrictor (Restrictor) at 539 Nm, 539 Nm higher.",
        "The pedal asks for 100 % at 4,684 rpm, where 750 Nm are full load.",
        "Combustion is off: the wheels are more than 5 % faster than the ground.",
        "The air path keeps 539 Nm ready, so that giving back needs no turbo spool.",
    ]


def test_the_flight_names_its_witnesses_and_their_numbers() -> None:
    assert told(demo(), "flight", "1", topic="flight") == [
        "The car flies, for 128 ms now.",
        "Low specific force and the dampers agreed on it.",
        "Specific force, dampers and wheels can be asked.",
        "Specific force: -0.3 m/s^2 vertical and 0.3 m/s^2 in all, low enough for a flight (below "
        "3.4 m/s^2 and 5.9 m/s^2).",
        "Dampers: 4 of 4 corners are out, which speaks for a flight.",
        "Wheels: all four gain speed faster than grip allows, which speaks for a flight.",
        "Confidence in a flight is 100 %.",
    ]


def test_a_hot_climb_names_the_coolant_and_what_comes_behind_it() -> None:
    at = str(len(intervals(demo())))

    assert told(demo(), "limit", at, topic="torque") == [
        "Of the 727 Nm that the driver asks for, 634 Nm are granted: the coolant wins (Coolant).",
        "The coolant is at 111.1 degC: torque is taken from 108.0 degC on, half of it at "
        "118.0 degC, by 20 Nm/s at most.",
        "That has been so for 5304 ms.",
        "Next comes the gearbox (Gearbox) at 750 Nm, 116 Nm higher.",
        "The pedal asks for 98 % at 2,825 rpm, where 750 Nm are full load.",
    ]
    assert told(demo(), "limit", at, topic="faults") == [
        "CoolantHot (P0217, warning), for 6385 ms now. Seen: coolant above its derate start. Done "
        "about it: torque reduced by coolant. The crew: lift and keep rolling for air; look for "
        "sand on the radiator, coolant level and fans."
    ]


def test_fans_say_who_asks_and_what_would_change_it() -> None:
    assert told(demo(), "fan", "2", topic="fans") == [
        "The temperatures decide: 2 of four fans are wanted.",
        "The coolant at 92.0 degC asks for 2; one more at 96.0 degC; one less at 88.0 degC.",
        "Running: fan 1, 2.",
        "The coolant pump runs at 94 %.",
    ]


def test_before_the_car_has_spoken_what_is_silent_or_says_nothing_is_named() -> None:
    sensors = told(demo(), "0.05", topic="sensors")

    assert "AmbientState has never been heard." in told(demo(), "0", topic="sensors")
    assert any(s.startswith("specific_force_z_mps2: the sample says") for s in sensors)
    assert told(demo(), "40", topic="sensors") == ["Every input is believed."]


def test_the_driver_who_gets_what_he_asks_for_is_told_what_would_come_next() -> None:
    first, second, *_ = told(demo(), "20", topic="torque")

    assert first.startswith("The driver gets what he asks for: ")
    assert second.startswith("The nearest bound is the ")


def test_the_story_lists_each_limit_with_what_it_took_at_its_worst() -> None:
    story = intervals(demo())

    assert [i.number for i in story] == list(range(1, len(story) + 1))
    assert [i.reason for i in story[6:10]] == [
        "FlightSuspect", "FlightAir", "FlightLanding", "FlightRamp",
    ]  # fmt: skip
    assert story[7].text == (
        "24.974 to 25.161 s: the flight (FlightAir) left 0 Nm of 750 Nm at 25.020 s."
    )
    assert all(a.end_s <= b.start_s for a, b in pairwise(story))


def test_events_are_moments() -> None:
    past = demo()
    state = past.states["flight_mode.state"]

    assert [state[tick_of(past, ("takeoff", n))] for n in "123"] == [2, 2, 2]
    assert [state[tick_of(past, ("landing", n))] for n in "123"] == [3, 3, 3]
    assert tick_of(past, ("fault", "CoolantHot")) == tick_of(past, ("fault", "1")) == 81_609
    assert tick_of(past, ("end",)) == past.ticks - 1
