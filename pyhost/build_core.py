"""Build the firmware and the readers of traces into Python, and generate what is generated.

``python pyhost/build_core.py codec OUT_DIR`` writes the C codec and the identity header. Setuptools
takes ``make_core`` and ``make_trace`` from here (see setup.py). Flags come from firmware/flags.mk,
the declarations that Python sees from the headers: there is no second copy of either.
"""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import zlib
from functools import cache
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
NATIVE = ROOT / "pyhost" / "native"
TRACE = NATIVE / "trace"
CODEC = ROOT / "build" / "codec"
DBC = FIRMWARE / "bus" / "d7xr.dbc"
INSIDE_TRACE = ("trace_bytes.h", "trace_text.h")  # what the readers share among themselves
INCLUDE_FOLDERS = (FIRMWARE / "core", FIRMWARE / "bus", FIRMWARE, NATIVE)


def compiler_flags() -> list[str]:
    """Return the flags of firmware/flags.mk that every compiler of this project gets."""
    values = dict(
        re.findall(r"^(D7XR_\w+) := (.*)$", (FIRMWARE / "flags.mk").read_text(), re.MULTILINE)
    )
    return [
        *values["D7XR_CSTD"].split(),
        *values["D7XR_ARITH"].split(),
        *values["D7XR_WARN"].split(),
    ]


def firmware_sources() -> list[Path]:
    """Return the C files of the unit itself, in a fixed order."""
    folders = (FIRMWARE / "core", FIRMWARE / "bus", FIRMWARE)
    return [path for folder in folders for path in sorted(folder.glob("*.c"))]


def _declaring_files() -> list[Path]:
    folders = (FIRMWARE / "core", FIRMWARE / "bus", FIRMWARE)
    return [p for folder in folders for p in sorted([*folder.glob("*.h"), *folder.glob("*.def")])]


