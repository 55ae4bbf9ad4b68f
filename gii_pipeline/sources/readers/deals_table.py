"""A table of deals from any vendor as CSV (`deals`), read through a column map; PitchBook's columns by default.

Belongs here: the map, and finding the header below the title rows that vendors put above it.
Does not: spreadsheets. Save the sheet as CSV.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
from pydantic import Field

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import Options, day, joined, kind, people_rows


class Columns(Options):
    """The vendor's name of each column; null for one that the table does not have."""

    record_id: str = "Deal ID"
    date: str = "Deal Date"
    record_type: str | None = "Deal Type"
    city: str | None = "Company City"
    admin: str | None = "Company State/Province"
    economy: str | None = "Company Country/Territory/Region"
    latitude: str | None = None
    longitude: str | None = None


class DealsTableOptions(Options):
    """columns: the map. delimiter: between fields. date_formats: as strptime has them, the first that fits is taken."""

    columns: Columns = Columns()
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    date_formats: tuple[str, ...] = Field(default=("%Y-%m-%d", "%d-%b-%Y", "%d-%m-%Y", "%m/%d/%Y"), min_length=1)


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: DealsTableOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one a deal; `dropped` is no_date. A deal that comes twice under one id counts once."""
    given = {ours: theirs for ours, theirs in options.columns.model_dump().items() if theirs is not None}
    names = {ours: (given.get(ours, ours),) for ours in type(options.columns).model_fields}
    absent = [ours for ours in names if ours not in given]
    delimiter = options.delimiter
    deals = " UNION ALL ".join(
        reading.renamed(con, [path], names, optional=absent, delimiter=delimiter, titled=True)
        for path in reading.named(files, "deals")
    )
    known = ", ".join(f"{'NULL' if ours in absent else ours} AS {ours}" for ours in names)
    return people_rows(
        con,
        f"""(
            SELECT {known}, {day("date", *options.date_formats)} AS dated FROM ({deals}) WHERE record_id IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY dated NULLS LAST, city, admin, economy) = 1
        )""",
        record_id="record_id",
        year="year(dated)",
        record_type=kind("record_type", "deal"),
        dropped="CASE WHEN dated IS NULL THEN 'no_date' END",
        city="city",
        admin="admin",
        economy="economy",
        latitude="latitude",
        longitude="longitude",
        address=joined("city", "admin", "economy"),
    )
