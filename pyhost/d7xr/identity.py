"""Who ran what: the names and hashes by which a run can be told from another and done again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d7xr import __version__
from d7xr.runfolder import sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from d7xr.calibration import CalibrationSet

SCHEMA_VERSION = "1"


def of_run(
    *,
    target: str,
    calibration: CalibrationSet,
    inputs: Mapping[str, Path],
) -> dict[str, str]:
    """Return the identity of a run; it holds no clock and no folder, so equal runs are equal here.

    Args:
        target: Where the unit runs.
        calibration: The set it runs with.
        inputs: What was read, by role (``trace``, ``mapping``, ``database``).

    Returns:
        Texts by name, in a fixed order; each input with file name and SHA-256.
    """
    from d7xr.ecu import core_identity

    identity = {"product": "d7xr", "version": __version__, "schema": SCHEMA_VERSION}
    identity |= {"target": target}
    identity |= core_identity(calibration.blob)
    identity |= {"calibration": calibration.name}
    for role, path in inputs.items():
        identity |= {role: path.name, f"{role}_sha256": sha256_of(path)}
    return identity
