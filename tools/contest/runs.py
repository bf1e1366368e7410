"""The runs of the contest: jumps and rough ground, drawn by their seeds."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack_into
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr.ecu import Ecu, calibration_default, calibration_parameters
from d7xr.simulator.loop import Loop
from d7xr.simulator.scenario import from_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from d7xr.simulator.scenario import Scenario

FAULTS: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "none": (),
    "one damper stuck": (
        {"signal": "damper_travel_fl_mm", "kind": "stuck", "amount": 110.0, "from_s": 0.5},
    ),
    "dampers lost": ({"message": "damper_travel", "kind": "dropped", "amount": 1.0},),
    "dampers noisy, 3 mm": tuple(
        {"signal": f"damper_travel_{corner}_mm", "kind": "noisy", "amount": 3.0}
        for corner in ("fl", "fr", "rl", "rr")
    ),
    "wheels lost": ({"message": "wheel_speeds", "kind": "dropped", "amount": 1.0},),
    "noisy force, 2 m/s2": ({"signal": "specific_force_z_mps2", "kind": "noisy", "amount": 2.0},),
}
"""One sensor at a time."""

EVIDENCE: Final = (
    "sample_mps2[2]", "is_inertial_usable", "corners_out", "usable_corners",
    "is_any_compressing", "is_damper_usable", "is_wheel_usable",
    *(f"wheel[{i}].accel_radps2" for i in range(4)),
)  # fmt: skip
_PREFIX: Final = "flight_mode.evidence."
_STATE: Final = "flight_mode.state"
_AIR: Final = 2
_JUMP_S: Final = 7.0
ROUGH_S: Final = 60.0
_SHORTEST_M: Final = 60.0  # in which a crest finds room
_SURFACES: Final = ("gravel", "hard", "sand", "rock")


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as far as the contest looks at it.

    Attributes:
        evidence: The unit's evidence at every tick.
        is_air: Whether no tyre touched the ground, at every tick.
        unit: First tick of each flight that the unit believed, and the tick at which it no longer
            did.
    """

    evidence: Mapping[str, NDArray[np.float32]]
    is_air: NDArray[np.bool_]
    unit: tuple[tuple[int, int | None], ...]


def jump(seed: int, fault: str = "none") -> Scenario:
    """Draw a jump: a ramp with a lip, a gap or a slope behind it, a run-out."""
    draw = np.random.Generator(np.random.PCG64(seed))
    speed_kph = float(draw.uniform(40.0, 150.0))
    slope = float(draw.uniform(0.03, 0.16) * min(1.0, 90.0 / speed_kph))
    ramp_m = 6.0 + speed_kph / 6.0
    behind = float(draw.uniform(-0.14, 0.0))
    knots = ((2.0, 0.0), (2.0 + ramp_m, slope), (6.0 + ramp_m, slope), (6.05 + ramp_m, behind))
    end = ((6.05 + 2.5 * ramp_m, behind), (6.05 + 4.0 * ramp_m, 0.0))
    surface = str(draw.choice(_SURFACES))
    rough_m = float(draw.uniform(0.001, 0.01))
    style = str(draw.choice(("flat", "plan", "lift")))
    common = {"surface": surface, "rough_m": rough_m, "exit_kph": speed_kph}
    return from_table(
        _table(draw, seed, speed_kph, _JUMP_S, fault)
        | {
            "stretch": [
                common | {"name": "run-up", "length_m": 1.2 * speed_kph / 3.6},
                common
                | {"name": "jump", "length_m": 7.0 + 4.0 * ramp_m, "style": style}
                | {"knots": (*knots, *end)},
                common | {"name": "run-out", "length_m": 6.0 * speed_kph},
            ]
        },
        f"jump {seed}",
    )


def rough(seed: int, fault: str = "none") -> Scenario:
    """Draw a minute of rough ground: whoops, washboard, rocks, kerbs, crests, side slopes."""
    draw = np.random.Generator(np.random.PCG64(seed))
    speed_kph = float(draw.uniform(30.0, 90.0))
    stretches = []
    for number in range(12):
        kind = str(draw.choice(("whoops", "washboard", "rocks", "kerb", "crest", "side", "plain")))
        stretches.append(
            {
                "name": f"{kind} {number + 1}",
                "length_m": max(speed_kph / 3.6 * ROUGH_S / 10.0, _SHORTEST_M),
                "surface": str(draw.choice(_SURFACES)),
                "rough_m": float(draw.uniform(0.002, 0.02)),
                "exit_kph": speed_kph,
                **_shape(kind, draw),
            }
        )
    return from_table(
        _table(draw, seed, speed_kph, ROUGH_S, fault) | {"stretch": stretches}, f"rough {seed}"
    )


