"""Scopus exports: whose address is whose, in both forms of the columns."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gii_pipeline.errors import InputError
from gii_pipeline_tests.sources.readers.conftest import Read

HEADER = [
    "Authors",
    "Author(s) ID",
    "Title",
    "Year",
    "Affiliations",
    "Authors with affiliations",
    "Document Type",
    "EID",
]
OSLO = "Department of Physics, University of Oslo, Oslo, Norway"
CERN = "CERN, Geneva, Switzerland"


def export(path: Path, *records: list[str], header: list[str] = HEADER, encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([header, *records])
    return path


def test_an_authors_addresses_are_those_that_their_part_names(read: Read, tmp_path: Path) -> None:
    new = [
        "Doe J.; Roe R.; Poe P.", "1; 2; 3", "A title", "2023", f"{OSLO}; {CERN}",
        f"Doe J., {OSLO}, {CERN}; Roe R., {CERN}; Poe P.", "Article", "2-s2.0-1",
    ]  # fmt: skip
    old = [
        "Doe, J., Roe, R.-M.", "1;2;", "A title", "2019", OSLO,
        f"Doe, J., {OSLO}; Roe, R.-M., Somewhere Else, Kyoto, Japan", "Conference Paper", "2-s2.0-2",
    ]  # fmt: skip
    path = export(tmp_path / "scopus.csv", new, old)
    columns = "record_id, record_type, person_seq, people, round(fraction, 6), economy, address"
    assert read("scopus", {"records": path}, columns) == [
        ("2-s2.0-1", "article", 1, 3, 0.166667, "Norway", OSLO),
        ("2-s2.0-1", "article", 1, 3, 0.166667, "Switzerland", CERN),
        ("2-s2.0-1", "article", 2, 3, 0.333333, "Switzerland", CERN),
        ("2-s2.0-1", "article", 3, 3, 0.333333, None, None),
        ("2-s2.0-2", "proceedings_paper", 1, 2, 0.5, "Norway", OSLO),
        ("2-s2.0-2", "proceedings_paper", 2, 2, 0.5, "Japan", "Somewhere Else, Kyoto, Japan"),
    ]


def test_an_address_that_ends_another_is_an_authors_only_where_it_stands_alone(read: Read, tmp_path: Path) -> None:
    lab, whole = f"Lab, {CERN}", CERN
    record = [
        "Doe J.; Roe R.",
        "1; 2",
        "T",
        "2023",
        f"{lab}; {whole}",
        f"Doe J., {lab}; Roe R., {whole}",
        "Review",
        "E1",
    ]
    rows = read("scopus", {"records": export(tmp_path / "scopus.csv", record)}, "person_seq, address")
    assert rows == [(1, lab), (2, whole)]


def test_where_authors_are_not_told_apart_everyone_has_every_address(read: Read, tmp_path: Path) -> None:
    record = ["Doe J.; Roe R.", "1; 2", "T", "2023", f"{OSLO}; {CERN}", "", "Article", "E1"]
    nobody = ["", "", "T", "2023", "", "", "Erratum", "E2"]
    path = export(tmp_path / "scopus.csv", record, nobody)
    assert len(read("scopus", {"records": path})) == 5
    rows = read("scopus", {"records": path}, "record_id, record_type, person_seq, people, fraction, address")
    assert rows[-1] == ("E2", "correction", 0, 0, 1.0, None)
    assert {row[-1] for row in rows[:4]} == {OSLO, CERN}


def test_an_address_names_its_organisation_and_not_a_part_of_it(read: Read, tmp_path: Path) -> None:
    record = ["Doe J.", "1", "T", "2023", OSLO, f"Doe J., {OSLO}", "Article", "E1"]
    [(organisations, fields)] = read("scopus", {"records": export(tmp_path / "s.csv", record)}, "organisations, fields")
    assert [(each["name"], each["economy"]) for each in organisations] == [("University of Oslo", "Norway")]
    assert fields is None


def test_types_choose_and_what_cannot_count_says_why(read: Read, tmp_path: Path) -> None:
    def record(kind: str, year: str, eid: str) -> list[str]:
        return ["Doe J.", "1", "T", year, OSLO, f"Doe J., {OSLO}", kind, eid]

    path = export(
        tmp_path / "scopus.csv",
        record("Article", "2023", "E1"),
        record("Note", "2023", "E2"),
        record("Article", "", "E3"),
    )
    rows = read("scopus", {"records": path}, "record_id, dropped", {"types": ["article", "Letter"]})
    assert rows == [("E1", None), ("E2", "other_type"), ("E3", "no_date")]


def test_an_export_without_affiliations_is_refused_by_the_columns_it_lacks(read: Read, tmp_path: Path) -> None:
    path = export(tmp_path / "scopus.csv", ["Doe J.", "T", "2023", "E1"], header=["Authors", "Title", "Year", "EID"])
    with pytest.raises(InputError, match=r"scopus.csv: .*Authors with affiliations.*missing"):
        read("scopus", {"records": path})
