"""Laws that must hold in every run, judged on what the unit sent and on what was recorded.

A law that nothing was compared for is inconclusive, never a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from d7xr.database import Database
from d7xr.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


def judge(outcome: Outcome, events: Events, comparisons: Sequence[Comparison] = ()) -> Verdict:
    """Judge a run.

    Args:
        outcome: What the unit did.
        events: What happened.
        comparisons: Of the unit in this process with other targets, where the run had some.
    """
    laws = (*_torque_laws(outcome), _no_nan(outcome), _may_see_flights(outcome, events))
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


def _torque_laws(outcome: Outcome) -> Iterator[Law]:
    """Yield the laws on the torque that was commanded, over every command sent."""
    own = Database.own()
    sent = Frames(outcome.sent_tick, outcome.sent)
    columns = own.decode_columns(sent, "TorqueCommand")
    granted, demand = columns["GrantedTorque_Nm"], columns["DemandTorque_Nm"]
    tick = granted.time_us
    is_both = granted.valid & demand.valid
    excess_Nm = np.where(is_both, granted.values - demand.values, -np.inf)
    flips = is_both & (granted.values * demand.values < -_HALF_STEP_Nm)
    yield _law(
        "torque_within_demand",
        "granted torque never exceeds the driver's demand",
        excess_Nm > _HALF_STEP_Nm,
        int(is_both.sum()),
        tick,
    )
    yield _law(
        "torque_keeps_sign",
        "granted torque never has the opposite sign of the demand",
        flips,
        int(is_both.sum()),
        tick,
    )
    yield _law(
        "torque_is_known",
        "every torque command carries a torque",
        ~is_both,
        len(tick),
        tick,
    )


def _no_nan(outcome: Outcome) -> Law:
    """Judge that no recorded state was ever NaN or infinite."""
    floats = {n: v for n, v in outcome.states.items() if v.dtype.kind == "f"}
    compared = sum(values.size for values in floats.values())
    text = "no state is ever NaN or infinite"
    for name, values in floats.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            tick = int(outcome.sample_tick[bad[0]])
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


def _law(name: str, text: str, is_breach: np.ndarray, compared: int, tick: np.ndarray) -> Law:
    breaches = np.flatnonzero(is_breach)
    if breaches.size:
        evidence = f"{breaches.size} breaches, the first at tick {int(tick[breaches[0]])}"
        return Law(name, text, "fail", compared, evidence)
    if not compared:
        return Law(name, text, "inconclusive", 0, "no torque command was sent")
    return Law(name, text, "pass", compared, "no breach")
