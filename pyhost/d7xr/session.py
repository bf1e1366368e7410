"""One replay, from the names of files to what came of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr import calibration, cars, identity, memory, recorder, replay, verdict
from d7xr.database import Database
from d7xr.errors import DifferenceError, UsageError
from d7xr.events import Events, find
from d7xr.recording import STREAMED, require_formats
from d7xr.replay import Progress
from d7xr.runfolder import RunFolder, faults_told, sha256_of
from d7xr.target.choice import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Mapping as AbstractMapping
    from pathlib import Path

    from d7xr.calibration import CalibrationSet
    from d7xr.compare import Comparison
    from d7xr.ecu import Ecu
    from d7xr.mapping import Mapping
    from d7xr.replay import Feed, Outcome, Sink
    from d7xr.target import Target
    from d7xr.trace import Problem

SCHEMA_VERSION: Final = 1
TWIN: Final = "sil"
"""The unit in this process: what every other target is compared with."""
_RATE_WITHOUT_FOLDER_HZ: Final = 1


@dataclass(frozen=True, slots=True)
class Options:
    """What to replay, and how.

    Attributes:
        trace: The recording.
        mapping: A mapping file, or the name of a shipped one; None for a trace of our own bus.
        database: The DBC of the mapped car; None for the one that the mapping names.
        channel: Channel of the trace; may be None where there is but one.
        calibration: A calibration set, or ``default``.
        car: The car that is laid over it, a file or the name of a shipped one; None is none.
        out: Run folder to write; None writes nothing.
        formats: Formats of the recording in that folder.
        rate_hz: Rate at which the unit's states are recorded.
        record: Which of them, by C path with ``*`` and ``?``; all of them if empty.
        target: Where the unit runs; ``sil`` is this process.
        compared_with: Further targets, which run the same frames and must agree at every tick.
        memory: File of what the unit kept over power; it begins with it, and it is written anew at
            the end. One that does not exist is a new unit's. None: a new unit, and nothing is kept.
    """

    trace: Path
    mapping: str | None = None
    database: Path | None = None
    channel: int | None = None
    calibration: str = calibration.DEFAULT
    car: str | None = None
    out: Path | None = None
    formats: tuple[str, ...] = ("mf4",)
    rate_hz: int = 100
    record: tuple[str, ...] = ()
    target: str = "sil"
    compared_with: tuple[str, ...] = ()
    memory: Path | None = None

    @property
    def others(self) -> tuple[str, ...]:
        """Return all targets but the unit in this process, which they are compared with."""
        return tuple(name for name in (self.target, *self.compared_with) if name != TWIN)

    @property
    def is_streamed(self) -> bool:
        """Whether nothing asked for needs the whole run in memory."""
        return not self.others and (self.out is None or STREAMED.issuperset(self.formats))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was in the trace, and what of it the unit was fed.

    Attributes:
        format: Name of the file's format.
        frames: Frames in it.
        problems: What its reader saw.
        left_out: Why a frame was not fed -> how many.
        missing: Signals of our bus that a mapping does not bring.
        assumed: What a mapping takes for true, in words.
    """

    format: str
    frames: int
    problems: tuple[Problem, ...]
    left_out: AbstractMapping[str, int]
    missing: tuple[str, ...]
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a replay.

    Attributes:
        options: What was asked for.
        recorded: What was in the trace, and what of it the unit was fed.
        outcome: What the unit did.
        events: What happened, in a driver's words.
        verdict: Whether the laws held.
        identity: Who ran what.
        calibration: The set that it ran with.
        elapsed_s: Wall time to read and run, without writing.
        comparisons: The unit in this process against each of the other targets.
        folder: The run folder; under its temporary name if the run was interrupted.
    """

    options: Options
    recorded: Recorded
    outcome: Outcome
    events: Events
    verdict: verdict.Verdict
    identity: AbstractMapping[str, str]
    calibration: CalibrationSet
    elapsed_s: float
    comparisons: tuple[Comparison, ...] = ()
    folder: Path | None = None

    @property
    def state_digest(self) -> str:
        """Digest of the run as eight hexadecimal digits."""
        return f"{self.outcome.digest:08x}"

    @property
    def frames_per_s(self) -> float:
        """Frames of the trace per second of wall time."""
        return self.recorded.frames / max(self.elapsed_s, 1e-9)

    def as_document(self) -> dict[str, object]:
        """Return the result as one JSON object; units are in the keys."""
        return {
            "schema": "d7xr.replay",
            "version": SCHEMA_VERSION,
            "target": self.options.target,
            "trace": str(self.options.trace),
            "format": self.recorded.format,
            "frames": self.recorded.frames,
            "frames_fed": self.outcome.frames,
            "frames_sent": self.outcome.frames_sent,
            "ticks": self.outcome.ticks,
            "duration_s": self.outcome.ticks / replay.TICKS_PER_S,
            "is_complete": self.outcome.is_complete,
            "state_digest": self.state_digest,
            "identity": dict(self.identity),
            **self.events.as_document(),
            "missing_signals": list(self.recorded.missing),
            "assumed": list(self.recorded.assumed),
            "received": [asdict(reception) for reception in self.outcome.received],
            "left_out": dict(self.recorded.left_out),
            "problems": [asdict(problem) for problem in self.recorded.problems],
            "verdict": self.verdict.judgement,
            "laws": [asdict(law) for law in self.verdict.laws],
            "comparisons": [comparison.as_document() for comparison in self.comparisons],
            "folder": None if self.folder is None else str(self.folder),
            "frames_per_s": round(self.frames_per_s),
        }


def run(
    options: Options,
    *,
    clock: Callable[[], float],
    on_progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Replay a trace and, where a folder is named, write what came of it.

    Everything that can be refused is refused before the first tick: formats that cannot be written,
    a bad calibration or mapping, an unreadable trace, a folder that is taken or cannot be made, a
    target that cannot be started.

    States, events and the recording come from the unit in this process, for only there can they be
    read without slowing it down. Another target runs the same frames and is compared with it after
    every tick; only where they agree do they hold for that target too. A run that names another
    target first ends here if they do not agree, and writes nothing.

    Args:
        options: What to replay.
        clock: Seconds, for the rate alone; nothing else here knows a clock.
        on_progress: Called every ten seconds of virtual time.

    Raises:
        DifferenceError: The target named first does not do what the unit in this process does.
        D7xrError: As said above, or because the disk is full or nothing could be concluded.
    """
    from d7xr.ecu import Ecu
    from d7xr.target.choice import started

    _refuse_early(options)
    chosen = calibration.load(options.calibration, options.car)
    mapping = None if options.mapping is None else _mapping(options.mapping)
    database = None if options.database is None else Database.load(options.database)
    started_s = clock()
    ecu = Ecu(chosen.blob)
    if options.memory is not None:
        memory.begin(ecu, options.memory)
    names = recorder.chosen_states(options.record)
    # Without a folder states are sampled all the same, for the laws that they must keep.
    rate_hz = _RATE_WITHOUT_FOLDER_HZ if options.out is None else options.rate_hz
    feed: Feed | None = None
    comparisons: tuple[Comparison, ...] = ()
    with (
        begun_folder(options.out) as folder,
        started(options.others) as others,
        _columns(folder, options, names) as sinks,
    ):
        how = _How(names, rate_hz, sinks, on_progress)
        if options.is_streamed:
            recorded, outcome = _streamed(options, mapping, database, ecu, how)
            elapsed_s = clock() - started_s
        else:
            recorded, feed, outcome = _kept(options, mapping, database, ecu, how)
            elapsed_s = clock() - started_s
            outcome, comparisons = _compare(
                options, feed, outcome, others, chosen.blob, on_progress
            )
    events = find(outcome, recorder.words())
    result = Result(
        options=options,
        recorded=recorded,
        outcome=outcome,
        events=events,
        verdict=verdict.judge(outcome, events, comparisons),
        identity=identity.of_run(
            target=options.target, calibration=chosen, inputs=_inputs(options, mapping)
        ),
        calibration=chosen,
        elapsed_s=elapsed_s,
        comparisons=comparisons,
    )
    if options.memory is not None and outcome.is_complete:
        memory.save(options.memory, ecu.keep())
    if folder is None:
        return result
    if feed is not None:
        write_recording(folder, result, feed, ecu)
    write_documents(folder, result, ecu)
    if not outcome.is_complete:
        return replace(result, folder=folder.partial)
    return replace(result, folder=folder.complete())


