"""`read_trace`: find the format, read, check, complete."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from d7xr.errors import D7xrError, TraceError
from d7xr.trace.formats import Format, identify
from d7xr.trace.model import Problem, Trace, utc_if_set
from d7xr.trace.source import Source

if TYPE_CHECKING:
    from d7xr.trace.model import Columns
    from d7xr.trace.reading import Reading


class _Reader(Protocol):
    def read(self, source: Source) -> Reading: ...


def read_trace(path: Path, *, channel: int | None = None) -> Trace:
    """Read a recorded CAN trace, whatever its format.

    Args:
        path: The file; gzipped or not. Its content decides the format.
        channel: Keep only this channel, from 0.

    Returns:
        The trace, with everything that was odd about the file in `Trace.problems`.

    Raises:
        TraceError: If the file cannot be read, fits no format, is damaged, or holds no CAN frame.
        UsageError: If it lacks the chosen channel.

    Example:
        >>> trace = read_trace(Path("drive.blf"))
        >>> len(trace), trace.format, trace.problems
        (87212, 'blf', ())
    """
    source = Source(Path(path))
    form = identify(source.head(), str(source.path))
    module = cast("_Reader", import_module(f"d7xr.trace.{form.name}"))
    try:
        reading = module.read(source)
    except D7xrError:
        raise
    except MemoryError as error:
        raise TraceError(f"{path}: does not fit into memory", hint="split the trace") from error
    except Exception as error:
        # Foreign readers meet damaged files with errors of any kind; none may reach the user bare.
        raise TraceError(
            f"{path}: cannot be read as {form.title}: {type(error).__name__}: {error}",
            hint="the file is damaged, or of a variant not known here",
        ) from error
    trace = _complete(source.path, form, reading)
    return trace if channel is None else trace.only(channel)


def _complete(path: Path, form: Format, reading: Reading) -> Trace:
    columns = reading.columns
    if not columns.time_us.size:
        seen = "; ".join(f"{p.count}: {p.text}" for p in reading.problems)
        raise TraceError(
            f"{path}: holds no CAN frame" + (f" ({seen})" if seen else ""),
            hint="record it again, or name another file",
        )
    for column in (columns.time_us, columns.channel, columns.id, columns.flags, columns.length):
        column.flags.writeable = False
    columns.data.flags.writeable = False
    zero_us = reading.zero_utc_us
    return Trace(
        source=path,
        format=form.name,
        time_us=columns.time_us,
        channel=columns.channel,
        id=columns.id,
        flags=columns.flags,
        length=columns.length,
        data=columns.data,
        channel_names=reading.channel_names,
        start_utc_us=None if zero_us is None else utc_if_set(zero_us + int(columns.time_us[0])),
        start_text=reading.start_text,
        problems=(*_suffix(path, form), *reading.problems, *_backward(columns)),
    )


def _suffix(path: Path, form: Format) -> tuple[Problem, ...]:
    """Tell of a name that promises another format than the content is."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    if not suffixes or suffixes[-1] == form.suffix:
        return ()
    text = f"named {suffixes[-1]}, but its content is {form.title}"
    return (Problem("suffix", 1, "file name", text),)


def _backward(columns: Columns) -> tuple[Problem, ...]:
    """Tell of stamps that lie before the one before."""
    step_us = np.diff(columns.time_us)
    backward = np.flatnonzero(step_us < 0)
    if not backward.size:
        return ()
    largest_ms = -int(step_us.min()) / 1000
    return (
        Problem(
            "backward_time",
            int(backward.size),
            f"frame {int(backward[0]) + 2}",
            f"time steps backward, by at most {largest_ms:g} ms; order in the file is kept",
        ),
    )
