"""What happened in a run, in a driver's words: flights, limits, impacts, refills, faults and more.

Everything is read from the changes that a run keeps of a few states, tick by tick, so no event
depends on the rate of a recording. Words come from the vehicle bus and from the unit's own tables.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from d7xr.ecu import Fault
    from d7xr.replay import Outcome

COOLANT: Final = "temperature[0]"
"""The coolant as the unit believes it; temperatures are in the order of `temperature_id_t`."""

FAULT_MASKS: Final = ("fault.active_mask[0]", "fault.active_mask[1]")
"""Active faults: bit n of word w is the fault of number 32 w + n."""

WATCHED: Final = (
    "flight_mode.missing_mask",
    "flight_mode.record.number",
    "flight_mode.record.air_time_ms",
    "flight_mode.record.touchdown_ago_ms",
    "flight_mode.record.peak_engine_rpm",
    "flight_mode.record.granted_at_landing_Nm",
    "flight_mode.record.peak_overspeed_pct",
    "torque.reason",
    "cooling.fans.running_mask",
    *FAULT_MASKS,
    f"{COOLANT}.degC",
    f"{COOLANT}.state",
    "impact.record.number",
    "impact.record.peak_mps2",
    "impact.record.bottom_mps",
    "impact.record.corner_mask",
    "impact.record.ago_ms",
    "impact.record.kind",
    "impact.record.severity",
    "fuel.refill_count",
    "fuel.refilled_L",
)
"""States whose every change a run keeps."""

_TICKS_PER_S: Final = 1000

_CORNERS: Final = ("front left", "front right", "rear left", "rear right")


@dataclass(frozen=True, slots=True)
class History:
    """One state over a run: its value from each tick of change on.

    Attributes:
        tick: Ticks of change, int64, shape ``(k,)``, increasing, the first is 0.
        value: Values from these ticks on, shape ``(k,)``, neighbours differ.
    """

    tick: NDArray[np.int64]
    value: NDArray[Any]

    def at(self, tick: int) -> float:
        """Return the value at the end of a tick."""
        return float(self.value[np.searchsorted(self.tick, tick, side="right") - 1])

    def spans(self, ticks: int) -> Iterator[tuple[int, int, int]]:
        """Yield first tick, tick behind the last, and value, for a state of whole numbers."""
        ends = [*self.tick[1:].tolist(), ticks]
        for start, end, value in zip(self.tick.tolist(), ends, self.value.tolist(), strict=True):
            yield start, end, int(value)

    def bit_spans(self, bit: int, ticks: int) -> Iterator[tuple[int, int]]:
        """Yield first tick and tick behind the last of each span in which a bit is set."""
        is_set = ((self.value.astype(np.int64) >> bit) & 1).astype(np.int8)
        edges = np.diff(is_set, prepend=0, append=0)
        ends = np.append(self.tick, ticks)
        for start, end in zip(
            ends[np.flatnonzero(edges == 1)], ends[np.flatnonzero(edges == -1)], strict=True
        ):
            yield int(start), int(end)


@dataclass(frozen=True, slots=True)
class Words:
    """Names of what the unit counts.

    Attributes:
        reasons: Limit reason by its number on the bus.
        evidence: Kind of evidence by its bit in the mask of missing evidence.
        faults: Fault by its number.
        believed: State of a temperature that is believed.
        impact_kinds: What an impact was, by its code.
        severities: How bad it was, by its code.
    """

    reasons: Mapping[int, str]
    evidence: Mapping[int, str]
    faults: Mapping[int, Fault]
    believed: int
    impact_kinds: Mapping[int, str]
    severities: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Flight:
    """One flight from take-off to touchdown."""

    take_off_s: float
    touchdown_s: float
    air_time_ms: int
    peak_engine_rpm: float
    peak_overspeed_pct: float
    granted_at_landing_Nm: float


@dataclass(frozen=True, slots=True)
class Limit:
    """How long one reason held torque below demand; ``None`` is the time without a limit."""

    reason: str
    total_s: float
    times: int


@dataclass(frozen=True, slots=True)
class FanStart:
    """A fan was switched on; the coolant is unknown where its sensor was not usable."""

    time_s: float
    fan: int
    coolant_degC: float | None


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """A fault was active; without an end it still was when the run ended."""

    name: str
    number: int
    severity: str
    saw: str
    does: str
    start_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Impact:
    """A hit from below or a hard landing; an axle's damper at its bump stop is named by corner."""

    time_s: float
    kind: str
    severity: str
    peak_mps2: float
    bottom_mps: float
    corners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refill:
    """The tank was filled."""

    time_s: float
    volume_L: float


@dataclass(frozen=True, slots=True)
class Missing:
    """A kind of evidence that Flight Mode had to do without."""

    evidence: str
    total_s: float
    spans_s: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Events:
    """Everything that happened in a run, each kind in the order of time.

    Limits are in the order of their total time, longest first.
    """

    flights: tuple[Flight, ...]
    limits: tuple[Limit, ...]
    fans: tuple[FanStart, ...]
    faults: tuple[FaultSpan, ...]
    missing: tuple[Missing, ...]
    impacts: tuple[Impact, ...]
    refills: tuple[Refill, ...]

    def as_document(self) -> dict[str, list[dict[str, object]]]:
        """Return plain lists and objects, as they stand in JSON; units are in the keys."""
        return {
            kind: [asdict(item) for item in getattr(self, kind)]
            for kind in ("flights", "limits", "fans", "faults", "missing", "impacts", "refills")
        }


