"""Names: what a cluster and its economies are called, by the weight of the cities in it.

Belongs here: the choice and order of places and economies, and which are parts of a city (`parts_of_cities.csv`).
Does not: identity. A name changes between editions; the cluster's id does not (`identity`).
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from typing import Final

import pandas as pd

EN_DASH = "–"
UNKNOWN_ECONOMY = "ZZ"
"""What ISO 3166-1 leaves to its users for "unknown": the economy of a cluster none of whose locations has one."""


def names(members: pd.DataFrame, *, places: int, min_share: float) -> pd.Series:
    """Cluster -> its cities joined by en dashes, the heaviest first.

    members: one row per location with `cluster`, `place` (nullable), `economy` (nullable), `people`, and the
    coordinates of the cluster's own point as `own_latitude`, `own_longitude`.
    A quarter or borough counts for its city. A place is named when it has at least min_share of the cluster's weight;
    up to `places` are, the heaviest always.
    A cluster without a known place is called by its own point, e.g. "35.68°N 139.77°E".
    """
    by_place = _weights(_by_city(members), ["economy", "place"], "place")
    named = _heaviest(by_place, members, min_share).drop_duplicates(["cluster", "place"])
    named = named[named.groupby("cluster").cumcount() < places]
    joined = named.groupby("cluster")["place"].agg(EN_DASH.join)
    own = members.groupby("cluster")[["own_latitude", "own_longitude"]].first()
    coordinates = [point_name(*point) for point in own.itertuples(index=False)]
    return joined.reindex(own.index).fillna(pd.Series(coordinates, index=own.index)).rename("name")


def economies(members: pd.DataFrame, *, min_share: float) -> pd.Series:
    """Cluster -> its economies joined by "/", the heaviest first: those with at least min_share of the weight, or one.

    "ZZ" when no location of the cluster has an economy.
    """
    named = _heaviest(_weights(members, ["economy"], "economy"), members, min_share)
    joined = named.groupby("cluster")["economy"].agg("/".join)
    return joined.reindex(sorted(members["cluster"].unique())).fillna(UNKNOWN_ECONOMY).rename("economies")


def point_name(latitude: float, longitude: float) -> str:
    return f"{abs(latitude):.2f}°{'N' if latitude >= 0 else 'S'} {abs(longitude):.2f}°{'E' if longitude >= 0 else 'W'}"


_NUMBERED: Final = re.compile(r"^(?P<city>\D+?)\s+(?:\((?:Kreis|district)\s*\d+\)|\d+)", re.IGNORECASE)
"""Quarters that are called by their city and a number: Zürich (Kreis 11), Paris 16 Passy, Lyon 08."""


def _by_city(members: pd.DataFrame) -> pd.DataFrame:
    """The members with parts of a city under its name.

    A name that other places of the economy have as well stands for the part only in a cluster that the city is in.
    """
    known = members.dropna(subset=["place", "economy"])
    there = set(zip(known["cluster"], known["economy"], known["place"], strict=True))
    parts = _parts_of_cities()

    def city(cluster: object, economy: object, place: object) -> object:
        if not isinstance(place, str):
            return place
        if numbered := _NUMBERED.match(place):
            return numbered["city"]
        cities = parts.get((str(economy), place), {})
        return next((of for of, alone in cities.items() if alone or (cluster, economy, of) in there), place)

    rows = members[["cluster", "economy", "place"]].itertuples(index=False, name=None)
    return members.assign(place=pd.Series([city(*row) for row in rows], index=members.index, dtype="str"))


@cache
def _parts_of_cities() -> dict[tuple[str, str], dict[str, bool]]:
    """(economy, part) -> the cities with such a part, and whether no other place of the economy has its name."""
    lines = (files("gii_pipeline.clusters") / "parts_of_cities.csv").read_text(encoding="utf-8").splitlines()
    parts: dict[tuple[str, str], dict[str, bool]] = {}
    for row in csv.DictReader(lines):
        parts.setdefault((row["economy"], row["part"]), {})[row["city"]] = row["alone"] == "yes"
    return parts


def _weights(members: pd.DataFrame, columns: list[str], required: str) -> pd.DataFrame:
    known = members[members[required].notna() & (members[required] != "")]
    known = known.assign(**{column: known[column].fillna("").astype(str) for column in columns})
    return known.groupby(["cluster", *columns])["people"].sum().reset_index()


def _heaviest(weights: pd.DataFrame, members: pd.DataFrame, min_share: float) -> pd.DataFrame:
    """Rows of each cluster that reach the share, and its first, the heaviest first; equal weights alphabetically."""
    columns = [column for column in weights.columns if column not in {"cluster", "people"}]
    weights = weights.sort_values(["cluster", "people", *columns], ascending=[True, False, *[True] * len(columns)])
    whole = weights["cluster"].map(members.groupby("cluster")["people"].sum())
    first = weights.groupby("cluster").cumcount() == 0
    return weights[first | (weights["people"] >= min_share * whole)]
