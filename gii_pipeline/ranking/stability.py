"""How sure ranks are: their intervals under resampled records, and their extremes under other parameters.

Belongs here: what is statistically tied, and the `rank_stability` table.
Does not: the ranking itself, how records are resampled (see `bootstrap`), or other parameters (see `variants`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from gii_pipeline.counting import Total, numbered
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.cluster_metrics import cluster_metrics, count_by_cluster
from gii_pipeline.metrics.rows import with_edition
from gii_pipeline.ranking.bootstrap import bootstrap_scores, interval, ranks_of
from gii_pipeline.ranking.rank import size_order
from gii_pipeline.ranking.variants import Ranked

CoCounts = Callable[[pd.DataFrame], pd.DataFrame]
"""Cluster of each location (location_id, cluster: a number) -> `counting.co_counts`."""

REPLICATES = 1000
SEED = 20250916


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
    variants: Sequence[Ranked] = (),
) -> pd.DataFrame:
    """The `rank_stability` table: one row per cluster of `ranking_size`, sorted by cluster_id.

    members: `cluster_members`; points: `points`; totals: metric -> world total; co_counts: how records lie on clusters;
    variants: ranks by size under other parameters (`variants.size_variants`), whose extremes are over those in which
    the cluster lives on; without them null. All clusters take part, so that one may leave the first hundred. Clusters
    are statistically tied with those whose interval of ranks overlaps theirs.
    The same seed gives the same table. Raises InputError if replicates is below 1, or a world total is zero.
    """
    if replicates < 1:
        raise InputError(f"{replicates} replicates give no interval; use at least 1.")
    # All clusters take part, not only the ranked ones: a replicate can move one across the end of the ranking.
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
    found = found.join(_extremes([variant.ranks for variant in variants]))
    found = found.assign(replicates=np.int32(replicates), seed=np.int32(seed))
    found = found.assign(size_score_low=score_low, size_score_high=score_high)
    rows = ranking_size[["cluster_id", "name", "rank"]].sort_values("cluster_id", ignore_index=True)
    # Left: the table has the rows of the ranking, while the replicates cover all clusters.
    rows = rows.merge(found, on="cluster_id", how="left", validate="1:1")
    return with_edition(rows.assign(**statistically_tied(rows)), edition)


def statistically_tied(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Best and worst rank among the rows whose interval of ranks overlaps that of each row, itself included."""
    low, high, rank = (rows[name].to_numpy() for name in ("rank_low", "rank_high", "rank"))
    # A ranking has about a hundred rows, so all pairs at once are cheaper than sorting intervals.
    overlap = (low[:, None] <= high[None, :]) & (low[None, :] <= high[:, None])
    # Pairs without overlap get a value that can never win the minimum or the maximum.
    best = np.where(overlap, rank[None, :], np.iinfo("int32").max).min(axis=1, initial=np.iinfo("int32").max)
    worst = np.where(overlap, rank[None, :], 0).max(axis=1, initial=0)
    return {"tied_rank_low": pd.Series(best, dtype="int32"), "tied_rank_high": pd.Series(worst, dtype="int32")}


def _extremes(ranks: list[pd.Series]) -> pd.DataFrame:
    """cluster_id -> best and worst rank."""
    # A cluster that does not live on under a variant has no row there, and its extremes ignore that variant.
    rank = pd.concat(ranks) if ranks else pd.Series(dtype="float64", index=pd.Index([], name="cluster_id", dtype="str"))
    by_cluster = rank.groupby(level="cluster_id")
    return pd.DataFrame({"grid_rank_low": by_cluster.min(), "grid_rank_high": by_cluster.max()}).astype("Int32")
