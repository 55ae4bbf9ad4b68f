"""Worlds of round towns, with points enough to be clustered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from gii_pipeline.counting import POINTS, Counted, Total
from gii_pipeline.counting.co_counts import OUTSIDE
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.geocoding.location_id import pack
from gii_pipeline_tests.ranking.chain import EditionTables, rank_edition

COLUMNS = ["metric", "cluster", "co_count"]
PCT, PAPERS, DEALS = "pct_applications", "scientific_publications", "vc_deals"


class Town(NamedTuple):
    """A row of points on one latitude, 0.03 degrees apart eastwards; each counts the same of a metric."""

    name: str
    latitude: float
    longitude: float
    counts: dict[str, float]
    points: int = 3


def points(towns: Iterable[Town], edition: Edition) -> pd.DataFrame:
    """`points`, with ten people and two records for each record counted."""
    rows: list[dict[str, Any]] = []
    for town in towns:
        for metric in set(town.counts) & set(edition.metrics):
            for step in range(town.points):
                longitude = round(town.longitude + 0.03 * step, 2)
                rows.append(
                    {
                        "edition": edition.edition,
                        "method": edition.method,
                        "location_id": int(pack([town.latitude], [longitude])[0]),
                        "metric": metric,
                        "latitude": town.latitude,
                        "longitude": longitude,
                        "place": town.name,
                        "admin": None,
                        "economy": "AA",
                        "people": round(10 * town.counts[metric]),
                        "fractions": float(town.counts[metric]),
                        "records": round(2 * town.counts[metric]),
                    }
                )
    table = pa.Table.from_pylist(rows, schema=POINTS)
    found: pd.DataFrame = table.sort_by([("location_id", "ascending"), ("metric", "ascending")]).to_pandas()
    return found


def counted(towns: Iterable[Town], edition: Edition, elsewhere: float = 1000.0) -> Counted:
    """All that is counted; the world has `elsewhere` of each metric outside the towns."""
    found = points(towns, edition)
    inside = found.groupby("metric")["fractions"].sum()
    totals = {name: Total(elsewhere + inside.get(name, 0.0), 2 * elsewhere) for name in edition.metrics}
    return Counted(pa.Table.from_pandas(found, schema=POINTS, preserve_index=False), totals)


def co_counts(found: Counted) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """As `counting.co_counts` of these points: records of one location each, those elsewhere counting one."""

    def of(clusters: pd.DataFrame) -> pd.DataFrame:
        rows = found.points.to_pandas().merge(clusters, on="location_id", how="left")
        rows["cluster"] = rows["cluster"].fillna(OUTSIDE).astype("int64")
        rows["co_count"] = rows["fractions"] ** 2 / rows["records"]
        inside = rows.groupby("metric")["fractions"].sum()
        elsewhere = [(name, OUTSIDE, total.located - inside.get(name, 0.0)) for name, total in found.totals.items()]
        given = pd.concat([rows[COLUMNS], pd.DataFrame(elsewhere, columns=COLUMNS)])
        sums = given.groupby(["metric", "cluster"], as_index=False)["co_count"].sum()
        together: pd.DataFrame = sums.rename(columns={"cluster": "a"}).assign(b=sums["cluster"])
        return together

    return of


def edition(year: int, min_weight: float = 300.0, **settings: object) -> Edition:
    """WIPO's edition with clusters from few people on, and other settings by name."""
    own = wipo_book()[year]
    values = {"min_weight": min_weight, **settings}
    changed = {name: getattr(own, name).model_copy(update={"value": value}) for name, value in values.items()}
    return own.model_copy(update=changed)


def rank(found: Counted, edition: Edition) -> EditionTables:
    return rank_edition(found.points.to_pandas(), found.totals, edition, None)


def names(tables: EditionTables) -> list[str]:
    return tables.ranking_size["name"].tolist()
