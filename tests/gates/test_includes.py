"""Who may include whom (architecture, section 2; rules C-1 and C-7)."""

import subprocess
from pathlib import Path

from tests.gates.checks import report
from tests.gates.checks.flags import read_flags
from tests.gates.checks.includes import check_includes, includes_of
from tests.gates.checks.sources import REPOSITORY, files, unit_c
from tests.gates.firmware_build import FIRMWARE, include_flags

FEWEST_INCLUDES = 80
FEWEST_HEADERS = 15


def plant(firmware: Path, texts: dict[str, str]) -> Path:
    """Write a small firmware."""
    for name, text in texts.items():
        (firmware / name).parent.mkdir(parents=True, exist_ok=True)
        (firmware / name).write_text(text)
    return firmware


def test_the_firmware_includes_only_what_the_plan_allows() -> None:
    found = check_includes(FIRMWARE)

    assert not found, report(found)
    assert sum(len(includes_of(path)) for path in files(FIRMWARE, ".c", ".h")) >= FEWEST_INCLUDES


def compile_alone(header: Path, folders: list[str], folder: Path) -> str:
    """Compile a header by itself, twice over, and return what the compiler says."""
    source = folder / f"alone_{header.stem}.c"
    source.write_text(f'#include "{header.name}"\n#include "{header.name}"\ntypedef int alone_t;\n')
    flags = read_flags(FIRMWARE / "flags.mk")["D7XR_CFLAGS"]
    command = ["gcc", *flags, *folders, "-fsyntax-only", str(source)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_each_header_compiles_alone(tmp_path: Path, codec: Path) -> None:
    headers = [path for path in unit_c(REPOSITORY) if path.suffix == ".h"]

    said = {path.name: compile_alone(path, include_flags(codec), tmp_path) for path in headers}

    assert not {name: text for name, text in said.items() if text}
    assert len(headers) >= FEWEST_HEADERS


def test_canary_a_header_that_leans_on_its_includer_is_found(tmp_path: Path) -> None:
    header = tmp_path / "lean.h"
    header.write_text("#ifndef LEAN_H\n#define LEAN_H\nuint8_t lean(void);\n#endif\n")

    said = compile_alone(header, ["-iquote", str(tmp_path)], tmp_path)

    assert "unknown type name" in said


def test_canary_a_firmware_that_keeps_to_the_plan_passes(tmp_path: Path) -> None:
    firmware = plant(
        tmp_path,
        {
            "core/torque.h": "#include <stdint.h>\n",
            "core/torque.c": '#include "torque.h"\n#include "torque.def"\n#include <stdbool.h>\n',
            "core/torque.def": "",
            "bus/bus.c": '#include "torque.h"\n#include "bus_codec.h"\n',
            "vcu.c": '#include "vcu.h"\n#include "torque.h"\n',
            "vcu.h": "",
            "board/replay/startup.h": "",
            "board/replay/main.c": '#include "startup.h"\n#include "vcu.h"\n#include <string.h>\n',
        },
    )

    assert not check_includes(firmware)


def test_canary_the_core_must_not_know_the_bus(tmp_path: Path) -> None:
    firmware = plant(tmp_path, {"bus/bus.h": "", "core/torque.c": '\n#include "bus.h"\n'})

    found = check_includes(firmware)

    assert [str(finding) for finding in found] == ["core/torque.c:2: core may not include bus.h"]


def test_canary_the_bus_must_not_know_the_unit(tmp_path: Path) -> None:
    firmware = plant(tmp_path, {"vcu.h": "", "bus/bus.c": '#include "vcu.h"\n'})

    found = check_includes(firmware)

    assert [str(finding) for finding in found] == ["bus/bus.c:1: bus may not include vcu.h"]


def test_canary_the_unit_must_not_know_its_board(tmp_path: Path) -> None:
    firmware = plant(tmp_path, {"board/board.h": "", "vcu.c": '#include "board.h"\n'})

    found = check_includes(firmware)

    assert [str(finding) for finding in found] == ["vcu.c:1: the unit may not include board.h"]


def test_canary_library_headers_stay_out(tmp_path: Path) -> None:
    text = "/* #include <math.h> */\n#include <math.h>\n# include <string.h>\n"
    firmware = plant(tmp_path, {"core/torque.c": text})

    found = check_includes(firmware)

    assert [str(finding) for finding in found] == [
        "core/torque.c:2: core may not include math.h",
        "core/torque.c:3: core may not include string.h",
    ]


def test_canary_a_path_around_the_plan_is_found(tmp_path: Path) -> None:
    firmware = plant(tmp_path, {"bus/bus.h": "", "core/torque.c": '#include "../bus/bus.h"\n'})

    found = check_includes(firmware)

    assert [finding.text for finding in found] == ["core may not include ../bus/bus.h"]


def test_canary_the_own_header_comes_first_and_the_systems_last(tmp_path: Path) -> None:
    firmware = plant(
        tmp_path,
        {
            "core/signal.h": "",
            "core/torque.h": "",
            "core/torque.c": '#include "signal.h"\n#include "torque.h"\n',
            "core/fuel.c": '#include <stdint.h>\n#include "signal.h"\n',
        },
    )

    found = check_includes(firmware)

    assert [str(finding) for finding in found] == [
        "core/fuel.c: a system header stands before one of the project",
        "core/torque.c:1: own header torque.h must come first",
    ]


def test_canary_a_folder_without_a_plan_is_found(tmp_path: Path) -> None:
    firmware = plant(tmp_path, {"attic/old.c": ""})

    found = check_includes(firmware)

    assert [finding.place for finding in found] == ["attic/old.c"]
