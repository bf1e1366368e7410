"""Progress: drawn on a terminal, seldom a plain line elsewhere, nothing when nobody asked."""

import argparse
from collections.abc import Iterator

import pytest

from d7xr.cli import output, progress
from d7xr.replay import Progress


def args(**given: bool) -> argparse.Namespace:
    return argparse.Namespace(**{"is_quiet": False, "json": False, **given})


def clock(*readings_s: float) -> Iterator[float]:
    return iter(readings_s)


def at(ticks_done: int) -> Progress:
    return Progress(ticks_done, 100_000, 10 * ticks_done, 2)


def test_without_a_terminal_a_line_comes_at_most_every_30_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    readings = clock(0.0, 29.0, 31.0, 60.0, 62.0)

    with progress.shown(args(), clock=readings.__next__) as show:
        for ticks_done in (10_000, 20_000, 30_000, 40_000):
            show(at(ticks_done))

    lines = capsys.readouterr().err.splitlines()
    assert [line.split("%")[0].strip() for line in lines] == ["20", "40"]
    assert "frames/s" in lines[0]
    assert "2 flights" in lines[0]


@pytest.mark.parametrize("option", ["is_quiet", "json"])
def test_quiet_and_json_say_nothing(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown(args(**{option: True}), clock=clock(0.0, 1e3).__next__) as show:
        show(at(10_000))

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "ci", "may"),
    [
        ({}, "", True),
        ({"is_quiet": True}, "", False),
        ({"json": True}, "", False),
        ({}, "1", False),
    ],
)
def test_only_a_terminal_that_nobody_forbade_is_drawn_on(
    given: dict[str, bool], ci: str, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("CI", ci)

    assert output.may_animate(args(**given)) is may


def test_on_a_terminal_it_is_drawn_and_wiped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "may_animate", lambda _: True)

    with progress.shown(args(), clock=clock(0.0, 1.0).__next__) as show:
        show(at(50_000))

    assert capsys.readouterr().out == ""


def test_where_nobody_knows_the_end_the_time_that_is_done_stands_for_the_share(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress.shown(args(), clock=clock(0.0, 31.0).__next__) as show:
        show(Progress(310_000, 0, 62_000, 2))

    assert capsys.readouterr().err == "310 s  2,000 frames/s  10 x real time  2 flights\n"
