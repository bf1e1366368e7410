"""The board's image runs free: its own timer, a client that this project did not write."""

import can
import numpy as np
from can.interfaces.slcan import slcanBus

from d7xr.frames import Frames
from d7xr.target.board_emulator import BoardEmulator
from d7xr.target.serial import SerialTarget

TORQUE_COMMAND = 0x090
FLIGHT_STATUS = 0x0D0
TORQUE_FRAMES = 600
"""Three seconds of the unit's own time."""

PERIOD_MS = 5
COUNTER_STEPS = 16
MISSING_BIT, MISSING_BITS = 30, 0b1111
"""InertialMissing to SpeedMissing in FlightStatus."""

FEWEST_KINDS = 6
WAIT_S = 20.0
"""Longer than anything takes; a test that waits so long has failed."""


def greeted(port: str) -> slcanBus:
    """Open a port as a user of python-can does, and wait until somebody answers."""
    bus = slcanBus(channel=port, bitrate=1_000_000, sleep_after_open=0)
    bus.close()
    for _ in range(100):
        if bus.get_version(0.1) != (None, None):
            bus.open()
            return bus
    raise AssertionError("nobody answered")


def test_a_running_unit_loses_no_frame_in_either_direction(
    board: BoardEmulator, demo: Frames
) -> None:
    bus = greeted(board.port)
    counters: list[int] = []
    missing: list[int] = []
    kinds: set[int] = set()
    fed = 0
    try:
        # When the demo is fed as the unit's own frames tell its time, for three seconds
        while len(counters) < TORQUE_FRAMES:
            message = bus.recv(WAIT_S)
            assert message is not None, f"silent after {len(counters)} frames"
            kinds.add(message.arbitration_id)
            if message.arbitration_id == FLIGHT_STATUS:
                missing.append(int.from_bytes(message.data, "little") >> MISSING_BIT & MISSING_BITS)
            elif message.arbitration_id == TORQUE_COMMAND:
                counters.append(message.data[6] >> 4)
                due = int(np.searchsorted(demo.tick, len(counters) * PERIOD_MS))
                for row in demo.frame[fed:due]:
                    bus.send(message_of(row))
                fed = due
    finally:
        bus.shutdown()

    # Then the unit's counters have no gap: not one of its frames was lost
    steps = np.diff(np.array(counters)) % COUNTER_STEPS
    assert np.flatnonzero(steps != 1).tolist() == []
    assert len(kinds) >= FEWEST_KINDS
    # And it has all its evidence, most of the time: a host that is late makes its inputs old
    assert fed > TORQUE_FRAMES
    assert missing.count(0) > len(missing) / 2
    # And nothing was dropped on the way to it, nor time lost
    with SerialTarget(board.port) as unit:
        lost = {**unit.counters(), **unit.report.trouble()}
    assert not any(lost.values()), lost


def message_of(row: np.void) -> can.Message:
    """Return a frame as python-can has it."""
    data = row["data"][: row["length"]].tobytes()
    return can.Message(arbitration_id=int(row["id"]), data=data, is_extended_id=False)
