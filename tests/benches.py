"""What stories about torque and cooling share: calibrations with other numbers, words of codes."""

import numpy as np

from d7xr.ecu import Ecu, calibration_default, calibration_parameters

RISE_Nm = 3.0 + 1e-3
"""Granted torque rises by 3000 Nm/s, which is 3 Nm a tick; and a rounding of float32."""

HEAL_Nm = 0.5 + 1e-3
"""After a fault by 500 Nm/s."""


def calibrated(**changes: float | tuple[float, ...]) -> bytes:
    """Return the built-in set with other numbers; a double underscore stands for the point.

    Example:
        >>> len(calibrated(torque__rise_Nmps=1000.0)) == len(calibration_default())
        True
    """
    blob = bytearray(calibration_default())
    table = {parameter.name: parameter for parameter in calibration_parameters()}
    for name, value in changes.items():
        parameter = table[name.replace("__", ".")]
        column = np.frombuffer(
            blob, "<f4" if parameter.ctype == "float" else "<u4", parameter.count, parameter.offset
        )
        column[:] = value
    return bytes(blob)


def words_of(name: str) -> dict[int, str]:
    """Return the words of a coded state."""
    field = next(field for field in Ecu.fields() if field.name == name)
    assert field.choices is not None
    return dict(field.choices)


REASON = {word: code for code, word in words_of("torque.reason").items()}
COOLING = {word: code for code, word in words_of("cooling.state").items()}


def bound(reason: str) -> str:
    """Return the state that holds the bound of a reason."""
    return f"torque.bound_Nm[{REASON[reason]}]"
