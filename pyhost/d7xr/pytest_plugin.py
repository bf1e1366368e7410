"""The pytest plug-in, inert until it is told where the unit runs.

Merely installed it registers options, ini keys and markers. It opens nothing, prints nothing and
imports nothing of weight; fixtures and hooks come with ``--d7xr-target`` alone::

    pytest --d7xr-target=sil my_tests
    pytest --d7xr-target=board --d7xr-rig=hil/rig.toml my_tests

Every option is also an ini key (``d7xr_target``) and a variable (``D7XR_TARGET``); the command line
comes before the variable, the variable before the file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

_MARKERS: Final = (
    "hil: runs on the target that --d7xr-target names",
    "needs(*capabilities): what the place must be able to do, for example needs('serial', 'power')",
    "req(id): the requirement that this test proves",
    "trace(name): the trace that the fixture `replay` takes, a file of --d7xr-trace-dir",
    "upsets(*counters): health counters that this test raises on purpose",
)

_OPTIONS: Final = {
    "rig": ("FILE", "the rig file; else hil/rig.toml here or above"),
    "board": ("NAME", "which board of the rig the target `board` means"),
    "trace_dir": ("DIR", "folder of the traces that tests name"),
    "bundles": ("DIR", "where failures are kept; else runs/failed"),
    "soak_s": ("S", "how long a soak test runs, in seconds; else 2"),
    "skips_max": ("N", "more skips for want of a capability fail the session"),
}
_TRUE: Final = frozenset({"1", "true", "yes"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the plug-in was told.

    Attributes:
        targets: Where to run, in order; empty where nobody asked.
        rig: The rig file that was named.
        board: Which board ``board`` means.
        trace_dir: Folder of traces.
        bundles: Where failures are kept.
        soak_s: How long a soak test runs, seconds.
        skips_max: Most skips for want of a capability; None is no bound.
        requires_hw: Whether such a skip is a failure.
    """

    targets: tuple[str, ...]
    rig: Path | None
    board: str | None
    trace_dir: Path | None
    bundles: Path
    soak_s: float
    skips_max: int | None
    requires_hw: bool


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register options and ini keys."""
    group = parser.getgroup("d7xr", "vehicle control unit d7xr")
    group.addoption(
        "--d7xr-target", action="append", metavar="NAME", dest="d7xr_target", default=None,
        help="where the unit runs: sil, emulated, board-emulated, board, serial:PORT, or a board's "
        "name; may be given several times",
    )  # fmt: skip
    parser.addini("d7xr_target", "where the unit runs, as --d7xr-target", type="args", default=[])
    for name, (metavar, text) in _OPTIONS.items():
        option = f"--d7xr-{name.replace('_', '-')}"
        group.addoption(option, metavar=metavar, dest=f"d7xr_{name}", default=None, help=text)
        parser.addini(f"d7xr_{name}", f"as {option}", default="")
    group.addoption(
        "--d7xr-require-hw", action="store_true", dest="d7xr_require_hw", default=None,
        help="a skip for want of a capability is a failure",
    )  # fmt: skip
    parser.addini("d7xr_require_hw", "as --d7xr-require-hw", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Register markers; all else only where a target was named."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    targets = _targets(config)
    if targets:
        from d7xr.hil import plugin

        plugin.register(config, _settings(config, targets))


def _targets(config: pytest.Config) -> tuple[str, ...]:
    told = config.getoption("d7xr_target")
    words: list[str] = told or os.environ.get("D7XR_TARGET", "").split()
    return tuple(words or config.getini("d7xr_target"))


def _settings(config: pytest.Config, targets: tuple[str, ...]) -> Settings:
    def text(name: str) -> str:
        told = config.getoption(f"d7xr_{name}")
        told = told or os.environ.get(f"D7XR_{name.upper()}") or config.getini(f"d7xr_{name}")
        return str(told)

    def number(name: str, default: str) -> float:
        import pytest

        told = text(name) or default
        try:
            return float(told)
        except ValueError:
            raise pytest.UsageError(
                f"--d7xr-{name.replace('_', '-')}: {told!r} is no number"
            ) from None

    requires = config.getoption("d7xr_require_hw") or config.getini("d7xr_require_hw")
    requires = requires or os.environ.get("D7XR_REQUIRE_HW", "").lower() in _TRUE
    return Settings(
        targets=targets,
        rig=Path(text("rig")) if text("rig") else None,
        board=text("board") or None,
        trace_dir=Path(text("trace_dir")) if text("trace_dir") else None,
        bundles=Path(text("bundles") or Path(os.environ.get("D7XR_RUNS_DIR") or "runs") / "failed"),
        soak_s=number("soak_s", "2"),
        skips_max=int(number("skips_max", "0")) if text("skips_max") else None,
        requires_hw=bool(requires),
    )
