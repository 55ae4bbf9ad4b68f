"""Published figures against our arithmetic: what was printed, what the method makes of the printed counts.

Belongs here: `published.csv` (a printed figure per row, with its source), the comparison, and what in it was fitted.
Does not: a method of its own. Shares, scores and orders come from `metrics` and `ranking`, as for any edition.

A figure is named as its column in `ranking_size`. Counts, world totals and populations go in; the others must come out.
The tag says whether a value is printed (F) or was inferred from printed ones (I). An inferred value that goes in was
fitted: as many of the figures that rest on it agree by construction, and only the rest could have differed. A figure
that nothing printed lets us compute, or that we inferred ourselves, proves nothing and is not compared.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from typing import Any

import pandas as pd

from gii_pipeline.counting import Total
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.ranking.rank import rank_size

PUBLISHED = files("gii_pipeline.ranking").joinpath("published.csv")
COLUMNS = ["edition", "cluster", "figure", "printed", "computed", "agrees", "fitted", "tag", "source"]
COUNT, WORLD, POPULATION, PER_MILLION = "_count", "_world_total", "population", "_per_million"


def published() -> pd.DataFrame:
    """Printed figures, as text: edition (label), cluster ("" is the world), economies, figure, value, tag, source."""
    with PUBLISHED.open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype="str", keep_default_na=False)


def verify_published() -> pd.DataFrame:
    """Every printed figure that can come out, next to what comes out: edition, cluster, figure, printed, computed, ...

    printed and computed are text, to the printed digit; fitted names the inferred values that the figure rests on. A
    rank is among the clusters whose counts are printed, which are the first ones.
    """
    given = published()
    figures = given[~given["figure"].map(_goes_in) & (given["tag"] == "F")].rename(columns={"value": "printed"})
    rankings = {label: recomputed(given, wipo_book().edition(label)) for label in figures["edition"].unique()}
    computed = [
        _to_the_digit(_figure(rankings[row["edition"]], row["cluster"], row["figure"]), row["printed"])
        for row in figures.to_dict("records")
    ]
    figures = figures.assign(computed=pd.Series(computed, index=figures.index, dtype="str"))
    figures = figures[figures["computed"].notna()]
    figures["agrees"] = figures["computed"] == figures["printed"]
    figures["fitted"] = [", ".join(_rests_on(given, row)) for row in figures.to_dict("records")]
    return figures[COLUMNS].reset_index(drop=True)


def what_it_proves(rows: pd.DataFrame) -> list[str]:
    """A sentence per edition and kind of figure: how many were compared, what was fitted, how many could differ."""
    said = []
    kinds = rows["figure"].map(lambda figure: "ranks" if figure == "rank" else "figures")
    for (edition, fitted, kind), group in rows.groupby(["edition", "fitted", kinds], sort=True):
        values = [name for name in str(fitted).split(", ") if name]
        free = len(group) - len(values)
        if kind == "ranks":
            proof = f"the order of {len(group)} clusters, 1 of {math.factorial(len(group)):,} orders"
            rests = "; it is the same for every world total that the printed shares allow" if values else ""
        elif free > 0:
            proof = f"{free} of them could have differed"
            rests = f"; {len(values)} fitted to them: {', '.join(values)}" if values else ""
        else:
            proof, rests = "a tautology, since as many values were fitted to them", f": {', '.join(values)}"
        said.append(f"Edition {edition}, {len(group)} {kind}: {proof}{rests}.")
    return said


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


def _rests_on(given: pd.DataFrame, row: Mapping[Hashable, Any]) -> list[str]:
    """The fitted values that a figure is computed from."""
    fitted = given[(given["edition"] == row["edition"]) & (given["tag"] == "I")]
    if row["figure"].endswith(PER_MILLION):
        names = fitted.loc[(fitted["figure"] == POPULATION) & (fitted["cluster"] == row["cluster"]), "figure"]
        return [f"population of {row['cluster']}" for _ in names]
    return sorted(fitted.loc[fitted["figure"].str.endswith(WORLD), "figure"])


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