@dataclass(frozen=True, slots=True)
class _How:
    """How the unit runs: what is recorded, how often, and who is told."""

    record: tuple[str, ...]
    rate_hz: int
    sinks: tuple[Sink, ...]
    on_progress: Callable[[Progress], None] | None


def _streamed(
    options: Options, mapping: Mapping | None, database: Database | None, ecu: Ecu, how: _How
) -> tuple[Recorded, Outcome]:
    """Run a trace through the unit block by block."""
    from d7xr import stream
    from d7xr.trace import stream_trace

    trace = stream_trace(options.trace)
    feeder = stream.feeder_of(trace, options.channel, mapping, database)
    outcome = stream.run(
        feeder,
        ecu,
        record=how.record,
        rate_hz=how.rate_hz,
        sinks=how.sinks,
        on_progress=how.on_progress,
    )
    told = Recorded(
        format=trace.format,
        frames=trace.rows,
        problems=trace.problems,
        left_out=dict(feeder.left_out),
        missing=feeder.missing,
        assumed=feeder.assumed,
    )
    return told, outcome


def _kept(
    options: Options, mapping: Mapping | None, database: Database | None, ecu: Ecu, how: _How
) -> tuple[Recorded, Feed, Outcome]:
    """Run a trace through the unit, and keep all that came of it."""
    from d7xr.trace import read_trace

    trace = read_trace(options.trace)
    feed = replay.feed_of(trace, channel=options.channel, mapping=mapping, database=database)
    outcome = replay.run(
        feed,
        ecu,
        record=how.record,
        rate_hz=how.rate_hz,
        sinks=how.sinks,
        on_progress=how.on_progress,
    )
    told = Recorded(
        format=trace.format,
        frames=len(trace),
        problems=trace.problems,
        left_out=dict(feed.left_out),
        missing=feed.missing,
        assumed=feed.assumed,
    )
    return told, feed, outcome