def _without_prose(text: str) -> str:
    """Drop comments, strings and white space: words may change without changing a layout."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    return re.sub(r"\s+", "", text)


def build_id() -> int:
    """Return the hash of everything that the unit is made of."""
    files = [*firmware_sources(), *_declaring_files(), DBC, FIRMWARE / "flags.mk"]
    value = 0
    for path in files:
        value = zlib.crc32(path.read_bytes(), value)
    return value


def layout_hash() -> int:
    """Return the hash of what state and frames look like, whatever the comments say."""
    value = 0
    for path in _declaring_files():
        value = zlib.crc32(_without_prose(path.read_text()).encode(), value)
    layout = re.findall(r"^(?:BO_| SG_) .*$", DBC.read_text(encoding="ascii"), re.MULTILINE)
    return zlib.crc32("\n".join(layout).encode(), value)


def _write_if_changed(path: Path, text: str) -> None:
    """Leave the time stamp alone when nothing changed, so that nothing is compiled for nothing."""
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def _without_date(text: str) -> str:
    """Drop the lines that say when and by which version: the same tree gives the same bytes."""
    return re.sub(r"^.*(?:version|\d\d:\d\d:\d\d).*$", "", text, flags=re.MULTILINE)


def _without_double(source: str) -> str:
    """Let encoders convert float to integer directly.

    The generator goes through a double, which costs hundreds of instructions on a chip that has
    float32 alone. The unit saturates before it encodes, so the direct conversion is defined.
    """
    source, removed = re.subn(
        r"static u?int64_t (cantools_\w+_from_double)\(double value\)\n\{.*?\n\}\n\n", "", source,
        flags=re.DOTALL,
    )  # fmt: skip
    source = re.sub(r"cantools_\w+_from_double\(", "(", source)
    if removed == 0 or re.search(r"\bdouble\b", source):
        raise SystemExit("the codec generator has changed: see _without_double in build_core.py")
    return source


def _without_library(source: str) -> str:
    """Let the codec do without the C library, which a compiler for the chip need not bring."""
    source, removed = re.subn(r"^#include <string\.h>\n", "", source, flags=re.MULTILINE)
    if removed != 1 or re.search(r"\b(?:memcpy|memmove|memcmp|str\w+)\(", source):
        raise SystemExit("the codec generator has changed: see _without_library in build_core.py")
    return re.sub(r"\bmemset\(", "__builtin_memset(", source)


def generate_codec(folder: Path) -> None:
    """Write bus_codec.[ch] and bus_identity.h, the same bytes for the same tree."""
    import cantools
    from cantools.database.can.c_source import generate

    folder.mkdir(parents=True, exist_ok=True)
    database = cantools.database.load_file(DBC, strict=True)
    assert isinstance(database, cantools.database.can.Database)
    header, source, _, _ = generate(
        database, "bus_codec", "bus_codec.h", "bus_codec.c", "fuzz.c", use_float=True
    )
    _write_if_changed(folder / "bus_codec.h", _without_date(header))
    _write_if_changed(
        folder / "bus_codec.c", _without_library(_without_double(_without_date(source)))
    )
    identity = (
        "/* Generated from the tree: who this build is. */\n"
        "#ifndef BUS_IDENTITY_H\n#define BUS_IDENTITY_H\n\n"
        "/* Of an image with flags of its own: board.mk gives their checksum. */\n"
        "#ifndef BUS_IDENTITY_FLAGS\n#define BUS_IDENTITY_FLAGS 0UL\n#endif\n\n"
        f"#define BUS_IDENTITY_BUILD (0x{build_id():08X}UL ^ BUS_IDENTITY_FLAGS)\n"
        f"#define BUS_IDENTITY_LAYOUT 0x{layout_hash():08X}UL\n\n#endif\n"
    )
    _write_if_changed(folder / "bus_identity.h", identity)


def _preprocessed(header: str, folders: tuple[Path, ...]) -> str:
    """Return the project's own declarations: system headers are replaced by nothing."""
    stub = ROOT / "build" / "cdef"
    stub.mkdir(parents=True, exist_ok=True)
    for name in ("stdint.h", "stddef.h"):
        _write_if_changed(stub / name, "")
    _write_if_changed(stub / "stdbool.h", "#define bool _Bool\n")
    command = ["gcc", "-E", "-P", "-nostdinc", "-I", str(stub)]
    for folder in folders:
        command += ["-iquote", str(folder)]
    done = subprocess.run(
        [*command, "-x", "c", "-"], input=header, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"cannot preprocess the firmware's headers:\n{done.stderr}")
    return done.stdout


def _without_asserts(text: str) -> str:
    """Drop static assertions, however deep their parentheses go."""
    while (start := text.find("_Static_assert")) >= 0:
        depth, end = 0, text.index("(", start)
        while True:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
            if depth == 0:
                break
        text = text[:start] + text[text.index(";", end) + 1 :]
    return text


def declarations(headers: str, folders: tuple[Path, ...]) -> str:
    """Return what Python may see, in the words of the headers: no asserts, no inline bodies."""
    text = _without_asserts(_preprocessed(headers, folders))
    kept: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("static inline"):
            for body in lines:
                if body.rstrip() == "}":
                    break
        else:
            kept.append(line)
    return "\n".join(kept)


def meanings() -> str:
    """Return ``struct<TAB>member<TAB>comment`` lines from the members' comments in the headers."""
    found: list[str] = []
    for path in sorted((FIRMWARE / "core").glob("*.h")) + sorted((FIRMWARE / "bus").glob("*.h")):
        for body, struct in re.findall(
            r"typedef struct \{(.*?)\n\} (\w+);", path.read_text(), re.DOTALL
        ):
            for member, comment in re.findall(
                r"^\s+\w+\s+\*?(\w+)(?:\[\w+\])?;[ \t]*/\* (.*?) \*/$", body, re.MULTILINE
            ):
                found.append(f"{struct}\t{member}\t{comment}")
    return "\n".join(found)


