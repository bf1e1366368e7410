"""Who answers: the identity that the unit itself sends, against that of this host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr.errors import RigError
from d7xr.frames import FRAME_DTYPE, Frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from d7xr.hil.machines import Machine
    from d7xr.target import Target

MESSAGE: Final = "Identity"
_TICKS_MAX: Final = 1100
"""The unit tells its identity once a second."""

_STRETCH_TICKS: Final = 100
_DIGITS: Final = {"BuildId": 6, "CalibrationId": 6, "LayoutHash": 4}
"""Hexadecimal digits of each number on the bus; the host's are longer, the bus has the low ones."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers, as hexadecimal digits as they stand on the bus.

    Attributes:
        build_id: Hash of the firmware's sources, 6 digits.
        calibration_id: Hash of the set in use, 6 digits.
        layout_hash: Hash of state and bus layout, 4 digits.
        board_id: The unit's own number; empty where the target has none.
    """

    build_id: str
    calibration_id: str
    layout_hash: str
    board_id: str = ""

    def properties(self) -> dict[str, str]:
        """Return what belongs into every record of a test."""
        told = {"build_id": self.build_id, "layout_hash": self.layout_hash}
        told |= {"calibration_id": self.calibration_id}
        return told | ({"board_id": self.board_id} if self.board_id else {})


def handshake(machine: Machine) -> Identity:
    """Ask a machine who it is, and refuse one that is not what this host was built with.

    The unit is started, run without frames until it tells its identity, and left. Whoever speaks
    for it cannot answer in its place.

    Raises:
        RigError: Another build, another layout, another board, or no answer at all.
        LinkError: The link broke.
    """
    from d7xr.ecu import calibration_default

    with machine.target() as target:
        target.start(calibration_default())
        told = _told(target, machine.name)
        board_id = str(getattr(target, "board_id", None) or "")
    found = Identity(told["BuildId"], told["CalibrationId"], told["LayoutHash"], board_id)
    check(found, machine)
    return found


def check(found: Identity, machine: Machine) -> None:
    """Refuse a unit that is not of this build, or not the board that the rig file means.

    Raises:
        RigError: With both identities and the command that repairs it.
    """
    ours = expected()
    if (found.build_id, found.layout_hash) != (ours.build_id, ours.layout_hash):
        has_probe = "flash" in machine.capabilities
        raise RigError(
            f"{machine.name} runs build {found.build_id}, layout {found.layout_hash}; this host is "
            f"build {ours.build_id}, layout {ours.layout_hash}",
            hint="build both from one tree: make setup firmware"
            + (f", then d7xr flash --board {machine.name}" if has_probe else ""),
        )
    wanted = machine.board.board_id if machine.board is not None else None
    if wanted is not None and found.board_id.lower() != wanted.lower():
        raise RigError(
            f"{machine.name}: board {found.board_id or 'without a number'} answers, the rig file "
            f"means {wanted}",
            hint="another board is plugged in there: swap the cables or correct board_id",
        )


def expected() -> Identity:
    """Return what a unit of this build tells of itself with the built-in calibration."""
    from d7xr.ecu import core_identity

    ours: Mapping[str, str] = core_identity()
    return Identity(
        ours["build_id"][-_DIGITS["BuildId"] :],
        ours["calibration_id"][-_DIGITS["CalibrationId"] :],
        ours["layout_hash"][-_DIGITS["LayoutHash"] :],
    )


def _told(target: Target, name: str) -> dict[str, str]:
    from d7xr.database import Database

    own = Database.own()
    frame_id = own.message(MESSAGE).frame_id
    for _ in range(0, _TICKS_MAX, _STRETCH_TICKS):
        answer = target.run(np.zeros(0, FRAME_DTYPE), np.zeros(0, np.int64), _STRETCH_TICKS)
        mine = answer.sent[answer.sent["id"] == frame_id][:1]
        if len(mine):
            columns = own.raw_columns(Frames(np.zeros(1, np.int64), mine), MESSAGE)
            return {
                signal: f"{int(columns[signal].raw[0]):0{digits}x}"
                for signal, digits in _DIGITS.items()
            }
    raise RigError(
        f"{name} ticks but did not tell its identity within {_TICKS_MAX} ticks",
        hint="its firmware is older than this host: build and flash it again",
    )
