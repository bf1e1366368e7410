"""The page, section by section; each figure in it is worked out here from the rows of a sweep."""

from __future__ import annotations

import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from d7xr import calibration, rally
from d7xr.simulator import scenario
from d7xr.simulator.loop import Control, Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from d7xr.simulator.sweep import Finding
    from tools.figures.runs import Driven

WIDTH: Final = 118
"""Of a line of the page."""

CONTROLS: Final[tuple[Control, ...]] = ("unit", "free_fall_cut", "none")
CONTROL_WORDS: Final = ("unit", "cut on free fall", "nobody")
STORIES: Final = ("dune_crest_flat_out_fourth", "table_top", "drop_off")
THIRDS: Final = ("lowest third", "highest third")


def paragraph(text: str) -> str:
    """Return a text of several lines as a paragraph of the page."""
    return textwrap.fill(" ".join(text.split()), WIDTH) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of Markdown: the first column is words, the others are numbers."""
    lines = [f"| {' | '.join(headings)} |", "|---|" + "---:|" * (len(headings) - 1)]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def quantile(values: NDArray[Any], share: float) -> float:
    """Return the value that a share of the runs stays within; 0 of none."""
    if not len(values):
        return 0.0
    return float(np.quantile(values.astype(np.float64), share, method="inverted_cdf"))


def command(of: Driven) -> str:
    """Return the command that gives the rows of a section."""
    return f"`d7xr sweep {of.sweep.name} --runs {of.sweep.spec.runs}`"


def claims(of: Driven) -> str:
    """Return the claims of a sweep as a table."""
    return table(
        ("claim", "found", "95 % from", "to", "of", ""),
        (
            (f.text, _number(f.value), _number(f.low), _number(f.high), f"{f.count:,}", _kept(f))
            for f in of.findings
        ),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _kept(finding: Finding) -> str:
    if not any(sign in finding.text for sign in ("<=", ">=")):
        return "told"
    return "kept" if finding.is_kept else "**not kept**"


def _bins(
    of: Driven, figure: str, edges: Sequence[float], unit: str, cells: Callable[[Any], list[str]]
) -> list[list[str]]:
    """Return rows of runs between edges of a figure."""
    values = of.columns[figure].astype(np.float64)
    rows = []
    for low, high in pairwise(edges):
        chosen = (values >= low) & (values < high)
        if chosen.any():
            name = f"{low:g} to {high:g} {unit}"
            rows.append([name, f"{int(chosen.sum()):,}", *cells(chosen)])
    return rows


def head() -> str:
    """Return what stands before the sections."""
    return "# Flight Mode and cooling in figures\n\n" + paragraph(
        """Written by `make figures`: every number on this page comes from the sweeps that it names,
        whose seeds stand in the shipped files, so the same build gives the same figures, but for
        those of time. They are measured on the simulated car of [simulator.md](simulator.md), whose
        own numbers are mostly estimates: figures compare controllers, they predict no car. Claims
        are the targets of the design; those that are not kept are shown as such. Shaft torque is
        the largest of the half-shafts in half a second from touchdown, over that of steady full
        throttle in the gear at the speed; of several flights in a run the worst counts, of those of
        250 ms and more."""
    )


def jumps(of: Driven) -> str:
    """Return the section on jumps of every kind."""
    columns = of.columns
    air_ms = columns["longest_air_ms"]

    def shafts(chosen: Any) -> list[str]:  # noqa: ANN401 - a mask
        peaks = columns["peak_shaft_ratio"][chosen]
        return [f"{quantile(peaks, 0.5):.2f}", f"{quantile(peaks, 0.95):.2f}"]

    by_air = _bins(of, "longest_air_ms", (250, 500, 750, 1000, 1250, 1500, 2500), "ms", shafts)
    by_speed = _bins(of, "speed_kph", (40, 60, 80, 100, 120, 150.1), "km/h", shafts)
    by_surface = [
        [name, f"{int((columns['surface'] == name).sum()):,}", *shafts(columns["surface"] == name)]
        for name in np.unique(columns["surface"]).tolist()
    ]
    values = calibration.default_set().values
    dwell_ms = values["flight_mode.touchdown_dwell_ms"]
    assert isinstance(dwell_ms, int)
    headings = ("shaft torque", "runs", "median", "95th percentile")
    counted = paragraph(
        f"""{len(of.every["run"]):,} runs; the {len(columns["run"]):,} count that flew for 250 ms or
        more: {of.hours:,.1f} h, {int(columns["flights"].sum()):,} such flights, the longest of
        {quantile(air_ms, 1.0):,.0f} ms. All runs have {int(of.every["hops"].sum()):,} shorter
        ones. 40 to 150 km/h, four surfaces, empty to full tank."""
    )
    landing = paragraph(
        f"""The earliest that a landing can be told by a damper: it must compress for {dwell_ms} ms,
        and its samples are 2 to 7 ms old when they arrive, so {dwell_ms + 2} to {dwell_ms + 7} ms
        behind the first touch of a tyre, which itself takes some milliseconds to move its damper.
        The median here is {quantile(columns["landing_found_ms"], 0.5):.0f} ms."""
    )
    shown = table(headings, [*by_air, *by_speed, *by_surface])
    return f"## Jumps: {command(of)}\n\n{counted}\n{claims(of)}\n{landing}\n{shown}"


def held_gears(of: Driven) -> str:
    """Return the section on gears that the driver holds."""
    rows = []
    for gear in np.unique(of.columns["gear"]).tolist():
        peaks = of.of("peak_shaft_ratio", gear=gear)
        shares = [f"{quantile(peaks, share):.2f}" for share in (0.5, 0.95, 1.0)]
        rows.append([f"gear {gear}", f"{len(peaks):,}", *shares])
    headings = ("shaft torque", "runs", "median", "95th percentile", "worst")
    return (
        f"## Gears 2 to 6, held: {command(of)}\n\n"
        f"40 to 85 km/h, empty to full tank, {int(of.columns['flights'].sum()):,} flights.\n\n"
        f"{claims(of)}\n{table(headings, rows)}"
    )


def protection(of: Driven) -> str:
    """Return the section on what Flight Mode is worth."""
    rows = []
    for words, figure, share in (
        ("shaft torque, median", "peak_shaft_ratio", 0.5),
        ("shaft torque, 95th percentile", "peak_shaft_ratio", 0.95),
        ("shaft torque, worst", "peak_shaft_ratio", 1.0),
        ("shaft torque, kNm, 95th percentile", "peak_shaft_kNm", 0.95),
        ("rims too fast at touchdown, %, 95th percentile", "mismatch_most_pct", 0.95),
        ("engine speed in the air, rpm, 95th percentile", "peak_engine_rpm", 0.95),
    ):
        found = [quantile(of.of(figure, control=name), share) for name in CONTROLS]
        rows.append([words, *(f"{value:,.4g}" for value in found)])
    return (
        f"## What it is worth: {command(of)}\n\n"
        f"The same {of.sweep.spec.runs:,} jumps with each control.\n\n{claims(of)}\n"
        f"{table(('', *CONTROL_WORDS), rows)}\n"
        "Shaft torque in three of the shipped stories (`d7xr simulate`):\n\n"
        f"{table(('story', *CONTROL_WORDS), map(_story, STORIES))}"
    )


def _story(name: str) -> list[str]:
    told, blob = scenario.load(name).scenario, calibration.default_set().blob
    drives = [Loop(told, name, control=control).drive(blob) for control in CONTROLS]
    return [f"`{name}`", *(f"{drive.metrics['peak_shaft_ratio']:.2f}" for drive in drives)]


def single_faults(of: Driven) -> str:
    """Return the section on broken sensors."""
    rows = []
    for text in np.unique(of.columns["fault"]).tolist():
        flights = int(of.of("flights", fault=text).sum())
        missed = flights - int(of.of("flights_found", fault=text).sum())
        reduced = quantile(of.of("reduced_ms", fault=text), 0.99)
        peak = quantile(of.of("peak_shaft_ratio", fault=text), 0.95)
        rows.append([_fault(text), f"{flights:,}", f"{missed}", f"{reduced:.0f}", f"{peak:.2f}"])
    headings = (
        "broken from the start", "flights", "missed", "reduced after ms, 99th percentile",
        "shaft torque, 95th percentile",
    )  # fmt: skip
    return f"## One sensor broken: {command(of)}\n\n{claims(of)}\n{table(headings, rows)}"


def _fault(text: str) -> str:
    """Return a drawn fault, which stands in the rows as JSON, in words."""
    import json

    row = json.loads(text)[0]
    amount = f" {row['amount']:g}" if "amount" in row else ""
    return f"`{row.get('signal') or row['message']}` {row['kind'].replace('_', ' ')}{amount}"


def calibrations(of: Driven) -> str:
    """Return the section on what each number of Flight Mode does."""
    rows = []
    for vary in of.sweep.spec.vary:
        if not vary.keys[0].startswith("calibration."):
            continue
        values = of.columns[vary.column].astype(np.float64)
        low, high = np.quantile(values, (1.0 / 3.0, 2.0 / 3.0))
        cells = []
        for chosen in (values <= low, values >= high):
            peaks = of.columns["peak_shaft_ratio"][chosen]
            cells.append(f"{quantile(peaks, 0.5):.2f}, {quantile(peaks, 0.95):.2f}")
            cells.append(f"{quantile(of.columns['reduced_ms'][chosen], 0.99):.0f}")
        assert vary.between is not None
        span = f"{vary.between[0]:g} to {vary.between[1]:g}"
        rows.append([f"`{vary.column}` {span}", *cells])
    headings = ["number and range"]
    for third in THIRDS:
        headings += [f"{third}: shaft torque, median and 95th", "reduced after ms, 99th"]
    return (
        f"## What each number does: {command(of)}\n\n"
        "All of them drawn at once; the other numbers vary in both thirds alike.\n\n"
        f"{claims(of)}\n{table(headings, rows)}"
    )


def rough_ground(of: Driven) -> str:
    """Return the section on ground that keeps the wheels."""
    hours = of.columns["duration_s"].astype(np.float64) / 3600.0

    def cells(chosen: Any) -> list[str]:  # noqa: ANN401 - a mask
        times = int(of.columns["interventions"][chosen].sum())
        held_ms = int(of.columns["intervention_ms"][chosen].sum())
        return [f"{hours[chosen].sum():.1f}", f"{times}", f"{held_ms}"]

    rows = _bins(of, "speed_kph", (15, 30, 45, 60, 75, 90, 110.1), "km/h", cells)
    counted = paragraph(
        f"""Two minutes each of gravel, waves of up to 10 cm and rocks at 15 to 110 km/h. Of
        {len(of.every["run"]):,} runs the {len(of.columns["run"]):,} count in which the car never
        lost all wheels for 10 ms or more: {of.hours:,.1f} h. An intervention is torque that Flight
        Mode holds below 90 % of the demand and that no take-off follows."""
    )
    shown = table(("speed", "runs", "hours", "interventions", "ms"), rows)
    title = f"## Ground that keeps the wheels: {command(of)}"
    return f"{title}\n\n{counted}\n{claims(of)}\n{shown}"


def cooling(of: Driven) -> str:
    """Return the section on heat, fans and supply."""
    groups: list[tuple[str, dict[str, object]]] = [
        (rally.weather_of(name).title, {"event": name}) for name in rally.events()
    ]
    groups += [
        (words, {"blocked_ratio": ratio, "dead_fans": fans})
        for ratio, state in ((0.0, "clean"), (0.3, "30 % fouled"))
        for fans, words in (
            ("[]", f"{state}, four fans"), ("[2]", f"{state}, three"), ("[2,4]", f"{state}, two"),
        )
    ]  # fmt: skip
    rows = []
    for words, where in groups:
        for fans in of.sweep.spec.fans:
            pick = {**where, "fans": fans}
            peaks = of.of("coolant_most_degC", **pick)
            if not len(peaks):
                continue
            rows.append(
                [
                    f"{words}: {fans}",
                    f"{len(peaks)}",
                    f"{quantile(peaks, 0.5):.1f}",
                    f"{quantile(peaks, 1.0):.1f}",
                    f"{of.of('coolant_out_of_band_s', **pick).mean():.0f}",
                    f"{of.of('coolant_limited_s', **pick).mean():.0f}",
                    f"{of.of('fan_energy_kJ', **pick).mean():.0f}",
                    f"{quantile(of.of('fans_most_A', **pick), 1.0):.0f}",
                    f"{quantile(of.of('battery_least_V', **pick), 0.0):.1f}",
                ]
            )
    headings = (
        "", "runs", "hottest, median degC", "worst degC", "out of 80 to 108 degC, mean s",
        "torque held by coolant, mean s", "fans, mean kJ", "fans at most, A", "battery at least, V",
    )  # fmt: skip
    told = paragraph(
        """Ten minutes of fast track, dunes and a climb in soft sand in the afternoon of each event,
        under its own calibration set, with a head or tail wind and 45 to 60 % of brake power as
        heat; the same draws with the unit's stages, and with all fans on at 95 and off at 91 degC.
        Torque derates of the unit hold in both. A fan is dead when its circuit is open."""
    )
    return f"## Cooling: {command(of)}\n\n{told}\n{claims(of)}\n{table(headings, rows)}"


SECTIONS: Final[dict[str, Callable[[Driven], str]]] = {
    "jumps": jumps,
    "held_gears": held_gears,
    "protection": protection,
    "single_faults": single_faults,
    "calibrations": calibrations,
    "rough_ground": rough_ground,
    "cooling": cooling,
}
"""By the sweep that each rests on, in the order of the page."""
