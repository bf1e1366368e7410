"""Why the fans run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from d7xr.explain.moment import quantity
from d7xr.explain.words import COOLING_STATES, FANS, TEMPERATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from d7xr.explain.moment import Moment, Statement

_TOPIC: Final = "fans"
_FAN_COUNT: Final = 4
_FLYING: Final = frozenset({"Suspect", "Air", "Landing"})


def explain(m: Moment) -> Iterator[Statement]:
    """Say which rule decides, who asks for how many, what runs, and what keeps it from running."""
    state = m.word("cooling.state")
    wanted = int(m["cooling.stage"])
    yield m.say(_TOPIC, COOLING_STATES[state])
    if state in {"Normal", "RunOn", "Manual"}:
        yield from _ladders(m)
    if m.is_set("cooling.is_full"):
        yield m.say(_TOPIC, FANS["full"])
    elif state == "Normal" and m.is_set("cooling.is_ram_air") and wanted <= 1 and _by_heat(m) > 1:
        yield m.say(_TOPIC, FANS["ram_air"])
    if int(m["cooling.shed"]):
        yield m.say(_TOPIC, FANS["shed"])
    mask = int(m["cooling.fans.running_mask"])
    yield m.say(_TOPIC, FANS["running"], running=_names(mask))
    yield from _delays(m, mask.bit_count(), wanted)
    for fan in range(_FAN_COUNT):
        yield from _health(m, fan)
    yield m.say(_TOPIC, FANS["pump"])


def _by_heat(m: Moment) -> int:
    return max(int(m[f"cooling.ladder_stage[{i}]"]) for i in range(len(TEMPERATURES)))


def _ladders(m: Moment) -> Iterator[Statement]:
    if m.word("temperature[0].state") == "Believed":
        yield m.say(_TOPIC, FANS["coolant"], steps=_steps(m))
    for i in range(1, len(TEMPERATURES)):
        if int(m[f"cooling.ladder_stage[{i}]"]):
            is_at = m.say(_TOPIC, f"{{temperature[{i}].degC}}").text
            count = str(int(m[f"cooling.ladder_stage[{i}]"]))
            yield m.say(_TOPIC, FANS["other"], what=TEMPERATURES[i], degC=is_at, count=count)


def _steps(m: Moment) -> str:
    """Return where the next fan would come and the last one would go."""
    stage = int(m["cooling.ladder_stage[0]"])
    steps = ""
    if stage < _FAN_COUNT:
        steps += f"; one more at {quantity(m.cal(f'cooling.coolant_on_degC[{stage}]'), 'degC')}"
    if stage > 0:
        off = m.cal(f"cooling.coolant_on_degC[{stage - 1}]") - m.cal("cooling.hysteresis_K")
        steps += f"; one less at {quantity(off, 'degC')}"
    return steps


def _delays(m: Moment, running: int, wanted: int) -> Iterator[Statement]:
    if running > wanted:
        key = "held" if m.word("flight_mode.state") in _FLYING else "more_running"
        yield m.say(_TOPIC, FANS[key])
    elif running < wanted:
        if m.word("flight_mode.state") in _FLYING:
            yield m.say(_TOPIC, FANS["held"])
        elif int(m["cooling.after_flight_ticks"]) < m.cal("cooling.flight_wait_ms"):
            yield m.say(_TOPIC, FANS["waits_flight"])
        elif int(m["cooling.after_crank_ticks"]) < m.cal("cooling.crank_wait_ms"):
            yield m.say(_TOPIC, FANS["waits_crank"])
        elif int(m["cooling.fans.since_start_ticks"]) <= m.cal("cooling.stagger_ms"):
            yield m.say(_TOPIC, FANS["stagger"])


def _health(m: Moment, fan: int) -> Iterator[Statement]:
    if m.is_set(f"cooling.fans.fan[{fan}].is_dropped"):
        how = "draws too much current and is switched off until it is tried again"
    elif m.is_set(f"cooling.fans.fan[{fan}].is_open"):
        how = "draws no current, so another takes over"
    else:
        return
    yield m.say(_TOPIC, FANS["failed"], fan=str(fan + 1), how=how)


def _names(mask: int) -> str:
    fans = [str(fan + 1) for fan in range(_FAN_COUNT) if mask >> fan & 1]
    return f"fan {', '.join(fans)}" if fans else "no fan"
