"""Make the demo trace and the truth about it.

``python -m d7xr.demo.generate OUT_DIR`` writes ``demo.log.gz`` and ``demo_truth.json``. The same
seed gives the same files; on another processor a value may differ by one step of the bus, since
sine and hyperbolic tangent come from the mathematics library.
"""

import gzip
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from d7xr.database import Database
from d7xr.demo import TRACE_NAME, TRUTH_NAME, story, thermal
from d7xr.demo.drive import Airborne, Drive, drive
from d7xr.demo.noise import uniform
from d7xr.demo.sensors import MESSAGES, World, look
from d7xr.demo.terrain import Terrain
from d7xr.demo.truth import AirborneTruth, Stretch, Truth
from d7xr.demo.vehicle import GRAVITY_MPS2
from d7xr.errors import UsageError
from d7xr.frames import Frames
from d7xr.trace import candump

SEED = 1
PHASE_STEP_US = 250  # one message after the other; a frame takes at most 135 us at 1 Mbit/s
JITTER_US = 10  # exclusive; a node is at times a little late, never early
FLIGHT_MS = 150.0
HOP_MS = 10.0
_LANDING_MS = 300


def generate(seed: int = SEED) -> tuple[Frames, Truth]:
    """Drive the story once and return what the bus carries, with the truth.

    Args:
        seed: Seed of roughness, noise and jitter. The story is the same for every seed; air times
            differ by some milliseconds.

    Returns:
        Frames of all messages that the unit receives, the first at time 0, and the truth in the
        same time.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    terrain = Terrain.build(tuple(leg.ground for leg in story.LEGS), rng)
    driven = drive(terrain)
    world = look(driven, terrain, rng)
    frames = _send(world, rng)
    return frames, _truth(seed, frames, driven, world)


def _send(world: World, rng: np.random.Generator) -> Frames:
    """Sample every message in its cycle and put all on the bus in order of time."""
    database = Database.own()
    sent: list[Frames] = []
    for index, (name, sample) in enumerate(MESSAGES.items()):
        period_us = 1000 * (database.message(name).cycle_time_ms or 0)
        time_us = _send_times_us(index, period_us, rng)
        sent.append(database.encode_columns(name, time_us, sample(world, time_us)))
    time_us = np.concatenate([each.time_us for each in sent])
    frame = np.concatenate([each.frame for each in sent])
    order = np.argsort(time_us, kind="stable")
    return Frames(time_us[order], frame[order])


def _send_times_us(index: int, period_us: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the times of one message: its own phase in the cycle, and a little jitter."""
    phase_us = index * PHASE_STEP_US
    count = (round(story.DURATION_S * 1e6) - phase_us + period_us - 1) // period_us
    jitter_us = np.floor(uniform(rng, count) * JITTER_US).astype(np.int64)
    jitter_us[0] = 0  # the first frame of the trace is at 0, where the truth begins to count
    return np.asarray(phase_us + period_us * np.arange(count) + jitter_us, dtype=np.int64)


def _truth(seed: int, frames: Frames, driven: Drive, world: World) -> Truth:
    """Write down what is known about the drive."""
    long_us, short_us = 1000.0 * FLIGHT_MS, 1000.0 * HOP_MS
    spans = [(each, each.touchdown_us - each.take_off_us) for each in driven.airborne]
    return Truth(
        seed=seed,
        frames=len(frames),
        duration_us=int(frames.time_us[-1]),
        flights=tuple(_airborne(each, driven) for each, us in spans if us >= long_us),
        hops=tuple(_airborne(each, driven) for each, us in spans if short_us <= us < long_us),
        stretches=_stretches(driven),
        fan_start_us=world.heat.fan_start_us,
        coolant_max_degC=round(float(world.heat.coolant_in_degC.max()), 1),
        thermal_time_factor=thermal.TIME_FACTOR,
    )


def _airborne(span: Airborne, driven: Drive) -> AirborneTruth:
    leg = int(np.searchsorted(driven.leg_start_us, span.take_off_us, side="right")) - 1
    touchdown_ms = span.touchdown_us // 1000
    landing = driven.column["body_mps2"][touchdown_ms : touchdown_ms + _LANDING_MS]
    return AirborneTruth(
        name=_name(story.LEGS[leg]),
        take_off_us=span.take_off_us,
        touchdown_us=span.touchdown_us,
        air_time_ms=(span.touchdown_us - span.take_off_us) / 1000.0,
        speed_kph=round(span.speed_mps * 3.6, 1),
        landing_peak_g=round(float(landing.max()) / GRAVITY_MPS2 + 1.0, 2),
    )


def _stretches(driven: Drive) -> tuple[Stretch, ...]:
    """Return standstill and legs in order; consecutive legs of one name are one stretch."""
    pull_away_us = round(story.PULL_AWAY_S * 1e6)
    starts_us = [pull_away_us, *driven.leg_start_us[1:], round(story.DURATION_S * 1e6)]
    stretches = [Stretch("standstill", 0, pull_away_us)]
    for leg, (start_us, end_us) in zip(story.LEGS, pairwise(starts_us), strict=True):
        name = _name(leg)
        if stretches[-1].name == name:
            start_us = stretches.pop().start_us
        stretches.append(Stretch(name, start_us, end_us))
    return tuple(stretches)


def _name(leg: story.Leg) -> str:
    return leg.name.partition(":")[0]


def write(out: Path, seed: int = SEED) -> tuple[Path, Path]:
    """Generate and write trace and truth into a folder, which is made if need be.

    Returns:
        The two files. The gzip header carries no time, so the same trace gives the same file.
    """
    frames, truth = generate(seed)
    out.mkdir(parents=True, exist_ok=True)
    trace_path, truth_path = out / TRACE_NAME, out / TRUTH_NAME
    trace_path.write_bytes(gzip.compress(candump.text_of(frames), compresslevel=9, mtime=0))
    truth_path.write_text(truth.to_json(), encoding="utf-8", newline="\n")
    return trace_path, truth_path


def main(arguments: list[str]) -> int:
    """Write the two files into the folder that the command line names."""
    if len(arguments) != 1:
        raise UsageError(
            "need exactly one folder to write to", hint="python -m d7xr.demo.generate OUT_DIR"
        )
    write(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
