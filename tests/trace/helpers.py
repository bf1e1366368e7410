"""What the tests of traces share: files made by python-can, hashes, expected numbers."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import can
import pytest

from d7xr.errors import TraceError
from d7xr.frames import FRAME_ERROR, FRAME_EXTENDED, FRAME_FD, FRAME_REMOTE
from d7xr.trace import Problem, Trace, read_trace
from tests.recordings import recordings

Row = tuple[int, int, int, int, int, str]
"""time_us, channel, id, flags, length, data in hexadecimal."""


@cache
def recorded(name: str) -> Trace:
    """Read one recording, once per process."""
    return read_trace(recordings() / "can" / name)


@cache
def expected(name: str) -> dict[str, Any]:
    """Return the reference numbers of one recording."""
    numbers = json.loads((recordings() / "expected.json").read_text("utf-8"))
    return dict(numbers["can"][f"can/{name}"])


def frames_sha256(trace: Trace) -> str:
    """Return the hash over identifier and payload of every frame, as the reference defines it."""
    digest = hashlib.sha256()
    for row in rows(trace):
        _, _, identifier, flags, _, data = row
        width = 8 if flags & FRAME_EXTENDED else 3
        digest.update(f"{identifier:0{width}X}#{data}\n".encode())
    return digest.hexdigest()


def rows(trace: Trace) -> list[Row]:
    """Return the frames as tuples, for comparison by eye."""
    return [
        (time_us, channel, identifier, flags, length, bytes(data[:length]).hex().upper())
        if not flags & FRAME_REMOTE
        else (time_us, channel, identifier, flags, length, "")
        for time_us, channel, identifier, flags, length, data in zip(
            trace.time_us.tolist(),
            trace.channel.tolist(),
            trace.id.tolist(),
            trace.flags.tolist(),
            trace.length.tolist(),
            trace.data,
            strict=True,
        )
    ]


def read_text(folder: Path, text: str, name: str = "trace.log") -> Trace:
    """Read a trace given as text."""
    return read_trace(put(folder, text.encode(), name))


def put(folder: Path, content: bytes, name: str) -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(content)
    return path


def zipped(path: Path, folder: Path) -> Path:
    """Return a gzipped copy of a file."""
    return put(folder, gzip.compress(path.read_bytes(), compresslevel=1), f"{path.name}.gz")


def write(path: Path, messages: Iterable[can.Message]) -> Path:
    """Let python-can write messages in the format of the suffix."""
    with can.Logger(str(path)) as logger:
        for message in messages:
            logger(message)
    return path


def row_of(message: can.Message, channel: int = 0, start_s: float = 0.0) -> Row:
    """Return what a message must read as."""
    flags = (
        FRAME_EXTENDED * message.is_extended_id
        | FRAME_REMOTE * message.is_remote_frame
        | FRAME_ERROR * message.is_error_frame
        | FRAME_FD * message.is_fd
    )
    if message.is_error_frame:
        flags = FRAME_ERROR
    data = "" if message.is_remote_frame else bytes(message.data).hex().upper()
    length = message.dlc if message.is_remote_frame else len(message.data)
    time_us = round((message.timestamp - start_s) * 1e6)
    return (time_us, channel, message.arbitration_id, flags, length, data)


def refusal(read: Callable[[], object]) -> tuple[str, str]:
    """Return message and hint of the refusal that reading must end in."""
    with pytest.raises(TraceError) as caught:
        read()
    assert caught.value.exit_code == 2
    return caught.value.message, caught.value.hint or ""


def problem(trace: Trace, kind: str) -> Problem:
    """Return the one problem of a kind."""
    (found,) = [p for p in trace.problems if p.kind == kind]
    return found


def kinds(trace: Trace) -> dict[str, int]:
    """Return the problems as kind -> count."""
    return {p.kind: p.count for p in trace.problems}
