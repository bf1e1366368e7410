"""The fixtures of the plug-in; pytest sees them only where a target was named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from d7xr.ecu import calibration_default
from d7xr.errors import UsageError
from d7xr.hil.plugin import SESSION, SPOILT, UNIT
from d7xr.hil.replaying import compare_with_desk, cut, load_drive
from d7xr.hil.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.compare import Comparison
    from d7xr.database import Column
    from d7xr.frames import Frames
    from d7xr.hil.machines import Machine
    from d7xr.hil.plugin import Session
    from d7xr.simulator.loop import Drive


@dataclass(frozen=True, slots=True)
class Recorder:
    """What the unit of this test was told and what it answered, since its last start.

    Attributes:
        unit: The unit.
    """

    unit: Witness

    @property
    def fed(self) -> Frames:
        """Frames that the unit was told; times are those of their ticks."""
        return self.unit.fed

    @property
    def sent(self) -> Frames:
        """Frames that the unit sent."""
        return self.unit.sent

    def signal(self, name: str) -> Column:
        """Return a signal that the unit sent, as ``<Message>.<Signal>``: times, values, validity.

        Raises:
            UsageError: The bus has no such signal.
        """
        from d7xr.database import Database

        message, _, signal = name.partition(".")
        columns = Database.own().decode_columns(self.unit.sent, message)
        if signal not in columns:
            raise UsageError(f"{message} has no signal '{signal}'", hint="see `d7xr signals`")
        return columns[signal]


@dataclass(frozen=True, slots=True)
class Replay:
    """Runs drives on the unit and on the desk at once.

    Attributes:
        unit: The unit.
        session: Counts the ticks.
        machine: Where the unit runs.
        trace: The trace that is meant where none is named.
    """

    unit: Witness
    session: Session
    machine: Machine
    trace: Path

    def __call__(
        self, drive: Path | Frames | None = None, *, from_ms: int = 0, to_ms: int | None = None
    ) -> Comparison:
        """Start both anew, run a drive or a part of it, and compare after every tick.

        Args:
            drive: A trace or frames; None takes the trace of the test's marker, else the demo.
            from_ms: Where to begin, from its first frame.
            to_ms: Where to end; None takes it all.
        """
        if drive is None or isinstance(drive, Path):
            drive = load_drive(drive or self.trace)
        if from_ms or to_ms is not None:
            drive = cut(drive, from_ms, drive.ticks if to_ms is None else to_ms)
        done = compare_with_desk(self.unit, drive)
        self.session.ticks_compared[self.machine.name] += done.ticks
        return done


@dataclass(frozen=True, slots=True)
class Simulate:
    """Drives scenarios in closed loop, with the unit and with one on the desk.

    Attributes:
        unit: The unit.
        session: Counts the ticks.
        machine: Where the unit runs.
    """

    unit: Witness
    session: Session
    machine: Machine

    def __call__(self, scenario: str, *, lasts_s: float | None = None) -> tuple[Drive, Drive]:
        """Drive a scenario twice, and return what came of it with the unit and on the desk.

        State and frames of every tick are in ``Drive.run_digest``. Where it differs, a replay of
        ``recorder.fed`` tells the first tick.

        Args:
            scenario: Name of a shipped scenario, or a file.
            lasts_s: When to end; None drives it to its end.
        """
        from msgspec.structs import replace

        from d7xr.simulator.loop import Loop
        from d7xr.simulator.scenario import load

        told = load(scenario).scenario
        if lasts_s is not None:
            told = replace(told, lasts_s=lasts_s)
        calibration = self.unit.calibration
        desk = Loop(told, scenario).drive(calibration)
        unit = Loop(told, scenario).drive_on(self.unit, calibration)
        self.session.ticks_compared[self.machine.name] += unit.ticks
        return unit, desk


@pytest.fixture(scope="session")
def d7xr_machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """The place where the unit runs, locked, started and identified."""
    with request.config.stash[SESSION].started(str(request.param)) as machine:
        yield machine


@pytest.fixture
def rig(request: pytest.FixtureRequest, d7xr_machine: Machine) -> Machine:
    """The place where the unit runs: its port, its supply, what it can do.

    Its port is free, unless the test also asks for a unit: a port is for one at a time.
    """
    if "ecu" not in request.fixturenames:
        request.config.stash[SESSION].let_go(d7xr_machine.name)
    return d7xr_machine


@pytest.fixture
def ecu(request: pytest.FixtureRequest, d7xr_machine: Machine) -> Iterator[Witness]:
    """A unit that has just been started with the built-in calibration, and is left with it."""
    session = request.config.stash[SESSION]
    name = d7xr_machine.name
    try:
        unit = Witness(session.open_target(name))
    except BaseException:
        session.let_go(name)
        raise
    request.node.stash[UNIT] = unit
    yield unit
    if SPOILT in request.node.stash:
        session.let_go(name)
    elif unit.calibration != calibration_default():
        unit.start()  # a board keeps its set, and the next test may come without a unit


@pytest.fixture
def recorder(ecu: Witness) -> Recorder:
    """What the unit of this test was told and what it answered."""
    return Recorder(ecu)


@pytest.fixture
def replay(request: pytest.FixtureRequest, ecu: Witness, d7xr_machine: Machine) -> Replay:
    """Runs a drive on the unit and on the desk at once."""
    session = request.config.stash[SESSION]
    return Replay(ecu, session, d7xr_machine, _trace(request, session))


@pytest.fixture
def simulate(request: pytest.FixtureRequest, ecu: Witness, d7xr_machine: Machine) -> Simulate:
    """Drives a scenario in closed loop with the unit and on the desk."""
    return Simulate(ecu, request.config.stash[SESSION], d7xr_machine)


@pytest.fixture
def d7xr_soak_s(request: pytest.FixtureRequest) -> float:
    """How long a soak test runs, seconds."""
    return request.config.stash[SESSION].settings.soak_s


def _trace(request: pytest.FixtureRequest, session: Session) -> Path:
    marker = request.node.get_closest_marker("trace")
    if marker is None:
        from d7xr.demo import demo_trace_path

        return demo_trace_path()
    folder = session.settings.trace_dir
    path = (folder or Path()) / str(marker.args[0])
    if not path.is_file():
        if session.settings.requires_hw:
            pytest.fail(f"no trace {path}", pytrace=False)
        pytest.skip(f"no trace {path}: name its folder with --d7xr-trace-dir")
    return path
