"""The shipped sweeps as a table: ``make figures`` writes it into docs/sweeps.md."""

from pathlib import Path
from typing import Final

from d7xr.simulator.sweep import load, shipped

PAGE: Final = Path(__file__).parent.parent / "docs" / "sweeps.md"
BEGIN: Final = "<!-- shipped sweeps, by tools/sweep_page.py -->\n"
END: Final = "<!-- end of shipped sweeps -->\n"


def table() -> str:
    """Return the table."""
    lines = ["| sweep | scenario | what it asks | what varies |", "|---|---|---|---|"]
    for name in shipped():
        spec = load(name).spec
        varied = ", ".join(f"`{vary.column}`" for vary in spec.vary)
        lines.append(f"| `{name}` | `{spec.scenario}` | {spec.story} | {varied} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """Return the page with its table as it must be today."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
