"""Instructions per frame of a whole replay, Python and numpy included, by callgrind.

Two replays of different lengths in one process; the difference has no start in it. What the unit
itself takes is told apart: a replay cannot take less than that.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.instructions import HERE, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d7xr.ecu import Stretch

UNIT: Final = ("unit_receive", "unit_tick", "unit_transmit", "unit_digest")
"""All of the unit that a replay calls, by the doors of pyhost/native/unit.h."""

_NAME: Final = re.compile(r"\((\d+)\)(?: (.*))?")


@dataclass(frozen=True, slots=True)
class Replay:
    """What one more frame costs a replay.

    Attributes:
        unit: Instructions of the unit: receiving, ticks, sending, and the digest of its state.
        beside: All others.
    """

    unit: float
    beside: float


def counted(few: Path, many: Path, folder: Path, *, wasteful: bool = False) -> Replay:
    """Count the replay of two traces that differ in length.

    Args:
        few: The shorter.
        many: The longer.
        folder: For what is built and written on the way.
        wasteful: Do more than is needed, to see that it is noticed.

    Raises:
        MissingToolError: gcc or valgrind is not there.
    """
    words = (str(few), str(many), *(["wasteful"] if wasteful else []))
    unit, beside = difference("bench.replay_instructions", words, folder)
    frames = _lines(many) - _lines(few)
    return Replay(unit=unit / frames, beside=beside / frames)


def difference(module: str, words: Sequence[str], folder: Path) -> tuple[int, int]:
    """Return what the second of two marked parts of a program takes more than the first.

    Args:
        module: Run with the library of marks and the words; it marks two parts.
        words: Its further arguments.
        folder: For what is built and written on the way.

    Returns:
        Instructions of the unit, and all others.

    Raises:
        MissingToolError: gcc or valgrind is not there.
    """
    require("gcc", "valgrind")
    marks = folder / "callgrind_marks.so"
    source = HERE / "callgrind_marks.c"
    flags = ("-O1", "-shared", "-fPIC", "-Wall", "-Werror")
    subprocess.run(["gcc", *flags, str(source), "-o", str(marks)], check=True)
    out = folder / "marked.callgrind"
    subprocess.run(
        [
            "valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}",
            sys.executable, "-m", module, str(marks), *words,
        ],
        cwd=HERE.parent, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )  # fmt: skip
    (few_all, few_unit), (all_, unit) = (_read(Path(f"{out}.{part}")) for part in (1, 2))
    return unit - few_unit, (all_ - unit) - (few_all - few_unit)


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def _read(path: Path) -> tuple[int, int]:
    """Return all instructions of a callgrind file, and those of the unit with what it calls."""
    names: dict[str, str] = {}
    own, calls = 0, Counter[str]()
    caller = callee = ""
    is_call = False
    for line in path.read_text().splitlines():
        if line.startswith("fn="):
            caller = _named(line[3:], names)
        elif line.startswith("cfn="):
            callee = _named(line[4:], names)
        elif line.startswith("calls="):
            is_call = True
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            cost = int(line.split()[1])
            if not is_call:
                own += cost
            elif caller != callee:
                calls[callee] += cost
            is_call = False
    return own, sum(calls[name] for name in UNIT)


def _named(text: str, names: dict[str, str]) -> str:
    """Return a function's name, which a file has in full where it comes first."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise ValueError(f"no name of a function: {text}")
    number, name = match.groups()
    return names.setdefault(number, name or "")


class _Waste:
    """A sink that looks at every sent frame in Python."""

    def take(self, stretch: Stretch) -> None:
        sum(stretch.sent["length"].tolist())


def main(words: Sequence[str]) -> None:
    """Run under callgrind: warm up, then count one replay after the other."""
    from bench.contestants import replay_ours

    marks = ctypes.CDLL(words[0])
    few, many = map(Path, words[1:3])
    sinks = (_Waste(),) if words[3:] else ()
    replay_ours(few)
    for path in (few, many):
        marks.count_begin()
        replay_ours(path, sinks)
        marks.count_end()


if __name__ == "__main__":
    main(sys.argv[1:])
