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
    ("GearboxState", Kind.FROZEN): "as its oil, below",
    ("GearboxState.GearboxOil_degC", Kind.FROZEN): "no other sensor sits in that oil. Its derate "
    "takes 20 Nm in a second at most, so that no more than this is missing, and the oil has its "
    "limp threshold 15 K above",
    ("DriverDemand", Kind.FROZEN): "both pedal tracks, the brake and the kill switch stand still "
    "together behind a living counter and a right checksum; no other message tells what the foot "
    "does, and a foot may stand still. The torque is what the driver last asked for, for as long "
    "as it lasts; the ignition, which another node tells, ends it. The pedal node must watch "
    "itself, and the kill switch must cut on its own wire too",
    ("DriverDemand.FlightModeSwitch", Kind.MINIMUM): "Off is a wish of the driver, and a switch "
    "that broke there looks the same",
    ("ThermalState", Kind.FROZEN): "all four temperatures stand still together behind a living "
    "counter, so that no peer of the coolant moves; the gearbox oil is apart and starts fans, and "
    "fans that run keep running. Each derate takes 20 Nm in a second at most",
    ("ThermalState.EngineOil_degC", Kind.FROZEN): "no other sensor sits in that oil. Its derate "
    "takes 20 Nm in a second at most; an engine whose oil boils heats its coolant too, which "
    "takes torque by itself",
    ("ThermalState.ChargeAir_degC", Kind.FROZEN): "no other sensor sits behind the intercooler. "
    "Its derate takes 20 Nm in a second at most, and the engine controller keeps knock away",
    ("FuelSenders", Kind.FROZEN): "as the collector, below",
    ("FuelSenders", Kind.DELAYED): "the level that takes torque comes 300 ms later, and so does "
    "what it takes",
    ("FuelSenders.Collector_pct", Kind.FROZEN): "one sender tells that level. What it should have "
    "taken guards the lift pump: an engine without fuel gives no torque, whatever is granted",
    ("FuelSenders.Collector_pct", Kind.MAXIMUM): "as frozen: a full collector is what it should be",
}
"""Input and failure -> why that is accepted."""
