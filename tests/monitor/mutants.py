"""Units in which one line is wrong: in a unit that is right level 2 has nothing to do.

A mutant is the firmware with one source changed, compiled as a library of its own. It runs on the
state of an `Ecu`, tick by tick, so that all of its state can be read as usual.
"""

import ctypes
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from d7xr.ecu import Ecu, Run
from d7xr.ecu.batch import CHANGE_DTYPE
from d7xr.ecu.core import ffi
from d7xr.frames import FRAME_DTYPE
from tests.gates import firmware_build
from tests.gates.checks.sources import files

POSITION_INDEPENDENT = ("-O1", "-fPIC")


@dataclass(frozen=True, slots=True)
class Slip:
    """One line that somebody got wrong.

    Attributes:
        name: What to call it.
        source: File, seen from ``firmware``.
        was: Text that stands in it exactly once.
        instead: What the mutant says there.
    """

    name: str
    source: str
    was: str
    instead: str


class Mutant(Ecu):
    """A unit that lives by the code of another library."""

    def __init__(self, library: Path, calibration: bytes | None = None) -> None:
        """Start the unit."""
        super().__init__(calibration)
        self._code = ctypes.CDLL(str(library))
        for name in ("vcu_transmit", "vcu_is_well"):
            getattr(self._code, name).restype = ctypes.c_bool
        self._code.vcu_init(_at(self._vcu), _at(self._calibration))

    @property
    def is_well(self) -> bool:
        """Whether a board would feed its watchdog after this tick."""
        return bool(self._code.vcu_is_well(_at(self._vcu)))

    def run(
        self, frame: NDArray[np.void], frame_tick: NDArray[np.int64], ticks: int, *,
        record: Sequence[str] = (), every_ticks: int = 10, watch: Sequence[str] = (),
        with_digests: bool = False,
    ) -> Run:  # fmt: skip
        """Run tick by tick; see `Ecu.run`. Changes and digests are not kept."""
        assert every_ticks == 1
        assert not watch
        assert not with_digests
        rows: list[list[float | int]] = []
        sent: list[tuple[int, NDArray[np.void]]] = []
        next_frame = 0
        buffer = np.zeros(1, dtype=FRAME_DTYPE)
        for tick in range(ticks):
            while next_frame < len(frame) and frame_tick[next_frame] <= tick:
                buffer[0] = frame[next_frame]
                self._code.vcu_receive(_at(self._vcu), buffer.ctypes.data_as(ctypes.c_void_p))
                next_frame += 1
            self._code.vcu_tick(_at(self._vcu))
            while self._code.vcu_transmit(_at(self._vcu), buffer.ctypes.data_as(ctypes.c_void_p)):
                sent.append((self._tick + tick, buffer.copy()))
            rows.append([self[name] for name in record])
        self._tick += ticks
        return Run(
            tick=np.arange(self._tick - ticks, self._tick),
            columns={name: np.asarray([row[i] for row in rows]) for i, name in enumerate(record)},
            changes=np.zeros(0, dtype=CHANGE_DTYPE),
            sent_tick=np.array([tick for tick, _ in sent], dtype=np.int64),
            sent=np.concatenate([one for _, one in sent] or [np.zeros(0, FRAME_DTYPE)]),
            digest=None,
            run_digest=self.run_digest,
        )


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where mutants are made: everything is compiled once, and of a mutant only its one source.

    Attributes:
        folder: Place for what is made.
        codec: Folder of the generated codec.
        healthy: Objects of the unit as it is, by their source.
    """

    folder: Path
    codec: Path
    healthy: dict[Path, Path]

    @classmethod
    def open(cls, folder: Path, codec: Path) -> "Workshop":
        """Compile the unit as it is."""
        sources = [*firmware_build.packaged_sources(), *files(codec, ".c")]
        return cls(
            folder, codec,
            {
                source: firmware_build.compile_c(
                    source, folder, flags=POSITION_INDEPENDENT, codec=codec
                )
                for source in sources
            },
        )  # fmt: skip

    def make(self, slip: Slip | None) -> Path:
        """Return the library of a unit with a slip, or of the one without."""
        objects = dict(self.healthy)
        name = "healthy"
        if slip is not None:
            original = firmware_build.FIRMWARE / slip.source
            text = original.read_text(encoding="utf-8")
            assert text.count(slip.was) == 1, f"{slip.source} does not say {slip.was!r} once"
            name = slip.name
            place = self.folder / name
            place.mkdir(exist_ok=True)
            changed = place / original.name
            changed.write_text(text.replace(slip.was, slip.instead), encoding="utf-8")
            objects[original] = firmware_build.compile_c(
                changed, place, flags=(*POSITION_INDEPENDENT, "-Wno-error", "-w"), codec=self.codec
            )
        library = self.folder / f"{name}.so"
        subprocess.run(
            ["gcc", "-shared", "-o", str(library), *map(str, objects.values())], check=True
        )
        return library


def _at(pointer: object) -> ctypes.c_void_p:
    return ctypes.c_void_p(int(ffi.cast("uintptr_t", pointer)))
