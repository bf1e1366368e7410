"""What is kept of a test that failed: all that is needed to see it again without the rig.

A bundle is a folder::

    frames.log         what the unit was fed, candump text; `d7xr replay` opens it
    sent.log           what it answered
    digests.txt        tick and digest of the state after it
    calibration.toml   the set in use
    console.bin        bytes of the port or console, where the target keeps them
    snapshot.bin       the state, where the target tells it
    cause.txt          which test, where, what went wrong, and the command that replays it
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.errors import D7xrError
from d7xr.frames import FRAME_DTYPE, FRAME_EXTENDED, FRAME_REMOTE, Frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from d7xr.hil.witness import Witness

US_PER_TICK: Final = 1000
_SYNC_ID: Final = 0x7F0
_NAME_CHARACTERS: Final = 80


def write_bundle(
    root: Path, test: str, unit: Witness, *, cause: str, identity: Mapping[str, str],
    is_alive: bool = True,
) -> Path:  # fmt: skip
    """Write the bundle of a test into a folder of its own.

    A target that is gone tells nothing more; what it cannot tell is left out and said.

    Args:
        root: Folder of all bundles.
        test: Identifier of the test.
        unit: The unit it ran on.
        cause: What went wrong.
        identity: Who answered.
        is_alive: Whether the target can still be asked for its state.

    Returns:
        The folder.

    Raises:
        OSError: It cannot be written.
    """
    folder = _fresh(root, test)
    (folder / "frames.log").write_text(
        "".join(_candump(_anchored(unit.fed, unit.tick))), encoding="ascii", newline="\n"
    )
    (folder / "sent.log").write_text("".join(_candump(unit.sent)), encoding="ascii", newline="\n")
    digests = (f"{tick} {value:08x}\n" for tick, value in enumerate(unit.digest.tolist()))
    (folder / "digests.txt").write_text("".join(digests), encoding="ascii", newline="\n")
    (folder / "calibration.toml").write_text(calibration_toml(unit.calibration), encoding="utf-8")
    console = getattr(unit.target, "console", None)
    if isinstance(console, bytes | bytearray):
        (folder / "console.bin").write_bytes(bytes(console))
    without = "" if is_alive else "no snapshot: the target is gone\n"
    try:
        if is_alive:
            (folder / "snapshot.bin").write_bytes(unit.snapshot())
    except D7xrError as error:
        without = f"no snapshot: {error.message}\n"
    # Worded for whoever opens the folder a week later, without the console of the run.
    (folder / "cause.txt").write_text(
        f"test: {test}\ntarget: {unit.name}\n"
        + "".join(f"{name}: {value}\n" for name, value in identity.items())
        + f"ticks: {unit.tick}, answered: {len(unit.digest)}\n{without}\n{cause.rstrip()}\n\n"
        f"on the desk: {command(folder)}\n",
        encoding="utf-8",
    )
    return folder


def command(folder: Path) -> str:
    """Return the command that replays a bundle in this process."""
    return f"d7xr replay {folder}/frames.log --calibration {folder}/calibration.toml"


def calibration_toml(blob: bytes) -> str:
    """Return a set as a file that `d7xr calibration check` accepts."""
    from d7xr.calibration import text_of
    from d7xr.ecu import calibration_parameters

    lines = ['description = "the set that was in use"']
    table = ""
    for parameter in calibration_parameters():
        module, name = parameter.name.split(".", 1)
        if module != table:
            lines += ["", f"[{module}]"]
            table = module
        dtype = "<f4" if parameter.ctype == "float" else "<u4"
        column = np.frombuffer(blob, dtype, count=parameter.count, offset=parameter.offset)
        # The shortest decimal of a float32 stands for exactly that float32.
        values = [float(str(v)) if parameter.ctype == "float" else int(v) for v in column]
        lines.append(f"{name} = {text_of(tuple(values) if len(values) > 1 else values[0])}")
    return "\n".join(lines) + "\n"


def _fresh(root: Path, test: str) -> Path:
    """Make a folder named for the test; an older bundle of the same test stays."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", test).strip("-")[-_NAME_CHARACTERS:].strip("-")
    for number in range(1, 10_000):
        folder = root / (name if number == 1 else f"{name}_{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{root} holds 10 000 bundles of {name}")


def _anchored(fed: Frames, ticks: int) -> Frames:
    """Put a Sync frame at the first and at the last tick.

    A replay takes the first frame for tick 0 and ends with the last; the unit does not hear Sync,
    so it lives through the same ticks as it did here.
    """
    anchor = np.zeros(2, FRAME_DTYPE)
    anchor["id"], anchor["length"] = _SYNC_ID, 8
    last_us = max(ticks - 1, 0) * US_PER_TICK
    return Frames(
        np.concatenate([np.zeros(1, np.int64), fed.time_us, np.array([last_us], np.int64)]),
        np.concatenate([anchor[:1], fed.frame, anchor[1:]]),
    )


def _candump(frames: Frames) -> Iterator[str]:
    for time_us, frame in zip(frames.time_us.tolist(), frames.frame, strict=True):
        flags, length = int(frame["flags"]), int(frame["length"])
        digits = 8 if flags & FRAME_EXTENDED else 3
        body = (
            f"R{length}" if flags & FRAME_REMOTE else frame["data"][:length].tobytes().hex().upper()
        )
        at = f"({time_us // 1_000_000}.{time_us % 1_000_000:06d})"
        yield f"{at} can0 {int(frame['id']):0{digits}X}#{body}\n"
