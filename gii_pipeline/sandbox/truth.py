"""The known answers: what any correct computation on the world must find.

Belongs here: the clusters, their counts, inhabitants and ranks, as they follow from the plan and the geography alone.
Does not: records; nothing here reads one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding import pack
from gii_pipeline.sandbox import shapes
from gii_pipeline.sandbox.plan import FIRST_YEAR, LAST_YEAR, YEARS
from gii_pipeline.sandbox.population import population
from gii_pipeline.sandbox.world import World, make_world

MILLION = 1_000_000


@dataclass(frozen=True)
class Answers:
    """What is true of a world in one edition. A cluster is named by its number in the world, from 0.

    members: location_id (of the edition's rounding), cluster (null outside all), for every place that may have people.
    figures: cluster, metric, count, world_total, share_pct, per_million, metric_rank.
    ranking: rank, cluster, name (of its hubs), size_score, population (persons), intensity_score, by size.
    """

    members: pd.DataFrame
    figures: pd.DataFrame
    ranking: pd.DataFrame


def answers(seed: int, scale: float, edition: Edition) -> Answers:
    """The known answers of a world in an edition whose density threshold is that of the world's scale.

    Raises InputError for an edition whose years the world does not have, or that counts other works than articles.
    """
    world = make_world(seed, scale)
    _check(world, edition)
    figures = _figures(world, edition)
    return Answers(_members(world, edition), figures, _ranking(world, edition, figures))


def _check(world: World, edition: Edition) -> None:
    years = {year for years in edition.data_years.values() for year in years}
    if missing := sorted(years - set(YEARS)):
        raise InputError(f"The sandbox has the data years {FIRST_YEAR} to {LAST_YEAR}, but not {missing}.")
    if abs(edition.min_weight.value - world.min_weight) > 1e-6 * world.min_weight:
        raise InputError(
            f"Edition {edition.label} has a min_weight of {edition.min_weight.value:g}; the clusters of a sandbox of "
            f"scale {world.scale:g} are known for {world.min_weight:g}."
        )
    publications = edition.metrics.get("scientific_publications")
    counted = (publications.record_types.value or ()) if publications else ("article",)
    if set(counted) & set(shapes.OTHER_TYPES) or "article" not in counted:
        raise InputError(f"Edition {edition.label} counts {counted}; the sandbox knows the result only for articles.")


def _cluster_of(world: World, edition: Edition) -> NDArray[np.int64]:
    """Region -> cluster, by the years of the metrics that make density."""
    dense = {name: years for name, years in edition.data_years.items() if edition.metrics[name].in_density.value}
    return world.plan.cluster_of(dense)


def _members(world: World, edition: Edition) -> pd.DataFrame:
    places = world.geography.places
    location = pack(places["latitude"], places["longitude"], decimals=edition.location_decimals.value)
    cluster = places["region"].map(pd.Series(_cluster_of(world, edition))).astype("Int64")
    members = pd.DataFrame({"location_id": location, "cluster": cluster}).drop_duplicates()
    return members.sort_values("location_id", ignore_index=True)


def _figures(world: World, edition: Edition) -> pd.DataFrame:
    cluster = _cluster_of(world, edition)
    millions = population(world, edition.population_year.value).groupby(cluster).sum() / MILLION
    parts = []
    for metric, years in edition.data_years.items():
        located = world.plan.in_years(metric, years)[: world.plan.nowhere]
        count = pd.Series(located[: world.plan.clusters], dtype="int64").groupby(cluster).sum()
        figures = pd.DataFrame(
            {
                "metric": metric,
                "count": count,
                "world_total": located.sum(),
                "share_pct": 100 * count / located.sum(),
                "per_million": count / millions,
                "metric_rank": count.rank(method="min", ascending=False).astype("int64"),
            }
        )
        parts.append(figures.rename_axis("cluster").reset_index())
    return pd.concat(parts, ignore_index=True)


def _ranking(world: World, edition: Edition, figures: pd.DataFrame) -> pd.DataFrame:
    weights = pd.Series({name: metric.weight.value for name, metric in edition.metrics.items()})
    weighted = figures["share_pct"] * figures["metric"].map(weights)
    cluster = _cluster_of(world, edition)
    ranking = pd.DataFrame(
        {
            "name": world.geography.clusters["name"].groupby(cluster).agg("–".join),
            "size_score": weighted.groupby(figures["cluster"]).sum(),
            "population": population(world, edition.population_year.value).groupby(cluster).sum(),
        }
    )
    ranking = ranking.rename_axis("cluster").reset_index()
    ranking["intensity_score"] = ranking["size_score"] / (ranking["population"] / MILLION)
    ranking = ranking.sort_values("size_score", ascending=False, ignore_index=True)
    ranking.insert(0, "rank", np.arange(1, len(ranking) + 1))
    return ranking
