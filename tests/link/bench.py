"""The firmware's link on a bench: the machine around it is this test, the C is the firmware's.

The bench holds no logic of its own. It plays the receive interrupt, the port and the timer, and
reads what came out line by line.
"""

import ctypes
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from d7xr.ecu import calibration_default
from d7xr.frames import FRAME_DTYPE, FRAME_EXTENDED, FRAME_REMOTE
from tests.gates import firmware_build
from tests.gates.checks.flags import read_flags
from tests.gates.checks.sources import files

FIRMWARE = firmware_build.FIRMWARE
LINK = FIRMWARE / "link"

SYNC = 0x7F0
STATE_DIGEST = 0x7F1
START = 0xFFFFFFFF
SILENCE_MS = 60_000
RING_BYTES = 4096
MODES = ("free", "stepped")
CHANNEL = ("closed", "open", "listen-only")

CR = b"\r"
BEL = b"\a"


def include_flags(codec: Path) -> list[str]:
    """Return the folders in which the link finds its headers."""
    return [*firmware_build.include_flags(codec), "-iquote", str(LINK)]


def unit_sources(codec: Path) -> list[Path]:
    """Return the C of the unit and its link: what runs on every machine."""
    rooms = [FIRMWARE / room for room in ("core", "bus", "link")]
    hand = [path for room in rooms for path in files(room, ".c")]
    return [*hand, *sorted(FIRMWARE.glob("*.c")), *files(codec, ".c")]


