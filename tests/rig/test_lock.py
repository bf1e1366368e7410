"""One holder per board: the second one is told who the first is, and nobody blocks it by dying."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from d7xr.errors import EnvironmentFault, RigError
from d7xr.hil.lock import BoardLock, Holder

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

HOLD = """
import sys
from pathlib import Path
from d7xr.hil.lock import BoardLock
with BoardLock("uid-1", name="bench1", folder=Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def lock(folder: Path, key: str = "uid-1") -> BoardLock:
    return BoardLock(key, name="bench1", folder=folder, clock=lambda: NOON)


def holder(folder: Path) -> subprocess.Popen[str]:
    """Start a process that holds the board until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_the_second_holder_is_told_who_has_the_board(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with pytest.raises(RigError) as told:
            lock(tmp_path).__enter__()
    finally:
        end(process)

    assert told.value.message.startswith("board bench1 is in use: ")
    assert f"process {process.pid} on {socket.gethostname()}, since 20" in told.value.message
    assert f"end process {process.pid}" in str(told.value.hint)
    assert told.value.exit_code == 3


def test_two_in_one_process_are_two(tmp_path: Path) -> None:
    with lock(tmp_path), pytest.raises(RigError, match="in use"):
        lock(tmp_path).__enter__()


def test_another_board_is_free(tmp_path: Path) -> None:
    with lock(tmp_path), lock(tmp_path, "uid-2") as other:
        assert other.stale is None


def test_a_board_that_was_given_back_is_free_and_leaves_no_record(tmp_path: Path) -> None:
    with lock(tmp_path) as first:
        assert b'"since_utc": "2026-11-22T12:00:00+00:00"' in first.path.read_bytes()
    assert first.path.read_bytes() == b""

    with lock(tmp_path) as second:
        assert second.stale is None


def test_pain_24_a_holder_that_was_killed_blocks_nobody_and_is_named(tmp_path: Path) -> None:
    process = holder(tmp_path)
    end(process)

    with lock(tmp_path) as taken:
        assert taken.stale is not None
        assert taken.stale.pid == process.pid


def test_the_right_is_given_back_when_the_block_breaks(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock(tmp_path):
        _ = 1 // 0

    with lock(tmp_path):
        pass


@pytest.mark.parametrize("left", [b"", b"half a rec", b'{"pid": "x"}', b"\xff\x00"])
def test_a_record_that_is_none_blocks_nobody(tmp_path: Path, left: bytes) -> None:
    path = lock(tmp_path).path
    path.write_bytes(left)

    with lock(tmp_path) as taken:
        assert taken.stale is None


def test_a_holder_lives_or_does_not() -> None:
    here = socket.gethostname()

    assert Holder(os.getpid(), "ann", here, "").is_alive
    assert Holder(2**22 + 1, "ann", "another machine", "").is_alive
    assert not Holder(2**22 + 1, "ann", here, "").is_alive


def test_a_folder_that_cannot_be_is_a_fault_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EnvironmentFault, match="cannot make the lock file"):
        lock(tmp_path / "file").__enter__()


def test_every_user_may_lock_what_one_made(tmp_path: Path) -> None:
    with lock(tmp_path) as made:
        assert made.path.stat().st_mode & 0o777 == 0o666
