"""What happened in a replay, as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from d7xr.cli import differences, output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import RenderableType

    from d7xr.events import Events
    from d7xr.session import Result

_SHOWN_AT_MOST = 12
_INDENT = "  "


def show(args: argparse.Namespace, result: Result) -> None:
    """Print a result."""
    output.render(args, *_parts(result))
    if result.verdict.judgement != "pass":
        output.emit(f"again: {args.command}")


def _parts(result: Result) -> Iterator[RenderableType]:
    yield from _head(result)
    events = result.events
    yield from _flights(events)
    yield from _limits(events, result.outcome.ticks / 1000)
    yield from _impacts(events)
    yield from _fans(events)
    yield from _faults(events)
    yield from _missing(result)
    yield from _tail(result)


def _head(result: Result) -> Iterator[RenderableType]:
    seconds = result.outcome.ticks / 1000
    speed = seconds / max(result.elapsed_s, 1e-9)
    yield Text.assemble(
        (result.options.trace.name, "bold"),
        f"  {result.recorded.frames:,} frames, {seconds:.2f} s, {result.outcome.ticks:,} ticks",
    )
    identity = result.identity
    build = f", build {identity['build_id']}" if "build_id" in identity else ""
    yield Text(
        f"target {result.options.target}{build}, calibration {identity['calibration']}, "
        f"state digest {result.state_digest}"
    )
    yield Text(f"{result.frames_per_s:,.0f} frames/s, {speed:,.0f} x real time", style="dim")
    for comparison in result.comparisons:
        yield from differences.parts(comparison)


def _flights(events: Events) -> Iterator[RenderableType]:
    yield title("Flights", len(events.flights))
    if not events.flights:
        return
    rows = table(
        "take-off s", "air time ms", "peak engine rpm", "overspeed %", "granted at landing Nm"
    )
    for flight in events.flights:
        rows.add_row(
            f"{flight.take_off_s:.3f}",
            f"{flight.air_time_ms}",
            f"{flight.peak_engine_rpm:.0f}",
            f"{flight.peak_overspeed_pct:.1f}",
            f"{flight.granted_at_landing_Nm:.0f}",
        )
    yield rows


def _limits(events: Events, seconds: float) -> Iterator[RenderableType]:
    yield title("Torque limits")
    rows = table("s", "share %", "times")
    rows.columns[0].justify = "right"
    rows.add_column("reason", justify="left")
    for limit in events.limits:
        share = 100.0 * limit.total_s / max(seconds, 1e-9)
        reason = _reason(limit.reason)
        rows.add_row(f"{limit.total_s:.3f}", f"{share:.1f}", f"{limit.times}", reason)
    yield rows


def _reason(name: str) -> str:
    return "none: the driver gets what he asks for" if name == "None" else name


def _impacts(events: Events) -> Iterator[RenderableType]:
    """Tell of hits and refills where there were any: most drives have none."""
    for refill in events.refills:
        yield Text(f"\nrefilled {refill.volume_L:.0f} l at {refill.time_s:.0f} s")
    if not events.impacts:
        return
    yield title("Impacts", len(events.impacts))
    rows = table("s", "peak m/s^2")
    for name in ("impact", "bump stops"):
        rows.add_column(name, justify="left")
    for impact in events.impacts[:_SHOWN_AT_MOST]:
        rows.add_row(
            f"{impact.time_s:.3f}",
            f"{impact.peak_mps2:.0f}" if impact.peak_mps2 else "",
            f"{impact.severity.lower()} {impact.kind.lower()}",
            ", ".join(impact.corners),
        )
    yield rows
    yield from _more(len(events.impacts))


def _fans(events: Events) -> Iterator[RenderableType]:
    yield title("Fan starts", len(events.fans))
    if not events.fans:
        return
    rows = table("s", "fan", "coolant degC")
    for start in events.fans[:_SHOWN_AT_MOST]:
        coolant = "unknown" if start.coolant_degC is None else f"{start.coolant_degC:.1f}"
        rows.add_row(f"{start.time_s:.3f}", f"{start.fan}", coolant)
    yield rows
    yield from _more(len(events.fans))


def _faults(events: Events) -> Iterator[RenderableType]:
    yield title("Faults", len(events.faults))
    if not events.faults:
        return
    rows = table("from s", "to s")
    rows.add_column("fault", justify="left")
    rows.add_column("what it is and does", justify="left", overflow="fold")
    for fault in events.faults[:_SHOWN_AT_MOST]:
        end = "end" if fault.end_s is None else f"{fault.end_s:.3f}"
        rows.add_row(f"{fault.start_s:.3f}", end, fault.name, f"{fault.saw}: {fault.does}")
    yield rows
    yield from _more(len(events.faults))


def _missing(result: Result) -> Iterator[RenderableType]:
    seconds = result.outcome.ticks / 1000
    yield title("Missing evidence", len(result.events.missing))
    if not result.events.missing:
        return
    rows = table("s")
    rows.add_column("evidence", justify="left")
    for missing in result.events.missing:
        whole = " (the whole drive)" if missing.total_s >= seconds else ""
        rows.add_row(f"{missing.total_s:.3f}", f"{missing.evidence}{whole}")
    yield rows


def _tail(result: Result) -> Iterator[RenderableType]:
    yield Text("")
    feed = result.recorded
    if feed.missing:
        yield Text(f"the mapping brings no {_listed(feed.missing)}")
    for assumed in feed.assumed:
        yield Text(f"assumed: {assumed}")
    if feed.left_out:
        reasons = (f"{n:,} {reason.replace('_', ' ')}" for reason, n in feed.left_out.items())
        yield Text(f"left out: {', '.join(reasons)}")
    for reception in result.outcome.received:
        if reception.refused:
            share = f"{reception.refused:,} of {reception.refused + reception.accepted:,}"
            yield Text(f"refused by the unit: {share} {reception.message}")
    for problem in result.recorded.problems:
        yield Text(f"trace: {problem.count:,} {problem.kind}, {problem.place}: {problem.text}")
    for law in result.verdict.laws:
        if law.judgement != "pass":
            yield Text(f"{law.judgement}: {law.text} ({law.evidence})")
    style = {"pass": "green", "fail": "bold red"}.get(result.verdict.judgement, "yellow")
    compared = sum(law.compared for law in result.verdict.laws)
    judgement = (result.verdict.judgement, style)
    yield Text.assemble("verdict ", judgement, f", {compared:,} samples compared")
    if not result.outcome.is_complete:
        yield Text("interrupted: this is the beginning of the drive", style="yellow")
    if result.folder is not None:
        yield Text(f"written: {result.folder}")


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_SHOWN_AT_MOST])
    rest = len(names) - _SHOWN_AT_MOST
    return f"{shown} and {rest} more" if rest > 0 else shown


def _more(count: int) -> Iterator[RenderableType]:
    if count > _SHOWN_AT_MOST:
        yield Text(f"{_INDENT}and {count - _SHOWN_AT_MOST} more: see --json or events.json", "dim")


def title(name: str, count: int | None = None) -> Text:
    """Return a heading with the number of what follows."""
    return Text.assemble("\n", (name, "bold"), "" if count is None else f"  {count or 'none'}")


def table(*headings: str) -> Table:
    """Return an empty table of numbers."""
    rows = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    for heading in headings:
        rows.add_column(heading, justify="right")
    return rows
