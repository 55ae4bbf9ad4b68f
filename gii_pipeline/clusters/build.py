"""The clusters of an edition: from its points to clusters, members and footprints.

Belongs here: the order of the steps, and the three tables that they make together.
Does not: a step's own rule, or population (`metrics.population`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gii_pipeline.clusters import identity, naming
from gii_pipeline.clusters.density import NOISE, Density, Weighed, nearest_within, weigh
from gii_pipeline.clusters.footprint import footprint
from gii_pipeline.clusters.locations import locations
from gii_pipeline.clusters.merge import merge
from gii_pipeline.clusters.rows import Flags
from gii_pipeline.clusters.settlements import settlement_outlines
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError

CLUSTERS = {
    "edition": "int32",
    "method": "int32",
    "cluster_id": "str",
    "name": "str",
    "economies": "str",
    "latitude": "float64",
    "longitude": "float64",
    "core_points": "int32",
    "points": "int32",
    "people": "float64",
    "identity": "str",
    "previous_cluster_id": "str",
    "previous_overlap": "float64",
}
MEMBERS = {
    "edition": "int32",
    "method": "int32",
    "location_id": "int64",
    "latitude": "float64",
    "longitude": "float64",
    "place": "str",
    "admin": "str",
    "economy": "str",
    "people": "float64",
    "records": "int64",
    "role": "str",
    "cluster_id": "str",
}
FOOTPRINTS = {
    "edition": "int32",
    "method": "int32",
    "cluster_id": "str",
    "name": "str",
    "area_km2": "float64",
    "geometry": "object",
    "footprint": "str",
}
SHARED_DECIMALS = 2
"""Locations of two editions are compared at no more decimals than this, since the editions may differ in theirs."""


class Found(NamedTuple):
    """The tables `clusters`, `cluster_members` and `cluster_footprints`, each sorted by its key."""

    clusters: pd.DataFrame
    members: pd.DataFrame
    footprints: pd.DataFrame


def build(
    points: pd.DataFrame,
    edition: Edition,
    *,
    previous: pd.DataFrame | None = None,
    ties: pd.DataFrame | None = None,
    settlements: gpd.GeoSeries | None = None,
) -> Found:
    """The clusters of an edition by its method (METHOD.md, section 2).

    points: `points` (location × metric); previous: `cluster_members` of the edition before, whose ids live on;
    ties: co-records between locations (location_id_a, location_id_b, co_records), for the merge rule
    distance_and_ties. One row a pair of locations in either order, counting the records of the edition's windows that
    have a person at both. settlements: their extents, for footprints that are settlements.

    Members are every location of the points, those outside every cluster as noise. Locations without weight in the
    density step (only metrics that are not in it) neither make nor join clusters: they belong to the nearest core point
    within the radius, as border. Without any cluster, the tables of clusters and footprints are empty.
    Footprints are without population, which takes a raster (`metrics.population`).
    Raises InputError naming the first point that cannot be clustered, or when ties or settlements are demanded and not
    given.
    """
    members = grouped(locations(points, edition), edition, ties)
    inside = members[members["cluster"] != NOISE]
    described = _described(inside, edition)
    described = described.join(_identified(inside, previous, edition))
    cluster_id = described["cluster_id"]
    members["cluster_id"] = members["cluster"].map(cluster_id)
    drawn = outlines(inside, edition, settlements)
    return Found(
        _table(described, CLUSTERS, edition).sort_values("cluster_id", ignore_index=True),
        _table(members, MEMBERS, edition),
        _table(described.join(drawn), FOOTPRINTS, edition).sort_values("cluster_id", ignore_index=True),
    )


def grouped(
    places: pd.DataFrame, edition: Edition, ties: pd.DataFrame | None, found: Density | None = None
) -> pd.DataFrame:
    """The locations with their cluster's number, NOISE outside, and their role.

    found: what the density step finds among the locations with people, where it is known already.
    """
    latitude, longitude = places["latitude"].to_numpy(), places["longitude"].to_numpy()
    dense = np.flatnonzero(places["people"] > 0)
    rest = np.flatnonzero(places["people"] == 0)
    radius_km, min_weight = edition.radius_km.value, edition.min_weight.value
    found = found or weighed(places, radius_km, (min_weight,)).clusters(min_weight)
    labels = np.full(len(places), NOISE)
    labels[dense] = merge(
        found.labels,
        latitude[dense],
        longitude[dense],
        rule=edition.merge_rule.value,
        distance_km=edition.merge_distance_km.value,
        location_id=places["location_id"].to_numpy()[dense],
        ties=ties,
    )
    core = dense[found.core]
    nearest = nearest_within(latitude[rest], longitude[rest], latitude[core], longitude[core], radius_km=radius_km)
    labels[rest[nearest != NOISE]] = labels[core[nearest[nearest != NOISE]]]
    return places.assign(cluster=labels, role=_role(labels, core))


def weighed(places: pd.DataFrame, radius_km: float, min_weights: Sequence[float]) -> Weighed:
    """The locations with people, each with the people within the radius."""
    dense = places[places["people"] > 0]
    return weigh(dense["latitude"], dense["longitude"], dense["people"], radius_km=radius_km, min_weights=min_weights)


def _role(labels: np.ndarray, core: np.ndarray) -> np.ndarray:
    is_core: Flags = np.zeros(labels.size, dtype=bool)
    is_core[core] = True
    return np.where(is_core, "core", np.where(labels == NOISE, "noise", "border"))


def _core_by_weight(inside: pd.DataFrame) -> pd.DataFrame:
    return inside[inside["role"] == "core"].sort_values(["people", "location_id"], ascending=[False, True])


def _described(inside: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """Cluster number -> name, economies, its heaviest core point, and how much is in it."""
    by_weight = _core_by_weight(inside)
    own = by_weight.drop_duplicates("cluster").set_index("cluster")[["latitude", "longitude"]]
    groups = inside.groupby("cluster")
    described = own.sort_index().assign(
        core_points=by_weight.groupby("cluster").size(), points=groups.size(), people=groups["people"].sum()
    )
    named = inside.join(own.add_prefix("own_"), on="cluster")
    name = naming.names(named, places=edition.name_places.value, min_share=edition.name_min_share.value)
    return described.assign(name=name, economies=naming.economies(inside, min_share=edition.economy_min_share.value))


def _identified(inside: pd.DataFrame, previous: pd.DataFrame | None, edition: Edition) -> pd.DataFrame:
    """Cluster number -> its persistent id, and what became of it since the previous edition."""
    decimals = min(edition.location_decimals.value, SHARED_DECIMALS)
    numbered = inside.assign(cluster_id=inside["cluster"])
    matched = identity.match(numbered, previous, decimals=decimals).set_index("cluster_id")
    matched = matched.rename(columns={"overlap": "previous_overlap"}).rename_axis("cluster")
    inherits = matched["identity"].isin(["kept", "merged"])
    cluster_id = matched["previous_cluster_id"].where(inherits)
    taken = set(cluster_id.dropna()) | (set() if previous is None else set(previous["cluster_id"].dropna()))
    by_weight = _core_by_weight(inside)
    new = {}
    for cluster, core in by_weight[~by_weight["cluster"].isin(matched.index[inherits])].groupby("cluster"):
        new[cluster] = identity.new_id(core["location_id"].tolist(), taken)
        taken.add(new[cluster])
    return matched.assign(cluster_id=cluster_id.fillna(pd.Series(new, dtype="str")))


def outlines(inside: pd.DataFrame, edition: Edition, settlements: gpd.GeoSeries | None) -> pd.DataFrame:
    """Cluster (index) -> area_km2, geometry (WKB) and footprint, the rule that the outline was drawn by.

    inside: locations with `cluster`, coordinates and role. Members: all within the footprint distance of a member.
    Catchment: all within the radius of a core point, which is where the density rule looks for people. Settlements: the
    extents with a core point in them; a cluster outside all of them has the outline of its members.
    """
    rule = edition.footprint.value
    if rule == "settlements":
        if settlements is None:
            raise InputError("The edition's footprint is settlements, but no settlement extents were given.")
        extents = settlement_outlines(inside, settlements)
        rest = inside[~inside["cluster"].isin(extents.index)]
        by_members = circles(rest, edition.footprint_distance_km.value).assign(footprint="members")
        return pd.concat([extents.assign(footprint=rule), by_members]).sort_index()
    if rule == "catchment":
        return circles(inside[inside["role"] == "core"], edition.radius_km.value).assign(footprint=rule)
    return circles(inside, edition.footprint_distance_km.value).assign(footprint=rule)


def circles(inside: pd.DataFrame, distance_km: float) -> pd.DataFrame:
    """Cluster -> area_km2 and geometry (WKB) of the area within the distance of its locations."""
    groups = inside.groupby("cluster")[["latitude", "longitude"]]

    def draw(group: pd.DataFrame) -> tuple[float, bytes]:
        latitude, longitude = group.to_numpy().T
        outline, area_km2 = footprint(latitude, longitude, distance_km)
        return area_km2, shapely.to_wkb(outline)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = list(pool.map(draw, [group for _, group in groups]))
    index = pd.Index([cluster for cluster, _ in groups], name="cluster", dtype=inside["cluster"].dtype)
    return pd.DataFrame(drawn, index=index, columns=["area_km2", "geometry"])


def _table(rows: pd.DataFrame, columns: dict[str, str], edition: Edition) -> pd.DataFrame:
    rows = rows.assign(edition=edition.edition, method=edition.method)
    return rows[list(columns)].astype(columns).reset_index(drop=True)
