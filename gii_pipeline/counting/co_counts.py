"""Co-counts: how the parts of single records fall on clusters together, for the bootstrap of complete records.

Belongs here: the one pass over the records that resampling needs.
Does not: drawing, scores and ranks (see `ranking.stability`).

If every record is drawn w times, w from Poisson(1), the count of a cluster varies by the sum of the squares of what its
records give it, and two clusters vary together by the sum of the products. These sums are all that a thousand
replicates need, so that records are read once. Parts are rounded to 1/262,144 of a record here, and only here: sums of
products are then whole numbers, the same on every engine and in any order of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from gii_pipeline.counting import location
from gii_pipeline.counting.rows import is_alone, is_located, rows_of
from gii_pipeline.counting.units import UNITS_PER_RECORD
from gii_pipeline.editions import Edition

OUTSIDE = -1
"""The number of everything that is in no cluster."""

STEPS = 2**18
NUMBERED = pa.schema([("location_id", pa.int64()), ("cluster", pa.int32())])


def co_counts(core: Mapping[str, ir.Table], edition: Edition, clusters: pd.DataFrame) -> pd.DataFrame:
    """Sums over records of the products of their parts: metric, a, b (a <= b), co_count; sorted by the first three.

    core: metric -> its core table; clusters: location_id (rounded as in `points`) and cluster, a number from 0.
    A record's parts are added up by cluster first; OUTSIDE is the part in no cluster, and holds the people without a
    location where shares are taken of all records. a == b gives the sum of squares, the variance of a cluster's count.
    """
    numbers = ibis.memtable(pa.Table.from_pandas(clusters, schema=NUMBERED, preserve_index=False))
    sums = [_of_metric(rows_of(core, edition, name), numbers, name, edition) for name in edition.metrics]
    found: pd.DataFrame = reduce(ir.Table.union, sums).order_by("metric", "a", "b").to_pandas()
    found["co_count"] = found["steps"] / STEPS**2
    return found.drop(columns="steps").astype({"a": "int64", "b": "int64"})


def numbered(members: pd.DataFrame, clusters: pd.Index) -> pd.DataFrame:
    """location_id, cluster: the position among the clusters, for every location in one of them."""
    cluster = members["cluster_id"].map(pd.Series(np.arange(len(clusters)), index=clusters))
    found = members[["location_id"]].assign(cluster=cluster).dropna()
    return found.astype({"location_id": "int64", "cluster": "int64"}).reset_index(drop=True)


def _of_metric(rows: ir.Table, numbers: ir.Table, metric: str, edition: Edition) -> ir.Table:
    if edition.share_base.value == "located":
        rows = rows.filter(is_located(rows))
    point = location.rounded(rows.location_id, edition.location_decimals.value)
    rows = rows.select("record_id", "fraction", point=point, alone=is_alone(rows))
    found = rows.left_join(numbers, rows.point == numbers.location_id)
    part = found.select(
        "record_id",
        "alone",
        cluster=ibis.coalesce(found.cluster, OUTSIDE),
        units=(found.fraction * UNITS_PER_RECORD).round().cast("int64"),
    )
    # A record of one row needs no grouping, which takes the most time and memory.
    several = part.filter(~part.alone)
    parts = _in_steps(several.group_by("record_id", "cluster").aggregate(units=several.units.sum()))
    every = _in_steps(part.filter(part.alone).drop("alone")).union(parts)
    alone = every.group_by(a=every.cluster, b=every.cluster).aggregate(steps=(every.steps * every.steps).sum())
    spread = parts.group_by("record_id").having(parts.count() > 1).aggregate(clusters=parts.count())
    left = parts.semi_join(spread, "record_id").select("record_id", a="cluster", steps_a="steps")
    right = parts.select("record_id", b="cluster", steps_b="steps").view()
    both = left.join(right, ["record_id", left.a < right.b])
    together = both.group_by("a", "b").aggregate(steps=(both.steps_a * both.steps_b).sum())
    columns = {"a": "int32", "b": "int32", "steps": "int64"}
    return alone.cast(columns).union(together.cast(columns)).mutate(metric=ibis.literal(metric))


def _in_steps(parts: ir.Table) -> ir.Table:
    steps = (parts.units * (STEPS / UNITS_PER_RECORD)).round().cast("int64")
    return parts.select("record_id", "cluster", steps=steps)
