"""Compiler flags: one home, nothing that changes arithmetic (rules C-2 and C-3)."""

import re
from pathlib import Path

from tests.gates.checks import Finding
from tests.gates.checks.sources import numbered

REQUIRED = {
    "D7XR_CSTD": ["-std=c11", "-pedantic"],
    "D7XR_ARITH": ["-ffp-contract=off"],
    "D7XR_WARN": [
        *("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wdouble-promotion", "-Wfloat-equal"),
        *("-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef", "-Wswitch-enum"),
        *("-Wvla", "-Wcast-qual", "-Wnull-dereference"),
    ],
}

_FORBIDDEN = re.compile(
    r"-(?:ffast-math|Ofast|fsingle-precision-constant|funsafe-math-optimizations|fassociative-math"
    r"|freciprocal-math|ffinite-math-only|fno-signed-zeros|fno-trapping-math|frounding-math"
    r"|ffp-contract=(?:on|fast)|fexcess-precision=\w+|mfpmath=387|mdaz-ftz|std=gnu\w+)\b"
)
_OWNED = re.compile(
    r"(?<![\w-])-(?:std=|f(?:no-)?fp-|ffp-|fno-math|W(?!l,|p,|a,|no-)[a-z])[\w=+-]*"
)
_LINE = re.compile(r"^(\w+)\s*:=\s*(.*)$")
_VARIABLE = re.compile(r"\$\((\w+)\)")


def read_flags(path: Path) -> dict[str, list[str]]:
    """Read a file of ``NAME := flags`` lines, variables expanded.

    Args:
        path: ``flags.mk``.

    Raises:
        ValueError: If a line is anything else, since make and Python would then differ.
    """
    values: dict[str, str] = {}
    for number, line in numbered(path.read_text(encoding="ascii")):
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"{path.name}:{number}: not a plain assignment: {line}")
        values[match[1]] = _VARIABLE.sub(lambda found: values[found[1]], match[2])
    return {name: value.split() for name, value in values.items()}


def missing_flags(path: Path) -> list[Finding]:
    """Find flags of the rule that the file lacks, in their own variable or in the union."""
    flags = read_flags(path)
    return [
        Finding(path.name, f"{flag} is missing in {variable}")
        for name, wanted in REQUIRED.items()
        for variable in (name, "D7XR_CFLAGS")
        for flag in wanted
        if flag not in flags.get(variable, [])
    ]


def forbidden_flags(path: Path) -> list[Finding]:
    """Find flags that change arithmetic, on every line that is not a comment."""
    return [
        Finding(f"{path.name}:{number}", f"forbidden flag {flag}")
        for number, line in numbered(path.read_text(encoding="utf-8"))
        if not line.lstrip().startswith(("#", "*", "/*", "//"))
        for flag in _FORBIDDEN.findall(line)
    ]


def homeless_flags(path: Path) -> list[Finding]:
    """Find language, arithmetic and warning flags written outside ``flags.mk``."""
    return [
        Finding(f"{path.name}:{number}", f"{flag} belongs into flags.mk")
        for number, line in numbered(path.read_text(encoding="utf-8"))
        if not line.lstrip().startswith("#")
        for flag in _OWNED.findall(line)
    ]


def deciding_flags(path: Path) -> list[str]:
    """Return the flags that decide what code is made: language and arithmetic, not warnings."""
    flags = read_flags(path)
    return [flag for flag in flags["D7XR_CSTD"] + flags["D7XR_ARITH"] if flag != "-pedantic"]


def unlike_flags(command: list[str], flags: list[str]) -> list[Finding]:
    """Compare one compile command with the flags it owes.

    Ours must be there as one run after all that environment and interpreter add, so that ours win;
    what is added may not touch arithmetic; own folders are given by ``-iquote``.

    Args:
        command: Arguments of the compiler.
        flags: Flags of ``flags.mk`` that this command owes.
    """
    place = next((part for part in command if part.endswith(".c")), "command")
    positions = [i for i in range(len(command)) if command[i : i + len(flags)] == flags]
    found = (
        []
        if positions
        else [Finding(place, "compiled without the flags of flags.mk as they stand")]
    )
    later = command[positions[-1] + len(flags) :] if positions else command
    found += [Finding(place, f"{part} overrides flags.mk") for part in later if _OWNED.match(part)]
    found += [Finding(place, f"forbidden flag {p}") for p in command if _FORBIDDEN.match(p)]
    found += [
        Finding(place, f"own folder by -I: {part}")
        for part in command
        if part.startswith("-I") and "firmware" in part
    ]
    return found
