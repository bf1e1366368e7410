"""Families of scenarios: many draws of one story, each driven in closed loop, one row per run.

A sweep is TOML: a scenario, what varies in it, and what is claimed of all runs together. Draw n of
a sweep depends on its seed and on n alone, so a run can be driven again by its number, and the rows
are the same in whatever order and on however many machines they were made.
"""

from __future__ import annotations

import copy
import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
import numpy as np

from d7xr import calibration as calibrations
from d7xr.errors import ConfigError, UsageError
from d7xr.fanout import Job
from d7xr.names import nearest
from d7xr.simulator import scenario as story
from d7xr.simulator.loop import METRICS, Control, Fans, Loop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from d7xr.calibration import CalibrationSet
    from d7xr.fanout import Row
    from d7xr.simulator.scenario import Scenario

ROWS: Final = "rows.jsonl"
TABLE: Final = "rows.parquet"
RUNS_PER_JOB: Final = 64
"""A power of two: so many Sobol points at once are balanced."""

_Z95: Final = 1.959964
_MOST_RUNS: Final = 10_000_000
_EXTRA: Final = ("run", "seed", "control", "fans", "duration_s")

_STEP: Final = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)|\[(\d+)\]")

Number = float | int


class Vary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that varies: evenly between two numbers, or among several values.

    ``key`` is a place in the scenario such as ``start.speed_kph``, ``car.lash_deg``,
    ``stretch[2].gain``, ``sensor_fault`` or ``calibration.flight_mode.air_dwell_ms``; several keys
    get the same value. Between whole numbers all values are whole, both ends among them.
    """

    key: str | tuple[str, ...]
    name: str = ""
    between: tuple[Number, Number] | None = None
    among: Annotated[tuple[Any, ...], msgspec.Meta(min_length=1)] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """All places."""
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def column(self) -> str:
        """Name of its column in the rows."""
        return self.name or self.keys[0]

    def value(self, share: float) -> Any:  # noqa: ANN401 - whatever the scenario takes there
        """Return the value at a share of the way, in [0, 1)."""
        if self.among is not None:
            return self.among[int(share * len(self.among))]
        assert self.between is not None
        low, high = self.between
        if isinstance(low, int) and isinstance(high, int):
            return low + int(share * (high - low + 1))
        return low + (high - low) * share


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is claimed of all runs of one control, and of one way to run the fans.

    Either a rate, ``of`` over ``over`` (sums of two figures; ``hours`` and ``runs`` are figures
    too), or the value of ``figure`` that a ``share`` of the runs stays within.
    """

    of: str = ""
    over: str = "runs"
    figure: str = ""
    share: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1.0
    at_least: float | None = None
    at_most: float | None = None
    control: str = "unit"
    fans: str = "unit"

    @property
    def text(self) -> str:
        """What is claimed."""
        subject = (
            f"{self.of} / {self.over}" if self.of else f"{self.figure} at {100 * self.share:g} %"
        )
        bounds = [f">= {self.at_least:g}"] if self.at_least is not None else []
        bounds += [f"<= {self.at_most:g}"] if self.at_most is not None else []
        return f"{subject} {' and '.join(bounds)}".rstrip()


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole file."""

    story: Annotated[str, msgspec.Meta(min_length=1)]
    scenario: str
    runs: Annotated[int, msgspec.Meta(ge=1, le=_MOST_RUNS)]
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 1
    method: Literal["sobol", "random"] = "sobol"
    control: tuple[Control, ...] = ("unit",)
    fans: tuple[Fans, ...] = ("unit",)
    vary: tuple[Vary, ...] = ()
    claim: tuple[Claim, ...] = ()
    worst: tuple[str, ...] = ()
    only_if: Mapping[str, tuple[float, float]] = {}


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that can be run.

    Attributes:
        name: Of the file.
        spec: What stands in it.
        table: The scenario before anything varies.
    """

    name: str
    spec: Spec
    table: dict[str, Any]

    @property
    def figures(self) -> tuple[str, ...]:
        """Columns of the rows."""
        return (*_EXTRA, *(vary.column for vary in self.spec.vary), *METRICS)

    def drawn(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the scenario of one run, and the value that each thing got."""
        return self._scenario(number, self._shares(number, 1)[0])

    def _shares(self, first: int, count: int) -> NDArray[np.float64]:
        """Return numbers in [0, 1), one row per run."""
        width = max(len(self.spec.vary), 1)
        if self.spec.method == "random":
            rows = [
                np.random.default_rng((self.spec.seed, n)).random(width)
                for n in range(first, first + count)
            ]
            return np.array(rows)
        try:
            from scipy.stats import qmc
        except ImportError as error:
            raise UsageError(
                "Sobol draws need SciPy, which is not installed",
                hint="python -m pip install 'd7xr[sweep]', or method = \"random\"",
            ) from error
        sobol = qmc.Sobol(width, scramble=True, rng=self.spec.seed)
        if first:
            sobol.fast_forward(first)
        whole = 1 << (count - 1).bit_length()
        return np.asarray(sobol.random(whole)[:count], dtype=np.float64)

    def _scenario(
        self, number: int, shares: NDArray[np.float64]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        table = copy.deepcopy(self.table)
        table["seed"] = (self.spec.seed << 32) + number
        values: dict[str, Any] = {}
        for vary, share in zip(self.spec.vary, shares.tolist(), strict=False):
            value = values[vary.column] = vary.value(share)
            for key in vary.keys:
                _put(table, key, value, self.name)
        return table, values


def shipped() -> tuple[str, ...]:
    """Return the names of the sweeps that come with the package, in order."""
    folder = files("d7xr.simulator").joinpath("sweeps")
    return tuple(sorted(p.name.removesuffix(".toml") for p in folder.iterdir()))


def load(name: str, runs: int | None = None) -> Sweep:
    """Read a sweep: a file, or the name of a shipped one.

    Args:
        name: Of the file or the sweep.
        runs: How many instead of what the file says.

    Raises:
        ConfigError: It cannot be read, or something in it is not as it must be.
    """
    path = Path(name)
    if path.suffix == ".toml":
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            told = getattr(error, "strerror", None) or "is no text in UTF-8"
            raise ConfigError(
                f"{name}: {told}", hint="name a file, or a shipped sweep: d7xr sweep --list"
            ) from error
    elif name in shipped():
        text = files("d7xr.simulator").joinpath("sweeps", f"{name}.toml").read_text("utf-8")
    else:
        raise ConfigError(f"no sweep {name!r}", hint=nearest(name, shipped()))
    return parse(text, path.name, base=path.parent, runs=runs)


def parse(text: str, where: str, *, base: Path | None = None, runs: int | None = None) -> Sweep:
    """Return the sweep that a text in TOML describes; its scenario may lie beside it in `base`."""
    try:
        spec = msgspec.convert(tomllib.loads(text), Spec)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: {error}", hint="it is not TOML there") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}", hint="see docs/sweeps.md") from error
    if runs is not None:
        spec = msgspec.structs.replace(spec, runs=runs)
    beside = (base or Path()) / spec.scenario
    source = story.load(str(beside) if beside.suffix == ".toml" else spec.scenario)
    sweep = Sweep(where.removesuffix(".toml"), spec, tomllib.loads(source.text))
    _check(sweep, where)
    return sweep


def _check(sweep: Sweep, where: str) -> None:
    """Refuse what cannot be drawn, driven or claimed; every end of every range is tried."""
    spec = sweep.spec
    for vary in spec.vary:
        if (vary.between is None) == (vary.among is None):
            raise ConfigError(
                f"{where}: [[vary]] {vary.column} needs `between` or `among`", hint="one of the two"
            )
    known = {*sweep.figures, "hours", "runs"}
    asked = [name for c in spec.claim for name in (c.of and c.over, c.of, c.figure) if name]
    for name in (*asked, *spec.worst, *spec.only_if):
        if name not in known:
            raise ConfigError(f"{where}: no figure {name!r}", hint=nearest(name, sorted(known)))
    for claim in spec.claim:
        if bool(claim.of) == bool(claim.figure):
            raise ConfigError(
                f"{where}: a [[claim]] needs `of` or `figure`", hint="a rate or a quantile"
            )
        if claim.control not in spec.control or claim.fans not in spec.fans:
            raise ConfigError(
                f"{where}: claims of control {claim.control!r} with fans by {claim.fans!r}, which "
                "are not driven",
                hint="say of which: control = ..., fans = ...",
            )
    width = max(len(spec.vary), 1)
    for share in (0.0, 0.5, math.nextafter(1.0, 0.0)):
        table, _ = sweep._scenario(0, np.full(width, share))
        scenario = story.from_table(table, where)
        Loop(scenario, where)
        _calibration_of(scenario, None, where)


def _put(table: dict[str, Any], key: str, value: Any, where: str) -> None:  # noqa: ANN401
    """Write a value to a place such as ``stretch[1].gain``."""
    place: Any = table
    path = [name if name else int(number) for name, number in _STEP.findall(key)]
    if not path or _STEP.sub("", key).strip("."):
        raise ConfigError(f"{where}: no place {key!r}", hint="write it like stretch[1].gain")
    for step in path[:-1]:
        try:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
        except (IndexError, TypeError) as error:
            raise ConfigError(
                f"{where}: the scenario has no {key!r}", hint="stretches count from 0"
            ) from error
    place[path[-1]] = value


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some runs of a sweep, for one worker."""

    sweep: Sweep
    first: int
    count: int
    calibration: CalibrationSet | None


def jobs_of(sweep: Sweep, calibration: CalibrationSet | None = None) -> list[Job[Chunk]]:
    """Return the jobs of a sweep; a run belongs to the same job whatever the number of workers.

    Args:
        sweep: The sweep.
        calibration: The set of all runs; None takes that of each run's event, else ``default``.
    """
    return [
        Job(f"{first:08d}", Chunk(sweep, first, min(RUNS_PER_JOB, sweep.spec.runs - first),
                                  calibration), weight=min(RUNS_PER_JOB, sweep.spec.runs - first))
        for first in range(0, sweep.spec.runs, RUNS_PER_JOB)
    ]  # fmt: skip


def request_of(sweep: Sweep, calibration: CalibrationSet | None = None) -> dict[str, object]:
    """Return all that makes rows of two sweeps differ; `calibration` as `jobs_of` takes it."""
    from d7xr.ecu.core import extension_digest
    from d7xr.rally import events

    text = msgspec.json.encode([msgspec.to_builtins(sweep.spec), sweep.table])
    by_event = b"".join(_set_of(name).blob for name in ("", *events()))
    blob = by_event if calibration is None else calibration.blob
    return {
        "sweep": f"{sweep.name} {hashlib.sha256(text).hexdigest()[:16]}",
        "core": extension_digest(),
        "calibration": hashlib.sha256(blob).hexdigest()[:16],
    }


@cache
def _set_of(event: str) -> CalibrationSet:
    return calibrations.load(event or calibrations.DEFAULT)


def _calibration_of(scenario: Scenario, given: CalibrationSet | None, where: str) -> CalibrationSet:
    """Return the set of one run: the given one or that of its event, with its own changes."""
    base = _set_of(scenario.event) if given is None else given
    return calibrations.changed(base, scenario.calibration, f"{where}: [calibration]")


def drive_chunk(chunk: Chunk) -> dict[str, object]:
    """Drive some runs; returns columns, each a list with one value per run, control and fans."""
    sweep, spec = chunk.sweep, chunk.sweep.spec
    columns: dict[str, list[Any]] = {name: [] for name in sweep.figures}
    shares = sweep._shares(chunk.first, chunk.count)
    for row in range(chunk.count):
        number = chunk.first + row
        table, values = sweep._scenario(number, shares[row])
        scenario = story.from_table(table, sweep.name)
        blob = _calibration_of(scenario, chunk.calibration, sweep.name).blob
        for control in spec.control:
            for fans in spec.fans:
                loop = Loop(scenario, sweep.name, control=control, fans=fans)
                drive = loop.drive(blob)
                told = {
                    "run": number,
                    "seed": table["seed"],
                    "control": control,
                    "fans": fans,
                    "duration_s": drive.ticks / 1000.0,
                    **{name: _scalar(value) for name, value in values.items()},
                    **drive.metrics,
                }
                for name, value in told.items():
                    columns[name].append(round(value, 4) if isinstance(value, float) else value)
    return dict(columns)


def _scalar(value: Any) -> Any:  # noqa: ANN401 - a drawn value of any form
    return value if isinstance(value, int | float | str) else msgspec.json.encode(value).decode()


def columns_of(
    rows: Sequence[Row], sweep: Sweep, *, all_runs: bool = False
) -> dict[str, NDArray[Any]]:
    """Join the rows of all jobs that were done.

    Args:
        rows: Of the jobs.
        sweep: Whose they are.
        all_runs: Those too that ``only_if`` does not let count.
    """
    parts = [row.values for row in rows if row.error is None]
    joined: dict[str, list[Any]] = {name: [] for name in sweep.figures}
    for part in parts:
        for name, values in joined.items():
            values.extend(part[name])  # type: ignore[arg-type]
    columns = {name: np.array(values) for name, values in joined.items()}
    counts = np.ones(len(joined["run"]), dtype=np.bool_)
    for name, (low, high) in () if all_runs else sweep.spec.only_if.items():
        counts &= (columns[name] >= low) & (columns[name] <= high)
    return {name: values[counts] for name, values in columns.items()}


@dataclass(frozen=True, slots=True)
class Finding:
    """How a claim fared.

    Attributes:
        text: The claim.
        value: What was found; None where nothing was there to judge.
        low: Lower end of its 95 % confidence interval; None where it has none.
        high: Upper end.
        count: Of runs or of events that it rests on.
        is_kept: Whether the value found is within the claim.
    """

    text: str
    value: float | None
    low: float | None
    high: float | None
    count: int
    is_kept: bool


def judged(columns: Mapping[str, NDArray[Any]], sweep: Sweep) -> tuple[Finding, ...]:
    """Judge every claim of a sweep."""
    return tuple(_judged(claim, columns, sweep) for claim in sweep.spec.claim)


def _judged(claim: Claim, columns: Mapping[str, NDArray[Any]], sweep: Sweep) -> Finding:
    mine = (columns["control"] == claim.control) & (columns["fans"] == claim.fans)
    own = {name: values[mine] for name, values in columns.items()}
    own["runs"] = np.ones(int(mine.sum()))
    own["hours"] = own["duration_s"].astype(np.float64) / 3600.0
    text = claim.text if len(sweep.spec.control) == 1 else f"{claim.control}: {claim.text}"
    text = text if len(sweep.spec.fans) == 1 else f"fans by {claim.fans}: {text}"
    if claim.of:
        value, low, high, count = _rate(own[claim.of], own[claim.over], claim.over == "hours")
    else:
        value, low, high, count = _quantile(own[claim.figure], claim.share)
    if value is None:
        return Finding(text, None, None, None, 0, is_kept=False)
    is_kept = (claim.at_least is None or value >= claim.at_least) and (
        claim.at_most is None or value <= claim.at_most
    )
    return Finding(text, value, low, high, count, is_kept)


type _Estimate = tuple[float | None, float | None, float | None, int]


def _rate(of: NDArray[Any], over: NDArray[Any], is_time: bool) -> _Estimate:
    """Return events over trials with Wilson's interval, or over time with that of a Poisson count.

    Of no event at all in a time T no more can be said than 3.0 / T (95 %).
    """
    hits, trials = float(of.sum()), float(over.sum())
    if trials <= 0.0:
        return None, None, None, 0
    rate = hits / trials
    if is_time or hits > trials:
        root = math.sqrt(hits + 0.25 * _Z95**2)
        low = max(hits + 0.5 * _Z95**2 - _Z95 * root, 0.0) / trials
        high = (3.0 if hits == 0.0 else hits + 0.5 * _Z95**2 + _Z95 * root) / trials
        return rate, low, high, round(hits)
    low, high = wilson(hits, trials)
    return rate, low, high, round(trials)


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a rate (Wilson 1927)."""
    rate, z2 = hits / trials, _Z95**2 / trials
    centre = (rate + 0.5 * z2) / (1.0 + z2)
    half = _Z95 * math.sqrt(rate * (1.0 - rate) / trials + 0.25 * z2 / trials) / (1.0 + z2)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _quantile(values: NDArray[Any], share: float) -> _Estimate:
    """Return an order statistic, with those that bracket it at 95 % (binomial, by its normal)."""
    count = len(values)
    if count == 0:
        return None, None, None, 0
    ordered = np.sort(values.astype(np.float64))
    half = _Z95 * math.sqrt(count * share * (1.0 - share))

    def at(rank: float) -> float:
        return float(ordered[min(max(math.ceil(rank) - 1, 0), count - 1)])

    middle = count * share
    return at(middle), at(middle - half), at(middle + half), count


def worst_of(
    columns: Mapping[str, NDArray[Any]], sweep: Sweep, count: int = 3
) -> tuple[tuple[str, int, float], ...]:
    """Return figure, number of the run and value of the worst runs of the first control."""
    spec = sweep.spec
    mine = (columns["control"] == spec.control[0]) & (columns["fans"] == spec.fans[0])
    found = []
    for name in sweep.spec.worst:
        values = columns[name][mine].astype(np.float64)
        for row in np.argsort(-values, kind="stable")[:count].tolist():
            found.append((name, int(columns["run"][mine][row]), float(values[row])))
    return tuple(found)


def write_table(columns: Mapping[str, NDArray[Any]], folder: Path) -> Path:
    """Write the rows as Parquet and return its path.

    Raises:
        UsageError: DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise UsageError(
            "Parquet needs DuckDB, which is not installed",
            hint="python -m pip install 'd7xr[store]'",
        ) from error
    path = folder / TABLE
    table = {name: _plain_column(values) for name, values in columns.items()}
    with duckdb.connect() as connection:
        connection.register("sweep_rows", table)
        connection.execute(
            f"COPY sweep_rows TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
        )
    return path


def _plain_column(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(object) if values.dtype.kind in "US" else values


def toml_of(table: Mapping[str, Any]) -> str:
    """Return a scenario as TOML, to be driven by itself."""
    return "\n".join(_lines_of(table, "")).lstrip() + "\n"


def _lines_of(table: Mapping[str, Any], place: str) -> list[str]:
    """Return the lines of a table and, behind its own values, of the tables in it."""
    inner = {k: v for k, v in table.items() if _is_table(v) or _is_tables(v)}
    lines = [f"{key} = {_toml(value)}" for key, value in table.items() if key not in inner]
    for key, value in inner.items():
        name = f"{place}{key}"
        header, rows = (f"[{name}]", [value]) if _is_table(value) else (f"[[{name}]]", value)
        for row in rows:
            own = _lines_of(row, f"{name}.")
            lines += own if own[:1] == [""] else ["", header, *own]
    return lines


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_table, value))


def _toml(value: object) -> str:
    """Return a value as TOML, which shares numbers, strings and lists with JSON."""
    return msgspec.json.encode(value).decode()
