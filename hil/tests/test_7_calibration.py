"""Another calibration set: kept and in use, refused with its reason, whole after a power cut.

Each test leaves the built-in set behind, with which every session begins.
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

import pytest

from d7xr.ecu import Ecu, calibration_default, calibration_hash, calibration_parameters
from d7xr.errors import ConfigError, LinkError, RigError
from d7xr.hil.identity import expected, handshake
from d7xr.hil.replaying import cut
from d7xr.target.serial import SerialTarget
from d7xr.target.upload import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from d7xr.frames import Frames
    from d7xr.hil.machines import Machine

pytestmark = [pytest.mark.hil, pytest.mark.needs("serial", "free_running")]

TICKS = 200
CHANGED = "flight_mode.air_dwell_ms"


def with_dwell(ms: int) -> bytes:
    """Return the built-in set with one number changed."""
    number = next(p for p in calibration_parameters() if p.name == CHANGED)
    blob = bytearray(calibration_default())
    struct.pack_into("<I", blob, number.offset, ms)
    return bytes(blob)


OTHER = with_dwell(100)


@contextlib.contextmanager
def opened(rig: Machine) -> Iterator[SerialTarget]:
    """Open the unit's port."""
    with rig.target() as unit:
        assert isinstance(unit, SerialTarget)
        yield unit


@pytest.fixture(autouse=True)
def _the_built_in_set_again(rig: Machine) -> Iterator[None]:
    yield
    with opened(rig) as unit:
        if unit.report.identity["calibration_id"] != calibration_hash(calibration_default()):
            load(unit, calibration_default())


def test_a_set_is_kept_and_the_unit_decides_by_it(rig: Machine, drive: Frames) -> None:
    with opened(rig) as unit:
        load(unit, OTHER)

    # Given a unit that was given another set, when it is opened again
    stretch = cut(drive, 0, TICKS)
    with opened(rig) as unit:
        unit.start(OTHER)
        found = unit.run(stretch.frame, stretch.tick, TICKS).digest

    # Then it does what a unit with that set does on the desk
    wanted = Ecu(OTHER).run(stretch.frame, stretch.tick, TICKS, with_digests=True).digest
    assert wanted is not None
    assert found.tolist() == wanted.tolist()


def test_a_set_that_breaks_a_range_is_refused_by_the_unit_itself(rig: Machine) -> None:
    with opened(rig) as unit, pytest.raises(ConfigError, match=CHANGED):
        load(unit, with_dwell(100_000))

    assert handshake(rig).calibration_id == expected().calibration_id


class Starved:
    """A link whose unit loses its supply at a chosen frame."""

    def __init__(self, unit: SerialTarget, rig: Machine, at_frame: int) -> None:
        self.name = unit.name
        self.run_free, self.pack, self.hear, self.losses = (
            unit.run_free, unit.pack, unit.hear, unit.losses,
        )  # fmt: skip
        self._unit, self._rig, self._left = unit, rig, at_frame

    def send(self, packed: Sequence[bytes]) -> None:
        """Send, and let the supply go behind the frame that is meant."""
        self._unit.send(packed)
        self._left -= 1
        if self._left == 0:
            self._rig.power(is_on=False)


@pytest.mark.needs("power")
@pytest.mark.parametrize("frames_before_its_end", [100, 1, 0])
def test_a_supply_that_fails_while_a_set_is_given_leaves_the_old_or_the_new_one(
    rig: Machine, frames_before_its_end: int
) -> None:
    frames = 2 + len(OTHER) // 4
    with contextlib.suppress(LinkError, RigError), opened(rig) as unit:
        load(Starved(unit, rig, frames - frames_before_its_end), OTHER)
    rig.power(is_on=True)

    with opened(rig) as unit:
        told = unit.report.identity["calibration_id"]

    assert told in {calibration_hash(OTHER), calibration_hash(calibration_default())}
    assert frames_before_its_end == 0 or told == calibration_hash(calibration_default())
