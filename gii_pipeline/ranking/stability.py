"""How sure ranks are: their intervals under resampled records and under other parameters.

Belongs here: the bootstrap, the grid, and the `rank_stability` table.
Does not: the ranking itself, or reading records again.

Bootstrap: every record gets a Poisson(1) weight, as if as many records had been drawn anew. The records of one location
and metric are taken to be alike, each with the location's mean fraction, and different locations to have different
records. Poisson draws with one mean fraction add up to one Poisson draw, so that locations of a cluster whose mean
fractions lie in the same 64th are drawn as one; their sum of fractions stays exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from gii_pipeline.clusters import identity
from gii_pipeline.clusters.build import grouped
from gii_pipeline.clusters.density import NOISE
from gii_pipeline.clusters.locations import locations
from gii_pipeline.counting import Total
from gii_pipeline.counting.units import from_units, to_units
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics import cluster_metrics
from gii_pipeline.metrics.cluster_metrics import check_points, with_edition, world_total
from gii_pipeline.ranking.rank import size_order

Floats = npt.NDArray[np.float64]
Ranks = npt.NDArray[np.int64]

REPLICATES = 1000
SEED = 20250916
FRACTION_STEPS = 64
INTERVAL = (0.025, 0.975)
_DRAWN_AT_ONCE = 4_000_000


class Grid(NamedTuple):
    """Other parameters: factors on the radius and on the minimum weight, merge rules, and factors on the VC weight.

    The factors on the VC weight span what the published order of 2025 leaves open (METHOD.md, section 3).
    """

    radius: tuple[float, ...] = (0.8, 1.0, 1.2)
    min_weight: tuple[float, ...] = (0.8, 1.0, 1.2)
    merge: tuple[bool, ...] = (True, False)
    vc_weight: tuple[float, ...] = (0.5, 1.0)

    def clusterings(self, edition: Edition) -> Iterator[Edition]:
        """The edition under each combination of radius, minimum weight and merging."""
        for radius, weight, merging in product(self.radius, self.min_weight, self.merge):
            yield _changed(
                edition,
                radius_km=radius * edition.radius_km.value,
                min_weight=weight * edition.min_weight.value,
                merge_rule=edition.merge_rule.value if merging else "none",
            )

    def weightings(self, edition: Edition) -> Iterator[Edition]:
        """The edition under each VC weight; itself where it does not count VC deals."""
        if "vc_deals" not in edition.metrics:
            yield edition
            return
        vc_deals = edition.metrics["vc_deals"]
        for factor in self.vc_weight:
            weight = vc_deals.weight.model_copy(update={"value": factor * vc_deals.weight.value})
            metrics = edition.metrics | {"vc_deals": vc_deals.model_copy(update={"weight": weight})}
            yield edition.model_copy(update={"metrics": metrics})


GRID = Grid()


def rank_stability(
    ranking_size: pd.DataFrame,
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    *,
    replicates: int = REPLICATES,
    seed: int = SEED,
    grid: Grid | None = GRID,
    ties: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The `rank_stability` table: one row per cluster of `ranking_size`, sorted by cluster_id.

    members: `cluster_members`; points: `points`; totals: metric -> world total; ties: co-records between locations,
    where the edition merges by them. All clusters take part, so that one may leave the first hundred. The grid is over
    those of its methods in which the cluster lives on; without a grid its columns are null.
    The same seed gives the same table. Raises InputError if replicates is below 1, or a world total is zero.
    """
    if replicates < 1:
        raise InputError(f"{replicates} replicates give no interval; ask for at least 1.")
    order = size_order(cluster_metrics(members, points, totals, None, edition), edition)
    ranks = bootstrap_ranks(order["cluster_id"], members, points, totals, edition, replicates=replicates, seed=seed)
    low, high = np.quantile(ranks, INTERVAL, axis=0, method="inverted_cdf").astype("int32")
    found = pd.DataFrame(
        {
            "rank_low": low,
            "rank_high": high,
            "rank_median": np.median(ranks, axis=0).astype("float64"),
            "top_10_share": (ranks <= 10).mean(axis=0),
            "top_100_share": (ranks <= 100).mean(axis=0),
        },
        index=pd.Index(order["cluster_id"], name="cluster_id"),
    )
    found = found.join(_extremes(grid_ranks(members, points, totals, edition, grid=grid, ties=ties) if grid else []))
    rows = ranking_size[["cluster_id", "name", "rank"]].sort_values("cluster_id", ignore_index=True)
    rows = rows.merge(found, on="cluster_id", how="left", validate="1:1")
    return with_edition(rows.assign(replicates=np.int32(replicates), seed=np.int32(seed)), edition)


