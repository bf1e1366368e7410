"""One replay, from the names of files to what came of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from d7xr import calibration, identity, recorder, replay, verdict
from d7xr.database import Database
from d7xr.errors import UsageError
from d7xr.events import Events, find
from d7xr.mapping import find_mapping, load_mapping
from d7xr.recording import require_formats
from d7xr.runfolder import RunFolder, sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Mapping as AbstractMapping

    from d7xr.ecu import Ecu
    from d7xr.mapping import Mapping
    from d7xr.replay import Feed, Outcome, Progress
    from d7xr.trace import Trace

TARGETS: Final = ("sil",)
SCHEMA_VERSION: Final = 1
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
        out: Run folder to write; None writes nothing.
        formats: Formats of the recording in that folder.
        rate_hz: Rate at which the unit's states are recorded.
        target: Where the unit runs; ``sil`` is this process.
    """

    trace: Path
    mapping: str | None = None
    database: Path | None = None
    channel: int | None = None
    calibration: str = calibration.DEFAULT
    out: Path | None = None
    formats: tuple[str, ...] = ("mf4",)
    rate_hz: int = 100
    target: str = "sil"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a replay.

    Attributes:
        options: What was asked for.
        trace: The recording that was read.
        feed: What of it the unit was fed.
        outcome: What the unit did.
        events: What happened, in a driver's words.
        verdict: Whether the laws held.
        identity: Who ran what.
        elapsed_s: Wall time to read and run, without writing.
        folder: The run folder; under its temporary name if the run was interrupted.
    """

    options: Options
    trace: Trace
    feed: Feed
    outcome: Outcome
    events: Events
    verdict: verdict.Verdict
    identity: AbstractMapping[str, str]
    elapsed_s: float
    folder: Path | None = None

    @property
    def state_digest(self) -> str:
        """Digest of the run as eight hexadecimal digits."""
        return f"{self.outcome.digest:08x}"

    @property
    def frames_per_s(self) -> float:
        """Frames of the trace per second of wall time."""
        return len(self.trace) / max(self.elapsed_s, 1e-9)

    def as_document(self) -> dict[str, object]:
        """Return the result as one JSON object; units are in the keys."""
        return {
            "schema": "d7xr.replay",
            "version": SCHEMA_VERSION,
            "target": self.options.target,
            "trace": str(self.options.trace),
            "format": self.trace.format,
            "frames": len(self.trace),
            "frames_fed": self.outcome.frames,
            "frames_sent": len(self.outcome.sent),
            "ticks": self.outcome.ticks,
            "duration_s": self.outcome.ticks / replay.TICKS_PER_S,
            "is_complete": self.outcome.is_complete,
            "state_digest": self.state_digest,
            "identity": dict(self.identity),
            **self.events.as_document(),
            "missing_signals": list(self.feed.missing),
            "assumed": list(self.feed.assumed),
            "received": [asdict(reception) for reception in self.outcome.received],
            "left_out": dict(self.feed.left_out),
            "problems": [asdict(problem) for problem in self.trace.problems],
            "verdict": self.verdict.judgement,
            "laws": [asdict(law) for law in self.verdict.laws],
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
    a bad calibration or mapping, an unreadable trace, a folder that is taken or cannot be made.

    Args:
        options: What to replay.
        clock: Seconds, for the rate alone; nothing else here knows a clock.
        on_progress: Called every ten seconds of virtual time.

    Raises:
        D7xrError: As said above, or because the disk is full or nothing could be concluded.
    """
    from d7xr.ecu import Ecu
    from d7xr.trace import read_trace

    _refuse_early(options)
    chosen = calibration.load(options.calibration)
    mapping = None if options.mapping is None else load_mapping(find_mapping(options.mapping))
    database = None if options.database is None else Database.load(options.database)
    started_s = clock()
    trace = read_trace(options.trace)
    feed = replay.feed_of(trace, channel=options.channel, mapping=mapping, database=database)
    ecu = Ecu(chosen.blob)
    # Without a folder states are sampled all the same, for the laws that they must keep.
    rate_hz = _RATE_WITHOUT_FOLDER_HZ if options.out is None else options.rate_hz
    with _folder(options.out) as folder:
        outcome = replay.run(
            feed,
            ecu,
            record=recorder.states_of_unit(),
            rate_hz=rate_hz,
            on_progress=on_progress,
        )
        elapsed_s = clock() - started_s
    events = find(outcome, recorder.words())
    result = Result(
        options=options,
        trace=trace,
        feed=feed,
        outcome=outcome,
        events=events,
        verdict=verdict.judge(outcome, events),
        identity=identity.of_run(
            target=options.target, calibration=chosen, inputs=_inputs(options, mapping)
        ),
        elapsed_s=elapsed_s,
    )
    if folder is None:
        return result
    _write(folder, result, ecu)
    if not outcome.is_complete:
        return replace(result, folder=folder.partial)
    return replace(result, folder=folder.complete())


