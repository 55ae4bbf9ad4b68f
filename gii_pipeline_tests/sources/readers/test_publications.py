"""Publications: one row an author × affiliation, whatever a work lacks; and what the profile leaves out is said."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline_tests.sources.readers.conftest import Read

SHORT = "record_id, person_seq, address_seq, people, people_truncated, fraction, institution_id, economy, address"
OPENALEX = "https://openalex.org/"


def institution(name: str, ror: str | None = "x") -> dict[str, Any]:
    address = ror and f"https://ror.org/{ror}"
    return {"id": f"{OPENALEX}{name}", "ror": address, "country_code": "FR", "display_name": name}


def author(
    *institutions: dict[str, Any], printed: tuple[str, ...] = (), countries: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "author": {"id": f"{OPENALEX}A1", "display_name": "A Name"},
        "institutions": list(institutions),
        "raw_affiliation_strings": list(printed),
        "countries": list(countries),
    }


def work(number: int, *authors: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": f"{OPENALEX}W{number}",
        "publication_year": 2020,
        "type": "article",
        "is_retracted": False,
        "primary_location": None,
        "primary_topic": None,
        "authorships": list(authors),
    } | more


def lines(path: Path, *works: dict[str, Any]) -> Path:
    path.write_bytes(gzip.compress("".join(json.dumps(item) + "\n" for item in works).encode()))
    return path


def test_an_authors_part_is_split_over_their_affiliations(read: Read, tmp_path: Path) -> None:
    path = lines(
        tmp_path / "works.jsonl.gz",
        work(1, author(institution("I1", "a"), institution("I2", None)), author(printed=("Lab, Oslo, Norway", "Two"))),
        work(2),
        work(3, author(countries=("DE",))),
    )
    ror, own = "https://ror.org/a", f"{OPENALEX}I2"
    assert read("openalex_works", {"works": path}, SHORT) == [
        (f"{OPENALEX}W1", 1, 1, 2, False, 0.25, ror, "FR", "I1"),
        (f"{OPENALEX}W1", 1, 2, 2, False, 0.25, own, "FR", "I2"),
        (f"{OPENALEX}W1", 2, 1, 2, False, 0.5, None, None, "Lab, Oslo, Norway; Two"),
        (f"{OPENALEX}W2", 0, 1, 0, False, 1.0, None, None, None),
        (f"{OPENALEX}W3", 1, 1, 1, False, 1.0, None, "DE", None),
    ]


def test_a_list_of_a_hundred_authors_is_truncated_unless_the_work_says_otherwise(read: Read, tmp_path: Path) -> None:
    hundred = [author(institution("I1"))] * 100
    path = lines(
        tmp_path / "works.jsonl.gz",
        work(1, *hundred),
        work(2, *hundred, is_authors_truncated=False),
        work(3, *hundred[:99]),
        work(4, author(), is_authors_truncated=True),
    )
    rows = read("openalex_works", {"works": path}, "record_id, people, people_truncated")
    assert sorted(set(rows)) == [
        (f"{OPENALEX}W1", 100, True),
        (f"{OPENALEX}W2", 100, False),
        (f"{OPENALEX}W3", 99, False),
        (f"{OPENALEX}W4", 1, True),
    ]


def test_what_a_profile_leaves_out_is_dropped_with_its_reason(read: Read, tmp_path: Path) -> None:
    core = {"source": {"is_core": True}}
    path = lines(
        tmp_path / "works.jsonl.gz",
        work(1, author(), author(), is_retracted=True, primary_location=core),
        work(2, author(), is_xpac=True, primary_location=core),
        work(3, author(), type="editorial", primary_location=core),
        work(4, author(), primary_location={"source": None}),
        work(5, author(), primary_location=core, primary_topic={"domain": {"display_name": "Social Sciences"}}),
        work(6, author(), primary_location=core, publication_year=None),
        work(7, author(), primary_location=core, primary_topic={"domain": {"display_name": "Physical Sciences"}}),
    )
    options = {"core_sources_only": True, "drop_domains": ["Social Sciences"], "types": ["article", "review"]}
    rows = read("openalex_works", {"works": path}, "record_id, dropped, person_seq", options)
    assert [row[1] for row in rows if row[2] <= 1] == [
        "retracted",
        "xpac",
        "other_type",
        "not_core_journal",
        "excluded_domain",
        "no_date",
        None,
    ]
    plain = read("openalex_works", {"works": path}, "dropped", {"drop_retracted": False, "drop_xpac": False})
    assert Counter(row[0] for row in plain) == {None: 7, "no_date": 1}


def test_works_of_other_years_and_works_that_openalex_deleted_or_merged_are_dropped(read: Read, tmp_path: Path) -> None:
    path = lines(
        tmp_path / "part_0000.gz",
        *(work(number, author(), publication_year=2018 + number) for number in range(6)),
    )
    deleted, merged = tmp_path / "deleted_ids.csv", tmp_path / "2022-06-30.csv"
    deleted.write_text(
        "work_id,deleted_date\nW2 ,2026-01-01\n,2026-01-01\nhttps://openalex.org/W9,2026-01-01\n", "utf-8"
    )
    merged.write_text("merge_date,id,merge_into_id\n2022-06-30,W4,W1\n", "utf-8")
    files = {"works": path, "deleted_ids": deleted, "merged_ids": merged}
    assert read("openalex_works", files, "record_id, dropped", {"years": [2019, 2022]}) == [
        (f"{OPENALEX}W0", "other_year"),
        (f"{OPENALEX}W1", None),
        (f"{OPENALEX}W2", "deleted"),
        (f"{OPENALEX}W3", None),
        (f"{OPENALEX}W4", "merged"),
        (f"{OPENALEX}W5", "other_year"),
    ]


def test_parquet_parts_and_json_lines_give_the_same_rows(
    read: Read, con: duckdb.DuckDBPyConnection, real_data: Path, tmp_path: Path
) -> None:
    works = real_data / "openalex_works_2026/works_trimmed.jsonl.gz"
    part = tmp_path / "part_0000.parquet"
    con.sql(f"SELECT * FROM read_json('{works}', maximum_object_size = 134217728)").write_parquet(str(part))
    rows = read("openalex_works", {"works": works})
    assert len({row[0] for row in rows}) == 5370
    assert read("openalex_works", {"works": part}) == rows


def test_a_parquet_part_without_a_column_reads_as_if_it_were_empty(read: Read, tmp_path: Path) -> None:
    part = tmp_path / "part.parquet"
    pq.write_table(pa.table({"id": ["W1"], "publication_year": [2020], "type": ["article"]}), part)
    other = lines(tmp_path / "works.jsonl.gz", work(2, author(institution("I1"))))
    rows = read("openalex_works", {"works": [part, other]}, "record_id, person_seq, people, dropped")
    assert rows == [("W1", 0, 0, None), (f"{OPENALEX}W2", 1, 1, None)]


def test_pages_of_the_api_give_each_work_with_its_date_of_change(read: Read, tmp_path: Path) -> None:
    pages = [tmp_path / f"{nth}.json" for nth in range(3)]
    old, new = work(1, author(), updated_date="2026-01-01"), work(1, author(), author(), updated_date="2026-02-01")
    for page, results in zip(pages, ([new, work(2, author())], [old], []), strict=True):
        page.write_text(json.dumps({"meta": {"count": 2, "next_cursor": None}, "results": results}), encoding="utf-8")
    rows = read("openalex_works", {"works": pages}, "record_id, people, changed::DATE::VARCHAR")
    assert sorted(set(rows), key=str) == [
        (f"{OPENALEX}W1", 1, "2026-01-01"),
        (f"{OPENALEX}W1", 2, "2026-02-01"),
        (f"{OPENALEX}W2", 1, None),
    ]


def test_the_real_works_keep_every_authorship(read: Read, real_data: Path) -> None:
    works = real_data / "openalex_works_2026/works_trimmed.jsonl.gz"
    with gzip.open(works, "rt", encoding="utf-8") as file:
        objects = [json.loads(line) for line in file]
    authors = [item for work in objects for item in work["authorships"]]
    nameless = sum(not (place.get("id") or place.get("ror")) for item in authors for place in item["institutions"])
    rows = read("openalex_works", {"works": works}, SHORT, {"drop_retracted": False, "drop_xpac": False})
    assert len({(row[0], row[1]) for row in rows if row[1] > 0}) == len(authors) == 25_737
    assert sum(1 for row in rows if row[1] > 0 and row[6] is None) == 7_192 + nameless
    assert len({(row[0], row[1]) for row in rows if row[2] > 1}) == 1_704
    assert {row[0] for row in rows} == {item["id"] for item in objects}


@pytest.mark.parametrize("damage", ["cut", "not json", "not an object"])
def test_works_that_are_damaged_are_an_input_error_that_names_the_file(read: Read, tmp_path: Path, damage: str) -> None:
    path = lines(tmp_path / "works.jsonl.gz", *(work(number, author(institution("I1"))) for number in range(200)))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-400])
    else:
        path.write_bytes(gzip.compress(b'{"id": "W1"\n<html>\n' if damage == "not json" else b'"W1"\n[3]\n'))
    with pytest.raises(InputError, match=r"works.jsonl.gz"):
        read("openalex_works", {"works": path})


WOS = "PT\tAU\tAF\tTI\tDT\tC1\tPY\tWE\tUT\t\n"
SCI, SSCI = "Science Citation Index Expanded (SCI-EXPANDED)", "Social Science Citation Index (SSCI)"


def wos(ut: str, authors: str, c1: str, *, kind: str = "Article", year: str = "2020", index: str = SCI) -> str:
    return f'J\t{authors}\t{authors}\tA "title\t{kind}\t{c1}\t{year}\t{index}\t{ut}\t\n'


def exported(path: Path, *records: str, encoding: str = "utf-8-sig") -> Path:
    path.write_bytes((WOS + "".join(records)).replace("\n", "\r\n").encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_web_of_science_addresses_belong_to_their_authors(read: Read, tmp_path: Path, encoding: str) -> None:
    path = exported(
        tmp_path / "savedrecs.txt",
        wos(
            "WOS:1",
            "Müller, Jan; Lee, Kim; Nobody, X",
            "[Müller, Jan; Lee, Kim] Univ Calif Berkeley, Dept Chem, Berkeley, CA 94720 USA; "
            "[Lee, Kim] Seoul Natl Univ, Seoul 08826, South Korea.",
            kind="Article; Proceedings Paper",
        ),
        encoding=encoding,
    )
    columns = "person_seq, address_seq, people, round(fraction, 6), economy, address, record_type"
    berkeley = "Univ Calif Berkeley, Dept Chem, Berkeley, CA 94720 USA"
    assert read("web_of_science", {"records": path}, columns) == [
        (1, 1, 3, 0.333333, "USA", berkeley, "article"),
        (2, 1, 3, 0.166667, "USA", berkeley, "article"),
        (2, 2, 3, 0.166667, "South Korea", "Seoul Natl Univ, Seoul 08826, South Korea", "article"),
        (3, 1, 3, 0.333333, None, None, "article"),
    ]


def test_web_of_science_addresses_without_brackets_belong_to_everyone(read: Read, tmp_path: Path) -> None:
    path = exported(
        tmp_path / "savedrecs.txt",
        wos("WOS:1", "A, B; C, D", "CERN, Geneva, Switzerland; Univ Delhi, Delhi 110007, Delhi, India"),
        wos("WOS:2", "", ""),
    )
    assert read("web_of_science", {"records": path}, "record_id, person_seq, people, fraction, address") == [
        ("WOS:1", 1, 2, 0.25, "CERN, Geneva, Switzerland"),
        ("WOS:1", 1, 2, 0.25, "Univ Delhi, Delhi 110007, Delhi, India"),
        ("WOS:1", 2, 2, 0.25, "CERN, Geneva, Switzerland"),
        ("WOS:1", 2, 2, 0.25, "Univ Delhi, Delhi 110007, Delhi, India"),
        ("WOS:2", 0, 0, 1.0, None),
    ]


def test_web_of_science_counts_the_types_and_indexes_of_the_profile(read: Read, tmp_path: Path) -> None:
    path = exported(
        tmp_path / "1.txt",
        wos("WOS:1", "A, B", "[A, B] X, Rome, Italy", kind="Article; Early Access", index=f"{SSCI}; {SCI}"),
        wos("WOS:2", "A, B", "[A, B] X, Rome, Italy", kind="Editorial Material"),
        wos("WOS:3", "A, B", "[A, B] X, Rome, Italy", index=SSCI),
        wos("WOS:4", "A, B", "[A, B] X, Rome, Italy", year=""),
    )
    options = {"types": ["Article"], "indexes": [SCI]}
    assert read("web_of_science", {"records": path}, "record_id, dropped", options) == [
        ("WOS:1", None),
        ("WOS:2", "other_type"),
        ("WOS:3", "other_index"),
        ("WOS:4", "no_date"),
    ]
