"""Who may include whom (architecture, section 2; rules C-1 and C-7)."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.gates.checks import Finding
from tests.gates.checks.sources import code_of, files, numbered

_INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
_PLAIN = frozenset({"stdbool.h", "stddef.h", "stdint.h"})


@dataclass(frozen=True, slots=True)
class Room:
    """A part of the firmware and what it may know.

    Attributes:
        name: Its folder in ``firmware``; what lies deeper belongs to it.
        may_include: Rooms whose headers it may include, itself among them.
        system: System headers it may include.
    """

    name: str
    may_include: frozenset[str]
    system: frozenset[str] = _PLAIN


UNIT = "the unit"  # vcu.[ch], in firmware itself: it ties the rooms together
ROOMS = (
    Room("core", frozenset({"core"})),
    Room("bus", frozenset({"bus", "core", "codec"})),
    Room(UNIT, frozenset({UNIT, "bus", "core"})),
    Room("link", frozenset({"link", UNIT, "bus", "codec", "core"}), _PLAIN | {"stdatomic.h"}),
    Room("diag", frozenset({"diag", UNIT, "bus", "core"})),
    Room(
        "board",
        frozenset({"board", "link", "diag", UNIT, "bus", "core", "codec"}),
        _PLAIN | {"stdatomic.h", "string.h"},
    ),
)
GENERATED = (
    "bus_codec.h",
    "bus_identity.h",
)  # by pyhost/build_core.py, into the folder of the codec


def owners(firmware: Path) -> dict[str, str]:
    """Return the room of every header, by the name under which it is included."""
    homes = dict.fromkeys(GENERATED, "codec")
    for path in files(firmware, ".h", ".def"):
        homes[path.name] = room_of(path, firmware)
    return homes


def room_of(path: Path, firmware: Path) -> str:
    """Return the name of the room in which a file lies."""
    parts = path.relative_to(firmware).parts
    return parts[0] if len(parts) > 1 else UNIT


def check_includes(firmware: Path, rooms: tuple[Room, ...] = ROOMS) -> list[Finding]:
    """Find includes that cross the plan, files in no room, and headers out of order.

    Args:
        firmware: The folder ``firmware``.
        rooms: The plan.
    """
    homes = owners(firmware)
    plan = {room.name: room for room in rooms}
    found: list[Finding] = []
    for path in files(firmware, ".c", ".h"):
        place = str(path.relative_to(firmware))
        room = plan.get(room_of(path, firmware))
        if room is None:
            found.append(Finding(place, "lies in a folder that the plan does not know"))
            continue
        includes = includes_of(path)
        found += [
            Finding(f"{place}:{number}", f"{room.name} may not include {name}")
            for number, kind, name in includes
            if (name not in room.system if kind == "<" else homes.get(name) not in room.may_include)
        ]
        found += _out_of_order(path, place, includes)
    return found


def includes_of(path: Path) -> list[tuple[int, str, str]]:
    """Return line, kind (``<`` or ``"``) and name of every include of a file."""
    code = code_of(path.read_text(encoding="utf-8"), keep_strings=True)
    matches = ((number, _INCLUDE.match(line)) for number, line in numbered(code))
    return [(number, match[1], match[2]) for number, match in matches if match]


def _out_of_order(path: Path, place: str, includes: list[tuple[int, str, str]]) -> list[Finding]:
    headers = [entry for entry in includes if entry[2].endswith(".h")]
    found: list[Finding] = []
    own = path.with_suffix(".h")
    if path.suffix == ".c" and own.is_file() and headers and headers[0][2] != own.name:
        found.append(Finding(f"{place}:{headers[0][0]}", f"own header {own.name} must come first"))
    kinds = "".join(kind for _, kind, _ in headers)
    if '<"' in kinds:
        found.append(Finding(place, "a system header stands before one of the project"))
    return found
