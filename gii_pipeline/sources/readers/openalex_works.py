"""OpenAlex works, as JSON lines, JSON arrays, Parquet (the snapshot's parts) or pages of the API, one work a record.

Belongs here: the nested authorships unfolded into person × affiliation, and which works stand in for the original
research of the Science Citation Index (settings of the profile, METHOD.md section 1).
Does not: where an institution lies (see `ror`, `openalex_institutions`).

A list of authors is cut at 100 in lists and in the snapshot: `people_truncated` says so. A work without authorships is
one row with person_seq 0. An author's part is split equally over their affiliations, and an affiliation's over the
institutions that OpenAlex found in it ("CNRS and University of Lyon, Lyon"): such a row has the affiliation as printed,
which says where it is, and one of an only institution has that institution's name. A printed string in which OpenAlex
found no institution is an affiliation only of an author who has no other: most are remarks, or repeat another.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers import openalex
from gii_pipeline.sources.readers.leaves import projected
from gii_pipeline.sources.readers.publication_types import OPENALEX, publication_type
from gii_pipeline.sources.readers.rows import Need, Options, not_of_types, people_rows

AUTHORS_LISTED_AT_MOST = 100

COLUMNS: dict[str, str] = {
    "id": "VARCHAR",
    "publication_year": "INTEGER",
    "publication_date": "VARCHAR",
    "type": "VARCHAR",
    "type_crossref": "VARCHAR",
    "is_retracted": "BOOLEAN",
    "is_xpac": "BOOLEAN",
    "is_authors_truncated": "BOOLEAN",
    "updated_date": "VARCHAR",
    "primary_location": 'STRUCT("source" STRUCT(is_core BOOLEAN, "type" VARCHAR), raw_type VARCHAR)',
    "primary_topic": 'STRUCT("domain" STRUCT(display_name VARCHAR), field STRUCT(display_name VARCHAR))',
    "authorships": (
        "STRUCT(institutions STRUCT(id VARCHAR, ror VARCHAR, country_code VARCHAR, display_name VARCHAR)[], "
        "countries VARCHAR[], raw_affiliation_strings VARCHAR[], "
        "affiliations STRUCT(raw_affiliation_string VARCHAR, institution_ids VARCHAR[])[])[]"
    ),
}
_INSTITUTION: Final = "STRUCT(id VARCHAR, ror VARCHAR, country_code VARCHAR, display_name VARCHAR)"
_AFFILIATION: Final = f"STRUCT(printed VARCHAR, institution {_INSTITUTION}, fraction DOUBLE)"


class OpenalexOptions(Options):
    """Which works count.

    core_sources_only: only journals of the CWTS core list (`is_core`). drop_retracted, drop_xpac: leave out retracted
    works and the extension pack. drop_domains: domains of the primary topic to leave out, e.g. `Social Sciences`.
    types: types that count, in our words or OpenAlex's, all when not given. years: first and last publication year.
    """

    choosing: ClassVar[frozenset[str]] = frozenset(
        {"core_sources_only", "drop_retracted", "drop_xpac", "drop_domains", "types", "years"}
    )
    values: ClassVar[Mapping[str, str]] = {"types": "", "drop_domains": "domain:"}
    needs: ClassVar[Mapping[str, Need]] = {
        "core_sources_only": Need(
            "works",
            "primary_location.source.is_core",
            "take works of a later vintage, which have it, or leave the option out",
        )
    }

    core_sources_only: bool = False
    drop_retracted: bool = True
    drop_xpac: bool = True
    drop_domains: tuple[str, ...] = ()
    types: tuple[str, ...] | None = None
    years: tuple[int, int] | None = None

    def drops(self) -> Mapping[str, str]:
        """retracted, xpac, other_type, not_core_journal, excluded_domain, other_year."""
        domains = ", ".join(reading.quoted(f"domain:{domain}") for domain in self.drop_domains)
        rules = {
            "retracted": "list_contains(traits, 'retracted')" if self.drop_retracted else "",
            "xpac": "list_contains(traits, 'xpac')" if self.drop_xpac else "",
            "other_type": not_of_types(self.types) if self.types is not None else "",
            "not_core_journal": "NOT list_contains(traits, 'core')" if self.core_sources_only else "",
            "excluded_domain": f"list_has_any(traits, [{domains}])" if domains else "",
            "other_year": "year NOT BETWEEN {} AND {}".format(*self.years) if self.years is not None else "",
        }
        return {reason: rule for reason, rule in rules.items() if rule}


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: OpenalexOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows of the role `works`.

    `dropped` is no_id or no_date; such a work is one row.
    """
    del options
    dropped = "CASE WHEN id IS NULL THEN 'no_id' WHEN publication_year IS NULL THEN 'no_date' END"
    works = f"(SELECT *, {_type()} AS ours, {_traits()} AS traits, {dropped} AS dropped FROM ({_scan(con, files)}))"
    people_of_works = f"""(
        SELECT * EXCLUDE (authorships), len(authorships) AS people,
            unnest(CASE WHEN counted THEN authorships ELSE [NULL] END) AS author,
            unnest(CASE WHEN counted THEN generate_series(1, len(authorships)) ELSE [0] END) AS person_seq
        FROM (SELECT *, dropped IS NULL AND len(authorships) > 0 AS counted FROM {works})
    )"""
    addresses = f"""(
        SELECT *, unnest(affiliations) AS affiliation, unnest(generate_series(1, len(affiliations))) AS address_seq
        FROM (
            SELECT * EXCLUDE (author, ids, named, sets, groups), author.countries[1] AS country,
                {_affiliations("author")} AS affiliations
            FROM {_grouped(people_of_works, "author")}
        )
    )"""
    institution = "affiliation.institution"
    field = "primary_topic.field.display_name"
    return people_rows(
        con,
        addresses,
        record_id="id",
        year="publication_year",
        record_type="ours",
        dropped="dropped",
        person_seq="person_seq",
        address_seq="address_seq",
        people="coalesce(people, 0)",
        people_truncated=f"coalesce(is_authors_truncated, people >= {AUTHORS_LISTED_AT_MOST}, false)",
        fraction="CASE WHEN person_seq = 0 THEN 1 ELSE affiliation.fraction / people END",
        institution_id=f"coalesce({institution}.ror, {institution}.id)",
        economy=f"coalesce({institution}.country_code, country)",
        address=f"coalesce(affiliation.printed, {institution}.display_name)",
        source_type="type",
        year_text="CASE WHEN publication_year IS NULL THEN publication_date END",
        changed="try_cast(updated_date AS TIMESTAMP)",
        source_rows="(person_seq <= 1 AND address_seq = 1)::INTEGER",
        traits="traits",
        organisations=f"""CASE WHEN {institution} IS NOT NULL THEN [{{
            id: coalesce({institution}.ror, {institution}.id), name: {institution}.display_name,
            economy: {institution}.country_code, kind: 'organisation', weight: 1}}] END""",
        fields=f"CASE WHEN {field} IS NOT NULL THEN [{{name: {field}, weight: 1}}] END",
    )


