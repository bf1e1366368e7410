"""Recordings as ASAM MDF 4.10, decoded: no viewer needs a database."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from asammdf import Signal
    from numpy.typing import NDArray

    from d7xr.recording import Column, Group, Recording

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US_PER_S = 1e6


def write(recording: Recording, folder: Path) -> tuple[Path, ...]:
    """Write ``out.mf4``: one channel group per message or module, master time in seconds.

    Units, comments and value texts are those of the columns; samples that the sender marked as not
    available carry an invalidation bit. The file holds no clock but the start of the trace, so the
    same recording gives the same bytes.
    """
    with closing(Writer(recording, folder)) as writer:
        return writer.finish()


class Writer:
    """Writes the file of `write`, group after group; the rows wait in a file beside it.

    Args:
        recording: Its groups; more of the rows of each may follow.
        folder: As for `write`.
    """

    def __init__(self, recording: Recording, folder: Path) -> None:
        """Describe the groups to the library."""
        from asammdf import MDF
        from asammdf.blocks.source_utils import Source
        from asammdf.blocks.v4_constants import BUS_TYPE_CAN, BUS_TYPE_NONE, SOURCE_BUS, SOURCE_ECU

        self._recording = recording
        self._path = folder / "out.mf4"
        self._number = {group.name: number for number, group in enumerate(recording.groups)}
        self._mdf = MDF(version="4.10", temporary_folder=str(folder))
        for group in recording.groups:
            is_state = group.origin == "state"
            self._mdf.append(
                _signals(group),
                acq_name=group.name,
                acq_source=Source(
                    name="VCU" if is_state else "CAN",
                    path=group.origin,
                    comment="",
                    source_type=SOURCE_ECU if is_state else SOURCE_BUS,
                    bus_type=BUS_TYPE_NONE if is_state else BUS_TYPE_CAN,
                ),
                comment=group.comment,
                common_timebase=True,
            )

    def take(self, group: Group) -> None:
        """Append the rows of a group."""
        rows = [(group.time_us / _US_PER_S, None), *map(_samples, group.columns.values())]
        self._mdf.extend(self._number[group.name], rows)

    def finish(self) -> tuple[Path, ...]:
        """Write the file and return it."""
        from asammdf.blocks.v4_blocks import FileHistory

        start = _EPOCH + timedelta(microseconds=self._recording.start_utc_us or 0)
        self._mdf.header.start_time = start
        self._mdf.header.comment = _header_comment(self._recording)
        history = FileHistory()  # the library would stamp the wall clock here
        history.comment = _history_comment(self._recording)
        history.time_stamp = start
        self._mdf.file_history = [history]
        self._mdf.save(self._path, overwrite=True, compression=2, add_history_block=False)
        return (self._path,)

    def close(self) -> None:
        """Let the rows that wait go.

        Called by who made it: the library's own context manager prints an error and goes on.
        """
        self._mdf.close()


def _samples(column: Column) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Return what the library takes for a column: its samples and which of them are void."""
    return (
        np.ascontiguousarray(column.values),
        None if column.is_valid is None else ~column.is_valid,
    )


def _signals(group: Group) -> list[Signal]:
    from asammdf import Signal

    time_s = group.time_us / _US_PER_S
    return [
        Signal(
            samples=samples,
            timestamps=time_s,
            name=name,
            unit=column.unit,
            comment=column.comment,
            conversion=_value_texts(column),
            invalidation_bits=is_void,
        )
        for name, column in group.columns.items()
        for samples, is_void in (_samples(column),)
    ]


def _value_texts(column: Column) -> dict[str, Any] | None:
    """Return the value-to-text conversion, or None.

    Readers turn a table that mixes words and numbers into nothing useful, so a value without a word
    is given its own digits as word.
    """
    if not column.choices:
        return None
    words = {value: str(value) for value in np.unique(column.values).tolist()}
    words |= column.choices
    conversion: dict[str, Any] = {}
    for index, (value, text) in enumerate(sorted(words.items())):
        conversion[f"val_{index}"] = value
        conversion[f"text_{index}"] = text
    return conversion


def _header_comment(recording: Recording) -> str:
    properties = "".join(
        f"<e name={quoteattr(name)}>{escape(value)}</e>"
        for name, value in recording.identity.items()
    )
    return (
        f"<HDcomment><TX>{escape(_title(recording))}</TX>"
        f"<common_properties>{properties}</common_properties></HDcomment>"
    )


def _history_comment(recording: Recording) -> str:
    return (
        "<FHcomment><TX>created</TX><tool_id>d7xr</tool_id><tool_vendor>d7xr</tool_vendor>"
        f"<tool_version>{escape(recording.identity.get('version', ''))}</tool_version></FHcomment>"
    )


def _title(recording: Recording) -> str:
    return f"{recording.identity.get('trace', 'run')} through d7xr"
