"""The same frames give the same bytes: run after run, fork after fork."""

import numpy as np
import pytest
from numpy.typing import NDArray

from d7xr.ecu import Ecu
from tests.determinism.builds import Drive, garbage, rich_drive


def part(drive: Drive, first: int, last: int) -> Drive:
    inside = (drive.tick >= first) & (drive.tick < last)
    return Drive(drive.frame[inside], drive.tick[inside] - first, last - first)


def run(ecu: Ecu, drive: Drive) -> None:
    ecu.run(drive.frame, drive.tick, drive.ticks)


@pytest.mark.parametrize("drive", [rich_drive(), garbage()], ids=["rich", "garbage"])
def test_two_runs_are_equal_at_every_tick_and_in_every_byte(drive: Drive) -> None:
    a, b = Ecu(), Ecu()

    first = a.run(drive.frame, drive.tick, drive.ticks, with_digests=True)
    second = b.run(drive.frame, drive.tick, drive.ticks, with_digests=True)

    assert first.digest is not None
    assert second.digest is not None
    assert (first.digest == second.digest).all()
    assert first.run_digest == second.run_digest
    assert (first.sent == second.sent).all()
    assert a.snapshot() == b.snapshot()


def test_the_drive_shows_what_the_unit_does() -> None:
    """Otherwise equal digests would prove little."""
    drive = rich_drive()
    driven = Ecu().run(drive.frame, drive.tick, drive.ticks, every_ticks=1, record=[
        "flight_mode.state", "flight_mode.flight_count", "torque.reason", "cooling.state",
        "cooling.fans.failed_mask", "fault.count", "flight_mode.is_rough",
    ]).columns  # fmt: skip

    assert set(driven["flight_mode.state"].tolist()) == {0, 1, 2, 3, 4}
    assert driven["flight_mode.flight_count"][-1] >= 3
    assert len(set(driven["torque.reason"].tolist())) >= 10
    assert set(driven["cooling.state"].tolist()) >= {1, 2, 4, 5}
    assert driven["cooling.fans.failed_mask"].max() > 0
    assert driven["fault.count"].max() >= 2


@pytest.mark.parametrize("split", [1, 4097, 12_345, 31_000, 59_999])
def test_a_run_in_two_stretches_is_the_run_in_one(split: int) -> None:
    drive = rich_drive()
    whole, halves = Ecu(), Ecu()

    run(whole, drive)
    run(halves, part(drive, 0, split))
    run(halves, part(drive, split, drive.ticks))

    assert whole.snapshot() == halves.snapshot()
    assert whole.run_digest == halves.run_digest


@pytest.mark.parametrize("split", [777, 12_345, 31_500])
def test_a_fork_goes_on_as_the_original_would(split: int) -> None:
    drive = rich_drive()
    ecu = Ecu()
    run(ecu, part(drive, 0, split))
    fork = ecu.fork()

    run(ecu, part(drive, split, drive.ticks))
    run(fork, part(drive, split, drive.ticks))

    assert fork.snapshot() == ecu.snapshot()
    assert fork.run_digest == ecu.run_digest


def test_a_fork_leaves_the_original_alone() -> None:
    drive = rich_drive()
    ecu = Ecu()
    run(ecu, part(drive, 0, 5000))
    before = ecu.snapshot()

    run(ecu.fork(), part(drive, 5000, 9000))

    assert ecu.snapshot() == before


@pytest.mark.parametrize("split", [777, 12_345, 31_500])
def test_a_snapshot_brings_everything_back(split: int) -> None:
    drive = rich_drive()
    ecu = Ecu()
    run(ecu, part(drive, 0, split))
    snapshot = ecu.snapshot()
    first = ecu.run(*_arguments(part(drive, split, 40_000)), with_digests=True)

    other = Ecu()
    other.restore(snapshot)
    second = other.run(*_arguments(part(drive, split, 40_000)), with_digests=True)

    assert first.digest is not None
    assert second.digest is not None
    assert (first.digest == second.digest).all()
    assert other.snapshot() == ecu.snapshot()


def _arguments(drive: Drive) -> tuple[NDArray[np.void], NDArray[np.int64], int]:
    return drive.frame, drive.tick, drive.ticks


def test_one_by_one_is_the_same_as_in_one_stretch() -> None:
    drive = part(rich_drive(), 0, 3000)
    batch, single = Ecu(), Ecu()
    batch.run(drive.frame, drive.tick, drive.ticks)

    at = 0
    for tick in range(drive.ticks):
        while at < len(drive.tick) and drive.tick[at] <= tick:
            single.receive(int(drive.frame["id"][at]), drive.frame["data"][at].tobytes())
            at += 1
        single.tick()
        single.transmit()

    assert single.snapshot() == batch.snapshot()


def test_one_changed_bit_of_the_input_changes_the_digest() -> None:
    drive = part(rich_drive(), 0, 2000)
    changed = drive.frame.copy()
    fuel = np.flatnonzero(changed["id"] == 280)[3]
    changed["data"][fuel, 0] ^= 1

    same = Drive(drive.frame, drive.tick, drive.ticks).digests()
    other = Drive(changed, drive.tick, drive.ticks).digests()

    assert (same != other).any()


def test_nothing_depends_on_the_number_of_the_tick() -> None:
    """Start close to the wrap of the counter: the same decisions, tick by tick."""
    drive = part(rich_drive(), 0, 8000)
    young, old = Ecu(), Ecu()
    field = next(f for f in Ecu.fields() if f.name == "tick_count")
    state = bytearray(old.snapshot())
    state[field.offset : field.offset + 4] = np.uint32(2**32 - 3000).tobytes()
    old.restore(bytes(state))

    a = young.run(drive.frame, drive.tick, drive.ticks)
    b = old.run(drive.frame, drive.tick, drive.ticks)

    assert (a.sent == b.sent).all()
    assert old["tick_count"] == 5000