def _scan(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
    suffixes = (".json", ".jsonl", ".ndjson", ".gz", ".parquet")
    paths = reading.unpacked(con, reading.named(files, "works"), suffixes)
    readable = {path: projected(con, path, COLUMNS) for path in paths}
    openalex.refuse_others(con, readable, "work", ("publication_year", "publication_date", "authorships"))
    return openalex.scan(list(readable.values()), COLUMNS)


def lacks(con: duckdb.DuckDBPyConnection, path: Path, field: str) -> bool:
    """Whether no work of the file has the field, though some could."""
    return openalex.lacks(con, projected(con, path, COLUMNS), field)


def _type() -> str:
    """SQL for the type in our words. OpenAlex calls a paper of proceedings an article, too; a journal's stays one."""
    of_proceedings = (
        "regexp_matches(lower(concat_ws(' ', type_crossref, primary_location.raw_type)), 'proceedings|conference') "
        "OR primary_location.source.type = 'conference'"
    )
    return (
        f"CASE WHEN type = 'article' AND ({of_proceedings}) "
        "AND primary_location.source.type IS DISTINCT FROM 'journal' "
        f"THEN 'proceedings_paper' ELSE {publication_type('type', OPENALEX)} END"
    )


def _traits() -> str:
    return """list_filter([
        CASE WHEN primary_location.source.is_core THEN 'core' END,
        CASE WHEN is_retracted THEN 'retracted' END, CASE WHEN is_xpac THEN 'xpac' END,
        'domain:' || primary_topic.domain.display_name], lambda trait: trait IS NOT NULL)"""


def _grouped(people: str, author: str) -> str:
    """SQL for the people with `groups`: of an author with several institutions, the places of these by affiliation.

    An affiliation is a set of institutions that a printed string names, each set once, or one that no string names.
    `named` are the printed strings, and `sets` the places of the institutions of each. All are null for other authors.
    """
    places = f"generate_series(1, len({author}.institutions))"
    return f"""(
        SELECT *, CASE
            WHEN len(sets) = 0 THEN list_transform({places}, lambda place: [place])
            WHEN sets IS NOT NULL THEN list_concat(
                list_filter(sets, lambda places, nth: len(places) > 0 AND list_position(sets, places) = nth),
                list_transform(
                    list_filter({places}, lambda place: NOT list_contains(flatten(sets), place)), lambda place: [place]
                )
            ) END AS groups
        FROM (
            SELECT *, list_transform(named, lambda a: list_filter(
                generate_series(1, len(ids)), lambda place: list_contains(a.institution_ids, ids[place])
            )) AS sets
            FROM (SELECT *, CASE WHEN ids IS NOT NULL THEN {_named(author)} END AS named FROM (
                SELECT *, CASE WHEN len({author}.institutions) > 1
                    THEN list_transform({author}.institutions, lambda i: i.id) END AS ids
                FROM {people}
            ))
        )
    )"""


def _named(author: str) -> str:
    """SQL for the printed strings with the institutions of each; in old vintages an only string names them all."""
    strings = f"{author}.raw_affiliation_strings"
    return f"""CASE WHEN len({author}.affiliations) > 0 THEN {author}.affiliations
        WHEN len(list_distinct({strings})) = 1
            THEN [{{raw_affiliation_string: {strings}[1], institution_ids: ids}}]
        ELSE [] END"""


def _affiliations(author: str) -> str:
    """SQL for an author's affiliations × institutions, each with its part of the author; see `_grouped`."""
    found = f"{author}.institutions"
    printed = f"nullif(array_to_string({author}.raw_affiliation_strings, '; '), '')"
    return f"""CASE
        WHEN coalesce(len({found}), 0) = 0 THEN [{{printed: {printed}, institution: NULL, fraction: 1}}]
        WHEN groups IS NULL THEN [{{printed: NULL, institution: {found}[1], fraction: 1}}]
        ELSE flatten(list_transform(groups, lambda g: list_transform(g, lambda place: {{
            printed: CASE WHEN len(g) > 1 THEN named[list_position(sets, g)].raw_affiliation_string END,
            institution: {found}[place], fraction: 1 / (len(groups) * len(g))}})))
    END::{_AFFILIATION}[]"""
