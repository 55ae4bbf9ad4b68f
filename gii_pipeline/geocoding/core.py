"""Core tables out of located people: records × people × locations of a data year, its locations, and how well it went.

Belongs here: merging a person's addresses at one location, and counting what was located, was not, or was dropped.
Does not: locating (see `locate`), or what an edition counts.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gii_pipeline.geocoding.location_id import DEGREE, ROW

CORE_COLUMNS: Final = {
    "record_id": "VARCHAR",
    "data_year": "INTEGER",
    "record_type": "VARCHAR",
    "person_seq": "INTEGER",
    "location_seq": "INTEGER",
    "people": "INTEGER",
    "people_truncated": "BOOLEAN",
    "fraction": "DOUBLE",
    "first_at_location": "BOOLEAN",
    "address": "VARCHAR",
    "location_id": "BIGINT",
    "place": "VARCHAR",
    "admin": "VARCHAR",
    "economy": "VARCHAR",
    "precision": "VARCHAR",
    "geocoding": "VARCHAR",
    "organisations": "VARCHAR",
    "fields": "VARCHAR",
}
_FIRST: Final = ("address", "place", "admin", "economy", "precision", "geocoding", "organisations", "fields")
_ORGANISATIONS: Final = """
    CASE WHEN addresses = 1 THEN organisations ELSE list_transform(
        flatten(list_transform(
            CASE WHEN first_address = 1 THEN list_prepend({o: organisations, part: first_part}, later) ELSE later END,
            lambda a: list_transform(a.o, lambda o: {o: o, weight: o.weight * a.part / fraction})
        )),
        lambda each: {id: each.o.id, name: each.o.name, economy: each.o.economy, kind: each.o.kind, weight: each.weight}
    ) END
"""
"""The organisations of a person's addresses at one location, each with its part of these; an address without any is
unknown. Only addresses after a person's first are kept in lists, as most people have one."""
_PERSON: Final = "hash(record_id, person_seq) AS person"
_SAME_PERSON: Final = "rows.person = several.repeated"
_FIRST_AT: Final = "first_at_location"
BATCH_ROWS: Final = 1_048_576
_OF_ADDRESSES: Final = "coalesce(economy, 'XX') AS economy, coalesce(precision, 'none') AS precision,"
"""XX stands for an unknown economy, as in WIPO's standard ST.3."""
_SHOWN: Final = 70


def core_rows(
    con: duckdb.DuckDBPyConnection, located: duckdb.DuckDBPyRelation, data_year: int
) -> duckdb.DuckDBPyRelation:
    """The rows of a core table of one data year, in the order of the key, without `first_at_location` (`core_batches`).

    One row per record × person × location: a person's addresses at one location become one row with the sum of their
    fractions, the organisations of all and the other attributes of the first; addresses without a location stay apart.
    Dropped records are left out.
    """
    rows = located.filter(f"year = {int(data_year)} AND dropped IS NULL").select(f"*, {_PERSON}").set_alias("rows")
    people = rows.aggregate("person AS repeated, count(*) AS times", "person")
    repeated = people.filter("times > 1").select("repeated").to_arrow_table()
    has_one = f"{_made('organisations')}, 1 AS location_seq"
    made = rows.select(has_one)
    if len(repeated):
        several = con.from_arrow(repeated).set_alias("several")
        merged = _merged(rows.join(several, _SAME_PERSON, "semi")).select(
            f"{_made(_ORGANISATIONS)}, "
            "row_number() OVER (PARTITION BY record_id, person_seq ORDER BY first_address, location_id) AS location_seq"
        )
        made = merged.union(rows.join(several, _SAME_PERSON, "anti").select(has_one))
    given = {"data_year": str(int(data_year)), "fields": _as_json("fields")}
    columns = (
        f"({given.get(name, name)})::{kind} AS {name}" for name, kind in CORE_COLUMNS.items() if name != _FIRST_AT
    )
    return made.select(", ".join(columns)).order("record_id, person_seq, location_seq")


