"""Laws that must hold in every run, judged on what the unit sent and on what was recorded.

A law that nothing was compared for is inconclusive, never a pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from d7xr.database import Database
from d7xr.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from d7xr.compare import Comparison
    from d7xr.events import Events
    from d7xr.replay import Outcome

type Judgement = Literal["pass", "fail", "inconclusive"]

EXIT_CODES: Final = {"pass": 0, "fail": 1, "inconclusive": 4}
_HALF_STEP_Nm: Final = 0.25
_INERTIAL_BIT: Final = 0


@dataclass(frozen=True, slots=True)
class Law:
    """One law and how it fared.

    Attributes:
        name: Stable word.
        text: The law.
        judgement: How it fared.
        compared: How many samples were looked at.
        evidence: What decided: the first breach, or the least margin.
    """

    name: str
    text: str
    judgement: Judgement
    compared: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All laws of a run, and what they come to: one breach fails, nothing compared is no pass."""

    laws: tuple[Law, ...]

    @property
    def judgement(self) -> Judgement:
        """Return the worst; a law without samples does not spoil a run in which others had some."""
        judgements = [law.judgement for law in self.laws]
        if "fail" in judgements:
            return "fail"
        return "pass" if "pass" in judgements else "inconclusive"

    @property
    def exit_code(self) -> int:
        """Return the exit code of the judgement."""
        return EXIT_CODES[self.judgement]


