"""Published figures against our arithmetic: what was printed, what the method makes of the printed counts.

Belongs here: `published.csv` (a printed figure a row, with its source), and the comparison, row by row.
Does not: a method of its own. Shares, scores and orders come from `metrics` and `ranking`, as for any edition.

A figure is named as its column in `ranking_size`. Counts, world totals and populations go in; the others must come out.
The tag says whether a value is printed (F) or was inferred from printed ones (I).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from typing import Any

import pandas as pd

from gii_pipeline.counting import Total
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.ranking.rank import rank_size

PUBLISHED = files("gii_pipeline.ranking").joinpath("published.csv")
COLUMNS = ["edition", "cluster", "figure", "printed", "computed", "agrees", "tag", "source"]
COUNT, WORLD, POPULATION = "_count", "_world_total", "population"


def published() -> pd.DataFrame:
    """Printed figures, as text: edition (label), cluster ("" is the world), economies, figure, value, tag, source."""
    with PUBLISHED.open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype="str", keep_default_na=False)


def verify_published() -> pd.DataFrame:
    """Every printed figure that must come out, beside what comes out: edition, cluster, figure, printed, computed, ...

    printed and computed are text, to the printed digit. agrees is null where the edition's counts are not printed, so
    that nothing can be computed. A rank is among the clusters whose counts are printed, which are the first ones.
    """
    given = published()
    figures = given[~given["figure"].map(_goes_in)].rename(columns={"value": "printed"})
    labels = figures["edition"].unique()
    rankings = {label: recomputed(given, wipo_book().edition(label)) for label in labels}
    computed = [
        _to_the_digit(_figure(rankings[row["edition"]], row["cluster"], row["figure"]), row["printed"])
        for row in figures.to_dict("records")
    ]
    figures = figures.assign(computed=pd.Series(computed, index=figures.index, dtype="str"))
    agrees = (figures["computed"] == figures["printed"]).astype("boolean")
    return figures.assign(agrees=agrees.where(figures["computed"].notna()))[COLUMNS].reset_index(drop=True)


def recomputed(given: pd.DataFrame, edition: Edition, totals: Mapping[str, Total] | None = None) -> pd.DataFrame:
    """`ranking_size` of the clusters whose counts in every metric of the edition are printed; empty if there are none.

    given: as `published`; totals: metric -> world total, instead of the given ones.
    """
    data = given[given["edition"] == str(edition.edition)]
    value = data.assign(value=pd.to_numeric(data["value"])).set_index(["cluster", "figure"])["value"].unstack()  # noqa: PD010
    counts = value.reindex(columns=[name + COUNT for name in edition.metrics]).dropna()
    if counts.empty:
        return pd.DataFrame()
    world = value.loc[""].astype("float64").to_dict()
    totals = totals or {name: Total(world[name + WORLD], world[name + WORLD]) for name in edition.metrics}
    members = pd.DataFrame({"location_id": range(len(counts)), "cluster_id": counts.index})
    points = counts.set_axis(list(edition.metrics), axis=1).reset_index(drop=True).rename_axis("location_id")
    points = points.reset_index().melt(id_vars="location_id", var_name="metric", value_name="fractions")
    who = members[["cluster_id"]].assign(name=members["cluster_id"], economies="", area_km2=None)
    inhabitants = value.reindex(columns=[POPULATION])[POPULATION]
    who["population"] = who["cluster_id"].map(inhabitants).astype("float64")
    figures = cluster_metrics(members, points, totals, who, edition)
    return rank_size(who[["cluster_id", "name", "economies"]], who, figures, edition)


def _goes_in(figure: str) -> bool:
    return figure.endswith((COUNT, WORLD)) or figure == POPULATION


def _figure(ranking: pd.DataFrame, cluster: str, figure: str) -> Any:  # noqa: ANN401
    if ranking.empty:
        return None
    return ranking.set_index("name")[figure].get(cluster)


def _to_the_digit(value: Any, printed: str) -> str | None:  # noqa: ANN401
    """A value as text with as many decimals as the printed one, halves up; None for no value."""
    if value is None or pd.isna(value):
        return None
    return str(Decimal(float(value)).quantize(Decimal(printed), rounding=ROUND_HALF_UP))
