"""``make bench``: d7xr, its peers and the floor on the same files in the same run.

Every contestant runs in a process of its own, in turn, several rounds; the median counts. Who
decodes must come to the same sum over all values, who replays to the same digest, or the run fails.
What is told goes to the terminal, to ``build/bench/results.json`` and to ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import Any, Final

from bench import data, scaling
from bench.contestants import CONTESTANTS
from bench.instructions import (
    MissingToolError,
    blocks_of_blf,
    blocks_of_mf4,
    objects_of_blf,
)

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build" / "bench"
PAGE: Final = ROOT / "docs" / "benchmarks.md"
OURS: Final = "d7xr replay"
READS: Final = "d7xr read"
TODAY: Final = "python-can + cantools + cffi"
UNCHECKED: Final = "floor, parsed alone"
REPLAYS: Final = (TODAY, "hilspy + cffi", "asammdf + one call")
"""Peers that step the unit; each of the others is held against what of ours does the same."""
DECODES: Final = dict.fromkeys(
    (
        "python-can + cantools",
        "polars + numpy",
        "python-can + opendbc",
        "cantools decode (process)",
    ),
    "d7xr decode",
)
STATE_LIMIT_BYTES: Final = 8192
TICK_LIMIT_NS: Final = 400
MF4_RECORD_BYTES: Final = 28
LENGTHS: Final = (100_000, 1_000_000, 10_000_000)
LONGEST: Final = 100_000_000
ROWS: Final = 16_384
"""Frames in two blocks of a trace: instructions are counted for whole ones."""
CHECKED: Final = ("sum", "digest", "values", "frames")
"""What all that tell it of a file must agree on."""

type Results = dict[str, dict[str, dict[str, Any]]]


def main() -> int:
    """Measure, check, tell; 1 if contestants disagree."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=300_000, help="in each file")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--longest", action="store_true", help="a log of 10^8 frames too (5 GB)")
    parser.add_argument("--quick", action="store_true", help="no long logs and no many files")
    parser.add_argument("--no-page", action="store_true", help="leave docs/benchmarks.md alone")
    args = parser.parse_args()
    if args.frames < 1000 or args.rounds < 1:
        parser.error("need 1000 frames and 1 round at least")
    paths = data.made(BUILD, args.frames)
    floor = _built_floor()
    results = _measured(paths, floor, args.rounds)
    disagreements = _disagreements(results)
    told = {
        "schema": "d7xr.bench",
        "version": 1,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": _machine(),
        "frames": args.frames,
        "rounds": args.rounds,
        "results": results,
        "tick": _tick(results),
        "start": _start_up(),
        "whole_process": _whole_process(paths["log"]),
        "length": [] if args.quick else _by_length(longest=args.longest),
        "scaling": {} if args.quick else scaling.measured(BUILD),
        "instructions": {} if args.quick else _instructions(),
        "disagreements": disagreements,
    }
    (BUILD / "results.json").write_text(json.dumps(told, indent=1) + "\n")
    page = _page(told)
    print(page)
    if not args.no_page and not disagreements:
        PAGE.write_text(page)
    for text in disagreements:
        print(f"bench: {text}", file=sys.stderr)
    return 1 if disagreements else 0


def _measured(paths: dict[str, Path], floor: Path, rounds: int) -> Results:
    """Run everybody on every file, in turn."""
    results: Results = {}
    for form, path in paths.items():
        runs: dict[str, list[dict[str, Any]]] = {}
        for _ in range(rounds):
            for name in CONTESTANTS:
                before = runs.setdefault(name, [])
                if not (before and "refused" in before[0]):
                    before.append(_run(name, path))
            runs.setdefault("floor", []).append(_floor(floor, form, paths))
            runs.setdefault(UNCHECKED, []).append(_floor(floor, form, paths, decodes=False))
        results[form] = {name: _median_of(told) for name, told in runs.items()}
        print(f"bench: {form} done", file=sys.stderr)
    return results


def _median_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    first = runs[0]
    if "refused" in first:
        return first
    ns = median(run["ns"] for run in runs) / first["frames"]
    return {**first, "ns_per_frame": round(ns, 1)}


