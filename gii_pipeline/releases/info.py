"""What a release says about itself that no table holds: title, sources with their licences, settings.

Belongs here: the typed facts that a caller hands to `make_release`.
Does not: reading them from a profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from gii_pipeline.registry import Registry, shipped

PROVISIONAL = (
    "Provisional: the windows and the method of this edition are not published. They are copied from the "
    "previous edition, with the windows moved."
)
Maturity = Literal["experimental", "provisional", "final"]


@dataclass(frozen=True)
class SourceInfo:
    """A source as its owner wants it named.

    licence: an SPDX identifier, or the terms in words. metrics: what is counted from its records; () for a source of
    institutions, places or population, and where that is not known. shares_records: whether the licence lets single
    records be passed on, null for a source without records.
    """

    title: str
    licence: str
    citation: str
    url: str = ""
    metrics: tuple[str, ...] = ()
    shares_records: bool | None = None

    @property
    def terms(self) -> str:
        """The licence, and what it says of single records."""
        kept_back = "; individual records may not be redistributed" if self.shares_records is False else ""
        return self.licence + kept_back


WORLD: Final = "the world"


@dataclass(frozen=True)
class ReleaseInfo:
    """Title, sources and settings of a release.

    made_up: the records are invented (the sandbox), and every package says so.
    sources: by the names that the tables' locks use; one for each of them.
    settings: the edition, as `Edition.model_dump(mode="json")`; values with their tags and sources.
    maturity: provisional while the edition's windows and method are not published.
    notes: what the profile has no source for, or leaves out, in sentences that every output repeats.
    registry: the metrics that the tables have columns of.
    waivers: the broken rules that a person allowed, without which the tables would not have been published.
    data_as_of: when the newest input was retrieved, ISO 8601, for the package's `created`; left out when "".
    whole: what shares are of, in words: the world, or of a national slice its country.
    """

    title: str
    sources: Mapping[str, SourceInfo]
    settings: Mapping[str, Any] = field(default_factory=dict)
    made_up: bool = False
    maturity: Maturity = "final"
    data_as_of: str = ""
    waivers: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    registry: Registry = field(default_factory=shipped)
    whole: str = WORLD

    @property
    def keywords(self) -> list[str]:
        """Words that a catalogue finds the release by."""
        return ["innovation clusters", *(metric.title_in_text for metric in self.registry.values())]

    @property
    def known_limits(self) -> dict[str, float]:
        """What rules of contracts ask of the edition's settings; {} without settings."""
        if not self.settings:
            return {}
        weights = [metric["weight"]["value"] for metric in self.settings["metrics"].values()]
        return {"largest_size_score": 100 * sum(weights), "ranking_length": self.settings["ranking_length"]["value"]}
