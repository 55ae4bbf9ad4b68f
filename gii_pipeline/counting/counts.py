"""Points: people, fractions and records of each metric at each rounded location of an edition's windows.

Belongs here: the counting rules (METHOD.md, sections 1 and 3), written once as Ibis expressions for every engine.
Does not: how a record is split over its people, which is stored with its rows in the core tables; clusters and shares.
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
from gii_pipeline.counting.rows import is_located, rows_of
from gii_pipeline.counting.ties import ties
from gii_pipeline.counting.units import UNITS_PER_RECORD, counted
from gii_pipeline.editions import Edition

POINTS = pa.schema(
    [
        ("edition", pa.int32()),
        ("method", pa.int32()),
        ("location_id", pa.int64()),
        ("metric", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("place", pa.string()),
        ("admin", pa.string()),
        ("economy", pa.string()),
        ("people", pa.int64()),
        ("fractions", pa.float64()),
        ("records", pa.int64()),
    ]
)


class Total(NamedTuple):
    """The world's fractional count of a metric: of the located people, and of every record that counts.

    Both to a millionth of a record.
    """

    located: float
    all_records: float


class Counted(NamedTuple):
    """All that is counted for an edition; ties only where its merge rule asks for them."""

    points: pa.Table
    totals: dict[str, Total]
    ties: pd.DataFrame | None = None


def count(core: Mapping[str, ir.Table], locations: ir.Table, edition: Edition) -> Counted:
    """An edition's points, world totals and, if it merges by ties, co-records between locations."""
    tied = ties(core, edition) if edition.merge_rule.value == "distance_and_ties" else None
    return Counted(points(core, locations, edition), totals(core, edition), tied)


def points(core: Mapping[str, ir.Table], locations: ir.Table, edition: Edition) -> pa.Table:
    """The `points` table of an edition, sorted by its key (location_id, metric).

    core: metric -> its core table, any years; locations: the core `locations`, any years; all on one connection.
    people: located person x location rows; fractions: the parts of records they stand for; records: records with at
    least one person there. Rows without a location are left out. Place, admin and economy are those of the core
    location under the point with most people in the edition's years (then the lowest location_id, then the latest
    year).
    Raises InputError if a metric of the edition has no core table.
    """
    counted = reduce(ir.Table.union, [_counts(rows_of(core, edition, name), name, edition) for name in edition.metrics])
    named = counted.left_join(_places(locations, edition), "location_id")
    table = named.select(
        edition=ibis.literal(edition.edition),
        method=ibis.literal(edition.method),
        location_id=named.location_id,
        metric=named.metric,
        latitude=location.latitude(named.location_id),
        longitude=location.longitude(named.location_id),
        place=named.place,
        admin=named.admin,
        economy=named.economy,
        people=named.people,
        fractions=named.units.cast("float64") / UNITS_PER_RECORD,
        records=named.records,
    )
    return table.order_by("location_id", "metric").to_pyarrow().cast(POINTS)


def totals(core: Mapping[str, ir.Table], edition: Edition) -> dict[str, Total]:
    """Metric -> the world's fractional counts in the edition's window, located and of all records.

    A record without people counts in `all_records` only, as one.
    """
    return {name: _total(rows_of(core, edition, name)) for name in edition.metrics}


def _counts(rows: ir.Table, metric: str, edition: Edition) -> ir.Table:
    """One group-by over the records at the locations as stored; rounding is left to its small result."""
    stored = rows.filter(is_located(rows))
    stored = stored.group_by("location_id").aggregate(
        people=stored.count(), units=_units(stored.fraction), records=stored.count(where=stored.first_at_location)
    )
    point = location.rounded(stored.location_id, edition.location_decimals.value)
    return (
        stored.mutate(location_id=point)
        .group_by("location_id")
        .aggregate(people=stored.people.sum(), units=stored.units.sum(), records=stored.records.sum())
        .mutate(metric=ibis.literal(metric))
    )


def _units(fraction: ir.FloatingColumn) -> ir.IntegerScalar:
    return (fraction * UNITS_PER_RECORD).round().cast("int64").sum()


def _places(locations: ir.Table, edition: Edition) -> ir.Table:
    """The place, admin and economy of each point."""
    windows = [metric.window.value for metric in edition.metrics.values()]
    first, last = min(w.first_year for w in windows), max(w.last_year for w in windows)
    years = locations.filter(locations.data_year.between(first, last))
    years = years.mutate(
        point=location.rounded(years.location_id, edition.location_decimals.value),
        people_here=years.people.sum().over(group_by="location_id"),
    )
    best_first = [years.people_here.desc(), years.location_id, years.data_year.desc()]
    ranked = years.mutate(place_rank=ibis.row_number().over(group_by="point", order_by=best_first))
    return ranked.filter(ranked.place_rank == 0).select("place", "admin", "economy", location_id="point")


def _total(rows: ir.Table) -> Total:
    sums = rows.group_by(located=is_located(rows)).aggregate(units=_units(rows.fraction)).to_pyarrow()
    units = {row["located"]: int(row["units"]) for row in sums.to_pylist()}
    return Total(*counted([units.get(True, 0), sum(units.values())]).tolist())
