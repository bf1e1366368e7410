"""Print what the board's image takes of flash, memory and stack, and hold it to its budget.

``python -m tools.firmware_size [IMAGE]``, after ``make firmware``. Exit status 1 where a budget of
``firmware/budget.toml`` is exceeded, or so wide that growth would pass unseen.

The stack is a bound, not a measurement: the deepest path of calls from ``main``, plus, for each
priority of interrupt, one exception frame and the deepest path of its handlers. It holds only where
nothing calls itself and nothing is called through a pointer, so both are refused.
"""

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.gates.checks.stack import Calls, deepest_bytes, indirect, plain, read_calls, recursive

ROOT = Path(__file__).resolve().parent.parent
IMAGE = ROOT / "build" / "firmware" / "d7xr.elf"
BUDGET = ROOT / "firmware" / "budget.toml"

FLASH_CEILING = 64 * 1024
RAM_CEILING = 24 * 1024
"""What the project promises; no budget may be higher."""

SLACK = 1.25
EXCEPTION_BYTES = 104 + 4
"""A frame with floating-point registers, and its alignment (PM0214, 2.3.7)."""

START = "startup_reset"
HANDLERS = (("startup_usart1", "startup_usart2"), ("startup_can1_rx0",), ("startup_systick",))
"""Handlers by priority: those of one cannot interrupt each other."""

OTHER_IMAGES = ("measure", "replay")
FLASH_SECTIONS = (".text", ".data")
RAM_SECTIONS = (".stack", ".data", ".bss", ".noinit")


@dataclass(frozen=True, slots=True)
class Footprint:
    """What an image takes, in bytes.

    Attributes:
        flash: Code, constants, and initial values.
        ram: Everything in memory, the reserved stack included.
        stack: Bound on the use of the stack.
        stack_reserved: What the linker script reserves for it.
    """

    flash: int
    ram: int
    stack: int
    stack_reserved: int


def sections(image: Path) -> dict[str, int]:
    """Return the size of each section of an image."""
    text = subprocess.run(
        ["arm-none-eabi-size", "-A", str(image)], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in text.splitlines() if line.startswith("."))
    return {name: int(size) for name, size, *_ in rows}


def graphs(image: Path) -> list[Path]:
    """Return the call graphs of what an image is made of."""
    found = sorted((image.parent / "obj").rglob("*.ci"))
    return [path for path in found if path.parent.name not in OTHER_IMAGES]


def stack_bound(calls: Calls) -> int:
    """Return the most that can be on the stack at once.

    Raises:
        ValueError: There is no bound: something calls itself, calls through a pointer, or takes a
            frame that grows at run time; or a handler is missing from the graph.
    """
    boundless = [*recursive(calls), *indirect(calls)]
    growing = [plain(name) for name, is_bounded in calls.is_bounded.items() if not is_bounded]
    if boundless or growing:
        raise ValueError("; ".join([*map(str, boundless), *(f"{n} grows" for n in growing)]))
    missing = {START, *(name for group in HANDLERS for name in group)} - set(calls.stack_bytes)
    if missing:
        raise ValueError(f"not in the call graph: {', '.join(sorted(missing))}")
    nested = (max(deepest_bytes(calls, name) for name in group) for group in HANDLERS)
    return deepest_bytes(calls, START) + sum(EXCEPTION_BYTES + bytes_ for bytes_ in nested)


def footprint(image: Path) -> Footprint:
    """Return what an image takes; its objects lie beside it.

    Raises:
        ValueError: Its stack has no bound.
    """
    size = sections(image)
    return Footprint(
        flash=sum(size.get(name, 0) for name in FLASH_SECTIONS),
        ram=sum(size.get(name, 0) for name in RAM_SECTIONS),
        stack=stack_bound(read_calls(graphs(image))),
        stack_reserved=size.get(".stack", 0),
    )


def complaints(used: Footprint, budget: dict[str, int]) -> list[str]:
    """Return a sentence for each number that is off its budget."""
    found: list[str] = []
    for name, taken in (("flash", used.flash), ("ram", used.ram), ("stack", used.stack)):
        may = budget[name]
        if taken > may:
            found.append(f"{name} takes {taken} bytes, may {may}")
        elif taken * SLACK < may:
            found.append(f"{name} takes {taken} bytes: lower its budget of {may}")
    for name, ceiling in (("flash", FLASH_CEILING), ("ram", RAM_CEILING)):
        if budget[name] > ceiling:
            found.append(f"the budget of {name} is above {ceiling} bytes, which are promised")
    if used.stack > used.stack_reserved:
        found.append(f"stack takes {used.stack} bytes, {used.stack_reserved} are reserved")
    return found


def table(used: Footprint, budget: dict[str, int]) -> str:
    """Return the numbers as a table."""
    rows = [("", "bytes", "budget", "left")]
    for name, taken in (("flash", used.flash), ("ram", used.ram), ("stack", used.stack)):
        rows.append((name, str(taken), str(budget[name]), str(budget[name] - taken)))
    return "\n".join(f"{name:<6}{taken:>8}{may:>8}{left:>8}" for name, taken, may, left in rows)


def identity(image: Path) -> str:
    """Return what an image says of its making: git state, compiler and flags."""
    found = re.search(rb"d7xr git [^\0]+", image.read_bytes())
    return (
        found[0].decode("ascii", "replace") if found else "an image that does not say who built it"
    )


def main(arguments: list[str]) -> int:
    """Print the table and what is wrong with it."""
    image = Path(arguments[0]) if arguments else IMAGE
    if not image.is_file():
        print(f"firmware_size: no image at {image}; build it: make firmware", file=sys.stderr)
        return 3
    budget = tomllib.loads(BUDGET.read_text(encoding="ascii"))["chip"]
    used = footprint(image)
    print(identity(image))
    print(table(used, budget))
    wrong = complaints(used, budget)
    for sentence in wrong:
        print(f"firmware_size: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
