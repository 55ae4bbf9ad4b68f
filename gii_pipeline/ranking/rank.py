"""The two rankings: by size and by intensity.

Belongs here: the scores, the order of the clusters, and the wide tables that most readers want (METHOD.md, section 3).
Does not: the figures of a cluster in one metric (see `metrics`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pandas as pd

from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.rows import with_edition
from gii_pipeline.registry import shipped

MILLION = 1_000_000
ORDER = {"cluster_id": "str", "size_score": "float64", "rank": "int32"}
WHO = ["rank", "cluster_id", "name", "economies"]
SIZE_COLUMNS = [*WHO, "size_score", "population", "area_km2", "intensity_score", "intensity_rank"]
INTENSITY_COLUMNS = ["edition", "method", *WHO, "intensity_score", "size_score", "size_rank", "population"]


def size_order(metrics: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """Every cluster by size score, the largest first: cluster_id, size_score, rank (1 to n).

    metrics: `cluster_metrics`. The size score is the sum of the weighted shares in per cent, unrounded. It is added up
    in fractions of the counts and world totals, which are whole millionths, so that equal scores are equal whatever the
    order of the sum. Equal scores go by the count in the edition's first metric, the larger first, then by cluster_id.
    Without clusters it is empty.
    Raises InputError, naming a cluster and metric, where a share is missing.
    """
    counts = _wide_counts(metrics, edition)
    if counts.empty:
        return pd.DataFrame({"cluster_id": [], "size_score": [], "rank": []}).astype(ORDER)
    world = metrics.drop_duplicates("metric").set_index("metric")["world_total"]
    unit = {name: Fraction(metric.weight.value) / _millionths(world[name]) for name, metric in edition.metrics.items()}
    exact = [sum(unit[name] * _millionths(row[name]) for name in unit) for row in counts.to_dict("records")]
    order = pd.DataFrame({"cluster_id": counts.index, "exact": exact, "first_count": counts.iloc[:, 0].to_numpy()})
    order = order.sort_values(["exact", "first_count", "cluster_id"], ascending=[False, False, True], ignore_index=True)
    order["size_score"] = [float(100 * score) for score in order["exact"]]
    order["rank"] = order.index + 1
    return order[list(ORDER)].astype(ORDER)


def _millionths(count: float) -> int:
    """A count as the whole number of millionths that it is given to."""
    return round(count * MILLION)


def rank_size(
    clusters: pd.DataFrame,
    footprints: pd.DataFrame,
    metrics: pd.DataFrame,
    edition: Edition,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The `ranking_size` table: the first clusters by size score, as many as the edition ranks or there are.

    clusters: cluster_id, name, economies; footprints: cluster_id, area_km2, population (null or 0: no intensity);
    metrics: `cluster_metrics`; names: the metrics that have columns, counted by this edition or not, by default those
    of the package. The intensity rank is among the clusters of this table.
    """
    ranking = size_order(metrics, edition).head(edition.ranking_length.value)
    ranking = ranking.merge(clusters[["cluster_id", "name", "economies"]], on="cluster_id", validate="1:1")
    ranking = ranking.merge(footprints[["cluster_id", "population", "area_km2"]], on="cluster_id", validate="1:1")
    ranking = with_intensity(ranking)[SIZE_COLUMNS]
    for name in shipped() if names is None else names:
        ranking = ranking.merge(_wide(metrics, name), on="cluster_id", how="left", validate="1:1")
    return with_edition(ranking, edition)


def rank_intensity(ranking_size: pd.DataFrame) -> pd.DataFrame:
    """The `ranking_intensity` table: the clusters of the size ranking by size score per million inhabitants.

    Clusters without a population are left out.
    """
    ranked = ranking_size[ranking_size["intensity_rank"].notna()].sort_values("intensity_rank", ignore_index=True)
    ranked = ranked.rename(columns={"rank": "size_rank", "intensity_rank": "rank"})
    ranked["rank"] = ranked["rank"].astype("int32")
    return ranked[INTENSITY_COLUMNS + [name for name in ranked.columns if name.endswith("_per_million")]]


def with_intensity(ranking: pd.DataFrame) -> pd.DataFrame:
    """A ranking by size (size_score, rank, population) with intensity_score and intensity_rank; null without people."""
    inhabitants = ranking["population"].astype("float64")
    score = without_noise(ranking["size_score"] / (inhabitants.where(inhabitants > 0) / MILLION))
    ranking = ranking.assign(population=inhabitants, intensity_score=score)
    return ranking.assign(intensity_rank=_intensity_rank(ranking))


def without_noise(values: pd.Series) -> pd.Series:
    """The values to twelve significant digits, so that equal quotients are equal."""
    return values.map(lambda value: float(f"{value:.12g}"), na_action="ignore").astype("float64")


def _wide_counts(metrics: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """Clusters by the edition's metrics: counts, none missing."""
    given = metrics[metrics["share_pct"].notna()]
    counts = given.pivot_table(index="cluster_id", columns="metric", values="count")
    counts = counts.reindex(columns=list(edition.metrics)).astype("float64")
    missing = counts[counts.isna().any(axis=1)]
    if len(missing):
        lacking = missing.columns[missing.iloc[0].isna()]
        raise InputError(
            f"cluster_metrics of edition {edition.label}: cluster {missing.index[0]} has no share of "
            f"{', '.join(lacking)}, and {len(missing) - 1} more lack one. "
            "Run the edition's cluster_metrics again."
        )
    return counts


def _intensity_rank(ranking: pd.DataFrame) -> pd.Series:
    """1 to n among the clusters with a score; equal scores go by size rank. Others: null."""
    order = ranking.sort_values(["intensity_score", "rank"], ascending=[False, True])
    order = order[order["intensity_score"].notna()]
    return pd.Series(range(1, len(order) + 1), index=order.index, dtype="Int32").reindex(ranking.index)


def _wide(metrics: pd.DataFrame, name: str) -> pd.DataFrame:
    """One metric's columns of the wide table; no rows where the edition lacks the metric."""
    rows = metrics.loc[metrics["metric"] == name]
    columns = {"count": "count", "share_pct": "share_pct", "per_million": "per_million", "metric_rank": "rank"}
    wide = rows[["cluster_id", *columns]].rename(columns={old: f"{name}_{new}" for old, new in columns.items()})
    return wide.astype({f"{name}_rank": "Int32"})
