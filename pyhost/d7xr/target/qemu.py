"""QEMU as the chip: where its images are, how it is called, and on which core it runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from d7xr.errors import RigError

EMULATOR: Final = "qemu-system-arm"
MACHINE: Final = "netduinoplus2"
"""An STM32F405, the chip of the board."""

IMAGES: Final = Path(__file__).resolve().parents[3] / "build" / "firmware"
"""Where ``make firmware`` leaves the images."""


def command(image: Path) -> list[str]:
    """Return the words that start an image without screen, monitor or network.

    Raises:
        RigError: No emulator, or no image.
    """
    emulator = shutil.which(EMULATOR)
    if emulator is None:
        raise RigError(f"no {EMULATOR} on this machine", hint="apt-get install qemu-system-arm")
    if not image.is_file():
        raise RigError(f"no firmware image at {image}", hint="build it: make firmware")
    return [
        emulator, "-M", MACHINE, "-nographic", "-monitor", "none", "-kernel", str(image.resolve()),
    ]  # fmt: skip


def hold_one_core() -> set[int]:
    """Hold this thread, and what it starts from now on, on one core.

    The emulator's threads wake each other for every byte and every exchange: on two cores that
    takes several times as long as on one.

    Returns:
        The cores that it could use before, to be given back with ``os.sched_setaffinity``.
    """
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[os.getpid() % len(cores)]})
    return cores
