"""Two machines or two runs side by side: equal, or the first difference in words, bits and steps.

`back_to_back` runs the same frames on two targets and looks at the state after every tick.
`compare_runs` reads two run folders. Both count what they compared, and refuse to call nothing
equal.
"""

from d7xr.compare.model import (
    Comparison,
    FrameDifference,
    NamedDifference,
    NanFound,
    OnlyIn,
    ValueDifference,
)
from d7xr.compare.runs import compare_runs
from d7xr.compare.targets import back_to_back

__all__ = [
    "Comparison",
    "FrameDifference",
    "NamedDifference",
    "NanFound",
    "OnlyIn",
    "ValueDifference",
    "back_to_back",
    "compare_runs",
]
