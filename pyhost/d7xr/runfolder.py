"""The folder of one run: written under a temporary name, renamed when it is whole.

``DIR.partial`` exists from before the first tick until the last byte is written; an interrupted run
or a full disk leaves it there with what it holds. The same run gives the same bytes in every file
but ``log.txt``, where the clock is.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from d7xr.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from d7xr.recording import Recording

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_HASH_CHUNK_BYTES: Final = 1 << 20


@dataclass(slots=True)
class RunFolder:
    """A run folder in the making.

    Attributes:
        target: The name it will have.
        partial: The name it has until it is complete.
        files: What has been written so far, relative to the folder, in order.
    """

    target: Path
    partial: Path
    files: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, target: Path) -> RunFolder:
        """Make the folder under its temporary name.

        Raises:
            UsageError: If the target exists and is not an empty folder, or an earlier run left its
                partial folder there.
            EnvironmentFault: If the folder cannot be made.
        """
        partial = target.with_name(target.name + ".partial")
        with faults_told(partial):
            if target.exists() and not (target.is_dir() and not any(target.iterdir())):
                raise UsageError(
                    f"{target} exists and is not an empty folder", hint="name another with --out"
                )
            if partial.exists():
                raise UsageError(
                    f"{partial} exists: an earlier run did not finish",
                    hint="keep what you need of it and remove it, or name another with --out",
                )
            partial.mkdir(parents=True)
        return cls(target, partial)

    def write_json(self, name: str, document: Mapping[str, object]) -> None:
        """Write a JSON document; NaN and infinity become null.

        Raises:
            EnvironmentFault: If it cannot be written.
        """
        text = json.dumps(finite(document), indent=2, sort_keys=True, allow_nan=False) + "\n"
        self.write_text(name, text)

    def write_text(self, name: str, text: str) -> None:
        r"""Write a text in UTF-8 with ``\n``.

        Raises:
            EnvironmentFault: If it cannot be written.
        """
        with faults_told(self.partial):
            (self.partial / name).write_text(text, encoding="utf-8", newline="\n")
        self.files.append(name)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write bytes as they are.

        Raises:
            EnvironmentFault: If they cannot be written.
        """
        with faults_told(self.partial):
            (self.partial / name).write_bytes(content)
        self.files.append(name)

    def write_recording(self, recording: Recording, formats: tuple[str, ...]) -> None:
        """Write a recording in each of the formats.

        Raises:
            EnvironmentFault: If it cannot be written.
        """
        from d7xr.recording import write

        with faults_told(self.partial):
            paths = write(recording, self.partial, formats)
        self.files.extend(path.relative_to(self.partial).as_posix() for path in paths)

    def abandon_if_empty(self) -> None:
        """Remove the folder if nothing was written to it."""
        with suppress(OSError):
            self.partial.rmdir()

    def complete(self) -> Path:
        """Give the folder its name, which says that it is whole.

        Raises:
            EnvironmentFault: If it cannot be renamed.
        """
        with faults_told(self.partial):
            if self.target.is_dir():
                self.target.rmdir()
            self.partial.rename(self.target)
        return self.target


@contextmanager
def faults_told(folder: Path) -> Iterator[None]:
    """Turn what the system says about a folder into an error that says what to do.

    Raises:
        EnvironmentFault: For every ``OSError`` within.
    """
    try:
        yield
    except OSError as error:
        kept = f"; what was written is kept in {folder}" if folder.is_dir() else ""
        if error.errno in _NO_ROOM:
            message = f"no room left for {folder}: {error.strerror}{kept}"
            raise EnvironmentFault(message, hint="free some space or name another --out") from error
        told = error.strerror or str(error)
        raise EnvironmentFault(
            f"cannot write {folder}: {told}{kept}",
            hint="name a folder that you may write with --out",
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def finite(value: object) -> object:
    """Return a JSON value in which NaN and infinity have become None, since JSON has neither."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
