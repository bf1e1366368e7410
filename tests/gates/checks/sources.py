"""The files that the gates look at."""

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

_OUTPUT = {".git", ".hypothesis", ".venv", "__pycache__", "build", "dist", "runs", "venv"}
_TEXT = {
    "",
    ".c",
    ".cfg",
    ".csv",
    ".dbc",
    ".def",
    ".h",
    ".in",
    ".md",
    ".mk",
    ".py",
    ".pyi",
    ".sh",
    ".toml",
    ".txt",
}


def files(root: Path, *suffixes: str) -> list[Path]:
    """List files below a folder that belong to the project, not what tools leave behind.

    Args:
        root: Where to begin.
        suffixes: Suffixes to keep, with their dot; none keeps every file.
    """

    def walk(folder: Path) -> Iterator[Path]:
        for entry in sorted(folder.iterdir()):
            is_output = entry.name in _OUTPUT or entry.name.endswith((".egg-info", "_cache"))
            if entry.is_dir():
                if not is_output:
                    yield from walk(entry)
            elif entry.name != ".git" and (not suffixes or entry.suffix in suffixes):
                yield entry

    return list(walk(root)) if root.is_dir() else []


def texts(root: Path) -> list[Path]:
    """List the files of a tree that people read."""
    return files(root, *_TEXT)


def firmware_c(root: Path) -> list[Path]:
    """List the C sources and headers of the firmware, boards included."""
    return files(root / "firmware", ".c", ".h")


def unit_c(root: Path) -> list[Path]:
    """List the C sources and headers of the unit: the firmware that is the same everywhere."""
    return [
        path for path in firmware_c(root) if not path.is_relative_to(root / "firmware" / "board")
    ]


_TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def code_of(text: str, *, keep_strings: bool = False) -> str:
    """Return C text with comments and the insides of strings blanked, lines kept.

    Args:
        text: C source.
        keep_strings: Leave string and character literals as they are.
    """

    def blank(match: re.Match[str]) -> str:
        token = match.group()
        if token[0] in "\"'":
            return token if keep_strings else token[0] + token[0]
        return re.sub(r"[^\n]", " ", token)

    return _TOKEN.sub(blank, text)


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text with their numbers, from 1."""
    yield from enumerate(text.splitlines(), start=1)
