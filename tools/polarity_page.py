"""The polarity table as a page: ``make docs`` writes docs/polarity.md."""

from pathlib import Path
from typing import Final

from d7xr.campaign.polarity import page

PAGE: Final = Path(__file__).parent.parent / "docs" / "polarity.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
