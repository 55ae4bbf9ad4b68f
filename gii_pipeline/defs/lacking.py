"""What a profile lacks: the sentences that every output of an edition repeats, and the rules that it breaks by that.

Belongs here: saying it. Does not: leaving it out; editions, assets and tables do that by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from datetime import date

from gii_pipeline.contracts import Waiver
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.registry import Registry
from gii_pipeline.wording import listed

LACKING_POPULATION = {
    "cluster_footprints": ("population_mostly_present",),
    "ranking_size": ("population_mostly_present",),
}
"""Table -> the rules of severity error that no row keeps without a population layer."""


def notes(pipeline: Pipeline, label: str) -> tuple[str, ...]:
    """What a reader of an edition must know of records that the profile has no source for; empty where it has all."""
    edition, profile = pipeline.book.edition(label), pipeline.profile
    told = []
    if profile.country:
        told.append(
            f"National slice of {profile.country}, not a ranking of the world: only people located there count, shares "
            "are of their records, and a cluster ends at the border."
        )
    if edition.left_out:
        registry = pipeline.registry
        one = " that can be queried by country" if profile.country else ""
        lacking, counted = _titles(edition.left_out, registry), _titles(edition.metrics, registry)
        told.append(
            f"Incomplete ranking: it counts {counted} only, because there is no source of {lacking}{one}. Density: "
            f"{edition.min_weight.value:g} people or records within {edition.radius_km.value:g} km make a cluster."
        )
    if profile.population is None:
        told.append(
            "No population layer: the ranking by intensity is empty, and there are no figures per million inhabitants."
        )
    return tuple(told)


def allowed_by_lacking(pipeline: Pipeline, label: str, made: Mapping[str, Sized]) -> list[Waiver]:
    """The rules on inhabitants that an edition without a population layer breaks in every row of the tables made."""
    if pipeline.profile.population is not None:
        return []
    reason = f"the profile {pipeline.profile.name} names no population layer"
    return [
        Waiver(check=check, subject=name, partition=label, observed=len(rows), reason=reason, until=date.max)
        for name, rows in made.items()
        for check in LACKING_POPULATION.get(name, ())
    ]


def _titles(metrics: Iterable[str], registry: Registry) -> str:
    return listed(map(registry.title_in_text, metrics))
