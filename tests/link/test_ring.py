"""Bytes on their way between an interrupt and the loop."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import toolchain
from tests.gates.checks.flags import read_flags
from tests.link.bench import FIRMWARE, LINK, LinkBench

THREADS = Path(__file__).with_name("ring_threads.c")
RING = LINK / "ring.h"
RACE = "WARNING: ThreadSanitizer: data race"


def run_threads(folder: Path, ring: str) -> subprocess.CompletedProcess[str]:
    """Let two threads share a ring under the thread sanitizer.

    Args:
        folder: Where to build.
        ring: Text of ``ring.h``.
    """
    compiler = toolchain.clang()
    (folder / "ring.h").write_text(ring)
    flags = read_flags(FIRMWARE / "flags.mk")["D7XR_CFLAGS"]
    program = folder / "threads"
    done = subprocess.run(
        [compiler, *flags, "-O1", "-g", "-fsanitize=thread", "-iquote", str(folder),
         str(THREADS), "-o", str(program)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first_only = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1"}
    return subprocess.run([program], env=first_only, capture_output=True, text=True, check=False)


def test_what_goes_in_comes_out_in_order_however_the_indices_wrap(bench: LinkBench) -> None:
    # Given a channel that echoes nothing, the answers to V pass through both rings many times over
    answers = b"".join(bench.talk(b"V\rN\r") for _ in range(1000))

    assert answers == b"V1013\rND7A2\r" * 1000


def test_a_full_ring_keeps_what_waits_and_counts_what_it_drops(bench: LinkBench) -> None:
    taken = bench.receive(b"V\r" * 2048 + b"N\r" * 5)

    assert taken == 4096
    assert bench.state.lost_from_host_bytes == 10
    bench.pump()
    assert bench.send().startswith(b"V1013\rV1013\r")


def test_two_threads_share_a_ring_without_a_race_and_without_a_loss(tmp_path: Path) -> None:
    done = run_threads(tmp_path, RING.read_text())

    assert RACE not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["bytes", "50000", "wrong", "0", "dropped", "0"]


@pytest.mark.parametrize("order", ["memory_order_release", "memory_order_acquire"])
def test_canary_a_ring_without_its_memory_order_is_a_race(tmp_path: Path, order: str) -> None:
    done = run_threads(tmp_path, RING.read_text().replace(order, "memory_order_relaxed"))

    assert RACE in done.stderr
