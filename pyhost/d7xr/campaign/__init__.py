"""Every input broken in every way: does the unit notice, what does it do, and how does it heal.

Two units get the same drive, one with healthy inputs and one in which a single input breaks for a
while. What the second does worse than the first is harm; harm of which no fault tells is a
weakness of the unit.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from d7xr import replay
from d7xr.campaign.injection import Kind, Limits, broken, kinds_of
from d7xr.campaign.stories import Window, told, windows_of_demo
from d7xr.campaign.twins import Comparison, Stretch, compare, run
from d7xr.database import Database
from d7xr.frames import Frames
from d7xr.inputs import by_signal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from d7xr.database import Message, Signal
    from d7xr.ecu import Ecu
    from d7xr.replay import Feed

__all__ = ["Cell", "Comparison", "Kind", "Window", "cells", "drive", "windows_of_demo"]

_SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Cell:
    """One input, broken in one way.

    Attributes:
        message: That brings it.
        signal: Which; empty where the message breaks as a whole.
        kind: How it breaks.
        found: What came of it, by window.
    """

    message: str
    signal: str
    kind: Kind
    found: dict[str, Comparison]

    @property
    def name(self) -> str:
        """Return the input's name as in ``d7xr signals``."""
        return f"{self.message}.{self.signal}" if self.signal else self.message

    @property
    def is_undetected_and_harmful(self) -> bool:
        """Say whether it is so in any window."""
        return any(found.is_undetected_and_harmful for found in self.found.values())


def drive() -> Feed:
    """Return the shipped drive, as it is fed to the unit."""
    from d7xr.demo import demo_trace_path
    from d7xr.trace import read_trace

    return replay.feed_of(read_trace(demo_trace_path()))


def cells(
    feed: Feed, blob: bytes, windows: Sequence[Window], *, messages: Sequence[str] | None = None
) -> Iterator[Cell]:
    """Break every input in every way.

    Args:
        feed: A drive.
        blob: A calibration.
        windows: Parts of it.
        messages: Only these; None takes all that the unit receives.
    """
    own = Database.own()
    broken_so = [
        (own.message(name), signal, kind)
        for name in messages or replay.heard(own)
        for signal in (None, *own.message(name).values)
        for kind in kinds_of(own.message(name), signal, _limits_of(signal))
    ]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:  # the unit runs without the GIL
        twins = list(pool.map(lambda window: _twin(feed, blob, window), windows))
        yield from pool.map(lambda break_: _cell(twins, *break_), broken_so)


@dataclass(frozen=True, slots=True)
class _Twin:
    """A unit with healthy inputs, at the beginning of a window and through it."""

    window: Window
    feed: Feed
    start: Ecu
    did: Stretch


def _twin(feed: Feed, blob: bytes, window: Window) -> _Twin:
    from d7xr.ecu import Ecu

    feed = told(feed, window)
    tick = (feed.frames.time_us - feed.first_us) // replay.US_PER_TICK
    end = int(np.searchsorted(tick, window.start_ms))
    ecu = Ecu(blob)
    ecu.run(feed.frames.frame[:end], tick[:end], window.start_ms)
    part = _part(feed, window)
    return _Twin(window, part, ecu, run(ecu.fork(), part.frames, feed.first_us, window))


def _cell(twins: Sequence[_Twin], message: Message, signal: Signal | None, kind: Kind) -> Cell:
    found = {twin.window.name: _compared(twin, message, signal, kind) for twin in twins}
    return Cell(message.name, "" if signal is None else signal.name, kind, found)


def _compared(twin: _Twin, message: Message, signal: Signal | None, kind: Kind) -> Comparison:
    window, first_us = twin.window, twin.feed.first_us
    frames = broken(
        twin.feed.frames,
        message,
        signal,
        kind,
        (first_us + 1000 * window.broken_ms, first_us + 1000 * window.healed_ms),
        limits=_limits_of(signal),
        random=np.random.default_rng(_SEED),
    )
    is_same = np.array_equal(frames.frame, twin.feed.frames.frame)
    did = twin.did if is_same else run(twin.start.fork(), frames, first_us, window)
    return compare(twin.did, did, window)


def _part(feed: Feed, window: Window) -> Feed:
    """Return what is fed in a window alone."""
    tick = (feed.frames.time_us - feed.first_us) // replay.US_PER_TICK
    part = slice(*np.searchsorted(tick, (window.start_ms, window.end_ms)).tolist())
    return replace(feed, frames=Frames(feed.frames.time_us[part], feed.frames.frame[part]))


def _limits_of(signal: Signal | None) -> Limits | None:
    """Return what the unit takes for possible of a signal, and what the bus can say beyond it."""
    if signal is None:
        return None
    codes = [code for code in signal.choices if code != signal.not_available_raw]
    source = by_signal().get(signal.name)
    if source is None:
        return Limits(float(min(codes)), float(max(codes)))
    low, high = source.input.minimum, source.input.maximum
    beyond = high + 1.0 if codes else signal.maximum
    is_code_free = not codes or beyond != signal.not_available_raw
    has_room = beyond is not None and beyond > high and is_code_free
    return Limits(low, high, beyond if has_room else None)