def _build_flags(*folders: Path) -> list[str]:
    """Return the flags for a compiled module.

    The generated wrapper is not our code: it gets the flags of arithmetic, which it shares with the
    unit, and no warnings of ours. The C files are held to all of them by the gates.
    """
    arithmetic = [f for f in compiler_flags() if not f.startswith("-W") and f != "-pedantic"]
    found = [part for folder in folders for part in ("-iquote", str(folder))]
    return [*arithmetic, "-O3", "-fvisibility=hidden", *_across_files(), *found]


@cache
def _across_files() -> tuple[str, ...]:
    """Return the flags that optimise across files, where this compiler and its linker can.

    They save a tenth of a simulated tick and change no result: the arithmetic is that of flags.mk.
    """
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    flags = ("-flto=auto",)
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *compiler,
            *flags,
            "-shared",
            "-fPIC",
            "-x",
            "c",
            "-",
            "-o",
            f"{folder}/probe.so",
        ]
        done = subprocess.run(
            command, input="int probe;\n", capture_output=True, text=True, check=False
        )
    return flags if done.returncode == 0 and not done.stderr else ()


def make_core() -> FFI:
    """Return the cffi builder of ``d7xr._core``."""
    generate_codec(CODEC)
    builder = FFI()
    names = ("vcu_keep.h", "batch.h", "describe.h", "feed.h", "simulator.h", "tally.h")
    includes = "".join(f'#include "{name}"\n' for name in names)
    builder.cdef(
        declarations(includes, (*INCLUDE_FOLDERS, CODEC))
        + "\nextern const char *const core_meanings;\nextern const char *const core_flags;\n"
        "extern const uint32_t d7xr_digest_seed;\n"
    )
    literal = "\n".join(
        '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'
        for line in meanings().splitlines()
    )
    relative = [str(path.relative_to(ROOT)) for path in firmware_sources()]
    natives = [str(path.relative_to(ROOT)) for path in sorted(NATIVE.glob("*.c"))]
    codec = [str((CODEC / "bus_codec.c").relative_to(ROOT))]
    own = [*sorted(NATIVE.glob("*.h")), *sorted(NATIVE.glob("*.def"))]
    headers = [*_declaring_files(), *own, FIRMWARE / "flags.mk", DBC]
    builder.set_source(
        "d7xr._core",
        f'{includes}#include "digest.h"\n'
        f"const char *const core_meanings =\n{literal};\n"
        "const uint32_t d7xr_digest_seed = DIGEST_SEED;\n"
        f'const char *const core_flags = "{" ".join(compiler_flags())}";\n',
        sources=[*relative, *natives, *codec],
        depends=[str(path.relative_to(ROOT)) for path in headers],
        extra_compile_args=_build_flags(*INCLUDE_FOLDERS, CODEC),
        extra_link_args=list(_across_files()),
        py_limited_api=True,
    )
    return builder


def make_trace() -> FFI:
    """Return the cffi builder of ``d7xr._trace``."""
    headers = sorted(TRACE.glob("*.h"))
    includes = "".join(f'#include "{p.name}"\n' for p in headers if p.name not in INSIDE_TRACE)
    text = "".join(path.read_text() for path in headers if path.name not in INSIDE_TRACE)
    constants = re.findall(r"^#define (\w+) ", text, re.MULTILINE)
    builder = FFI()
    builder.cdef(
        declarations(includes, (TRACE,)) + "".join(f"\n#define {name} ..." for name in constants)
    )
    builder.set_source(
        "d7xr._trace",
        includes,
        sources=[str(path.relative_to(ROOT)) for path in sorted(TRACE.glob("*.c"))],
        depends=[str(path.relative_to(ROOT)) for path in [*headers, FIRMWARE / "flags.mk"]],
        extra_compile_args=_build_flags(TRACE),
        extra_link_args=list(_across_files()),
        py_limited_api=True,
    )
    return builder


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "codec":
        generate_codec(Path(sys.argv[2]))
    else:
        raise SystemExit("usage: build_core.py codec OUT_DIR")