def core_batches(core: duckdb.DuckDBPyRelation) -> Iterator[pa.RecordBatch]:
    """`core_rows` as batches of a core table: with `first_at_location`, in rows that come in the order of the key."""
    reader = core.to_arrow_reader(BATCH_ROWS)
    last = reader.schema.empty_table().select(["record_id", "location_id"])
    for batch in filter(len, reader):
        # A record may have begun in the batch before.
        table = pa.concat_tables([last, pa.table(batch).select(last.column_names)]).combine_chunks()
        ids, location = table["record_id"].chunk(0), table["location_id"].fill_null(-1).to_numpy()
        begins = np.append(True, pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False))
        record = np.cumsum(begins)
        again = np.zeros(len(record), dtype=bool)
        shared = ~(begins & np.append(begins[1:], True))  # a record of one row has no other at its location
        again[shared] = pd.DataFrame({"record": record[shared], "location": location[shared]}).duplicated()
        first = pa.array(~again[len(last) :])
        yield batch.append_column(_FIRST_AT, first).select(list(CORE_COLUMNS))
        last = table.slice(np.flatnonzero(begins)[-1])


def _made(organisations: str) -> str:
    """The columns that every row brings; organisations: SQL for them as a list."""
    names = (name for name in CORE_COLUMNS if name not in {"data_year", "location_seq", "organisations", _FIRST_AT})
    return f"{', '.join(names)}, {_as_json(organisations)} AS organisations"


