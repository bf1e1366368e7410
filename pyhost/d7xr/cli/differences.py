"""What a comparison found, for people: the first difference first, then who differs and how far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from d7xr.compare import Comparison

_SHOWN_AT_MOST = 12
_INDENT = "  "


def parts(comparison: Comparison) -> Iterator[RenderableType]:
    """Yield the lines of a comparison."""
    for entry in comparison.identity:
        yield Text(f"not the same: {entry.text}", style="dim")
    yield Text(comparison.summary, style="green" if comparison.is_equal else "bold red")
    yield from _listed([total.text for total in comparison.totals])
    yield from _listed(
        [f"in {getattr(comparison, one.side)} alone: {one.name}" for one in comparison.only]
    )
    yield from _listed(
        [
            f"not a number at tick {n.tick:,} in {getattr(comparison, n.side)}: {n.name}"
            for n in comparison.nan
        ]
    )
    yield from _listed([_counted(d.tick, d.text, d.count) for d in comparison.differences])
    if comparison.frame_counts:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in comparison.frame_counts.items())
        yield Text(f"frames that differ: {counts}")
    yield from _listed([frame.text for frame in comparison.frame_differences])
    for name, count in comparison.tolerated.items():
        yield Text(f"within tolerance: {count:,} samples of {name}")
    for name, count in comparison.left_out.items():
        yield Text(f"not compared, at times of one run alone: {count:,} samples of {name}")


def _counted(tick: int, text: str, count: int) -> str:
    samples = f", {count:,} samples differ" if count > 1 else ""
    return f"tick {tick:,}: {text}{samples}"


def _listed(texts: Sequence[str]) -> Iterator[Text]:
    for text in texts[:_SHOWN_AT_MOST]:
        yield Text(_INDENT + text)
    if len(texts) > _SHOWN_AT_MOST:
        yield Text(f"{_INDENT}and {len(texts) - _SHOWN_AT_MOST:,} more: see --json", style="dim")