def build_library(folder: Path, codec: Path) -> ctypes.CDLL:
    """Compile unit, link and bench into one library and load it."""
    target = folder / "bench.so"
    flags = read_flags(FIRMWARE / "flags.mk")["D7XR_CFLAGS"]
    sources = [*unit_sources(codec), Path(__file__).with_name("bench.c")]
    done = subprocess.run(
        ["gcc", *flags, "-O2", "-shared", "-fPIC", *include_flags(codec),
         *map(str, sources), "-o", str(target)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(target))


@dataclass(frozen=True, slots=True, order=True)
class Frame:
    """One classic CAN frame."""

    id: int
    data: bytes = b""
    is_extended: bool = False
    is_remote: bool = False
    remote_length: int = 0

    def to_c(self) -> bytes:
        """Return it as the firmware's ``can_frame_t``."""
        row = np.zeros(1, dtype=FRAME_DTYPE)
        length = self.remote_length if self.is_remote else len(self.data)
        flags = FRAME_EXTENDED * self.is_extended | FRAME_REMOTE * self.is_remote
        row["id"], row["length"], row["flags"] = self.id, length, flags
        row["data"][0, : len(self.data)] = list(self.data)
        return row.tobytes()

    @staticmethod
    def from_c(raw: bytes) -> "Frame":
        """Read a ``can_frame_t``."""
        row = np.frombuffer(raw, dtype=FRAME_DTYPE)[0]
        is_remote = bool(row["flags"] & FRAME_REMOTE)
        length = int(row["length"])
        return Frame(
            id=int(row["id"]),
            data=b"" if is_remote else row["data"][:length].tobytes(),
            is_extended=bool(row["flags"] & FRAME_EXTENDED),
            is_remote=is_remote,
            remote_length=length if is_remote else 0,
        )

    def line(self) -> bytes:
        """Return its line, written by Python's own formatting."""
        letter = ("R" if self.is_extended else "r") if self.is_remote else "t"
        letter = "T" if self.is_extended and not self.is_remote else letter
        head = f"{letter}{self.id:0{8 if self.is_extended else 3}X}"
        length = self.remote_length if self.is_remote else len(self.data)
        return f"{head}{length}{self.data.hex().upper()}\r".encode()


def sync(tick: int) -> Frame:
    """Return the frame that asks for a tick."""
    return Frame(SYNC, tick.to_bytes(4, "little") + bytes(4))


def digest_of(frame: Frame) -> tuple[int, int]:
    """Return tick and digest of a StateDigest."""
    assert frame.id == STATE_DIGEST
    assert len(frame.data) == 8
    return int.from_bytes(frame.data[:4], "little"), int.from_bytes(frame.data[4:], "little")


def lines_of(output: bytes) -> list[bytes]:
    """Cut output behind each CR and BEL; it must end with one."""
    lines = re.findall(rb"[^\r\a]*[\r\a]", output)
    assert b"".join(lines) == output, f"half a line: {output[-31:]!r}"
    return lines


def frames_in(output: bytes) -> list[Frame]:
    """Return the frames among lines of output, without time stamps."""
    found: list[Frame] = []
    for line in lines_of(output):
        text = line[:-1].decode("ascii")
        if text.startswith("t"):
            length = int(text[4])
            assert len(text) == 5 + 2 * length, text
            found.append(Frame(int(text[1:4], 16), bytes.fromhex(text[5:])))
    return found


@dataclass(frozen=True, slots=True)
class State:
    """What can be counted in unit, session, channel and rings."""

    digest: int
    tick_count: int
    mode: str
    dropped_frames: int
    mismatches: int
    frames: int
    refused: int
    channel: str
    unheard_frames: int
    lost_from_host_bytes: int
    lost_to_host_bytes: int
    waiting_bytes: int

    @property
    def losses(self) -> tuple[int, int, int]:
        """Return everything that was lost on the way."""
        return self.dropped_frames, self.lost_from_host_bytes, self.lost_to_host_bytes


class LinkBench:
    """A unit, its session and its link, freshly started; the channel is closed.

    Args:
        library: What ``build_library`` made.
        from_host_bytes: Length of the ring of received bytes, a power of two.
        to_host_bytes: Length of the ring of bytes to send, a power of two.
    """

    def __init__(
        self, library: ctypes.CDLL, *, from_host_bytes: int = RING_BYTES,
        to_host_bytes: int = RING_BYTES,
    ) -> None:  # fmt: skip
        assert max(from_host_bytes, to_host_bytes) <= RING_BYTES
        self._c = library
        self._bench = ctypes.create_string_buffer(library.bench_size())
        library.bench_init(self._bench, from_host_bytes, to_host_bytes)

    def receive(self, data: bytes) -> int:
        """Let bytes arrive, without anybody looking; return how many found room."""
        return int(self._c.bench_receive(self._bench, data, len(data)))

    def pump(self) -> None:
        """Let the link do what it can."""
        self._c.bench_pump(self._bench)

    def send(self, most: int = 1 << 20) -> bytes:
        """Let the port send what waits."""
        out = ctypes.create_string_buffer(min(most, RING_BYTES))
        count = self._c.bench_send(self._bench, out, len(out))
        return out.raw[:count]

    def timer(self, count_ms: int = 1) -> None:
        """Let time pass."""
        self._c.bench_timer(self._bench, count_ms)

    def talk(self, data: bytes) -> bytes:
        """Send bytes and return what comes back, the port never being busy."""
        back = b""
        for start in range(0, len(data), RING_BYTES // 2):
            chunk = data[start : start + RING_BYTES // 2]
            assert self.receive(chunk) == len(chunk)
            while True:
                self.pump()
                answer = self.send()
                back += answer
                if not answer:
                    break
        return back

    def step(self, tick: int, frames: list[Frame]) -> list[Frame]:
        """Send the frames of a tick and its Sync; return what the unit sent."""
        return frames_in(self.talk(b"".join(frame.line() for frame in [*frames, sync(tick)])))

    @property
    def state(self) -> State:
        """Everything that can be counted."""
        out = (ctypes.c_uint32 * 12)()
        self._c.bench_state(self._bench, out)
        v = list(out)
        return State(
            digest=v[0], tick_count=v[1], mode=MODES[v[2]], dropped_frames=v[3], mismatches=v[4],
            frames=v[5], refused=v[6], channel=CHANNEL[v[7]], unheard_frames=v[8],
            lost_from_host_bytes=v[9], lost_to_host_bytes=v[10], waiting_bytes=v[11],
        )  # fmt: skip

    def session_receive(self, frame: Frame) -> None:
        """Hand a frame to the session, past the bytes."""
        self._c.bench_session_receive(self._bench, frame.to_c())

    def session_fetch(self) -> list[Frame]:
        """Fetch all frames from the session, past the bytes."""
        raw = ctypes.create_string_buffer(FRAME_DTYPE.itemsize)
        found: list[Frame] = []
        while self._c.bench_session_fetch(self._bench, raw):
            found.append(Frame.from_c(raw.raw))
        return found

    def offered(self) -> bytes | None:
        """Return the set that waits to be kept, or None."""
        raw = ctypes.create_string_buffer(len(calibration_default()))
        return raw.raw if self._c.bench_offered(self._bench, raw) else None

    def settle(self, result: int) -> list[Frame]:
        """Let the machine keep what was offered, or not, and return what the session says."""
        self._c.bench_settle(self._bench, result)
        return self.session_fetch()


def opened(library: ctypes.CDLL) -> LinkBench:
    """Return a bench whose channel is open."""
    bench = LinkBench(library)
    assert bench.talk(b"S8\rO\r") == CR + CR
    return bench
