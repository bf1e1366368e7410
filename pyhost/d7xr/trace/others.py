"""Account of records that are understood but are no CAN frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from d7xr.trace.model import Problem

_NAMED: Final = 5


@dataclass(slots=True)
class Others:
    """Counts records by a word for their kind, and remembers where the first one was."""

    counts: Counter[str] = field(default_factory=Counter)
    first: str = ""

    def add(self, word: str, place: str, count: int = 1) -> None:
        """Count one record, or several."""
        self.first = self.first or place
        self.counts[word] += count

    def problems(self) -> list[Problem]:
        """Return what there is to tell: nothing, or one problem that names the commonest kinds."""
        if not self.counts:
            return []
        most = ", ".join(f"{word} {count}" for word, count in self.counts.most_common(_NAMED))
        text = f"records that are no CAN frames: {most}"
        return [Problem("other_event", self.counts.total(), self.first, text, is_left_out=True)]