@contextmanager
def _columns(
    folder: RunFolder | None, options: Options, names: tuple[str, ...]
) -> Iterator[tuple[Sink, ...]]:
    """Yield who writes columns while the unit runs, if anybody does."""
    if folder is None or "columns" not in options.formats:
        yield ()
        return
    from d7xr.ecu import Ecu
    from d7xr.recording.columns import Columns

    fields = {field.name: field for field in Ecu.fields()}
    with faults_told(folder.partial):
        columns = Columns(folder.partial, [fields[name] for name in names], options.rate_hz)
        yield (columns,)
        columns.close()
    folder.files.extend(path.relative_to(folder.partial).as_posix() for path in columns.paths)


def _mapping(name: str) -> Mapping:
    from d7xr.mapping import find_mapping, load_mapping

    return load_mapping(find_mapping(name))


def _refuse_early(options: Options) -> None:
    refuse_unknown((options.target, *options.compared_with))
    if options.memory is not None and options.others:
        raise UsageError(
            f"--memory is for {TWIN}: a unit on {options.others[0]} begins as it was built",
            hint="leave --memory or the other targets out",
        )
    if options.rate_hz not in replay.RATES_HZ:
        rates = ", ".join(map(str, replay.RATES_HZ))
        raise UsageError(f"cannot record at {options.rate_hz} Hz", hint=f"choose from {rates}")
    if options.out is not None:
        require_formats(options.formats)


