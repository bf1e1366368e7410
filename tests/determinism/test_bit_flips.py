"""A bit of memory that flips: no number stays broken, and the unit finds back to its senses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d7xr.ecu import Ecu, Field
from tests.car import Car, Stretch

HEALED_ms = 90_000
"""The slowest slope: a derate that comes back from 0 by 10 Nm/s."""

FLOATS = [field for field in Ecu.fields() if field.ctype == "float"]
OUTPUTS = ["torque.demand_Nm", "torque.granted_Nm", "torque.air_path_Nm", "torque.margin_Nm",
           "torque.link_Nm", "torque.healing_Nm", "cooling.pump_pct", "intake.torque_cap_Nm",
           "intake.power_cap_kW", "flight_mode.bound_Nm",
           *(f"cooling.fans.fan[{i}].duty_pct" for i in range(4)),
           *(f"derate.bound_Nm[{i}]" for i in range(4))]  # fmt: skip
BROKEN = {"NaN": 0x7FC00000, "infinity": 0x7F800000, "minus infinity": 0xFF800000,
          "huge": 0x7E967699, "minus huge": 0xFE967699}  # fmt: skip


def driving() -> Car:
    car = Car(record=OUTPUTS, signals={"CoolantIn_degC": 97.0, "EngineSpeed_rpm": 4800.0})
    car.drive(15_000)
    return car


def disturbed(car: Car, field: Field, *, xor: int = 0, value: int | None = None) -> Car:
    twin = car.fork()
    state = bytearray(twin.ecu.snapshot())
    place = slice(field.offset, field.offset + 4)
    old = int.from_bytes(state[place], "little")
    state[place] = (old ^ xor if value is None else value).to_bytes(4, "little")
    twin.ecu.restore(bytes(state))
    return twin


LEARNED = ("flight_mode.", "radiator.", "filter.", "intake.pressure_kPa")
"""What is learned over minutes, or may rise only as a car descends, heals over minutes; its outputs
stay sensible meanwhile."""


def assert_healed(well: Stretch, ill: Stretch, name: str) -> None:
    for output in OUTPUTS:
        last = ill[output][-1]
        assert np.isfinite(last), (name, output)
        if not name.startswith(LEARNED):
            assert last == pytest.approx(well[output][-1], rel=1e-3, abs=0.05), (name, output)


@settings(max_examples=15)
@given(field=st.sampled_from(FLOATS), bit=st.integers(0, 31))
def test_any_flipped_bit_of_a_number_heals(field: Field, bit: int) -> None:
    car = driving()
    ill = disturbed(car, field, xor=1 << bit)

    assert_healed(car.drive(HEALED_ms), ill.drive(HEALED_ms), field.name)


MEMORIES = ("demand.demand_Nm", "torque.granted_Nm", "torque.healing_Nm", "derate.bound_Nm[0]",
            "cooling.fans.fan[0].speed_ratio")  # fmt: skip


@pytest.mark.parametrize("pattern", ["NaN", "huge", "minus huge"])
def test_what_moves_by_a_rate_comes_back_from_anywhere(pattern: str) -> None:
    """A rate takes for ever from a number that is far enough."""
    car = Car(record=OUTPUTS, signals={"CoolantIn_degC": 113.0, "GroundSpeed_mps": 0.0})
    car.drive(30_000)
    fields = {field.name: field for field in FLOATS}
    twins = {name: disturbed(car, fields[name], value=BROKEN[pattern]) for name in MEMORIES}
    well = car.drive(HEALED_ms)

    for name, twin in twins.items():
        assert_healed(well, twin.drive(HEALED_ms), name)


@pytest.mark.parametrize("field", FLOATS, ids=lambda field: field.name)
def test_no_number_of_the_state_holds_what_is_no_number(field: Field) -> None:
    """Each in turn becomes NaN, infinite or huge: soon after all of the state is finite again."""
    car = Car(record=OUTPUTS)
    car.drive(300)
    for pattern in BROKEN.values():
        ill = disturbed(car, field, value=pattern)
        healed = ill.drive(2000)

        assert np.isfinite([healed[name][-1] for name in OUTPUTS]).all(), field.name
        assert np.isfinite([ill.ecu[f.name] for f in FLOATS if not is_idle(f)]).all(), field.name


def is_idle(field: Field) -> bool:
    """Tell whether nobody reads a number until it is written again.

    That is a record of the past, or a bound that nobody hands in.
    """
    return field.name.startswith(
        ("flight_mode.record.", "flight_mode.peak_", "torque.bound_Nm", "impact.record.")
    ) or (field.name == "flight_mode.ceiling_Nm")


def test_a_flight_state_that_is_none_starts_anew_on_the_ground() -> None:
    car = Car()
    car.drive(500)
    field = next(f for f in Ecu.fields() if f.name == "flight_mode.state")
    broken = bytearray(car.ecu.snapshot())
    broken[field.offset] = 7
    car.ecu.restore(bytes(broken))

    assert car.drive(20).texts("flight_mode.state") == ["Ground"]
