"""Print what the package needs at run time with all its extras, one requirement a line.

The set-up installs these before the package itself, so that a changed line of C costs one
compilation and no look at any package index.
"""

import tomllib
from pathlib import Path


def requirements(project: Path) -> list[str]:
    """Return the dependencies and those of every extra, sorted.

    Args:
        project: The ``pyproject.toml`` to read.
    """
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    extras = [line for extra in table["optional-dependencies"].values() for line in extra]
    own = f"{table['name']}["
    return sorted({*table["dependencies"], *extras} - {e for e in extras if e.startswith(own)})


if __name__ == "__main__":
    print("\n".join(requirements(Path("pyproject.toml"))))
