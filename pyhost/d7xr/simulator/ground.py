"""The ground: pieces with a shape and a surface, built into heights of the left and right side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from d7xr.ecu.core import ffi, lib
from d7xr.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

STEP_M: Final = 0.05
"""Distance of the samples of a built ground."""

MOST_KNOTS: Final = 12


@dataclass(frozen=True, slots=True)
class Surface:
    """What the tyres stand on.

    Attributes:
        friction_ratio: Largest traction over load.
        slip_mps: Slip at which three quarters of it are reached, at rest.
        slip_ratio: More of it per m/s of speed: loose ground needs slip.
        rolling_ratio: Rolling resistance over load.
        dust_kgpm3: Dust in the air that the car drives through.
    """

    friction_ratio: float
    slip_mps: float
    slip_ratio: float
    rolling_ratio: float
    dust_kgpm3: float


SURFACES: Final = {
    "gravel": Surface(0.70, 0.6, 0.01, 0.035, 2.0e-4),
    "hard": Surface(0.85, 0.4, 0.005, 0.02, 1.0e-5),
    "sand": Surface(0.55, 0.8, 0.03, 0.12, 2.0e-4),
    "soft_sand": Surface(0.45, 0.9, 0.05, 0.22, 3.0e-4),
    "rock": Surface(0.75, 0.5, 0.01, 0.03, 5.0e-5),
    "mud": Surface(0.35, 0.9, 0.05, 0.14, 0.0),
}
"""Surfaces by name; all estimates."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of ground; heights begin where the piece before it ended.

    Attributes:
        length_m: Along the track.
        knots: Slope over distance as (m, slope), straight between, flat before and behind.
        wave_m: Length of waves that begin and end in a trough; 0 for none.
        wave_height_m: Trough to crest.
        wave_fade_m: Length over which they swell and die.
        wave_shift_m: How far the waves of the right side lie behind those of the left.
        gain: Share of knots and waves that the left and the right wheels see.
        rock_m: Length of the largest rock; 0 for none.
        rock_height_m: Its height.
        rocks_per_m: How many on each side.
        rough_m: Deviation of the random part.
        curvature_radpm: Of the track, left positive.
        surface: What it is made of.
    """

    length_m: float
    knots: tuple[tuple[float, float], ...] = ()
    wave_m: float = 0.0
    wave_height_m: float = 0.0
    wave_fade_m: float = 0.0
    wave_shift_m: float = 0.0
    gain: tuple[float, float] = (1.0, 1.0)
    rock_m: float = 0.0
    rock_height_m: float = 0.0
    rocks_per_m: float = 0.0
    rough_m: float = 0.0
    curvature_radpm: float = 0.0
    surface: Surface = field(default_factory=lambda: SURFACES["gravel"])


@dataclass(frozen=True, slots=True)
class Ground:
    """A built ground.

    Attributes:
        pieces: What it is made of.
        end_m: End of each piece along the track, shape ``(n,)``.
        height_m: Heights of the left and the right side, ``STEP_M`` apart, each of shape ``(m,)``.
        handle: The C struct; what it points to lives as long as this object.
    """

    pieces: tuple[Piece, ...]
    end_m: NDArray[np.float64]
    height_m: tuple[NDArray[np.float64], NDArray[np.float64]]
    handle: Any
    _alive: Any = field(repr=False)

    @classmethod
    def build(cls, pieces: Sequence[Piece], seed: int) -> Self:
        """Lay the pieces one behind the other; the same seed gives the same stones.

        Raises:
            ConfigError: No piece, one without length, or one with too many knots.
        """
        if not pieces:
            raise ConfigError("a ground needs at least one piece", hint="add a [[stretch]]")
        rows = ffi.new("terrain_piece_t[]", len(pieces))
        for row, piece in zip(rows, pieces, strict=True):
            _fill(row, piece)
        end_m = np.zeros(len(pieces))
        samples = int(lib.terrain_measure(rows, len(pieces), _pointer(end_m)))
        left, right = np.zeros(samples), np.zeros(samples)
        for side, height in enumerate((left, right)):
            lib.terrain_build(rows, len(pieces), seed, side, _pointer(height))
        handle = ffi.new("terrain_t *")
        handle.piece, handle.pieces, handle.samples = rows, len(pieces), samples
        handle.end_m = _pointer(end_m)
        handle.height_m[0], handle.height_m[1] = _pointer(left), _pointer(right)
        return cls(tuple(pieces), end_m, (left, right), handle, rows)

    @property
    def length_m(self) -> float:
        """End of the last piece."""
        return float(self.end_m[-1])


def _pointer(column: NDArray[np.float64]) -> Any:  # noqa: ANN401 - a cffi pointer has no type
    return ffi.cast("double *", column.ctypes.data)


def _fill(row: Any, piece: Piece) -> None:  # noqa: ANN401 - a cffi struct has no type
    if piece.length_m < 2.0 * STEP_M:
        raise ConfigError(
            f"a piece of ground of {piece.length_m:g} m", hint=f"at least {2.0 * STEP_M:g} m"
        )
    if len(piece.knots) > MOST_KNOTS:
        raise ConfigError(
            f"a piece of ground with {len(piece.knots)} knots", hint=f"at most {MOST_KNOTS}"
        )
    for name in (
        "length_m", "wave_m", "wave_height_m", "wave_fade_m", "wave_shift_m", "rock_m",
        "rock_height_m", "rocks_per_m", "rough_m", "curvature_radpm",
    ):  # fmt: skip
        setattr(row, name, getattr(piece, name))
    row.gain[0], row.gain[1] = piece.gain
    row.knots = len(piece.knots)
    for i, (at_m, slope) in enumerate(piece.knots):
        row.knot_m[i], row.knot_slope[i] = at_m, slope
    for name in Surface.__slots__:
        setattr(row.surface, name, getattr(piece.surface, name))
