"""Rules of C that its text shows (rules C-3, C-4, C-7, C-8, C-17)."""

from pathlib import Path

import pytest

from tests.gates.checks import report
from tests.gates.checks.c_text import (
    bad_guard,
    banned_words,
    double_literals,
    not_ascii,
    type_names,
    writers,
)
from tests.gates.checks.sources import REPOSITORY, files, firmware_c, unit_c
from tests.gates.firmware_build import FIRMWARE

FEWEST_SOURCES = 30
FEWEST_TABLES = 4


def test_no_goto_no_double_and_no_assembly_in_the_unit() -> None:
    sources = unit_c(REPOSITORY)

    found = [finding for path in sources for finding in banned_words(path)]

    assert not found, report(found)
    assert len(sources) >= FEWEST_SOURCES


def test_every_floating_literal_says_that_it_is_a_float() -> None:
    tables = files(FIRMWARE, ".def")

    found = [
        finding for path in [*firmware_c(REPOSITORY), *tables] for finding in double_literals(path)
    ]

    assert not found, report(found)
    assert len(tables) >= FEWEST_TABLES


def test_sources_are_ascii() -> None:
    sources = [
        *files(FIRMWARE),
        *files(REPOSITORY / "pyhost", ".c", ".h", ".py", ".toml"),
        *files(REPOSITORY / "tests", ".py"),
        *files(REPOSITORY / "tools"),
    ]

    found = [finding for path in sources for finding in not_ascii(path)]

    assert not found, report(found)
    assert len(sources) >= 2 * FEWEST_SOURCES


def test_every_header_is_guarded_by_its_name() -> None:
    headers = [path for path in firmware_c(REPOSITORY) if path.suffix == ".h"]

    found = [finding for path in headers for finding in bad_guard(path)]

    assert not found, report(found)


def test_types_end_in_t() -> None:
    found = [finding for path in firmware_c(REPOSITORY) for finding in type_names(path)]

    assert not found, report(found)


def test_only_the_arbiter_writes_granted_torque() -> None:
    found = writers([p for p in firmware_c(REPOSITORY) if p.suffix == ".c"], "granted_Nm")

    assert {finding.place.split(":")[0] for finding in found} == {"torque.c"}, report(found)


def planted(folder: Path, text: str, name: str = "torque.c") -> Path:
    """Write one source."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_canary_a_goto_is_found_and_the_word_in_a_comment_is_not(tmp_path: Path) -> None:
    path = planted(
        tmp_path, '/* no goto,\n   no double */\nchar *s = "goto";\ngoto out; // goto\ndouble x;\n'
    )

    found = banned_words(path)

    assert [finding.place for finding in found] == ["torque.c:4", "torque.c:5"]


@pytest.mark.parametrize("literal", ["1.0", "1.", ".5", "1e3", "1.5e-3", "2.0L"])
def test_canary_a_double_literal_is_found(tmp_path: Path, literal: str) -> None:
    found = double_literals(planted(tmp_path, f"\nx = {literal};\n"))

    assert [str(finding) for finding in found] == [
        f"torque.c:2: {literal} is a double: write the suffix f"
    ]


@pytest.mark.parametrize(
    "literal",
    ["1.0f", "1.F", ".5f", "1e3f", "15U", "0x1E3", "0x1e5U", "table1.value", "a.b2", "100UL"],
)
def test_canary_floats_and_integers_are_no_doubles(tmp_path: Path, literal: str) -> None:
    assert not double_literals(planted(tmp_path, f"x = {literal}; /* 1.5 */\n"))


def test_canary_a_degree_sign_is_found(tmp_path: Path) -> None:
    found = not_ascii(planted(tmp_path, "/* 90 degC */\n/* 90 \u00b0C */\n"))

    assert [finding.place for finding in found] == ["torque.c:2"]


@pytest.mark.parametrize(
    "text",
    [
        "int a;\n",
        "#ifndef FUEL_H\n#define FUEL_H\n#endif\n",
        "#ifndef TORQUE_H\n#define TORQUE_H\n#endif\nint a;\n",
        "#pragma once\nint a;\n",
    ],
)
def test_canary_a_bad_guard_is_found(tmp_path: Path, text: str) -> None:
    assert bad_guard(planted(tmp_path, text, "torque.h"))


def test_canary_a_guard_with_a_comment_before_it_passes(tmp_path: Path) -> None:
    text = "/* torque.h - why */\n#ifndef VCU_TORQUE_H\n#define VCU_TORQUE_H\nint a;\n\n#endif\n"

    assert not bad_guard(planted(tmp_path, text, "torque.h"))


def test_canary_a_type_without_its_ending_is_found(tmp_path: Path) -> None:
    text = (
        "typedef struct {\n    int a;\n} Torque;\n"
        "typedef unsigned int word;\n"
        "typedef enum { A } kind_t;\n"
        "typedef void (*handler)(int a);\n"
        "typedef void (*handler_t)(int a);\nstatic int other;\n"
        "typedef float row_t[4];\n"
    )

    found = type_names(planted(tmp_path, text))

    assert [str(finding) for finding in found] == [
        "torque.c:3: Torque: types end _t",
        "torque.c:4: word: types end _t",
        "torque.c:6: handler: types end _t",
    ]


@pytest.mark.parametrize(
    "text", ["t->granted_Nm = 1.0f;", "t.granted_Nm += 1.0f;", "v->torque.granted_Nm  -= x;"]
)
def test_canary_a_second_writer_of_granted_torque_is_found(tmp_path: Path, text: str) -> None:
    found = writers([planted(tmp_path, text, "fuel.c")], "granted_Nm")

    assert [str(finding) for finding in found] == ["fuel.c:1: writes granted_Nm"]


@pytest.mark.parametrize(
    "text",
    [
        "if (t->granted_Nm == x) {}",
        "y = t->granted_Nm;",
        "t->granted_Nm_max = 1;",
        "/* t->granted_Nm = 1 */",
    ],
)
def test_canary_readers_of_granted_torque_pass(tmp_path: Path, text: str) -> None:
    assert not writers([planted(tmp_path, text, "fuel.c")], "granted_Nm")
