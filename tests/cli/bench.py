"""The command line in this process: what it printed and how it ended."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from d7xr.cli import main


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Return the one JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


type Command = Callable[..., Ending]


def runner(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs one command."""

    def run(*words: object) -> Ending:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Ending(code, captured.out, captured.err)

    return run
