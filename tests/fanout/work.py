"""Work that a test hands to other processes: it must be found there by its name."""

import os
import signal
import threading
from pathlib import Path

from d7xr.errors import EnvironmentFault, TraceError


def square(number: int) -> dict[str, object]:
    """Return a row of two values."""
    return {"number": number, "square": number * number}


def marked(argument: tuple[Path, int]) -> dict[str, object]:
    """Leave a line that says that this job was done, and by whom; then return its row."""
    folder, number = argument
    with (folder / f"{number}.done").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    return square(number)


def fragile(argument: tuple[Path, int]) -> dict[str, object]:
    """Fail in each way that a job can, by its number."""
    folder, number = argument
    if number == 1:
        raise TraceError("drive.log:7: no id before '#'", hint="remove the line")
    if number == 2:
        raise ZeroDivisionError("nobody expected this")
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 4 and not (folder / "room").exists():
        raise EnvironmentFault("no room left", hint="free some space")
    return marked(argument)


def not_a_number(_: int) -> dict[str, object]:
    """Return what JSON cannot hold."""
    return {"gain": float("nan"), "loss": 1.0}


def stuck(argument: tuple[Path, int]) -> dict[str, object]:
    """Do the first job, and never end the others."""
    row = marked(argument)
    if argument[1]:
        threading.Event().wait()
    return row


def held(argument: tuple[Path, int]) -> dict[str, object]:
    """Say that the job has begun, and do it once the test says go."""
    row = marked(argument)
    while not (argument[0] / "go").exists():
        threading.Event().wait(0.02)
    return row
