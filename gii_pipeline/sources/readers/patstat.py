"""EPO PATSTAT Global: international (PCT) applications by inventor.

Belongs here: `applications` (tls201), `links` (tls207), `persons` (tls206), and when there are `publications` (tls211)
for the date of publication and `originals` (tls226) for addresses in parts.
Does not: national and regional applications. The tables are comma-separated, plain, gzipped or zipped, in any number of
parts; a value that is missing is '', 0, 9999 or 9999-12-31.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import NoOptions, day, joined, people_rows

_COLUMNS = {
    "applications": ["appln_id", "appln_auth", "appln_kind", "earliest_publn_year", "nb_inventors"],
    "links": ["person_id", "appln_id", "invt_seq_nr"],
    "persons": ["person_id", "person_address", "person_ctry_code"],
    "publications": ["appln_id", "publn_auth", "publn_date"],
    "originals": ["person_orig_id", "person_id", "address_freeform", "street", "city", "zip_code", "state"],
}
_INTERNATIONAL = "(trim(appln_kind) = 'W' OR appln_auth = 'WO')"


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor; the year is that of the first WO publication, else the earliest of any.

    people_truncated: the application has more inventors than are linked to it.
    """
    del options
    applications, links, persons = (_table(con, files, role) for role in ("applications", "links", "persons"))
    source = f"""(
        WITH pct AS (
            SELECT a.appln_id, coalesce(published, nullif(try_cast(earliest_publn_year AS INTEGER), 9999)) AS published,
                try_cast(nb_inventors AS INTEGER) AS inventors
            FROM ({applications}) a LEFT JOIN ({_publications(con, files)}) USING (appln_id) WHERE {_INTERNATIONAL}
        ), listed AS (
            SELECT p.*, l.person_id, count(l.person_id) OVER record AS listed,
                row_number() OVER (record ORDER BY l.invt_seq_nr, l.person_id) AS person_seq
            FROM pct p LEFT JOIN (
                SELECT appln_id, person_id, invt_seq_nr::INTEGER AS invt_seq_nr FROM ({links})
                WHERE invt_seq_nr::INTEGER > 0
            ) l USING (appln_id) WINDOW record AS (PARTITION BY appln_id)
        )
        SELECT listed.*, {joined("trim(person_address)", "freeform", "street", "postal", "trim(state)")} AS printed,
            nullif(trim(city), '') AS city, nullif(trim(state), '') AS state,
            nullif(trim(person_ctry_code), '') AS economy
        FROM listed LEFT JOIN ({persons}) USING (person_id) LEFT JOIN ({_originals(con, files)}) USING (person_id)
    )"""
    return people_rows(
        con,
        source,
        record_id="appln_id",
        year="published",
        record_type="'pct'",
        dropped="CASE WHEN published IS NULL OR published < 1900 THEN 'no_date' END",
        person_seq="CASE WHEN listed = 0 THEN 0 ELSE person_seq END",
        people="greatest(listed, inventors)",
        people_truncated="inventors > listed",
        fraction="1 / greatest(listed, 1)",
        city="city",
        admin="state",
        economy="economy",
        address=joined("printed", "economy"),
    )


def _table(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], role: str) -> str:
    return reading.table(con, reading.named(files, role), _COLUMNS[role])


def _publications(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
    """SQL for appln_id and the year of its first WO publication; without the table, for no row."""
    if not reading.named(files, "publications", optional=True):
        return "SELECT NULL::VARCHAR AS appln_id, NULL::INTEGER AS published WHERE false"
    dated = f"nullif(year({day('publn_date')}), 9999)"
    return (
        f"SELECT appln_id, min({dated})::INTEGER AS published FROM ({_table(con, files, 'publications')}) "
        "WHERE publn_auth = 'WO' GROUP BY appln_id"
    )


def _originals(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
    """SQL for the fullest of the original addresses of each person; without the table, for no row."""
    columns = ("freeform", "street", "city", "postal", "state")
    if not reading.named(files, "originals", optional=True):
        return (
            "SELECT NULL::VARCHAR AS person_id, " + ", ".join(f"NULL::VARCHAR AS {c}" for c in columns) + " WHERE false"
        )
    given = ("address_freeform", "street", "city", "zip_code", "state")
    known = ", ".join(f"nullif(trim({theirs}), '') AS {ours}" for theirs, ours in zip(given, columns, strict=True))
    return (
        f"SELECT person_id, {known} FROM ({_table(con, files, 'originals')}) QUALIFY row_number() OVER (PARTITION BY "
        "person_id ORDER BY city IS NULL, freeform IS NULL, person_orig_id) = 1"
    )
