"""Rules of C that its text shows (rules C-3, C-4, C-7, C-8, C-17)."""

import re
from pathlib import Path

from tests.gates.checks import Finding
from tests.gates.checks.sources import code_of, numbered

_NUMBER = re.compile(
    r"(?<![\w.])(?:\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)(?P<suffix>\w*)"
)
_BANNED = {
    "goto": "goto",
    "double": "double: arithmetic is float32",
    "long double": "double: arithmetic is float32",
    "alloca": "alloca",
    "setjmp": "setjmp",
    "longjmp": "longjmp",
    "asm": "assembly outside board/",
    "__asm__": "assembly outside board/",
}
_BANNED_WORD = re.compile(r"\b(" + "|".join(_BANNED) + r")\b")
_TYPEDEF = re.compile(r"\btypedef\b")
_NAME = re.compile(r"[^;]*?(?:\(\s*\*\s*(\w+)\s*\)[^;]*|\b(\w+)\s*(?:\[[^\]]*\]\s*)?);")


def banned_words(path: Path) -> list[Finding]:
    """Find ``goto``, ``double`` and their like, outside comments and strings."""
    code = code_of(path.read_text(encoding="utf-8"))
    return [
        Finding(f"{path.name}:{number}", _BANNED[word])
        for number, line in numbered(code)
        for word in _BANNED_WORD.findall(line)
    ]


def double_literals(path: Path) -> list[Finding]:
    """Find floating literals without the suffix ``f``: each is a double."""
    code = code_of(path.read_text(encoding="utf-8"))
    return [
        Finding(f"{path.name}:{number}", f"{match.group()} is a double: write the suffix f")
        for number, line in numbered(code)
        for match in _NUMBER.finditer(line)
        if match["suffix"] not in {"f", "F"}
    ]


def not_ascii(path: Path) -> list[Finding]:
    """Find bytes outside ASCII: sources read the same in every editor."""
    return [
        Finding(f"{path.name}:{number}", f"not ASCII: {line.strip()!r}")
        for number, line in numbered(path.read_bytes().decode("utf-8", "backslashreplace"))
        if not line.isascii()
    ]


def bad_guard(path: Path) -> list[Finding]:
    """Find headers whose guard is not ``MODULE_H`` (``VCU_MODULE_H`` where the name is common)."""
    lines = [
        line for line in code_of(path.read_text(encoding="utf-8")).splitlines() if line.strip()
    ]
    name = path.stem.upper() + "_H"
    for guard in (name, f"VCU_{name}"):
        if lines[:2] == [f"#ifndef {guard}", f"#define {guard}"] and lines[-1].strip() == "#endif":
            return []
    return [Finding(path.name, f"must be guarded by {name} or VCU_{name}, first line to last")]


def type_names(path: Path) -> list[Finding]:
    """Find type definitions whose name does not end in ``_t``."""
    code = code_of(path.read_text(encoding="utf-8"))
    found: list[Finding] = []
    for match in _TYPEDEF.finditer(code):
        name = _NAME.match(code, _end_of_body(code, match.end()))
        if name and not (name[1] or name[2]).endswith("_t"):
            line = code.count("\n", 0, name.end()) + 1
            found.append(Finding(f"{path.name}:{line}", f"{name[1] or name[2]}: types end _t"))
    return found


def _end_of_body(code: str, start: int) -> int:
    """Return where the braces that open before the next semicolon are closed, else the start."""
    depth = 0
    for place in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if depth == 0 and code[place] == "}":
            return place
        if depth == 0 and code[place] == ";":
            break
    return start


def writers(paths: list[Path], member: str) -> list[Finding]:
    """Find every assignment to a member of a struct.

    Args:
        paths: Sources to look at.
        member: Name of the member.
    """
    assignment = re.compile(rf"(?:->|\.)\s*{member}\s*(?:[-+*/|&]?=(?!=)|\+\+|--)")
    return [
        Finding(f"{path.name}:{number}", f"writes {member}")
        for path in paths
        for number, line in numbered(code_of(path.read_text(encoding="utf-8")))
        if assignment.search(line)
    ]
