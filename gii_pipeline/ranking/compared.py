"""Two rankings of one edition from different sources: what a source changes.

Belongs here: which cluster of one is which of the other, and their figures side by side.
Does not: rankings of two editions; those are compared by `changes` and by releases.
"""

from __future__ import annotations

import pandas as pd

from gii_pipeline.clusters.identity import match

SIDES = ("a", "b")
PLACES = ["location_id", "cluster_id", "latitude", "longitude", "people"]


def compared(sizes: tuple[pd.DataFrame, pd.DataFrame], members: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """A row per ranked cluster of either side, the largest move first.

    sizes, members: `ranking_size` and `cluster_members` of the sides a and b. Clusters are the same that share at least
    half of the weight of either (`clusters.identity`), whatever they are called.
    Columns: name, rank_a, rank_b, moved (positive: higher in b), and per metric <metric>_a, <metric>_b, the counts.
    """
    matched = match(members[1][PLACES], members[0][PLACES])
    kept = matched[matched["identity"].isin(["kept", "merged"])]
    same = dict(zip(kept["cluster_id"], kept["previous_cluster_id"], strict=True))
    counts = [name for name in map(str, sizes[0].columns) if name.endswith("_count") and name in sizes[1]]
    keys = [sizes[0]["cluster_id"], sizes[1]["cluster_id"].map(lambda key: same.get(key, f"b:{key}"))]
    sides = [
        size[["name", "rank", *counts]].assign(key=key).rename(columns=lambda name: name.removesuffix("_count"))
        for size, key in zip(sizes, keys, strict=True)
    ]
    both = sides[0].merge(sides[1], on="key", how="outer", suffixes=[f"_{side}" for side in SIDES], validate="1:1")
    ranks = both[["rank_a", "rank_b"]].astype("Int64")
    figures = [f"{count.removesuffix('_count')}_{side}" for count in counts for side in SIDES]
    rows = pd.DataFrame(
        {
            "name": both["name_b"].fillna(both["name_a"]),
            "rank_a": ranks["rank_a"],
            "rank_b": ranks["rank_b"],
            "moved": ranks["rank_a"] - ranks["rank_b"],
        }
    ).join(both[figures])
    far = rows["moved"].abs().fillna(len(rows) + 1)
    order = rows.assign(far=far, best=rows[["rank_a", "rank_b"]].min(axis=1))
    return order.sort_values(["far", "best"], ascending=[False, True])[rows.columns].reset_index(drop=True)