def bootstrap_ranks(
    clusters: pd.Series,
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    *,
    replicates: int,
    seed: int,
) -> Ranks:
    """Ranks (replicates × clusters) under resampled records; equal scores keep the order of the clusters given."""
    check_points(points, edition)
    scores = np.zeros((replicates, len(clusters)))
    rng = np.random.default_rng(seed)
    for name, metric in edition.metrics.items():
        world_total(totals, edition, name)
        drawn = _drawn_counts(_alike(clusters, members, points, name), len(clusters), replicates, rng)
        unlocated = totals[name].all_records - totals[name].located if edition.share_base.value == "all" else 0.0
        world = drawn.sum(axis=1) + rng.poisson(max(unlocated, 0.0), replicates)
        share = np.divide(100 * drawn[:, :-1], world[:, None], out=np.zeros_like(scores), where=world[:, None] > 0)
        scores += metric.weight.value * share
    best_first = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.empty_like(best_first)
    np.put_along_axis(ranks, best_first, np.arange(1, len(clusters) + 1)[None, :], axis=1)
    return ranks


def grid_ranks(
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    *,
    grid: Grid = GRID,
    ties: pd.DataFrame | None = None,
) -> list[pd.Series]:
    """cluster_id -> rank under each method of the grid, for the clusters that live on in it."""
    places = locations(points, edition)
    ranks = []
    for variant in grid.clusterings(edition):
        found = grouped(places, variant, ties)
        inside = found[found["cluster"] != NOISE].rename(columns={"cluster": "cluster_id"})
        same = identity.match(inside, members).query("identity in ['kept', 'merged']")
        lives_on = same.set_index("cluster_id")["previous_cluster_id"]
        figures = cluster_metrics(inside, points, totals, None, variant)
        for weighted in grid.weightings(variant):
            rank = size_order(figures, weighted).set_index("cluster_id")["rank"]
            ranks.append(rank.reindex(lives_on.index).set_axis(pd.Index(lives_on, name="cluster_id")))
    return ranks


def _alike(clusters: pd.Series, members: pd.DataFrame, points: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Locations that are drawn as one: `cluster` (position, or the number of clusters outside all), records, fractions.

    Raises InputError naming the first location that counts something without a record.
    """
    rows = points[(points["metric"] == metric) & (points["fractions"] > 0)]
    if not (rows["records"] >= 1).all():
        wrong = rows[~(rows["records"] >= 1)].iloc[0]
        raise InputError(
            f"points: location {wrong['location_id']}, {metric}: {wrong['fractions']} of {wrong['records']} records; "
            "there must be at least one. Run the edition's points again."
        )
    number = pd.Series(np.arange(len(clusters)), index=clusters)
    cluster = rows["location_id"].map(members.set_index("location_id")["cluster_id"].map(number))
    step = np.ceil(FRACTION_STEPS * rows["fractions"] / rows["records"])
    cluster = cluster.fillna(len(clusters)).astype("int64")
    rows = rows.assign(cluster=cluster, step=step, units=to_units(rows["fractions"]))
    alike = rows.groupby(["cluster", "step"])[["records", "units"]].sum().reset_index()
    return alike.assign(fractions=from_units(alike["units"]))


def _drawn_counts(alike: pd.DataFrame, clusters: int, replicates: int, rng: np.random.Generator) -> Floats:
    """Counts (replicates × clusters, and one column for outside) of one metric under Poisson draws of the records."""
    counts = np.zeros((replicates, clusters + 1))
    records = alike["records"].to_numpy(np.float64)
    mean_fraction = alike["fractions"].to_numpy(np.float64) / records
    present, first = np.unique(alike["cluster"].to_numpy(), return_index=True)
    at_once = max(1, _DRAWN_AT_ONCE // max(1, len(alike)))
    for begin in range(0, replicates, at_once):
        drawn = rng.poisson(records, (min(at_once, replicates - begin), len(alike))) * mean_fraction
        if len(alike):
            counts[begin : begin + len(drawn), present] = np.add.reduceat(drawn, first, axis=1)
    return counts


def _extremes(ranks: list[pd.Series]) -> pd.DataFrame:
    """cluster_id -> best and worst rank."""
    rank = pd.concat(ranks) if ranks else pd.Series(dtype="float64", index=pd.Index([], name="cluster_id", dtype="str"))
    by_cluster = rank.groupby(level="cluster_id")
    return pd.DataFrame({"grid_rank_low": by_cluster.min(), "grid_rank_high": by_cluster.max()}).astype("Int32")


def _changed(edition: Edition, **values: object) -> Edition:
    """The edition with other values of settings."""
    settings = {name: getattr(edition, name).model_copy(update={"value": value}) for name, value in values.items()}
    return edition.model_copy(update=settings)
