"""A connection, and PEOPLE rows as plain tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gii_pipeline.sources import PEOPLE_COLUMNS, SOURCES, explained

Read = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def read(con: duckdb.DuckDBPyConnection) -> Read:
    """read(reader, files by role, columns, options): the rows in the order of record, person and address."""

    def rows(
        reader: str,
        files: Mapping[str, Path | list[Path]],
        columns: str = "*",
        options: Mapping[str, Any] | None = None,
    ) -> list[tuple[Any, ...]]:
        listed = {role: paths if isinstance(paths, list) else [paths] for role, paths in files.items()}
        people = SOURCES[reader].people(con, listed, options)
        assert people.columns == list(PEOPLE_COLUMNS)
        assert [str(kind) for kind in people.types] == list(PEOPLE_COLUMNS.values())
        with explained(reader):
            ordered = people.order("record_id, person_seq, address_seq")
            sums = "record_id, sum(fraction) AS total, count(*) FILTER (WHERE source_rows > 0) AS records"
            broken = people.aggregate(sums, "record_id").filter("record_id IS NOT NULL AND abs(total - records) > 1e-9")
            assert broken.fetchall() == []
            return ordered.select(columns).fetchall()

    return rows
