"""How faults ended: survived, detected, silent, with a traceback."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

OUTCOMES = ("survived", "detected", "silent", "traceback")
"""The result without the fault; one message and no result; another result; an error that the pipeline does not know."""
BAD = ("silent", "traceback")


@dataclass
class Table:
    """The outcomes of each sort of fault, and what happened where one ended badly. tell: is given each as it ends."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    tell: Callable[[str], None] = lambda _: None

    def note(self, sort: str, outcome: str, told: str = "") -> None:
        self.tell(f"{sort}: {outcome} {told if outcome in BAD else ''}")
        self.rows.setdefault(sort, Counter())[outcome] += 1
        if outcome in BAD:
            self.told.append(f"{sort}, {outcome}: {told}")

    def count(self, *outcomes: str) -> int:
        return sum(row[outcome] for row in self.rows.values() for outcome in outcomes)

    @property
    def bad(self) -> int:
        return self.count(*BAD)

    def __str__(self) -> str:
        head = f"| fault | tried | {' | '.join(OUTCOMES)} |\n|---|---:|{'---:|' * len(OUTCOMES)}"
        lines = [
            f"| {sort} | {row.total()} | {' | '.join(str(row[outcome]) for outcome in OUTCOMES)} |"
            for sort, row in sorted(self.rows.items())
        ]
        return "\n".join([head, *lines, *self.told])
