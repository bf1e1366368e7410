"""What the compiler makes of the firmware (rules C-3, C-4, C-5, C-8)."""

from pathlib import Path

import pytest

from tests.gates.checks import objects, report
from tests.gates.firmware_build import Build, compile_c, generate_codec

FEWEST_EXPORTS = 40
FEWEST_OBJECTS = 14

x86_only = pytest.mark.skipif(
    not objects.can_show_fused(), reason="instructions are read on x86-64 only"
)


def planted(folder: Path, text: str, name: str = "torque.c", *flags: str) -> Path:
    """Compile a few lines as a source of the core would be."""
    source = folder / name
    source.write_text(text)
    return compile_c(source, folder, flags=("-O2", "-mfma", *flags), codec=folder)


def test_no_memory_outlives_a_call_but_the_state(optimised: Build) -> None:
    found = [finding for path in optimised.everything for finding in objects.writable(path)]

    assert not found, report(found)
    assert len(optimised.everything) >= FEWEST_OBJECTS


def test_the_core_needs_nothing_but_itself(optimised: Build) -> None:
    found = objects.foreign(optimised.core)

    assert not found, report(found)


def test_the_firmware_needs_nothing_but_itself(optimised: Build) -> None:
    found = objects.foreign(optimised.everything)

    assert not found, report(found)


def test_exported_names_begin_as_their_module_does(optimised: Build) -> None:
    found = [finding for path in optimised.everything for finding in objects.without_prefix(path)]

    assert not found, report(found)
    exported = [name for path in optimised.own for name in objects.exports(path)]
    assert len(exported) >= FEWEST_EXPORTS


@x86_only
def test_no_fused_and_no_double_arithmetic_is_left_in_the_code(optimised: Build) -> None:
    found = [f for path in optimised.everything for f in objects.bad_instructions(path)]

    assert not found, report(found)


def test_the_codec_is_the_same_bytes_each_time_it_is_generated(tmp_path: Path, codec: Path) -> None:
    (tmp_path / "again").mkdir()

    again = generate_codec(tmp_path / "again")

    assert {path.name for path in codec.iterdir()} == {path.name for path in again.iterdir()}
    for path in codec.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


def function(head: str, body: str) -> str:
    """Return the text of a declared and defined function."""
    return f"{head};\n{head}\n{{\n    {body}\n}}\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("static int count;\n" + function("int torque_a(void)", "return ++count;"), "count"),
        (function("int torque_a(void)", "static int n = 1; return ++n;"), "n."),
        ("extern int torque_limit; int torque_limit = 7;\n", "torque_limit"),
        ("extern const char *torque_name; const char *torque_name = 0;\n", "torque_name"),
    ],
)
def test_canary_writable_memory_is_found(tmp_path: Path, text: str, name: str) -> None:
    found = objects.writable(planted(tmp_path, text))

    assert len(found) == 1
    assert found[0].text.startswith(name)


def test_canary_constants_are_no_memory(tmp_path: Path) -> None:
    text = """
static const int table[3] = {1, 2, 3};
int torque_a(unsigned i);
int torque_a(unsigned i) { return table[i % 3U]; }
"""

    assert not objects.writable(planted(tmp_path, text))


@pytest.mark.parametrize(
    ("head", "body", "name"),
    [
        ("float sinf(float x);\nfloat torque_a(float x)", "return sinf(x);", "sinf"),
        ("void *malloc(unsigned long);\nvoid *torque_a(void)", "return malloc(8);", "malloc"),
        ("int bus_send(void);\nint torque_a(void)", "return bus_send();", "bus_send"),
    ],
)
def test_canary_a_foreign_symbol_is_found(tmp_path: Path, head: str, body: str, name: str) -> None:
    found = objects.foreign([planted(tmp_path, function(head, body))])

    assert [finding.text for finding in found] == [f"needs {name}, which is not part of it"]


def test_canary_copies_of_memory_and_square_roots_are_not_foreign(tmp_path: Path) -> None:
    text = """
typedef struct { char bytes[4096]; } torque_t;
void  torque_copy(torque_t *to, const torque_t *from);
void  torque_copy(torque_t *to, const torque_t *from) { *to = *from; }
float torque_root(float x);
float torque_root(float x) { return __builtin_sqrtf(x); }
"""

    assert not objects.foreign([planted(tmp_path, text)])


def test_canary_an_exported_name_without_its_prefix_is_found(tmp_path: Path) -> None:
    text = function("int limit(void)", "return 1;") + function("int torque_b(void)", "return 2;")

    found = objects.without_prefix(planted(tmp_path, text, "torque_limit.c"))

    assert [finding.text for finding in found] == [
        "exports limit; names of this module begin torque_"
    ]


@x86_only
def test_canary_contraction_is_found(tmp_path: Path) -> None:
    text = function("float torque_a(float a, float b, float c)", "return a * b + c;")

    assert not objects.bad_instructions(planted(tmp_path, text))
    found = objects.bad_instructions(planted(tmp_path, text, "torque.c", "-ffp-contract=fast"))
    assert len(found) == 1
    assert found[0].text.startswith("torque_a: vf")


@x86_only
def test_canary_arithmetic_on_doubles_is_found(tmp_path: Path) -> None:
    text = function("float torque_a(float a)", "return (float)((double)a / 0.1);")

    found = objects.bad_instructions(planted(tmp_path, text))

    assert found
    assert all(finding.text.startswith("torque_a: ") for finding in found)
