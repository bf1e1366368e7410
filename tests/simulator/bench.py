"""Cars on grounds that the proofs need."""

from collections.abc import Mapping

from d7xr.simulator.car import Car, Start
from d7xr.simulator.ground import Ground, Piece
from d7xr.simulator.parameters import Value

GRAVITY_mps2 = 9.81
KPH = 1.0 / 3.6


def level_ground(length_m: float = 2000.0) -> Ground:
    """A table."""
    return Ground.build([Piece(length_m)], seed=1)


def lip(slope: float = 0.08) -> Ground:
    """A ramp with an edge, a slope to land on, and a rough run-out."""
    knots = ((0.0, 0.0), (8.0, slope), (16.0, slope), (16.05, -slope), (36.0, -slope), (40.0, 0.0))
    return Ground.build([Piece(60.0), Piece(40.0, knots), Piece(400.0, rough_m=0.006)], seed=1)


def throttled(
    ground: Ground, start: Start, values: Mapping[str, Value] | None = None, *, steps: int = 1
) -> Car:
    """A car whose engine is told to give all it has."""
    car = Car(ground, start, values, steps_per_ms=steps)
    car.c.command.air_path_Nm = car.c.command.granted_Nm = 750.0
    return car


def lifted(car: Car, height_m: float) -> Car:
    """The same car, that far above the ground and falling from rest."""
    car.c.body.z_m += height_m
    for corner in range(4):
        car.c.body.wheel_m[corner] += height_m
    return car
