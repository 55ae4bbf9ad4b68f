"""Variants: the ranking under other parameters than the edition's own, which nobody outside WIPO knows for sure.

Belongs here: which parameters are varied, the ranks of the clusters that live on, and the `rank_variants` table.
Does not: other records (see `bootstrap`), or the intervals of a rank (see `stability`).

Radius, minimum weight, merge rule and VC weight are varied together, since they are cheap together: people within a
radius are added up once per radius, and core points linked once per radius and minimum. What asks for another count or
another density step is varied alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from gii_pipeline.clusters import identity
from gii_pipeline.clusters.build import SHARED_DECIMALS, grouped, outlines, weighed
from gii_pipeline.clusters.density import NOISE
from gii_pipeline.clusters.locations import locations
from gii_pipeline.counting import Counted, Total
from gii_pipeline.counting.location import PACKED_DECIMALS
from gii_pipeline.editions import Edition
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.metrics.population import PopulationOf
from gii_pipeline.metrics.rows import with_edition
from gii_pipeline.ranking.rank import size_order, with_intensity

CountOf = Callable[[Edition], Counted]
FOOTPRINT_FACTORS = (0.5, 2.0)
COLUMNS = [
    "edition",
    "method",
    "cluster_id",
    "name",
    "rank_by",
    "setting",
    "value",
    "own_value",
    "rank",
    "variant_rank",
]


class Ranked(NamedTuple):
    """An edition with other settings, and the ranks under it: cluster_id -> rank, of the clusters that live on."""

    edition: Edition
    ranks: pd.Series


class Grid(NamedTuple):
    """Other parameters: factors on the radius and on the minimum weight, merge rules, and factors on the VC weight.

    The factors on the VC weight span what the published order of 2025 leaves open (METHOD.md, section 3).
    """

    radius: tuple[float, ...] = (0.8, 1.0, 1.2)
    min_weight: tuple[float, ...] = (0.8, 1.0, 1.2)
    merge: tuple[bool, ...] = (True, False)
    vc_weight: tuple[float, ...] = (0.5, 1.0)

    def merge_rules(self, edition: Edition) -> Iterator[Edition]:
        """The edition with and without merging."""
        for merging in self.merge:
            yield changed(edition, merge_rule=edition.merge_rule.value if merging else "none")

    def weightings(self, edition: Edition) -> Iterator[Edition]:
        """The edition under each VC weight; itself where it does not count VC deals."""
        if "vc_deals" not in edition.metrics:
            yield edition
            return
        for factor in self.vc_weight:
            weight = factor * edition.metrics["vc_deals"].weight.value
            yield metric_changed(edition, "vc_deals", weight=weight)


GRID = Grid()


def size_variants(
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    *,
    count: CountOf | None = None,
    grid: Grid = GRID,
    ties: pd.DataFrame | None = None,
) -> list[Ranked]:
    """Ranks by size under the grid, and under each setting of `recounted` and of the density step alone.

    members, points: of the edition; count: counts a variant that has other points, which are left out without it;
    ties: co-records between locations, where the edition merges by them.
    """
    found = list(grid_ranks(members, points, totals, edition, grid=grid, ties=ties))
    for variant in _other_density(edition):
        found += _alone(variant, members, points, totals, ties)
    if count is not None:
        for variant in recounted(edition):
            other = count(variant)
            found += _alone(variant, members, other.points.to_pandas(), other.totals, other.ties)
    return found


def grid_ranks(
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    *,
    grid: Grid = GRID,
    ties: pd.DataFrame | None = None,
) -> Iterator[Ranked]:
    """Ranks by size under each method of the grid."""
    places = locations(points, edition)
    minima = [factor * edition.min_weight.value for factor in grid.min_weight]
    for factor in grid.radius:
        radius_km = factor * edition.radius_km.value
        heavy = weighed(places, radius_km, minima)
        for min_weight in minima:
            dense = heavy.clusters(min_weight)
            for variant in grid.merge_rules(changed(edition, radius_km=radius_km, min_weight=min_weight)):
                found = grouped(places, variant, ties, dense)
                yield from _ranked(found, members, points, totals, grid.weightings(variant))


def recounted(edition: Edition) -> Iterator[Edition]:
    """The edition with locations rounded to one decimal more, and with every type of record of a metric counted."""
    decimals = edition.location_decimals.value
    yield changed(edition, location_decimals=decimals + (1 if decimals < PACKED_DECIMALS else -1))
    for name, metric in edition.metrics.items():
        if metric.record_types.value is not None:
            yield metric_changed(edition, name, record_types=None)


def _other_density(edition: Edition) -> Iterator[Edition]:
    """The edition with VC deals taken into the density step, or out of it."""
    if "vc_deals" in edition.metrics:
        other = metric_changed(edition, "vc_deals", in_density=not edition.metrics["vc_deals"].in_density.value)
        if any(metric.in_density.value for metric in other.metrics.values()):
            yield other


def _alone(
    variant: Edition,
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    ties: pd.DataFrame | None,
) -> Iterator[Ranked]:
    found = grouped(locations(points, variant), variant, ties)
    return _ranked(found, members, points, totals, [variant])


def _ranked(
    found: pd.DataFrame,
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    weightings: Iterable[Edition],
) -> Iterator[Ranked]:
    """Ranks of the members' clusters among other clusters, for those that live on in them, under each edition.

    found: locations with the number of their cluster, as `clusters.build.grouped` gives them.
    """
    inside = found[found["cluster"] != NOISE].rename(columns={"cluster": "cluster_id"})
    same = identity.match(inside, members, decimals=SHARED_DECIMALS).query("identity in ['kept', 'merged']")
    lives_on = same.set_index("cluster_id")["previous_cluster_id"]
    figures: pd.DataFrame | None = None
    for weighted in weightings:
        figures = cluster_metrics(inside, points, totals, None, weighted) if figures is None else figures
        order = size_order(figures, weighted)
        rank = order.set_index(order["cluster_id"].astype(lives_on.index.dtype))["rank"]
        yield Ranked(weighted, rank.reindex(lives_on.index).set_axis(pd.Index(lives_on, name="cluster_id")))


def intensity_variants(
    ranking_size: pd.DataFrame, members: pd.DataFrame, edition: Edition, population_of: PopulationOf | None
) -> list[Ranked]:
    """Ranks by intensity with other footprints: clusters and size scores stay, inhabitants differ.

    population_of: None where no layer of population is known; there are none then.
    """
    inside = members[members["cluster_id"].isin(ranking_size["cluster_id"])]
    inside = inside.assign(cluster=inside["cluster_id"])
    found: list[Ranked] = []
    if population_of is None or inside.empty:
        return found
    for variant in _other_footprints(edition):
        drawn = outlines(inside, variant, None).rename_axis("cluster_id").reset_index()
        people = population_of(drawn).set_index("cluster_id")["population"]
        order = ranking_size[["cluster_id", "size_score", "rank"]]
        order = with_intensity(order.assign(population=order["cluster_id"].map(people)))
        found.append(Ranked(variant, order.set_index("cluster_id")["intensity_rank"].dropna()))
    return found


def _other_footprints(edition: Edition) -> Iterator[Edition]:
    """Members at half and twice the distance, where the footprint is members, and members or else the catchment."""
    rule = edition.footprint.value
    for factor in FOOTPRINT_FACTORS if rule == "members" else ():
        yield changed(edition, footprint_distance_km=factor * edition.footprint_distance_km.value)
    for other in ("members", "catchment"):
        if other != rule:
            yield changed(edition, footprint=other)


def rank_variants(
    ranking_size: pd.DataFrame, by_size: Iterable[Ranked], by_intensity: Iterable[Ranked], edition: Edition
) -> pd.DataFrame:
    """The `rank_variants` table: ranked clusters by the variants in which one setting differs, sorted by its key."""
    own = {"size": ranking_size["rank"], "intensity": ranking_size["intensity_rank"]}
    parts = []
    for rank_by, variants in (("size", by_size), ("intensity", by_intensity)):
        rows = ranking_size[["cluster_id", "name"]].assign(rank_by=rank_by, rank=own[rank_by])
        rows = rows[rows["rank"].notna()]
        for variant in variants:
            if len(differing := _differing(edition, variant.edition)) == 1:
                [(setting, value, own_value)] = differing
                told = {"setting": setting, "value": value, "own_value": own_value}
                parts.append(rows.assign(**told, variant_rank=rows["cluster_id"].map(variant.ranks)))
    types = {"rank": "int32", "variant_rank": "Int32", **dict.fromkeys(COLUMNS[2:8], "str")}
    table = pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS[2:])
    table = table.drop_duplicates(["cluster_id", "rank_by", "setting", "value"]).astype(types)
    table = table.sort_values(["cluster_id", "rank_by", "setting", "value"], ignore_index=True)
    return with_edition(table, edition)[COLUMNS]


def _differing(own: Edition, other: Edition) -> list[tuple[str, str, str]]:
    """Name, other value and own value of each setting that differs, as text."""
    mine, theirs = own.rules, other.rules
    return [(name, _text(theirs[name]), _text(mine[name])) for name in mine if mine[name] != theirs[name]]


def _text(value: object) -> str:
    if value is None:
        return "all"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def changed(edition: Edition, **values: object) -> Edition:
    """The edition with other values of settings."""
    settings = {name: getattr(edition, name).model_copy(update={"value": value}) for name, value in values.items()}
    return edition.model_copy(update=settings)


def metric_changed(edition: Edition, metric: str, **values: object) -> Edition:
    """The edition with other values of a metric's settings."""
    own = edition.metrics[metric]
    settings = {name: getattr(own, name).model_copy(update={"value": value}) for name, value in values.items()}
    return edition.model_copy(update={"metrics": edition.metrics | {metric: own.model_copy(update=settings)}})
