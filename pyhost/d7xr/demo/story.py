"""What happens in the demo drive: the legs, how fast and in which gear they are driven."""

from dataclasses import dataclass

from d7xr.demo.terrain import Ground, Waves

DURATION_S = 88.0
CRANK_S = 0.9  # the starter turns
RUNNING_S = 1.7  # the engine runs by itself
DRIVE_S = 2.6  # the driver selects drive
PULL_AWAY_S = 3.2
LEAD_IN_M = 4.0  # the car stands this far from the start of the ground
CRANKING_RPM = 220.0
AMBIENT_DEGC = 45.0
AMBIENT_KPA = 97.0
TAIL_WIND_MPS = 9.5  # on the climb: the air that a radiator misses is what makes climbs hot


@dataclass(frozen=True, slots=True)
class Leg:
    """One piece of the drive.

    Attributes:
        name: What it is; legs that are part of one stretch share the name before the colon.
        ground: The ground under it.
        exit_mps: Target speed at its end; between the legs v^2 changes evenly with distance.
        gear: Gear, shifted to where the leg begins.
        is_full_throttle: Whether the driver keeps the pedal down, in the air too.
        rolling_ratio: Rolling resistance over weight: about 0.04 on gravel, 0.3 in deep sand.
    """

    name: str
    ground: Ground
    exit_mps: float
    gear: int
    is_full_throttle: bool = False
    rolling_ratio: float = 0.05


def kph(value: float) -> float:
    """Return a speed given in km/h in m/s."""
    return value / 3.6


def _plain(length_m: float, roughness_ratio: float = 1.0) -> Ground:
    return Ground(length_m, roughness_ratio=roughness_ratio)


LEGS: tuple[Leg, ...] = (
    Leg("start", _plain(60.0), kph(50), 2, rolling_ratio=0.08),
    # Heights from trough to crest: amplitudes of 9.5 cm, and of 4.5 cm on the washboard.
    Leg("whoops", Ground(50.0, waves=Waves(5.0, 0.19), roughness_ratio=0.3), kph(50), 3),
    Leg("sand", _plain(45.0), kph(68), 3, rolling_ratio=0.12),
    Leg("washboard", Ground(60.0, waves=Waves(1.25, 0.09, 4.0), roughness_ratio=0.5), kph(68), 3),
    Leg("gravel", _plain(60.0), kph(62), 3),
    # A kicker, a trough, and a bank to land on.
    Leg(
        "ramp",
        Ground(
            62.0,
            (
                (4.0, 0.0),
                (10.0, 0.113),
                (12.0, 0.113),
                (12.0, -0.02),
                (15.5, -0.02),
                (16.5, 0.042),
                (20.0, 0.042),
                (60.0, 0.0),
            ),
            roughness_ratio=0.3,
        ),
        kph(66),
        3,
        is_full_throttle=True,
    ),
    Leg("track", _plain(89.0), kph(90), 4),
    # A kicker, a table, and a slope down behind it.
    Leg(
        "table-top",
        Ground(
            60.0,
            (
                (4.0, 0.0),
                (12.0, 0.0765),
                (16.0, 0.0765),
                (16.0, 0.0),
                (22.0, 0.0),
                (24.0, -0.07),
                (34.0, -0.07),
                (50.0, 0.0),
            ),
            roughness_ratio=0.3,
        ),
        kph(96),
        4,
        is_full_throttle=True,
    ),
    Leg("piste", _plain(190.0, 0.8), kph(118), 5),
    # An edge, and the ground falls away; the run-out begins where the car has landed.
    Leg(
        "edge",
        Ground(
            98.0,
            (
                (6.0, 0.0),
                (20.0, 0.055),
                (26.0, 0.055),
                (26.0, -0.05),
                (50.0, -0.15),
                (72.0, -0.15),
                (88.0, 0.0),
            ),
            roughness_ratio=0.3,
        ),
        kph(122),
        5,
        is_full_throttle=True,
    ),
    Leg("braking:5th", _plain(70.0, 0.6), kph(95), 5),
    Leg("braking:4th", _plain(60.0, 0.8), kph(62), 4),
    Leg("braking:3rd", _plain(22.0), kph(52), 3),
    # Soft sand uphill: the pedal is almost down for 50 km/h, the tail wind takes the ram air.
    Leg(
        "climb",
        Ground(640.0, ((0.0, 0.0), (40.0, 0.22)), roughness_ratio=1.5),
        kph(50),
        3,
        rolling_ratio=0.24,
    ),
)
"""The drive, leg by leg."""
