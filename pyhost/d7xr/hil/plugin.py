"""What the plug-in does once a target is named: handshake, health, poison, bundles, the account.

Trouble of the rig is an error, wrong behaviour a failure; the two never mix. The first trouble
poisons the place: what is left errors at once with that cause, and nothing is tried again.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from d7xr.errors import D7xrError, EnvironmentFault, LinkError, RigError, UsageError
from d7xr.hil.machines import BULK, find_machine
from d7xr.names import nearest
from d7xr.rig import CAPABILITIES, Rig, find_rig, load_rig

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from d7xr.hil.identity import Identity
    from d7xr.hil.machines import Machine
    from d7xr.hil.witness import Witness
    from d7xr.pytest_plugin import Settings
    from d7xr.target import Target

MACHINE: Final = "d7xr_machine"
TROUBLE: Final = (RigError, LinkError, EnvironmentFault)

_KNOWN: Final = {*CAPABILITIES, BULK}


@dataclass(slots=True)
class Session:
    """One run of pytest with one or more targets.

    Attributes:
        settings: What the plug-in was told.
        identity: Who answered, by target.
        poison: The first trouble of a target and its remedy, by the target's name.
        missing: How often a capability was missing, by what was said.
        ticks_run: Ticks that the units ran.
        ticks_compared: Ticks compared with the desk.
        bundles: What was kept.
    """

    settings: Settings
    identity: dict[str, Identity] = field(default_factory=dict)
    poison: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    ticks_run: Counter[str] = field(default_factory=Counter)
    ticks_compared: Counter[str] = field(default_factory=Counter)
    bundles: list[str] = field(default_factory=list)
    _machines: dict[str, Machine] = field(default_factory=dict)
    _open: dict[str, Target] = field(default_factory=dict)
    _rig: Rig | None = None

    def machine(self, name: str) -> Machine:
        """Return the machine of that name, started or not."""
        if name not in self._machines:
            if self._rig is None:
                path = find_rig(self.settings.rig)
                self._rig = None if path is None else load_rig(path)
            self._machines[name] = find_machine(name, rig=self._rig, board=self.settings.board)
        return self._machines[name]

    @contextlib.contextmanager
    def started(self, name: str) -> Iterator[Machine]:
        """Lock a machine, start it and make sure who answers, for the length of the session."""
        from d7xr.hil.identity import handshake
        from d7xr.hil.lock import BoardLock

        machine = self.machine(name)
        with contextlib.ExitStack() as stack:
            if machine.board is not None:
                stack.enter_context(BoardLock(machine.board.key, name=machine.name))
            stack.enter_context(machine)
            self.identity[name] = handshake(machine)
            stack.callback(self.let_go, name)
            yield machine

    def open_target(self, name: str) -> Target:
        """Return the open target of a started machine; it stays open from test to test."""
        if name not in self._open:
            target = self.machine(name).target()
            target.__enter__()
            self._open[name] = target
        return self._open[name]

    def let_go(self, name: str) -> None:
        """Close the open target, so that a test may have the port, or because it is spoilt."""
        target = self._open.pop(name, None)
        if target is not None:
            with contextlib.suppress(D7xrError):
                target.__exit__(None, None, None)


SESSION: Final = pytest.StashKey[Session]()
UNIT: Final = pytest.StashKey["Witness"]()
SPOILT: Final = pytest.StashKey[bool]()


def register(config: pytest.Config, settings: Settings) -> None:
    """Add fixtures and hooks to a session whose target is known.

    Raises:
        pytest.UsageError: A target, rig file or board that does not exist.
    """
    from d7xr.hil import fixtures

    session = Session(settings)
    try:
        for name in settings.targets:
            session.machine(name)
    except D7xrError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[SESSION] = session
    config.pluginmanager.register(fixtures, "d7xr_fixtures")
    config.pluginmanager.register(Hooks(session), "d7xr_hooks")


def machine_name(item: pytest.Item) -> str | None:
    """Return the target that an item runs on, or None where it asks for none."""
    callspec = getattr(item, "callspec", None)
    name = None if callspec is None else callspec.params.get(MACHINE)
    return None if name is None else str(name)


class Hooks:
    """The hooks of a session with a target."""

    def __init__(self, session: Session) -> None:
        """Keep the session."""
        self._session = session

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run what asks for a unit on every target that was named."""
        if MACHINE in metafunc.fixturenames:
            metafunc.parametrize(
                MACHINE, self._session.settings.targets, indirect=True, scope="session"
            )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Let one worker of xdist have all tests of a target: a board has one port."""
        if config.pluginmanager.hasplugin("xdist"):
            for item in items:
                if machine_name(item) is not None:
                    item.add_marker(pytest.mark.xdist_group(machine_name(item)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip what the place cannot do, then refuse a poisoned one."""
        name = machine_name(item)
        if name is None:
            return
        item.user_properties.append(("target", name))
        item.user_properties += [
            ("requirement", str(requirement))
            for marker in item.iter_markers("req")
            for requirement in marker.args
        ]
        self._require(item, name)
        if name in self._session.poison:
            cause, remedy = self._session.poison[name]
            raise RigError(f"{name} failed before: {cause}", hint=remedy)

    def _require(self, item: pytest.Item, name: str) -> None:
        wanted = [str(word) for marker in item.iter_markers("needs") for word in marker.args]
        for word in wanted:
            if word not in _KNOWN:
                raise UsageError(f"needs({word!r}): no such capability", hint=nearest(word, _KNOWN))
        has = self._session.machine(name).capabilities
        lacking = sorted({word for word in wanted if word not in has})
        if not lacking:
            return
        reason = f"{name} has no {', '.join(lacking)}"
        self._session.missing[reason] += 1
        if self._session.settings.requires_hw:
            pytest.fail(f"{reason}, and --d7xr-require-hw allows no skip", pytrace=False)
        pytest.skip(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Judge the counters of unit and link as part of the test."""
        name = machine_name(item)
        if name in self._session.identity:
            item.user_properties += self._session.identity[name].properties().items()
        yield
        unit = item.stash.get(UNIT, None)
        if name is not None and unit is not None:
            from d7xr.hil.health import complaints, counters

            upset = [str(word) for mark in item.iter_markers("upsets") for word in mark.args]
            found = counters(unit, self._session.machine(name).capabilities)
            said = complaints(found, upset)
            if said:
                pytest.fail("; ".join(said), pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell trouble from failure, and keep what a failure needs."""
        report = yield
        name = machine_name(item)
        unit = item.stash.get(UNIT, None)
        if name is None:
            return report
        if call.when == "call" and unit is not None:
            self._session.ticks_run[name] += unit.ticks_run
        if call.when == "call" and (report.failed or item.get_closest_marker("upsets")):
            item.stash[SPOILT] = True  # the next test begins with counters at 0
        error = call.excinfo.value if call.excinfo is not None else None
        is_trouble = isinstance(error, TROUBLE)
        if isinstance(error, TROUBLE):
            cause = f"{error.message} (in {item.nodeid})"
            self._session.poison.setdefault(name, (cause, error.hint))
            report.longrepr = str(error)  # a transport's traceback tells nobody anything
            report.when = "setup" if report.when == "call" else report.when
        if call.when == "call" and report.failed and unit is not None:
            self._keep(item, name, unit, report, is_trouble=is_trouble)
        return report

    def _keep(
        self, item: pytest.Item, name: str, unit: Witness, report: pytest.TestReport, *,
        is_trouble: bool,
    ) -> None:  # fmt: skip
        from d7xr.hil.bundle import command, write_bundle

        identity = self._session.identity[name].properties()
        try:
            folder = write_bundle(
                self._session.settings.bundles, item.nodeid, unit, cause=report.longreprtext,
                identity=identity, is_alive=not is_trouble,
            )  # fmt: skip
        except OSError as error:
            report.sections.append(("d7xr", f"nothing kept, {error}"))
            return
        self._session.bundles.append(str(folder))
        item.user_properties.append(("bundle", str(folder)))
        who = ", ".join(f"{key} {value}" for key, value in identity.items())
        told = f"{name}: {who}\nkept in {folder}\non the desk: {command(folder)}"
        report.sections.append(("d7xr", told))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a session that skipped more than it may."""
        bound = self._session.settings.skips_max
        if bound is not None and self._session.missing.total() > bound and exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Account for what ran, and end with the cause of trouble, where there was some."""
        terminalreporter.section("d7xr")
        for line in summary(self._session):
            terminalreporter.write_line(line)


def summary(session: Session) -> list[str]:
    """Return the closing lines of a session."""
    lines = []
    for name in session.settings.targets:
        identity = session.identity.get(name)
        who = "nobody answered"
        if identity is not None:
            who = ", ".join(f"{key} {value}" for key, value in identity.properties().items())
        ran = f"{session.ticks_run[name]:,} ticks run"
        lines.append(f"{name}: {who}; {ran}, {session.ticks_compared[name]:,} compared")
    lines += [f"skipped {count}: {reason}" for reason, count in sorted(session.missing.items())]
    bound = session.settings.skips_max
    if bound is not None and session.missing.total() > bound:
        lines.append(f"{session.missing.total()} skips, at most {bound} are allowed")
    lines += [f"kept: {folder}" for folder in session.bundles]
    for name, (cause, remedy) in session.poison.items():
        lines += [f"rig trouble, {name}: {cause}", *([remedy] if remedy else [])]
    return lines
