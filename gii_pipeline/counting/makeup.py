"""What the counts of clusters are made of: data years, fields, organisations, and with whom records are made.

Belongs here: the passes over the records that these need.
Does not: names of organisations, shares and tables (see `composition`).

Organisations and fields are grouped as the text that they are in the core tables, which repeats far more than it
varies; the texts are taken apart afterwards, once each.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from gii_pipeline.counting import location
from gii_pipeline.counting.co_counts import NUMBERED, OUTSIDE
from gii_pipeline.counting.rows import is_alone, is_located, rows_of
from gii_pipeline.counting.units import UNITS_PER_RECORD
from gii_pipeline.editions import Edition

NOWHERE = -2
"""The number of people without a location."""
WITHIN, CLUSTERS, ELSEWHERE, UNLOCATED = "within", "clusters", "outside", "unlocated"
PAIR = "pair"
_COLUMNS = {
    "metric": "string",
    "made_with": "string",
    "abroad": "boolean",
    "cluster": "int32",
    "other": "int32",
    "records": "int64",
    "units": "int64",
}


class Makeup(NamedTuple):
    """Sums in units of records, by metric and by cluster as a number.

    OUTSIDE stands for all that is in no cluster, NOWHERE for people without a location.
    fields: data_year, fields (JSON or null), units. organisations: organisations (JSON or null), economy (of the
    location; "" inside clusters), units. made_with: made_with, abroad (whether its people are in several economies),
    records, units. partners: a < b, co_records.
    """

    fields: pd.DataFrame
    organisations: pd.DataFrame
    made_with: pd.DataFrame
    partners: pd.DataFrame


def makeup(core: Mapping[str, ir.Table], edition: Edition, clusters: pd.DataFrame) -> Makeup:
    """What the counts of an edition's clusters are made of.

    core: metric -> its core table; clusters: location_id (rounded as in `points`) and cluster, a number from 0.
    A record's `made_with` is CLUSTERS where it has people in several clusters, else ELSEWHERE where some are outside
    all of them, else UNLOCATED where some have no location, else WITHIN.
    """
    numbers = ibis.memtable(pa.Table.from_pandas(clusters, schema=NUMBERED, preserve_index=False))
    rows = [_numbered(rows_of(core, edition, name), numbers, name, edition) for name in edition.metrics]
    fields = reduce(ir.Table.union, [_sum(each, "data_year", "fields") for each in rows])
    organisations = reduce(ir.Table.union, [_sum(each, "economy", "organisations") for each in rows])
    # Records of one row need no grouping, which takes the most time and memory.
    single = reduce(ir.Table.union, [_of_clusters(each.filter(each.alone)) for each in rows])
    rows = [each.filter(~each.alone) for each in rows]
    records = reduce(ir.Table.union, [_records(each) for each in rows])
    parts = _parts(reduce(ir.Table.union, [_of_clusters(each) for each in rows]), records)
    # One query, so that an engine goes over the records once.
    both: pd.DataFrame = _made_with(single, records, parts).union(_pairs(parts)).to_pandas()
    is_pair = both["made_with"] == PAIR
    made_with = both[~is_pair].drop(columns="other")
    partners = both[is_pair].rename(columns={"cluster": "a", "other": "b", "records": "co_records"})
    return Makeup(
        fields.to_pandas(), organisations.to_pandas(), made_with, partners[["metric", "a", "b", "co_records"]]
    )


def _numbered(rows: ir.Table, numbers: ir.Table, metric: str, edition: Edition) -> ir.Table:
    """The rows with the number of their cluster, and their part of the record in units."""
    point = location.rounded(rows.location_id, edition.location_decimals.value)
    rows = rows.mutate(point=point, located=is_located(rows))
    found = rows.left_join(numbers, rows.point == numbers.location_id)
    cluster = ibis.coalesce(found.cluster, ibis.ifelse(found.located, OUTSIDE, NOWHERE)).cast("int32")
    return found.select(
        "record_id",
        "data_year",
        "fields",
        "organisations",
        alone=is_alone(found),
        metric=ibis.literal(metric),
        cluster=cluster,
        # Its two letters as a number: DuckDB cannot spill the least and greatest text of each record to disk.
        place_economy=256 * found.economy.substr(0, 1).ascii_str() + found.economy.substr(1, 1).ascii_str(),
        economy=ibis.ifelse(cluster == OUTSIDE, ibis.coalesce(found.economy, ""), ""),
        units=(found.fraction * UNITS_PER_RECORD).round().cast("int64"),
    )


def _sum(rows: ir.Table, *by: str) -> ir.Table:
    return rows.group_by("metric", "cluster", *by).aggregate(units=rows.units.sum())


def _records(rows: ir.Table) -> ir.Table:
    """One row per record with people in a cluster: the first and last of its clusters, who else has a part in it."""
    inside = rows.cluster >= 0
    found = rows.group_by("metric", "record_id").aggregate(
        first=rows.cluster.min(where=inside),
        last=rows.cluster.max(where=inside),
        outside=(rows.cluster == OUTSIDE).any(),
        unlocated=(rows.cluster == NOWHERE).any(),
        one_economy=rows.place_economy.min(),
        other_economy=rows.place_economy.max(),
        units=rows.units.sum(where=inside),
    )
    return found.filter(found["first"] >= 0).mutate(
        abroad=ibis.coalesce(found.one_economy != found.other_economy, ibis.literal(False)),
        made_with=ibis.cases(
            (found["first"] < found["last"], CLUSTERS),
            (found.outside, ELSEWHERE),
            (found.unlocated, UNLOCATED),
            else_=WITHIN,
        ),
    )


def _of_clusters(rows: ir.Table) -> ir.Table:
    return rows.filter(rows.cluster >= 0).select("metric", "record_id", "cluster", "units")


def _parts(rows: ir.Table, records: ir.Table) -> ir.Table:
    """One row per record and cluster, of the records that have people in several clusters."""
    several = records.filter(records.made_with == CLUSTERS).select("metric", "record_id", "abroad")
    joined = rows.inner_join(several, ["metric", "record_id"])
    return joined.group_by("metric", "record_id", "cluster").aggregate(
        units=joined.units.sum(), abroad=joined.abroad.any()
    )


def _made_with(single: ir.Table, records: ir.Table, parts: ir.Table) -> ir.Table:
    of_one = records.filter(records.made_with != CLUSTERS)
    columns = "metric", "made_with", "abroad", "cluster"
    kinds = (
        single.mutate(made_with=ibis.literal(WITHIN), abroad=ibis.literal(False)),
        of_one.mutate(cluster="first"),
        parts.mutate(made_with=ibis.literal(CLUSTERS)),
    )
    sums = [each.group_by(*columns).aggregate(records=each.count(), units=each.units.sum()) for each in kinds]
    every = reduce(ir.Table.union, [_in_columns(each.mutate(other=ibis.null("int32"))) for each in sums])
    return _in_columns(
        every.group_by(*columns, "other").aggregate(records=every.records.sum(), units=every.units.sum())
    )


def _pairs(parts: ir.Table) -> ir.Table:
    left = parts.select("metric", "record_id", cluster="cluster")
    right = parts.select("metric", "record_id", other="cluster").view()
    both = left.join(right, ["metric", "record_id", left.cluster < right.other])
    both = both.group_by("metric", "cluster", "other").aggregate(records=both.count())
    return _in_columns(
        both.mutate(made_with=ibis.literal(PAIR), abroad=ibis.literal(False), units=ibis.literal(0, "int64"))
    )


def _in_columns(table: ir.Table) -> ir.Table:
    return table.select(**{name: table[name].cast(kind) for name, kind in _COLUMNS.items()})
