"""Folders of `../shared/cases` on publications and patents whose answer is a refusal, or a type."""

from __future__ import annotations

import csv

import duckdb
import pytest

from gii_pipeline.editions import wipo_book
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import read_profile
from gii_pipeline.sources import SOURCES, explained
from gii_pipeline_tests.conftest import SHARED

CASES = SHARED / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="../shared/cases is not here: its files are not part of the repository"
)


def rows(case: str, columns: str) -> list[tuple[object, ...]]:
    [source] = read_profile(CASES / case / "profile.yaml").metrics.values()
    files = {role: list(paths) for role, paths in source.local_files().items()}
    with duckdb.connect() as con, explained(case):
        people = SOURCES[source.reader].people(con, files, source.options)
        return list(people.select(columns).fetchall())


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("wos_option_needs_column_we", r"savedrecs\.txt: the option `indexes` needs the column WE"),
        ("openalex_vintage_without_is_core", r"works\.jsonl: the option `core_sources_only` needs .*is_core"),
        ("wipo_not_a_wo_document", r"us_grant\.xml: a document of US"),
    ],
)
def test_what_would_lose_or_add_records_is_refused(case: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        rows(case, "record_id")


def test_an_edition_counts_the_document_types_of_its_rule() -> None:
    found = {str(record): kind for record, kind in rows("wos_record_types", "record_id, record_type")}
    with (CASES / "wos_record_types/expected.csv").open(encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    assert len(expected) == len(found) == 8
    for edition, column in ((2018, "counts_in_editions_2018_to_2021"), (2022, "counts_in_editions_from_2022")):
        types = wipo_book()[edition].metrics["scientific_publications"].record_types.value or ()
        counted = {row["record_id"]: "yes" if found[row["record_id"]] in types else "no" for row in expected}
        assert counted == {row["record_id"]: row[column] for row in expected}
