"""Length, parameters and complexity of functions (rule C-24)."""

from dataclasses import dataclass
from pathlib import Path

import lizard

from tests.gates.checks import Finding

MAX_LINES = 50
MAX_PARAMETERS = 5
MAX_COMPLEXITY = 10


@dataclass(frozen=True, slots=True)
class Function:
    """What was measured of one function.

    Attributes:
        place: File and line.
        name: Its name.
        lines: From its head to its last brace.
        parameters: How many it takes.
        complexity: Cyclomatic, counting ``&&``, ``||`` and ``?:``.
    """

    place: str
    name: str
    lines: int
    parameters: int
    complexity: int


def measure(path: Path) -> list[Function]:
    """Measure every function of a source."""
    return [
        Function(
            place=f"{path.name}:{entry.start_line}",
            name=entry.name,
            lines=entry.end_line - entry.start_line + 1,
            parameters=entry.parameter_count,
            complexity=entry.cyclomatic_complexity,
        )
        for entry in lizard.analyze_file(str(path)).function_list
    ]


def too_big(functions: list[Function]) -> list[Finding]:
    """Find functions over a limit of the rule."""
    limits = (
        ("lines", MAX_LINES),
        ("parameters", MAX_PARAMETERS),
        ("complexity", MAX_COMPLEXITY),
    )
    return [
        Finding(
            function.place, f"{function.name} has {what} {getattr(function, what)}, may {limit}"
        )
        for function in functions
        for what, limit in limits
        if getattr(function, what) > limit
    ]
