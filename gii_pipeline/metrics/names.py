"""What the metrics are called, and which core table each is counted from.

Belongs here: names, units and core tables, the same in every table and text.
Does not: which metrics an edition has, their windows and weights; those are settings of the edition.
"""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """A metric's core table and its names for readers; `people` is who a record is split over."""

    core_table: str
    title: str
    unit: str
    people: str

    @property
    def title_in_text(self) -> str:
        """The title inside a sentence: small letters, except where it begins with an abbreviation."""
        return self.title if self.title[1].isupper() else self.title[0].lower() + self.title[1:]


METRIC: dict[str, Metric] = {
    "pct_applications": Metric("patents", "PCT applications", "applications", "inventors"),
    "scientific_publications": Metric("publications", "Scientific publications", "publications", "authors"),
    "vc_deals": Metric("vc_deals", "VC deals", "deals", "companies"),
}

METRICS: tuple[str, ...] = tuple(METRIC)
CORE_TABLES: dict[str, str] = {name: metric.core_table for name, metric in METRIC.items()}
