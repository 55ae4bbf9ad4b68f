"""PatentsView's bulk tables: PCT applications that led to a US patent, by disambiguated inventor and location.

Belongs here: `pct` (g_pct_data), `inventors` (g_inventor_disambiguated) and `locations` (g_location_disambiguated).
Does not: PCT applications without a US patent, which these tables do not have.

A record is a PCT publication; where several US patents name it, the inventors are those of the first patent.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import NoOptions, day, joined, people_rows

_COLUMNS = {
    "pct": ["patent_id", "published_or_filed_date", "pct_doc_number", "pct_doc_type"],
    "inventors": ["patent_id", "inventor_sequence", "inventor_id", "location_id"],
    "locations": ["location_id", "disambig_city", "disambig_state", "disambig_country", "latitude", "longitude"],
}


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor; `dropped` is not_published (only an application's filing is known) or no_date."""
    del options
    pct, inventors, locations = (
        reading.table(con, reading.named(files, role), columns, delimiter="\t") for role, columns in _COLUMNS.items()
    )
    published = "bool_or(pct_doc_type = 'wo_grant')"
    return people_rows(
        con,
        f"""(
            WITH publications AS (
                SELECT pct_doc_number, min(patent_id) AS patent_id, {published} AS published,
                    min({day("published_or_filed_date")}) FILTER (WHERE pct_doc_type = 'wo_grant') AS published_on,
                    min({day("published_or_filed_date")}) AS dated_on
                FROM ({pct}) WHERE pct_doc_number IS NOT NULL GROUP BY pct_doc_number
            ), listed AS (
                SELECT p.*, i.inventor_id, i.location_id, row_number() OVER (
                    PARTITION BY p.pct_doc_number ORDER BY i.inventor_sequence::INTEGER, i.inventor_id
                ) AS person_seq, count(i.patent_id) OVER (PARTITION BY p.pct_doc_number) AS people
                FROM publications p LEFT JOIN ({inventors}) i USING (patent_id)
            )
            SELECT listed.*, l.* EXCLUDE (location_id) FROM listed LEFT JOIN ({locations}) l USING (location_id)
        )""",
        record_id="pct_doc_number",
        year="year(coalesce(published_on, dated_on))",
        record_type="'pct'",
        dropped="CASE WHEN NOT published THEN 'not_published' WHEN published_on IS NULL THEN 'no_date' END",
        person_seq="CASE WHEN people = 0 THEN 0 ELSE person_seq END",
        people="people",
        fraction="1 / greatest(people, 1)",
        city="disambig_city",
        admin="disambig_state",
        economy="disambig_country",
        latitude="latitude",
        longitude="longitude",
        address=joined("disambig_city", "disambig_state", "disambig_country"),
    )
