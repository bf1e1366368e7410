"""Why the unit did what it did at a moment of a run, in sentences with numbers.

Example:
    >>> from d7xr.demo import demo_trace_path
    >>> past = of_trace(demo_trace_path())
    >>> explain(past.moment(25_000), ("flight",))[0].text
    'The car flies, for 116 ms now.'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from d7xr.explain import fans, faults, flight, torque
from d7xr.explain.anchors import tick_of
from d7xr.explain.moment import Moment, Statement
from d7xr.explain.past import Past, of_folder, of_trace
from d7xr.explain.story import Interval, intervals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "TOPICS",
    "Interval",
    "Moment",
    "Past",
    "Statement",
    "explain",
    "intervals",
    "of_folder",
    "of_trace",
    "tick_of",
]

_EXPLAINERS: Final[Mapping[str, Callable[[Moment], Iterator[Statement]]]] = {
    "torque": torque.explain,
    "flight": flight.explain,
    "fans": fans.explain,
    "faults": faults.explain,
    "sensors": faults.explain_sensors,
}

TOPICS: Final = tuple(_EXPLAINERS)
"""What can be explained, in the order in which it is told."""


def explain(moment: Moment, topics: Sequence[str] = TOPICS) -> tuple[Statement, ...]:
    """Explain a moment.

    Args:
        moment: The unit at the end of a tick.
        topics: Any of ``TOPICS``; told in their order.
    """
    return tuple(
        statement
        for topic, explainer in _EXPLAINERS.items()
        if topic in topics
        for statement in explainer(moment)
    )
