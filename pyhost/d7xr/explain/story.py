"""The story of a run: from when to when which reason held torque below demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from d7xr.explain.words import REASONS

if TYPE_CHECKING:
    from d7xr.explain.past import Past


@dataclass(frozen=True, slots=True)
class Interval:
    """One unbroken limit.

    Attributes:
        number: From 1, in the order of time; what ``--at limit N`` means.
        start_s: First sample of it.
        end_s: First sample behind it; the end of the run where it lasted until then.
        reason: Which bound won.
        noun: How that is called in a sentence.
        worst_s: When it took most from the demand.
        demand_Nm: What the driver asked for then.
        granted_Nm: What he was granted then.
    """

    number: int
    start_s: float
    end_s: float
    reason: str
    noun: str
    worst_s: float
    demand_Nm: float
    granted_Nm: float

    @property
    def text(self) -> str:
        """Return the interval as a sentence."""
        span = f"{self.start_s:.3f} to {self.end_s:.3f} s"
        taken = f"{self.granted_Nm:,.0f} Nm of {self.demand_Nm:,.0f} Nm at {self.worst_s:.3f} s"
        return f"{span}: the {self.noun} ({self.reason}) left {_plain(taken)}."


def intervals(past: Past) -> tuple[Interval, ...]:
    """Return every limit of a run, in the order of time; the time without a limit is left out."""
    reason = past.states["torque.reason"]
    granted, demand = past.states["torque.granted_Nm"], past.states["torque.demand_Nm"]
    words = _reasons()
    edges = np.flatnonzero(np.diff(reason.astype(np.int64), prepend=-1))
    ends = np.append(edges[1:], reason.size)
    found: list[Interval] = []
    for first, end in zip(edges.tolist(), ends.tolist(), strict=True):
        name = words.get(int(reason[first]), str(int(reason[first])))
        if name == "None":
            continue
        worst = first + int(np.argmax(demand[first:end] - granted[first:end]))
        end_tick = int(past.tick[end]) if end < reason.size else past.ticks
        found.append(
            Interval(
                number=len(found) + 1,
                start_s=int(past.tick[first]) / 1000,
                end_s=end_tick / 1000,
                reason=name,
                noun=REASONS[name].noun,
                worst_s=int(past.tick[worst]) / 1000,
                demand_Nm=round(float(demand[worst]), 3),
                granted_Nm=round(float(granted[worst]), 3),
            )
        )
    return tuple(found)


def _reasons() -> dict[int, str]:
    from d7xr.ecu import choices_of

    return choices_of("torque_reason_t")


def _plain(text: str) -> str:
    """Return a text without the minus of a rounded zero."""
    return text.replace("-0 ", "0 ")
