"""Completeness: whether the records of a data year are all in, by what earlier retrievals of the source show.

Belongs here: the age of a data year when it was retrieved, and the part of its settled count that a year has by then.
Does not: keeping what a retrieval counted (`defs.retrievals`), or the table that shows it (`coverage`).

An office publishes and an index adds records for years after the fact. How many come late, only a later retrieval
shows: where a data year was retrieved at some age, and again at least a year later, the first count over the last is
the part of the settled count that was in at that age. Later data years are held against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from statistics import median
from typing import NamedTuple

SAME_AGE_MONTHS = 3
"""Two retrievals are of the same age when their ages differ by no more than this."""
SETTLED_AFTER_MONTHS = 12
"""A later retrieval shows what came in the end from this many months on."""


class Retrieval(NamedTuple):
    """What a metric counted in a data year, of the files that were retrieved on a day."""

    data_year: int
    retrieved: date
    records: float


class Shown(NamedTuple):
    """What retrievals show of a data year.

    age_months: whole months from its end to its retrieval, negative while the year runs. settled_pct: part of its
    settled count that an earlier data year had at this age, the median over `years` of them; None where there is none.
    """

    age_months: int
    settled_pct: float | None
    years: int

    @property
    def tells(self) -> bool:
        """Whether it shows that the year is complete, or is not."""
        return self.age_months < 0 or self.settled_pct is not None


def shown(current: Mapping[int, date], retrievals: Iterable[Retrieval]) -> dict[int, Shown]:
    """Data year -> what retrievals show of it. current: data year -> the day on which what counts now was retrieved.

    retrievals: in their order; of several on one day the last one counts. Those of later days than `current` are not
    looked at, so that the same inputs always give the same answer.
    """
    today = max(current.values(), default=date.min)
    known: dict[int, dict[date, float]] = {}
    for one in retrievals:
        if one.retrieved <= today:
            known.setdefault(one.data_year, {})[one.retrieved] = one.records
    found = {}
    for year, day in sorted(current.items()):
        age = age_months(year, day)
        others = [_settled(earlier, of, age) for earlier, of in known.items() if earlier < year]
        parts = [part for part in others if part is not None]
        found[year] = Shown(age, round(100 * median(parts), 3) if parts else None, len(parts))
    return found


def age_months(data_year: int, day: date) -> int:
    """Whole months from the end of a data year to a day.

    >>> age_months(2024, date(2025, 6, 30)), age_months(2024, date(2024, 12, 1))
    (5, -1)
    """
    return 12 * (day.year - data_year - 1) + day.month - 1


def _settled(data_year: int, records: Mapping[date, float], age: int) -> float | None:
    """What a data year counted at an age over its newest count, where that is old enough to be settled; else None."""
    ages = {age_months(data_year, day): count for day, count in sorted(records.items())}
    then, last = min(ages, key=lambda months: (abs(months - age), months)), max(ages)
    if abs(then - age) > SAME_AGE_MONTHS or last - then < SETTLED_AFTER_MONTHS or ages[last] <= 0:
        return None
    return ages[then] / ages[last]
