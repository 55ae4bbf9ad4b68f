"""Identity: which cluster of this edition is which cluster of the previous one.

Belongs here: the overlap by shared weight, who inherits an id, and ids for clusters that are new.
Does not: names, which change without the cluster changing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np
import pandas as pd

from gii_pipeline.geocoding.location_id import pack

DESCENT = 0.5
"""The part of either cluster's weight, at locations that both have, from which on one descends from the other."""

MATCH_COLUMNS = ["cluster_id", "previous_cluster_id", "overlap", "identity"]
ID_PREFIX = "gii-"


def match(current_members: pd.DataFrame, previous_members: pd.DataFrame | None, *, decimals: int = 2) -> pd.DataFrame:
    """What became of every cluster since the previous edition.

    Both tables: one row per location with cluster_id (null for noise), latitude, longitude, people. Only who is
    together counts, not what the current cluster_id is. Locations are the same when they round to the same `decimals`.
    Returns one row a current cluster, by cluster_id: cluster_id, previous_cluster_id, overlap, identity.

    overlap (0..1): the part of both clusters' weight that is at locations that both have. A cluster descends from a
    previous one when such locations hold at least half the weight of either. Ids are inherited along such descents, the
    largest overlap first; a cluster inherits one id, and an id goes to one cluster.
    kept: it inherits. merged: it inherits, and at least half of another previous cluster, whose id none inherits, is in
    it too. split: it descends from a cluster whose id another inherits; that cluster is its previous one. new: neither.
    """
    clusters = sorted(current_members["cluster_id"].dropna().unique())
    if previous_members is None:
        return _matched([(cluster, None, np.nan, "new") for cluster in clusters])
    descents = _descents(_weights(current_members, decimals), _weights(previous_members, decimals))
    overlap = descents.set_index(["cluster", "previous"])["overlap"].to_dict()
    best = descents.drop_duplicates("cluster").set_index("cluster")["previous"].to_dict()
    heirs = _heirs(descents)
    absorbed = descents[(descents["part_of_previous"] >= DESCENT) & ~descents["previous"].isin(heirs.values())]
    merging = set(absorbed["cluster"])
    rows: list[tuple[str, str | None, float, str]] = []
    for cluster in clusters:
        identity = "split" if cluster in best else "new"
        if cluster in heirs:
            identity = "merged" if cluster in merging else "kept"
        previous = heirs.get(cluster, best.get(cluster))
        rows.append((cluster, previous, overlap.get((cluster, previous), np.nan), identity))
    return _matched(rows)


def _matched(rows: list[tuple[str, str | None, float, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=MATCH_COLUMNS).astype({"previous_cluster_id": "str", "overlap": "float64"})


def new_id(location_ids: Sequence[int], taken: set[str]) -> str:
    """An id for a new cluster, from the first of its locations (heaviest first) whose id is not taken.

    The location in base 36 says nothing to a reader, needs no counter, and is the same on every run.
    """
    candidates = map(_id_of, location_ids)
    free = (candidate for candidate in candidates if candidate not in taken)
    numbered = (f"{_id_of(location_ids[0])}-{turn}" for turn in count(2))
    return next(free, None) or next(candidate for candidate in numbered if candidate not in taken)


def _id_of(location_id: int) -> str:
    return f"{ID_PREFIX}{np.base_repr(location_id, 36).lower()}"


def _weights(members: pd.DataFrame, decimals: int) -> pd.DataFrame:
    """The weight of each cluster at each rounded location: cluster, place, weight."""
    inside = members[members["cluster_id"].notna()]
    place = pack(inside["latitude"].to_numpy(), inside["longitude"].to_numpy(), decimals)
    weights = pd.DataFrame({"cluster": inside["cluster_id"].array, "place": place, "weight": inside["people"].array})
    return weights.groupby(["cluster", "place"])["weight"].sum().reset_index()


def _descents(current: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    """Pairs of which one descends from the other, the largest overlap first; none depends on current cluster ids."""
    shared = current.merge(previous.rename(columns={"cluster": "previous"}), on="place", suffixes=("", "_before"))
    pairs = shared.groupby(["cluster", "previous"], as_index=False)[["weight", "weight_before"]].sum()
    whole = pairs["cluster"].map(current.groupby("cluster")["weight"].sum()).astype("float64")
    before = pairs["previous"].map(previous.groupby("cluster")["weight"].sum()).astype("float64")
    pairs["first_place"] = pairs["cluster"].map(current.groupby("cluster")["place"].min())
    pairs["shared"] = pairs["weight"] + pairs["weight_before"]
    pairs["overlap"] = (pairs["shared"] / (whole + before)).clip(upper=1.0)
    pairs["part_of_previous"] = pairs["weight_before"] / before
    pairs = pairs[(pairs["weight"] >= DESCENT * whole) | (pairs["part_of_previous"] >= DESCENT)]
    order = ["overlap", "shared", "previous", "first_place"]
    return pairs.sort_values(order, ascending=[False, False, True, True], ignore_index=True)


def _heirs(descents: pd.DataFrame) -> dict[str, str]:
    """Cluster -> the previous cluster whose id it inherits."""
    heirs: dict[str, str] = {}
    inherited: set[str] = set()
    for cluster, previous in zip(descents["cluster"], descents["previous"], strict=True):
        if cluster not in heirs and previous not in inherited:
            heirs[cluster] = previous
            inherited.add(previous)
    return heirs
