"""Which sets the unit starts with, and what it says of those that it refuses."""

import re
from pathlib import Path

import numpy as np
import pytest

from d7xr import _core
from d7xr.ecu import (
    Ecu,
    Parameter,
    calibration_check,
    calibration_default,
    calibration_hash,
    calibration_parameters,
    core_identity,
)
from tests.benches import calibrated
from tests.car import Car

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
IDS = Path(__file__).parent / "ids.txt"
REFUSED = 1 << 26
PARAMETERS = calibration_parameters()


def named(value: object) -> str:
    return str(getattr(value, "name", value))


def with_values(blob: bytes, parameter: Parameter, values: object) -> bytes:
    changed = bytearray(blob)
    ctype = "<f4" if parameter.ctype == "float" else "<u4"
    np.frombuffer(changed, ctype, parameter.count, parameter.offset)[:] = values
    return bytes(changed)


def starts_with_built_in(blob: bytes) -> bool:
    """Tell whether the unit refuses a set, by its fault and by the set that it names on the bus."""
    ecu = Ecu(blob)
    ecu.tick()
    refused = bool(int(ecu["fault.active_mask[0]"]) & REFUSED)
    is_built_in = ecu["calibration_hash"] == calibration_hash(calibration_default())
    assert refused == is_built_in or blob == calibration_default()
    return refused


def test_the_built_in_set_is_safe() -> None:
    assert calibration_check(calibration_default()) == ()
    assert not starts_with_built_in(calibration_default())


def test_a_safe_set_is_used_and_named_on_the_bus() -> None:
    blob = calibrated(torque__gearbox_max_Nm=600.0)

    assert not starts_with_built_in(blob)
    assert Ecu(blob)["calibration_hash"] == calibration_hash(blob)
    assert core_identity(blob)["calibration_id"] == f"{calibration_hash(blob):08x}"


@pytest.mark.parametrize("parameter", PARAMETERS, ids=named)
class TestRange:
    """Each number, beyond each end of its range."""

    def outside(self, parameter: Parameter) -> list[float]:
        if parameter.ctype != "float":
            beyond = [parameter.maximum + 1, 2**32 - 1]
            return beyond + ([parameter.minimum - 1] if parameter.minimum > 0 else [])
        lowest, highest = np.float32(parameter.minimum), np.float32(parameter.maximum)
        step = np.float32(np.inf)
        return [float(np.nextafter(lowest, -step)), float(np.nextafter(highest, step)),
                float("inf"), float("-inf"), float("nan")]  # fmt: skip

    def test_a_value_out_of_range_is_refused_by_name(self, parameter: Parameter) -> None:
        for value in self.outside(parameter):
            for place in range(parameter.count):
                values = np.full(parameter.count, parameter.default, dtype=object)
                values[:] = parameter.default
                values[place] = value
                blob = with_values(calibration_default(), parameter, values.astype(
                    np.float32 if parameter.ctype == "float" else np.uint32))  # fmt: skip

                findings = calibration_check(blob)

                assert parameter.name in {finding.name for finding in findings}, value
                assert starts_with_built_in(blob), value

    def test_its_default_is_in_range_and_it_says_what_it_is(self, parameter: Parameter) -> None:
        values = np.atleast_1d(np.asarray(parameter.default, dtype=np.float64))

        assert ((values >= parameter.minimum) & (values <= parameter.maximum)).all()
        assert parameter.minimum < parameter.maximum
        assert parameter.meaning
        assert parameter.source
        assert parameter.unit


