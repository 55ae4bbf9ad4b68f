"""What an option or an edition chooses by must occur, and the message lists what does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.choosing import refuse_uncounted, refuse_unseen


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def deals(con: duckdb.DuckDBPyConnection, folder: Path, *types: str) -> str:
    path = folder / "deals.csv"
    lines = "".join(f"{n},2020,{kind}\n" for n, kind in enumerate(types))
    path.write_text("record_id,year,record_type\n" + lines, encoding="utf-8")
    people = SOURCES["table"].people(con, {"people": [path]})
    people.create_view("deals")
    return "deals"


def test_a_type_that_no_record_has_is_refused_with_those_there_are(
    con: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    rows = deals(con, tmp_path, "Series A", "Series A", "Pre-Seed", "Round of friends")
    for types in (["Series A"], ["early", "seed"], ["pre_seed", "round_of_friends"]):
        refuse_unseen(con, rows, SOURCES["table"].parsed({"types": types}), "table of 2020")
    message = r"no record has 'angel', 'Round A', which is set in the option `types`\. Records have: early, .*series_a"
    with pytest.raises(InputError, match=message):
        refuse_unseen(con, rows, SOURCES["table"].parsed({"types": ["angel", "seed", "Round A"]}), "table of 2020")


def test_a_source_without_any_type_that_editions_count_is_refused(
    con: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    rows = deals(con, tmp_path, "", "", "grant")
    refuse_uncounted(con, rows, ["seed", "grant"], "table of 2020")
    message = r"count records of the type article, and the source has none\. Its 3 records have: grant, record"
    with pytest.raises(InputError, match=message):
        refuse_uncounted(con, rows, ["article"], "table of 2020")
