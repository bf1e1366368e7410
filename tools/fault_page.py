"""The table of faults as a page: ``make docs`` writes docs/faults.md."""

from pathlib import Path
from typing import Final

from d7xr.cli.faults import heal_rule, set_rule
from d7xr.ecu import Fault, faults

PAGE: Final = Path(__file__).parent.parent / "docs" / "faults.md"

_HEAD: Final = """\
# Faults

Written by `make docs` from `firmware/core/fault.def`; `d7xr faults CODE` says the
same of one fault, `d7xr faults --run RUN` and `--memory FILE` what a unit remembers: how often each
came, for how many driving cycles it has stayed away (after 40 it is forgotten), and the car when it
first came.

Codes are written as in SAE J2012: standard ones where one means the same, else of the
manufacturer's ranges. *Stop* and *Limp* take torque, *Warning* and *Info* do not.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *map(_section, faults())])


def _section(fault: Fault) -> str:
    return f"""\
## {fault.code} {fault.name}

{fault.severity}, {fault.number} on the bus.

- The unit saw: {fault.saw}.
- It does: {fault.does}.
- The crew: {fault.crew}.
- Set {set_rule(fault)}.
- Healed {heal_rule(fault)}.
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
