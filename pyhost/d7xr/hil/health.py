"""Counters that must not rise in a test: what the unit and its link lost or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from d7xr.hil.witness import Witness


@runtime_checkable
class Counting(Protocol):
    """A target that counts what its link lost or refused."""

    def counters(self) -> Mapping[str, int]:
        """Return the counts since it was opened, by name."""
        ...


def counters(unit: Witness, capabilities: Collection[str]) -> dict[str, int]:
    """Return every counter of trouble that a unit and its link tell, by name.

    Raises:
        RigError: The target ended.
        LinkError: The link broke.
    """
    found: dict[str, int] = {}
    if isinstance(unit.target, Counting):
        found |= {f"link.{name}": count for name, count in unit.target.counters().items()}
    if "snapshot" in capabilities:
        from d7xr.ecu import Ecu

        ecu = Ecu()
        ecu.restore(unit.snapshot())
        found["bus.overrun_count"] = int(ecu["bus.overrun_count"])
        refused = [f.name for f in ecu.fields() if f.name.startswith("bus.rejected_count")]
        found["bus.rejected_count"] = sum(int(ecu[name]) for name in refused)
    return found


def complaints(found: Mapping[str, int], expected: Collection[str]) -> list[str]:
    """Return a sentence for each counter that rose though the test does not upset it."""
    return [
        f"{name} is {count} after the test"
        for name, count in found.items()
        if count and name not in expected
    ]
