"""Folders of `../shared/cases` whose answer is a refusal, or a count: tables, deals and archives."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from gii_pipeline.editions import wipo_book
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import read_profile
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.extracts import Extracts, RawFile, units
from gii_pipeline.sources.union import Pinned, union
from gii_pipeline_tests.conftest import SHARED

CASES = SHARED / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="../shared/cases is not here: its files are not part of the repository"
)


def united(case: str, root: Path, year: int, profile: str = "profile.yaml") -> list[tuple[str, str, str | None]]:
    """record_id, record_type and dropped of the records of a year, of a folder whose profile has one metric."""
    [(metric, source)] = read_profile(CASES / case / profile).metrics.items()
    files = {
        role: [RawFile(path, f"{role}{number}", str(path)) for number, path in enumerate(paths)]
        for role, paths in source.local_files().items()
    }
    options = SOURCES[source.reader].parsed(source.options)
    with duckdb.connect() as con:
        kept = Extracts(root / "extracts")
        extracts = tuple(kept.extract(con, unit, options) for unit in units(source.reader, files))
        pinned = Pinned(metric, extracts, 2026, "2026-01-01T00:00:00Z", root / "extracts" / source.reader)
        rows = union(con, pinned, year).rows.select("record_id, record_type, dropped")
        return [(str(a), str(b), None if c is None else str(c)) for a, b, c in rows.fetchall()]


@pytest.mark.parametrize("profile", ["profile_crunchbase.yaml", "profile_form_d.yaml"])
def test_only_venture_equity_counts(tmp_path: Path, profile: str) -> None:
    counted = wipo_book()[2025].metrics["vc_deals"].record_types.value or ()
    found = united("types_not_vc", tmp_path, 2022, profile)
    counts = {record for record, kind, dropped in found if kind in counted and dropped is None}
    with (CASES / "types_not_vc/expected.csv").open(encoding="utf-8") as file:
        expected = [row for row in csv.DictReader(file) if row["file"].endswith("zip") == ("form_d" in profile)]
    assert {record for record, *_ in found} == {row["record_id"] for row in expected}
    assert counts == {row["record_id"] for row in expected if row["counts"] == "yes"}


def test_an_id_of_two_deals_is_refused_with_their_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'Flutterwave' stands for 2 different records[\s\S]*2020[\s\S]*2022"):
        united("deals_same_id", tmp_path, 2021)


def test_columns_of_other_names_are_named_with_ours(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'country' \(did you mean 'economy'\?\).*'lat'.*'lon'.*Known: record_id"):
        united("local_columns_of_other_names", tmp_path, 2019)


@pytest.mark.parametrize("name", ["absolute.zip", "parent.zip"])
def test_a_member_outside_its_folder_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIP", name)
    with pytest.raises(
        InputError, match=rf"{name}: its member '.*g_pct_data\.tsv' is outside the archive's own folder"
    ):
        united("zip_member_outside_its_folder", tmp_path, 2020)


def test_a_source_whose_years_fall_is_read_whole(tmp_path: Path) -> None:
    with (CASES / "contract_falling_year/expected.csv").open(encoding="utf-8") as file:
        expected = {int(row["year"]): int(row["records"]) for row in csv.DictReader(file)}
    found = {year: united("contract_falling_year", tmp_path, year) for year in expected}
    assert {year: len(rows) for year, rows in found.items()} == expected
    assert Counter(kind for rows in found.values() for _, kind, _ in rows) == {"venture": sum(expected.values())}
