"""One contestant over one file, in a process of its own: ``python -m bench.contestants NAME FILE``.

Prints one JSON object: frames, nanoseconds without imports, peak memory, and what it found out. A
contestant that cannot do a format prints an object with ``refused``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from bench.peers import (
    OWN_DBC,
    SUM,
    NotInstalledError,
    RefusedError,
    can_utils,
    cantools_command,
    opendbc_parser,
    polars_pipeline,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from d7xr.replay import Sink

type Told = dict[str, Any]

_HOW_TO_GET: Final = "tools/peers.sh installs it where it can"


def replay_ours(path: Path, sinks: Sequence[Sink] = ()) -> Told:
    """Strict replay of the complete unit, recorded columns written as binary."""
    import tempfile

    from d7xr import recorder, stream
    from d7xr.database import Database
    from d7xr.ecu import Ecu
    from d7xr.recording.columns import Columns
    from d7xr.trace import stream_trace

    _import_readers()
    Database.own()
    fields = {field.name: field for field in Ecu.fields()}
    names = recorder.chosen_states(("torque.granted_Nm", "torque.reason", "flight_mode.state"))
    with tempfile.TemporaryDirectory() as folder:
        begun = perf_counter_ns()
        columns = Columns(Path(folder), [fields[name] for name in names], 1000)
        trace = stream_trace(path)
        feeder = stream.feeder_of(trace, None, None, None)
        outcome = stream.run(feeder, Ecu(), record=names, rate_hz=1000, sinks=(columns, *sinks))
        columns.close()
        ended = perf_counter_ns()
    return {"frames": trace.rows, "ns": ended - begun, "digest": outcome.digest}


def _import_readers() -> None:
    """Import what is otherwise imported with the first file: nobody's imports count."""
    from importlib import import_module

    from d7xr.trace import FORMATS

    for form in FORMATS:
        import_module(f"d7xr.trace.{form.name}")


def read_ours(path: Path) -> Told:
    """Strict reading into columns, nothing else."""
    from d7xr.trace import stream_trace

    _import_readers()
    begun = perf_counter_ns()
    frames = sum(len(block.id) for block in stream_trace(path))
    return {"frames": frames, "ns": perf_counter_ns() - begun}


def decode_ours(path: Path) -> Told:
    """Strict reading and every signal as a column."""
    import numpy as np

    from d7xr.database import Database
    from d7xr.trace import stream_trace

    _import_readers()
    own = Database.own()
    begun = perf_counter_ns()
    frames = values = total = 0
    for block in stream_trace(path):
        frames += len(block.id)
        for message, rows in own.rows_of_messages(block):
            for column in own.decode_columns(block, message, rows).values():
                values += column.values.size
                total += int(column.values.view(np.uint64).sum(dtype=np.uint64))
    ended = perf_counter_ns()
    return {"frames": frames, "ns": ended - begun, "values": values, "sum": total & SUM}


def unit_alone(path: Path) -> Told:
    """The unit's own ticks, with frames that are in memory: part of what a replay must cost."""
    from d7xr.ecu import Ecu
    from d7xr.replay import feed_of
    from d7xr.trace import read_trace

    feed = feed_of(read_trace(path))
    tick = (feed.frames.time_us - feed.first_us) // 1000
    batch = Ecu().batch(every_ticks=1000)
    begun = perf_counter_ns()
    for _ in batch.run(feed.frames.frame, tick, feed.ticks):
        pass
    ended = perf_counter_ns()
    return {"frames": len(feed.frames), "ns": ended - begun, "ticks": feed.ticks}


def python_can(path: Path) -> Told:
    """python-can's reader, nothing else."""
    import can

    begun = perf_counter_ns()
    frames = sum(1 for _ in can.LogReader(str(path)))
    return {"frames": frames, "ns": perf_counter_ns() - begun}


def loop_of_today(path: Path) -> Told:
    """python-can reads, cantools decodes, cffi steps the unit at 1 kHz, outputs go to a list."""
    import can

    reader = can.LogReader(str(path))
    rows = ((m.timestamp, m.arbitration_id, bytes(m.data)) for m in reader)
    return _stepped(rows, decodes=True)


def hilspy_loop(path: Path) -> Told:
    """A reader in Rust, cffi steps the unit at 1 kHz, outputs go to a list."""
    import hilspy

    kinds = {".log": "?format=candump", ".asc": "", ".blf": ""}
    if path.suffix not in kinds:
        raise RefusedError
    channel = hilspy.open(f"file://{path}{kinds[path.suffix]}")
    rows = ((m.timestamp, m.id, m.data) for m in channel)  # all three are there in a log
    return _stepped(rows, decodes=False)


