"""``d7xr hil``: the rig's test-suite on a board or an emulated one."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from d7xr.cli import output
from d7xr.errors import EnvironmentFault, InconclusiveError, RigError, UsageError

if TYPE_CHECKING:
    import argparse

    import pytest

SUITE: Final = Path("hil") / "tests"
_TIME_OUT_S: Final = 120.0

_EXIT_OF_PYTEST: Final = {2: 130, 3: RigError.exit_code, 4: UsageError.exit_code}
"""Its interrupted, internal error and usage error; the other codes say less than the account."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "hil",
        help="the rig's test-suite, on a board or an emulated one",
        description="Run the tests of hil/tests, or other tests that use the plug-in. Trouble of "
        "the rig ends with exit code 3, wrong behaviour with 1.",
        epilog="Options of pytest go behind two hyphens: d7xr hil -- -k replay -x",
    )
    parser.add_argument(
        "--target", action="append", metavar="NAME",
        help="sil, emulated, board-emulated, board, serial:PORT or a board's name; may be given "
        "several times; default: the board of the rig file, else emulated",
    )  # fmt: skip
    parser.add_argument("--rig", type=Path, metavar="FILE", help="default: hil/rig.toml")
    parser.add_argument("--board", metavar="NAME", help="which board of the rig file")
    parser.add_argument(
        "--soak-s", type=float, metavar="S", help="how long the soak test runs; default: 2"
    )
    parser.add_argument("--bundles", type=Path, metavar="DIR", help="where failures are kept")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit file")
    parser.add_argument(
        "--require-hw", action="store_true", help="a skip for want of a capability is a failure"
    )
    parser.add_argument("tests", nargs="*", metavar="TEST", help="tests, and options of pytest")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    if importlib.util.find_spec("pytest") is None:
        raise UsageError(
            "pytest is not installed", hint=f"{sys.executable} -m pip install 'd7xr[hil]'"
        )
    import pytest

    account = Account()
    # With --json, standard output belongs to the one document.
    aside = contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext()
    with aside:
        code = pytest.main(_words(args), plugins=[account])
    outcome = account.exit_code(int(code))
    if args.json:
        counts = {name: account.counts[name] for name in ("passed", "failed", "error", "skipped")}
        output.emit_json(
            {"schema": "d7xr.hil", "version": 1, **counts, "targets": _targets(args)}
            | {"exit_code": outcome, "trouble": account.trouble}
        )
    elif outcome == InconclusiveError.exit_code:
        output.note("d7xr: nothing was tested")
    return outcome


class Account:
    """Counts what became of the tests; pytest's own exit code does not tell rig from unit.

    Attributes:
        counts: Tests by outcome: passed, failed, error, skipped.
        trouble: The first error's text.
    """

    def __init__(self) -> None:
        """Nothing has run."""
        self.counts: Counter[str] = Counter()
        self.trouble: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a report."""
        if report.failed:
            self.counts["failed" if report.when == "call" else "error"] += 1
            if report.when != "call" and self.trouble is None:
                self.trouble = report.longreprtext
        elif report.skipped:
            self.counts["skipped"] += 1
        elif report.when == "call":
            self.counts["passed"] += 1

    def exit_code(self, of_pytest: int) -> int:
        """Return the exit code by which the session ends; the worst wins."""
        if of_pytest in _EXIT_OF_PYTEST:
            return _EXIT_OF_PYTEST[of_pytest]
        if self.counts["error"]:
            return RigError.exit_code
        if self.counts["failed"] or of_pytest == 1:
            return 1
        return 0 if self.counts["passed"] else InconclusiveError.exit_code


def _words(args: argparse.Namespace) -> list[str]:
    """Return the arguments of pytest."""
    words = ["-p", "no:randomly"]  # the order of the files is the order of trust
    words += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    if not _is_registered():
        words += ["-p", "d7xr.pytest_plugin"]
    for target in _targets(args):
        words += ["--d7xr-target", target]
    for option, value in (
        ("rig", args.rig), ("board", args.board), ("soak-s", args.soak_s), ("bundles", args.bundles)
    ):  # fmt: skip
        if value is not None:
            words += [f"--d7xr-{option}", str(value)]
    if args.require_hw:
        words.append("--d7xr-require-hw")
    if args.junit is not None:
        words.append(f"--junit-xml={args.junit}")
    if importlib.util.find_spec("pytest_timeout") is not None:
        words.append(f"--timeout={_TIME_OUT_S + (args.soak_s or 0):g}")
    named = [word for word in args.tests if not word.startswith("-") and _is_test(word)]
    return [*words, *args.tests, *([] if named else [str(_suite())])]


def _is_test(word: str) -> bool:
    return Path(word.partition("::")[0]).exists()


def _targets(args: argparse.Namespace) -> list[str]:
    if args.target:
        return list(args.target)
    if os.environ.get("D7XR_TARGET"):
        return os.environ["D7XR_TARGET"].split()
    from d7xr.rig import find_rig

    return ["board"] if args.board or find_rig(args.rig) is not None else ["emulated"]


def _suite() -> Path:
    """Return the suite's folder: here, above, or beside the package in its own tree."""
    here = Path.cwd()
    tree = Path(__file__).resolve().parents[3]
    for folder in (here, *here.parents, tree):
        if (folder / SUITE / "conftest.py").is_file():
            return folder / SUITE
    raise EnvironmentFault(
        f"no {SUITE} here or above", hint="name your own tests: d7xr hil --target sil my_tests"
    )


def _is_registered() -> bool:
    from importlib.metadata import entry_points

    points: Any = entry_points(group="pytest11")
    return any(point.value == "d7xr.pytest_plugin" for point in points)
