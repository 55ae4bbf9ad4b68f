"""The PEOPLE rows that every reader gives: one person × address of every record in the files.

Belongs here: the columns, their types and order, and the cast that holds every reader to them.
Does not: how a source's records become such rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import duckdb
from pydantic import BaseModel, ConfigDict

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
}
"""Column → DuckDB type. `dropped` is why a record does not count (null when it does); a record without people has one
row with person_seq 0 and people 0; a record's fractions add up to 1; economy is a code as the source gives it."""

_ONE_PERSON = {"person_seq": "1", "address_seq": "1", "people": "1", "people_truncated": "false", "fraction": "1"}

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


class Options(BaseModel):
    """What a profile may set of a reader; an unknown option is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoOptions(Options):
    """A reader without settings."""


def people_rows(con: duckdb.DuckDBPyConnection, source: str, **columns: str) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows out of `source` (what stands after FROM), one SQL expression a column.

    Columns not named are those of a record of one person at one address, or null.
    """
    return _cast_rows(con, source, PEOPLE_COLUMNS, {**_ONE_PERSON, **columns})


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


def kind(text: str, default: str) -> str:
    """SQL for a record type in lower case and without signs; `default` where the source gives none."""
    return f"coalesce(nullif(trim(regexp_replace(lower({text}), '[^a-z0-9_ /.-]+', ' ', 'g')), ''), '{default}')"


def day(text: str, *formats: str) -> str:
    """SQL for a date written in one of the formats (ISO 8601 when none is given); null when in none of them."""
    listed = ", ".join(f"'{written}'" for written in formats or ("%Y-%m-%d",))
    return f"try_strptime({text}, [{listed}])"


def joined(*parts: str) -> str:
    """SQL for a readable address: the parts that are known, separated by commas; null when none is."""
    known = ", ".join(f"nullif({part}, '')" for part in parts)
    return f"nullif(concat_ws(', ', {known}), '')"
