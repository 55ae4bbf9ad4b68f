"""Ties: how many records two locations share.

Belongs here: co-records between locations, for the merge rule `distance_and_ties` (METHOD.md, section 2).
Does not: what clusters make of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import ibis.expr.types as ir
import pandas as pd

from gii_pipeline.counting import location
from gii_pipeline.counting.rows import is_located, rows_of
from gii_pipeline.editions import Edition


def ties(core: Mapping[str, ir.Table], edition: Edition) -> pd.DataFrame:
    """Co-records between the points of an edition: location_id_a < location_id_b, co_records; sorted by both.

    core: metric -> its core table. A co-record is a record of the windows, of any metric, with people at both points,
    and counts once however many they are. Points are rounded as in `points`.
    """
    pairs = reduce(ir.Table.union, [_pairs(rows_of(core, edition, name), edition) for name in edition.metrics])
    summed = pairs.group_by("location_id_a", "location_id_b").aggregate(co_records=pairs.co_records.sum())
    found: pd.DataFrame = summed.order_by("location_id_a", "location_id_b").to_pandas()
    return found.astype("int64")


def _pairs(rows: ir.Table, edition: Edition) -> ir.Table:
    located = rows.filter(is_located(rows))
    point = location.rounded(located.location_id, edition.location_decimals.value)
    places = located.select("record_id", location_id=point).distinct()
    a = places.select("record_id", location_id_a="location_id")
    b = places.select("record_id", location_id_b="location_id").view()
    both = a.join(b, ["record_id", a.location_id_a < b.location_id_b])
    return both.group_by("location_id_a", "location_id_b").aggregate(co_records=both.count())