def _compare(
    options: Options,
    feed: Feed,
    outcome: Outcome,
    others: tuple[Target, ...],
    blob: bytes,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[Outcome, tuple[Comparison, ...]]:
    """Run the same ticks on the other targets; an interrupt ends it and keeps the outcome."""
    from d7xr.compare import back_to_back
    from d7xr.target.sil import Sil

    tick = (feed.frames.time_us - feed.first_us) // replay.US_PER_TICK
    flights = outcome.history["flight_mode.record.number"].value

    def show(ticks: int) -> None:
        if on_progress is not None:
            frames = int(np.searchsorted(tick, ticks))
            on_progress(Progress(ticks, outcome.ticks, frames, int(flights[-1])))

    comparisons: list[Comparison] = []
    try:
        for other in others if outcome.is_complete else ():
            comparison = back_to_back(
                Sil(), other, feed.frames.frame, tick, outcome.ticks, blob, on_progress=show
            )
            comparisons.append(comparison)
            if other.name == options.target and not comparison.is_equal:
                raise DifferenceError(
                    f"{comparison.summary}; what happened on {other.name} is not known",
                    hint=f"to see what {TWIN} did: --target {TWIN} --target {other.name}",
                )
    except KeyboardInterrupt:
        outcome = replace(outcome, is_complete=False)
    if len(comparisons) < len(others) and options.target != TWIN:
        raise KeyboardInterrupt
    return outcome, tuple(comparisons)


@contextmanager
def begun_folder(out: Path | None) -> Iterator[RunFolder | None]:
    """Yield the run folder in the making; a run that came to nothing leaves none behind."""
    if out is None:
        yield None
        return
    folder = RunFolder.begin(out)
    try:
        yield folder
    except BaseException:
        folder.abandon_if_empty()
        raise


def _inputs(options: Options, mapping: Mapping | None) -> dict[str, Path]:
    inputs = {"trace": options.trace}
    if mapping is not None:
        inputs["mapping"] = mapping.path
    if options.database is not None:
        inputs["database"] = options.database
    if options.calibration != calibration.DEFAULT:
        inputs["calibration_file"] = calibration.file_of(options.calibration)
    if options.car is not None:
        inputs["car"] = cars.file_of(options.car)
    if options.memory is not None and options.memory.exists():
        inputs["memory"] = options.memory
    return inputs


def write_recording(folder: RunFolder, result: Result, feed: Feed, ecu: Ecu) -> None:
    """Write what is in memory of the recording; before all else, it is what must not be lost."""
    recording = recorder.record(
        feed,
        result.outcome,
        ecu.fields(),
        rate_hz=result.options.rate_hz,
        identity={**result.identity, "state_digest": result.state_digest},
    )
    formats = tuple(name for name in result.options.formats if name not in STREAMED)
    folder.write_recording(recording, formats)


def write_documents(folder: RunFolder, result: Result, ecu: Ecu) -> None:
    """Write what a run folder holds besides the recording."""
    folder.write_bytes(memory.IN_A_RUN, ecu.keep())
    header = {"version": SCHEMA_VERSION, "trace": result.options.trace.name}
    header |= {"state_digest": result.state_digest}
    events = result.events.as_document()
    folder.write_json("events.json", {"schema": "d7xr.events", **header, **events})
    laws = [asdict(law) for law in result.verdict.laws]
    judged = {"verdict": result.verdict.judgement, "laws": laws}
    folder.write_json("verdict.json", {"schema": "d7xr.verdict", **header, **judged})
    manifest = {"schema": "d7xr.manifest", **header, **_manifest(result)}
    manifest |= {"calibration_values": dict(result.calibration.values)}
    folder.write_json("manifest.json", {**manifest, "files": _hashes(folder)})
    folder.write_text("log.txt", _log(result))


def _manifest(result: Result) -> dict[str, object]:
    options = result.options
    return {
        "identity": dict(result.identity),
        "is_complete": result.outcome.is_complete,
        "verdict": result.verdict.judgement,
        "frames": result.recorded.frames,
        "frames_fed": result.outcome.frames,
        "ticks": result.outcome.ticks,
        "left_out": dict(result.recorded.left_out),
        "options": {
            "mapping": options.mapping,
            "database": None if options.database is None else options.database.name,
            "channel": options.channel,
            "calibration": options.calibration,
            "car": options.car,
            "formats": list(options.formats),
            "rate_hz": options.rate_hz,
            "record": list(options.record),
            "target": options.target,
            "compared_with": list(options.compared_with),
        },
        "comparisons": [comparison.as_document() for comparison in result.comparisons],
    }


def _hashes(folder: RunFolder) -> dict[str, str]:
    return {name: sha256_of(folder.partial / name) for name in folder.files}


def _log(result: Result) -> str:
    """Return the only file of the folder that depends on the machine: how long it took."""
    lines = [
        f"trace {result.options.trace}",
        f"{result.recorded.frames} frames, {result.outcome.ticks} ticks, "
        f"digest {result.state_digest}",
        f"{result.elapsed_s:.3f} s to read and run, {result.frames_per_s:.0f} frames/s",
        *(f"{p.kind} {p.count}, {p.place}: {p.text}" for p in result.recorded.problems),
        *(f"left out {count}: {reason}" for reason, count in result.recorded.left_out.items()),
        *(comparison.summary for comparison in result.comparisons),
        *([] if result.outcome.is_complete else ["interrupted"]),
    ]
    return "\n".join(lines) + "\n"
