"""A healthy unit and its twin that gets the same drive with one input broken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.events import FAULT_MASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from d7xr.campaign.stories import Window
    from d7xr.ecu import Ecu
    from d7xr.frames import Frames

TORQUE_Nm: Final = 15.0
"""More than this beyond the healthy twin is more torque: 2 % of full, as engines know it."""

TORQUE_MS: Final = 100
"""And for longer than this in all: a limit that comes a few samples later harms nobody."""

FANS_MS: Final = 2000
"""Fewer fans for longer than this: starts are spaced by 1 s, and a spare start may come later."""

FLIGHT_MS: Final = 200
"""Declared this far from any flight of the healthy twin, a flight is a false one."""

_AIR: Final = 2
_FLYING: Final = (1, 2, 3)
WATCHED: Final = (
    "torque.granted_Nm",
    "torque.reason",
    "flight_mode.state",
    "flight_mode.detector_mode",
    "cooling.fans.running_mask",
    *FAULT_MASKS,
)


@dataclass(frozen=True)
class Stretch:
    """What a unit did in a window, tick by tick: columns of ``WATCHED``."""

    columns: Mapping[str, NDArray[Any]]

    @cached_property
    def granted_Nm(self) -> NDArray[np.float64]:
        """Granted torque."""
        return self.columns["torque.granted_Nm"].astype(np.float64)

    @cached_property
    def fans(self) -> NDArray[np.int64]:
        """Fans that run."""
        return np.asarray(np.bitwise_count(self.columns["cooling.fans.running_mask"]), np.int64)

    @cached_property
    def is_air(self) -> NDArray[np.bool_]:
        """Whether Flight Mode has declared a flight."""
        return np.asarray(self.columns["flight_mode.state"] == _AIR)

    @cached_property
    def faults(self) -> NDArray[np.uint64]:
        """Active faults, one bit each."""
        low, high = (self.columns[name].astype(np.uint64) for name in FAULT_MASKS)
        return low | (high << np.uint64(32))


def run(ecu: Ecu, frames: Frames, first_us: int, window: Window) -> Stretch:
    """Let a unit that stands at the beginning of a window run through it."""
    tick = (frames.time_us - first_us) // 1000
    begin, end = np.searchsorted(tick, (window.start_ms, window.end_ms)).tolist()
    done = ecu.run(
        frames.frame[begin:end],
        tick[begin:end] - window.start_ms,
        window.end_ms - window.start_ms,
        record=WATCHED,
        every_ticks=1,
    )
    return Stretch(done.columns)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the twin with the broken input fared against the healthy one.

    Times are milliseconds from the breaking, or from the healing where that is said.

    Attributes:
        detected_ms: When the first fault became active that the healthy twin does not have.
        fault_bits: All such faults, one bit each, until the input was whole again.
        more_Nm: Most torque above the healthy twin.
        more_ms: For how long there was more than ``TORQUE_Nm`` more.
        more_unseen_ms: The part of it before anything was detected.
        less_Nm: Most torque below the healthy twin.
        more_fans: Most fans above the healthy twin.
        fewer_fans: Most fans below the healthy twin.
        fewer_ms: For how long there were fewer.
        fewer_unseen_ms: The part of it before anything was detected.
        false_flights: Flights that the healthy twin did not have.
        missed_flights: Flights that only the healthy twin had.
        is_detector_changed: Whether Flight Mode worked with other kinds of evidence.
        healed_ms: From the healing until nothing differs any more; None if it still does at the
            end of the window.
    """

    detected_ms: int | None
    fault_bits: int
    more_Nm: float
    more_ms: int
    more_unseen_ms: int
    less_Nm: float
    more_fans: int
    fewer_fans: int
    fewer_ms: int
    fewer_unseen_ms: int
    false_flights: int
    missed_flights: int
    is_detector_changed: bool
    healed_ms: int | None

    @property
    def harms(self) -> tuple[str, ...]:
        """Return what was worse than with healthy inputs, in words; nothing where nothing was."""
        harms = []
        if self.more_ms > TORQUE_MS:
            harms.append("torque")
        if self.fewer_ms > FANS_MS:
            harms.append("fans")
        if self.false_flights:
            harms.append("false flight")
        return tuple(harms)

    @property
    def is_undetected_and_harmful(self) -> bool:
        """Say whether anything was worse for longer than is allowed while no fault told so."""
        is_unseen = self.more_unseen_ms > TORQUE_MS or self.fewer_unseen_ms > FANS_MS
        return is_unseen or (bool(self.harms) and self.detected_ms is None)


def compare(healthy: Stretch, twin: Stretch, window: Window) -> Comparison:
    """Compare a unit with a broken input with its healthy twin."""
    broken, healed = window.broken_ms - window.start_ms, window.healed_ms - window.start_ms
    new_faults = twin.faults & ~healthy.faults
    while_broken = new_faults[broken:healed]
    seen = np.flatnonzero(while_broken)
    detected_ms = int(seen[0]) if seen.size else None
    unseen = slice(broken, healed if detected_ms is None else broken + detected_ms)
    more_Nm = twin.granted_Nm - healthy.granted_Nm
    more_fans = twin.fans - healthy.fans
    return Comparison(
        detected_ms=detected_ms,
        fault_bits=int(np.bitwise_or.reduce(while_broken)),
        more_Nm=max(float(more_Nm.max()), 0.0),
        more_ms=int((more_Nm > TORQUE_Nm).sum()),
        more_unseen_ms=int((more_Nm[unseen] > TORQUE_Nm).sum()),
        less_Nm=max(float(-more_Nm.min()), 0.0),
        more_fans=max(int(more_fans.max()), 0),
        fewer_fans=max(int(-more_fans.min()), 0),
        fewer_ms=int((more_fans < 0).sum()),
        fewer_unseen_ms=int((more_fans[unseen] < 0).sum()),
        false_flights=_alone(twin.is_air, healthy.is_air),
        missed_flights=_alone(healthy.is_air, twin.is_air),
        is_detector_changed=bool(
            np.any(_detector(twin)[broken:healed] != _detector(healthy)[broken:healed])
        ),
        healed_ms=_healed_ms(new_faults, more_Nm, more_fans, healed),
    )


def _detector(stretch: Stretch) -> NDArray[Any]:
    return stretch.columns["flight_mode.detector_mode"]


def _alone(mine: NDArray[np.bool_], others: NDArray[np.bool_]) -> int:
    """Count the flights of one unit that are far from any of the other."""
    edges = np.flatnonzero(np.diff(mine.astype(np.int8), prepend=0, append=0))
    spans = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return sum(
        not others[max(start - FLIGHT_MS, 0) : end + FLIGHT_MS].any() for start, end in spans
    )


def _healed_ms(
    new_faults: NDArray[np.uint64], more_Nm: NDArray[np.float64], more_fans: NDArray[np.int64],
    healed: int,
) -> int | None:  # fmt: skip
    differs = (new_faults != 0) | (np.abs(more_Nm) > TORQUE_Nm) | (more_fans != 0)
    late = np.flatnonzero(differs[healed:])
    if not late.size:
        return 0
    last = int(late[-1])
    return None if healed + last + 1 == differs.size else last + 1
