"""Who applied and in what field, from every table that has it; the names of people stay in the readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gii_pipeline.sources.readers.organisations import is_organisation
from gii_pipeline.sources.readers.technology import concordance, fields_by_symbol
from gii_pipeline_tests.sources.readers.conftest import Read


def parts(fields: list[dict[str, Any]]) -> dict[str, float]:
    return {field["name"]: round(field["weight"], 6) for field in fields}


def applied(organisations: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [(each["name"], each["economy"], each["kind"], round(each["weight"], 6)) for each in organisations]


@pytest.mark.parametrize(
    ("name", "organised"),
    [
        ("SIEMENS AKTIENGESELLSCHAFT", True),
        ("Koninklijke Philips N.V.", True),
        ("L'OREAL", True),
        ("Commissariat à l'énergie atomique", True),
        ("Procter & Gamble", True),
        ("华为技术有限公司", True),
        ("DOE, Jane", False),
        ("Jane Doe", False),
        ("LEE, Se", False),
        ("BANKS, John", False),
        ("王伟", False),
        ("Иванов Иван", False),
    ],
)
def test_an_organisation_is_told_from_a_person_by_its_name(
    con: duckdb.DuckDBPyConnection, name: str, organised: bool
) -> None:
    [(found,)] = con.execute(f"SELECT {is_organisation('name')} FROM (SELECT ? AS name)", [name]).fetchall()
    assert found is organised


def test_an_ipc_symbol_lies_in_one_of_the_35_fields_whatever_its_spelling(con: duckdb.DuckDBPyConnection) -> None:
    symbols = {
        "G01N  33/50": "Analysis of biological materials",
        "G01N0033500000": "Analysis of biological materials",
        "G01N 21/00": "Measurement",
        "H04N7/18": "Telecommunications",
        "h04l": "Digital communication",
        "A61K 8/02": "Organic fine chemistry",
        "A61K 80/02": "Pharmaceuticals",
        "B01D53/00": "Environmental technology",
        "G02": "Optics",
        "Z99Z 1/00": None,
        "none": None,
    }
    for symbol, field in symbols.items():
        rows = con.sql(
            f"SELECT fields FROM {fields_by_symbol(f'(SELECT 1 AS id, {symbol!r} AS symbol)', 'id')}"
        ).fetchall()
        assert [parts(row[0]) for row in rows] == ([{field: 1.0}] if field else []), symbol
    [(fields, sections)] = con.sql(
        f"SELECT count(DISTINCT number), list_sort(list(DISTINCT ipc[1])) FROM {concordance()}"
    ).fetchall()
    assert (fields, "".join(sections)) == (35, "ABCDEFGH")


def test_regpats_applicants_and_ipc_give_organisations_and_fields(read: Read, tmp_path: Path) -> None:
    inventors, applicants, ipc = (tmp_path / name for name in ("inv.txt", "app.txt", "ipc.txt"))
    inventors.write_text(
        "pct_nbr|inv_name|address|ctry_code|reg_share|inv_share\n"
        "WO2020000001|Doe, Ann|Oslo|NO|1|0.5\nWO2020000001|Roe, Bea|Bergen|NO|1|0,5\nWO2020000002|Poe, C|Rome|IT|1|1\n",
        encoding="utf-8",
    )
    applicants.write_text(
        "pct_nbr|app_name|address|reg_code|ctry_code|reg_share|app_share\n"
        "WO2020000001|ACME GMBH|Berlin|DE3|DE|0.5|0.3333\nWO2020000001|ACME GMBH|Berlin|DE4|DE|0.5|0.3333\n"
        "WO2020000001|DOE, ANN|Oslo|NO0|NO|1|0.3333\nWO2020000001|MOE, TIM|Oslo|NO0|NO|1|0.3333\n",
        encoding="utf-8",
    )
    ipc.write_text(
        "pct_nbr|prio_year|app_year|IPC\nWO2020000001|2018|2019|H04L\nWO2020000001|2018|2019|H04W\n"
        "WO2020000001|2018|2019|G06Q\nWO2020000002|2018|2019|Z99Z\n",
        encoding="utf-8",
    )
    files = {"inventors": inventors, "applicants": applicants, "years": ipc}
    rows = read("regpat", files, "record_id, organisations, fields, fraction, source_rows")
    assert applied(rows[0][1]) == [
        ("ACME GMBH", "DE", "organisation", 0.333333),
        (None, "NO", "individual", 0.333333),
        (None, "NO", "individual", 0.333333),
    ]
    assert parts(rows[0][2]) == {"Digital communication": 0.666667, "IT methods for management": 0.333333}
    assert [(row[0], row[3], row[4]) for row in rows] == [
        ("WO2020000001", 0.5, 2),
        ("WO2020000001", 0.5, 0),
        ("WO2020000002", 1.0, 1),
    ]
    assert rows[2][1:3] == (None, None)
    assert not [row for row in rows if "DOE" in str(row).upper() or "MOE" in str(row).upper()]


def csv(path: Path, *lines: str, delimiter: str = ";") -> Path:
    path.write_text("".join(line.replace(";", delimiter) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("delimiter", [";", ","])
def test_patstats_sectors_and_technical_fields_are_taken(read: Read, tmp_path: Path, delimiter: str) -> None:
    def table(name: str, *lines: str) -> Path:
        return csv(tmp_path / f"{name}.csv", *lines, delimiter=delimiter)

    files = {
        "applications": table(
            "tls201", "appln_id;appln_auth;appln_kind;earliest_publn_year", "1;WO;W;2021", "2;US;A;2021", ";WO;W;2021"
        ),
        "links": table("tls207", "person_id;appln_id;applt_seq_nr;invt_seq_nr", "7;1;0;1", "8;1;1;0", "9;1;2;0"),
        "persons": table(
            "tls206",
            "person_id;person_name;person_address;person_ctry_code;psn_id;psn_name;psn_sector",
            "7;DOE ANN;Oslo;NO;70;DOE ANN;INDIVIDUAL",
            "8;Nordic something;Oslo;NO;80;NORDIC SOMETHING;COMPANY",
            "9;MOE TIM;Rome;IT;90;MOE TIM;UNKNOWN",
        ),
        "technology": table("tls230", "appln_id;techn_field_nr;weight", "1;4;0.75", "1;6;0.25"),
    }
    rows = read("patstat", files, "record_id, dropped, source_rows, organisations, fields")
    assert {row[:3] for row in rows} == {("1", None, 1), (None, "not_international", 1), (None, "no_id", 1)}
    assert applied(rows[0][3]) == [
        ("NORDIC SOMETHING", "NO", "organisation", 0.5),
        (None, "IT", "individual", 0.5),
    ]
    assert rows[0][3][0]["id"] == "psn:80"
    assert parts(rows[0][4]) == {"Digital communication": 0.75, "Computer technology": 0.25}


def tsv(path: Path, *lines: str) -> Path:
    return csv(path, *lines, delimiter="\t")


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    """Patents of one PCT publication, and applications: of one of these patents, and one that is not granted."""
    return {
        "pct": tsv(
            tmp_path / "g_pct_data.tsv",
            "patent_id;published_or_filed_date;pct_doc_number;pct_doc_type",
            "10000001;2019-01-03;WO2019/000001;wo_grant",
            "9000001;2019-01-03;WO2019/000001;wo_grant",
            "D0100000;2019-01-03;WO2019/000001;wo_grant",
            "10000001;2018-01-03;;pct_application",
        ),
        "inventors": tsv(
            tmp_path / "g_inventor.tsv",
            "patent_id;inventor_sequence;inventor_id;location_id",
            "9000001;0;a;l1",
            "10000001;0;b;l2",
            "10000001;1;c;l2",
        ),
        "locations": tsv(
            tmp_path / "g_location.tsv",
            "location_id;disambig_city;disambig_state;disambig_country;latitude;longitude",
            "l1;Austin;TX;US;30.27;-97.74",
            "l2;Graz;;AT;47.07;15.43",
        ),
        "assignees": tsv(
            tmp_path / "g_assignee.tsv",
            "patent_id;assignee_sequence;assignee_id;disambig_assignee_organization;location_id",
            "9000001;0;o1;Acme Something;l1",
            "9000001;1;o2;;l2",
        ),
        "technology": tsv(
            tmp_path / "g_wipo.tsv", "patent_id;wipo_field_id;wipo_field_title", "9000001;8;x", "9000001;D2;x"
        ),
        "pregrant_pct": tsv(
            tmp_path / "pg_pct_data.tsv",
            "pgpub_id;published_or_filed_date;pct_doc_number;pct_doc_type",
            "20190000001;2019-01-03;WO2019/1;wo_grant",
            "20190000002;2019-01-03;WO 2019/000099;wo_grant",
            "20240000001;2023-05-04;WO2023/000007;wo_grant",
        ),
        "pregrant_inventors": tsv(
            tmp_path / "pg_inventor.tsv",
            "pgpub_id;inventor_sequence;inventor_id;location_id",
            "20190000001;0;z;l9",
            "20240000001;0;d;l9",
        ),
        "pregrant_locations": tsv(
            tmp_path / "pg_location.tsv",
            "location_id;disambig_city;disambig_state;disambig_country;latitude;longitude",
            "l9;Oslo;;NO;59.91;10.74",
        ),
        "crosswalk": tsv(tmp_path / "crosswalk.tsv", "pgpub_id;patent_id;application_id", "20190000002;9000001;16"),
    }


def test_a_pct_publication_counts_once_over_patents_and_applications(read: Read, tables: dict[str, Path]) -> None:
    columns = "record_id, year, dropped, people, city, source_rows"
    assert read("patentsview_tables", tables, columns) == [
        ("WO2019/000001", 2019, None, 1, "Austin", 5),
        ("WO2023/000007", 2023, None, 1, "Oslo", 1),
        (None, 2018, "no_id", 0, None, 1),
    ]
    granted = {role: path for role, path in tables.items() if not role.startswith(("pregrant", "crosswalk"))}
    assert [row[0] for row in read("patentsview_tables", granted, columns)] == ["WO2019/000001", None]


def test_patentsviews_assignees_and_fields_are_taken(read: Read, tables: dict[str, Path]) -> None:
    rows = read("patentsview_tables", tables, "organisations, fields")
    assert applied(rows[0][0]) == [("Acme Something", "US", "organisation", 0.5), (None, "AT", "individual", 0.5)]
    assert rows[0][0][0]["id"] == "o1"
    assert parts(rows[0][1]) == {"Semiconductors": 1.0}
    assert rows[1] == (None, None)


def test_tables_of_a_vintage_without_assignees_and_fields_leave_them_unknown(
    read: Read, tables: dict[str, Path]
) -> None:
    needed = {role: tables[role] for role in ("pct", "inventors", "locations")}
    [granted, *_] = read("patentsview_tables", needed, "record_id, organisations, fields")
    assert granted == ("WO2019/000001", None, None)


def test_works_of_a_vintage_without_topics_and_institutions_without_names_are_read(read: Read, tmp_path: Path) -> None:
    ror = "https://ror.org/05591te55"
    nameless = {"id": "https://openalex.org/I1", "ror": ror, "country_code": "DE", "display_name": None}
    old = {
        "id": "https://openalex.org/W1",
        "publication_year": 2020,
        "type": "article",
        "authorships": [{"institutions": [nameless], "raw_affiliation_strings": ["Uni, München"], "countries": ["DE"]}],
    }
    path = tmp_path / "works.jsonl"
    path.write_text(json.dumps(old) + "\n", encoding="utf-8")
    [(organisations, fields, fraction)] = read("openalex_works", {"works": path}, "organisations, fields, fraction")
    assert [(each["id"], each["name"]) for each in organisations] == [(ror, None)]
    assert (fields, fraction) == (None, 1.0)
