"""Counts by economy and data year, and records weighted by both.

Belongs here: what coverage and calibration need of the records.
Does not: official totals, or the weights that follow from them (see `metrics.coverage`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from gii_pipeline.counting.rows import is_alone, rows_of
from gii_pipeline.counting.units import UNITS_PER_RECORD, counted
from gii_pipeline.editions import Edition

WEIGHTS = pa.schema([("economy", pa.string()), ("data_year", pa.int32()), ("weight", pa.float64())])


def by_economy(core: Mapping[str, ir.Table], edition: Edition) -> pd.DataFrame:
    """Fractional counts that the edition's windows have: metric, economy, data_year, count; sorted by the first three.

    The economy is that of the person's location; "" for people without one.
    """
    parts = [_of_metric(rows_of(core, edition, name), name) for name in edition.metrics]
    found: pd.DataFrame = reduce(ir.Table.union, parts).order_by("metric", "economy", "data_year").to_pandas()
    found["count"] = counted(found["units"])
    return found.drop(columns="units").astype({"data_year": "int32"})


def calibrated(rows: ir.Table, weights: pd.DataFrame) -> ir.Table:
    """A core table whose fractions are multiplied by the weight of their economy and data year; others stay.

    weights: economy, data_year, weight. Only counts change: people, and so the borders, are those that were seen.
    """
    given = ibis.memtable(pa.Table.from_pandas(weights, schema=WEIGHTS, preserve_index=False))
    joined = rows.left_join(given, [rows.economy == given.economy, rows.data_year == given.data_year])
    weighted = joined.fraction * ibis.coalesce(joined.weight, 1.0)
    return joined.mutate(alone=is_alone(joined), fraction=weighted).select(*dict.fromkeys([*rows.columns, "alone"]))


def _of_metric(rows: ir.Table, metric: str) -> ir.Table:
    rows = rows.mutate(economy=ibis.coalesce(rows.economy, ""))
    units = (rows.fraction * UNITS_PER_RECORD).round().cast("int64").sum()
    return rows.group_by("economy", "data_year").aggregate(units=units).mutate(metric=ibis.literal(metric))
