"""Rules of Python that its syntax tree shows: layers, sleeps (Python rules 3 and 17)."""

import ast
from dataclasses import dataclass
from pathlib import Path

from tests.gates.checks import Finding
from tests.gates.checks.sources import files


@dataclass(frozen=True, slots=True)
class Import:
    """One import of one module.

    Attributes:
        line: Where it stands.
        name: Absolute dotted name; for ``from a import b`` both ``a`` and ``a.b`` are given.
    """

    line: int
    name: str


def module_name(path: Path, root: Path) -> str:
    """Return the dotted name of a file below a source root."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, root: Path) -> list[Import]:
    """List what a file imports, at its top or inside a function, relative names made absolute."""
    package = module_name(path, root).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found: list[Import] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
            found.append(Import(node.lineno, name))
            found += [Import(node.lineno, f"{name}.{alias.name}") for alias in node.names]
    return found


@dataclass(frozen=True, slots=True)
class Layer:
    """A module or package, and who alone may know it or what alone it may know.

    Attributes:
        name: Dotted name; what lies below it belongs to it.
        known_to: Modules that may import it; None means everybody.
        knows: Modules of the package that it may import; None means any.
    """

    name: str
    known_to: frozenset[str] | None = None
    knows: frozenset[str] | None = None


_BASE = frozenset({"d7xr.errors", "d7xr.frames", "d7xr.names"})
LAYERS = (
    Layer("d7xr._core", known_to=frozenset({"d7xr.ecu"})),
    # The simulated car is C too; one extension holds both, and they meet through frames alone.
    Layer("d7xr.ecu.core", known_to=frozenset({"d7xr.ecu", "d7xr.simulator"})),
    Layer("d7xr._trace", known_to=frozenset({"d7xr.trace"})),
    Layer("d7xr.cli", known_to=frozenset({"d7xr.__main__"})),
    Layer("d7xr.errors", knows=frozenset()),
    Layer("d7xr.names", knows=frozenset()),
    Layer("d7xr.frames", knows=_BASE),
    Layer("d7xr.fanout", knows=_BASE),
    Layer("d7xr.trace", knows=_BASE | {"d7xr._trace"}),
    Layer("d7xr.payload", knows=_BASE),
    Layer("d7xr.dbc_plain", knows=_BASE),
    Layer("d7xr.dbc", knows=_BASE | {"d7xr.payload", "d7xr.dbc_plain"}),
    Layer("d7xr.encoding", knows=_BASE | {"d7xr.payload", "d7xr.dbc"}),
    Layer("d7xr.database", knows=_BASE | {"d7xr.payload", "d7xr.dbc", "d7xr.encoding"}),
    Layer("d7xr.ecu", knows=_BASE | {"d7xr._core"}),
)


def within(name: str, layer: str) -> bool:
    """Say whether a dotted name is a module or lies below it."""
    return name == layer or name.startswith(layer + ".")


def check_layers(root: Path, layers: tuple[Layer, ...] = LAYERS) -> list[Finding]:
    """Find imports that cross the plan.

    Args:
        root: The folder that holds the package ``d7xr``.
        layers: The plan.
    """
    found: list[Finding] = []
    for path in files(root / "d7xr", ".py"):
        own = module_name(path, root)
        for entry in imports(path, root):
            place = f"{path.relative_to(root)}:{entry.line}"
            found += [
                Finding(place, f"{own} may not import {entry.name}")
                for layer in layers
                if _crosses(own, entry.name, layer)
            ]
    return sorted(set(found))


def _crosses(own: str, name: str, layer: Layer) -> bool:
    inside, target_inside = within(own, layer.name), within(name, layer.name)
    if inside and layer.knows is not None and within(name, "d7xr") and not target_inside:
        return name != "d7xr" and not any(within(name, known) for known in layer.knows)
    if target_inside and not inside and layer.known_to is not None:
        return not any(within(own, known) for known in layer.known_to)
    return False


def sleeps(path: Path) -> list[Finding]:
    """Find calls that wait for the clock."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"time", "asyncio"}
        for alias in node.names
        if alias.name == "sleep"
    }
    return [
        Finding(f"{path.name}:{node.lineno}", "sleeps; wait on an injected clock instead")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in bare)
            or (isinstance(node.func, ast.Attribute) and node.func.attr == "sleep")
        )
    ]
