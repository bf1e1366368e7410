"""Build the fuzzers: firmware and trace readers as they are, with clang's sanitizers and libFuzzer.

``python -m tests.fuzz.build FOLDER`` builds all of them and prints their names.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests import toolchain
from tests.gates import firmware_build
from tests.gates.checks.flags import read_flags
from tests.gates.checks.sources import REPOSITORY, files
from tests.link.bench import FIRMWARE, include_flags, unit_sources

HERE = Path(__file__).parent
TRACE = REPOSITORY / "pyhost" / "native" / "trace"
TARGETS = ("link", "receive", "candump", "asc", "trc", "csv", "gvret", "blf", "mf4")
SANITIZERS = [
    "-fsanitize=fuzzer,address,undefined,float-cast-overflow",
    "-fno-sanitize-recover=all",
    "-fstrict-flex-arrays=3",  # an array at the end of a struct has bounds too
]


def seeds(target: str) -> Path:
    """Return the folder of inputs that a fuzzer starts from."""
    return HERE / "seeds" / target


def fuzzed_sources(codec: Path) -> list[Path]:
    """Return the C that is fuzzed: unit, link and the readers of traces."""
    return [*unit_sources(codec), *files(TRACE, ".c")]


def compile_sources(folder: Path, codec: Path) -> dict[str, Path]:
    """Compile what is fuzzed and return the object of each source by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = fuzzed_sources(codec)
    _clang(["-c", *map(str, sources)], folder, codec)
    return {path.name: folder / f"{path.stem}.o" for path in sources}


def link_fuzzer(target: str, folder: Path, codec: Path, objects: Mapping[str, Path]) -> Path:
    """Put a fuzzer together and return the program.

    Args:
        target: One of ``TARGETS``.
        folder: Where it goes.
        codec: The generated codec.
        objects: What ``compile_sources`` made, or another in the place of one.
    """
    harness = HERE / f"fuzz_{target}.c"
    program = folder / f"fuzz_{target}"
    _clang([str(harness), *map(str, objects.values()), "-o", str(program)], folder, codec)
    return program


def plant(good: str, bad: str, folder: Path, codec: Path) -> tuple[str, Path]:
    """Compile a source with a bug in it and return its name and the object.

    Args:
        good: A text that occurs in one source, once.
        bad: What to put in its place.
        folder: Where the object goes.
        codec: The generated codec.
    """
    texts = {path: path.read_text(encoding="ascii") for path in fuzzed_sources(codec)}
    places = [path for path, text in texts.items() for _ in range(text.count(good))]
    if len(places) != 1:
        raise ValueError(f"the sources hold this {len(places)} times, not once: {good}")
    (path,) = places
    (folder / path.name).write_text(texts[path].replace(good, bad), encoding="ascii")
    _clang(["-c", path.name], folder, codec)
    return path.name, folder / f"{path.stem}.o"


def _clang(arguments: list[str], folder: Path, codec: Path) -> None:
    flags = read_flags(FIRMWARE / "flags.mk")["D7XR_CFLAGS"]
    done = subprocess.run(
        [toolchain.clang(), *flags, "-g", "-O1", *SANITIZERS, *include_flags(codec),
         "-iquote", str(TRACE), "-iquote", str(HERE), *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"clang cannot build the fuzzers:\n{done.stderr}")


def main() -> None:
    """Build all fuzzers into the folder of the command line."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    codec = firmware_build.generate_codec(folder / "codec")
    objects = compile_sources(folder / "objects", codec)
    for target in TARGETS:
        sys.stdout.write(f"{link_fuzzer(target, folder, codec, objects)}\n")


if __name__ == "__main__":
    main()
