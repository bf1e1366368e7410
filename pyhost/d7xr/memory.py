"""What a unit takes along when power goes, as a file; and what it remembers of faults.

The bytes are those of ``vcu_keep_t`` (firmware/vcu_keep.h), the same that a board keeps in its
flash. A file is replaced at once or not at all.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from d7xr.ecu import Ecu, Fault, choices_of, faults
from d7xr.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from pathlib import Path

IN_A_RUN: Final = "memory.bin"
"""Name of the file in a run folder: what the unit would have kept at the end."""

_STATE: Final = "fault_memory.keep"
_UNKNOWN: Final = ("engine_speed_rpm", "ground_speed_cmps", "battery_mV", "coolant_degC", "gear")
"""By bit of ``unknown_mask``."""

_MASK_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Frame:
    """A freeze frame: the car when a fault first came, in whole numbers; below 0 is 0.

    Attributes:
        at_s: Operating time of the unit.
        cycle: Number of the driving cycle.
        engine_speed_rpm: None where it was not known, as with the next three.
        ground_speed_mps: By GNSS.
        coolant_degC: At the engine's outlet.
        battery_V: Supply.
        pedal_pct: Lower track, or what was made of it.
        granted_Nm: Torque granted.
        gear: Its word; None where it was not known.
        flight_state: Of Flight Mode, its word.
        reason: What held torque, its word.
    """

    at_s: int
    cycle: int
    engine_speed_rpm: int | None
    ground_speed_mps: float | None
    coolant_degC: int | None
    battery_V: float | None
    pedal_pct: int
    granted_Nm: int
    gear: str | None
    flight_state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a unit remembers of one fault.

    Attributes:
        fault: Its row of the table.
        count: How often it came; 255 is that or more.
        away_cycles: Whole driving cycles since it was last there.
        frame: The car when it first came; None where more severe ones needed the room.
    """

    fault: Fault
    count: int
    away_cycles: int
    frame: Frame | None


def begin(ecu: Ecu, path: Path) -> bool:
    """Let a new unit begin with a file; False: there is none yet.

    Raises:
        UsageError: It is damaged, or of another build; the file is left as it is.
        EnvironmentFault: It cannot be read.
    """
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        _refuse_missing_folder(path)
        return False
    except OSError as error:
        raise EnvironmentFault(f"cannot read {path}: {error.strerror}") from error
    try:
        ecu.recall(kept)
    except ValueError as error:
        raise UsageError(
            f"{path} is no memory for this unit: {error}",
            hint="move it away to begin with a new unit's memory, or use the build and the car "
            "that wrote it",
        ) from None
    return True


def save(path: Path, kept: bytes) -> None:
    """Write a file anew; until it is whole the old one stays.

    Raises:
        EnvironmentFault: It cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(kept)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise EnvironmentFault(
            f"cannot write {path}: {error.strerror}", hint="name another place with --memory"
        ) from error


def _refuse_missing_folder(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"there is no folder {path.parent} for {path.name}", hint="make it, or name another"
        )


def operating_s(ecu: Ecu) -> int:
    """Return for how long the unit has been under power, ever."""
    return int(ecu[f"{_STATE}.operating_s"])


def remembered(ecu: Ecu) -> tuple[Remembered, ...]:
    """Return what a unit remembers of faults, the most severe first."""
    frames = _frames(ecu)
    found = [
        Remembered(fault, count, int(ecu[f"{_STATE}.away_cycles[{fault.number}]"]),
                   frames.get(fault.number))
        for fault in faults()
        if (count := int(ecu[f"{_STATE}.count[{fault.number}]"]))
    ]  # fmt: skip
    rank = {"Stop": 0, "Limp": 1, "Warning": 2, "Info": 3}
    return tuple(sorted(found, key=lambda one: (rank[one.fault.severity], one.fault.number)))


def is_active(ecu: Ecu, fault: Fault) -> bool:
    """Say whether a fault is there now."""
    mask = int(ecu[f"fault.active_mask[{fault.number // _MASK_BITS}]"])
    return bool(mask >> fault.number % _MASK_BITS & 1)


def _frames(ecu: Ecu) -> dict[int, Frame]:
    found: dict[int, Frame] = {}
    index = 0
    known = {fault.number for fault in faults()}
    names = {field.name for field in Ecu.fields()}
    while (place := f"{_STATE}.frame[{index}]") and f"{place}.fault" in names:
        number = int(ecu[f"{place}.fault"])
        if number in known:
            found[number] = _frame(ecu, place)
        index += 1
    return found


def _frame(ecu: Ecu, place: str) -> Frame:
    scene = f"{place}.scene"
    unknown = int(ecu[f"{scene}.unknown_mask"])
    known = {
        name: None if unknown >> bit & 1 else int(ecu[f"{scene}.{name}"])
        for bit, name in enumerate(_UNKNOWN)
    }
    speed_cmps, battery_mv, gear = (known[n] for n in ("ground_speed_cmps", "battery_mV", "gear"))
    return Frame(
        at_s=int(ecu[f"{place}.at_s"]),
        cycle=int(ecu[f"{place}.cycle"]),
        engine_speed_rpm=known["engine_speed_rpm"],
        ground_speed_mps=None if speed_cmps is None else speed_cmps / 100,
        coolant_degC=known["coolant_degC"],
        battery_V=None if battery_mv is None else battery_mv / 1000,
        pedal_pct=int(ecu[f"{scene}.pedal_pct"]),
        granted_Nm=int(ecu[f"{scene}.torque_Nm"]),
        gear=None if gear is None else _gears().get(gear, str(gear)),
        flight_state=_word("flight_mode_state_t", int(ecu[f"{scene}.flight_state"])),
        reason=_word("torque_reason_t", int(ecu[f"{scene}.reason"])),
    )


def _word(enum: str, code: int) -> str:
    return choices_of(enum).get(code, str(code))


@cache
def _gears() -> dict[int, str]:
    from d7xr.database import Database

    (gear,) = (s for s in Database.own().message("GearboxState").signals if s.name == "Gear")
    return dict(gear.choices)