def _run(name: str, path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.contestants", name, path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"refused": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _built_floor() -> Path:
    """Compile the floor, and describe our bus to it."""
    from d7xr.database import Database

    program = BUILD / "floor"
    compiler = [os.environ.get("CC", "cc"), "-O2", "-std=gnu11", "-Wall", "-Werror"]
    subprocess.run([*compiler, "-o", program, ROOT / "bench" / "floor.c"], check=True)
    lines = [
        f"{m.frame_id} {s.start} {s.length} {int(s.is_signed)} {s.scale!r} {s.offset!r}\n"
        for m in Database.own().messages
        for s in m.signals
    ]
    (BUILD / "floor.table").write_text("".join(lines))
    return program


def _floor(
    program: Path, form: str, paths: dict[str, Path], *, decodes: bool = True
) -> dict[str, Any]:
    """Run the floor. It has no inflate: of a packed file it is given the content.

    What the library takes that inflates for our reader is added then.
    """
    path, inflate_ns = paths[form], 0
    if form == "blf":
        inflate_ns, path = _inflate_ns(blocks_of_blf(path)), objects_of_blf(path)
    elif form == "dz.mf4":
        inflate_ns, path = _inflate_ns(blocks_of_mf4(path)), paths["mf4"]
    how = _records_of_mf4(path) if form.endswith("mf4") else form
    command: list[str | Path] = [program, how, path, *([BUILD / "floor.table"] if decodes else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    frames, values, total, ns, _ = map(int, done.stdout.split())
    told = {"frames": frames, "ns": ns + inflate_ns, "peak_kB": 0}
    return told | ({"values": values, "sum": total} if decodes else {})


def _inflate_ns(packed: list[tuple[bytes, int]]) -> int:
    """Return how long all blocks take that are packed in a file."""
    from d7xr.trace.inflate import inflated

    inflated(*packed[0])  # the import
    begun = perf_counter_ns()
    for block, size in packed:
        inflated(block, size)
    return perf_counter_ns() - begun


def _records_of_mf4(path: Path) -> str:
    """Return where the records of our own file lie: offset and number for each of its blocks."""
    content = path.read_bytes()
    header = struct.Struct("<4s4xQQ")
    places = []
    at = content.find(b"##DT")
    while at >= 0:
        _, size, _ = header.unpack_from(content, at)
        places.append(f"{at + header.size}:{(size - header.size) // MF4_RECORD_BYTES}")
        at = content.find(b"##DT", at + size)
    return ",".join(places)


def _disagreements(results: Results) -> list[str]:
    """Return who says something else than the others, over all files: they hold the same frames."""
    found = []
    for key in CHECKED:
        said: dict[Any, list[str]] = {}
        for form, contestants in results.items():
            for name, told in contestants.items():
                if key in told and not (key == "frames" and "refused" in told):
                    said.setdefault(told[key], []).append(f"{name} on .{form}")
        if len(said) > 1:
            rare = min(said.values(), key=len)
            found.append(f"{key} differs: {', '.join(rare)} against all others")
    return found


def _tick(results: Results) -> dict[str, Any]:
    """Return what a tick of the unit costs, with receiving and sending, and its state's size."""
    from d7xr.ecu.core import ffi

    alone = results["log"]["unit alone"]
    return {
        "ns": round(alone["ns_per_frame"] * alone["frames"] / alone["ticks"], 1),
        "state_bytes": ffi.sizeof("vcu_t"),
    }


def _start_up() -> dict[str, float]:
    """Return the best of ten starts in milliseconds, by command."""
    command = Path(sys.executable).with_name("d7xr")
    return {
        option: round(min(_seconds([command, option]) for _ in range(10)) * 1e3, 1)
        for option in ("--version", "--help")
    }


def _whole_process(log: Path) -> dict[str, float]:
    """Return seconds from the command to its end, ours and the loop of today."""
    command = Path(sys.executable).with_name("d7xr")
    today = [sys.executable, "-m", "bench.contestants", TODAY, log]
    return {
        OURS: round(min(_seconds([command, "replay", log]) for _ in range(3)), 3),
        TODAY: round(_seconds(today), 3),
    }


def _by_length(*, longest: bool) -> list[dict[str, Any]]:
    """Return time per frame and peak memory of a replay of logs of different lengths."""
    rows = []
    for count in (*LENGTHS, LONGEST) if longest else LENGTHS:
        path = data.long_log(BUILD, count)
        runs = [_run(OURS, path) for _ in range(3 if count <= LENGTHS[-1] else 1)]
        ns = round(median(run["ns"] for run in runs) / runs[0]["frames"], 1)
        peak_kB = max(run["peak_kB"] for run in runs)  # noqa: N806 - a unit
        rows.append({"frames": count, "ns_per_frame": ns, "peak_kB": peak_kB})
        if count > LENGTHS[1]:
            path.unlink()  # half a gigabyte
    return rows


def _instructions() -> dict[str, Any]:
    """Return the instructions of a replay per frame of a candump log, by callgrind."""
    from tempfile import TemporaryDirectory

    from bench.replay_instructions import counted

    with TemporaryDirectory() as folder:
        few, many = (data.long_log(Path(folder), blocks * ROWS) for blocks in (1, 3))
        try:
            replay = counted(few, many, Path(folder))
        except MissingToolError as error:
            return {"refused": str(error)}
    return {"unit": round(replay.unit), "beside": round(replay.beside)}


def _seconds(command: list[Any]) -> float:
    begun = perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return perf_counter() - begun


def _machine() -> str:
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    name = cpu[1] if cpu else platform.machine()
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    return f"{name}, {cores} cores, load {load:.1f}, Python {platform.python_version()}"


def _page(told: dict[str, Any]) -> str:
    results: Results = told["results"]
    tick, start, whole = told["tick"], told["start"], told["whole_process"]
    head = [
        _row(["", *(f".{form}" for form in results)]),
        _row(["---", *("---:" for _ in results)]),
    ]
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` from one run: d7xr, what else reads traces, and a floor in C "
        "(`bench/floor.c`: parse and decode, nothing checked) over the same frames, made with a "
        f"fixed seed. {told['frames']:,} frames, median of {told['rounds']} rounds, imports not "
        "counted. Compare ratios: nanoseconds are of that machine on that day.",
        "",
        f"{told['date']}, {told['machine']}",
        "",
        "## Nanoseconds per frame",
        "",
        *head,
        *(_contestant(name, results) for name in ["floor", UNCHECKED, *CONTESTANTS]),
        "",
        *_notes(results),
        "",
        "`d7xr replay` is strict: every line checked, every frame fed to the complete unit at 1 "
        "kHz, three states of every tick written as binary columns. `unit alone` is that unit with "
        "frames in memory. `(process)`: a program of its own, with its start. All that decode came "
        "to the same sum over all values to the last bit, all that replay to the same digest."
        if not told["disagreements"]
        else f"**{'; '.join(told['disagreements'])}**",
        "",
        "## Peak memory, MB",
        "",
        *head,
        *(_peaks(name, results) for name in CONTESTANTS if not name.endswith("(process)")),
        "",
        "## Ratios",
        "",
        *head,
        *_ratios(results),
        "",
        "A replay cannot be faster than the unit's own ticks, which both sides of a ratio must "
        "run: `if ours cost nothing else` is the ratio that a reader without cost would reach. The "
        "unit's ticks are the median over all files, which hold the same frames. The last row is "
        "what being strict costs: how much longer our readers take than a parser in C that fills "
        "columns and checks nothing, as a share of the replay; less than nothing where they are "
        "faster all the same.",
        "",
        "## The unit",
        "",
        f"An average tick, with receiving and sending, costs {tick['ns']:.0f} ns on this machine "
        f"(limit {TICK_LIMIT_NS}). Its state is {tick['state_bytes']:,} bytes "
        f"(limit {STATE_LIMIT_BYTES:,}).",
        "",
        "## Start and whole process",
        "",
        f"`d7xr --version` {start['--version']:.0f} ms, `d7xr --help` {start['--help']:.0f} ms, "
        f"best of ten. The whole command `d7xr replay` over {told['frames']:,} frames of candump "
        f"takes {whole[OURS]:.2f} s, {TODAY} {whole[TODAY]:.2f} s: "
        f"{whole[TODAY] / whole[OURS]:.0f} times.",
        "",
        *_length_lines(told["length"]),
        *_scaling_lines(told["scaling"]),
        *_instruction_lines(told["instructions"]),
    ]
    return "\n".join(lines)


def _length_lines(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    cells = [
        [f"{r['frames']:,}", f"{r['ns_per_frame']:.0f}", f"{r['peak_kB'] / 1024:.1f}"] for r in rows
    ]
    heading = [_row(["frames", "ns per frame", "peak MB"]), _row(["---:", "---:", "---:"])]
    return ["## Length", "", *heading, *map(_row, cells), ""]


def _scaling_lines(told: dict[str, Any]) -> list[str]:
    if not told:
        return []
    cores, alone = told["cores"], told["alone"]
    ideal = alone / cores
    return [
        "## Many traces",
        "",
        f"{told['files']} logs of {told['frames']:,} frames, {cores} cores. In one process that "
        f"does nothing else: {alone:.2f} s, so {ideal:.2f} s would be ideal. In {cores} processes "
        f"that know nothing of each other: {told['bare']:.2f} s, "
        f"{alone / told['bare']:.2f} times as fast; this is what the machine allows. By "
        "`d7xr replay DIR`, start of its workers "
        f"included: {told['one']:.2f} s with one worker, {told['all']:.2f} s with {cores}, "
        f"{told['one'] / told['all']:.2f} times as fast; "
        f"{100 * (told['all'] / ideal - 1):.0f} % over ideal, "
        f"{100 * (told['all'] / told['bare'] - 1):.0f} % over what the machine allows.",
        "",
    ]


def _instruction_lines(told: dict[str, Any]) -> list[str]:
    if not told:
        return []
    if "refused" in told:
        return ["## Instructions", "", f"Not counted: {told['refused']}.", ""]
    return [
        "## Instructions",
        "",
        "Time depends on the day, instructions do not. One more frame of a candump log costs a "
        f"whole replay {told['beside']:,} instructions beside the unit, and the unit "
        f"{told['unit']:,} (receiving, ticks, sending). Counted by callgrind, with Python and "
        "numpy; "
        "`tests/bench/test_instructions.py` fails at 750, and at 3 % above `bench/budget.toml`:",
        "",
        "```sh",
        ".venv/bin/python -m pytest tests/bench/test_instructions.py",
        "```",
        "",
    ]


def _contestant(name: str, results: Results) -> str:
    told = [contestants.get(name, {}) for contestants in results.values()]
    return _row([name, *(f"{t['ns_per_frame']:,.0f}" if "ns_per_frame" in t else "" for t in told)])


def _peaks(name: str, results: Results) -> str:
    told = [contestants.get(name, {}) for contestants in results.values()]
    return _row(
        [name, *(f"{t['peak_kB'] / 1024:.1f}" if "ns_per_frame" in t else "" for t in told)]
    )


def _notes(results: Results) -> list[str]:
    """Say why a cell is empty."""
    told: dict[tuple[str, str], list[str]] = {}
    for form, contestants in results.items():
        for name, result in contestants.items():
            if "refused" in result:
                told.setdefault((name, result["refused"]), []).append(f".{form}")
    lines = [f"{name} ({', '.join(forms)}): {why}." for (name, why), forms in told.items()]
    return [
        "The floor of .blf and .dz.mf4 is a pass over their content and the inflating of it by the "
        "library that ours uses; of .dz.mf4 nothing is transposed back.",
        *lines,
    ]


def _ratios(results: Results) -> list[str]:
    rows = []
    for name in CONTESTANTS:
        if name.startswith("d7xr") or name == "unit alone":
            continue
        against = OURS if name in REPLAYS else DECODES.get(name, READS)
        cells = [_ratio(c.get(name, {}), c[against]) for c in results.values()]
        rows.append(_row([f"{name} / {against}", *cells]))
    each = list(results.values())
    rows.append(
        _row(
            [
                f"{TODAY}, without the unit's ticks in both",
                *(_ratio_of_the_rest(contestants, _unit_ns(results)) for contestants in each),
            ]
        )
    )
    limits = [_ratio(c.get(TODAY, {}), {"ns_per_frame": _unit_ns(results)}) for c in each]
    rows.append(_row([f"{TODAY}, if ours cost nothing else", *limits]))
    ours = [c[OURS]["ns_per_frame"] for c in each]
    least = [c["floor"]["ns_per_frame"] + _unit_ns(results) for c in each]
    strict = [c[READS]["ns_per_frame"] - c[UNCHECKED]["ns_per_frame"] for c in each]
    return [
        *rows,
        _row([f"{OURS} / (floor + unit alone)", *_quotients(ours, least, "{:.2f}")]),
        _row([f"({READS} - {UNCHECKED}) / {OURS}", *_quotients(strict, ours, "{:.0%}")]),
    ]


def _unit_ns(results: Results) -> float:
    """Return what the unit takes for a frame: of all files, since the same frames are in each."""
    return float(median(each["unit alone"]["ns_per_frame"] for each in results.values()))


def _quotients(numbers: list[float], of: list[float], form: str) -> list[str]:
    return [form.format(number / whole) for number, whole in zip(numbers, of, strict=True)]


def _ratio(told: dict[str, Any], ours: dict[str, Any]) -> str:
    if "ns_per_frame" not in told:
        return ""
    return f"{told['ns_per_frame'] / ours['ns_per_frame']:.1f}"


def _ratio_of_the_rest(contestants: dict[str, dict[str, Any]], unit: float) -> str:
    """Return how much less all costs but the unit itself, which both sides must run."""
    rest = contestants[OURS]["ns_per_frame"] - unit
    told = contestants[TODAY]
    if "ns_per_frame" not in told or rest <= 0:
        return ""
    return f"{(told['ns_per_frame'] - unit) / rest:.0f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
