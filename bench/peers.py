"""Peers that are programs or pipelines: cantools' command, polars, opendbc's parser, can-utils."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from d7xr.database import Signal

    Told = dict[str, Any]

OWN_DBC: Final = Path(__file__).resolve().parent.parent / "firmware" / "bus" / "d7xr.dbc"
SUM: Final = (1 << 64) - 1

_TOLD_FRAME: Final = re.compile(rb"^.*(?:can0| Rx ).*$", re.MULTILINE)


class RefusedError(Exception):
    """The contestant does not read this format."""


class NotInstalledError(Exception):
    """A program is not there; the text says how to get it."""


def cantools_command(path: Path) -> Told:
    """`cantools decode` over a candump log: the whole process, its start included."""
    if path.suffix != ".log":
        raise RefusedError
    command = [sys.executable, "-m", "cantools", "decode", "--single-line", OWN_DBC]
    return _whole_process(command, path)


def can_utils(path: Path) -> Told:
    """`log2asc`, or `asc2log` the other way: a C program that reads, formats and writes."""
    program = {".log": "log2asc", ".asc": "asc2log"}.get(path.suffix)
    if program is None:
        raise RefusedError
    import shutil

    found = shutil.which(program)
    if found is None:
        raise NotInstalledError(f"{program} is not installed: apt-get install can-utils")
    words = [found, *(["-I", str(path), "can0"] if program == "log2asc" else ["-I", str(path)])]
    return _whole_process(words, path)


def _whole_process(command: list[Any], path: Path) -> Told:
    """Run a program over a text trace; a line of what it writes that tells of a frame is one."""
    import subprocess

    begun = perf_counter_ns()
    with path.open("rb") as trace:
        done = subprocess.run(command, stdin=trace, capture_output=True, check=True)
    ns = perf_counter_ns() - begun
    frames = len(_TOLD_FRAME.findall(done.stdout))
    return {"frames": frames, "ns": ns, "peak_kB": 0}  # its memory is not ours to see


def opendbc_parser(path: Path) -> Told:
    """python-can reads, opendbc's parser decodes 10 ms at a time, as openpilot calls it."""
    import math

    import can
    from opendbc.can.parser import CANParser

    parser = CANParser(str(OWN_DBC), [], 0)
    for message in parser.dbc.addr_to_msg.values():
        parser._add_message(message.address, math.nan)  # without a timeout
    frames = values = total = 0
    begun = perf_counter_ns()
    for batch in _by_10_ms(can.LogReader(str(path))):
        frames += len(batch[1])
        for address in parser.update([batch]):
            for column in parser.vl_all[address].values():
                values += len(column)
                packed = struct.pack(f"<{len(column)}d", *column)
                total += sum(struct.unpack(f"<{len(column)}Q", packed))
    ns = perf_counter_ns() - begun
    return {"frames": frames, "ns": ns, "values": values, "sum": total & SUM}


def _by_10_ms(rows: Iterable[Any]) -> Iterable[tuple[int, list[tuple[int, bytes, int]]]]:
    batch: list[tuple[int, bytes, int]] = []
    end_s = -1.0
    for row in rows:
        if row.timestamp >= end_s and batch:
            yield int(end_s * 1e9), batch
            batch = []
        end_s = row.timestamp + 0.01 if not batch else end_s
        batch.append((row.arbitration_id, bytes(row.data), 0))
    if batch:
        yield int(end_s * 1e9), batch


def polars_pipeline(path: Path) -> Told:
    """Polars reads columns of text, numpy decodes every signal by hand."""
    import numpy as np
    import polars as pl

    from d7xr.database import Database  # as a list of what to decode, nothing else

    if path.suffix != ".log":
        raise RefusedError
    begun = perf_counter_ns()
    text = pl.read_csv(
        path, separator=" ", has_header=False, new_columns=["time", "channel", "frame"]
    )
    parts = pl.col("frame").str.split_exact("#", 1).struct
    table = text.select(
        pl.col("time").str.strip_chars("()").str.replace(".", "", literal=True).cast(pl.Int64),
        parts.field("field_0").str.to_integer(base=16, dtype=pl.UInt32).alias("id"),
        parts.field("field_1").str.pad_end(16, "0").str.decode("hex").alias("data"),
    )
    identifier = table["id"].to_numpy()
    word = np.frombuffer(b"".join(table["data"].to_list()), dtype="<u8")
    values = total = 0
    for message in Database.own().messages:
        mine = word[identifier == message.frame_id]
        if not mine.size:
            continue
        for signal in message.signals:
            column = _decoded(mine, signal)
            values += column.size
            total += int(column.view(np.uint64).sum(dtype=np.uint64))
    ns = perf_counter_ns() - begun
    return {"frames": len(table), "ns": ns, "values": values, "sum": total & SUM}


def _decoded(word: NDArray[Any], signal: Signal) -> NDArray[Any]:
    import numpy as np

    assert not signal.is_big_endian  # as all of our bus
    raw = (word >> np.uint64(signal.start)) & np.uint64((1 << signal.length) - 1)
    number = raw.astype(np.int64)
    if signal.is_signed:
        number -= (number >> (signal.length - 1)) << signal.length
    return np.asarray(number * signal.scale + signal.offset, dtype=np.float64)
