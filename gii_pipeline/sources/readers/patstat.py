"""EPO PATSTAT Global: international (PCT) applications by inventor.

Belongs here: `applications` (tls201), `links` (tls207), `persons` (tls206), and when there are `publications` (tls211)
for the date of publication, `originals` (tls226) for addresses in parts, and `technology` (tls230) or `ipc` (tls209)
for technical fields.
Does not: national and regional applications, which are only counted. The tables are separated by commas, or by
semicolons as PATSTAT Online exports them, plain, gzipped or zipped, in any number of parts; a value that is missing is
'', 0, 9999 or 9999-12-31.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

from gii_pipeline.sources.readers import dates, delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.organisations import organisation, shared
from gii_pipeline.sources.readers.rows import NoOptions, joined, people_rows
from gii_pipeline.sources.readers.technology import fields_by_number, fields_by_symbol

_COLUMNS: Final = {
    "applications": ["appln_id", "appln_kind", "earliest_publn_year"],
    "links": ["person_id", "appln_id", "invt_seq_nr"],
    "persons": ["person_id", "person_ctry_code"],
    "publications": ["appln_id", "publn_auth", "publn_date"],
    "originals": ["person_orig_id", "person_id"],
    "technology": ["appln_id", "techn_field_nr"],
    "ipc": ["appln_id", "ipc_class_symbol"],
}
_OPTIONAL: Final = {
    "applications": ["appln_auth", "nb_inventors"],
    "links": ["applt_seq_nr"],
    "persons": ["person_address", "person_name", "doc_std_name", "psn_id", "psn_name", "psn_sector"],
    "originals": ["address_freeform", "street", "city", "zip_code", "state"],
    "technology": ["weight"],
}
_IDS: Final = ("appln_id", "person_id", "person_orig_id")
_INTERNATIONAL: Final = "coalesce(trim(appln_kind) = 'W' OR appln_auth = 'WO', false)"
_ADDRESS: Final = ("freeform", "street", "city", "postal", "state")


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor; the year is that of the first WO publication, else the earliest of any.

    people_truncated: the application has more inventors than are linked to it. Applications that are not international
    are one row without an id, which says how many they are.
    """
    del options
    applications, links, persons = (_table(con, files, role) for role in ("applications", "links", "persons"))
    international = f"""SELECT appln_id, earliest_publn_year, nb_inventors, count(*) AS source_rows
        FROM ({applications}) WHERE {_INTERNATIONAL} GROUP BY ALL"""
    pct = delimited.once(international, ["appln_id"], files["applications"])
    linked = f"SELECT persons.* FROM ({persons}) persons SEMI JOIN linked USING (person_id)"
    known = delimited.once(linked, ["person_id"], files["persons"])
    source = f"""(
        WITH pct AS (
            SELECT a.appln_id, coalesce(published, nullif(try_cast(earliest_publn_year AS INTEGER), 9999)) AS published,
                try_cast(nb_inventors AS INTEGER) AS inventors, source_rows,
                CASE WHEN a.appln_id IS NULL THEN 'no_id' END AS refused
            FROM {pct} a LEFT JOIN ({_publications(con, files)}) USING (appln_id)
            UNION ALL
            SELECT NULL, NULL, NULL, count(*), 'not_international'
            FROM ({applications}) WHERE NOT {_INTERNATIONAL} HAVING count(*) > 0
        ), linked AS MATERIALIZED (
            SELECT DISTINCT links.* FROM ({links}) links SEMI JOIN pct USING (appln_id)
        ), known AS MATERIALIZED (FROM {known}), listed AS (
            SELECT p.*, l.person_id, count(l.person_id) OVER record AS listed,
                row_number() OVER (record ORDER BY l.invt_seq_nr, l.person_id) AS person_seq
            FROM pct p LEFT JOIN (
                SELECT appln_id, person_id, try_cast(invt_seq_nr AS INTEGER) AS invt_seq_nr FROM linked
                WHERE try_cast(invt_seq_nr AS INTEGER) > 0
            ) l USING (appln_id) WINDOW record AS (PARTITION BY appln_id, refused)
        )
        SELECT listed.*, {joined("trim(person_address)", "freeform", "street", "postal", "state")} AS printed,
            city, state, postal, trim(person_ctry_code) AS economy, organisations, fields
        FROM listed LEFT JOIN known USING (person_id) LEFT JOIN ({_originals(con, files)}) USING (person_id)
            LEFT JOIN ({_organisations()}) USING (appln_id)
            LEFT JOIN ({_fields(con, files)}) USING (appln_id)
    )"""
    return people_rows(
        con,
        source,
        record_id="appln_id",
        year="published",
        record_type="'pct'",
        dropped="coalesce(refused, CASE WHEN published IS NULL OR published < 1900 THEN 'no_date' END)",
        person_seq="CASE WHEN listed = 0 THEN 0 ELSE person_seq END",
        people="greatest(listed, coalesce(inventors, 0))",
        people_truncated="coalesce(inventors > listed, false)",
        fraction="1 / greatest(listed, 1)",
        city="city",
        admin="state",
        economy="economy",
        address=joined("printed", "economy"),
        postcode="postal",
        source_rows="CASE WHEN person_seq = 1 THEN source_rows ELSE 0 END",
        organisations="organisations",
        fields="fields",
    )


