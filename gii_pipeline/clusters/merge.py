"""Merging neighbouring clusters whose borders are close, with or without ties between them.

Belongs here: the distance between borders, and the rules `distance`, `distance_and_ties` and `none`.
Does not: finding clusters (`density`) or naming them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gii_pipeline.clusters.density import NOISE
from gii_pipeline.clusters.rows import EARTH_RADIUS_KM, Floats, Ints, Points
from gii_pipeline.editions.model import MergeRule
from gii_pipeline.errors import InputError

Pair = tuple[int, int]

TIES_COLUMNS = ("location_id_a", "location_id_b", "co_records")


def merge(
    labels: Ints,
    latitude: Floats,
    longitude: Floats,
    *,
    rule: MergeRule,
    distance_km: float,
    location_id: Ints | None = None,
    ties: pd.DataFrame | None = None,
) -> Ints:
    """New labels, in which clusters that the rule merges share one (METHOD.md, section 2).

    labels: cluster number of each location, -1 for noise; latitude, longitude: degrees.
    `distance` merges every two clusters whose nearest members are within distance_km, and so complete chains of them.
    `distance_and_ties` merges two such clusters when they share more co-records with each other than either does with
    any third cluster; ties (location_id_a, location_id_b, co_records) give the co-records between locations.
    Raises InputError when ties are demanded and not given, or lack a column.
    """
    if rule == "none":
        return labels
    pairs = close_pairs(labels, latitude, longitude, distance_km)
    if rule == "distance_and_ties":
        if ties is None or location_id is None:
            raise InputError(
                "The edition's merge_rule is distance_and_ties, but no ties between locations were given. "
                "Give them, or set merge_rule to distance."
            )
        tied = mutual_first_choices(co_records_between(labels, location_id, ties))
        pairs = [pair for pair in pairs if pair in tied]
    return _joined(labels, pairs)


def close_pairs(labels: Ints, latitude: Floats, longitude: Floats, distance_km: float) -> list[Pair]:
    """Pairs (a, b), a < b, of clusters whose nearest members are within distance_km of each other."""
    count = int(labels.max(initial=NOISE)) + 1
    points = np.stack(Points.of_degrees(latitude, longitude).on_unit_sphere(), axis=1)
    chord = 2 * math.sin(min(0.5 * distance_km / EARTH_RADIUS_KM, math.pi / 2)) * (1 + 1e-12)
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(count + 1))
    members = [points[order[begin:end]] for begin, end in pairwise(bounds)]
    low = np.array([part.min(axis=0) for part in members]).reshape(count, 3)
    high = np.array([part.max(axis=0) for part in members]).reshape(count, 3)
    trees: dict[int, cKDTree] = {}
    pairs = []
    for a in range(count):
        near = (low[a + 1 :] <= high[a] + chord).all(axis=1) & (high[a + 1 :] >= low[a] - chord).all(axis=1)
        for b in a + 1 + np.flatnonzero(near):
            small, large = sorted((a, int(b)), key=lambda cluster: len(members[cluster]))
            if large not in trees:
                trees[large] = cKDTree(members[large])
            reachable = ((members[small] >= low[large] - chord) & (members[small] <= high[large] + chord)).all(axis=1)
            nearest, _ = trees[large].query(members[small][reachable], distance_upper_bound=np.nextafter(chord, 1))
            if np.isfinite(nearest).any():
                pairs.append((a, int(b)))
    return pairs


def co_records_between(labels: Ints, location_id: Ints, ties: pd.DataFrame) -> dict[Pair, float]:
    """Co-records between every two clusters (a < b), added up over their locations."""
    missing = [column for column in TIES_COLUMNS if column not in ties.columns]
    if missing:
        raise InputError(f"The table of ties lacks {', '.join(missing)}; it needs {', '.join(TIES_COLUMNS)}.")
    cluster = pd.Series(labels, index=location_id)
    a = cluster.reindex(ties["location_id_a"]).fillna(NOISE).to_numpy()
    b = cluster.reindex(ties["location_id_b"]).fillna(NOISE).to_numpy()
    between = pd.DataFrame({"a": np.minimum(a, b), "b": np.maximum(a, b), "co_records": ties["co_records"].to_numpy()})
    between = between[(between["a"] != NOISE) & (between["a"] != between["b"])]
    sums = between.groupby(["a", "b"], as_index=False)["co_records"].sum()
    return {(int(a), int(b)): float(shared) for a, b, shared in sums.itertuples(index=False)}


def mutual_first_choices(co_records: dict[Pair, float]) -> set[Pair]:
    """Pairs that share more co-records with each other than either does with any third cluster."""
    of_cluster: dict[int, list[float]] = {}
    for pair, shared in co_records.items():
        for cluster in pair:
            of_cluster.setdefault(cluster, []).append(shared)
    first = {cluster: max(shared) for cluster, shared in of_cluster.items() if shared.count(max(shared)) == 1}
    return {
        pair
        for pair, shared in co_records.items()
        if shared > 0 and all(first.get(cluster) == shared for cluster in pair)
    }


def _joined(labels: Ints, pairs: Iterable[Pair]) -> Ints:
    count = int(labels.max(initial=NOISE)) + 1
    a, b = np.array(list(pairs), dtype=np.int64).reshape(-1, 2).T
    _, component = connected_components(coo_array((np.ones(a.size), (a, b)), shape=(count, count)), directed=False)
    return np.append(component, NOISE)[labels]
