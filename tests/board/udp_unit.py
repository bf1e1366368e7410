"""A unit that lives in real time on a multicast bus: ``python -m tests.board.udp_unit NAME``.

It ticks once a millisecond by an absolute schedule, and late ticks are made up for. It prints a
line when it is there, and at the end of its standard input how many frames it was told.
"""

import select
import sys
import time

import can

from d7xr.database import Database
from d7xr.ecu import Ecu
from d7xr.replay import heard
from d7xr.target.can_bus import BusName

TICK_S = 0.001


def main(name: str) -> None:
    """Live until standard input ends."""
    where = BusName.read(name)
    own = Database.own()
    known = {own.message(message).frame_id for message in heard(own)}
    ecu = Ecu()
    told = 0
    with can.Bus(interface=where.interface, channel=where.channel, ignore_config=True,
                 **where.options) as bus:  # fmt: skip
        sys.stdout.write("here\n")
        sys.stdout.flush()
        due_s = time.monotonic()
        while not select.select([sys.stdin], [], [], 0.0)[0]:
            due_s += TICK_S
            while (message := bus.recv(max(due_s - time.monotonic(), 0.0))) is not None:
                if message.arbitration_id in known:
                    ecu.receive(message.arbitration_id, bytes(message.data))
                    told += 1
            ecu.tick()
            for number, data in ecu.transmit():
                bus.send(can.Message(arbitration_id=number, data=data, is_extended_id=False))
    sys.stdout.write(f"{told}\n")


if __name__ == "__main__":
    main(sys.argv[1])
