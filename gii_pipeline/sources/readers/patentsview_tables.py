"""PatentsView's bulk tables: PCT applications that entered the US, by disambiguated inventor and location.

Belongs here: the tables of granted patents, `pct` (g_pct_data), `inventors` and `locations`, and those of published
applications (`pregrant_…`: pg_pct_data and so on), which appear years before the grant; `crosswalk`
(pg_granted_pgpubs_crosswalk) says which application became which patent. With `assignees` and `technology` also the
organisations and technical fields.
Does not: PCT applications that never entered the US, which these tables do not have.

A record is a PCT publication, once: where several documents name it, the inventors are those of the first patent, and
of the first application where none is granted. Documents are in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from gii_pipeline.sources.readers import dates, delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.organisations import organisation, shared
from gii_pipeline.sources.readers.rows import NoOptions, joined, people_rows
from gii_pipeline.sources.readers.technology import fields_by_number

_COLUMNS: Final = {
    "pct": ["published_or_filed_date", "pct_doc_number", "pct_doc_type"],
    "inventors": ["inventor_sequence", "inventor_id", "location_id"],
    "assignees": ["assignee_sequence", "assignee_id", "disambig_assignee_organization", "location_id"],
    "technology": ["wipo_field_id"],
}
_PLACES: Final = ["location_id", "disambig_city", "disambig_state", "disambig_country", "latitude", "longitude"]
_IDS: Final = ("document", "location_id", "inventor_id", "assignee_id", "pct_doc_number")
_NOTHING: Final = "NULL::VARCHAR AS document"
Files = Mapping[str, list[Path]]


@dataclass(frozen=True)
class _Tables:
    """The tables of one kind of documents: of patents, or of published applications."""

    con: duckdb.DuckDBPyConnection
    files: Files
    prefix: str
    document: str

    def table(self, role: str) -> str:
        """SQL for a table, its number of the document as `document`; for no row where the profile gives none."""
        paths = reading.named(self.files, f"{self.prefix}{role}", optional=True)
        columns = _COLUMNS[role]
        if not paths:
            nothing = ", ".join(f"NULL::VARCHAR AS {column}" for column in columns)
            return f"(SELECT {_NOTHING}, {nothing} WHERE false)"
        names = {"document": (self.document,), **{column: (column,) for column in columns}}
        return f"({delimited.renamed(self.con, paths, names, ids=_IDS)})"

    def places(self) -> str:
        """SQL for the locations."""
        paths = reading.named(self.files, f"{self.prefix}locations", optional=True)
        if not paths:
            return f"(SELECT {', '.join(f'NULL::VARCHAR AS {column}' for column in _PLACES)} WHERE false)"
        return f"({delimited.table(self.con, paths, _PLACES, ids=_IDS)})"


def people(con: duckdb.DuckDBPyConnection, files: Files, options: NoOptions) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor; `dropped` is no_id, not_published (only its filing is known) or no_date.

    A record that is not published is one row.
    """
    del options
    for role in ("pct", "inventors", "locations"):
        reading.named(files, role)
    year = "year(coalesce(published_on, dated_on))"
    return people_rows(
        con,
        _listed(con, files),
        record_id="number",
        year=year,
        record_type="'pct'",
        dropped="""CASE WHEN number IS NULL THEN 'no_id' WHEN NOT published THEN 'not_published'
            WHEN published_on IS NULL THEN 'no_date' END""",
        person_seq="CASE WHEN people = 0 THEN 0 ELSE person_seq END",
        people="people",
        fraction="1 / greatest(people, 1)",
        city="disambig_city",
        admin="disambig_state",
        economy="disambig_country",
        latitude="replace(latitude, ',', '.')",
        longitude="replace(longitude, ',', '.')",
        address=joined("disambig_city", "disambig_state", "disambig_country"),
        year_text=f"CASE WHEN {year} IS NULL THEN printed END",
        source_rows="CASE WHEN person_seq = 1 THEN source_rows ELSE 0 END",
        organisations="organisations",
        fields="fields",
    )


