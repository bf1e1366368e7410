"""Instructions per frame of the native readers, by callgrind: no busy machine changes them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TRACE: Final = HERE.parent / "pyhost" / "native" / "trace"
_FLAGS: Final = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off")


class MissingToolError(Exception):
    """gcc or valgrind is not there; the text says what to install."""


def require(*tools: str) -> None:
    """Look for tools.

    Raises:
        MissingToolError: One is not there.
    """
    for tool in tools:
        if shutil.which(tool) is None:
            raise MissingToolError(f"{tool} not found: apt-get install {tool}")


def build(folder: Path) -> Path:
    """Compile the readers with their driver and return the program."""
    require("gcc", "valgrind")
    program = folder / "instructions"
    sources = [HERE / "instructions.c", *sorted(TRACE.glob("*.c"))]
    command = ["gcc", *_FLAGS, "-iquote", str(TRACE), *map(str, sources), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def per_frame(program: Path, format_name: str, path: Path) -> float:
    """Return how many instructions a frame takes: those of the second half of the file.

    What comes once (start-up, the header) is in both halves' runs, so their difference has none.
    """
    whole, layout = _native_input(path)
    half = whole.with_name(f"{whole.name}.half")
    half.write_bytes(whole.read_bytes()[: _middle(whole, format_name)])
    counts = [_count(program, format_name, part, layout) for part in (half, whole)]
    (few_instructions, few_frames), (instructions, frames) = counts
    return (instructions - few_instructions) / (frames - few_frames)


def _middle(path: Path, format_name: str) -> int:
    """Return where the first half of a file ends: with a whole line, object or record."""
    content = path.read_bytes()
    at = len(content) // 2
    if format_name == "blf":
        return content.index(b"LOBJ", at)
    return at if format_name == "mf4" else content.index(b"\n", at) + 1


def _native_input(path: Path) -> tuple[Path, Path | None]:
    """Return what the native reader is pushed: of binary formats what is in their blocks."""
    if path.suffix == ".blf":
        return objects_of_blf(path), None
    if path.suffix == ".mf4":
        return _records(path)
    return path, None


def blocks_of_blf(path: Path) -> list[tuple[bytes, int]]:
    """Return the deflated blocks of a file of python-can, and how much each of them holds."""
    import struct

    raw, at, found = path.read_bytes(), 144, []
    while at + 32 <= len(raw):
        (size,), (unpacked,) = (struct.unpack_from("<L", raw, at + n) for n in (8, 24))
        found.append((raw[at + 32 : at + size], unpacked))
        at += size + size % 4
    return found


def blocks_of_mf4(path: Path) -> list[tuple[bytes, int]]:
    """Return the same of the deflated blocks of an MF4."""
    from d7xr.trace.mf4_tables import tables_of

    with path.open("rb") as file:
        (group,) = tables_of(file).groups
    return [(_stored(path, block.at, block.stored), block.size) for block in group.data]


def objects_of_blf(path: Path) -> Path:
    """Return a file of all objects that are in the blocks of a BLF."""
    import zlib

    target = path.with_suffix(".objects")
    target.write_bytes(b"".join(zlib.decompress(block) for block, _ in blocks_of_blf(path)))
    return target


def _records(path: Path) -> tuple[Path, Path]:
    from d7xr._trace import ffi
    from d7xr.trace.mf4_tables import layout_of, tables_of

    with path.open("rb") as file:
        (group,) = tables_of(file).groups
        content = b"".join(_stored(path, block.at, block.stored) for block in group.data)
    layout = ffi.new("mf4_layout_t *", layout_of(group))
    where = path.with_suffix(".layout")
    where.write_bytes(bytes(ffi.buffer(layout)))
    target = path.with_suffix(".records")
    target.write_bytes(content)
    return target, where


def _stored(path: Path, at: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(size)


def _count(program: Path, format_name: str, path: Path, layout: Path | None) -> tuple[int, int]:
    """Return instructions and frames of one run."""
    command = [str(program), format_name, str(path), *([str(layout)] if layout else [])]
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if collected is None:
        raise RuntimeError(f"callgrind says nothing:\n{done.stderr}")
    return int(collected[1]), int(done.stdout)
