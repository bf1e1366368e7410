"""Noise that is the same under every version of numpy.

numpy promises the raw output of a bit generator for ever, but not what its distributions make of
it. A shipped trace must be reproducible in five years, so the distributions are made here.
"""

import numpy as np
from numpy.typing import NDArray


def uniform(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Draw uniform numbers in [0, 1), shape ``(count,)``."""
    raw = np.asarray(rng.bit_generator.random_raw(count), dtype=np.uint64)
    return np.asarray((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def bell(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Draw bell-shaped numbers of mean 0 and deviation 1, never beyond 3.5, shape ``(count,)``.

    The sum of four uniform numbers: a sensor in good health has noise but no outliers.
    """
    four = uniform(rng, 4 * count).reshape(4, count)
    return np.asarray((four.sum(axis=0) - 2.0) * np.sqrt(3.0))


def wander(rng: np.random.Generator, count: int, spacing: int) -> NDArray[np.float64]:
    """Draw slow noise of mean 0 and deviation about 0.8, shape ``(count,)``.

    Args:
        rng: Source of bits.
        count: Number of samples.
        spacing: Samples from one drawn point to the next; between them the value is interpolated.
    """
    knots = bell(rng, count // spacing + 2)
    return np.interp(np.arange(count) / spacing, np.arange(knots.size), knots)
