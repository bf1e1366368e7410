"""A planar half car: body with heave and pitch, two axles with one-sided tyres and both stops.

The body stands on two axles. Heights are measured from static equilibrium on level ground at
height 0, compression is positive, pitch is positive nose-down. A tyre pushes and never pulls, so a
car that leaves the ground flies, and a flight is a time in which both tyre forces are zero.

The parameters are plan values of a rally-raid car of 3 t; none is measured. The model has not been
validated on a car: it makes plausible signals and test vectors, no predictions.
"""

from dataclasses import dataclass

GRAVITY_MPS2 = 9.81


@dataclass(frozen=True, slots=True)
class HalfCarParameters:
    """What the half car is made of; axle values are the sum of left and right."""

    sprung_kg: float = 2700.0
    unsprung_kg: float = 150.0  # per axle
    pitch_inertia_kgm2: float = 5200.0
    front_arm_m: float = 1.5  # centre of gravity to front axle
    rear_arm_m: float = 1.5
    spring_Npm: float = 120e3
    bump_Nspm: float = 7e3  # damper in compression
    rebound_Nspm: float = 13e3  # damper in extension
    bump_travel_m: float = 0.170  # from static ride height to the bump stop
    droop_travel_m: float = 0.130  # from static ride height to the droop stop
    stop_Npm: float = 800e3
    stop_Nspm: float = 20e3
    tyre_Npm: float = 700e3
    tyre_Nspm: float = 2e3

    @property
    def total_kg(self) -> float:
        """Mass of the whole car."""
        return self.sprung_kg + 2.0 * self.unsprung_kg

    @property
    def static_deflection_m(self) -> float:
        """How far a spring is compressed by the weight of the body alone."""
        return self.sprung_kg * GRAVITY_MPS2 / (2.0 * self.spring_Npm)


class HalfCar:
    """State of the half car, advanced by a semi-implicit Euler step.

    The stiffest mode (axle between tyre and stop, about 100 rad/s) is far below the inverse of the
    step of 0.25 ms that the demo uses, so the simple integrator is stable and accurate to a
    millimetre over a flight.

    Attributes:
        body_m: Height of the body's centre of gravity above its static height.
        body_mps: Vertical speed of the body.
        body_mps2: Vertical acceleration of the body in the last step.
        pitch_rad: Pitch, nose-down positive.
        pitch_radps: Pitch rate.
        axle_m: Height of the front and rear axle above their static heights, two values.
        axle_mps: Vertical speeds of the axles.
        compression_m: Compression of the suspension from static ride height, front and rear.
        load_N: Tyre force of front and rear axle in the last step, 0 in the air.
    """

    __slots__ = (
        "axle_m",
        "axle_mps",
        "body_m",
        "body_mps",
        "body_mps2",
        "compression_m",
        "load_N",
        "parameters",
        "pitch_rad",
        "pitch_radps",
    )

    def __init__(self, parameters: HalfCarParameters | None = None) -> None:
        """Put the car on level ground at rest."""
        self.parameters = parameters or HalfCarParameters()
        self.body_m = 0.0
        self.body_mps = 0.0
        self.body_mps2 = 0.0
        self.pitch_rad = 0.0
        self.pitch_radps = 0.0
        self.axle_m = (0.0, 0.0)
        self.axle_mps = (0.0, 0.0)
        self.compression_m = (0.0, 0.0)
        static_N = self.parameters.total_kg * GRAVITY_MPS2 / 2.0
        self.load_N = (static_N, static_N)

    @property
    def is_airborne(self) -> bool:
        """Whether no tyre touches the ground."""
        return self.load_N == (0.0, 0.0)

    def step(
        self,
        dt_s: float,
        ground_m: tuple[float, float],
        ground_mps: tuple[float, float],
        pitch_moment_Nm: float = 0.0,
    ) -> None:
        """Advance by one step.

        Args:
            dt_s: Step in seconds, at most 0.25 ms for the default parameters.
            ground_m: Height of the ground under the front and the rear axle.
            ground_mps: Speed at which that height changes under the moving car.
            pitch_moment_Nm: Moment on the body from drive, brakes and spinning wheels, nose-down
                positive.
        """
        p = self.parameters
        front_force_N, rear_force_N = self._suspension_N()
        front_load_N = self._tyre_N(0, ground_m[0], ground_mps[0])
        rear_load_N = self._tyre_N(1, ground_m[1], ground_mps[1])

        self.body_mps2 = (front_force_N + rear_force_N) / p.sprung_kg - GRAVITY_MPS2
        turn_Nm = p.rear_arm_m * rear_force_N - p.front_arm_m * front_force_N + pitch_moment_Nm
        front_mps, rear_mps = self.axle_mps
        front_mps += ((front_load_N - front_force_N) / p.unsprung_kg - GRAVITY_MPS2) * dt_s
        rear_mps += ((rear_load_N - rear_force_N) / p.unsprung_kg - GRAVITY_MPS2) * dt_s

        self.body_mps += self.body_mps2 * dt_s
        self.pitch_radps += turn_Nm / p.pitch_inertia_kgm2 * dt_s
        self.body_m += self.body_mps * dt_s
        self.pitch_rad += self.pitch_radps * dt_s
        front_m, rear_m = self.axle_m
        self.axle_mps = (front_mps, rear_mps)
        self.axle_m = (front_m + front_mps * dt_s, rear_m + rear_mps * dt_s)
        self.load_N = (front_load_N, rear_load_N)

    def _suspension_N(self) -> tuple[float, float]:
        """Return the force of front and rear suspension on the body, and note the compression."""
        p = self.parameters
        front_m = self.axle_m[0] - self.body_m + p.front_arm_m * self.pitch_rad
        rear_m = self.axle_m[1] - self.body_m - p.rear_arm_m * self.pitch_rad
        front_mps = self.axle_mps[0] - self.body_mps + p.front_arm_m * self.pitch_radps
        rear_mps = self.axle_mps[1] - self.body_mps - p.rear_arm_m * self.pitch_radps
        self.compression_m = (front_m, rear_m)
        return self._strut_N(front_m, front_mps), self._strut_N(rear_m, rear_mps)

    def _strut_N(self, compression_m: float, compression_mps: float) -> float:
        """Return the force of one axle's springs, dampers and stops on the body."""
        p = self.parameters
        damper_Nspm = p.bump_Nspm if compression_mps > 0.0 else p.rebound_Nspm
        force_N = (
            p.sprung_kg * GRAVITY_MPS2 / 2.0
            + p.spring_Npm * compression_m
            + damper_Nspm * compression_mps
        )
        if compression_m > p.bump_travel_m:
            push_N = p.stop_Npm * (compression_m - p.bump_travel_m) + p.stop_Nspm * compression_mps
            force_N += max(0.0, push_N)  # a stop pushes and never holds
        elif -compression_m > p.droop_travel_m:
            pull_N = (
                p.stop_Npm * (-compression_m - p.droop_travel_m) - p.stop_Nspm * compression_mps
            )
            force_N -= max(0.0, pull_N)
        return force_N

    def _tyre_N(self, axle: int, ground_m: float, ground_mps: float) -> float:
        """Return the force of the ground on one axle's tyres, 0 when they do not touch."""
        p = self.parameters
        static_m = p.total_kg * GRAVITY_MPS2 / (2.0 * p.tyre_Npm)
        force_N = p.tyre_Npm * (ground_m - self.axle_m[axle] + static_m) + p.tyre_Nspm * (
            ground_mps - self.axle_mps[axle]
        )
        return max(0.0, force_N)