@dataclass(frozen=True, slots=True)
class Breaches:
    """How often a law was broken, and when first."""

    count: int = 0
    first_tick: int = -1

    def and_then(self, is_breach: NDArray[np.bool_], tick: NDArray[np.int64]) -> Breaches:
        """Add what came later."""
        rows = np.flatnonzero(is_breach)
        if not rows.size:
            return self
        first_tick = self.first_tick if self.count else int(tick[rows[0]])
        return Breaches(self.count + int(rows.size), first_tick)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the laws are judged on; it has the same size for a run of any length.

    Attributes:
        frames: Frames that the unit sent.
        commands: Torque commands among them.
        known: Commands with both the granted torque and the demand.
        excesses: Commands that grant more than was demanded.
        flips: Commands of the opposite sign.
        unknowns: Commands without a torque or a demand.
        numbers: Recorded samples of float states.
        not_finite: The first state that was NaN or infinite, and the tick; None if none was.
    """

    frames: int = 0
    commands: int = 0
    known: int = 0
    excesses: Breaches = Breaches()
    flips: Breaches = Breaches()
    unknowns: Breaches = Breaches()
    numbers: int = 0
    not_finite: tuple[str, int] | None = None


class Tally:
    """Evidence on the torque, gathered stretch by stretch."""

    _MOST_WAITING: Final = 16_384

    def __init__(self) -> None:
        """Begin without any."""
        self._evidence = Evidence()
        command = Database.own().message("TorqueCommand")
        judged = (command.signal("GrantedTorque_Nm"), command.signal("DemandTorque_Nm"))
        self._command = replace(command, signals=judged)  # the others need no decoding
        self._waiting: list[tuple[NDArray[np.int64], NDArray[np.void]]] = []
        self._count = 0

    def take(self, tick: NDArray[np.int64], sent: NDArray[np.void]) -> None:
        """Take frames that the unit sent; the arrays may be overwritten afterwards."""
        is_command = sent["id"] == self._command.frame_id
        self._waiting.append((tick[is_command], sent[is_command]))
        self._count += int(self._waiting[-1][0].size)
        self._evidence = replace(self._evidence, frames=self._evidence.frames + len(sent))
        if self._count >= self._MOST_WAITING:
            self._look()

    def evidence(self, numbers: int, not_finite: tuple[str, int] | None) -> Evidence:
        """Return all, with what was seen of the recorded states."""
        self._look()
        return replace(self._evidence, numbers=numbers, not_finite=not_finite)

    def _look(self) -> None:
        if not self._waiting:
            return
        tick, sent = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        self._waiting, self._count = [], 0
        columns = Database.own().decode_columns(Frames(tick, sent), self._command)
        granted, demand = columns["GrantedTorque_Nm"], columns["DemandTorque_Nm"]
        is_both = granted.valid & demand.valid
        excess_Nm = np.where(is_both, granted.values - demand.values, -np.inf)
        flips = is_both & (granted.values * demand.values < -_HALF_STEP_Nm)
        before = self._evidence
        self._evidence = replace(
            before,
            commands=before.commands + len(tick),
            known=before.known + int(is_both.sum()),
            excesses=before.excesses.and_then(excess_Nm > _HALF_STEP_Nm, tick),
            flips=before.flips.and_then(flips, tick),
            unknowns=before.unknowns.and_then(~is_both, tick),
        )


def _evidence(outcome: Outcome) -> Evidence:
    """Return the evidence of a run that is in memory."""
    tally = Tally()
    tally.take(outcome.sent_tick, outcome.sent)
    floats = {n: v for n, v in outcome.states.items() if v.dtype.kind == "f"}
    bad = ((name, np.flatnonzero(~np.isfinite(values))) for name, values in floats.items())
    not_finite = next(((n, int(outcome.sample_tick[r[0]])) for n, r in bad if r.size), None)
    return tally.evidence(sum(values.size for values in floats.values()), not_finite)


def judge(outcome: Outcome, events: Events, comparisons: Sequence[Comparison] = ()) -> Verdict:
    """Judge a run.

    Args:
        outcome: What the unit did.
        events: What happened.
        comparisons: Of the unit in this process with other targets, where the run had some.
    """
    evidence = outcome.evidence or _evidence(outcome)
    laws = (*_torque_laws(evidence), _no_nan(evidence), _may_see_flights(outcome, events))
    return Verdict((*laws, *(_targets_agree(comparison) for comparison in comparisons)))


def _targets_agree(comparison: Comparison) -> Law:
    """Judge that another target did the same."""
    return Law(
        f"{comparison.right}_agrees",
        f"{comparison.right} has the state of {comparison.left} after every tick, and sends alike",
        "pass" if comparison.is_equal else "fail",
        comparison.ticks,
        comparison.summary,
    )


def _torque_laws(evidence: Evidence) -> Iterator[Law]:
    """Yield the laws on the torque that was commanded, over every command sent."""
    yield _law(
        "torque_within_demand",
        "granted torque never exceeds the driver's demand",
        evidence.excesses,
        evidence.known,
    )
    yield _law(
        "torque_keeps_sign",
        "granted torque never has the opposite sign of the demand",
        evidence.flips,
        evidence.known,
    )
    yield _law(
        "torque_is_known",
        "every torque command carries a torque",
        evidence.unknowns,
        evidence.commands,
    )


def _no_nan(evidence: Evidence) -> Law:
    """Judge that no recorded state was ever NaN or infinite."""
    text = "no state is ever NaN or infinite"
    compared = evidence.numbers
    if evidence.not_finite is not None:
        name, tick = evidence.not_finite
        return Law("states_are_finite", text, "fail", compared, f"{name} at tick {tick}")
    if not compared:
        return Law("states_are_finite", text, "inconclusive", 0, "no state was recorded")
    return Law("states_are_finite", text, "pass", compared, "none found")


def _may_see_flights(outcome: Outcome, events: Events) -> Law:
    """Say whether Flight Mode could have declared a flight at all."""
    history = outcome.history["flight_mode.missing_mask"]
    blind = sum(end - start for start, end in history.bit_spans(_INERTIAL_BIT, outcome.ticks))
    seeing = outcome.ticks - blind
    text = "Flight Mode had the specific force without which it declares no flight"
    share = f"{seeing / 1000:.3f} s of {outcome.ticks / 1000:.3f} s"
    evidence = f"{share}, {len(events.flights)} flights"
    return Law("flight_evidence", text, "pass" if seeing else "inconclusive", seeing, evidence)


def _law(name: str, text: str, breaches: Breaches, compared: int) -> Law:
    if breaches.count:
        evidence = f"{breaches.count} breaches, the first at tick {breaches.first_tick}"
        return Law(name, text, "fail", compared, evidence)
    if not compared:
        return Law(name, text, "inconclusive", 0, "no torque command was sent")
    return Law(name, text, "pass", compared, "no breach")
