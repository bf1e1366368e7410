"""What happens in the drive while an input is broken.

A broken input harms only where its function has something to do: in the shipped drive alone the oil
stays cold, the collector full and the engine running. So parts of it are told again, each with a
little more happening.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.campaign.injection import hits, rewritten
from d7xr.database import Database
from d7xr.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from d7xr.replay import Feed

__all__ = ["Change", "Window", "told", "windows_of_demo"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a signal does otherwise than in the drive.

    Attributes:
        signal: Name of a signal that the unit receives.
        from_ms: Tick at which it begins.
        value: What the signal says from then on; None adds to what it said.
        add: So much more from the first tick of all, so that nothing jumps.
        per_s: And so much more for each second since ``from_ms``.
        least: Never less than this.
    """

    signal: str
    from_ms: int = 0
    value: float | None = None
    add: float = 0.0
    per_s: float = 0.0
    least: float = -np.inf

    def of(self, time_ms: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the signal says."""
        since_s = np.maximum(time_ms - self.from_ms, 0) / 1000.0
        base = values + self.add
        if self.value is not None:
            base = np.where(time_ms >= self.from_ms, self.value, values)
        return np.maximum(base + self.per_s * since_s, self.least)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a drive, and the time in which an input is broken in it.

    Attributes:
        name: What the car does in it.
        start_ms: First tick.
        broken_ms: Tick at which the input breaks.
        healed_ms: Tick at which it is whole again.
        end_ms: First tick behind it.
        tells: What happens, as half a sentence.
        changes: What is otherwise than in the drive.
    """

    name: str
    start_ms: int
    broken_ms: int
    healed_ms: int
    end_ms: int
    tells: str = ""
    changes: tuple[Change, ...] = ()


AS_DRIVEN: Final = ("flight", "climb")
"""The windows of the drive as it was; in all others something is told otherwise."""


def windows_of_demo() -> tuple[Window, ...]:
    """Return the parts of the shipped drive in which an input is broken.

    The first holds two flights with the input broken and one after it is whole again; all others
    are told on the climb.
    """
    times_ms = (58_000, 58_000, 66_000, 73_000)

    def story(name: str, tells: str, *changes: Change) -> Window:
        return Window(name, *times_ms, tells, (*changes, *_fans()))

    return (
        Window("flight", 20_000, 22_000, 34_000, 50_000, "two flights, and a third once whole"),
        Window("climb", 56_000, 58_000, 76_000, 88_000, "fans start, and the coolant takes torque"),
        story("coolant", "the coolant is 12 K hotter and takes torque",
              Change("CoolantIn_degC", add=12.0), Change("CoolantOut_degC", add=12.0)),
        story("oil", "the engine oil is 37 K hotter and takes torque",
              Change("EngineOil_degC", add=37.0)),
        story("gearbox", "the gearbox oil warms and takes torque",
              Change("GearboxOil_degC", 50_000, add=20.0, per_s=0.4)),
        story("charge", "the charge air warms and takes torque",
              Change("ChargeAir_degC", 50_000, per_s=0.8)),
        story("starved", "the collector runs empty and takes torque",
              Change("Collector_pct", 58_000, per_s=-20.0, least=0.0)),
        story("lift", "the driver lifts at 60 s and brakes", *_lift(60_000)),
        story("stop", "the engine is stopped hot at 60 s", *_stop(60_000)),
    )  # fmt: skip


def _fans() -> tuple[Change, ...]:
    """Return fans that draw what running ones do: the drive knows of its own starts alone."""
    currents = (Change(f"Fan{number}Current_A", value=17.5) for number in (1, 2, 3, 4))
    speeds = (Change(f"Fan{number}Speed_rpm", value=2800.0) for number in (1, 2, 3, 4))
    return (*currents, *speeds)


def _lift(at_ms: int) -> tuple[Change, ...]:
    """Return a driver who lifts, and brakes."""
    tracks = ("AcceleratorTrack1_pct", "AcceleratorTrack2_pct", "EngineTorque_Nm")
    return (
        *(Change(name, at_ms, 0.0) for name in tracks),
        Change("Throttle_pct", at_ms, 5.0),
        Change("BrakePedal_pct", at_ms, 30.0),
    )


def _stop(at_ms: int) -> tuple[Change, ...]:
    """Return a car that stands, and whose engine is stopped with the key on."""
    still = (
        "EngineSpeed_rpm", "EngineTorque_Nm", "Throttle_pct", "EngineStatus", "TurbineSpeed_rpm",
        "LockUpClutch", "AcceleratorTrack1_pct", "AcceleratorTrack2_pct", "Gear", "TargetGear",
        "GroundSpeed_mps", "ClimbRate_mps", "MassAirFlow_gps", "FilterDp_kPa", "InjectedFuel_mlps",
        *(f"WheelSpeed{corner}_radps" for corner in ("FL", "FR", "RL", "RR")),
    )  # fmt: skip
    return tuple(Change(name, at_ms, 0.0) for name in still)


def told(feed: Feed, window: Window) -> Feed:
    """Return a drive in which happens what a window tells."""
    own = Database.own()
    frame = feed.frames.frame.copy()
    for name, changes in _by_message(window):
        message = own.message(name)
        hit = np.flatnonzero(hits(feed.frames, message))
        part = Frames(feed.frames.time_us[hit], feed.frames.frame[hit])
        time_ms = (part.time_us - feed.first_us) // 1000
        frame[hit] = rewritten(part, message, {c.signal: partial(c.of, time_ms) for c in changes})
    return replace(feed, frames=Frames(feed.frames.time_us, frame))


def _by_message(window: Window) -> Iterator[tuple[str, list[Change]]]:
    from d7xr.replay import heard

    own = Database.own()
    for name in heard(own):
        signals = {signal.name for signal in own.message(name).values}
        changes = [change for change in window.changes if change.signal in signals]
        if changes:
            yield name, changes
