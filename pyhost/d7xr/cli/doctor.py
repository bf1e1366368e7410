"""``d7xr doctor``: what is installed, what works, and the exact command that repairs the rest."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from d7xr.cli import output
from d7xr.doctor_rig import Finding
from d7xr.doctor_rig import findings as findings_of_the_rig

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

EXIT_BROKEN: Final = 3
_OLDEST_PYTHON: Final = (3, 12)
_BASE_PACKAGES: Final = ("numpy", "cffi", "cantools", "can", "serial", "msgspec", "rich")
_EXTRAS: Final = {
    "fast": ("deflate", "BLF and deflated MF4 read faster"),
    "mdf": ("asammdf", "MF4 in and out"),
    "store": ("duckdb", "Parquet out"),
    "sweep": ("distributed", "many traces over several machines"),
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    subparsers.add_parser(
        "doctor",
        help="what is installed, what works, and what repairs it",
        description="Look at Python, compiler, core, extras and recordings. Exit 0 if all that is "
        "needed works, else 3.",
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    findings = [*(check() for check in _CHECKS), *findings_of_the_rig()]
    is_healthy = all(finding.state != "broken" for finding in findings)
    if args.json:
        rows = [asdict(finding) for finding in findings]
        output.emit_json(
            {"schema": "d7xr.doctor", "version": 1, "is_healthy": is_healthy, "findings": rows}
        )
    else:
        output.emit("\n".join(_lines(findings)))
    return 0 if is_healthy else EXIT_BROKEN


def _lines(findings: list[Finding]) -> list[str]:
    """Return plain lines: the doctor must be able to speak where rich is not installed."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.state:6}  {finding.name:{width}}  {finding.detail}")
        if finding.repair is not None:
            lines.append(f"{'':6}  {'':{width}}  repair: {finding.repair}")
    return lines


def _python() -> Finding:
    detail = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] >= _OLDEST_PYTHON:
        return Finding("python", "ok", detail)
    return Finding("python", "broken", f"{detail}; 3.12 or newer is needed", "install python3.12")


def _packages() -> Finding:
    absent = [name for name in _BASE_PACKAGES if importlib.util.find_spec(name) is None]
    if not absent:
        return Finding("packages", "ok", ", ".join(_BASE_PACKAGES))
    return Finding("packages", "broken", f"not installed: {', '.join(absent)}", _install("d7xr"))


def _core() -> Finding:
    """Load the firmware into this process and let it run a tick."""
    try:
        from d7xr.ecu import Ecu, core_identity

        ecu = Ecu()
        ecu.tick()
        identity = core_identity()
        identity.pop("flags")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the doctor is asked for
        return Finding("core", "broken", f"{type(error).__name__}: {error}", _install("."))
    told = ", ".join(f"{name} {value}" for name, value in identity.items())
    return Finding("core", "ok", told)


def _compiler() -> Finding:
    compiler = os.environ.get("CC") or "gcc"
    found = shutil.which(compiler.split()[0])
    if found is None:
        detail = f"{compiler} not found; needed to build the core, not to run it"
        return Finding("compiler", "absent", detail, "sudo apt-get install gcc python3-dev")
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    first_line = (told.stdout.splitlines() or ["says nothing"])[0]
    return Finding("compiler", "ok", f"{first_line} at {found}")


def _extra(name: str) -> Finding:
    package, purpose = _EXTRAS[name]
    if importlib.util.find_spec(package) is None:
        repair = _install(f"d7xr[{name}]")
        return Finding(f"extra {name}", "absent", f"{purpose}: {package}", repair)
    from importlib.metadata import version

    return Finding(f"extra {name}", "ok", f"{purpose}: {package} {version(package)}")


def _recordings() -> Finding:
    """Look for the recordings that the tests replay; only who tests d7xr itself needs them."""
    variable = "D7XR_RECORDINGS"
    told = os.environ.get(variable)
    folder = Path(told) if told else Path("..") / "shared" / "data"
    if (folder / "manifest.tsv").is_file():
        return Finding("recordings", "ok", f"{folder}")
    detail = f"none in {folder}; only the tests of d7xr want them"
    return Finding("recordings", "absent", detail, f"export {variable}=FOLDER")


def _install(what: str) -> str:
    return f"{sys.executable} -m pip install '{what}'"


_CHECKS: Final[tuple[Callable[[], Finding], ...]] = (
    _python,
    _packages,
    _core,
    _compiler,
    lambda: _extra("fast"),
    lambda: _extra("mdf"),
    lambda: _extra("store"),
    lambda: _extra("sweep"),
    _recordings,
)
