"""A trace file as bytes or lines, decompressed, with errors that name the file."""

from __future__ import annotations

import gzip
import io
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from d7xr.errors import TraceError
from d7xr.trace.formats import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """A trace file; gzip is told by content and undone on the way.

    Attributes:
        path: The file.
    """

    path: Path

    def head(self) -> bytes:
        """Return the first bytes, as many as decide the format."""
        with self.open() as file:
            return file.read(HEAD_BYTES)

    def content(self) -> bytes:
        """Return all bytes."""
        with self.open() as file:
            return file.read()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the file for reading bytes.

        Raises:
            TraceError: If it cannot be opened or read, or its gzip stream is broken.
        """
        try:
            with self.path.open("rb") as file:
                if file.read(2) == _GZIP_MAGIC:
                    file.seek(0)
                    with gzip.open(file) as unpacked:
                        yield io.BufferedReader(unpacked)
                else:
                    file.seek(0)
                    yield file
        except FileNotFoundError as error:
            raise TraceError(f"{self.path}: no such file", hint="check the path") from error
        except IsADirectoryError as error:
            raise TraceError(
                f"{self.path}: is a folder", hint="name one trace file in it"
            ) from error
        except PermissionError as error:
            raise TraceError(
                f"{self.path}: may not be read", hint="check the file's permissions"
            ) from error
        except EOFError as error:
            raise TraceError(
                f"{self.path}: the gzip stream is cut short",
                hint="copy the file again; `gzip -t` checks it",
            ) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise TraceError(
                f"{self.path}: the gzip stream is damaged ({error})",
                hint="copy the file again; `gzip -t` checks it",
            ) from error
        except OSError as error:
            raise TraceError(f"{self.path}: cannot be read: {error.strerror or error}") from error
