"""One simulation, from the name of a scenario to what came of it."""

from __future__ import annotations

import gzip
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from d7xr import calibration, cars, identity, recorder, replay, session, verdict
from d7xr.errors import DifferenceError, UsageError
from d7xr.events import find
from d7xr.recording import STREAMED, Column, Group, require_formats
from d7xr.replay import Feed, Progress
from d7xr.simulator import figures
from d7xr.simulator.loop import TICK_US, Loop
from d7xr.simulator.scenario import load
from d7xr.target.choice import refuse_unknown, started
from d7xr.trace.candump import text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from d7xr.demo.check import FlightCheck
    from d7xr.ecu import Ecu
    from d7xr.runfolder import RunFolder
    from d7xr.simulator.figures import Belief
    from d7xr.simulator.loop import Drive, Truth
    from d7xr.simulator.scenario import Source
    from d7xr.target import Target

TRACE_NAME: Final = "trace.log.gz"
"""Name of the trace in a run folder: what the unit was fed, as replay material."""

CALIBRATION_NAME: Final = "calibration.toml"
"""Set of a scenario that changes the calibration: the trace replays under it."""

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Options:
    """What to simulate, and how.

    Attributes:
        scenario: A scenario file, or the name of a shipped one.
        calibration: A calibration set; None takes that of the scenario's event, else ``default``.
        car: The car that is laid over it, a file or the name of a shipped one; None is none.
        event: Event of the season under whose weather it is held; None takes the scenario's own.
        targets: Where the unit runs; each target closes a loop of its own, and they must agree.
        out: Run folder to write; None writes nothing.
        formats: Formats of the recording in that folder.
        rate_hz: Rate of the unit's states and of the truth.
        record: Which states, by C path with ``*`` and ``?``; all of them if empty.
    """

    scenario: str
    calibration: str | None = None
    car: str | None = None
    event: str | None = None
    targets: tuple[str, ...] = ("sil",)
    out: Path | None = None
    formats: tuple[str, ...] = ("mf4",)
    rate_hz: int = 100
    record: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """What came of a simulation.

    Attributes:
        source: The scenario and where it came from.
        drive: What the car did.
        replayed: The same frames as a replay takes them: states, events, verdict.
        checks: True flights against those that the unit told of.
        beliefs: Quantities as they were and as the unit believed them.
        figures: What the scenario's expectations look at.
        expected: How these fared; they are among the laws of the verdict too.
    """

    source: Source
    drive: Drive
    replayed: session.Result
    checks: tuple[FlightCheck, ...]
    beliefs: tuple[Belief, ...]
    figures: dict[str, float]
    expected: tuple[verdict.Law, ...]

    @property
    def exit_code(self) -> int:
        """Exit code of the verdict."""
        return self.replayed.verdict.exit_code

    def as_document(self) -> dict[str, object]:
        """Return the result as one JSON object; units are in the keys."""
        document = self.replayed.as_document()
        return document | {"schema": "d7xr.simulate", **self.simulated()}

    def simulated(self) -> dict[str, object]:
        """Return what a simulation knows beyond a replay."""
        return {
            "scenario": self.source.name,
            "story": self.source.scenario.story,
            "seed": self.source.scenario.seed,
            "true_flights": [asdict(flight) for flight in self.drive.flights],
            "flights_checked": [asdict(check) for check in self.checks],
            "beliefs": [asdict(belief) for belief in self.beliefs],
            "figures": self.figures,
            "expected": [asdict(law) for law in self.expected],
        }


def run(
    options: Options,
    *,
    clock: Callable[[], float],
    on_progress: Callable[[Progress], None] | None = None,
) -> Simulation:
    """Drive a scenario in closed loop and, where a folder is named, write what came of it.

    The states of the unit come from a replay of the frames that it was fed, in this process: it
    must end with the digest of the loop, wherever the unit of the loop ran.

    Args:
        options: What to simulate.
        clock: Seconds, for the rate alone.
        on_progress: Called every ten seconds of virtual time.

    Raises:
        DifferenceError: A target does not do what the unit in this process does.
        D7xrError: A scenario, calibration, target or folder that cannot be used.
    """
    from d7xr.ecu import Ecu

    _refuse_early(options)
    source = load(options.scenario, options.event)
    name = options.calibration or source.scenario.event or calibration.DEFAULT
    options = replace(options, calibration=name)
    words = recorder.words()
    named = {fault.name for fault in words.faults.values()}
    figures.refuse_unknown(source.scenario, source.name, named)
    chosen = calibration.changed(
        calibration.load(name, options.car),
        source.scenario.calibration,
        f"{source.name}: [calibration]",
    )
    names = recorder.chosen_states(options.record)
    wanted = (*names, *(name for name in figures.BELIEFS if name not in names))
    started_s = clock()
    with session.begun_folder(options.out) as folder, started(options.targets) as targets:
        drive, truth = _driven(options, source, chosen.blob, targets, on_progress)
        elapsed_s = clock() - started_s
        feed = Feed(drive.frames, 0, drive.ticks, source=(_group(truth),))
        ecu = Ecu(chosen.blob)
        outcome = replay.run(feed, ecu, record=wanted, rate_hz=options.rate_hz)
        _refuse_difference(options.targets[0], drive.run_digest, outcome.digest)
        events = find(outcome, words)
        checks, told = figures.found_flights(drive, events), figures.beliefs(truth, outcome)
        values = figures.figures(drive, events, checks, told)
        expected = figures.judged(source.scenario, values, events)
        laws = verdict.judge(outcome, events, ()).laws
        result = Simulation(
            source=source,
            drive=drive,
            replayed=session.Result(
                options=_as_replayed(options),
                recorded=session.Recorded("simulated", len(drive.frames), (), {}, (), ()),
                outcome=outcome,
                events=events,
                verdict=verdict.Verdict((*laws, *expected)),
                identity=identity.of_run(
                    target=options.targets[0], calibration=chosen, inputs=_inputs(options)
                ),
                calibration=chosen,
                elapsed_s=elapsed_s,
            ),
            checks=checks,
            beliefs=told,
            figures=values,
            expected=expected,
        )
        return result if folder is None else _written(folder, result, feed, ecu)


