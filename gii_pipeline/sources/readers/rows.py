"""The PEOPLE rows that every reader gives: one person × address of every record in the files.

Belongs here: the columns, their types and order, the cast that holds every reader to them, and what options may drop.
Does not: how a source's records become such rows. The interface as a whole: ADR 0043.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import duckdb
from pydantic import BaseModel, ConfigDict

from gii_pipeline.errors import InputError
from gii_pipeline.wording import some

PEOPLE_COLUMNS: Final[Mapping[str, str]] = {
    "record_id": "VARCHAR",
    "year": "INTEGER",
    "record_type": "VARCHAR",
    "dropped": "VARCHAR",
    "person_seq": "INTEGER",
    "address_seq": "INTEGER",
    "people": "INTEGER",
    "people_truncated": "BOOLEAN",
    "fraction": "DOUBLE",
    "institution_id": "VARCHAR",
    "city": "VARCHAR",
    "admin": "VARCHAR",
    "economy": "VARCHAR",
    "latitude": "DOUBLE",
    "longitude": "DOUBLE",
    "address": "VARCHAR",
    "postcode": "VARCHAR",
    "source_type": "VARCHAR",
    "year_text": "VARCHAR",
    "changed": "TIMESTAMP",
    "source_rows": "INTEGER",
    "traits": "VARCHAR[]",
    "organisations": 'STRUCT(id VARCHAR, "name" VARCHAR, economy VARCHAR, kind VARCHAR, weight DOUBLE)[]',
    "fields": 'STRUCT("name" VARCHAR, weight DOUBLE)[]',
}
"""Column → DuckDB type.

- `dropped`: why a record does not count, null when it does. A record without people has one row with person_seq 0 and
  people 0. A record's fractions add up to 1. `economy` is a code or name as the source gives it.
- `address`: the address as printed, in full; city, admin, economy and postcode are its parts where the source has them.
- `record_type`: the type in our vocabulary; `source_type`: in the source's words.
- `year_text`: the date as printed, wherever `year` is null.
- `changed`: when the source last changed the record, null where it does not say. A later one supersedes an earlier one.
- `source_rows`: how many rows of the source's driving table this row accounts for, so that the sum over a file is the
  rows read. A record's first row has the number of its rows, its others 0. A refused row has 1, no record_id, and its
  reason in `dropped`.
- `traits`: words that options choose by, such as `core` or `domain:Social Sciences`.
- `organisations`: who applied for it, wrote it or received it, with weights that add up to 1: the institution of an
  author's affiliation, all applicants of a patent. kind is `organisation`, `individual` (then without a name) or null.
- `fields`: fields of the record, with weights that add up to 1.
"""

_ONE_PERSON = {
    "person_seq": "1",
    "address_seq": "1",
    "people": "1",
    "people_truncated": "false",
    "fraction": "1",
}
_FIRST_ROW = "CASE WHEN ({person_seq}) <= 1 AND ({address_seq}) = 1 THEN 1 ELSE 0 END"
FIRST_YEAR: Final = 1900

INSTITUTION_COLUMNS: Final[Mapping[str, str]] = {
    "institution_id": "VARCHAR",
    "name": "VARCHAR",
    "city": "VARCHAR",
    "admin": "VARCHAR",
    "economy": "VARCHAR",
    "latitude": "DOUBLE",
    "longitude": "DOUBLE",
    "geonameid": "BIGINT",
}
"""Column → DuckDB type of an institutions table; institution_id as the PEOPLE rows give it (a ROR or OpenAlex id)."""


@dataclass(frozen=True)
class Need:
    """A field that an option needs in the files of a role; way_out: what a person can do about files without it."""

    role: str
    field: str
    way_out: str


class Options(BaseModel):
    """What a profile may set of a reader; an unknown option is refused by name.

    choosing: the options that only choose among the rows read. A reader does not look at them: they are `drops`,
    applied to what was read, so that changing them reads no file again. needs: option -> the field that it needs;
    where the option is set and a file has no such field, the source is refused rather than left without rows. values:
    the options whose values must occur among the records -> the start of the trait that has them, empty for types.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    choosing: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Mapping[str, Need]] = {}
    values: ClassVar[Mapping[str, str]] = {}

    def drops(self) -> Mapping[str, str]:
        """Reason -> SQL condition over PEOPLE columns; the first that holds is why a record is dropped."""
        return {}

    def refuse_lacking(self, lacking: Mapping[str, Iterable[str]]) -> None:
        """Raise InputError where an option is set whose field files do not have; lacking: option -> these files."""
        for option, need in self.needs.items():
            files = list(lacking.get(option, ())) if getattr(self, option) else []
            if files:
                raise InputError(
                    f"{some(files, 3)}: the option `{option}` needs {need.field}, which no record in the file "
                    f"has, so every record would be lost. {need.way_out[:1].upper()}{need.way_out[1:]}"
                )


