"""Scopus: CSV exports (`records`) with affiliations, of before and after 2023.

Belongs here: the columns, and the authors' addresses out of `Authors with affiliations`.
Does not: names. They only mark where an author's addresses begin.

An author's part of that column begins with the name and continues with every address; where one ends and the next
begins only the column `Affiliations` says. An author with several addresses splits their part equally. Where the
column does not list as many authors as the record has, it does not say who is where: every author then has every
address.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import duckdb

from gii_pipeline.sources.readers import delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.organisations import is_organisation
from gii_pipeline.sources.readers.publication_types import SCOPUS, publication_type
from gii_pipeline.sources.readers.rows import Options, not_of_types, people_rows

_NAMES: Final = {
    "id": ("EID",),
    "year": ("Year",),
    "type": ("Document Type",),
    "ids": ("Author(s) ID", "Authors ID"),
    "authors": ("Authors",),
    "affiliations": ("Affiliations",),
    "by_author": ("Authors with affiliations",),
}
_NAME_IN_FRONT: Final = r"^[^.]*\.(?:[ -]?[\p{L}]{1,2}\.)*,\s*"
_SUB_UNITS: Final = (
    "^(department|dept|faculty|school of|division|section|laboratory of|dipartimento|departamento|chair)"
)


class ScopusOptions(Options):
    """types: types that count, in our words or Scopus's; all by default."""

    choosing: ClassVar[frozenset[str]] = frozenset({"types"})
    values: ClassVar[Mapping[str, str]] = {"types": ""}

    types: tuple[str, ...] | None = None

    def drops(self) -> Mapping[str, str]:
        """other_type."""
        return {} if self.types is None else {"other_type": not_of_types(self.types)}


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: ScopusOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an author × address; `dropped` is no_id or no_date."""
    del options
    records = delimited.renamed(con, reading.named(files, "records"), _NAMES, optional={"ids"}, ids=["id"])
    listed = _listed("affiliations")
    known = f"list_filter({listed}, lambda a, nth: list_position({listed}, a) = nth)"
    source = f"""(
        SELECT * EXCLUDE (known), unnest(addresses) AS address,
            unnest(generate_series(1, len(addresses))) AS address_seq
        FROM (
            SELECT *, coalesce(nullif(CASE WHEN len(parts) = people THEN {_theirs("parts[nth]")} ELSE known END, []),
                CASE WHEN len(parts) = people THEN [nullif({_rest("parts[nth]")}, '')] END, [NULL]) AS addresses
            FROM (
                SELECT *, unnest(generate_series(least(people, 1), people)) AS nth FROM (
                    SELECT *, {_people()} AS people, {_listed("by_author")} AS parts, coalesce({known}, []) AS known
                    FROM ({records})
                )
            )
        )
    )"""
    year = "try_cast(year AS INTEGER)"
    economy = "trim(string_split(address, ',')[-1])"
    return people_rows(
        con,
        source,
        record_id="id",
        year=year,
        record_type=publication_type("type", SCOPUS),
        dropped=f"CASE WHEN id IS NULL THEN 'no_id' WHEN {year} IS NULL THEN 'no_date' END",
        person_seq="nth",
        address_seq="address_seq",
        people="people",
        fraction="1 / (greatest(people, 1) * len(addresses))",
        economy=economy,
        address="address",
        source_type="type",
        year_text=f"CASE WHEN {year} IS NULL THEN year END",
        source_rows="(nth <= 1 AND address_seq = 1)::INTEGER",
        traits="CASE WHEN type ILIKE 'retracted' THEN ['retracted'] ELSE [] END",
        organisations=_organisation(economy),
    )


def _people() -> str:
    """SQL for how many authors a record has: by their ids, else as many as have a part of their own, or a name."""
    counts = ", ".join(f"nullif(len({_listed(column)}), 0)" for column in ("ids", "by_author", "authors"))
    return f"coalesce({counts}, 0)"


def _theirs(part: str) -> str:
    """SQL for those of the record's addresses that an author's part has, each that is not just the end of another."""
    within = f"list_filter(known, lambda a: contains({part}, a))"
    other = (
        f"len(list_filter({within}, lambda b: b <> a AND contains(b, a) AND NOT contains(replace({part}, b, ''), a)))"
    )
    return f"list_filter({within}, lambda a: {other} = 0)"


def _rest(part: str) -> str:
    """SQL for an author's part without the name at its front."""
    return (
        f"CASE WHEN regexp_matches({part}, '{_NAME_IN_FRONT}') THEN regexp_replace({part}, '{_NAME_IN_FRONT}', '') END"
    )


def _organisation(economy: str) -> str:
    """SQL for the organisation of an address: the first part that names one and not a part of one."""
    parts = "list_transform(string_split(address, ','), lambda p: trim(p))[:-2]"
    whole = f"list_filter({parts}, lambda p: {is_organisation('p')} AND contains(p, ' ') AND NOT "
    named = f"({whole} regexp_matches(lower(p), '{_SUB_UNITS}')))[1]"
    return f"""CASE WHEN {named} IS NOT NULL THEN
        [{{id: NULL, name: {named}, economy: {economy}, kind: 'organisation', weight: 1}}] END"""


def _listed(text: str) -> str:
    """SQL for the parts of a field that are separated by semicolons."""
    return f"list_filter(list_transform(string_split({text}, ';'), lambda x: trim(x)), lambda x: x <> '')"
