"""Who inside a cluster did it: its count in each metric by place and by economy.

Belongs here: splitting a cluster's count; the parts add up to it.
Does not: the count itself (see `metrics`).
"""

from __future__ import annotations

import pandas as pd

from gii_pipeline.counting.units import from_units, percent, to_units
from gii_pipeline.editions import Edition
from gii_pipeline.metrics.rows import with_edition

KEY = ["cluster_id", "metric", "level", "economy", "admin", "place"]


def contributions(members: pd.DataFrame, points: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """The `contributions` table, sorted by its key (cluster_id, metric, level, economy, admin, place).

    members: `cluster_members`; points: `points` with place, admin and economy. An unknown place, admin or economy is
    "", as is the place at the level of economies. At each level the counts of a cluster and metric add up to the
    cluster's count and cluster_share_pct to 100; what counts nothing has no row.
    """
    inside = members.loc[members["cluster_id"].notna(), ["location_id", "cluster_id"]]
    rows = points[points["metric"].isin(edition.metrics) & (points["fractions"] > 0)]
    rows = rows[["location_id", "metric", "place", "admin", "economy", "fractions"]]
    rows = rows.merge(inside, on="location_id", validate="m:1")
    rows = rows.assign(units=to_units(rows["fractions"]), level="place")
    rows[["place", "admin", "economy"]] = rows[["place", "admin", "economy"]].astype("object").fillna("").astype("str")
    parts = pd.concat([rows, rows.assign(level="economy", place="", admin="")])
    parts = parts.groupby(KEY, sort=True)["units"].sum().reset_index()
    whole = parts.groupby(["cluster_id", "metric", "level"])["units"].transform("sum")
    parts["count"] = from_units(parts["units"])
    parts["cluster_share_pct"] = percent(parts["units"], whole)
    return with_edition(parts.drop(columns="units"), edition)
