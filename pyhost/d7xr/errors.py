"""The one tree of errors: each kind has one exit code.

A message says what is wrong and where (file and line, frame, signal); the hint says what to do.
"""

from typing import ClassVar


class D7xrError(Exception):
    """Base of every error that the host raises on purpose.

    Args:
        message: What is wrong and where, one line, no full stop.
        hint: What to do about it, one line.

    Attributes:
        message: As given.
        hint: As given, or None where there is nothing to advise.
        kind: Stable word for the kind of error, as it stands in JSON output.
        exit_code: What the command line returns for this kind.

    Example:
        >>> print(TraceError("drive.log:7: no id before '#'", hint="remove the line"))
        drive.log:7: no id before '#'
        remove the line
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep message and hint apart, so that each output can lay them out its own way."""
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message, with the hint on a second line."""
        return self.message if self.hint is None else f"{self.message}\n{self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling, so that a worker process can hand an error to its parent."""
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[D7xrError], message: str, hint: str | None) -> D7xrError:
    return kind(message, hint=hint)


class UsageError(D7xrError):
    """A command or call that makes no sense: unknown option, missing argument, wrong name."""

    kind = "usage"
    exit_code = 2


class ConfigError(D7xrError):
    """A file of settings that cannot be used: mapping, calibration, database, rig."""

    kind = "config"
    exit_code = 2


class TraceError(D7xrError):
    """A recording that cannot be read, or of which one cannot be sure."""

    kind = "trace"
    exit_code = 2


class LinkError(D7xrError):
    """A connection to a unit that is absent, broken or talks nonsense."""

    kind = "link"
    exit_code = 3


class RigError(D7xrError):
    """A rig or board that is not what its description says."""

    kind = "rig"
    exit_code = 3


class EnvironmentFault(D7xrError):  # noqa: N818 - `EnvironmentError` is a built-in name
    """A machine that does not let us work: unwritable folder, full disk."""

    kind = "environment"
    exit_code = 3


class DifferenceError(D7xrError):
    """Two machines that must agree do not, so what one of them did says nothing of the other."""

    kind = "difference"
    exit_code = 1


class InconclusiveError(D7xrError):
    """Nothing was compared or decided, so there is no verdict."""

    kind = "inconclusive"
    exit_code = 4
