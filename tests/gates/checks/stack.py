"""Stack and calls of the firmware, as the compiler reports them (rule C-4)."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.gates.checks import Finding

_NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "([^"]+)"')
_EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
_USE = re.compile(r"(\d+) bytes \((\w[\w,]*)\)")
INDIRECT = "__indirect_call"


@dataclass(frozen=True, slots=True)
class Calls:
    """Who calls whom, and what each function takes of the stack.

    Attributes:
        callees: Functions called by each function.
        stack_bytes: Stack of each function's own frame.
        is_bounded: Whether that number is a constant of the program.
    """

    callees: dict[str, set[str]] = field(default_factory=dict)
    stack_bytes: dict[str, int] = field(default_factory=dict)
    is_bounded: dict[str, bool] = field(default_factory=dict)


def read_calls(paths: list[Path]) -> Calls:
    """Read the call graphs that ``gcc -fcallgraph-info=su`` leaves beside its objects."""
    calls = Calls()
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            if (node := _NODE.match(line)) and (use := _USE.search(node[2])):
                calls.stack_bytes[node[1]] = int(use[1])
                calls.is_bounded[node[1]] = use[2] == "static"
                calls.callees.setdefault(node[1], set())
            elif edge := _EDGE.match(line):
                calls.callees.setdefault(edge[1], set()).add(edge[2])
    return calls


def plain(name: str) -> str:
    """Return the name of a function without the file that GCC puts before a local one."""
    return name.rsplit(":", 1)[-1]


def recursive(calls: Calls) -> list[Finding]:
    """Find functions that can reach themselves."""
    found: list[Finding] = []
    for start in calls.callees:
        seen: set[str] = set()
        queue = [*calls.callees[start]]
        while queue:
            name = queue.pop()
            if name not in seen:
                seen.add(name)
                queue += calls.callees.get(name, ())
        if start in seen:
            found.append(Finding(plain(start), "can call itself"))
    return found


def indirect(calls: Calls) -> list[Finding]:
    """Find functions that call through a pointer: no graph bounds those."""
    return [
        Finding(plain(name), "calls through a pointer")
        for name, callees in calls.callees.items()
        if INDIRECT in callees
    ]


def large_frames(calls: Calls, limit_bytes: int) -> list[Finding]:
    """Find functions whose frame is larger than a limit or not known when compiling."""
    return [
        Finding(plain(name), f"takes {size} bytes of stack, may {limit_bytes}")
        for name, size in calls.stack_bytes.items()
        if size > limit_bytes
    ] + [
        Finding(plain(name), "takes a stack that grows at run time")
        for name, is_bounded in calls.is_bounded.items()
        if not is_bounded
    ]


def deepest_bytes(calls: Calls, start: str) -> int:
    """Return the stack of the deepest path from a function, its own frame included.

    Args:
        calls: A graph without recursion.
        start: Where the path begins.
    """
    below = (deepest_bytes(calls, name) for name in calls.callees.get(start, ()))
    return calls.stack_bytes.get(start, 0) + max(below, default=0)
