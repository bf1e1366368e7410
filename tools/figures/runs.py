"""The sweeps that the page rests on, driven once and kept."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.fanout import Cores, Ledger, Progress
from d7xr.fanout import run as run_all
from d7xr.simulator import sweep as sweeps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.simulator.sweep import Finding, Sweep

RUNS: Final = {
    "jumps": 82_000,
    "held_gears": 8_192,
    "protection": 4_096,
    "single_faults": 16_384,
    "calibrations": 8_192,
    "rough_ground": 4_096,
    "cooling": 240,
}
"""Runs of each sweep on the page; more than a million seconds of driving each, but for the last."""


@dataclass(frozen=True, slots=True)
class Driven:
    """A sweep and what came of it.

    Attributes:
        sweep: The sweep.
        every: Columns of all runs.
        columns: Columns of the runs that count.
        findings: Its claims, judged.
    """

    sweep: Sweep
    every: Mapping[str, NDArray[Any]]
    columns: Mapping[str, NDArray[Any]]
    findings: tuple[Finding, ...]

    @property
    def hours(self) -> float:
        """Of the runs that count."""
        return float(self.columns["duration_s"].sum()) / 3600.0

    def of(self, figure: str, **where: object) -> NDArray[Any]:
        """Return a figure of the runs whose columns have these values."""
        chosen = np.ones(len(self.columns["run"]), dtype=np.bool_)
        for name, value in where.items():
            chosen &= self.columns[name] == value
        return self.columns[figure][chosen]


def driven(
    name: str, runs: int, folder: Path, jobs: int | None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Driven:  # fmt: skip
    """Drive a shipped sweep, or go on where it was interrupted.

    Args:
        name: Of the sweep.
        runs: How many.
        folder: Where its rows are kept.
        jobs: Processes; None takes one per core.
        on_progress: Called behind every part.

    Raises:
        RuntimeError: A run failed.
    """
    sweep = sweeps.load(name, runs)
    request = sweeps.request_of(sweep)
    place = f"{name}_{zlib.crc32(repr(request).encode()):08x}"  # another build begins anew
    with Ledger.opened(folder / place / sweeps.ROWS, request) as ledger:
        rows = run_all(
            sweeps.drive_chunk, sweeps.jobs_of(sweep), workers=Cores(jobs), ledger=ledger,
            on_progress=on_progress,
        )  # fmt: skip
    for row in rows:
        if row.error is not None:
            raise RuntimeError(f"{name}, runs from {row.name}: {row.error.message}")
    columns = sweeps.columns_of(rows, sweep)
    return Driven(
        sweep, sweeps.columns_of(rows, sweep, all_runs=True), columns,
        sweeps.judged(columns, sweep),
    )  # fmt: skip
