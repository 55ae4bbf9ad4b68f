"""Costs: what a step took, so that next year's run can be compared with this year's.

Belongs here: the clock and the peak memory of a step. Does not: rows and bytes, which the files show.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from gii_pipeline.memory import peak_bytes


@dataclass(frozen=True)
class Meter:
    """Started with a step; `figures` are what it took until now.

    seconds: wall clock. peak_memory_bytes: of the process and, if larger, of one it has waited for; a process that runs
    several steps reports the highest of them so far.
    """

    started: float = field(default_factory=time.monotonic)

    @property
    def figures(self) -> dict[str, int | float]:
        figures: dict[str, int | float] = {"seconds": round(time.monotonic() - self.started, 3)}
        if peak := peak_bytes(children=True):
            figures["peak_memory_bytes"] = peak
        return figures
