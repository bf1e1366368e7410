"""At most 50 lines, 5 parameters, complexity 10 (rule C-24)."""

from pathlib import Path

from tests.gates.checks import report
from tests.gates.checks.functions import measure, too_big
from tests.gates.checks.sources import REPOSITORY, files, firmware_c

FEWEST_FUNCTIONS = 150


def test_functions_are_small() -> None:
    sources = [*firmware_c(REPOSITORY), *files(REPOSITORY / "pyhost" / "native", ".c", ".h")]

    functions = [function for path in sources for function in measure(path)]

    found = too_big(functions)
    assert not found, report(found)
    assert len(functions) >= FEWEST_FUNCTIONS


def test_canary_each_limit_is_watched(tmp_path: Path) -> None:
    path = tmp_path / "torque.c"
    branches = " ".join(f"if (a == {n}) {{ return {n}; }}" for n in range(10))
    path.write_text(
        "int is_long(int a)\n{\n" + "    a++;\n" * 47 + "    return a;\n}\n"
        "int is_wide(int a, int b, int c, int d, int e, int f)\n{\n    return a;\n}\n"
        f"int is_tangled(int a)\n{{\n    {branches}\n    return a;\n}}\n"
    )

    found = too_big(measure(path))

    assert [finding.text for finding in found] == [
        "is_long has lines 51, may 50",
        "is_wide has parameters 6, may 5",
        "is_tangled has complexity 11, may 10",
    ]


def test_canary_a_function_at_every_limit_passes(tmp_path: Path) -> None:
    path = tmp_path / "torque.c"
    branches = " ".join(f"if (a == {n}) {{ return {n}; }}" for n in range(9))
    path.write_text(
        "int torque_a(int a, int b, int c, int d, int e)\n{\n"
        + f"    {branches}\n"
        + "    a++;\n" * 45
        + "    return a;\n}\n"
    )

    functions = measure(path)

    assert [(f.lines, f.parameters, f.complexity) for f in functions] == [(50, 5, 10)]
    assert not too_big(functions)
