"""The shipped trace, read and decoded without a line of the package's own code."""

import gzip
import re
from dataclasses import dataclass
from functools import cache
from typing import cast

import cantools.database
import numpy as np
from cantools.database.can import Database as CantoolsDatabase
from numpy.typing import NDArray

from d7xr.demo import demo_trace_path
from tests.recordings import REPOSITORY

LINE = re.compile(r"\((\d{10})\.(\d{6})\) can0 ([0-9A-F]{3})#([0-9A-F]{16})")
STANDARD_GRAVITY_MPS2 = 9.81


@dataclass(frozen=True, slots=True)
class Sent:
    """All frames of one message: times, payloads, and every signal as cantools decodes it."""

    time_us: NDArray[np.int64]
    data: tuple[bytes, ...]
    signal: dict[str, NDArray[np.float64]]

    def between(self, name: str, start_us: int, end_us: int) -> NDArray[np.float64]:
        return self.signal[name][(self.time_us >= start_us) & (self.time_us < end_us)]


@cache
def vehicle_bus() -> CantoolsDatabase:
    path = REPOSITORY / "firmware" / "bus" / "d7xr.dbc"
    return cast("CantoolsDatabase", cantools.database.load_file(path))


@cache
def lines() -> tuple[tuple[int, int, bytes], ...]:
    """Return time in us, identifier and payload of every frame, in the order of the file."""
    text = gzip.decompress(demo_trace_path().read_bytes()).decode("ascii")
    found = []
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        seconds, micros, identifier, data = match.groups()
        time_us = int(seconds) * 1_000_000 + int(micros)
        found.append((time_us, int(identifier, 16), bytes.fromhex(data)))
    return tuple(found)


@cache
def sent(name: str) -> Sent:
    """Return what the trace holds of one message."""
    message = vehicle_bus().get_message_by_name(name)
    mine = [
        (time_us, data) for time_us, identifier, data in lines() if identifier == message.frame_id
    ]
    decoded = [
        cast("dict[str, float]", message.decode(data, decode_choices=False)) for _, data in mine
    ]
    return Sent(
        time_us=np.array([time_us for time_us, _ in mine], dtype=np.int64),
        data=tuple(data for _, data in mine),
        signal={
            each.name: np.array([row[each.name] for row in decoded], dtype=np.float64)
            for each in message.signals
        },
    )


def filtered_force_g() -> NDArray[np.float64]:
    """Return vertical specific force behind a first-order low-pass of 20 Hz, as a detector sees it.

    Not available values at key-on are read as rest.
    """
    accel = sent("InertialAccel")
    force_g = accel.signal["SpecificForceZ_mps2"] / STANDARD_GRAVITY_MPS2
    force_g[accel.time_us < 1_000_000] = 1.0
    filtered, state = [], 1.0
    for value in force_g.tolist():
        state += (value - state) * 5.0 / (5.0 + 8.0)
        filtered.append(state)
    return np.array(filtered)


def longest_run(is_so: NDArray[np.bool_]) -> int:
    """Return the length of the longest run of true values."""
    longest = run = 0
    for value in is_so.tolist():
        run = run + 1 if value else 0
        longest = max(longest, run)
    return longest
