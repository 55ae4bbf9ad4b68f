"""Identity: which cluster of this edition is which cluster of the previous one.

Belongs here: the overlap by shared weight, who inherits an id, and ids for clusters that are new.
Does not: names, which change without the cluster changing.
"""

from __future__ import annotations

import pandas as pd

DESCENT = 0.5
"""The part of either cluster's weight, at locations that both have, from which on one descends from the other."""

MATCH_COLUMNS = ["cluster_id", "previous_cluster_id", "overlap", "identity"]


def match(current_members: pd.DataFrame, previous_members: pd.DataFrame | None, *, decimals: int = 2) -> pd.DataFrame:
    """What became of every cluster since the previous edition.

    Both tables: one row a location with cluster_id (null for noise), latitude, longitude, people. Only who is together
    counts, not what the current cluster_id is. Locations are the same when they round to the same `decimals`.
    Returns one row a current cluster, by cluster_id: cluster_id, previous_cluster_id, overlap, identity.

    overlap (0..1): the part of both clusters' weight that lies at locations that both have. A cluster descends from a
    previous one when such locations hold at least half the weight of either.
    kept: each is the other's best overlap; the id is inherited. merged: kept, and at least half of another previous
    cluster, that none inherits, is in it too. split: at least half of it was in a previous cluster whose id another
    inherits. new: none of these.
    """
    ...
