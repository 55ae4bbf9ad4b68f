"""Agreement: each figure that WIPO or others printed of an edition, beside ours.

Belongs here: which of our clusters a printed one is, the difference, and two sentences on why there is one.
Does not: the printed figures themselves, or whether the method's arithmetic is right (see `published`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from gii_pipeline.editions import Edition
from gii_pipeline.metrics.rows import with_edition
from gii_pipeline.ranking.published import WORLD, published

AGREEMENT = {
    "cluster": "str",
    "figure": "str",
    "cluster_id": "str",
    "printed": "float64",
    "ours": "float64",
    "difference": "float64",
    "status": "str",
    "tag": "str",
    "why": "str",
    "source": "str",
}
MADE_UP = "The records of this release are made up and cannot be compared with printed figures."
NATIONAL = "This release is a national slice. Printed figures are for the world's records."


class Ours(NamedTuple):
    """The tables that printed figures are compared with."""

    ranking_size: pd.DataFrame
    cluster_metrics: pd.DataFrame


def agreement(ours: Ours, edition: Edition, *, made_up: bool, national: bool = False) -> pd.DataFrame:
    """The `agreement` table: one row per printed figure of the edition by its method, sorted by cluster and figure.

    A printed cluster is our highest ranked one that has the first of its places in its name. status: agrees (to the
    printed digit), differs, no cluster (none of ours has the place), not applicable (made-up records, or those of one
    country).
    """
    given = published()
    rows = given[given["edition"] == edition.label].sort_values(["cluster", "figure"])
    apart = MADE_UP if made_up else NATIONAL if national else ""
    found = [_compared(row, ours, edition, given, apart) for row in rows.to_dict("records")]
    table = pd.DataFrame(found, columns=list(AGREEMENT)).astype(AGREEMENT)
    return with_edition(table, edition)


def _compared(
    row: Mapping[Hashable, Any], ours: Ours, edition: Edition, given: pd.DataFrame, apart: str
) -> dict[str, Any]:
    """One row. apart: why printed figures say nothing about these records; empty where they do."""
    printed = float(row["value"])
    known = {name: row[name] for name in ("cluster", "figure", "tag", "source")} | {"printed": printed}
    if apart:
        return known | {"status": "not applicable", "why": apart}
    cluster_id = _our_cluster(row["cluster"], ours.ranking_size)
    value = _our_figure(row, cluster_id, ours)
    if value is None:
        return known | {"status": "no cluster", "why": _why_none(row, edition)}
    decimals = len(str(row["value"]).partition(".")[2])
    agrees = math.isclose(round(value, decimals), printed, abs_tol=10**-decimals / 1000)
    status = "agrees" if agrees else "differs"
    why = _why(row["figure"], ours, edition, given)
    figures = {"cluster_id": cluster_id, "ours": value, "difference": value - printed}
    return known | figures | {"status": status, "why": why}


def _our_cluster(name: str, ranking: pd.DataFrame) -> str | None:
    """Our highest ranked cluster with the first place of a printed name, without the state that US names carry."""
    place = name.partition("–")[0].partition(",")[0].strip()
    places = ranking["name"].str.split("–")
    same = ranking[[place in [one.partition(",")[0].strip() for one in named] for named in places]]
    return str(same.sort_values("rank")["cluster_id"].iloc[0]) if place and len(same) else None


def _our_figure(row: Mapping[Hashable, Any], cluster_id: str | None, ours: Ours) -> float | None:
    if not row["cluster"]:
        metric = row["figure"].removesuffix(WORLD)
        totals = ours.cluster_metrics.loc[ours.cluster_metrics["metric"] == metric, "world_total"]
        return float(totals.iloc[0]) if len(totals) else None
    if cluster_id is None or row["figure"] not in ours.ranking_size:
        return None
    value = ours.ranking_size.set_index("cluster_id").loc[cluster_id, row["figure"]]
    return None if pd.isna(value) else float(value)


def _why(figure: str, ours: Ours, edition: Edition, given: pd.DataFrame) -> str:
    return f"{_of_the_records(figure, ours, edition, given)} {_of_the_method(figure, edition)}"


def _of_the_records(figure: str, ours: Ours, edition: Edition, given: pd.DataFrame) -> str:
    """How many of the world's records ours are, where its totals are known."""
    totals = given[(given["edition"] == edition.label) & given["figure"].str.endswith(WORLD)]
    known = {row["figure"].removesuffix(WORLD): float(row["value"]) for row in totals.to_dict("records")}
    own = ours.cluster_metrics.drop_duplicates("metric").set_index("metric")["world_total"]
    named = [name for name in edition.metrics if figure.startswith(name)] or list(edition.metrics)
    parts = [f"{own[name] / known[name]:.1%} of {name}" for name in named if name in known and name in own.index]
    if not parts:
        return "Our share of the world's records is unknown, because WIPO prints no world total."
    return f"Our sources have {', '.join(parts)} that the printed figures imply for the world."


def _of_the_method(figure: str, edition: Edition) -> str:
    """Which assumption the figure rests on, beside its records."""
    if figure.endswith("_per_million") or figure in ("population", "intensity_score", "intensity_rank"):
        return (
            "Inhabitants depend on the footprint, and WIPO does not publish its rule "
            f"(here {edition.footprint.value}, {edition.footprint.tag})."
        )
    if figure.endswith(WORLD):
        return f"Records come from the source in the profile, if they are {edition.share_base.value}."
    tag = edition.radius_km.tag
    return (
        f"The borders result from a radius of {edition.radius_km.value:g} km and a minimum of "
        f"{edition.min_weight.value:g} people ({tag}), at our locations, which differ from WIPO's."
    )


def _why_none(row: Mapping[Hashable, Any], edition: Edition) -> str:
    if not row["cluster"]:
        return "This release does not count the metric. The edition's profile names no source for it."
    return (
        f"None of our ranked clusters has the place in its name, or the cluster has no such figure. The ranking "
        f"has at most "
        f"{edition.ranking_length.value} clusters, and names are the places with most people in our sources."
    )
