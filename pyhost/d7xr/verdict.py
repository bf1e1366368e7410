"""Laws that must hold in every run, judged on what the unit sent and on what was recorded.

A law that nothing was compared for is inconclusive, never a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from d7xr.database import Database
from d7xr.ecu import TorqueTally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from d7xr.compare import Comparison
    from d7xr.database import Signal
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

    def __init__(self) -> None:
        """Look up the command on our own bus."""
        command = Database.own().message("TorqueCommand")
        granted = _described(command.signal("GrantedTorque_Nm"))
        demand = _described(command.signal("DemandTorque_Nm"))
        self._torque = TorqueTally(command.frame_id, granted, demand, _HALF_STEP_Nm)

    def take(self, tick: NDArray[np.int64], sent: NDArray[np.void]) -> None:
        """Take frames that the unit sent; the arrays may be overwritten afterwards."""
        self._torque.take(tick, sent)

    def evidence(self, numbers: int, not_finite: tuple[str, int] | None) -> Evidence:
        """Return all, with what was seen of the recorded states."""
        torque = self._torque
        return Evidence(
            frames=torque.frames,
            commands=torque.commands,
            known=torque.known,
            excesses=Breaches(*torque.breaches("excesses")),
            flips=Breaches(*torque.breaches("flips")),
            unknowns=Breaches(*torque.breaches("unknowns")),
            numbers=numbers,
            not_finite=not_finite,
        )


def _described(signal: Signal) -> dict[str, float | None]:
    """Return a signal as the tally reads it: in Intel order and unsigned."""
    assert not any((signal.is_big_endian, signal.is_signed, signal.is_float))
    return {
        "start": signal.start,
        "length": signal.length,
        "scale": signal.scale,
        "offset": signal.offset,
        "not_available": signal.not_available_raw,
    }


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
