"""PatentsView inventors in one flat table, as collected from its search API: `inventors`, one row per inventor.

Belongs here: granted US patents with the disambiguated city of each inventor.
Does not: dates. The table has none, so the profile says which year its patents stand for (`undated_year`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
from pydantic import Field

from gii_pipeline.sources.readers import delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import Options, joined, people_rows

_COLUMNS = ["patent_id", "inventor_sequence", "city", "state", "country"]


class PatentsviewFlatOptions(Options):
    """undated_year: the data year that every patent is counted in; without it all are dropped as no_date."""

    undated_year: int | None = Field(default=None, ge=1900, le=2100)


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: PatentsviewFlatOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor, each with an equal part of the patent."""
    inventors = delimited.table(con, reading.named(files, "inventors"), _COLUMNS, ids=["patent_id"])
    year = "NULL" if options.undated_year is None else str(options.undated_year)
    return people_rows(
        con,
        f"""(SELECT *, count(*) OVER patent AS inventors, row_number() OVER (patent ORDER BY
            try_cast(inventor_sequence AS INTEGER), city, state, country) AS nth
            FROM ({inventors}) WINDOW patent AS (PARTITION BY patent_id))""",
        record_id="patent_id",
        year=year,
        record_type="'grant'",
        dropped=f"CASE WHEN patent_id IS NULL THEN 'no_id' WHEN {year} IS NULL THEN 'no_date' END",
        person_seq="nth",
        people="inventors",
        fraction="1 / inventors",
        city="city",
        admin="state",
        economy="country",
        address=joined("city", "state", "country"),
        source_rows="CASE WHEN patent_id IS NULL THEN 1 WHEN nth = 1 THEN inventors ELSE 0 END",
    )
