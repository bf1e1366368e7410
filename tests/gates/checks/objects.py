"""What the compiler made of the firmware: symbols and instructions (rules C-3, C-4, C-5, C-8)."""

import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.gates.checks import Finding

COMPILER_NEEDS = frozenset({"memcmp", "memcpy", "memmove", "memset"})
_WRITABLE = frozenset("bBdDCsSgG")
_FUSED = re.compile(r"\tv?(?:fn?m(?:add|sub)\w*|fmla\w*|fmls\w*|vfn?m[as]\w*|vmla\w*|vmls\w*)\b")
_DOUBLE = re.compile(
    r"\tv?(?:(?:add|sub|mul|div|sqrt|min|max|u?comi)[sp]d|cvts[is]2sd\w*|cvtsd2s[is]\w*)\b"
)


@dataclass(frozen=True, slots=True)
class Symbol:
    """One line of ``nm``.

    Attributes:
        name: As the linker sees it.
        kind: Its letter: T code, R constants, B and D writable, U undefined; lower case is local.
    """

    name: str
    kind: str


def symbols(path: Path) -> list[Symbol]:
    """Return the symbols of an object."""
    text = subprocess.run(
        ["nm", "--format=posix", str(path)], capture_output=True, text=True, check=True
    ).stdout
    return [Symbol(*line.split()[:2]) for line in text.splitlines()]


def writable(path: Path) -> list[Finding]:
    """Find memory that outlives a call and is not part of the state."""
    return [
        Finding(path.name, f"{symbol.name} is writable (nm: {symbol.kind}); state lives in vcu_t")
        for symbol in symbols(path)
        if symbol.kind in _WRITABLE
    ]


def foreign(paths: list[Path]) -> list[Finding]:
    """Find symbols that a set of objects needs and neither has nor may expect of a compiler."""
    table = {path: symbols(path) for path in paths}
    own = {symbol.name for found in table.values() for symbol in found if symbol.kind in "TRDBCW"}
    return [
        Finding(path.name, f"needs {symbol.name}, which is not part of it")
        for path, found in table.items()
        for symbol in found
        if symbol.kind in "Uwv" and symbol.name not in own | COMPILER_NEEDS
    ]


def exports(path: Path) -> list[str]:
    """Return the names that an object shows to the linker."""
    return [symbol.name for symbol in symbols(path) if symbol.kind in "TRDBCW"]


def without_prefix(path: Path) -> list[Finding]:
    """Find exported names that do not begin as their module does.

    ``cooling_stage.c`` may export ``cooling_stage_`` and ``cooling_``.
    """
    prefix = path.stem.split("_")[0] + "_"
    return [
        Finding(path.name, f"exports {name}; names of this module begin {prefix}")
        for name in exports(path)
        if not name.startswith(prefix)
    ]


def can_show_fused() -> bool:
    """Say whether this machine's instructions are known to the check of arithmetic."""
    return platform.machine() in {"x86_64", "AMD64"}


def bad_instructions(path: Path) -> list[Finding]:
    """Find fused multiplications and arithmetic on doubles in the code of an object."""
    text = subprocess.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", str(path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: list[Finding] = []
    function = ""
    for line in text.splitlines():
        if line.endswith(">:"):
            function = line.split("<")[1][:-2]
        elif _FUSED.search(line) or _DOUBLE.search(line):
            found.append(Finding(path.name, f"{function}: {line.split(chr(9), 1)[1].strip()}"))
    return found
