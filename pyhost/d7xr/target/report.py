"""What a board says of itself when its channel is opened (``firmware/board/report.h``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from d7xr.target.slcan import LineFrame

REPORT_ID: Final = 0x7F2

_HEALTH: Final = (
    "start", "chip", "clock", "bus", "ticks_lost", "serial_lost", "bus_lost_in", "bus_lost_out",
    "bus_off", "registers_lost", "stack_bytes",
)  # fmt: skip
_IDENTITY: Final = ("build_id", "layout_hash", "calibration_id", "items")
_MEMORY: Final = ("state", "fault_mask", "crash_count", "write_failed", "fault_mask_high")
_CRASH: Final = ("pc", "lr", "xpsr", "sp", "cfsr", "hfsr", "mmfar", "bfar", "time_ms")
_KINDS: Final = (("health", _HEALTH), ("identity", _IDENTITY), ("memory", _MEMORY),
                 ("crash", _CRASH))  # fmt: skip

_TROUBLE: Final = ("ticks_lost", "serial_lost", "bus_lost_in", "bus_lost_out", "bus_off",
                   "registers_lost")  # fmt: skip


@dataclass(slots=True)
class BoardReport:
    """A report, as far as it has come; empty from a unit that is no board.

    Attributes:
        health: Counts and states of the machine.
        identity: Build, layout, calibration, and how many items the report has.
        memory: What was kept over power.
        crash: Registers of the last crash, where there was one that nobody was told of.
    """

    health: dict[str, int] = field(default_factory=dict)
    identity: dict[str, int] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    crash: dict[str, int] = field(default_factory=dict)

    def take(self, frame: LineFrame) -> bool:
        """Take an item from a frame; False: it is no item of a report."""
        if frame.id != REPORT_ID or frame.is_extended or len(frame.data) != 8:
            return False
        kind, number = frame.data[0], frame.data[1]
        if kind < len(_KINDS):
            part, names = _KINDS[kind]
            name = names[number] if number < len(names) else f"{part}_{number}"
            getattr(self, part)[name] = int.from_bytes(frame.data[4:], "little")
        return True

    @property
    def is_whole(self) -> bool:
        """Whether every item has come."""
        items = sum(map(len, (self.health, self.identity, self.memory, self.crash)))
        return bool(items) and items == self.identity.get("items")

    def trouble(self) -> dict[str, int]:
        """Return the counts that stay 0 on a machine that is well."""
        return {name: self.health[name] for name in _TROUBLE if name in self.health}