class NoOptions(Options):
    """A reader without settings."""


def people_rows(con: duckdb.DuckDBPyConnection, source: str, **columns: str) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows out of `source` (what stands after FROM), one SQL expression a column.

    Columns not named are those of a record of one person at one address, or null. Where a reader does not count its
    source's rows, a record is one.
    """
    given = {**_ONE_PERSON, **columns}
    counted = _FIRST_ROW.format(**given)
    source_rows = f"coalesce(({given.get('source_rows', 'NULL')})::INTEGER, {counted})"
    return _cast_rows(con, source, PEOPLE_COLUMNS, {**given, "source_rows": source_rows})


def dated(rows: duckdb.DuckDBPyRelation, latest: int = 9999) -> duckdb.DuckDBPyRelation:
    """The rows, undated where the year is before 1900 or after `latest`, the year in which the source was retrieved.

    An undated record has no `year`; `year_text` keeps what was printed.
    """
    within = f"year BETWEEN {FIRST_YEAR} AND {int(latest)}"
    changed = {
        "year": f"CASE WHEN {within} THEN year END",
        "year_text": f"CASE WHEN NOT ({within}) THEN coalesce(year_text, year::VARCHAR) ELSE year_text END",
    }
    return rows.select(", ".join(f"{changed[name]} AS {name}" if name in changed else name for name in rows.columns))


def chosen(rows: duckdb.DuckDBPyRelation, options: Options) -> duckdb.DuckDBPyRelation:
    """The rows with `dropped` set where an option that chooses leaves a record out."""
    rules = " ".join(f"WHEN {condition} THEN '{reason}'" for reason, condition in options.drops().items())
    if not rules:
        return rows
    dropped = f"coalesce(dropped, CASE {rules} END) AS dropped"
    return rows.select(", ".join(dropped if name == "dropped" else name for name in rows.columns))


def institution_rows(con: duckdb.DuckDBPyConnection, source: str, **columns: str) -> duckdb.DuckDBPyRelation:
    """Institution rows out of `source`, one SQL expression a column; those not named are null."""
    return _cast_rows(con, source, INSTITUTION_COLUMNS, columns)


def _cast_rows(
    con: duckdb.DuckDBPyConnection, source: str, types: Mapping[str, str], columns: Mapping[str, str]
) -> duckdb.DuckDBPyRelation:
    unknown = set(columns) - set(types)
    if unknown:
        raise TypeError(f"not columns of the table: {sorted(unknown)}")
    selected = ", ".join(f"({columns.get(name, 'NULL')})::{kind} AS {name}" for name, kind in types.items())
    return con.sql(f"SELECT {selected} FROM {source}")


def ours(source_type: str, words: Mapping[str, str], default: str = "other") -> str:
    """SQL for a type in our vocabulary. words: the source's word, as `kind` writes it -> ours; others are `default`."""
    listed = ", ".join(f"'{word}': '{meant}'" for word, meant in words.items())
    return f"coalesce(MAP {{{listed}}}[{source_type}], '{default}')"


def kind(text: str, default: str) -> str:
    """SQL for a record type in lower case and without signs; `default` where the source gives none."""
    return f"coalesce(nullif(trim(regexp_replace(lower({text}), '[^a-z0-9_ /.-]+', ' ', 'g')), ''), '{default}')"


def word(text: str) -> str:
    """SQL for a source's word as vocabularies have it: lower case, letters and digits, `_` for what is between."""
    return f"trim(regexp_replace(lower({text}), '[^\\p{{L}}\\p{{N}}]+', '_', 'g'), '_')"


def not_of_types(types: Iterable[str], separator: str = ";") -> str:
    """SQL for a record of none of the types, each a word of ours or of the source's, in whatever case and spelling.

    separator: what stands between the words where the source gives several.
    """
    listed = ", ".join(f"'{text}'" for text in types_as_words(types))
    theirs = f"list_transform(string_split(coalesce(source_type, ''), '{separator}'), lambda t: {word('t')})"
    return f"NOT coalesce(list_has_any(list_append({theirs}, record_type), [{listed}]::VARCHAR[]), false)"


def types_as_words(types: Iterable[str]) -> list[str]:
    """The types as `word` writes them."""
    return [re.sub(r"[\W_]+", "_", text.lower()).strip("_") for text in types]


def joined(*parts: str) -> str:
    """SQL for a readable address: the parts that are known, separated by commas; null when none is."""
    known = ", ".join(f"nullif({part}, '')" for part in parts)
    return f"nullif(concat_ws(', ', {known}), '')"
