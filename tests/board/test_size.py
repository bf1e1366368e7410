"""Flash, memory and stack of the board's image keep to their budget."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from d7xr.ecu import calibration_default
from tests.gates.checks.sources import REPOSITORY
from tests.gates.checks.stack import Calls, read_calls
from tools.firmware_difference import Cost, cost_table, default_set, image_of
from tools.firmware_difference import table as difference
from tools.firmware_size import (
    BUDGET,
    EXCEPTION_BYTES,
    FLASH_CEILING,
    HANDLERS,
    START,
    Footprint,
    complaints,
    footprint,
    graphs,
    identity,
    main,
    stack_bound,
)

FEWEST_FUNCTIONS = 300
FEWEST_SOURCES = 35
HANDLER_NAMES = [name for group in HANDLERS for name in group]


def budget() -> dict[str, int]:
    """Return the budgets of the board's image."""
    found: dict[str, int] = tomllib.loads(BUDGET.read_text(encoding="ascii"))["chip"]
    return found


def test_the_image_keeps_to_its_budget(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(image)]) == 0, capsys.readouterr().err
    assert "flash" in capsys.readouterr().out


def test_every_function_that_is_called_has_a_known_frame(image: Path) -> None:
    calls = read_calls(graphs(image))

    called = {name for callees in calls.callees.values() for name in callees}

    assert called - set(calls.stack_bytes) == set()
    assert len(calls.stack_bytes) >= FEWEST_FUNCTIONS


def test_the_bound_holds_on_what_was_measured(image: Path) -> None:
    used = footprint(image)

    assert used.stack <= used.stack_reserved


def test_an_image_needs_no_c_library_beside_its_compiler() -> None:
    # Debian's cross compiler merely recommends one: an image that used its headers would be built
    # on one machine and not on the next.
    done = subprocess.run(
        ["make", "-n", "-B", "-f", "firmware/board/board.mk"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    compiled = [line for line in done.stdout.splitlines() if " -c " in line]

    assert len(compiled) >= FEWEST_SOURCES
    assert all("-nostdinc -isystem" in line for line in compiled)
    assert all("-nostdlib" in line for line in done.stdout.splitlines() if "-Wl,-Map" in line)


def graph(**callees: set[str]) -> Calls:
    """Return a graph of functions with a frame of eight bytes each."""
    everything: dict[str, set[str]] = {
        START: set(),
        **{name: set() for name in HANDLER_NAMES},
        **callees,
    }
    names = {*everything, *(name for called in everything.values() for name in called)}
    return Calls(
        callees={name: everything.get(name, set()) for name in names},
        stack_bytes=dict.fromkeys(names, 8),
        is_bounded=dict.fromkeys(names, True),
    )


def test_interrupts_nest_by_priority_and_the_deepest_of_each_counts() -> None:
    deep = graph(startup_reset={"main"}, startup_usart2={"take"})

    assert stack_bound(deep) == 2 * 8 + 3 * EXCEPTION_BYTES + 2 * 8 + 8 + 8


@pytest.mark.parametrize(
    ("callees", "words"),
    [
        ({"startup_reset": {"main"}, "main": {"main"}}, "main: can call itself"),
        ({"startup_reset": {"__indirect_call"}}, "calls through a pointer"),
    ],
)
def test_canary_a_graph_without_a_bound_is_refused(
    callees: dict[str, set[str]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        stack_bound(graph(**callees))


def test_canary_a_frame_that_grows_is_refused() -> None:
    calls = graph()
    calls.is_bounded["startup_systick"] = False

    with pytest.raises(ValueError, match="startup_systick grows"):
        stack_bound(calls)


def test_canary_a_handler_that_is_not_in_the_graph_is_missed() -> None:
    calls = graph()
    del calls.stack_bytes["startup_can1_rx0"]

    with pytest.raises(ValueError, match="not in the call graph: startup_can1_rx0"):
        stack_bound(calls)


def test_canary_growth_slack_and_a_broken_promise_are_found() -> None:
    used = Footprint(flash=100, ram=100, stack=100, stack_reserved=4096)
    fits = {"flash": 110, "ram": 110, "stack": 110}

    assert not complaints(used, fits)
    assert complaints(used, fits | {"flash": 99}) == ["flash takes 100 bytes, may 99"]
    assert complaints(used, fits | {"ram": 126}) == ["ram takes 100 bytes: lower its budget of 126"]
    assert f"above {FLASH_CEILING}" in complaints(used, fits | {"flash": FLASH_CEILING + 1})[-1]
    small = Footprint(flash=100, ram=100, stack=100, stack_reserved=64)
    assert complaints(small, fits) == ["stack takes 100 bytes, 64 are reserved"]


def test_without_an_image_it_says_how_to_build_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "d7xr.elf")]) == 3
    assert "make firmware" in capsys.readouterr().err


def test_the_image_says_what_it_was_built_from(image: Path) -> None:
    said = identity(image)

    assert said.startswith("d7xr git ")
    assert "; compiler 12." in said
    assert "-ffp-contract=off" in said


def test_another_revision_is_built_beside_this_one_and_compared(
    image: Path, tmp_path: Path
) -> None:
    then = footprint(image_of("HEAD", tmp_path))
    now = footprint(image)

    text = difference(now, then, "HEAD")

    assert 0.5 < now.flash / then.flash < 2.0
    assert f"{now.flash - then.flash:+d}" in text
    # And beside it lies the image that counts instructions, with the set that it carries
    measuring = image_of("HEAD", tmp_path).with_name("measure.elf")
    assert len(default_set(measuring)) == len(calibration_default())


def test_instructions_are_compared_too() -> None:
    text = cost_table(Cost(1000, 2000, 3000), Cost(1100, 2000, 2900), "main")

    assert [line.split() for line in text.splitlines()] == [
        ["instr.", "now", "main", "change"],
        ["least", "1000", "1100", "-100"],
        ["mean", "2000", "2000", "+0"],
        ["most", "3000", "2900", "+100"],
    ]


def test_a_revision_that_git_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="git knows no revision 'no-such-thing'"):
        image_of("no-such-thing", tmp_path)
