"""Every reason of the unit has a sentence, and every place of every sentence can be filled."""

import pytest

from d7xr.calibration import default_set
from d7xr.ecu import Ecu, choices_of
from d7xr.explain import words
from d7xr.explain.moment import duration, places, quantity
from d7xr.explain.past import STORY_STATES

TABLES = {
    "torque_reason_t": words.REASONS,
    "flight_mode_state_t": words.FLIGHT_STATES,
    "flight_mode_cause_t": words.FLIGHT_CAUSES,
    "flight_mode_detector_t": words.DETECTORS,
    "cooling_state_t": words.COOLING_STATES,
}


@pytest.mark.parametrize("enum", TABLES)
def test_every_word_of_the_unit_has_a_sentence_and_no_sentence_is_left_over(enum: str) -> None:
    assert set(TABLES[enum]) == set(choices_of(enum).values())


def templates() -> list[str]:
    found: list[str] = []
    for name in filter(str.isupper, dir(words)):
        table = getattr(words, name)
        for value in table.values() if isinstance(table, dict) else ():
            if isinstance(value, words.Reason):
                found += [value.because, *value.cases.values()]
            else:
                found.append(str(value))
    return [template for template in found if template]


def test_every_place_is_a_state_a_calibration_number_or_told_by_the_code() -> None:
    states = {field.name for field in Ecu.fields()}
    calibration = default_set().values
    checked = 0
    for template in templates():
        for place in places(template):
            checked += 1
            kind, _, name = place.rpartition(":")
            if kind == "cal":
                plain, _, index = name.partition("[")
                value = calibration[plain]
                assert bool(index) == isinstance(value, tuple), place
                if isinstance(value, tuple):
                    assert int(index.rstrip("]")) < len(value), place
            elif kind == "since":
                assert name in STORY_STATES, place
            elif "." in place:
                assert place in states, place
            else:
                assert place.replace("_", "").isalnum(), place
    assert checked > 100


def test_every_sentence_begins_and_ends_like_one() -> None:
    fragments = {*words.CUTS.values()}

    for sentence in templates():
        is_one = sentence[-1] == "." and (sentence[0] == "{" or sentence[0].isupper())
        assert is_one or sentence in fragments, sentence


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "Nm", "0 Nm"),
        (-0.4, "Nm", "0 Nm"),
        (-90.0, "Nm", "-90 Nm"),
        (7012.4, "rpm", "7,012 rpm"),
        (0.05, "-", "5 %"),
        (116, "ms", "116 ms"),
        (65_535, "ms", "more than 65 s"),
        (3.0, "", "3"),
    ],
)
def test_a_number_has_its_unit_and_no_more_digits_than_it_deserves(
    value: float, unit: str, text: str
) -> None:
    assert quantity(value, unit) == text


def test_long_times_are_told_in_seconds() -> None:
    assert [duration(ms) for ms in (9_999, 10_000, 600_000)] == ["9999 ms", "10.0 s", "600.0 s"]