def _merged(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """A person's addresses at one location as one row; those without a location stay apart."""
    return rows.aggregate(
        "record_id, person_seq, location_id, min(address_seq) AS first_address, sum(fraction) AS fraction, "
        "min(record_type) AS record_type, max(people) AS people, bool_or(people_truncated) AS people_truncated, "
        "count(*) AS addresses, first(fraction ORDER BY address_seq) AS first_part, "
        "list({o: organisations, part: fraction} ORDER BY address_seq) FILTER (WHERE address_seq > 1) AS later, "
        + ", ".join(f"first({name} ORDER BY address_seq) AS {name}" for name in _FIRST),
        "record_id, person_seq, location_id, CASE WHEN location_id IS NULL THEN address_seq END",
    )


def _as_json(listed: str) -> str:
    """SQL for a list as JSON; null where it is empty."""
    return f"CASE WHEN len({listed}) > 0 THEN to_json({listed}) END"


def core_table(con: duckdb.DuckDBPyConnection, located: duckdb.DuckDBPyRelation, data_year: int) -> pa.Table:
    """The core table of one data year in memory (`core_batches` for more than fits)."""
    core = core_rows(con, located, data_year)
    types = core.limit(0).to_arrow_table().schema.append(pa.field(_FIRST_AT, pa.bool_()))
    return pa.Table.from_batches(core_batches(core), pa.schema([types.field(name) for name in CORE_COLUMNS]))


def locations(con: duckdb.DuckDBPyConnection, tables: Iterable[duckdb.DuckDBPyRelation], data_year: int) -> pa.Table:
    """The locations of one data year, from its core tables, named and located as most people there are."""
    parts = [table.filter(f"data_year = {int(data_year)} AND location_id IS NOT NULL") for table in tables]
    names = "place, admin, economy, precision, geocoding"
    rows = parts[0].select(f"location_id, {names}")
    for part in parts[1:]:
        rows = rows.union(part.select(f"location_id, {names}"))
    ways = rows.aggregate(f"location_id, {names}, count(*) AS rows", f"location_id, {names}").select(
        "*, sum(rows) OVER (PARTITION BY location_id) AS people, row_number() OVER (PARTITION BY location_id ORDER BY "
        "rows DESC, place NULLS LAST, admin NULLS LAST, economy NULLS LAST, precision, geocoding) AS nth"
    )
    del con
    return (
        ways.filter("nth = 1")
        .select(
            f"location_id, {int(data_year)}::INTEGER AS data_year, "
            f"(location_id // {ROW} - {90 * DEGREE}) / {DEGREE}::DOUBLE AS latitude, "
            f"(location_id % {ROW} - {180 * DEGREE}) / {DEGREE}::DOUBLE AS longitude, "
            "place, admin, economy, precision, geocoding AS method, people::BIGINT AS people"
        )
        .order("location_id")
        .to_arrow_table()
    )


def geocoding_quality(
    con: duckdb.DuckDBPyConnection,
    metric: str,
    located: duckdb.DuckDBPyRelation,
    data_year: int,
    core: duckdb.DuckDBPyRelation | None = None,
) -> pa.Table:
    """How much of a metric's records of a data year was located, unlocated or dropped: by outcome, economy, precision.

    core: the year's `core_rows` where they are at hand already.
    people counts core rows (person × location) and, for dropped records, the rows the reader gave. The fractions of
    located and unlocated add up to the records that count, those of dropped to the records that do not.
    """
    rows = _outcomes(metric, located, data_year, core or core_rows(con, located, data_year), _OF_ADDRESSES)
    counts = "status <> 'dropped'"
    share = f"CASE WHEN {counts} THEN 100 * fraction / sum(fraction) FILTER (WHERE {counts}) OVER () END"
    ordered = rows.select(f"*, ({share})::DOUBLE AS share_pct")
    return ordered.order("metric, status, outcome, economy, precision").to_arrow_table()


def outcomes(
    metric: str, located: duckdb.DuckDBPyRelation, data_year: int, core: duckdb.DuckDBPyRelation
) -> list[dict[str, Any]]:
    """metric, data_year, status, outcome, records, people and fraction, as `geocoding_quality` counts them."""
    rows: list[dict[str, Any]] = (
        _outcomes(metric, located, data_year, core, "").order("status, outcome").to_arrow_table().to_pylist()
    )
    return rows


def _outcomes(
    metric: str,
    located: duckdb.DuckDBPyRelation,
    data_year: int,
    core: duckdb.DuckDBPyRelation,
    by: str,
) -> duckdb.DuckDBPyRelation:
    """by: further columns to count by, or nothing."""
    names = f"status, outcome{', economy, precision' if by else ''}"
    counted = core.aggregate(
        "CASE WHEN location_id IS NULL THEN 'unlocated' ELSE 'located' END AS status, geocoding AS outcome, "
        f"{by} count(DISTINCT record_id) AS records, count(*) AS people, sum(fraction) AS fraction",
        names,
    )
    dropped = located.filter(f"year = {int(data_year)} AND dropped IS NOT NULL").aggregate(
        f"'dropped' AS status, dropped AS outcome, {by} count(DISTINCT record_id) AS records, count(*) AS people, "
        "count(DISTINCT record_id)::DOUBLE AS fraction",
        names,
    )
    return counted.union(dropped).select(
        f"'{metric}' AS metric, {int(data_year)}::INTEGER AS data_year, {names}, "
        "records::BIGINT AS records, people::BIGINT AS people, fraction::DOUBLE AS fraction"
    )


def unlocated(core: duckdb.DuckDBPyRelation) -> pa.Table:
    """The addresses of a core table that could not be located, the costliest first: for a file of overrides.

    Columns: address, economy, geocoding (why not), people (rows), records, fraction.
    """
    listed = core.filter("location_id IS NULL AND address IS NOT NULL").aggregate(
        "address, economy, geocoding, count(*) AS people, count(DISTINCT record_id) AS records, "
        "sum(fraction) AS fraction",
        "address, economy, geocoding",
    )
    return listed.order("people DESC, address, economy, geocoding").to_arrow_table()


def misses_told(table: str, data_year: int, rows: Iterable[Mapping[str, Any]]) -> str | None:
    """The first rows of `unlocated` in a line for a person; None where there are none."""
    listed = [
        f"{textwrap.shorten(str(row['address']), _SHOWN, placeholder=' …')!r} "
        f"({row['geocoding']}, {row['people']:,} people)"
        for row in rows
    ]
    return f"{table} {data_year}, most frequent addresses without a location: {'; '.join(listed)}" if listed else None
