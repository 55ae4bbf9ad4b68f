"""Web of Science in every form that it is exported or saved in, and what the tags say beside C1."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from gii_pipeline.errors import InputError
from gii_pipeline_tests.sources.readers.conftest import Read

TAGGED = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Doe, A
   Roe, B
AF Doe, Ann
   Roe, Bea
TI A title
   in two lines
DT Article; Early Access
C1 [Doe, Ann; Roe, Bea] Univ Oslo, Dept Phys, Oslo, Norway.
   [Roe, Bea] ACME Labs, Ithaca, NY 14850 USA.
RP Doe, A (corresponding author), Univ Oslo, Oslo, Norway.
WC Physics, Applied; Chemistry,
   Physical
WE Science Citation Index Expanded (SCI-EXPANDED)
EA JUN 2021
DA 2023-05-06
UT WOS:1
ER

PT J
AU Müller, C
DT Meeting Abstract
C1 CERN, Geneva, Switzerland.
   Univ Delhi, Delhi 110007, India.
PY 2007
UT ISI:2
ER

EF
"""
COLUMNS = "PT\tAU\tAF\tDT\tC1\tRP\tPY\tEA\tUT\n"


def tab(path: Path, *records: str, encoding: str = "utf-8", line_end: str = "\n") -> Path:
    text = COLUMNS + "".join(f"{record}\n" for record in records)
    path.write_bytes(text.replace("\n", line_end).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_tagged_plain_text_is_read(read: Read, tmp_path: Path, encoding: str, line_end: str) -> None:
    path = tmp_path / "savedrecs.txt"
    path.write_bytes(TAGGED.replace("\n", line_end).encode(encoding))
    columns = "record_id, year, record_type, source_type, person_seq, people, fraction, address"
    assert read("web_of_science", {"records": path}, columns) == [
        ("ISI:2", 2007, "meeting_abstract", "Meeting Abstract", 1, 1, 0.5, "CERN, Geneva, Switzerland"),
        ("ISI:2", 2007, "meeting_abstract", "Meeting Abstract", 1, 1, 0.5, "Univ Delhi, Delhi 110007, India"),
        ("WOS:1", 2021, "article", "Article; Early Access", 1, 2, 0.5, "Univ Oslo, Dept Phys, Oslo, Norway"),
        ("WOS:1", 2021, "article", "Article; Early Access", 2, 2, 0.25, "Univ Oslo, Dept Phys, Oslo, Norway"),
        ("WOS:1", 2021, "article", "Article; Early Access", 2, 2, 0.25, "ACME Labs, Ithaca, NY 14850 USA"),
    ]


def test_a_record_has_its_organisations_categories_and_date_of_export(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "savedrecs.txt"
    path.write_text(TAGGED, encoding="utf-8")
    rows = read("web_of_science", {"records": path}, "economy, organisations, fields, traits, changed")
    economy, organisations, fields, traits, changed = rows[-1]
    assert economy == "USA"
    assert organisations == [{"id": None, "name": "ACME Labs", "economy": "USA", "kind": "organisation", "weight": 1.0}]
    assert fields == [{"name": "Physics, Applied", "weight": 0.5}, {"name": "Chemistry, Physical", "weight": 0.5}]
    assert traits == ["index:Science Citation Index Expanded (SCI-EXPANDED)"]
    assert changed == datetime.fromisoformat("2023-05-06")


def test_tagged_plain_text_that_is_cut_short_is_refused(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "savedrecs.txt"
    path.write_text(TAGGED[: TAGGED.index("PY 2007")], encoding="utf-8")
    with pytest.raises(InputError, match=r"savedrecs.txt: cut short at line \d+: the last record has no ER"):
        read("web_of_science", {"records": path})


@pytest.mark.parametrize(
    ("text", "title"), [("TY  - JOUR\nAU  - Doe, A\n", "RIS"), ("@article{ WOS:1,\n", "BibTeX"), ("<html>", "HTML")]
)
def test_an_export_in_another_form_is_named_with_the_forms_that_are_read(
    read: Read, tmp_path: Path, text: str, title: str
) -> None:
    path = tmp_path / "savedrecs.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"savedrecs.txt: the file is .*{title}.*plain text or tab-delimited"):
        read("web_of_science", {"records": path})


@pytest.mark.parametrize(("encoding", "line_end"), [("utf-16", "\r"), ("utf-8", "\r"), ("cp1252", "\r\n")])
def test_tab_delimited_exports_for_the_mac_are_read(read: Read, tmp_path: Path, encoding: str, line_end: str) -> None:
    record = "J\tMüller, A\tMüller, Ann\tArticle\t[Müller, Ann] Univ Göteborg, Gothenburg, Sweden.\t\t2019\t\tWOS:1\t"
    path = tab(tmp_path / "savedrecs.txt", record.rstrip("\t"), encoding=encoding, line_end=line_end)
    assert read("web_of_science", {"records": path}, "record_id, year, address") == [
        ("WOS:1", 2019, "Univ Göteborg, Gothenburg, Sweden")
    ]


def test_an_export_that_was_saved_again_with_quotes_keeps_every_address(read: Read, tmp_path: Path) -> None:
    record = (
        'J\t"Doe, A; Roe, B"\t"Doe, A; Roe, B"\tArticle\t"[Doe, A] Univ X, Oslo, Norway; [Roe, B] Univ ""Y"", Milan, '
        'Italy."\t\t2019\t\tWOS:1'
    )
    path = tab(tmp_path / "merged.txt", record)
    assert read("web_of_science", {"records": path}, "person_seq, economy, address") == [
        (1, "Norway", "Univ X, Oslo, Norway"),
        (2, "Italy", 'Univ "Y", Milan, Italy'),
    ]


def test_the_reprint_address_serves_its_author_where_c1_gives_none(read: Read, tmp_path: Path) -> None:
    path = tab(
        tmp_path / "savedrecs.txt",
        "J\tDoe, A; Roe, B\tDoe, Ann; Roe, Bea\tArticle\t\t"
        "Roe, B (reprint author), Univ Y, Milan, Italy.\t1999\t\tWOS:1",
        "J\tDoe, A; Roe, B; Poe, C\t\tArticle\t[Doe, A] Univ X, Oslo, Norway.\t"
        "Doe, A; Roe, B (corresponding author), Univ Y, Milan, Italy.; Poe, C (corresponding author), Z, Rome, Italy.\t"
        "2020\t\tWOS:2",
    )
    assert read("web_of_science", {"records": path}, "record_id, person_seq, address") == [
        ("WOS:1", 1, None),
        ("WOS:1", 2, "Univ Y, Milan, Italy"),
        ("WOS:2", 1, "Univ X, Oslo, Norway"),
        ("WOS:2", 2, "Univ Y, Milan, Italy"),
        ("WOS:2", 3, "Z, Rome, Italy"),
    ]


def test_the_type_is_the_first_that_says_what_kind_a_paper_is(read: Read, tmp_path: Path) -> None:
    printed = [
        "Article; Proceedings Paper",
        "Early Access; Review",
        "Article; Retracted Publication",
        "Proceedings Paper",
    ]
    path = tab(
        tmp_path / "savedrecs.txt",
        *(f"J\tA\tA\t{kind}\t\t\t2019\t\tWOS:{nth}" for nth, kind in enumerate(printed)),
    )
    rows = read("web_of_science", {"records": path}, "record_type, traits, dropped", {"types": ["article"]})
    assert rows == [
        ("article", [], None),
        ("review", [], "other_type"),
        ("article", ["retracted"], None),
        ("proceedings_paper", [], "other_type"),
    ]


def test_a_record_without_a_year_keeps_what_was_printed_and_one_without_an_id_is_refused(
    read: Read, tmp_path: Path
) -> None:
    path = tab(tmp_path / "r.txt", "J\tA\tA\tArticle\t\t\tin press\t\tWOS:1", "J\tA\tA\tArticle\t\t\t2019\t\t")
    rows = read("web_of_science", {"records": path}, "record_id, year, year_text, dropped, source_rows")
    assert rows == [("WOS:1", None, "in press", "no_date", 1), (None, 2019, None, "no_id", 1)]


def test_an_option_whose_column_one_export_lacks_is_refused_by_name(read: Read, tmp_path: Path) -> None:
    path = tab(tmp_path / "short.txt", "J\tA\tA\tArticle\t\t\t2019\t\tWOS:1")
    full = tmp_path / "full.txt"
    full.write_text(TAGGED, encoding="utf-8")
    with pytest.raises(InputError, match=r"short.txt: the option `indexes` needs the column WE.*Export `Full Record`"):
        read("web_of_science", {"records": [full, path]}, options={"indexes": ["SSCI"]})
    assert read("web_of_science", {"records": [full, path]}, "dropped", {"types": ["thesis"]})[0] == ("other_type",)


def test_a_paper_of_ten_thousand_authors_is_read(read: Read, tmp_path: Path) -> None:
    names = [f"Doe, A{nth}" for nth in range(10_000)]
    groups = "; ".join(f"[{'; '.join(names[at::100])}] Univ {at}, Oslo, Norway" for at in range(100))
    path = tab(tmp_path / "r.txt", f"J\t{'; '.join(names)}\t\tArticle\t{groups}\t\t2019\t\tWOS:1")
    rows = read("web_of_science", {"records": path}, "person_seq, people, address")
    assert len(rows) == 10_000
    assert rows[101] == (102, 10_000, "Univ 1, Oslo, Norway")


def test_an_excel_file_is_named_and_refused(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "savedrecs.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512)
    with pytest.raises(InputError, match=r"savedrecs.xls: .*Excel"):
        read("web_of_science", {"records": path})


def test_an_article_is_one_in_whatever_order_its_types_stand(read: Read, tmp_path: Path) -> None:
    orders = ("Article; Data Paper", "Data Paper; Article", "Early Access; Proceedings Paper; Article", "Data Paper")
    rows = [
        f"J\tDoe, A\tDoe, Ann\t{types}\tCERN, Geneva, Switzerland.\t\t2018\t\tWOS:{n}" for n, types in enumerate(orders)
    ]
    path = tab(tmp_path / "savedrecs.txt", *rows)
    found = read("web_of_science", {"records": path}, "record_type")
    assert found == [("article",), ("article",), ("article",), ("data_paper",)]


@pytest.mark.parametrize("separator", ["\t", ","])
def test_an_export_whose_columns_are_in_words_is_read(read: Read, tmp_path: Path, separator: str) -> None:
    record = {
        "Publication Type": "J",
        "Authors": "Doe, A",
        "Author Full Names": "Doe, Ann",
        "Document Type": "Article",
        "Addresses": "[Doe, Ann] Univ Oslo, Oslo, Norway",
        "Publication Year": "2021",
        "Web of Science Index": "Science Citation Index Expanded (SCI-EXPANDED)",
        "UT (Unique WOS ID)": "WOS:1",
    }
    lines = [separator.join(f'"{field}"' for field in row) for row in (record, record.values())]
    path = tmp_path / "savedrecs.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    index = ["Science Citation Index Expanded (SCI-EXPANDED)"]
    found = read("web_of_science", {"records": path}, "record_id, year, economy, dropped", {"indexes": index})
    assert found == [("WOS:1", 2021, "Norway", None)]
