"""The campaign as a page: what each cell was, in words and numbers."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from d7xr.campaign.accepted import ACCEPTED
from d7xr.campaign.injection import DELAY_US, NOISE_RATIO
from d7xr.campaign.twins import FANS_MS, FLIGHT_MS, TORQUE_MS, TORQUE_Nm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from d7xr.campaign import Cell, Window
    from d7xr.campaign.twins import Comparison

_NOTICEABLE_Nm: Final = 1.0


def page(cells: Sequence[Cell], windows: Sequence[Window], faults: Mapping[int, str]) -> str:
    """Return the whole page in Markdown; the same campaign gives the same bytes.

    Args:
        cells: All of them, in the order of the bus.
        windows: Parts of the drive in which inputs were broken.
        faults: Name of each fault by its number.
    """
    lines = [*_head(cells, windows)]
    for message, mine in groupby(cells, key=lambda cell: cell.message):
        lines += [
            "",
            f"## {message}",
            "",
            "| input | failure | detected | reaction | healed | verdict |",
            "|---|---|---|---|---|---|",
            *(_row(cell, windows, faults) for cell in mine),
        ]
    return "\n".join([*lines, *_accepted()]) + "\n"


def verdict(cell: Cell) -> str:
    """Return a cell's verdict in a word or two."""
    if cell.is_undetected_and_harmful:
        is_known = (cell.name, cell.kind) in ACCEPTED
        return "accepted, see below" if is_known else "UNDETECTED AND HARMFUL"
    harms = sorted({harm for found in cell.found.values() for harm in found.harms})
    if harms:
        return f"detected; worse: {', '.join(harms)}"
    is_seen = any(found.detected_ms is not None for found in cell.found.values())
    return "detected, safe" if is_seen else "safe"


def _head(cells: Sequence[Cell], windows: Sequence[Window]) -> Iterator[str]:
    yield "# Single-fault campaign"
    yield ""
    yield "Written by `make docs`, which is `d7xr campaign --out`; a test says that it is current."
    yield ""
    yield (
        "Each input breaks alone, in each way, in parts of the shipped drive, and the unit is "
        "compared tick by tick with a twin whose inputs are whole. In the drive as it is some "
        "functions have nothing to do, so parts of it are told again with more happening:"
    )
    yield ""
    yield "| part | what happens | broken from, to, watched to, s |"
    yield "|---|---|---|"
    for w in windows:
        times = ", ".join(f"{ms / 1000:g}" for ms in (w.broken_ms, w.healed_ms, w.end_ms))
        yield f"| {w.name} | {w.tells} | {times} |"
    yield ""
    yield f"- **Noisy**: uniform, up to {NOISE_RATIO:.0%} of the range that the unit takes for"
    yield "  possible; a code becomes any of its codes, anew in each frame."
    yield "- **Minimum, maximum**: the ends of that range, so that range alone cannot show it;"
    yield "  **out of range**: above it."
    yield f"- **Delayed**: by {DELAY_US // 1000} ms. **Wrong counter**: it stands still."
    yield "- Frozen, dropped, delayed, wrong counter and wrong CRC of a **message** hit all that it"
    yield "  brings; a frozen message keeps a living counter and a right checksum."
    yield "- **Detected**: from the break to the first fault that the twin does not have."
    yield "- **Healed**: from the repair until torque, fans and faults are those of the twin;"
    yield "  *later* where that was not seen."
    yield (
        f"- **Worse** than the twin: more than {TORQUE_Nm:g} Nm more torque for more than "
        f"{TORQUE_MS} ms in all, fewer fans for more than {FANS_MS} ms, or a flight further than "
        f"{FLIGHT_MS} ms from any of the twin's."
    )
    yield "  A flight that is missed shows as the torque that it fails to take."
    yield "- **Undetected and harmful**: worse by that much before, or without, any fault."
    yield ""
    harmful = sum(cell.is_undetected_and_harmful for cell in cells)
    worse = sum(any(f.harms for f in cell.found.values()) for cell in cells)
    seen = sum(any(f.detected_ms is not None for f in c.found.values()) for c in cells)
    yield (
        f"{len(cells)} cells, {seen} detected, {worse} worse than the twin in some way, "
        f"{harmful} undetected and harmful, all of them accepted with the reason at the end."
    )


def _row(cell: Cell, windows: Sequence[Window], faults: Mapping[int, str]) -> str:
    name = cell.signal or "*the message*"
    return (
        f"| {name} | {cell.kind.value} | {_detected(cell, faults)} | {_reaction(cell)} | "
        f"{_healed(cell, windows)} | {verdict(cell)} |"
    )


def _detected(cell: Cell, faults: Mapping[int, str]) -> str:
    times = [f.detected_ms for f in cell.found.values() if f.detected_ms is not None]
    if not times:
        return "-"
    bits = 0
    for found in cell.found.values():
        bits |= found.fault_bits
    names = ", ".join(faults[bit] for bit in range(bits.bit_length()) if bits >> bit & 1)
    return f"{min(times)} ms: {names}"


def _reaction(cell: Cell) -> str:
    """Return what changed in each part, parts of equal change together."""
    parts: dict[str, list[str]] = {}
    for part, found in cell.found.items():
        parts.setdefault(_effect(found), []).append(part)
    told = [f"{', '.join(names)}: {effect}" for effect, names in parts.items() if effect]
    if any(found.is_detector_changed for found in cell.found.values()):
        told.append("flights by other evidence")
    return "; ".join(told) or "none"


def _effect(found: Comparison) -> str:
    parts = []
    if found.less_Nm > _NOTICEABLE_Nm:
        parts.append(f"up to {found.less_Nm:.0f} Nm less")
    if found.more_ms:
        parts.append(f"up to {found.more_Nm:.0f} Nm more for {found.more_ms} ms")
    if found.more_fans:
        parts.append(f"{found.more_fans} fan{'s' * (found.more_fans > 1)} more")
    if found.fewer_ms:
        parts.append(f"{found.fewer_fans} fan{'s' * (found.fewer_fans > 1)} fewer "
                     f"for {found.fewer_ms / 1000:.1f} s")  # fmt: skip
    if found.false_flights:
        parts.append(f"{found.false_flights} false")
    if found.missed_flights:
        parts.append(f"{found.missed_flights} flight{'s' * (found.missed_flights > 1)} missed")
    return ", ".join(parts)


def _healed(cell: Cell, windows: Sequence[Window]) -> str:
    slowest = max(found.healed_ms or 0 for found in cell.found.values())
    unseen = [w.end_ms - w.healed_ms for w in windows if cell.found[w.name].healed_ms is None]
    if max(unseen, default=0) > slowest:
        return f"later than {max(unseen)} ms"
    return f"{slowest} ms" if slowest else "at once"


def _accepted() -> Iterator[str]:
    yield ""
    yield "## Undetected, harmful, and accepted"
    yield ""
    for (name, kind), reason in ACCEPTED.items():
        yield f"- **{name}, {kind.value}**: {reason}."
