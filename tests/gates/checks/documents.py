"""What README, Makefile and the other texts promise and must not say."""

import re
from pathlib import Path

from tests.gates.checks import Finding
from tests.gates.checks.sources import numbered

_MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(?:work|tmp|root|home|Users)/[\w.-]")
_FENCE = re.compile(r"^```(?:sh|console|bash|text)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:make|d7xr)(?: [^`]*)?)`")
_PLACE = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
_RULE = re.compile(r"^([\w./$()-]+):(?!=)([^#]*)(?:## (.*))?$")
RECIPE_LINES = 3


def machine_paths(path: Path) -> list[Finding]:
    """Find folders of somebody's machine."""
    return [
        Finding(f"{path.name}:{number}", f"names a place on one machine: {line.strip()}")
        for number, line in numbered(path.read_text(encoding="utf-8"))
        if _MACHINE_PATH.search(line)
    ]


def commands(markdown: str) -> list[str]:
    """List the commands ``make ...`` and ``d7xr ...`` that a text tells its reader to give."""
    blocks = [
        line.removeprefix("$ ") for block in _FENCE.findall(markdown) for line in block.splitlines()
    ]
    found = [*blocks, *_INLINE.findall(_FENCE.sub("", markdown))]
    lines = (line.split("#")[0].strip() for line in found)
    return [line for line in lines if re.match(r"(?:make|d7xr)(?: [\w./-]|$)", line)]


def places(markdown: str) -> list[str]:
    """List the paths in the first column of a text's tables."""
    return _PLACE.findall(markdown)


def unknown_commands(
    markdown: str, targets: set[str], options: dict[str, set[str]]
) -> list[Finding]:
    """Find commands that the project does not have.

    Args:
        markdown: The text.
        targets: What make can be asked for.
        options: Long options of each verb of ``d7xr``; the empty verb is the command itself.
    """
    found: list[Finding] = []
    for command in commands(markdown):
        program, *words = command.split()
        if program == "make":
            unknown = [word for word in words if "=" not in word and word not in targets]
        else:
            verbs = [word for word in words if not word.startswith("-")]
            verb = verbs[0] if verbs else ""
            known = options.get(verb)
            wanted = {word.split("=")[0] for word in words if word.startswith("--")}
            unknown = [verb] if known is None else sorted(wanted - known)
        found += [Finding(command, f"there is no {word!r}") for word in unknown]
    return found


def make_rules(makefile: str) -> dict[str, tuple[str, list[str]]]:
    """Return help text and recipe lines of every target of a Makefile."""
    rules: dict[str, tuple[str, list[str]]] = {}
    target = ""
    for line in makefile.splitlines():
        if line.startswith("\t") and target:
            rules[target][1].append(line.strip())
        elif match := _RULE.match(line):
            target = match[1]
            rules[target] = (match[3] or "", [])
    return rules


def bad_rules(makefile: str) -> list[Finding]:
    """Find recipes that are too long and public targets that help does not explain."""
    found: list[Finding] = []
    for target, (text, recipe) in make_rules(makefile).items():
        if len(recipe) > RECIPE_LINES:
            found.append(Finding(target, f"recipe has {len(recipe)} lines, may {RECIPE_LINES}"))
        if target.isalpha() and not text:
            found.append(Finding(target, "has no help text"))
    return found
