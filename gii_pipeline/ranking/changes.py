"""Why ranks moved since the previous edition: data, borders, method, each in whole ranks.

Belongs here: the rankings that were not published but explain those that were, and the differences between them.
Does not: counting or clustering itself; which cluster is which (see `clusters.identity`).

The way from the previous edition to this one goes in four rankings, each changing one thing:

    the previous edition by its own method                       previous_rank_own_method
    this edition's data, the previous edition's borders, the previous method     less the step above: data
    this edition's data and borders, the previous method         rank_by_previous_method; borders
    this edition by its own method                               rank; method

so the parts add up to previous_rank_own_method - rank. Ranks are among all clusters and may go beyond the ranking's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from gii_pipeline import clusters
from gii_pipeline.clusters.density import nearest_within
from gii_pipeline.counting import Counted, Total
from gii_pipeline.editions import Edition
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.metrics.rows import with_edition
from gii_pipeline.ranking.rank import size_order

Count = Callable[[Edition], Counted]
RANKS = [
    "previous_edition",
    "previous_rank",
    "rank_change",
    "previous_rank_own_method",
    "rank_by_previous_method",
    "change_due_to_data",
    "change_due_to_borders",
    "change_due_to_method",
]


class _Ranked(NamedTuple):
    """The members of an edition's clusters, and the rank of each cluster (cluster_id -> rank)."""

    members: pd.DataFrame
    rank: pd.Series


def rank_changes(
    ranking_size: pd.DataFrame,
    members: pd.DataFrame,
    counted: Counted,
    edition: Edition,
    *,
    previous: Edition | None,
    count: Count,
) -> pd.DataFrame:
    """The `rank_changes` table: one row per cluster of `ranking_size`, sorted by cluster_id.

    members: `cluster_members`; counted: this edition's points and totals; previous: the edition before by its own
    method, or None if there is none to compare with; count: edition -> what is counted for it, called for the previous
    edition and, where the two methods differ, for each edition by the other's method.
    A cluster is compared with the one that shares most weight with it (`clusters.identity`); where there is none, the
    ranks and parts that need it are null. Without a previous edition all of them are.
    """
    rows = ranking_size[["cluster_id", "name", "rank"]].sort_values("cluster_id", ignore_index=True)
    rows[RANKS] = pd.NA
    if previous is not None:
        own, new_data, new_borders, previous_rank = _rankings(members, counted, edition, previous, count)
        rows["previous_edition"] = previous.edition
        rows["previous_rank"] = rows["cluster_id"].map(previous_rank)
        rows["previous_rank_own_method"] = rows["cluster_id"].map(own)
        rows["rank_by_previous_method"] = rows["cluster_id"].map(new_borders)
        rows = rows.astype(dict.fromkeys(RANKS, "Int32"))
        in_old_borders = rows["cluster_id"].map(new_data).astype("Int32")
        rows["rank_change"] = rows["previous_rank"] - rows["rank"]
        rows["change_due_to_data"] = rows["previous_rank_own_method"] - in_old_borders
        rows["change_due_to_borders"] = in_old_borders - rows["rank_by_previous_method"]
        rows["change_due_to_method"] = rows["rank_by_previous_method"] - rows["rank"]
        partly = rows[RANKS[-3:]].isna().any(axis=1)
        rows.loc[partly, RANKS[-3:]] = pd.NA
    return with_edition(rows.astype({"rank": "int32"} | dict.fromkeys(RANKS, "Int32")), edition)


def within_borders(points: pd.DataFrame, members: pd.DataFrame, distance_km: float) -> pd.DataFrame:
    """Locations of the points in the clusters of other members: location_id, cluster_id (null outside).

    A location that was among the members stays where it was; a new one belongs to the cluster of the nearest member
    within distance_km, the distance that footprints reach.
    """
    here = points[["location_id", "latitude", "longitude"]].drop_duplicates("location_id").reset_index(drop=True)
    inside = members[members["cluster_id"].notna()]
    cluster_id = here["location_id"].map(inside.set_index("location_id")["cluster_id"]).astype("object")
    new = np.flatnonzero(~here["location_id"].isin(members["location_id"]))
    nearest = nearest_within(
        here["latitude"].to_numpy()[new],
        here["longitude"].to_numpy()[new],
        inside["latitude"],
        inside["longitude"],
        radius_km=distance_km,
    )
    found = nearest >= 0
    cluster_id.iloc[new[found]] = inside["cluster_id"].to_numpy()[nearest[found]]
    return here[["location_id"]].assign(cluster_id=cluster_id)


def _rankings(
    members: pd.DataFrame, counted: Counted, edition: Edition, previous: Edition, count: Count
) -> tuple[pd.Series, pd.Series, pd.Series, pd.Series]:
    """cluster_id -> rank: own method before; new data in the old borders; this by that method; that by this method."""
    own = _ranked(previous, count(previous), members)
    bridge = edition.under(previous)
    same = bridge.rules == edition.rules
    now = counted if same else count(bridge)
    points = now.points.to_pandas()
    borders = within_borders(points, own.members, previous.footprint_distance_km.value)
    new_data = _ranks(borders, points, now.totals, bridge)
    if same:
        return own.rank, new_data, _ranks(members, points, now.totals, bridge), own.rank
    new_borders = _ranked(bridge, now, members).rank
    by_this_method = previous.under(edition)
    return own.rank, new_data, new_borders, _ranked(by_this_method, count(by_this_method), members).rank


def _ranked(edition: Edition, counted: Counted, ids: pd.DataFrame) -> _Ranked:
    """Clusters under the ids of the members that they share most weight with, and their ranks."""
    points = counted.points.to_pandas()
    members = clusters.build(points, edition, previous=ids, ties=counted.ties).members
    return _Ranked(members, _ranks(members, points, counted.totals, edition))


def _ranks(members: pd.DataFrame, points: pd.DataFrame, totals: Mapping[str, Total], edition: Edition) -> pd.Series:
    order = size_order(cluster_metrics(members, points, totals, None, edition), edition)
    return order.set_index("cluster_id")["rank"]
