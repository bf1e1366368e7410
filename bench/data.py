"""The trace that everybody reads: a drive on our own bus, the same frames in every format.

Values wander as those of a car do; counters and checksums are right, so the unit takes every frame.
The seed is fixed: the same number of frames gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from d7xr.database import Database
from d7xr.replay import heard

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.frames import Frames

SEED: Final = 6
START_S: Final = 1_700_000_000
FORMATS: Final = ("log", "asc", "trc", "csv", "blf", "mf4", "dz.mf4")


def made(folder: Path, frames: int) -> dict[str, Path]:
    """Make the files that are not there yet.

    Returns:
        Path by format.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"drive_{frames}.{name}" for name in FORMATS}
    if not all(path.is_file() for path in paths.values()):
        drive = _drive(frames)
        _write_texts(drive, paths)
        _write_mf4(drive, paths["mf4"], compression=0)
        _write_mf4(drive, paths["dz.mf4"], compression=2)
    return paths


def long_log(folder: Path, frames: int) -> Path:
    """Make a candump log alone, of any length, block by block."""
    path = folder / f"long_{frames}.log"
    if path.is_file():
        return path
    part = _drive(min(frames, 300_000))
    span_us = int(part.time_us[-1]) + 1000
    rows = list(_rows(part))
    with path.open("w", encoding="ascii") as file:
        for first in range(0, frames, len(rows)):
            shift_us = first // len(rows) * span_us
            count = min(len(rows), frames - first)
            file.writelines(_candump(us + shift_us, i, data) for us, i, data in rows[:count])
    return path


def _drive(frames: int) -> Frames:
    from d7xr.frames import Frames

    own, rng = Database.own(), np.random.default_rng(SEED)
    cycles = {name: own.message(name).cycle_time_ms or 1000 for name in heard(own)}
    cycles = {name: ms for name, ms in cycles.items() if own.message(name).cycle_time_ms}
    duration_ms = int(frames / sum(1 / ms for ms in cycles.values())) + 2000
    parts = []
    for name, cycle_ms in cycles.items():
        time_us = 1000 * np.arange(0, duration_ms, cycle_ms) + int(rng.integers(0, 900))
        message = own.message(name)
        values = {s.name: _wander(rng, s, time_us.size) for s in message.values}
        parts.append(own.encode_columns(name, time_us, values))
    time_us = np.concatenate([part.time_us for part in parts])
    order = np.argsort(time_us, kind="stable")[:frames]
    return Frames(time_us[order], np.concatenate([part.frame for part in parts])[order])


def _wander(rng: np.random.Generator, signal: object, count: int) -> NDArray[np.float64]:
    """Return values that move slowly through the middle of a signal's range."""
    low, high = signal.minimum or 0.0, signal.maximum or 1.0  # type: ignore[attr-defined]
    if signal.choices and signal.length <= 4:  # type: ignore[attr-defined]
        return np.full(count, min(high, 1.0))
    steps = rng.normal(0.0, (high - low) / 2000, count)
    middle = (low + high) / 2
    return np.asarray(np.clip(middle + np.cumsum(steps), low, high))


def _rows(drive: Frames) -> Iterable[tuple[int, int, bytes]]:
    data = drive.data.tobytes()
    for n, (us, identifier, length) in enumerate(
        zip(drive.time_us.tolist(), drive.id.tolist(), drive.length.tolist(), strict=True)
    ):
        yield us, identifier, data[8 * n : 8 * n + length]


def _candump(us: int, identifier: int, data: bytes) -> str:
    seconds, micros = divmod(us, 1_000_000)
    return f"({START_S + seconds}.{micros:06}) can0 {identifier:03X}#{data.hex().upper()}\n"


def _write_texts(drive: Frames, paths: dict[str, Path]) -> None:
    """Write with python-can what it writes, so that no peer has to read what only we write."""
    import can

    with paths["log"].open("w", encoding="ascii") as log:
        log.writelines(_candump(*row) for row in _rows(drive))
    writers = [can.ASCWriter, can.TRCWriter, can.CSVWriter, can.BLFWriter]
    for writer, name in zip(writers, ("asc", "trc", "csv", "blf"), strict=True):
        with writer(str(paths[name])) as out:
            for us, identifier, data in _rows(drive):
                out.on_message_received(
                    can.Message(
                        timestamp=START_S + us / 1e6,
                        arbitration_id=identifier,
                        is_extended_id=False,
                        data=data,
                        channel=0,
                        is_rx=True,
                    )
                )


def _write_mf4(drive: Frames, path: Path, *, compression: Literal[0, 2]) -> None:
    from asammdf import MDF, Signal
    from asammdf.blocks.source_utils import Source
    from asammdf.blocks.v4_constants import BUS_TYPE_CAN, FLAG_CG_BUS_EVENT, SOURCE_BUS

    plain = ("BusChannel", "IDE", "DLC", "DataLength", "Dir", "EDL", "BRS", "ESI")
    fields = [*((name, "u1") for name in plain), ("ID", "<u4"), ("DataBytes", "(8,)u1")]
    row = np.dtype([(f"CAN_DataFrame.{name}", kind) for name, kind in fields])
    samples = np.zeros(len(drive), row)
    samples["CAN_DataFrame.BusChannel"] = 1
    samples["CAN_DataFrame.ID"] = drive.id
    for name in ("DLC", "DataLength"):
        samples[f"CAN_DataFrame.{name}"] = drive.length
    samples["CAN_DataFrame.DataBytes"] = drive.data
    with MDF(version="4.11") as mdf:
        bus = Source("CAN", "CAN", "", SOURCE_BUS, BUS_TYPE_CAN)
        frames = Signal(samples, drive.time_us / 1e6, name="CAN_DataFrame", source=bus)
        mdf.append(frames, acq_name="CAN", acq_source=bus)
        mdf.groups[0].channel_group.flags |= FLAG_CG_BUS_EVENT  # type: ignore[union-attr]
        mdf.save(path, overwrite=True, compression=compression)
