"""What each cluster counts in each metric: count, share of the world, per million inhabitants, rank.

Belongs here: the figures of a cluster in one metric (METHOD.md, section 3).
Does not: scores over several metrics and the order of the clusters (see `ranking`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gii_pipeline.counting import Total
from gii_pipeline.counting.units import counted, to_units
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.rows import with_edition

COLUMNS = [
    "cluster_id",
    "metric",
    "window_first_year",
    "window_last_year",
    "count",
    "world_total",
    "share_pct",
    "per_million",
    "metric_rank",
]


def cluster_metrics(
    members: pd.DataFrame,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    population: pd.DataFrame | None,
    edition: Edition,
) -> pd.DataFrame:
    """The `cluster_metrics` table: one row per cluster and metric of the edition, sorted by that key.

    members: `cluster_members` (location_id, cluster_id; null outside every cluster); points: `points`;
    totals: metric -> world total; population: cluster_id, population (persons), or None.
    A cluster without a point of a metric counts 0 in it. per_million is null where the population is null or 0.
    Clusters with the same count, to a millionth of a record, share the better metric_rank.
    Raises InputError if a world total is zero, or a fraction is negative or not a number.
    """
    check_points(points, edition)
    return figures(count_by_cluster(members, points, edition), totals, population, edition)


def figures(
    counts: pd.DataFrame, totals: Mapping[str, Total], population: pd.DataFrame | None, edition: Edition
) -> pd.DataFrame:
    """The figures of counts: clusters (index `cluster_id`) by metrics (columns), as `count_by_cluster` has them."""
    rows = counts.reset_index().melt(id_vars="cluster_id", var_name="metric", value_name="count")
    world = pd.Series({name: world_total(totals, edition, name) for name in edition.metrics})
    windows = {name: metric.window.value for name, metric in edition.metrics.items()}
    rows["world_total"] = rows["metric"].map(world).astype("float64")
    rows["share_pct"] = 100 * rows["count"] / rows["world_total"]
    rows["per_million"] = rows["count"] / rows["cluster_id"].map(population_millions(population)).astype("float64")
    rows["metric_rank"] = rows.groupby("metric")["count"].rank(method="min", ascending=False).astype("int32")
    rows["window_first_year"] = rows["metric"].map({name: w.first_year for name, w in windows.items()}).astype("int32")
    rows["window_last_year"] = rows["metric"].map({name: w.last_year for name, w in windows.items()}).astype("int32")
    rows = rows[COLUMNS].sort_values(["cluster_id", "metric"], ignore_index=True)
    return with_edition(rows, edition)


def count_by_cluster(members: pd.DataFrame, points: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """Fractional counts to a millionth of a record: clusters (index, sorted) by the edition's metrics (columns).

    The sums are exact before they are rounded, so that the order of the rows does not matter.
    """
    inside = members.loc[members["cluster_id"].notna(), ["location_id", "cluster_id"]]
    rows = points.loc[points["metric"].isin(edition.metrics), ["location_id", "metric", "fractions"]]
    rows = rows.merge(inside, on="location_id", validate="m:1")
    units = pd.Series(to_units(rows["fractions"])).groupby([rows["cluster_id"], rows["metric"]]).sum().unstack()  # noqa: PD010
    clusters = pd.Index(sorted(inside["cluster_id"].unique()), name="cluster_id")
    metrics = pd.Index(edition.metrics, name="metric")
    units = units.reindex(index=clusters, columns=metrics).fillna(0).astype("int64")
    return pd.DataFrame(counted(units), index=clusters, columns=metrics)


def world_total(totals: Mapping[str, Total], edition: Edition, metric: str) -> float:
    """The count that shares are taken of: of located people, or of all records, as the edition says.

    Raises InputError, naming the metric and its window, if there is none or it is not above zero.
    """
    total = totals[metric] if metric in totals else Total(0.0, 0.0)
    world = total.located if edition.share_base.value == "located" else total.all_records
    if not (np.isfinite(world) and world > 0):
        window = edition.metrics[metric].window.value
        raise InputError(
            f"{metric} has a world total of {world:g} in the window {window} of edition {edition.label}, so "
            f"there are no shares. Ingest those years, or remove the metric from the edition."
        )
    return world


def population_millions(population: pd.DataFrame | None) -> pd.Series:
    """cluster_id -> inhabitants in millions; clusters without any are left out."""
    if population is None:
        return pd.Series(dtype="float64")
    inhabitants = population.set_index("cluster_id")["population"].astype("float64") / 1e6
    return inhabitants[inhabitants > 0]


def check_points(points: pd.DataFrame, edition: Edition) -> None:
    """Raise InputError, naming the first point, where a fraction is negative, infinite or not a number."""
    fractions = points["fractions"]
    wrong = points[~(np.isfinite(fractions) & (fractions >= 0))]
    if len(wrong):
        row = wrong.iloc[0]
        raise InputError(
            f"points of edition {edition.label}: location {row['location_id']}, {row['metric']}: fractions is "
            f"{row['fractions']}, and {len(wrong) - 1} more like it; it must be 0 or more. "
            "Run the edition's points again."
        )
