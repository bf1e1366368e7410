"""The state of the unit: what it is made of, and what it may cost (rule C-6, budgets)."""

import tomllib
from typing import Any

import cffi
import pytest

from tests.gates.checks import Finding, report
from tests.gates.checks.layout import check_layout, leaves
from tests.gates.checks.objects import exports
from tests.gates.checks.sources import REPOSITORY
from tests.gates.checks.stack import Calls, deepest_bytes
from tests.gates.firmware_build import Build

FEWEST_NUMBERS = 800
SLACK = 1.25


def budget() -> dict[str, int]:
    """Return the budgets of the firmware in bytes."""
    text = (REPOSITORY / "firmware" / "budget.toml").read_text(encoding="ascii")
    table: dict[str, int] = tomllib.loads(text)["bytes"]
    return table


def off_budget(name: str, used: int, budgeted: int) -> list[Finding]:
    """Find what outgrew its budget, and a budget that has become too wide to notice growth."""
    if used > budgeted:
        return [Finding(name, f"takes {used} bytes, may {budgeted}")]
    if used * SLACK < budgeted:
        return [Finding(name, f"takes {used} bytes: lower its budget of {budgeted}")]
    return []


def core_type(name: str) -> Any:  # noqa: ANN401 - cffi has no types
    """Return a type of the firmware as the package was built with it."""
    from d7xr._core import ffi

    return ffi.typeof(name)


@pytest.mark.parametrize("name", ["vcu_t", "vcu_calibration_t", "can_frame_t"])
def test_state_is_made_of_fixed_width_numbers_without_padding(name: str) -> None:
    found = check_layout(core_type(name))

    assert not found, report(found)


def test_the_whole_state_was_looked_at() -> None:
    assert leaves(core_type("vcu_t")) >= FEWEST_NUMBERS


@pytest.mark.parametrize("name", ["vcu_t", "vcu_calibration_t"])
def test_sizes_keep_to_their_budget(name: str) -> None:
    from d7xr._core import ffi

    found = off_budget(name, ffi.sizeof(name), budget()[name])

    assert not found, report(found)


def test_the_deepest_stack_keeps_to_its_budget(optimised: Build, optimised_calls: Calls) -> None:
    (unit,) = [path for path in optimised.own if path.name == "vcu.o"]

    deepest = max(deepest_bytes(optimised_calls, name) for name in exports(unit))

    found = off_budget("stack", deepest, budget()["stack"])
    assert not found, report(found)


@pytest.mark.parametrize(
    ("members", "findings"),
    [
        ("uint32_t a; uint8_t b; uint8_t reserved[3];", []),
        ("float a; struct { int16_t x; uint16_t y; } b[4];", []),
        ("union { float x; uint32_t y; } a;", []),
        ("uint8_t a; uint32_t b;", ["vcu_t: hides 3 bytes, the first at offset 1"]),
        ("uint32_t a; uint8_t b;", ["vcu_t: hides 3 bytes, the first at offset 5"]),
        ("uint32_t *a;", ["vcu_t.a: uint32_t * is a pointer"]),
        ("double a;", ["vcu_t.a: double is no number of fixed width"]),
        ("int a;", ["vcu_t.a: int is no number of fixed width"]),
        ("_Bool a;", ["vcu_t.a: _Bool is no number of fixed width"]),
        ("enum { ON } a;", ["vcu_t.a: enum $1 is a enum"]),
        ("uint8_t a : 3; uint8_t b : 5;", ["vcu_t.a: is a bit-field", "vcu_t.b: is a bit-field"]),
        ("struct { double x; } b[2];", ["vcu_t.b[].x: double is no number of fixed width"]),
        ("union { float x[2]; struct { uint32_t y; uint32_t z; }; } a;", []),
        (
            "union { float x; struct { uint8_t y; uint16_t z; } b; } a;",
            ["vcu_t.a.b: hides 1 bytes, the first at offset 1"],
        ),
    ],
)
def test_canary_what_differs_between_machines_is_found(members: str, findings: list[str]) -> None:
    ffi = cffi.FFI()
    ffi.cdef(f"typedef struct {{ {members} }} vcu_t;")

    assert [str(found) for found in check_layout(ffi.typeof("vcu_t"))] == findings


def test_canary_growth_and_slack_are_found() -> None:
    assert [str(f) for f in off_budget("x", 101, 100)] == ["x: takes 101 bytes, may 100"]
    assert not off_budget("x", 90, 100)
    assert [f.text for f in off_budget("x", 50, 100)] == ["takes 50 bytes: lower its budget of 100"]
