"""No recursion, no call through a pointer, a bounded stack (rule C-4)."""

from pathlib import Path

from tests.gates.checks import report
from tests.gates.checks.stack import (
    Calls,
    deepest_bytes,
    indirect,
    large_frames,
    read_calls,
    recursive,
)
from tests.gates.firmware_build import compile_c

LARGEST_FRAME_BYTES = 512
FEWEST_FUNCTIONS = 400


def planted(folder: Path, text: str) -> Calls:
    """Compile a few lines and read who calls whom."""
    source = folder / "torque.c"
    source.write_text(text)
    made = compile_c(source, folder, flags=("-O0", "-fcallgraph-info=su", "-Wno-vla"), codec=folder)
    return read_calls([made.with_suffix(".ci")])


def test_nothing_calls_itself(calls: Calls) -> None:
    found = recursive(calls)

    assert not found, report(found)
    assert len(calls.stack_bytes) >= FEWEST_FUNCTIONS


def test_nothing_is_called_through_a_pointer(calls: Calls) -> None:
    found = indirect(calls)

    assert not found, report(found)


def test_frames_are_small_and_known_when_compiling(optimised_calls: Calls) -> None:
    found = large_frames(optimised_calls, LARGEST_FRAME_BYTES)

    assert not found, report(found)


def test_canary_recursion_is_found_through_two_functions(tmp_path: Path) -> None:
    calls = planted(
        tmp_path,
        """
int        torque_a(int n);
static int other(int n) { return (n > 0) ? torque_a(n - 1) : 0; }
int        torque_a(int n) { return other(n); }
int        torque_b(int n);
int        torque_b(int n) { return torque_a(n); }
""",
    )

    assert [finding.place for finding in sorted(recursive(calls))] == ["other", "torque_a"]


def test_canary_a_call_through_a_pointer_is_found(tmp_path: Path) -> None:
    calls = planted(
        tmp_path, "int torque_a(int (*f)(void)); int torque_a(int (*f)(void)) { return f(); }\n"
    )

    assert [str(finding) for finding in indirect(calls)] == ["torque_a: calls through a pointer"]


def test_canary_large_and_growing_frames_are_found(tmp_path: Path) -> None:
    calls = planted(
        tmp_path,
        """
int torque_a(int n);
int torque_a(int n) { volatile int table[200]; table[n] = n; return table[0]; }
int torque_b(int n);
int torque_b(int n) { volatile int table[n]; table[0] = n; return table[0]; }
int torque_c(int n);
int torque_c(int n) { return n; }
""",
    )

    found = sorted(large_frames(calls, LARGEST_FRAME_BYTES))

    assert [finding.place for finding in found] == ["torque_a", "torque_b"]
    assert found[1].text == "takes a stack that grows at run time"


def test_the_deepest_path_is_the_sum_of_its_frames() -> None:
    calls = Calls(
        callees={"a": {"b", "c"}, "b": {"d"}, "c": set(), "d": set()},
        stack_bytes={"a": 8, "b": 16, "c": 40, "d": 32},
    )

    assert deepest_bytes(calls, "a") == 56
