"""What records that left a source did to a ranking: each cluster's rank as it is, and as it would be with them.

Belongs here: the ranks, given where the records were located.
Does not: which records are gone, or locating them (see `sources.gone_records` and `defs.gone`).

Borders stay as they are now: the records are added to the clusters at their locations, and to the world's totals.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pyarrow as pa

from gii_pipeline.editions import Edition
from gii_pipeline.ranking.rank import size_order
from gii_pipeline.releases.comparison import GoneEffect
from gii_pipeline.releases.reader import to_pandas

Read = Callable[[str], pa.Table]


def rank_effects(lost: pd.DataFrame, before: Read, after: Read, edition: Edition) -> tuple[GoneEffect, ...]:
    """The ranked clusters that lost records, or whose rank would be another with them, by rank.

    lost: record_id, metric, location_id (as in `points`; null where unlocated) and fraction of the records that the
    edition would count.
    before, after: the tables of the releases before and after the loss. A location that no record has any more belongs
    to the cluster that it belonged to before.
    """
    sides = [to_pandas(read("cluster_members").select(["location_id", "cluster_id"])) for read in (after, before)]
    members = pd.concat(sides).drop_duplicates("location_id", keep="first")
    there = lost.merge(members, on="location_id", how="left")
    metrics = to_pandas(after("cluster_metrics"))
    without, with_them = (_ranks(each, edition) for each in (metrics, _with(metrics, lost, there, edition)))
    names = dict(zip(*(after("clusters")[column].to_pylist() for column in ("cluster_id", "name")), strict=True))
    distinct = there.groupby("cluster_id")["record_id"].nunique()
    records = dict(zip(distinct.index.tolist(), distinct.tolist(), strict=True))
    sums = there.groupby(["cluster_id", "metric"], as_index=False)["fraction"].sum()
    counted: dict[str, dict[str, float]] = {}
    for cluster, metric, fraction in sums.itertuples(index=False, name=None):
        counted.setdefault(cluster, {})[metric] = fraction
    return tuple(
        GoneEffect(cluster, names[cluster], records.get(cluster, 0), counted.get(cluster, {}), rank, with_them[cluster])
        for cluster, rank in without.items()
        if min(rank, with_them[cluster]) <= edition.ranking_length.value
        and (cluster in records or rank != with_them[cluster])
    )


def _with(metrics: pd.DataFrame, lost: pd.DataFrame, there: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """`cluster_metrics` with the count and the world total that they would have with the lost records."""
    counts = there.groupby(["cluster_id", "metric"])["fraction"].sum()
    located = lost if edition.share_base.value == "all" else lost[lost["location_id"].notna()]
    totals = located.groupby("metric")["fraction"].sum()
    keys = pd.MultiIndex.from_frame(metrics[["cluster_id", "metric"]])
    return metrics.assign(
        count=metrics["count"] + counts.reindex(keys, fill_value=0.0).to_numpy(),
        world_total=metrics["world_total"] + metrics["metric"].map(totals).fillna(0.0),
    )


def _ranks(metrics: pd.DataFrame, edition: Edition) -> dict[str, int]:
    """Cluster -> its rank, in the order of the ranks."""
    order = size_order(metrics, edition)
    return dict(zip(order["cluster_id"].tolist(), order["rank"].tolist(), strict=True))
