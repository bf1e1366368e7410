"""One holder per board: a lock file with a record of who holds it, freed when its holder ends.

The lock is the kernel's, on the open file, so a process that dies frees it whatever its end. The
record is for people. A record whose process is gone is stale, and the next holder writes over it.
"""

from __future__ import annotations

import errno
import fcntl
import getpass
import json
import os
import re
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec

from d7xr.errors import EnvironmentFault, RigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_SYSTEM_LOCKS: Final = Path("/run/lock")


class Holder(msgspec.Struct, frozen=True):
    """Who holds a board."""

    pid: int
    user: str
    host: str
    since_utc: str

    @property
    def is_alive(self) -> bool:
        """Whether the process lives; one of another machine is taken to."""
        if self.host != socket.gethostname():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def __str__(self) -> str:
        """Return the record in one line."""
        return f"{self.user}, process {self.pid} on {self.host}, since {self.since_utc}"


class BoardLock:
    """The right to use a board, for the length of a with block.

    Args:
        key: What tells the board from every other.
        name: What people call it.
        folder: Where locks lie; None takes the folder that all users of this machine share.
        clock: The time of day.

    Attributes:
        stale: The dead holder whose record was found, or None.

    Raises:
        RigError: Somebody else holds it; the message says who and since when.
        EnvironmentFault: The lock file cannot be made.
    """

    def __init__(
        self, key: str, *, name: str = "", folder: Path | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        """Remember what to lock; nothing is locked yet."""
        safe = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")
        self.path = (folder or lock_folder()) / f"d7xr-board-{safe}.lock"
        self.stale: Holder | None = None
        self._name = name or key
        self._clock = clock
        self._file: int | None = None

    def __enter__(self) -> Self:
        """Take the board or say who has it; nobody waits here."""
        handle = self._open()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(handle)
            os.close(handle)
            who = f"{holder}" if holder else "somebody who left no record"
            end = f", or end process {holder.pid}" if holder else ""
            raise RigError(
                f"board {self._name} is in use: {who}", hint=f"wait until it is free{end}"
            ) from None
        left = _read(handle)
        self.stale = left if left is not None and not left.is_alive else None
        record = Holder(
            os.getpid(), _user(), socket.gethostname(), self._clock().isoformat(timespec="seconds")
        )
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(msgspec.to_builtins(record)).encode() + b"\n", 0)
        self._file = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Give the board back. The file stays: removing it would race with the next holder."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        """Open the file, made by whoever came first; other users must be able to lock it too."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                # Without O_CREAT: in a sticky folder the kernel refuses it for a stranger's file.
                return os.open(self.path, os.O_RDWR)
            except FileNotFoundError:
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
                os.fchmod(handle, 0o666)
                return handle
        except OSError as error:
            told = os.strerror(error.errno or errno.EIO)
            raise EnvironmentFault(
                f"cannot make the lock file {self.path}: {told}",
                hint="name a folder for temporary files with TMPDIR",
            ) from error


def lock_folder() -> Path:
    """Return the folder of locks that all users of this machine share."""
    if os.access(_SYSTEM_LOCKS, os.W_OK):
        return _SYSTEM_LOCKS
    return Path(tempfile.gettempdir())


def _user() -> str:
    """Return the user's name; an account without one, as in some containers, has its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _read(handle: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.pread(handle, 4096, 0), type=Holder)
    except msgspec.DecodeError:  # nobody was here, or he wrote half a record
        return None
