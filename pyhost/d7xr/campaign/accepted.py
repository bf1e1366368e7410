"""What the unit cannot see of a single broken input, though it does harm: each with its reason.

A test compares this table with what the campaign finds: an entry that is needed no more fails it as
well as a weakness that is not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from d7xr.campaign.injection import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCEPTED: Final[Mapping[tuple[str, Kind], str]] = {
    ("InertialAccel.SpecificForceZ_mps2", Kind.NOISY): "white noise of 0.4 g moves the start "
    "and the end of a flight by some samples; a filter for it would be as late",
    ("DriverDemand", Kind.FROZEN): "pedal, brake and kill switch stand still together behind a "
    "living counter and a right checksum; no other message tells what the foot does, and a foot "
    "may stand still: the pedal node must watch itself; what is left to the driver is the key, "
    "which comes by the engine",
    ("DriverDemand.FlightModeSwitch", Kind.MINIMUM): "Off is a wish of the driver, and a switch "
    "that broke there looks the same",
    ("ThermalState", Kind.FROZEN): "all four temperatures stand still together behind a living "
    "counter, so that no peer of the coolant moves; the torque derates of gearbox oil are apart, "
    "and fans that run keep running",
}
"""Input and failure -> why that is accepted."""
