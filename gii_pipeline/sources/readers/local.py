"""Local files that already are PEOPLE rows: Parquet or CSV, for anything that has no reader of its own.

Belongs here: checking the columns, and filling those that a user may leave out.
Does not: mapping other columns to these (see `deals_table` for deals).

Only record_id and either year or nothing else are required: people, person_seq and fraction are computed when they are
left out (every row of a record then gets an equal part).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import PEOPLE_COLUMNS, NoOptions, joined, people_rows

_REQUIRED = ("record_id", "year")


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows of the role `people`; a record without a year is dropped as no_date."""
    del options
    optional = [name for name in PEOPLE_COLUMNS if name not in _REQUIRED]
    rows = reading.table(con, reading.named(files, "people"), _REQUIRED, optional=optional)
    computed = f"""(
        SELECT *, count(*) OVER record AS row_count, row_number() OVER record AS row_seq,
            max(fraction::DOUBLE) OVER record AS given FROM ({rows})
        WINDOW record AS (PARTITION BY record_id)
    )"""
    return people_rows(
        con,
        computed,
        **{name: name for name in PEOPLE_COLUMNS}
        | {
            "record_type": "coalesce(record_type, 'record')",
            "dropped": "coalesce(dropped, CASE WHEN year IS NULL THEN 'no_date' END)",
            "person_seq": "coalesce(person_seq::INTEGER, row_seq)",
            "address_seq": "coalesce(address_seq::INTEGER, 1)",
            "people": "coalesce(people::INTEGER, row_count)",
            "people_truncated": "coalesce(people_truncated::BOOLEAN, false)",
            "fraction": "CASE WHEN given IS NULL THEN 1 / row_count ELSE fraction::DOUBLE END",
            "address": f"coalesce(address, {joined('city', 'admin', 'economy')})",
        },
    )
