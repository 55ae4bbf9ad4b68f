"""OpenAlex in every form that people keep it in, with whatever fields a vintage has."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline_tests.sources.readers.conftest import Read
from gii_pipeline_tests.sources.readers.test_publications import OPENALEX, author, institution, lines, work

BOTH = [(f"{OPENALEX}W1", "Lab"), (f"{OPENALEX}W2", "Lab")]


def two() -> list[dict[str, Any]]:
    return [work(number, author(institution("Lab")), updated_date="2025-01-01") for number in (1, 2)]


def page(**more: Any) -> str:
    return json.dumps(more | {"results": two()})


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + "\n".join(map(json.dumps, two())),
        "\n\n" + "\r\n\r\n".join(map(json.dumps, two())) + "\n  \n",
        "\n".join(json.dumps(dict(reversed(item.items()))) for item in two()),
        json.dumps(two()),
        "\ufeff" + json.dumps(two(), indent=1),
        "\n".join(json.dumps(item, indent=2) for item in two()),
        page(meta={"count": 2}),
        json.dumps({"cost": 1, "results": two(), "meta": {}, "group_by": []}, indent=1),
        json.dumps({"facets": None, "meta": {}, "results": two()}),
    ],
    ids=[
        "bom",
        "blank lines",
        "other key order",
        "array",
        "indented array",
        "indented objects",
        "page",
        "indented page",
        "page with other keys first",
    ],
)
def test_works_are_read_in_whatever_form_of_json(read: Read, tmp_path: Path, text: str) -> None:
    path = tmp_path / "works"
    path.write_text(text, encoding="utf-8")
    assert read("openalex_works", {"works": path}, "record_id, address") == BOTH


def test_a_file_of_another_kind_is_named_with_the_forms_that_are_read(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "works.json"
    path.write_text("<!DOCTYPE html>\n<html>", encoding="utf-8")
    with pytest.raises(InputError, match=r"works.json: neither JSON nor Parquet; it begins with '<!DOCTYPE html>"):
        read("openalex_works", {"works": path})


def test_fields_that_a_vintage_lacks_are_null_in_parquet_as_in_json(read: Read, tmp_path: Path) -> None:
    old = {
        "id": f"{OPENALEX}W1",
        "publication_year": 2020,
        "type": "journal-article",
        "primary_location": {"source": {"id": "S1"}},
        "authorships": [{"institutions": [{"id": f"{OPENALEX}I1", "display_name": "Lab"}], "author": {"id": "A1"}}],
    }
    part = tmp_path / "part.parquet"
    pq.write_table(pa.Table.from_pylist([old]), part)
    rows = read("openalex_works", {"works": lines(tmp_path / "works.jsonl.gz", old)})
    assert read("openalex_works", {"works": part}) == rows
    assert read("openalex_works", {"works": part}, "record_type, source_type, economy, address") == [
        ("article", "journal-article", None, "Lab")
    ]


def test_a_string_that_names_several_institutions_is_one_affiliation(read: Read, tmp_path: Path) -> None:
    cnrs, lyon, lille, alone = (institution(name, name) for name in ("CNRS", "Lyon", "Lille", "Alone"))
    written = author(
        cnrs, lyon, lille, alone, printed=("CNRS, Univ Lyon, Lyon", "Univ Lille", "Lab, Univ Lille", "Thanks")
    )
    written["affiliations"] = [
        {"raw_affiliation_string": text, "institution_ids": [f"{OPENALEX}{name}" for name in names]}
        for text, names in (
            ("CNRS, Univ Lyon, Lyon", ("Lyon", "CNRS")),
            ("Univ Lille", ("Lille",)),
            ("Lab, Univ Lille", ("Lille",)),
            ("Thanks", ()),
        )
    ]
    one_string = author(cnrs, lyon, printed=("CNRS, Univ Lyon, Lyon",))
    path = lines(tmp_path / "works.jsonl.gz", work(1, written), work(2, one_string))
    rows = read("openalex_works", {"works": path}, "address_seq, round(fraction, 6), institution_id, address")
    assert rows == [
        (1, 0.166667, "https://ror.org/CNRS", "CNRS, Univ Lyon, Lyon"),
        (2, 0.166667, "https://ror.org/Lyon", "CNRS, Univ Lyon, Lyon"),
        (3, 0.333333, "https://ror.org/Lille", "Lille"),
        (4, 0.333333, "https://ror.org/Alone", "Alone"),
        (1, 0.5, "https://ror.org/CNRS", "CNRS, Univ Lyon, Lyon"),
        (2, 0.5, "https://ror.org/Lyon", "CNRS, Univ Lyon, Lyon"),
    ]


def test_a_work_has_its_organisations_field_and_date_of_change(read: Read, tmp_path: Path) -> None:
    path = lines(
        tmp_path / "works.jsonl.gz",
        work(
            1,
            author(institution("Lab", None)),
            author(printed=("Somewhere",)),
            primary_topic={"domain": {"display_name": "Physical Sciences"}, "field": {"display_name": "Chemistry"}},
            primary_location={"source": {"is_core": True}},
            updated_date="2025-11-06T03:46:38.306776",
        ),
        work(2, publication_year=None, publication_date="sometime"),
    )
    lab = {"id": f"{OPENALEX}Lab", "name": "Lab", "economy": "FR", "kind": "organisation", "weight": 1.0}
    changed = datetime.fromisoformat("2025-11-06T03:46:38.306776")
    columns = "organisations, fields, traits, changed, source_rows, year_text"
    assert read("openalex_works", {"works": path}, columns) == [
        ([lab], [{"name": "Chemistry", "weight": 1.0}], ["core", "domain:Physical Sciences"], changed, 1, None),
        (None, [{"name": "Chemistry", "weight": 1.0}], ["core", "domain:Physical Sciences"], changed, 0, None),
        (None, None, [], None, 1, "sometime"),
    ]


def test_a_work_without_an_id_is_refused_with_its_reason(read: Read, tmp_path: Path) -> None:
    path = lines(tmp_path / "works.jsonl.gz", work(1, author()), {"publication_year": 2020, "type": "article"})
    rows = read("openalex_works", {"works": path}, "record_id, dropped, source_rows")
    assert rows == [(f"{OPENALEX}W1", None, 1), (None, "no_id", 1)]


def test_papers_of_proceedings_are_told_from_articles_of_journals(read: Read, tmp_path: Path) -> None:
    def at(raw_type: str, kind: str | None) -> dict[str, Any]:
        return {"raw_type": raw_type, "source": kind and {"type": kind}}

    path = lines(
        tmp_path / "works.jsonl.gz",
        work(1, primary_location=at("journal-article", "journal")),
        work(2, primary_location=at("proceedings-article", "journal")),
        work(3, primary_location=at("proceedings-article", None)),
        work(4, primary_location=at("", "conference")),
        work(5, type="proceedings-article"),
        work(6, type="review", primary_location=at("proceedings-article", None)),
        work(7, type="something new"),
    )
    rows = read("openalex_works", {"works": path}, "record_type, source_type")
    assert [row[0] for row in rows] == [
        "article", "article", "proceedings_paper", "proceedings_paper", "proceedings_paper", "review", "other"
    ]  # fmt: skip
    assert rows[-1][1] == "something new"


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_an_option_whose_field_a_vintage_lacks_is_refused(read: Read, tmp_path: Path, form: str) -> None:
    old = [work(number, author(), primary_location={"source": {"id": "S1"}}) for number in (1, 2)]
    path = lines(tmp_path / "works-of-2022", *old)
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(old), path)
    new = lines(tmp_path / "new", work(3, author(), primary_location={"source": {"is_core": False}}))
    nowhere = lines(tmp_path / "nowhere", work(4, author()))
    options = {"core_sources_only": True}
    told = "works-of-2022: the option `core_sources_only` needs primary_location.source.is_core"
    with pytest.raises(InputError, match=told):
        read("openalex_works", {"works": [new, path]}, options=options)
    assert len(read("openalex_works", {"works": [new, nowhere]}, options=options)) == 2
    assert len(read("openalex_works", {"works": [new, path]})) == 3


@pytest.mark.parametrize(
    "text",
    [
        '{"error": "Rate limit exceeded", "message": "Insufficient budget."}',
        '{"meta": {"count": 1}, "results": [{"id": "https://openalex.org/I1", "display_name": "ETH"}]}',
        '{"id": "https://openalex.org/I1", "display_name": "ETH"}\n',
    ],
)
def test_objects_that_are_no_works_are_refused(read: Read, tmp_path: Path, text: str) -> None:
    path = tmp_path / "works.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"works\.json: it has no work of OpenAlex"):
        read("openalex_works", {"works": path}, "record_id")


@pytest.mark.parametrize("text", ['{{"id": "W1", "authorships": {}}}\n', '{{\n"id": "W1", "authorships": {}}}', "{}"])
def test_an_object_that_is_nested_too_deeply_is_named(read: Read, tmp_path: Path, text: str) -> None:
    path = tmp_path / "works.json"
    path.write_text(text.format("[" * 200_000 + "]" * 200_000), encoding="utf-8")
    with pytest.raises(InputError, match=r"works\.json"):
        read("openalex_works", {"works": path})
