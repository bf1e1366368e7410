"""The ground of the demo drive as a height over distance, made of pieces."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from d7xr.demo.noise import bell, uniform

STEP_M = 0.02
CONTACT_PATCH_M = 0.2  # a tyre of 0.43 m averages the ground over about this length
_ROUGHNESS_WAVES = 80
_ROUGHNESS_M = (0.5, 25.0)  # shortest and longest wave of the random part
_ROUGHNESS_RMS_M = 0.006  # worn gravel: ISO 8608 class C to D over these wavelengths
_CROSS_RMS_M = 0.004
_BLEND_M = 4.0


@dataclass(frozen=True, slots=True)
class Waves:
    """A regular row of waves that begins and ends in a trough.

    Attributes:
        length_m: From crest to crest.
        height_m: From trough to crest.
        fade_m: Length over which the row swells at its start and dies at its end.
    """

    length_m: float
    height_m: float
    fade_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Ground:
    """One piece of ground; it begins at the height where the piece before it ended.

    Attributes:
        length_m: Length of the piece.
        slope_knots: (distance from the start in m, slope) with straight lines between; two knots at
            one distance make an edge. Before the first and behind the last knot the slope stays.
        waves: A row of waves over the whole piece.
        roughness_ratio: Share of the random roughness; 0 is a table.
    """

    length_m: float
    slope_knots: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    waves: Waves | None = None
    roughness_ratio: float = 1.0

    def heights_m(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the height above the start of the piece at the given distances."""
        knots = np.array(self.slope_knots)
        slope = np.interp(distance_m + STEP_M / 2.0, knots[:, 0], knots[:, 1])
        height_m = np.concatenate([[0.0], np.cumsum(slope[:-1] * STEP_M)])
        if self.waves is not None:
            wave = self.waves
            swell = 0.5 - 0.5 * np.cos(2.0 * np.pi * distance_m / wave.length_m)
            edge_m = np.minimum(distance_m, self.length_m - distance_m)
            fade = np.clip(edge_m / wave.fade_m, 0.0, 1.0) if wave.fade_m > 0.0 else 1.0
            height_m += wave.height_m * swell * fade
        return np.asarray(height_m)


class Terrain:
    """Height, slope and left-right difference of the ground along the drive.

    Attributes:
        length_m: End of the last piece.
    """

    __slots__ = ("_cross_m", "_height_m", "length_m")

    def __init__(self, height_m: NDArray[np.float64], cross_m: NDArray[np.float64]) -> None:
        """Take samples ``STEP_M`` apart, both shape ``(n,)``."""
        self._height_m = height_m.tolist()  # plain floats: the inner loop reads single values
        self._cross_m = cross_m
        self.length_m = (height_m.size - 1) * STEP_M

    @classmethod
    def build(cls, pieces: tuple[Ground, ...], rng: np.random.Generator) -> Self:
        """Lay the pieces one behind the other, roughen them, and round them as a tyre does."""
        counts = [round(piece.length_m / STEP_M) for piece in pieces]
        heights, base_m = [], 0.0
        for piece, count in zip(pieces, counts, strict=True):
            piece_m = piece.heights_m(np.arange(count + 1, dtype=np.float64) * STEP_M)
            heights.append(base_m + piece_m[:-1])
            base_m += float(piece_m[-1])
        height_m = np.concatenate([*heights, [base_m]])
        ratio = np.repeat([piece.roughness_ratio for piece in pieces], counts)
        ratio = _moving_average(np.append(ratio, ratio[-1]), _BLEND_M)
        height_m = height_m + ratio * _ROUGHNESS_RMS_M * _roughness(rng, height_m.size)
        cross_m = ratio * _CROSS_RMS_M * _roughness(rng, height_m.size)
        return cls(_moving_average(height_m, CONTACT_PATCH_M), cross_m)

    def at(self, distance_m: float) -> tuple[float, float]:
        """Return height in m and slope at one distance between 0 and ``length_m``."""
        cells = distance_m / STEP_M
        index = int(cells)
        here_m, next_m = self._height_m[index], self._height_m[index + 1]
        rise_m = next_m - here_m
        return here_m + rise_m * (cells - index), rise_m / STEP_M

    def cross_m(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much higher than the right the left wheel track is, halved, at distances."""
        return np.interp(distance_m, np.arange(self._cross_m.size) * STEP_M, self._cross_m)


def _moving_average(values: NDArray[np.float64], length_m: float) -> NDArray[np.float64]:
    """Average over a centred window; the ends repeat."""
    half = round(length_m / STEP_M / 2.0)
    padded = np.concatenate([np.full(half, values[0]), values, np.full(half, values[-1])])
    total = np.concatenate([[0.0], np.cumsum(padded)])
    width = 2 * half + 1
    return np.asarray((total[width:] - total[:-width]) / width)


def _roughness(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Make a random profile of deviation 1 whose height grows with the wavelength, as roads do."""
    low, high = 1.0 / _ROUGHNESS_M[1], 1.0 / _ROUGHNESS_M[0]
    waves_per_m = low * (high / low) ** uniform(rng, _ROUGHNESS_WAVES)
    amplitude = waves_per_m**-0.5 * (1.0 + 0.2 * bell(rng, _ROUGHNESS_WAVES))
    phase = 2.0 * np.pi * uniform(rng, _ROUGHNESS_WAVES)
    distance_m = np.arange(count) * STEP_M
    profile = np.zeros(count)
    for k, a, p in zip(waves_per_m, amplitude, phase, strict=True):
        profile += a * np.sin(2.0 * np.pi * k * distance_m + p)
    return np.asarray(profile / np.sqrt(0.5 * np.sum(amplitude**2)))
