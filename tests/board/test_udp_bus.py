"""A bus in real time: a unit in a process of its own, on python-can's multicast bus."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from d7xr.frames import Frames
from d7xr.target.can_bus import FreeCan
from d7xr.target.free_running import run_free
from tests.recordings import REPOSITORY

GROUP = "239.74.163.2"
SECONDS = 3.0


@pytest.fixture
def unit() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A unit on a bus that does not leave this machine, and the name of the bus."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((GROUP, 9))
    except OSError as error:
        pytest.skip(f"this machine has no route for multicast: {error.strerror}")
    name = f"can:udp_multicast:{GROUP}?port={43_000 + os.getpid() % 2_000}&hop_limit=0"
    command = [sys.executable, "-m", "tests.board.udp_unit", name]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        yield name, process
        process.kill()


def test_a_trace_in_real_time_over_a_bus_loses_no_frame_in_either_direction(
    unit: tuple[str, subprocess.Popen[str]], demo: Frames
) -> None:
    name, process = unit

    with FreeCan(name) as link:
        done = run_free(link, demo, SECONDS)
    told, _ = process.communicate()

    assert done.is_whole
    assert int(told) == done.fed > 1000
    assert done.heard["TorqueCommand"] > SECONDS * 150, "200 a second, less what it is behind by"
    assert set(done.heard) <= {
        "TorqueCommand", "FlightStatus", "CoolingCommand", "FaultStatus", "IntakeStatus",
        "FuelStatus", "HeatStatus", "ImpactStatus", "Identity",
    }, "the host does not hear itself"  # fmt: skip
