"""The firmware compiled for the gates: plain objects, outside the package."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.gates.checks.flags import read_flags
from tests.gates.checks.sources import REPOSITORY, files, unit_c

FIRMWARE = REPOSITORY / "firmware"
ROOMS = ("core", "bus", "link", "diag")
PACKAGED = ("core", "bus", "firmware")  # what the Python package is built from


@dataclass(frozen=True, slots=True)
class Build:
    """Objects of one compilation.

    Attributes:
        core: Objects of ``firmware/core``.
        own: All objects written by hand.
        generated: Objects of the generated codec.
    """

    core: list[Path]
    own: list[Path]
    generated: list[Path]

    @property
    def everything(self) -> list[Path]:
        """All objects."""
        return [*self.own, *self.generated]


def generate_codec(folder: Path) -> Path:
    """Generate the codec of the bus into a folder, as every build does."""
    subprocess.run(
        [sys.executable, str(REPOSITORY / "pyhost" / "build_core.py"), "codec", str(folder)],
        check=True,
        cwd=REPOSITORY,
    )
    return folder


def unit_sources() -> list[Path]:
    """Return the C sources of the unit, without headers."""
    return [path for path in unit_c(REPOSITORY) if path.suffix == ".c"]


def packaged_sources() -> list[Path]:
    """Return those of them that the Python package holds: the unit itself, without its links."""
    return [path for path in unit_sources() if path.parent.name in PACKAGED]


def include_flags(codec: Path) -> list[str]:
    """Return the folders in which the firmware finds its headers."""
    folders = [FIRMWARE / room for room in ROOMS if (FIRMWARE / room).is_dir()]
    return [part for folder in (*folders, FIRMWARE, codec) for part in ("-iquote", str(folder))]


def compile_c(
    source: Path, folder: Path, *, compiler: str = "gcc", flags: tuple[str, ...] = (), codec: Path
) -> Path:
    """Compile one source with the flags of the project and return the object.

    Args:
        source: What to compile.
        folder: Where the object goes; its name is that of the source.
        compiler: gcc or clang.
        flags: More flags, after the project's.
        codec: Folder of the generated codec.

    Raises:
        AssertionError: If the compiler says anything at all.
    """
    target = folder / f"{source.stem}.o"
    ours = read_flags(FIRMWARE / "flags.mk")["D7XR_CFLAGS"]
    done = subprocess.run(
        [compiler, *ours, *flags, *include_flags(codec), "-c", str(source), "-o", str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return target


def build(
    folder: Path, codec: Path, *, compiler: str = "gcc", flags: tuple[str, ...] = ()
) -> Build:
    """Compile the whole unit into a folder; boards are compiled for their own processor.

    The flags that distributions add by themselves are switched off, so that what the objects need
    is what the firmware needs.
    """
    neutral = ("-fno-stack-protector", "-fno-pie", "-U_FORTIFY_SOURCE", *flags)
    objects = {
        path: compile_c(path, folder, compiler=compiler, flags=neutral, codec=codec)
        for path in [*unit_sources(), *files(codec, ".c")]
    }
    return Build(
        core=[made for path, made in objects.items() if path.parent == FIRMWARE / "core"],
        own=[made for path, made in objects.items() if path.is_relative_to(FIRMWARE)],
        generated=[made for path, made in objects.items() if path.is_relative_to(codec)],
    )
