"""Progress of a long command on standard error: a line that moves, or now and then a plain one."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from d7xr.cli import output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Bar

    from d7xr.decoding_files import Progress as RowsProgress
    from d7xr.fanout import Progress as ManyProgress
    from d7xr.replay import Progress

_PLAIN_EVERY_S = 30.0


@contextmanager
def shown(
    args: argparse.Namespace, *, clock: Callable[[], float] = monotonic
) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows how far a replay is.

    On a terminal it draws; elsewhere it prints at most one line every 30 s; with ``-q`` or
    ``--json`` it does nothing.
    """
    if output.may_animate(args):
        with _drawn(clock) as show:
            yield show
    elif args.is_quiet or args.json:
        yield lambda _: None
    else:
        yield _plain(clock)


@contextmanager
def rows_shown(
    args: argparse.Namespace, *, clock: Callable[[], float] = monotonic
) -> Iterator[Callable[[RowsProgress], None]]:
    """Yield a function that shows how many frames of a trace are read, and of how many."""
    started_s = last_s = clock()

    def line(progress: RowsProgress, elapsed_s: float) -> str:
        if progress.of is None:
            rate = progress.rows / max(elapsed_s, 1e-9)
            return f"reading: {progress.rows:,} frames, {rate:,.0f} frames/s"
        return f"writing: {100 * progress.rows / progress.of:.0f} % of {progress.of:,} frames"

    def plain(progress: RowsProgress) -> None:
        nonlocal last_s
        now_s = clock()
        if now_s - last_s >= _PLAIN_EVERY_S:
            last_s = now_s
            output.note(line(progress, now_s - started_s))

    if output.may_animate(args):
        with _bar() as bar:
            task = bar.add_task("starting", total=None)
            yield lambda p: bar.update(
                task, total=p.of, completed=p.rows, description=line(p, clock() - started_s)
            )
    else:
        yield (lambda _: None) if args.is_quiet or args.json else plain


@contextmanager
def many_shown(
    args: argparse.Namespace, *, what: str = "traces", clock: Callable[[], float] = monotonic
) -> Iterator[Callable[[ManyProgress], None]]:
    """Yield a function that shows how far many things are, and how long the rest will take."""
    started_s = last_s = clock()
    resumed: int | None = None

    def line(progress: ManyProgress, now_s: float) -> str:
        nonlocal resumed
        if resumed is None:
            resumed = progress.weight_done
        return _many_line(progress, resumed, now_s - started_s, what)

    if output.may_animate(args):
        with _bar() as bar:
            task = bar.add_task("starting", total=None)
            yield lambda p: bar.update(
                task, total=p.weight, completed=p.weight_done, description=line(p, clock())
            )
    elif args.is_quiet or args.json:
        yield lambda _: None
    else:

        def show(progress: ManyProgress) -> None:
            nonlocal last_s
            now_s = clock()
            told = line(progress, now_s)
            if now_s - last_s >= _PLAIN_EVERY_S:
                last_s = now_s
                output.note(told)

        yield show


def _many_line(progress: ManyProgress, resumed: int, elapsed_s: float, what: str = "traces") -> str:
    """Return what is done and, from the rate so far, what is left."""
    done_now, left = progress.weight_done - resumed, progress.weight - progress.weight_done
    done = "replayed" if what == "traces" else "done"
    text = f"{progress.done} of {progress.jobs} {what}"
    if progress.resumed:
        text += f", {progress.resumed} of them before"
    if progress.failed:
        text += f", {progress.failed} not {done}"
    if not done_now:
        return text
    left_s = round(elapsed_s * left / done_now)
    minutes, seconds = divmod(left_s, 60)
    return f"{text}, {minutes // 60}:{minutes % 60:02}:{seconds:02} left"


def _plain(clock: Callable[[], float]) -> Callable[[Progress], None]:
    started = last = clock()

    def show(progress: Progress) -> None:
        nonlocal last
        now = clock()
        if now - last >= _PLAIN_EVERY_S:
            last = now
            output.note(_line(progress, now - started))

    return show


@contextmanager
def _drawn(clock: Callable[[], float]) -> Iterator[Callable[[Progress], None]]:
    started = clock()
    with _bar() as bar:
        task = bar.add_task("starting", total=None)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                total=progress.ticks or None,
                completed=progress.ticks_done,
                description=_line(progress, clock() - started),
            )

        yield show


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    return Bar(
        BarColumn(bar_width=24),
        TextColumn("{task.description}"),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )


def _line(progress: Progress, elapsed_s: float) -> str:
    elapsed_s = max(elapsed_s, 1e-9)
    done_s = progress.ticks_done / 1000.0
    # A trace that is read as it runs does not say how long it is.
    share = f"{100.0 * progress.ticks_done / progress.ticks:3.0f} %" if progress.ticks else ""
    return (
        f"{share or f'{done_s:,.0f} s'}  {progress.frames_done / elapsed_s:,.0f} frames/s  "
        f"{done_s / elapsed_s:,.0f} x real time  "
        f"{progress.flights} flights"
    )