RISING = (10.0, 20.0, 30.0, 40.0)
BREAKERS: dict[str, dict[str, float | tuple[float, ...]]] = {
    "CAL-FLIGHT-1": {"flight_mode__air_below_mps2": 4.0},
    "CAL-FLIGHT-2": {"flight_mode__clear_above_mps2": 4.0},
    "CAL-FLIGHT-3": {"flight_mode__suspect_dwell_ms": 90},
    "CAL-FLIGHT-4": {"flight_mode__inertial_only_dwell_ms": 90},
    "CAL-FLIGHT-5": {"flight_mode__suspect_max_ms": 130},
    "CAL-FLIGHT-6": {"flight_mode__air_max_ms": 1400},
    "CAL-FLIGHT-7": {"flight_mode__droop_level_ratio": 0.3, "flight_mode__corner_level_ratio": 0.3},
    "CAL-FLIGHT-8": {"flight_mode__wheel_accel_radps2": 200.0},
    "CAL-FLIGHT-9": {"flight_mode__frozen_ms": 100, "flight_mode__alive_ms": 100},
    "CAL-FLIGHT-10": {"flight_mode__static_travel_mm": (130.0, 45.0)},
    "CAL-DEMAND-1": {"demand__curve_speed_rpm": (600.0, 1821.0, 1821.0, 6835.0, 7324.0)},
    "CAL-DEMAND-2": {"demand__pedal_map": (0.0, 0.5, 0.4, 0.7, 1.0)},
    "CAL-DEMAND-3": {"demand__drag_full_rpm": 900.0},
    "CAL-DEMAND-4": {"demand__pedal_map": (0.1, 0.2, 0.4, 0.7, 1.0)},
    "CAL-TORQUE-1": {"torque__rev_soft_rpm": 7000.0},
    "CAL-TORQUE-2": {"torque__rev_hard_rpm": 6900.0},
    "CAL-TORQUE-3": {"torque__gearbox_max_Nm": 400.0},
    "CAL-TORQUE-4": {"torque__rise_Nmps": 500.0, "torque__heal_Nmps": 600.0},
    "CAL-DERATE-1": {"derate__half_degC": (118.0, 155.0, 65.0, 135.0)},
    "CAL-DERATE-2": {"derate__limp_degC": (122.0, 155.5, 200.0, 134.0)},
    "CAL-DERATE-3": {"derate__limp_ratio": 0.5, "derate__lost_ratio": 0.4},
    "CAL-COOL-1": {"cooling__coolant_on_degC": (88.0, 92.0, 92.5, 100.0)},
    "CAL-COOL-2": {"cooling__full_degC": 99.0},
    "CAL-COOL-3": {"cooling__full_degC": 107.5},
    "CAL-COOL-4": {"cooling__shed_two_V": 13.0},
    "CAL-COOL-5": {"cooling__duty_min_pct": 50.0, "cooling__duty_max_pct": 50.0},
    "CAL-COOL-6": {"cooling__pump_full_degC": 60.0},
    "CAL-COOL-7": {"cooling__ram_air_mps": 5.0, "cooling__ram_air_hysteresis_mps": 5.0},
    "CAL-COOL-8": {"cooling__run_on_degC": 89.0},
    "CAL-FILTER-1": {"filter__clean_flow_gps": (100.0, 150.0, 150.5, 250.0, 300.0)},
    "CAL-FILTER-2": {"filter__clean_loss_kPa": (0.4, 0.8, 1.4, 2.0, 1.9)},
    "CAL-FILTER-3": {"filter__warn_index": 2.45},
    "CAL-FILTER-4": {"filter__absurd_index": 2.55},
    "CAL-RADIATOR-1": {"radiator__air_mps": (2.0, 3.0, 3.05, 5.0, 7.0, 10.0)},
    "CAL-RADIATOR-2": {"radiator__clean_kWpK": (0.9, 1.3, 1.6, 1.5, 2.4, 3.0)},
    "CAL-RADIATOR-3": {"radiator__fan_air_mps": (1.5, 2.5, 2.4, 4.2)},
    "CAL-MONITOR-1": {"monitor__confirm_ms": 301},
    "CAL-MONITOR-2": {"demand__rise_Nmps": 5001.0},
    "CAL-RADIATOR-4": {"radiator__plan_ratio": 0.795},
    "CAL-FUEL-1": {"fuel__capacity_L": 50.0, "fuel__unusable_L": 45.0},
    "CAL-FUEL-2": {"fuel__warn_km": (60.0, 55.0)},
    "CAL-FUEL-3": {"fuel__economy_ratio": (0.8, 0.9)},
    "CAL-FUEL-4": {"fuel__collector_cap_pct": (10.0, 9.5)},
    "CAL-FUEL-5": {"fuel__collector_cap_ratio": (0.6, 0.7)},
    "CAL-FUEL-6": {"fuel__limits_Lp100km": (60.0, 60.5)},
    "CAL-FUEL-7": {"fuel__plan_Lp100km": 20.0, "fuel__limits_Lp100km": (25.0, 200.0)},
    "CAL-IMPACT-1": {"impact__force_mps2": (39.2, 39.5, 117.7)},
    "CAL-IMPACT-2": {"impact__bottom_mps": (0.3, 2.0, 2.0)},
}


