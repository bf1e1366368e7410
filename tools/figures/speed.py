"""How fast the closed loop runs, here and now; the floor under it is the unit by itself."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from d7xr.ecu import calibration_default
from d7xr.ecu.core import ffi, lib
from d7xr.ecu.tables import calibration_from
from d7xr.fanout import Cores
from d7xr.fanout import run as run_all
from d7xr.simulator import scenario
from d7xr.simulator import sweep as sweeps
from d7xr.simulator.loop import Loop
from tools.figures.page import paragraph, table

STORIES: Final = ("jump", "table_top", "whoops", "rough")
ROUNDS: Final = 20
SWEEP_RUNS: Final = (1000, 2000, 10_000)
"""Of ten seconds each."""


def loop_ns(name: str) -> float:
    """Return nanoseconds of this process for a simulated tick, the best of some rounds."""
    told, blob = scenario.load(name).scenario, calibration_default()
    best = float("inf")
    for _ in range(ROUNDS):
        loop = Loop(told, name)
        began_s = time.process_time()
        drive = loop.drive(blob)
        best = min(best, (time.process_time() - began_s) / drive.ticks)
    return 1e9 * best


def unit_ns(name: str) -> float:
    """Return the same for the unit alone, fed with the frames of that drive from memory."""
    loop = Loop(scenario.load(name).scenario, name)
    loop.keep(every_ticks=1000)
    drive = loop.drive(calibration_default())
    frame = np.ascontiguousarray(drive.frames.frame)
    tick = drive.frames.time_us // 1000
    sent, sent_tick = np.zeros(drive.ticks * 8 * 24, np.uint8), np.zeros(drive.ticks * 8, np.int64)
    row = np.zeros(1, np.uint32)
    best = float("inf")
    for _ in range(ROUNDS):
        vcu, batch = ffi.new("vcu_t *"), ffi.new("batch_t *")
        lib.vcu_init(vcu, calibration_from(calibration_default()))
        batch.frame, batch.frame_tick = _at("can_frame_t *", frame), _at("int64_t *", tick)
        batch.frames, batch.every_ticks = len(frame), drive.ticks
        batch.sent, batch.sent_tick = _at("can_frame_t *", sent), _at("int64_t *", sent_tick)
        batch.row = _at("uint32_t *", row)
        began_s = time.process_time()
        lib.batch_run(batch, vcu, drive.ticks)
        best = min(best, (time.process_time() - began_s) / drive.ticks)
    return 1e9 * best


def _at(kind: str, values: Any) -> Any:  # noqa: ANN401 - a cffi pointer has no type
    return ffi.cast(kind, values.ctypes.data)


def sweep_cost(runs: int) -> tuple[float, float]:
    """Return seconds of a sweep of ten-second jumps on all cores, and its peak memory in MB."""
    sweep = sweeps.load("jumps", runs)
    sweep.table["lasts_s"] = 10.0
    began_s = time.monotonic()
    run_all(sweeps.drive_chunk, sweeps.jobs_of(sweep), workers=Cores())
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = int(status.split("VmHWM:", 1)[1].split()[0])  # getrusage knows what was before an exec
    return time.monotonic() - began_s, max(own, children) / 1024.0


def _alone(runs: int) -> tuple[float, float]:
    """Return `sweep_cost` in a process of its own, whose memory is only the sweep's."""
    code = f"from tools.figures.speed import sweep_cost; print(*sweep_cost({runs}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parent.parent.parent,
    )  # fmt: skip
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def instructions(name: str) -> float | None:
    """Return instructions of a simulated tick by callgrind; None where there is no valgrind."""
    code = (
        "from d7xr.ecu import calibration_default\n"
        "from d7xr.simulator import scenario\n"
        "from d7xr.simulator.loop import Loop\n"
        f"told = scenario.load({name!r}).scenario\n"
        f"print('ticks', Loop(told).drive(calibration_default()).ticks)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind", "--tool=callgrind", "--collect-atstart=no",
            "--toggle-collect=simulator_run", f"--callgrind-out-file={folder}/out",
            sys.executable, "-c", code,
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
    ticks = int(done.stdout.split("ticks", 1)[1].split()[0])
    counted = int(done.stderr.split("Collected :", 1)[1].split()[0])
    return counted / ticks if counted else None


def section() -> str:
    """Return the section on speed."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    rows = []
    for name in STORIES:
        whole, alone = loop_ns(name), unit_ns(name)
        cells = (f"{1e6 / whole:,.0f}", f"{whole:.0f}", f"{alone:.0f}", f"{1e6 / alone:,.0f}")
        rows.append([f"`{name}`", *cells])
    counted = instructions(STORIES[0])
    told = paragraph(
        f"""Of one process; the machine has {cores} cores, and had a load of {load:.1f} as these
        were measured. The unit's own tick, from frames in memory, is the floor: what is above it
        is the simulated car, its sensors and their frames."""
    )
    if counted is not None:
        told += "\n" + paragraph(
            f"""A tick of `{STORIES[0]}` takes {counted:,.0f} instructions, those of the unit among
            them (callgrind)."""
        )
    headings = ("story", "times real time", "ns per tick", "the unit alone, ns", "times real time")
    return f"## Speed\n\n{told}\n{table(headings, rows)}\n{_sweeps()}"


def _sweeps() -> str:
    rows = []
    for runs in SWEEP_RUNS:
        seconds, peak = _alone(runs)
        cells = (f"{seconds:.1f}", f"{1000 * seconds / runs:.2f}", f"{10 * runs / seconds:,.0f}")
        rows.append([f"{runs:,}", *cells, f"{peak:.0f}"])
    headings = ("runs", "s", "ms per run", "times real time", "peak MB of a process")
    told = paragraph(
        "Sweeps of jumps of ten seconds on all cores, the start of the processes included:"
    )
    return f"{told}\n{table(headings, rows)}"