def find(outcome: Outcome, words: Words) -> Events:
    """Find what happened in a run."""
    history = outcome.history
    return Events(
        flights=tuple(_flights(history)),
        limits=_limits(history["torque.reason"], outcome.ticks, words.reasons),
        fans=tuple(_fan_starts(history, words.believed)),
        faults=_faults(history, outcome.ticks, words.faults),
        missing=_missing(history["flight_mode.missing_mask"], outcome.ticks, words.evidence),
        impacts=tuple(_impacts(history, words)),
        refills=tuple(_refills(history)),
    )


def _flights(history: Mapping[str, History]) -> Iterator[Flight]:
    """Yield the flights: a new number says that the record holds a new one."""
    prefix = "flight_mode.record."
    for tick in history[f"{prefix}number"].tick[1:].tolist():
        air_time_ms = int(history[f"{prefix}air_time_ms"].at(tick))
        touchdown = tick - int(history[f"{prefix}touchdown_ago_ms"].at(tick))
        yield Flight(
            take_off_s=_s(touchdown - air_time_ms),
            touchdown_s=_s(touchdown),
            air_time_ms=air_time_ms,
            peak_engine_rpm=_rounded(history[f"{prefix}peak_engine_rpm"].at(tick)),
            peak_overspeed_pct=_rounded(history[f"{prefix}peak_overspeed_pct"].at(tick)),
            granted_at_landing_Nm=_rounded(history[f"{prefix}granted_at_landing_Nm"].at(tick)),
        )


def _limits(history: History, ticks: int, reasons: Mapping[int, str]) -> tuple[Limit, ...]:
    total: dict[int, int] = {}
    times: dict[int, int] = {}
    for start, end, reason in history.spans(ticks):
        total[reason] = total.get(reason, 0) + end - start
        times[reason] = times.get(reason, 0) + 1
    ranked = sorted(total, key=lambda reason: (-total[reason], reason))
    return tuple(Limit(reasons.get(r, str(r)), _s(total[r]), times[r]) for r in ranked)


def _fan_starts(history: Mapping[str, History], believed: int) -> Iterator[FanStart]:
    before = 0
    running = history["cooling.fans.running_mask"]
    for tick, mask in zip(running.tick.tolist(), running.value.tolist(), strict=True):
        started = int(mask) & ~before
        before = int(mask)
        is_known = history[f"{COOLANT}.state"].at(tick) == believed
        coolant_degC = _rounded(history[f"{COOLANT}.degC"].at(tick)) if is_known else None
        for fan in _bits(started):
            yield FanStart(_s(tick), fan + 1, coolant_degC)


def _faults(
    history: Mapping[str, History], ticks: int, table: Mapping[int, Fault]
) -> tuple[FaultSpan, ...]:
    found = [
        FaultSpan(
            name=table[number].name,
            number=number,
            severity=table[number].severity,
            saw=table[number].saw,
            does=table[number].does,
            start_s=_s(start),
            end_s=_s(end) if end < ticks else None,
        )
        for number, start, end in _fault_spans(history, ticks)
    ]
    return tuple(sorted(found, key=lambda fault: (fault.start_s, fault.number)))


def _fault_spans(history: Mapping[str, History], ticks: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, first tick, and tick behind the last of each span of a fault."""
    for word, name in enumerate(FAULT_MASKS):
        for bit in _bits_ever(history[name]):
            for start, end in history[name].bit_spans(bit, ticks):
                yield 32 * word + bit, start, end


def _impacts(history: Mapping[str, History], words: Words) -> Iterator[Impact]:
    """Yield the impacts: a new number says that the record holds a new one."""
    prefix = "impact.record."
    for tick in history[f"{prefix}number"].tick[1:].tolist():
        kind, severity, mask = (
            int(history[f"{prefix}{name}"].at(tick)) for name in ("kind", "severity", "corner_mask")
        )
        yield Impact(
            time_s=_s(tick - int(history[f"{prefix}ago_ms"].at(tick))),
            kind=words.impact_kinds.get(kind, str(kind)),
            severity=words.severities.get(severity, str(severity)),
            peak_mps2=_rounded(history[f"{prefix}peak_mps2"].at(tick)),
            bottom_mps=_rounded(history[f"{prefix}bottom_mps"].at(tick)),
            corners=tuple(_CORNERS[bit] for bit in _bits(mask & 15)),
        )


def _refills(history: Mapping[str, History]) -> Iterator[Refill]:
    for tick in history["fuel.refill_count"].tick[1:].tolist():
        yield Refill(_s(tick), _rounded(history["fuel.refilled_L"].at(tick)))


def _missing(history: History, ticks: int, evidence: Mapping[int, str]) -> tuple[Missing, ...]:
    found = []
    for bit in _bits_ever(history):
        spans = tuple(history.bit_spans(bit, ticks))
        found.append(
            Missing(
                evidence.get(bit, str(bit)),
                _s(sum(end - start for start, end in spans)),
                tuple((_s(start), _s(end)) for start, end in spans),
            )
        )
    return tuple(found)


def _bits_ever(history: History) -> list[int]:
    return _bits(int(np.bitwise_or.reduce(history.value.astype(np.int64))))


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _s(ticks: int) -> float:
    return ticks / _TICKS_PER_S


def _rounded(value: float) -> float:
    """Return a float32 quantity without digits that it never had."""
    return round(value, 3)
