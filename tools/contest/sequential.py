"""A sequential test on the unit's own evidence: log-likelihood ratios, added up to a bound.

Each new sample of a channel adds the logarithm of how much likelier it is in the air than on the
ground; the sum is held at zero from below (Page's form of Wald's test), and the flight is believed
when it passes log((1 - miss)/false). The way back is the same with the sign turned. Samples that
follow each other are not independent, so each channel's evidence counts for a share of itself; the
shares are the largest that keep the stated error rates on the runs from which it learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

FALSE_RATE: Final = 1e-6
MISS_RATE: Final = 1e-3
BOUND: Final = log((1.0 - MISS_RATE) / FALSE_RATE)
"""Stated error rates of one decision, and the sum of evidence that keeps them (Wald 1945)."""

_LARGEST: Final = 3.0
"""Of one sample: no single one may decide, for it may be a fault."""

NOT_SEEN: Final = -1
"""Bin of a sample that a channel does not have."""


@dataclass(frozen=True, slots=True)
class Channel:
    """When a kind of evidence has a new sample, and in how many bins it falls.

    Attributes:
        period: Ticks between samples.
        phase: Tick of the first.
        bins: Number of bins.
    """

    period: int
    phase: int
    bins: int


CHANNELS: Final[Mapping[str, Channel]] = {
    "force": Channel(5, 0, 50),
    "dampers": Channel(5, 3, 8),
    "wheels": Channel(10, 7, 42),
}
"""Phases are those at which the frames arrive, counted from the unit's first tick."""


def binned(evidence: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.int64]]:
    """Return the bin of each channel's samples, ``NOT_SEEN`` where it has none.

    One damper of four may say what it likes, as with the unit; wheels count by the slowest.

    Args:
        evidence: States of the unit at every tick, by their names in ``flight_mode.evidence``.
    """
    force = np.clip(np.floor(evidence["sample_mps2[2]"]) + 20.0, 0, 49).astype(np.int64)
    force[evidence["is_inertial_usable"] == 0] = NOT_SEEN
    in_touch = (evidence["usable_corners"] - evidence["corners_out"]).astype(np.int64)
    dampers = 2 * np.clip(in_touch - 1, 0, 3) + (evidence["is_any_compressing"] != 0)
    dampers[evidence["is_damper_usable"] == 0] = NOT_SEEN
    accel = np.min([evidence[f"wheel[{i}].accel_radps2"] for i in range(4)], axis=0)
    wheels = np.clip(np.floor(accel / 10.0) + 21.0, 0, 41).astype(np.int64)
    wheels[evidence["is_wheel_usable"] == 0] = NOT_SEEN
    whole = {"force": force, "dampers": dampers.astype(np.int64), "wheels": wheels}
    return {name: whole[name][c.phase :: c.period] for name, c in CHANNELS.items()}


@dataclass(frozen=True, slots=True)
class Weights:
    """What the test has learned.

    Attributes:
        ratio: Channel -> logarithm of the likelihood ratio of each bin.
        share_air: Share of it that counts on the way into the air.
        share_ground: And on the way back.
    """

    ratio: Mapping[str, NDArray[np.float64]]
    share_air: float = 1.0
    share_ground: float = 1.0


def learned(runs: Iterable[tuple[Mapping[str, NDArray[np.int64]], NDArray[np.bool_]]]) -> Weights:
    """Return the ratios from runs of which the truth is known.

    Args:
        runs: Binned samples, and whether the car was in the air at each tick.
    """
    counts = {name: np.ones((2, channel.bins)) for name, channel in CHANNELS.items()}
    for samples, is_air in runs:
        for name, channel in CHANNELS.items():
            seen, where = samples[name], is_air[channel.phase :: channel.period]
            for side in (0, 1):
                chosen = seen[(seen != NOT_SEEN) & (where == bool(side))]
                counts[name][side] += np.bincount(chosen, minlength=channel.bins)
    ratio = {}
    for name, count in counts.items():
        share = count / count.sum(axis=1, keepdims=True)
        ratio[name] = np.clip(np.log(share[1] / share[0]), -_LARGEST, _LARGEST)
    return Weights(ratio)


def evidence_of(
    samples: Mapping[str, NDArray[np.int64]], weights: Weights, ticks: int
) -> tuple[list[int], list[float]]:
    """Return ticks at which evidence arrives, and how much; what is not seen adds nothing."""
    added = np.zeros(ticks)
    for name, channel in CHANNELS.items():
        seen = samples[name]
        value = np.where(seen == NOT_SEEN, 0.0, weights.ratio[name][np.maximum(seen, 0)])
        added[channel.phase :: channel.period] += value
    at = np.flatnonzero(added)
    return at.tolist(), added[at].tolist()


def spans(
    at: Sequence[int], added: Sequence[float], weights: Weights
) -> tuple[tuple[int, int | None], ...]:
    """Return first tick of each flight that is believed, and the tick at which it is no longer."""
    found: list[tuple[int, int | None]] = []
    total, begin = 0.0, None
    for tick, value in zip(at, added, strict=True):
        if begin is None:
            total = max(0.0, total + weights.share_air * value)
            if total >= BOUND:
                total, begin = 0.0, tick
        else:
            total = max(0.0, total - weights.share_ground * value)
            if total >= BOUND:
                found.append((begin, tick))
                total, begin = 0.0, None
    return (*found, *([] if begin is None else [(begin, None)]))