def _listed(con: duckdb.DuckDBPyConnection, files: Files) -> str:
    """SQL for the inventors of every PCT publication, from the grant where there is one, else from its application."""
    kinds = (_Tables(con, files, "", "patent_id"), _Tables(con, files, "pregrant_", "pgpub_id"))
    granted, pregrant = kinds
    printed = _printed(kinds)

    def both(role: str) -> str:
        return " UNION ALL ".join(
            f"SELECT *, {rank} AS rank FROM {kind.table(role)}" for rank, kind in enumerate(kinds)
        )

    located = [path for kind in kinds for path in files.get(f"{kind.prefix}locations", [])]
    places = " UNION ALL ".join(f"SELECT *, {rank} AS rank FROM {kind.places()}" for rank, kind in enumerate(kinds))
    return f"""(
        WITH pct AS (
            SELECT g.*, pct_doc_number AS number, 0 AS rank FROM {granted.table("pct")} g
            UNION ALL
            SELECT p.*, coalesce(CASE WHEN p.pct_doc_type = 'wo_grant' THEN c.number END, p.pct_doc_number), 1
            FROM {pregrant.table("pct")} p LEFT JOIN {_granted_number(con, files, granted)} c ON c.pgpub_id = p.document
        ), publications AS (
            SELECT {_key("number")} AS key, min(number) AS number,
                first(rank ORDER BY rank, {_in_order("document")}) AS rank,
                first(document ORDER BY rank, {_in_order("document")}) AS document,
                coalesce(bool_or(pct_doc_type = 'wo_grant'), false) AS published,
                min({printed}) FILTER (WHERE pct_doc_type = 'wo_grant') AS published_on,
                min({printed}) AS dated_on,
                min(published_or_filed_date) AS printed, count(*) AS source_rows
            FROM pct GROUP BY key
        ), listed AS (
            SELECT p.*, i.location_id, row_number() OVER (
                PARTITION BY p.key ORDER BY try_cast(i.inventor_sequence AS INTEGER), i.inventor_id
            ) AS person_seq, count(i.document) OVER (PARTITION BY p.key) AS people
            FROM publications p LEFT JOIN (SELECT DISTINCT * FROM ({both("inventors")})) i
                ON i.document = p.document AND i.rank = p.rank AND p.published AND p.key IS NOT NULL
        ), places AS (FROM {delimited.once(places, ["location_id", "rank"], located)})
        SELECT listed.*, l.* EXCLUDE (location_id, rank), organisations, fields
        FROM listed LEFT JOIN places l ON l.location_id = listed.location_id AND l.rank = listed.rank
            LEFT JOIN {_organisations(both("assignees"))} o
                ON o.document = listed.document AND o.rank = listed.rank AND people > 0
            LEFT JOIN {_fields(both("technology"))} f
                ON f.document = listed.document AND f.rank = listed.rank AND people > 0
    )"""


def _printed(kinds: tuple[_Tables, _Tables]) -> str:
    """SQL for the date that a table of PCT data prints, in its own form or in that of a program that saved it again."""
    formats = [
        form
        for kind in kinds
        for paths in [reading.named(kind.files, f"{kind.prefix}pct", optional=True)]
        if paths
        for form in dates.formats_saved_again(kind.con, kind.table("pct"), "published_or_filed_date", paths)
    ]
    return dates.date("published_or_filed_date", formats)


def _granted_number(con: duckdb.DuckDBPyConnection, files: Files, granted: _Tables) -> str:
    """SQL for pgpub_id and the number under which its patent names the PCT publication, so that both are one record."""
    paths = reading.named(files, "crosswalk", optional=True)
    if not paths:
        return "(SELECT NULL::VARCHAR AS pgpub_id, NULL::VARCHAR AS number WHERE false)"
    crosswalk = delimited.table(con, paths, ["pgpub_id", "patent_id"], ids=["pgpub_id", "patent_id"])
    return f"""(
        SELECT pgpub_id, min(pct_doc_number) AS number FROM ({crosswalk}) c JOIN {granted.table("pct")} g
            ON g.document = c.patent_id AND g.pct_doc_type = 'wo_grant' GROUP BY pgpub_id
    )"""


def _key(number: str) -> str:
    """SQL for the number of a publication in whatever spelling: WO2019/000001, WO 2019/001, WO19/00001."""
    parts = f"regexp_extract(upper({number}), '^WO *([0-9]{{2,4}}) */ *0*([0-9]+)', ['year', 'number'])"
    year = f"CASE length({parts}.year) WHEN 2 THEN CASE WHEN {parts}.year >= '78' THEN '19' ELSE '20' END ELSE '' END"
    return (
        f"CASE WHEN {parts}.number <> '' THEN {year} || {parts}.year || '/' || {parts}.number ELSE upper({number}) END"
    )


def _in_order(document: str) -> str:
    """SQL to order documents by: 9000001 before 10000001, and kinds with letters (D, PP, RE) behind."""
    letters, digits = f"regexp_extract({document}, '^[A-Za-z]*')", f"regexp_extract({document}, '[0-9]+$')"
    return f"{letters}, try_cast({digits} AS BIGINT), {document}"


def _organisations(assignees: str) -> str:
    """SQL for document, rank and its assignees; one without an organisation's name is an individual."""
    name = "disambig_assignee_organization"
    one = f"""CASE WHEN {name} IS NULL THEN {{id: NULL, name: NULL, economy: country, kind: 'individual'}}
        ELSE {organisation(name, "country", own_id="assignee_id", known="true")} END"""
    return f"""(
        SELECT document, rank, {shared("listed")} AS organisations FROM (
            SELECT document, a.rank, list({one} ORDER BY try_cast(assignee_sequence AS INTEGER), assignee_id) AS listed
            FROM (SELECT DISTINCT * FROM ({assignees})) a LEFT JOIN (
                SELECT location_id, rank, any_value(disambig_country) AS country FROM places GROUP BY ALL
            ) l ON l.location_id = a.location_id AND l.rank = a.rank
            GROUP BY document, a.rank
        )
    )"""


def _fields(technology: str) -> str:
    """SQL for document, rank and its technical fields."""
    numbers = f"""(
        SELECT DISTINCT document, rank, try_cast(wipo_field_id AS INTEGER) AS number, 1 AS weight FROM ({technology})
    )"""
    return fields_by_number(numbers, "document, rank")
