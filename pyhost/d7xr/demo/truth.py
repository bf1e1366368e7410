"""What the generator knows about its trace and no unit can: the yardstick for a replay."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

SCHEMA = "d7xr.demo_truth"
VERSION = 1


@dataclass(frozen=True, slots=True)
class AirborneTruth:
    """A time in which no tyre touched the ground.

    Attributes:
        name: Leg of the drive in which it began.
        take_off_us: First instant without contact, from the first frame of the trace.
        touchdown_us: First instant with contact again.
        air_time_ms: Time between.
        speed_kph: Speed over ground at take-off.
        landing_peak_g: Largest vertical specific force at the body within 0.3 s of touchdown.
    """

    name: str
    take_off_us: int
    touchdown_us: int
    air_time_ms: float
    speed_kph: float
    landing_peak_g: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """A named part of the drive, in microseconds from the first frame."""

    name: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The demo drive as it was.

    Attributes:
        seed: Seed that the trace was made with.
        frames: Number of frames.
        duration_us: Time from the first frame to the last.
        flights: Times without contact of at least 150 ms, in order.
        hops: Shorter ones of at least 10 ms, no flights: the whoops make them.
        stretches: The parts of the drive, in order; they overlap nowhere.
        fan_start_us: When fan 1, 2, 3, 4 starts in the feedback.
        coolant_max_degC: Hottest coolant at the radiator inlet.
        thermal_time_factor: How much faster than in a real car everything thermal runs.
    """

    seed: int
    frames: int
    duration_us: int
    flights: tuple[AirborneTruth, ...]
    hops: tuple[AirborneTruth, ...]
    stretches: tuple[Stretch, ...]
    fan_start_us: tuple[int, ...]
    coolant_max_degC: float
    thermal_time_factor: float

    def stretch(self, name: str) -> Stretch:
        """Return the part of that name.

        Raises:
            KeyError: There is none.
        """
        for stretch in self.stretches:
            if stretch.name == name:
                return stretch
        raise KeyError(f"no stretch {name!r}; there are {[each.name for each in self.stretches]}")

    def to_json(self) -> str:
        """Return the text of ``demo_truth.json``; the same truth gives the same text."""
        content: dict[str, Any] = {"schema": SCHEMA, "version": VERSION, **asdict(self)}
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the text that `to_json` made.

        Raises:
            ValueError: It is something else.
        """
        content = json.loads(text)
        found = content.pop("schema", None), content.pop("version", None)
        if found != (SCHEMA, VERSION):
            raise ValueError(f"need {SCHEMA} version {VERSION}, this is {found}")
        for name in ("flights", "hops"):
            content[name] = tuple(AirborneTruth(**each) for each in content[name])
        content["stretches"] = tuple(Stretch(**each) for each in content["stretches"])
        content["fan_start_us"] = tuple(content["fan_start_us"])
        if set(content) != {field.name for field in fields(cls)}:
            raise ValueError(f"unexpected fields: {sorted(content)}")
        return cls(**content)


def read_truth(path: Path) -> Truth:
    """Read a ``demo_truth.json``."""
    return Truth.from_json(path.read_text(encoding="utf-8"))
