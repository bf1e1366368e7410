"""A small foreign car, and mappings of it."""

from pathlib import Path

from d7xr.database import Database
from d7xr.frames import Frames
from d7xr.mapping import MappedFrames, apply, load_mapping
from tests.database.bench import frames_of

CAR_DBC = b"""VERSION ""
BU_: X
BO_ 256 Wheels: 4 X
 SG_ Left : 0|16@1+ (0.01,0) [0|600] "km/h" X
 SG_ LeftOk : 16|2@1+ (1,0) [0|3] "" X
 SG_ Right : 31|8@0+ (1,0) [0|255] "rad/s" X
BO_ 257 Engine: 8 X
 SG_ Speed : 0|16@1+ (1,0) [0|8000] "rpm" X
 SG_ Temperature : 16|8@1+ (1,-40) [-40|215] "degC" X
BO_ 258 Gearbox: 1 X
 SG_ Position : 0|4@1+ (1,0) [0|15] "" X
"""
CAR = Database.parse(CAR_DBC, Path("car.dbc"))
WHEELS, ENGINE, GEARBOX = 256, 257, 258

LEFT = """
[signal."WheelSpeeds.WheelSpeedFL_radps"]
source = "Wheels.Left"
unit = "km/h"
scale = 0.868
"""


def mapped(
    folder: Path, body: str, rows: list[tuple[int, int, bytes]], head: str = 'name = "Car"'
) -> MappedFrames:
    """Apply a mapping to frames of (time in microseconds, identifier, payload) of the car."""
    return mapped_frames(folder, body, frames_of(rows), head)


def mapped_frames(
    folder: Path, body: str, frames: Frames, head: str = 'name = "Car"'
) -> MappedFrames:
    path = folder / "car.toml"
    path.write_text(f"{head}\n{body}")
    return apply(load_mapping(path), frames, CAR)


def wheels(left_raw: int, ok_raw: int = 3, right_raw: int = 0) -> bytes:
    return left_raw.to_bytes(2, "little") + bytes([ok_raw, right_raw])


def engine(speed_rpm: int, temperature_raw: int = 130) -> bytes:
    return speed_rpm.to_bytes(2, "little") + bytes([temperature_raw, 0, 0, 0, 0, 0])


def column(result: MappedFrames, name: str) -> list[tuple[int, float | None]]:
    """Return (millisecond, value or None if not available) of one of our signals."""
    message, signal = name.split(".")
    read = Database.own().decode_columns(result.frames, message)[signal]
    return [
        ((time_us - result.origin_us) // 1000, round(value, 6) if is_valid else None)
        for time_us, value, is_valid in zip(
            read.time_us.tolist(), read.values.tolist(), read.valid.tolist(), strict=True
        )
    ]
