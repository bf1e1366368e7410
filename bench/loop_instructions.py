"""Instructions per tick of the closed loop, by callgrind: the unit, and the car around it."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from bench.replay_instructions import difference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from d7xr.simulator.loop import Loop

STORY: Final = "rough"
LASTS_S: Final = (2.0, 10.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """What one more millisecond of a drive costs.

    Attributes:
        unit: Instructions of the unit.
        beside: Those of car, driver and sensors, with their frames.
    """

    unit: float
    beside: float


def counted(folder: Path) -> Tick:
    """Count a drive of two lengths.

    Args:
        folder: For what is built and written on the way.

    Raises:
        MissingToolError: gcc or valgrind is not there.
    """
    unit, beside = difference("bench.loop_instructions", (), folder)
    ticks = 1000.0 * (LASTS_S[1] - LASTS_S[0])
    return Tick(unit=unit / ticks, beside=beside / ticks)


def _loop(lasts_s: float) -> Loop:
    from d7xr.simulator import scenario
    from d7xr.simulator.loop import Loop

    told = scenario.load(STORY).scenario
    return Loop(msgspec.structs.replace(told, lasts_s=lasts_s), STORY)


def main(words: Sequence[str]) -> None:
    """Run under callgrind: warm up, then count one drive after the other."""
    from d7xr.ecu import calibration_default

    marks, blob = ctypes.CDLL(words[0]), calibration_default()
    _loop(LASTS_S[0]).drive(blob)
    for loop in map(_loop, LASTS_S):
        marks.count_begin()
        loop.drive(blob)
        marks.count_end()


if __name__ == "__main__":
    main(sys.argv[1:])
