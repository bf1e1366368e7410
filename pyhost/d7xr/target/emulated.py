"""The unit on an emulated Cortex-M4F: whole traces through the replay image, over two pipes.

The image is started under ``qemu-system-arm`` with semihosting. Host and emulator exchange records
over named pipes and are held on one core: on two they spend their time waking each other (measured
elsewhere: 10 000 exchanges a second instead of 200 000). It proves logic and arithmetic, not timing
or electrics.
"""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

import numpy as np

from d7xr.ecu import core_identity
from d7xr.errors import RigError
from d7xr.frames import FRAME_DTYPE
from d7xr.target.base import Answer
from d7xr.target.qemu import IMAGES, command, hold_one_core

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

IMAGE: Final = IMAGES / "replay.elf"

_TICKS_MAX: Final = 256
_FRAMES_MAX: Final = 2048
_OPEN_S: Final = 20.0
_ANSWER_S: Final = 60.0
"""A stretch takes milliseconds; an image that says nothing for so long is stuck in a fault."""

_TIMED_DTYPE: Final = np.dtype([("tick", "<u4"), ("frame", FRAME_DTYPE)])


class Emulated:
    """The firmware's ARM image under QEMU.

    Args:
        image: The replay image; None takes what ``make firmware`` built.

    Raises:
        RigError: No emulator, no image, an image of another build, or an emulator that ended.
    """

    name = "emulated"
    tells_state = True

    def __init__(self, image: Path | None = None) -> None:
        """Remember what to start; nothing is started yet."""
        self._image = image or IMAGE
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._in: IO[bytes] | None = None
        self._out: IO[bytes] | None = None
        self._state_bytes = 0
        self._cores: set[int] = set()

    def __enter__(self) -> Self:
        """Start the emulator and make sure that its image is of this very build."""
        start = command(self._image)
        self._folder = tempfile.TemporaryDirectory(prefix="d7xr-emulated-")
        folder = Path(self._folder.name)
        for name in ("in", "out"):
            os.mkfifo(folder / name)
        self._cores = hold_one_core()
        try:
            self._process = subprocess.Popen(
                [*start, "-serial", "null", "-semihosting-config", "enable=on,target=native"],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )  # fmt: skip
            self._open(folder)
            self._greet()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """End the image by closing its input, and the emulator if that does not."""
        self._stop()

    def start(self, calibration: bytes) -> None:
        """Start the unit anew with a calibration."""
        self._write(_request("C") + calibration)
        self._read(8)

    def run(self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int) -> Answer:
        """Run a stretch of ticks."""
        parts = [
            self._stretch(frame, frame_tick, first, last)
            for first, last in _stretches(frame_tick, ticks)
        ]
        none = Answer(np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, FRAME_DTYPE))
        return Answer(
            digest=np.concatenate([p.digest for p in (none, *parts)]),
            sent_tick=np.concatenate([p.sent_tick for p in (none, *parts)]),
            sent=np.concatenate([p.sent for p in (none, *parts)]),
        )

    def snapshot(self) -> bytes:
        """Return the bytes of the unit's whole state."""
        self._write(_request("S"))
        return self._read(self._state_bytes)

    def _stretch(
        self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], first: int, last: int
    ) -> Answer:
        begin, end = np.searchsorted(frame_tick, (first, last)).tolist()
        timed = np.zeros(end - begin, dtype=_TIMED_DTYPE)
        timed["tick"] = frame_tick[begin:end] - first
        timed["frame"] = frame[begin:end]
        self._write(_request("T", last - first, len(timed)) + timed.tobytes())
        digest = np.frombuffer(self._read(4 * (last - first)), dtype="<u4")
        sents = int(np.frombuffer(self._read(4), dtype="<u4")[0])
        sent = np.frombuffer(self._read(_TIMED_DTYPE.itemsize * sents), dtype=_TIMED_DTYPE)
        return Answer(digest, sent["tick"].astype(np.int64) + first, sent["frame"])

    def _open(self, folder: Path) -> None:
        """Open both pipes; a dead emulator must not hang the host, so nothing here blocks."""
        import time

        deadline = time.monotonic() + _OPEN_S
        handle = -1
        while handle < 0:
            try:
                handle = os.open(folder / "in", os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads yet
                if self._has_ended() or time.monotonic() > deadline:
                    raise self._ended("did not open its pipes") from None
                os.sched_yield()
        os.set_blocking(handle, True)
        self._in = os.fdopen(handle, "wb", buffering=0)
        # Opened without waiting for the other end; every read waits with a time limit instead.
        handle = os.open(folder / "out", os.O_RDONLY | os.O_NONBLOCK)
        self._out = os.fdopen(handle, "rb", buffering=0)

    def _greet(self) -> None:
        self._write(_request("I"))
        build, layout, _, state_bytes = np.frombuffer(self._read(16), dtype="<u4").tolist()
        ours = core_identity()
        if (f"{build:08x}", f"{layout:08x}") != (ours["build_id"], ours["layout_hash"]):
            raise RigError(
                f"{self._image.name} is build {build:08x}, layout {layout:08x}; this host is build "
                f"{ours['build_id']}, layout {ours['layout_hash']}",
                hint="build both from one tree: make setup firmware",
            )
        self._state_bytes = state_bytes

    def _write(self, content: bytes) -> None:
        assert self._in is not None, "used outside its with block"
        try:
            self._in.write(content)
        except BrokenPipeError:
            raise self._ended("stopped reading") from None

    def _read(self, size: int) -> bytes:
        assert self._out is not None, "used outside its with block"
        ready = select.poll()
        ready.register(self._out, select.POLLIN)
        content = bytearray()
        while len(content) < size:
            if not ready.poll(_ANSWER_S * 1000.0):
                raise self._ended(f"said nothing for {_ANSWER_S:.0f} s")
            part = self._out.read(size - len(content))
            if not part:
                raise self._ended(f"sent {len(content)} of {size} bytes")
            content += part
        return bytes(content)

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _ended(self, what: str) -> RigError:
        self._stop()
        status = self._process.returncode if self._process else None
        said = self._process.stderr.read() if self._process and self._process.stderr else b""
        text = said.decode("utf-8", "replace").strip()
        return RigError(
            f"the emulator {what} and ended with status {status}" + (f": {text}" if text else ""),
            hint="build the image again: make firmware",
        )

    def _stop(self) -> None:
        for pipe in (self._in, self._out):
            if pipe is not None:
                pipe.close()
        self._in = self._out = None
        if self._process is not None:
            try:
                self._process.wait(timeout=2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._cores:
            os.sched_setaffinity(0, self._cores)
            self._cores = set()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _request(name: str, *words: int) -> bytes:
    return np.array([ord(name), *words], dtype="<u4").tobytes()


def _stretches(frame_tick: NDArray[np.int64], ticks: int) -> list[tuple[int, int]]:
    """Cut a run into stretches that fit the image's buffers."""
    found: list[tuple[int, int]] = []
    first = 0
    while first < ticks:
        last = min(first + _TICKS_MAX, ticks)
        begin = int(np.searchsorted(frame_tick, first))
        if int(np.searchsorted(frame_tick, last)) - begin > _FRAMES_MAX:
            last = max(int(frame_tick[begin + _FRAMES_MAX]), first + 1)
        found.append((first, last))
        first = last
    return found
