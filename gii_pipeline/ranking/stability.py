"""How sure ranks are: their intervals under resampled records and under other parameters.

Belongs here: the grid of other parameters, what is statistically tied, and the `rank_stability` table.
Does not: the ranking itself, or how records are resampled (see `bootstrap`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from gii_pipeline.clusters import identity
from gii_pipeline.clusters.build import grouped, weighed
from gii_pipeline.clusters.density import NOISE
from gii_pipeline.clusters.locations import locations
from gii_pipeline.counting import Total, numbered
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.cluster_metrics import cluster_metrics, count_by_cluster, with_edition
from gii_pipeline.ranking.bootstrap import bootstrap_scores, interval, ranks_of
from gii_pipeline.ranking.rank import size_order

CoCounts = Callable[[pd.DataFrame], pd.DataFrame]
"""Cluster of each location (location_id, cluster: a number) -> `counting.co_counts`."""

REPLICATES = 1000
SEED = 20250916


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


def rank_stability(
    ranking_size: pd.DataFrame,
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    *,
    co_counts: CoCounts,
    replicates: int = REPLICATES,
    seed: int = SEED,
    grid: Grid | None = GRID,
    ties: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The `rank_stability` table: one row per cluster of `ranking_size`, sorted by cluster_id.

    members: `cluster_members`; points: `points`; totals: metric -> world total; co_counts: how records lie on clusters;
    ties: co-records between locations, where the edition merges by them. All clusters take part, so that one may leave
    the first hundred. Clusters are statistically tied with those whose interval of ranks overlaps theirs. The grid is
    over those of its methods in which the cluster lives on; without a grid its columns are null.
    The same seed gives the same table. Raises InputError if replicates is below 1, or a world total is zero.
    """
    if replicates < 1:
        raise InputError(f"{replicates} replicates give no interval; ask for at least 1.")
    order = size_order(cluster_metrics(members, points, totals, None, edition), edition)
    counts = count_by_cluster(members, points, edition).reindex(order["cluster_id"])
    together = co_counts(numbered(members, counts.index))
    scores = bootstrap_scores(counts, totals, together, edition, replicates=replicates, seed=seed)
    ranks = ranks_of(scores)
    (low, high), (score_low, score_high) = interval(ranks), interval(scores)
    found = pd.DataFrame(
        {
            "rank_low": low.astype("int32"),
            "rank_high": high.astype("int32"),
            "rank_median": np.median(ranks, axis=0).astype("float64"),
            "top_10_share": (ranks <= 10).mean(axis=0),
            "top_100_share": (ranks <= 100).mean(axis=0),
        },
        index=pd.Index(order["cluster_id"], name="cluster_id"),
    )
    found = found.join(_extremes(grid_ranks(members, points, totals, edition, grid=grid, ties=ties) if grid else []))
    found = found.assign(replicates=np.int32(replicates), seed=np.int32(seed))
    found = found.assign(size_score_low=score_low, size_score_high=score_high)
    rows = ranking_size[["cluster_id", "name", "rank"]].sort_values("cluster_id", ignore_index=True)
    rows = rows.merge(found, on="cluster_id", how="left", validate="1:1")
    return with_edition(rows.assign(**statistically_tied(rows)), edition)


def statistically_tied(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Best and worst rank among the rows whose interval of ranks overlaps that of each row, itself included."""
    low, high, rank = (rows[name].to_numpy() for name in ("rank_low", "rank_high", "rank"))
    overlap = (low[:, None] <= high[None, :]) & (low[None, :] <= high[:, None])
    best = np.where(overlap, rank[None, :], np.iinfo("int32").max).min(axis=1, initial=np.iinfo("int32").max)
    worst = np.where(overlap, rank[None, :], 0).max(axis=1, initial=0)
    return {"tied_rank_low": pd.Series(best, dtype="int32"), "tied_rank_high": pd.Series(worst, dtype="int32")}


def grid_ranks(
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    *,
    grid: Grid = GRID,
    ties: pd.DataFrame | None = None,
) -> list[pd.Series]:
    """cluster_id -> rank under each method of the grid, for the clusters that live on in it.

    People within a radius are added up once per radius, and core points linked once per radius and minimum.
    """
    places = locations(points, edition)
    ranks = []
    minima = [factor * edition.min_weight.value for factor in grid.min_weight]
    for factor in grid.radius:
        radius_km = factor * edition.radius_km.value
        heavy = weighed(places, radius_km, minima)
        for min_weight in minima:
            dense = heavy.clusters(min_weight)
            for variant in grid.merge_rules(changed(edition, radius_km=radius_km, min_weight=min_weight)):
                found = grouped(places, variant, ties, dense)
                ranks += variant_ranks(found, members, points, totals, list(grid.weightings(variant)))
    return ranks


def variant_ranks(
    found: pd.DataFrame,
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    weightings: list[Edition],
) -> list[pd.Series]:
    """cluster_id of the members -> rank among other clusters, for those that live on in them, under each edition.

    found: locations with the number of their cluster, as `clusters.build.grouped` gives them.
    """
    inside = found[found["cluster"] != NOISE].rename(columns={"cluster": "cluster_id"})
    same = identity.match(inside, members).query("identity in ['kept', 'merged']")
    lives_on = same.set_index("cluster_id")["previous_cluster_id"]
    figures = cluster_metrics(inside, points, totals, None, weightings[0])
    ranks = []
    for weighted in weightings:
        order = size_order(figures, weighted)
        rank = order.set_index(order["cluster_id"].astype(lives_on.index.dtype))["rank"]
        ranks.append(rank.reindex(lives_on.index).set_axis(pd.Index(lives_on, name="cluster_id")))
    return ranks


def _extremes(ranks: list[pd.Series]) -> pd.DataFrame:
    """cluster_id -> best and worst rank."""
    rank = pd.concat(ranks) if ranks else pd.Series(dtype="float64", index=pd.Index([], name="cluster_id", dtype="str"))
    by_cluster = rank.groupby(level="cluster_id")
    return pd.DataFrame({"grid_rank_low": by_cluster.min(), "grid_rank_high": by_cluster.max()}).astype("Int32")


def changed(edition: Edition, **values: object) -> Edition:
    """The edition with other values of settings."""
    settings = {name: getattr(edition, name).model_copy(update={"value": value}) for name, value in values.items()}
    return edition.model_copy(update=settings)


def metric_changed(edition: Edition, metric: str, **values: object) -> Edition:
    """The edition with other values of a metric's settings."""
    own = edition.metrics[metric]
    settings = {name: getattr(own, name).model_copy(update={"value": value}) for name, value in values.items()}
    return edition.model_copy(update={"metrics": edition.metrics | {metric: own.model_copy(update=settings)}})
