"""What is known of a run, wherever it comes from: a run folder, or a trace that is replayed now.

A folder knows the states at the rate at which they were recorded. A trace is replayed twice: once
for what happened when, and once more up to the moment that is asked for, so that its states are
those of that very tick.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr import calibration, recorder, replay
from d7xr.database import Database
from d7xr.errors import InconclusiveError, UsageError
from d7xr.events import (
    FAULT_MASKS,
    Events,
    FanStart,
    FaultSpan,
    Flight,
    Impact,
    Limit,
    Missing,
    Refill,
    find,
)
from d7xr.explain.moment import Moment
from d7xr.mapping import find_mapping, load_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from d7xr.calibration import Value
    from d7xr.replay import Feed, Progress

STORY_STATES: Final = (
    "torque.reason",
    "torque.granted_Nm",
    "torque.demand_Nm",
    "flight_mode.state",
    "flight_mode.missing_mask",
    "cooling.state",
    "cooling.stage",
    *FAULT_MASKS,
)
"""States whose past an explanation needs; of all others the moment is enough."""

_US_PER_TICK: Final = replay.US_PER_TICK


@dataclass(frozen=True, slots=True)
class Past:
    """A run that can be asked.

    Attributes:
        name: Of the folder or trace.
        ticks: How long it is.
        tick: Ticks of its samples, int64, shape ``(n,)``.
        states: The states of ``STORY_STATES``, each of shape ``(n,)``.
        events: What happened.
        calibration: What it ran with, by name.
        read: Returns every state at the end of a tick, by C path.
    """

    name: str
    ticks: int
    tick: NDArray[np.int64]
    states: Mapping[str, NDArray[Any]]
    events: Events
    calibration: Mapping[str, Value]
    read: Callable[[int], Mapping[str, float | int]]

    @property
    def step_ms(self) -> int:
        """Ticks from one sample to the next."""
        return int(self.tick[1] - self.tick[0]) if self.tick.size > 1 else 1

    def sample(self, tick: int) -> int:
        """Return the last sample at or before a tick."""
        return max(int(np.searchsorted(self.tick, tick, side="right")) - 1, 0)

    def moment(self, tick: int) -> Moment:
        """Return the unit as it was at the last sample at or before a tick.

        Raises:
            UsageError: The run is not so long, or it lacks a state.
        """
        if not 0 <= tick < self.ticks:
            raise UsageError(
                f"{tick / 1000:.3f} s is not in the run {self.name}",
                hint=f"it lasts from 0 to {(self.ticks - 1) / 1000:.3f} s",
            )
        from d7xr.ecu import Ecu

        sample = self.sample(tick)
        at = int(self.tick[sample])
        return Moment(
            tick=at,
            values=self.read(at),
            fields={field.name: field for field in Ecu.fields()},
            calibration=self.calibration,
            since={name: self._since(self.states[name], sample) for name in STORY_STATES},
            fault_since=self._fault_since(sample),
        )

    def _since(self, values: NDArray[Any], sample: int) -> int:
        other = np.flatnonzero(values[: sample + 1] != values[sample])
        return int(self.tick[other[-1] + 1]) if other.size else 0

    def _fault_since(self, sample: int) -> dict[int, int]:
        since: dict[int, int] = {}
        for word, name in enumerate(FAULT_MASKS):
            mask = self.states[name].astype(np.int64)
            for bit in range(int(mask[sample]).bit_length()):
                if mask[sample] >> bit & 1:
                    since[32 * word + bit] = self._since(mask >> bit & 1, sample)
        return since


def of_trace(
    trace: Path,
    *,
    mapping: str | None = None,
    database: Path | None = None,
    channel: int | None = None,
    calibration_set: str = calibration.DEFAULT,
    on_progress: Callable[[Progress], None] | None = None,
) -> Past:
    """Replay a trace, to be asked afterwards.

    Raises:
        D7xrError: As ``d7xr replay`` does for the same trace.
    """
    from d7xr.ecu import Ecu
    from d7xr.trace import read_trace

    chosen = calibration.load(calibration_set)
    mapped = None if mapping is None else load_mapping(find_mapping(mapping))
    loaded = None if database is None else Database.load(database)
    feed = replay.feed_of(read_trace(trace), channel=channel, mapping=mapped, database=loaded)
    outcome = replay.run(
        feed,
        Ecu(chosen.blob),
        record=STORY_STATES,
        rate_hz=replay.TICKS_PER_S,
        on_progress=on_progress,
    )
    if not outcome.is_complete:
        raise KeyboardInterrupt
    return Past(
        name=trace.name,
        ticks=outcome.ticks,
        tick=outcome.sample_tick,
        states=outcome.states,
        events=find(outcome, recorder.words()),
        calibration=chosen.values,
        read=lambda tick: _states_after(feed, chosen.blob, tick),
    )


def _states_after(feed: Feed, blob: bytes, tick: int) -> dict[str, float | int]:
    """Run a fresh unit up to and through a tick, and read all of it."""
    from d7xr.ecu import Ecu

    ecu = Ecu(blob)
    at = (feed.frames.time_us - feed.first_us) // _US_PER_TICK
    end = int(np.searchsorted(at, tick, side="right"))
    names = recorder.states_of_unit()
    # one row, of the last tick: only ticks that are a multiple of the distance are recorded
    run = ecu.run(
        feed.frames.frame[:end], at[:end], tick + 1, record=names, every_ticks=max(tick, 1)
    )
    return {name: run.columns[name][-1].item() for name in names}


def of_folder(folder: Path) -> Past:
    """Open a run folder.

    Raises:
        UsageError: Not a run folder, or one that another build wrote.
        InconclusiveError: It holds no recording that can be read, or no states.
    """
    from d7xr.compare.runfiles import read_folder

    run = read_folder(folder)
    groups = [group for group in run.groups.values() if group.origin == "state"]
    if not groups:
        raise InconclusiveError(
            f"{folder} holds no states of the unit", hint="replay the trace again with --out"
        )
    columns = {
        name: _numbers(name, column.values)
        for group in groups
        for name, column in group.columns.items()
    }
    missing = [name for name in STORY_STATES if name not in columns]
    if missing:
        raise UsageError(
            f"{folder} does not hold {missing[0]}: --record left it out, or another build",
            hint="replay the trace again with this one",
        )
    tick = groups[0].time_us // _US_PER_TICK
    return Past(
        name=folder.name,
        ticks=run.ticks,
        tick=tick,
        states={name: columns[name] for name in STORY_STATES},
        events=_events(folder),
        calibration=_calibration(folder, run.identity),
        read=lambda at: _row(columns, int(np.searchsorted(tick, at))),
    )


def _numbers(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Return a column as numbers: a format that keeps words for codes gets its codes back."""
    from d7xr.ecu import Ecu

    if values.dtype.kind in "fiu":
        return values
    choices = next((f.choices or {} for f in Ecu.fields() if f.name == name), {})
    code = {word: number for number, word in choices.items()}
    words, place = np.unique(values.astype(str), return_inverse=True)
    return np.array([code.get(w, int(w) if w.isdecimal() else 0) for w in words])[place]


