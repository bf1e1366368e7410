"""Checkers of the rules of style: pure functions from files to findings.

Each has a test on the real tree, a floor on how much it looked at, and a canary: a planted
violation that it must find, and a clean twin that it must pass.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One violation of one rule.

    Attributes:
        place: File, with its line where there is one (``core/torque.c:12``).
        text: What is wrong there.
    """

    place: str
    text: str

    def __str__(self) -> str:
        """Return the finding as compilers print theirs."""
        return f"{self.place}: {self.text}"


def report(findings: list[Finding]) -> str:
    """Lay findings out one a line, for the message of a failed test."""
    return "\n" + "\n".join(str(finding) for finding in sorted(findings))