@pytest.mark.parametrize("rule", BREAKERS)
def test_a_broken_rule_is_refused_by_name(rule: str) -> None:
    blob = calibrated(**BREAKERS[rule])

    findings = calibration_check(blob)

    assert [(f.kind, f.name) for f in findings] == [("rule", rule)]
    assert starts_with_built_in(blob)


def test_every_rule_is_broken_once_above() -> None:
    rules = {
        _core.ffi.string(_core.lib.describe_rule[i].name).decode().replace("_", "-")
        for i in range(int(_core.lib.describe_rules))
    }

    assert set(BREAKERS) == rules


def test_a_rule_is_judged_at_its_very_edge() -> None:
    kept = calibrated(torque__rev_soft_rpm=6999.0)
    broken = calibrated(torque__rev_soft_rpm=6999.5)

    assert calibration_check(kept) == ()
    assert [finding.name for finding in calibration_check(broken)] == ["CAL-TORQUE-1"]


def test_equal_ends_of_a_slope_do_not_get_in() -> None:
    """The case that braked a rider into hospital: start and end of a limit at the same value."""
    blob = calibrated(derate__start_degC=(118.0, 155.0, 95.0, 135.0))

    assert starts_with_built_in(blob)


def test_the_unit_drives_on_with_the_built_in_set_after_a_refusal() -> None:
    bad = Car(
        calibrated(torque__gearbox_max_Nm=400.0), record=["torque.granted_Nm", "fault.severity"]
    )
    good = Car(record=["torque.granted_Nm", "fault.severity"])

    a, b = bad.drive(1000), good.drive(1000)

    assert (a["torque.granted_Nm"] == b["torque.granted_Nm"]).all()
    assert bad.ecu.text("fault.severity") == "Limp"


def test_a_set_of_another_size_is_no_set() -> None:
    with pytest.raises(ValueError, match="bytes"):
        Ecu(calibration_default()[:-4])


def test_the_name_of_a_set_changes_with_every_word_of_it() -> None:
    default = calibration_default()
    names = {calibration_hash(default)}
    for word in range(0, len(default), 4):
        changed = bytearray(default)
        changed[word] ^= 1
        names.add(calibration_hash(bytes(changed)))

    assert len(names) == len(default) // 4 + 1


class TestIds:
    """A number is known by its id for ever."""

    def ever_given(self) -> dict[int, str]:
        lines = [line.split() for line in IDS.read_text(encoding="ascii").splitlines()]
        return {int(line[0]): line[1] for line in lines if line[0] != "#" and line[0].isdigit()}

    def test_no_id_is_used_twice(self) -> None:
        ids = [parameter.id for parameter in PARAMETERS]

        assert len(set(ids)) == len(ids)
        assert len({parameter.name for parameter in PARAMETERS}) == len(ids)

    def test_every_id_is_on_the_list_with_the_name_that_it_always_had(self) -> None:
        given = self.ever_given()

        wrong = [f"{p.id} {p.name}" for p in PARAMETERS if given.get(p.id) != p.name]

        assert not wrong, f"new ones go to the end of {IDS.name}, old ones keep their id: {wrong}"

    def test_an_id_that_is_not_in_use_any_more_is_marked_as_retired(self) -> None:
        used = {parameter.id for parameter in PARAMETERS}
        lines = IDS.read_text(encoding="ascii").splitlines()
        idle = [line for line in lines if line[:1].isdigit() and int(line.split()[0]) not in used]

        assert all(line.endswith(" retired") for line in idle), idle

    def test_the_next_free_id_is_named_rightly(self) -> None:
        text = (FIRMWARE / "core" / "calibration.def").read_text(encoding="ascii")
        found = re.search(r"Next free id: (\d+)", text)

        assert found is not None
        assert int(found[1]) == max(self.ever_given()) + 1
