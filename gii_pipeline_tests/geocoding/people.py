"""People as a reader gives them, and how they were located, for tests of locating."""

from __future__ import annotations

from typing import Any

import duckdb

from gii_pipeline.sources.readers.rows import people_rows

ROR = "https://ror.org/"


def people(con: duckdb.DuckDBPyConnection, *rows: dict[str, Any]) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows; one person, one address and the year 2020 where nothing else is said."""
    usual = {"year": 2020, "record_type": "pct", "person_seq": 1, "people": 1, "fraction": 1}
    parts = [
        people_rows(con, "(SELECT 1)", **{name: _literal(value) for name, value in {**usual, **row}.items()})
        for row in rows
    ]
    relation = parts[0]
    for part in parts[1:]:
        relation = relation.union(part)
    return relation


def _literal(value: object) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def outcomes(located: duckdb.DuckDBPyRelation) -> dict[str, tuple[Any, ...]]:
    columns = "record_id, place, admin, economy, precision, geocoding"
    return {row[0]: row[1:] for row in located.select(columns).fetchall()}