def _row(columns: Mapping[str, NDArray[Any]], row: int) -> dict[str, float | int]:
    return {name: values[row].item() for name, values in columns.items()}


def _events(folder: Path) -> Events:
    """Read what happened, as the replay wrote it."""
    content = _document(folder / "events.json")
    try:
        spans = [
            {**m, "spans_s": tuple((float(a), float(b)) for a, b in m["spans_s"])}
            for m in content["missing"]
        ]
        return Events(
            flights=tuple(Flight(**row) for row in content["flights"]),
            limits=tuple(Limit(**row) for row in content["limits"]),
            fans=tuple(FanStart(**row) for row in content["fans"]),
            faults=tuple(FaultSpan(**row) for row in content["faults"]),
            missing=tuple(Missing(**row) for row in spans),
            impacts=tuple(
                Impact(**{**row, "corners": tuple(row["corners"])}) for row in content["impacts"]
            ),
            refills=tuple(Refill(**row) for row in content["refills"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{folder / 'events.json'}: not the events of a run of this build: {error}",
            hint="replay the trace again",
        ) from error


def _calibration(folder: Path, identity: Mapping[str, str]) -> Mapping[str, Value]:
    """Return the numbers that the run was made with."""
    from d7xr.ecu import core_identity

    written = _document(folder / "manifest.json").get("calibration_values")
    if isinstance(written, dict):
        return {
            str(name): tuple(value) if isinstance(value, list) else value
            for name, value in written.items()
        }
    if identity.get("calibration_id") == core_identity()["calibration_id"]:
        return calibration.default_set().values
    raise UsageError(
        f"{folder} does not say which calibration values it ran with",
        hint="replay the trace again",
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}", hint="a run folder is what `d7xr replay --out DIR` writes"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}", hint="replay the trace again") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: not an object", hint="replay the trace again")
    return content
