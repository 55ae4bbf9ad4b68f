"""OpenAlex works, as JSON lines, Parquet (the snapshot's parts) or pages of the API, one work a record.

Belongs here: the nested authorships unfolded into person × affiliation, and which works stand in for the original
research of the Science Citation Index (settings of the profile, METHOD.md section 1).
Does not: where an institution lies (see `ror`, `openalex_institutions`).

A list of authors is cut at 100 in lists and in the snapshot: `people_truncated` says so. A work without authorships is
one row with person_seq 0; an author with several affiliations splits their part equally; an author without one keeps
it, with the address as printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers import openalex
from gii_pipeline.sources.readers.rows import Options, people_rows

AUTHORS_LISTED_AT_MOST = 100

COLUMNS: dict[str, str] = {
    "id": "VARCHAR",
    "publication_year": "INTEGER",
    "type": "VARCHAR",
    "is_retracted": "BOOLEAN",
    "is_xpac": "BOOLEAN",
    "is_authors_truncated": "BOOLEAN",
    "updated_date": "VARCHAR",
    "primary_location": "STRUCT(source STRUCT(is_core BOOLEAN))",
    "primary_topic": "STRUCT(domain STRUCT(display_name VARCHAR))",
    "authorships": (
        "STRUCT(institutions STRUCT(id VARCHAR, ror VARCHAR, country_code VARCHAR, display_name VARCHAR)[], "
        "countries VARCHAR[], raw_affiliation_strings VARCHAR[])[]"
    ),
}
_PARQUET: dict[str, str] = {
    "primary_location": "{'source': {'is_core': primary_location.source.is_core}}",
    "primary_topic": "{'domain': {'display_name': primary_topic.domain.display_name}}",
    "authorships": (
        "list_transform(authorships, lambda a: {'institutions': list_transform(a.institutions, lambda i: "
        "{'id': i.id, 'ror': i.ror, 'country_code': i.country_code, 'display_name': i.display_name}), "
        "'countries': a.countries, 'raw_affiliation_strings': a.raw_affiliation_strings})"
    ),
}


class OpenalexOptions(Options):
    """Which works count.

    core_sources_only: only journals of the CWTS core list (`is_core`). drop_retracted, drop_xpac: leave out retracted
    works and the extension pack. drop_domains: domains of the primary topic to leave out, e.g. `Social Sciences`.
    types: work types that count, all when not given. years: first and last publication year to read at all.
    """

    core_sources_only: bool = False
    drop_retracted: bool = True
    drop_xpac: bool = True
    drop_domains: tuple[str, ...] = ()
    types: tuple[str, ...] | None = None
    years: tuple[int, int] | None = None


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: OpenalexOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows of the role `works`; works listed in `deleted_ids` (the snapshot's CSV) are left out.

    `dropped` is no_date, retracted, xpac, other_type, not_core_journal or excluded_domain; such a work is one row.
    """
    scan = openalex.scan(reading.named(files, "works"), COLUMNS, _PARQUET)
    works = f"(SELECT *, {_dropped(options)} AS dropped FROM ({scan}) {_kept(files, options)})"
    counted = "dropped IS NULL AND len(authorships) > 0"
    people_of_works = f"""(
        SELECT id, publication_year, type, dropped, len(authorships) AS people,
            coalesce(is_authors_truncated, len(authorships) >= {AUTHORS_LISTED_AT_MOST}) AS truncated,
            unnest(CASE WHEN {counted} THEN authorships ELSE [NULL] END) AS author,
            unnest(CASE WHEN {counted} THEN generate_series(1, len(authorships)) ELSE [0] END) AS person_seq
        FROM {works}
    )"""
    addresses = f"""(
        SELECT * EXCLUDE (author), author.countries[1] AS country,
            array_to_string(author.raw_affiliation_strings, '; ') AS printed,
            greatest(len(author.institutions), 1) AS addresses,
            unnest(CASE WHEN len(author.institutions) > 0 THEN author.institutions ELSE [NULL] END) AS institution,
            unnest(generate_series(1, greatest(len(author.institutions), 1))) AS address_seq
        FROM {people_of_works}
    )"""
    return people_rows(
        con,
        addresses,
        record_id="id",
        year="publication_year",
        record_type="type",
        dropped="dropped",
        person_seq="person_seq",
        address_seq="address_seq",
        people="coalesce(people, 0)",
        people_truncated="coalesce(truncated, false)",
        fraction="CASE WHEN person_seq = 0 THEN 1 ELSE 1 / (people * addresses) END",
        institution_id="coalesce(institution.ror, institution.id)",
        economy="coalesce(institution.country_code, country)",
        address="coalesce(institution.display_name, nullif(printed, ''))",
    )


def _dropped(options: OpenalexOptions) -> str:
    """SQL for why a work does not count, null when it does."""
    domains = ", ".join(map(reading.quoted, options.drop_domains))
    types = ", ".join(map(reading.quoted, options.types or ()))
    rules = {
        "no_date": "publication_year IS NULL",
        "retracted": "is_retracted" if options.drop_retracted else "",
        "xpac": "is_xpac" if options.drop_xpac else "",
        "other_type": f"type IS NULL OR type NOT IN ({types})" if options.types is not None else "",
        "not_core_journal": "primary_location.source.is_core IS NOT TRUE" if options.core_sources_only else "",
        "excluded_domain": f"primary_topic.domain.display_name IN ({domains})" if domains else "",
    }
    return "CASE " + " ".join(f"WHEN {rule} THEN '{reason}'" for reason, rule in rules.items() if rule) + " END"


def _kept(files: Mapping[str, list[Path]], options: OpenalexOptions) -> str:
    """SQL for the works that are read at all: of the years asked for, and not deleted from OpenAlex."""
    conditions = []
    if options.years is not None:
        conditions.append("publication_year BETWEEN {} AND {}".format(*options.years))
    if deleted := reading.named(files, "deleted_ids", optional=True):
        number = "regexp_extract({}, '[0-9]+$')"
        gone = f"SELECT {number.format('work_id')} FROM ({reading.table(deleted, ['work_id'])})"
        conditions.append(f"{number.format('id')} NOT IN ({gone})")
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
