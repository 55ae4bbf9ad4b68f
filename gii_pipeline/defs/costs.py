"""Costs: what a step took, so that next year's run can be compared with this year's.

Belongs here: reading the clock and the peak memory of the process. Does not: rows and bytes, which the files tell.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

try:
    import resource
except ImportError:  # Windows shows no peak
    resource = None  # type: ignore[assignment]

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of `ru_maxrss`, by getrusage(2) of each system."""


@dataclass(frozen=True)
class Meter:
    """Started with a step; `figures` are what it took until now.

    seconds: wall clock. peak_memory_bytes: of the process and, if larger, of one it has waited for; a process that runs
    several steps tells the highest of them so far.
    """

    started: float = field(default_factory=time.monotonic)

    @property
    def figures(self) -> dict[str, int | float]:
        figures: dict[str, int | float] = {"seconds": round(time.monotonic() - self.started, 3)}
        if resource is not None:
            peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
            figures["peak_memory_bytes"] = max(peaks) * UNIT
        return figures
