"""The polarity table: what is assumed of an input that fails, and to which side the unit errs.

What is assumed stands in ``polarity.toml`` in words, what follows from it in codes. The codes are
claims: the single-fault campaign drives the unit into every cell, and `differences` tells where it
does something else than the table says.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from d7xr.campaign.injection import Kind
from d7xr.campaign.stories import AS_DRIVEN
from d7xr.campaign.twins import FANS_MS, TORQUE_MS, TORQUE_Nm
from d7xr.inputs import sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from d7xr.campaign import Cell
    from d7xr.campaign.twins import Comparison

TABLE: Final = Path(__file__).with_name("polarity.toml")
STALE: Final = Kind.DROPPED
FAILURES: Final[Mapping[str, Kind]] = {
    "missing": Kind.NOT_AVAILABLE,
    "out of range": Kind.OUT_OF_RANGE,
    "stuck": Kind.FROZEN,
    "lowest": Kind.MINIMUM,
    "highest": Kind.MAXIMUM,
}
"""Failures of one input as the table calls them; the last two are implausible against its peers."""


@dataclass(frozen=True, slots=True)
class Effect:
    """To which side the unit errs, against a twin whose inputs are whole.

    Attributes:
        torque: ``same``, ``less``, ``more`` or ``less and more``.
        fans: The same.
        flight: ``same``, ``other evidence``, or ``missed``.
        faults: Names of the faults that tell.
    """

    torque: str = "same"
    fans: str = "same"
    flight: str = "same"
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Sequence[Comparison], names: Mapping[int, str]) -> Effect:
        """Return what a campaign has seen, over some windows."""
        bits = 0
        for one in found:
            bits |= one.fault_bits
        flight = "other evidence" if any(one.is_detector_changed for one in found) else "same"
        return cls(
            torque=_side(
                is_less=any(one.less_Nm > TORQUE_Nm for one in found),
                is_more=any(one.more_ms > TORQUE_MS for one in found),
            ),
            fans=_side(
                is_less=any(one.fewer_ms > FANS_MS for one in found),
                is_more=any(one.more_fans > 0 for one in found),
            ),
            flight="missed" if any(one.missed_flights for one in found) else flight,
            faults=tuple(name for bit, name in sorted(names.items()) if bits >> bit & 1),
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """One cell of the table.

    Attributes:
        message: That brings the input.
        signal: The input; empty where the whole message is silent.
        failure: ``missing``, ``stuck`` and so on, or ``stale``.
        assumes: What the functions that use it assume then.
        effect: What follows.
    """

    message: str
    signal: str
    failure: str
    assumes: str
    effect: Effect


@cache
def claims() -> tuple[Claim, ...]:
    """Return every cell of the table, in the order of the bus."""
    table = _table()
    found: list[Claim] = []
    for message, mine in groupby(sources(), key=lambda source: source.message):
        stale = table["stale"][message]
        found.append(Claim(message, "", "stale", stale["assumes"], _effect(stale)))
        for source in mine:
            cells = table["input"][source.input.name]
            found += [
                Claim(message, source.signal, failure, cells[failure]["assumes"],
                      _effect(cells[failure]))
                for failure in FAILURES
                if failure in cells
            ]  # fmt: skip
    return tuple(found)


def used_by() -> Mapping[str, str]:
    """Return what each signal is used for."""
    cells = _table()["input"]
    return {source.signal: str(cells[source.input.name]["used"]) for source in sources()}


def differences(cells: Sequence[Cell], names: Mapping[int, str]) -> list[str]:
    """Return where the unit does something else than the table says, in words.

    Args:
        cells: A whole campaign.
        names: Name of each fault by its number.
    """
    seen = {(cell.message, cell.signal, cell.kind): cell for cell in cells}
    told: list[str] = []
    for claim in claims():
        kind = FAILURES.get(claim.failure, STALE)
        cell = seen.pop((claim.message, claim.signal, kind), None)
        place = f"{claim.signal or claim.message} {claim.failure}"
        if cell is None:
            told.append(f"{place}: no such cell in the campaign")
            continue
        effect = Effect.of(tuple(cell.found[part] for part in AS_DRIVEN), names)
        if effect != claim.effect:
            told.append(f"{place}: the table says {claim.effect}, the unit does {effect}")
    kinds = {*FAILURES.values(), STALE}
    told += [
        f"{signal or message} {kind.value}: not in the table"
        for message, signal, kind in seen
        if kind in kinds and not (signal and kind is STALE) and (signal == "") == (kind is STALE)
        and _is_input(signal)
    ]  # fmt: skip
    return told


def page() -> str:
    """Return the table as a page of Markdown."""
    return "\n".join([*_head(), *_sections()]) + "\n"


def _head() -> Iterator[str]:
    yield from (
        "# Polarity: what is assumed of an input that fails",
        "",
        "Written by `make docs` from `pyhost/d7xr/campaign/polarity.toml`. The last four columns",
        "are claims: a test drives the unit into every cell, in the shipped drive with one input",
        "broken, and compares it with a twin whose inputs are whole (docs/fault_campaign.md).",
        "",
        "- **Missing**: the not-available code. **Stale**: the message is silent.",
        "- **Lowest**, **highest**: the ends of what is possible, against all that peers say.",
        "- **Torque**, **fans**: less, more or the same as with whole inputs. *More* torque and",
        "  *less* fans are the wrong side: a fault tells of each, but for a switch of the driver.",
        "- **Flight Mode**: other evidence, or flights that it missed.",
    )


def _sections() -> Iterator[str]:
    used = used_by()
    for message, mine in groupby(claims(), key=lambda claim: claim.message):
        yield from ("", f"## {message}", "")
        yield "| input | failure | assumed | torque | fans | Flight Mode | faults |"
        yield "|---|---|---|---|---|---|---|"
        for signal, cells in groupby(mine, key=lambda claim: claim.signal):
            name = f"**{signal}**: {used[signal]}" if signal else "*the message*"
            for claim in cells:
                e = claim.effect
                faults = ", ".join(e.faults) or "-"
                yield (
                    f"| {name} | {claim.failure} | {claim.assumes} | {e.torque} | {e.fans} | "
                    f"{e.flight} | {faults} |"
                )
                name = ""


def _side(*, is_less: bool, is_more: bool) -> str:
    words = [word for word, is_so in (("less", is_less), ("more", is_more)) if is_so]
    return " and ".join(words) or "same"


def _is_input(signal: str) -> bool:
    return not signal or signal in {source.signal for source in sources()}


def _effect(cell: Mapping[str, Any]) -> Effect:
    given = {name: value for name, value in cell.items() if name != "assumes"}
    return Effect(**{**given, "faults": tuple(given.get("faults", ()))})


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