def asammdf_bulk(path: Path) -> Told:
    """Raw columns by asammdf, one batch call steps the unit."""
    import numpy as np
    from asammdf import MDF

    from d7xr.ecu import Ecu
    from d7xr.frames import FRAME_DTYPE

    if path.suffix != ".mf4":
        raise RefusedError
    begun = perf_counter_ns()
    with MDF(path) as mdf:
        raw = mdf.get("CAN_DataFrame", raw=True)
    frame = np.zeros(len(raw.samples), FRAME_DTYPE)
    frame["id"] = raw.samples["CAN_DataFrame.ID"]
    frame["length"] = raw.samples["CAN_DataFrame.DataLength"]
    frame["data"] = raw.samples["CAN_DataFrame.DataBytes"]
    time_us = np.rint(raw.timestamps * 1e6).astype(np.int64)
    tick = (time_us - time_us[0]) // 1000
    batch = Ecu().batch(record=("torque.granted_Nm",), every_ticks=1)
    for _ in batch.run(frame, tick, int(tick[-1]) + 1):
        pass
    return {"frames": len(frame), "ns": perf_counter_ns() - begun, "digest": batch.run_digest}


def cantools_decode(path: Path) -> Told:
    """python-can reads, cantools decodes: the measure of every value."""
    import struct

    import can
    import cantools.database

    messages = {m.frame_id: m for m in cantools.database.load_file(OWN_DBC).messages}  # type: ignore[union-attr]
    frames = values = total = 0
    begun = perf_counter_ns()
    for frame in can.LogReader(str(path)):
        frames += 1
        decoded = messages[frame.arbitration_id].decode(bytes(frame.data), decode_choices=False)
        floats = [float(value) for value in decoded.values()]  # type: ignore[union-attr, arg-type]
        values += len(floats)
        total += sum(struct.unpack(f"<{len(floats)}Q", struct.pack(f"<{len(floats)}d", *floats)))
    ended = perf_counter_ns()
    return {"frames": frames, "ns": ended - begun, "values": values, "sum": total & SUM}


def _stepped(rows: Iterator[tuple[float, int, bytes]], *, decodes: bool) -> Told:
    """Step the unit frame by frame, as users write it."""
    from d7xr.ecu.core import ffi, lib
    from d7xr.ecu.state import field_named

    decode: Callable[..., object] | None = None
    if decodes:
        import cantools.database

        decode = cantools.database.load_file(OWN_DBC).decode_message  # type: ignore[union-attr]
    unit = ffi.new("vcu_t *")
    lib.vcu_init(unit, ffi.addressof(lib.calibration_default))
    offset = field_named("torque.granted_Nm").offset
    granted_Nm = ffi.cast("float *", ffi.cast("char *", unit) + offset)
    frame, sent = ffi.new("can_frame_t *"), ffi.new("can_frame_t *")
    outputs: list[float] = []
    frames, now, first = 0, 0, None
    begun = perf_counter_ns()
    for stamp, identifier, data in rows:
        us = round(stamp * 1e6)
        first = us if first is None else first
        while now < (us - first) // 1000:
            lib.vcu_tick(unit)
            while lib.vcu_transmit(unit, sent):
                pass
            outputs.append(granted_Nm[0])
            now += 1
        if decode is not None:
            decode(identifier, data, decode_choices=False)
        frame.id, frame.length, frame.flags = identifier, len(data), 0
        ffi.memmove(frame.data, data, len(data))
        lib.vcu_receive(unit, frame)
        frames += 1
    return {"frames": frames, "ns": perf_counter_ns() - begun}


def _named(path: Path) -> str:
    return str(path)


CONTESTANTS: Final[dict[str, Callable[[Path], Told]]] = {
    "d7xr replay": replay_ours,
    "d7xr read": read_ours,
    "d7xr decode": decode_ours,
    "unit alone": unit_alone,
    "python-can": python_can,
    "python-can + cantools": cantools_decode,
    "python-can + cantools + cffi": loop_of_today,
    "hilspy + cffi": hilspy_loop,
    "asammdf + one call": asammdf_bulk,
    "polars + numpy": polars_pipeline,
    "python-can + opendbc": opendbc_parser,
    "cantools decode (process)": cantools_command,
    "can-utils (process)": can_utils,
}


def _peak_kB() -> int:  # noqa: N802 - a unit
    """Return the most memory that this process had; what getrusage says counts its parent's too."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[0])


def main() -> int:
    """Run one contestant."""
    name, path = sys.argv[1], Path(sys.argv[2])
    try:
        told = CONTESTANTS[name](path)
    except RefusedError:
        told = {"refused": "does not read this format"}
    except ImportError as error:
        told = {"refused": f"{error.name} is not installed: {_HOW_TO_GET}"}
    except NotInstalledError as error:
        told = {"refused": str(error)}
    told.setdefault("peak_kB", _peak_kB())
    if not told.get("frames", 1):
        told = {"refused": "finds no frame in this file"}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