def _shape(kind: str, draw: np.random.Generator) -> dict[str, Any]:
    if kind == "whoops":
        height_m = float(draw.uniform(0.04, 0.20))
        return {"wave_m": float(draw.uniform(4.0, 8.0)), "wave_height_m": height_m}
    if kind == "washboard":
        height_m = float(draw.uniform(0.02, 0.09))
        return {"wave_m": float(draw.uniform(0.8, 1.6)), "wave_height_m": height_m}
    if kind == "rocks":
        height_m = float(draw.uniform(0.05, 0.2))
        return {"rock_m": 0.6, "rock_height_m": height_m, "rocks_per_m": 0.3}
    if kind == "kerb":
        return {"knots": ((10.0, 0.0), (10.1, float(draw.uniform(0.3, 0.9))), (10.3, 0.0))}
    if kind == "crest":
        slope = float(draw.uniform(0.03, 0.10))
        return {"knots": ((5.0, 0.0), (20.0, slope), (45.0, -slope), (55.0, 0.0))}
    if kind == "side":
        return {"knots": ((5.0, 0.0), (15.0, 0.03), (25.0, 0.0)), "gain": (1.0, 0.2)}
    return {}


def _table(
    draw: np.random.Generator, seed: int, speed_kph: float, lasts_s: float, fault: str
) -> dict[str, Any]:
    return {
        "story": "drawn",
        "lasts_s": lasts_s,
        "seed": seed,
        "start": {"speed_kph": speed_kph, "fuel_L": float(draw.uniform(20.0, 540.0))},
        "sensors": {
            "noise_ratio": float(draw.uniform(0.5, 2.0)),
            "turned_rad": tuple(map(float, draw.normal(0.0, 0.02, 3))),
            "lever_m": tuple(map(float, draw.uniform(-0.4, 0.4, 3))),
        },
        "sensor_fault": FAULTS[fault],
    }


def with_dwell(dwell_ms: int) -> bytes:
    """Return the built-in calibration with another dwell of a landing."""
    blob = bytearray(calibration_default())
    dwell = next(p for p in calibration_parameters() if p.name == "flight_mode.touchdown_dwell_ms")
    pack_into("<I", blob, dwell.offset, dwell_ms)
    return bytes(blob)


def run(scenario: Scenario, calibration: bytes | None = None) -> Run:
    """Drive a scenario in closed loop with the unit, and look at it tick by tick.

    Args:
        scenario: What to drive.
        calibration: The unit's set; None takes the built-in one.
    """
    blob = calibration_default() if calibration is None else calibration
    loop = Loop(scenario)
    loop.keep(every_ticks=1)
    drive = loop.drive(blob)
    assert drive.truth is not None
    names = [_PREFIX + name for name in EVIDENCE]
    told = Ecu(blob).run(
        drive.frames.frame, drive.frames.time_us // 1000, drive.ticks,
        record=(*names, _STATE), every_ticks=1,
    )  # fmt: skip
    evidence = {
        name: told.columns[_PREFIX + name].astype(np.float32)[: drive.ticks] for name in EVIDENCE
    }
    is_air = drive.truth.columns["is_airborne"][: drive.ticks] != 0
    return Run(evidence, is_air, _spans(told.columns[_STATE] == _AIR))


def _spans(is_set: NDArray[np.bool_]) -> tuple[tuple[int, int | None], ...]:
    """Return first tick and tick behind the last of each span; None where it was not over."""
    edge = np.diff(is_set.astype(np.int8), prepend=0, append=0)
    begins, ends = np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist()
    return tuple((b, e if e < is_set.size else None) for b, e in zip(begins, ends, strict=True))


def true_spans(is_air: NDArray[np.bool_]) -> tuple[tuple[int, int | None], ...]:
    """Return take-off and touchdown of each time without contact."""
    return _spans(is_air)