def _table(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], role: str) -> str:
    return delimited.table(con, reading.named(files, role), _COLUMNS[role], optional=_OPTIONAL.get(role, ()), ids=_IDS)


def _publications(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
    """SQL for appln_id and the year of its first WO publication; without the table, for no row."""
    if not (paths := reading.named(files, "publications", optional=True)):
        return "SELECT NULL::VARCHAR AS appln_id, NULL::INTEGER AS published WHERE false"
    publications = f"(FROM ({_table(con, files, 'publications')}) WHERE publn_auth = 'WO')"
    formats = dates.formats_saved_again(con, publications, "publn_date", paths)
    dated = f"nullif(year({dates.date('publn_date', formats)}), 9999)"
    return f"SELECT appln_id, min({dated})::INTEGER AS published FROM {publications} GROUP BY appln_id"


def _originals(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
    """SQL for the fullest of the original addresses of each person; without the table, for no row."""
    if not reading.named(files, "originals", optional=True):
        nothing = ", ".join(f"NULL::VARCHAR AS {column}" for column in _ADDRESS)
        return f"SELECT NULL::VARCHAR AS person_id, {nothing} WHERE false"
    given = ("address_freeform", "street", "city", "zip_code", "state")
    known = ", ".join(f"trim({theirs}) AS {ours}" for theirs, ours in zip(given, _ADDRESS, strict=True))
    return (
        f"SELECT person_id, {known} FROM ({_table(con, files, 'originals')}) QUALIFY row_number() OVER (PARTITION BY "
        "person_id ORDER BY city IS NULL, freeform IS NULL, try_cast(person_orig_id AS BIGINT), person_orig_id) = 1"
    )


def _organisations() -> str:
    """SQL, out of `linked` and `known`, for appln_id and all its applicants; of most, PATSTAT knows the sector."""
    sector = "upper(psn_sector)"
    known = f"""CASE WHEN inventor OR {sector} LIKE '%INDIVIDUAL%' THEN false
        WHEN regexp_matches({sector}, 'COMPANY|UNIVERSITY|GOV|HOSPITAL') THEN true END"""
    name = "coalesce(psn_name, doc_std_name, person_name)"
    one = organisation(name, "economy", own_id="'psn:' || psn_id", known=known)
    applicants = f"""(
        SELECT l.appln_id, {one} AS organisation, try_cast(applt_seq_nr AS INTEGER) AS nth, person_id
        FROM (SELECT *, coalesce(try_cast(invt_seq_nr AS INTEGER) > 0, false) AS inventor FROM linked) l
            LEFT JOIN (SELECT *, trim(person_ctry_code) AS economy FROM known) USING (person_id)
        WHERE try_cast(applt_seq_nr AS INTEGER) > 0
    )"""
    listed = (
        f"(SELECT appln_id, list(organisation ORDER BY nth, person_id) AS listed FROM {applicants} GROUP BY appln_id)"
    )
    return f"SELECT appln_id, {shared('listed')} AS organisations FROM {listed}"


def _fields(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
    """SQL for appln_id and its technical fields: ready made, else from its IPC symbols; without a table, for no row."""
    if reading.named(files, "technology", optional=True):
        numbers = f"""(
            SELECT appln_id, try_cast(techn_field_nr AS INTEGER) AS number,
                coalesce(try_cast(replace(weight, ',', '.') AS DOUBLE), 1) AS weight
            FROM ({_table(con, files, "technology")})
        )"""
        return f"SELECT * FROM {fields_by_number(numbers, 'appln_id')}"
    if reading.named(files, "ipc", optional=True):
        symbols = f"(SELECT appln_id, ipc_class_symbol AS symbol FROM ({_table(con, files, 'ipc')}))"
        return f"SELECT * FROM {fields_by_symbol(symbols, 'appln_id')}"
    return "SELECT NULL::VARCHAR AS appln_id, NULL AS fields WHERE false"