def _refuse_early(options: Options) -> None:
    if options.target not in TARGETS:
        raise UsageError(f"no target '{options.target}'", hint=f"choose from {', '.join(TARGETS)}")
    if options.rate_hz not in replay.RATES_HZ:
        rates = ", ".join(map(str, replay.RATES_HZ))
        raise UsageError(f"cannot record at {options.rate_hz} Hz", hint=f"choose from {rates}")
    if options.out is not None:
        require_formats(options.formats)


@contextmanager
def _folder(out: Path | None) -> Iterator[RunFolder | None]:
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
        inputs["calibration_file"] = Path(options.calibration)
    return inputs


def _write(folder: RunFolder, result: Result, ecu: Ecu) -> None:
    """Write all that a run folder holds; the recording first, it is what must not be lost."""
    recording = recorder.record(
        result.feed,
        result.outcome,
        ecu.fields(),
        rate_hz=result.options.rate_hz,
        identity={**result.identity, "state_digest": result.state_digest},
    )
    folder.write_recording(recording, result.options.formats)
    header = {"version": SCHEMA_VERSION, "trace": result.options.trace.name}
    header |= {"state_digest": result.state_digest}
    events = result.events.as_document()
    folder.write_json("events.json", {"schema": "d7xr.events", **header, **events})
    laws = [asdict(law) for law in result.verdict.laws]
    judged = {"verdict": result.verdict.judgement, "laws": laws}
    folder.write_json("verdict.json", {"schema": "d7xr.verdict", **header, **judged})
    manifest = {"schema": "d7xr.manifest", **header, **_manifest(result)}
    folder.write_json("manifest.json", {**manifest, "files": _hashes(folder)})
    folder.write_text("log.txt", _log(result))


def _manifest(result: Result) -> dict[str, object]:
    options = result.options
    return {
        "identity": dict(result.identity),
        "is_complete": result.outcome.is_complete,
        "verdict": result.verdict.judgement,
        "frames": len(result.trace),
        "frames_fed": result.outcome.frames,
        "ticks": result.outcome.ticks,
        "left_out": dict(result.feed.left_out),
        "options": {
            "mapping": options.mapping,
            "database": None if options.database is None else options.database.name,
            "channel": options.channel,
            "calibration": options.calibration,
            "formats": list(options.formats),
            "rate_hz": options.rate_hz,
            "target": options.target,
        },
    }


def _hashes(folder: RunFolder) -> dict[str, str]:
    return {name: sha256_of(folder.partial / name) for name in folder.files}


def _log(result: Result) -> str:
    """Return the only file of the folder that depends on the machine: how long it took."""
    lines = [
        f"trace {result.options.trace}",
        f"{len(result.trace)} frames, {result.outcome.ticks} ticks, digest {result.state_digest}",
        f"{result.elapsed_s:.3f} s to read and run, {result.frames_per_s:.0f} frames/s",
        *(f"{p.kind} {p.count}, {p.place}: {p.text}" for p in result.trace.problems),
        *(f"left out {count}: {reason}" for reason, count in result.feed.left_out.items()),
        *([] if result.outcome.is_complete else ["interrupted"]),
    ]
    return "\n".join(lines) + "\n"