def _refuse_early(options: Options) -> None:
    refuse_unknown(options.targets)
    replay.refuse_rate(options.rate_hz)
    if options.out is not None:
        require_formats(options.formats)
        streamed = STREAMED.intersection(options.formats)
        if streamed:
            raise UsageError(
                f"a simulation is not written as {', '.join(sorted(streamed))}",
                hint="choose from mf4, parquet, csv; replay its trace for any other",
            )


def _driven(
    options: Options, source: Source, blob: bytes, targets: tuple[Target, ...],
    on_progress: Callable[[Progress], None] | None,
) -> tuple[Drive, Truth]:  # fmt: skip
    """Close a loop on each target; the first one's is what is told of."""
    drives = []
    for target in targets:
        loop = Loop(source.scenario, source.name)

        def show(ticks: int, of: int = loop.ticks) -> None:
            if on_progress is not None:
                on_progress(Progress(ticks, of, 0, 0))

        loop.keep(every_ticks=replay.TICKS_PER_S // options.rate_hz)
        is_here = target.name == session.TWIN
        drive = loop.drive(blob, show) if is_here else loop.drive_on(target, blob, show)
        drives.append(drive)
        _refuse_difference(target.name, drive.run_digest, drives[0].run_digest)
    truth = drives[0].truth
    assert truth is not None
    return drives[0], truth


def _group(truth: Truth) -> Group:
    """Return the truth as a group of a recording."""
    columns = {
        f"truth.{name}": Column(values, truth.units[name], {}, truth.meanings[name])
        for name, values in truth.columns.items()
    }
    return Group("truth", truth.tick * TICK_US, columns, "what the simulated car did", "source")


def _refuse_difference(name: str, digest: int, wanted: int) -> None:
    if digest != wanted:
        raise DifferenceError(
            f"the loop on {name} ends with digest {digest:08x}, not {wanted:08x}",
            hint="find the first difference: d7xr simulate ... --out DIR, then "
            f"d7xr replay DIR/{TRACE_NAME} --target sil --target emulated",
        )


def _as_replayed(options: Options) -> session.Options:
    return session.Options(
        trace=Path(TRACE_NAME),
        calibration=options.calibration or calibration.DEFAULT,
        car=options.car,
        out=options.out,
        formats=options.formats,
        rate_hz=options.rate_hz,
        record=options.record,
        target=options.targets[0],
        compared_with=options.targets[1:],
    )


def _inputs(options: Options) -> dict[str, Path]:
    """Return the files that were read; a shipped scenario is part of the build."""
    given = {"scenario": Path(options.scenario)} if options.scenario.endswith(".toml") else {}
    if options.calibration not in {None, calibration.DEFAULT}:
        given["calibration_file"] = calibration.file_of(str(options.calibration))
    if options.car is not None:
        given["car"] = cars.file_of(options.car)
    return {name: path for name, path in given.items() if path.is_file()}


def _written(folder: RunFolder, result: Simulation, feed: Feed, ecu: Ecu) -> Simulation:
    """Write a run folder as a replay does, with trace, scenario and truth besides."""
    header = {"schema": "d7xr.simulate", "version": SCHEMA_VERSION}
    trace = text_of(result.drive.frames)
    folder.write_bytes(TRACE_NAME, gzip.compress(trace, compresslevel=6, mtime=0))
    folder.write_text("scenario.toml", result.source.text)
    if result.source.scenario.calibration:
        text = calibration.file_text(result.replayed.calibration)
        folder.write_text(CALIBRATION_NAME, text)
    session.write_recording(folder, result.replayed, feed, ecu)
    folder.write_json("simulation.json", {**header, **result.simulated()})
    session.write_documents(folder, result.replayed, ecu)
    return replace(result, replayed=replace(result.replayed, folder=folder.complete()))
