"""Moments to be explained: of the shipped drive, and of a unit on the bench."""

from functools import cache

from d7xr.calibration import default_set
from d7xr.demo import demo_trace_path
from d7xr.ecu import Ecu
from d7xr.explain import Moment, Past, explain, of_trace, tick_of
from d7xr.explain.past import STORY_STATES


@cache
def demo() -> Past:
    """Return the shipped drive, replayed."""
    return of_trace(demo_trace_path())


def told(past: Past, *at: str, topic: str) -> list[str]:
    """Return the sentences of one topic at a moment."""
    return [s.text for s in explain(past.moment(tick_of(past, at)), (topic,))]


def active(ecu: Ecu, number: int) -> bool:
    """Say whether a fault is active."""
    return bool(int(ecu[f"fault.active_mask[{number // 32}]"]) >> number % 32 & 1)


def moment_of(ecu: Ecu) -> Moment:
    """Return the present of a unit whose past is not known."""
    fields = {field.name: field for field in Ecu.fields()}
    return Moment(
        tick=ecu.tick_count - 1,
        values={name: ecu[name] for name in fields},
        fields=fields,
        calibration=default_set().values,
        since=dict.fromkeys(STORY_STATES, 0),
        fault_since={n: 0 for n in range(64) if active(ecu, n)},
    )


def said(ecu: Ecu, topic: str) -> list[str]:
    """Return what is said of a unit's present."""
    return [s.text for s in explain(moment_of(ecu), (topic,))]
