"""Fitting the radius of footprints to a population that is known, and testing it on others.

Belongs here: inhabitants of named clusters under a range of radii, and the radius that gives the first its own.
Does not: choosing one. The edition's setting stays an assumption until a person changes it and its tag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import pandas as pd

from gii_pipeline.clusters.build import circles
from gii_pipeline.errors import InputError

PopulationOf = Callable[[pd.DataFrame], pd.DataFrame]
PRINTED = files("gii_pipeline.metrics").joinpath("population_printed.csv")
ROUNDING = 1e-9
RADII_KM = (1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 12.5, 15.0, 20.0, 25.0)


class Known(NamedTuple):
    """Inhabitants of a cluster that are known from elsewhere, in millions: between the two."""

    cluster: str
    low: float
    high: float


class Fitted(NamedTuple):
    """What a fit found.

    radius_km: at which the first known cluster has the middle of its range; None if no radius of the range does.
    by_radius: radius_km and a column of millions per known cluster. tests: cluster, millions_low, millions_high,
    millions at the fitted radius, agrees, for all but the first.
    """

    radius_km: float | None
    by_radius: pd.DataFrame
    tests: pd.DataFrame


def printed_populations(part: float = 1.0) -> list[Known]:
    """The populations that follow from printed figures: the first to fit, the others to test.

    part: of the world's inhabitants that a made-up world has.
    """
    with PRINTED.open(encoding="utf-8") as file:
        rows = pd.read_csv(file)
    return [
        Known(str(row["cluster"]), part * float(row["millions_low"]), part * float(row["millions_high"]))
        for _, row in rows.iterrows()
    ]


def fit(
    members: pd.DataFrame,
    clusters: pd.DataFrame,
    known: Sequence[Known],
    population_of: PopulationOf,
    radii_km: Sequence[float] = RADII_KM,
) -> Fitted:
    """Footprints of every radius around the members, and the radius that fits the first known cluster.

    members: `cluster_members`; clusters: `clusters`; population_of: footprints -> as `metrics.population`. All clusters
    are drawn, so that they share people as in a ranking. Raises InputError naming a known cluster that does not exist.
    """
    inside = members[members["cluster_id"].notna()].rename(columns={"cluster_id": "cluster"})
    ids = [_find(clusters, one.cluster) for one in known]

    def millions(radius_km: float) -> list[float]:
        outlines = circles(inside, radius_km).rename_axis("cluster_id").reset_index()
        people = population_of(outlines).set_index("cluster_id")["population"] / 1e6
        return [float(people[cluster_id]) for cluster_id in ids]

    names = [one.cluster for one in known]
    by_radius = pd.DataFrame([millions(radius) for radius in radii_km], columns=names)
    by_radius.insert(0, "radius_km", np.asarray(radii_km, dtype=np.float64))
    radius = _crossing(by_radius["radius_km"], by_radius[names[0]], (known[0].low + known[0].high) / 2)
    tests = pd.DataFrame(known[1:], columns=["cluster", "millions_low", "millions_high"])
    if radius is not None:
        tests["millions"] = millions(radius)[1:]
        tests["agrees"] = tests["millions"].between(tests["millions_low"], tests["millions_high"])
    return Fitted(radius, by_radius, tests)


def _crossing(radius: pd.Series, people: pd.Series, wanted: float) -> float | None:
    """The least radius at which people rise to what is wanted, on the lines between the areas of the circles tried."""
    rising = np.maximum.accumulate(people.fillna(0).to_numpy())
    enough = np.flatnonzero(rising >= wanted * (1 - ROUNDING))
    if not enough.size or rising[0] > wanted:
        return None
    until = enough[0] + 1  # beyond it people may stay the same, and any radius would give them
    return float(np.sqrt(np.interp(wanted, rising[:until], radius.to_numpy()[:until] ** 2)))


def _find(clusters: pd.DataFrame, name: str) -> str:
    """The cluster of that name, else the one whose name has the first place of it."""
    first = name.partition("–")[0]
    named = clusters[clusters["name"] == name]
    found = named if len(named) else clusters[clusters["name"].str.split("–").map(lambda places: first in places)]
    if len(found) != 1:
        raise InputError(
            f"{len(found)} clusters are called {name}; use the name of a single one, as in --known "
            f"'NAME=MILLIONS'. The largest "
            "are "
            f"{', '.join(clusters.sort_values('people', ascending=False)['name'].head(5))}."
        )
    return str(found["cluster_id"].iloc[0])
