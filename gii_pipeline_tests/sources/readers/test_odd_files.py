"""Files that people and programs have changed give the right rows or a clear error: nothing is lost in silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.choosing import refuse_without
from gii_pipeline_tests.faults.inputs import zip_of
from gii_pipeline_tests.sources.readers.conftest import Read
from gii_pipeline_tests.sources.readers.test_saved_again import TABLES
from gii_pipeline_tests.sources.test_extract_versions import CORPORA, FORM_D, GAZETTE

PATSTAT: Final = TABLES["patstat"].files
VIEW: Final = TABLES["patentsview_tables"].files
REGPAT: Final = str(TABLES["regpat of 2016"].files["inventors"])
TAGGED: Final = CORPORA["web_of_science"].files["records"]
ROUNDS: Final = "uuid,investment_type,announced_on,org_uuid,city\n"
OLD_ROUNDS: Final = {
    "rounds": "company_permalink,funding_round_permalink,funding_round_type,funded_at\n/o/a,r1,venture,02-12-2014\n"
    "/O/A,R1,venture,02-12-2014\n",
    "companies": "permalink,country_code,state_code,city\n/o/a,FRA,A8,Paris\n",
}
Files = Mapping[str, Any]


def with_row(files: Files, role: str, row: str) -> Files:
    return {**files, role: f"{files[role]}{row}\n"}


def changed(files: Files, role: str, old: str, new: str) -> Files:
    assert old in files[role]
    return {**files, role: files[role].replace(old, new)}


def written(folder: Path, files: Files) -> dict[str, Path]:
    paths = {role: folder / role for role in files}
    for role, content in files.items():
        paths[role].write_bytes(zip_of(content) if isinstance(content, Mapping) else content.encode())
    return paths


AS_BEFORE: Final[Mapping[str, tuple[str, Files, Files]]] = {
    "an application that is listed twice": ("patstat", PATSTAT, with_row(PATSTAT, "applications", "901,WO,W ,2022,2")),
    "a link that is listed twice": ("patstat", PATSTAT, with_row(PATSTAT, "links", "71,901,1,2")),
    "a person who is listed twice": (
        "patstat",
        PATSTAT,
        with_row(PATSTAT, "persons", '71,A,"1 Rue X, 69001 Lyon",FR,INDIVIDUAL'),
    ),
    "a location that is listed twice": (
        "patentsview_tables",
        VIEW,
        with_row(VIEW, "locations", "l1\tGraz\t\tAT\t47.07\t15.43\t"),
    ),
    "an inventor who is listed twice": ("patentsview_tables", VIEW, with_row(VIEW, "inventors", "100\t0\ti-a\tl1")),
    "blank lines": ("regpat", {"inventors": REGPAT}, {"inventors": REGPAT.replace("\n", "\n\n")}),
    "an offering that is listed twice": (
        "sec_form_d",
        {"sets": FORM_D},
        {"sets": {**FORM_D, "OFFERING.tsv": FORM_D["OFFERING.tsv"] + FORM_D["OFFERING.tsv"].splitlines()[1] + "\n"}},
    ),
    "a column that stands twice with the same values": (
        "crunchbase_export",
        {"rounds": ROUNDS + "u,seed,2015-01-01,o,Oslo\n"},
        {"rounds": f"{ROUNDS.strip()},city\nu,seed,2015-01-01,o,Oslo,Oslo\n"},
    ),
}
"""What was done to the files -> the reader, the files, and the files thereafter: the same people."""


@pytest.mark.parametrize("case", AS_BEFORE)
def test_what_stands_twice_counts_once(read: Read, tmp_path: Path, case: str) -> None:
    reader, before, after = AS_BEFORE[case]
    columns = "record_id, year, dropped, person_seq, people, fraction, city, economy, organisations"
    once = read(reader, written(tmp_path, before), columns)
    assert read(reader, written(tmp_path, after), columns) == once


REFUSED: Final[Mapping[str, tuple[str, Files, str]]] = {
    "two persons of one number": (
        "patstat",
        with_row(PATSTAT, "persons", "71,A,2 Rue Y,FR,INDIVIDUAL"),
        r"persons: different rows have the same person_id, for instance 71\. List each part",
    ),
    "two locations of one number": (
        "patentsview_tables",
        with_row(VIEW, "locations", "l1\tLinz\t\tAT\t48.31\t14.29\t"),
        r"locations.*: different rows have the same location_id, for instance l1\.",
    ),
    "a column that stands twice with other values": (
        "crunchbase_export",
        {"rounds": f"{ROUNDS.strip()},announced_on\nu,seed,2015-01-01,o,Oslo,2019-01-01\n"},
        r"rounds: the header has the column 'announced_on' more than once, with different values",
    ),
    "a tagged record without an end": (
        "web_of_science",
        {"records": str(TAGGED).replace("ER\n\nPT", "\nPT", 1)},
        r"records, line \d+: a record begins where the one before has no ER",
    ),
    "an answer of the API that is an error": (
        "crunchbase_api",
        {"rounds": json.dumps({"error": "Unauthorized"})},
        r"rounds: it has no top-level `entities`",
    ),
    "an archive without XML": (
        "wipo_pct_xml",
        {"gazettes": {"a.txt": "x"}},
        r"gazettes: it has no file ending in \.xml",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_told_apart_is_refused(read: Read, tmp_path: Path, case: str) -> None:
    reader, files, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        read(reader, written(tmp_path, files))


@pytest.mark.parametrize(
    ("reader", "files", "rows"),
    [
        ("crunchbase_export_2015", OLD_ROUNDS, [("r1", 2014, None, None), ("r1", 2014, None, None)]),
        (
            "crunchbase_export",
            {"rounds": f"{ROUNDS}U-1 ,seed,2015-02-30,o,\nu-2,seed,2015,o,\nTotal,,,,\n"},
            [("total", None, None, "no_date"), ("u-1", None, "2015-02-30", "no_date"), ("u-2", 2015, None, None)],
        ),
        (
            "web_of_science",
            {"records": "UT\tPY\tDT\tAU\tC1\nwos:1\u200b\t2015.0\tArticle\t\t\n"},
            [("WOS:1", 2015, None, None)],
        ),
        (
            "wipo_pct_xml",
            {"gazettes": GAZETTE.replace("20190829", "20190230")},
            [("WO2019105044", None, "20190230", "no_date")] * 2,
        ),
        (
            "table",
            {"people": "record_id,year,city,economy\n7\u200b,2015.0,Oslo,NO\n\u00a08,2015,Oslo,NO\n"},
            [("7", 2015, None, None), ("8", 2015, None, None)],
        ),
        *(
            (
                "regpat",
                {"inventors": REGPAT.replace("|0.5|1\nWO", f"|{share}|1\nWO")},
                [("WO2010000001", 2010, None, "no_share")] * 2,
            )
            for share in ("-0.5", "nan", "50%", "")
        ),
    ],
)
def test_ids_and_years_are_read_as_they_are_meant(
    read: Read, tmp_path: Path, reader: str, files: Files, rows: list[tuple[Any, ...]]
) -> None:
    assert read(reader, written(tmp_path, files), "record_id, year, year_text, dropped") == rows


def test_all_tables_of_a_set_in_several_folders_are_read(read: Read, tmp_path: Path) -> None:
    second = {
        f"q2/{name}": text.replace("a1", "b1").replace("a2", "b2").replace("021-", "022-")
        for name, text in FORM_D.items()
    }
    paths = written(tmp_path, {"sets": {**{f"q1/{name}": text for name, text in FORM_D.items()}, **second}})
    assert {row[0] for row in read("sec_form_d", paths, "record_id")} == {"021-1", "021-3", "022-1", "022-3"}


@pytest.mark.parametrize(
    ("reader", "files", "lacking"),
    [
        (
            "crunchbase_export",
            {"rounds": ROUNDS + "u1,seed,42370,o,Oslo\nu2,seed,42371,o,Oslo\n"},
            "a readable date",
        ),
        (
            "crunchbase_api",
            {
                "rounds": json.dumps(
                    {"count": 1, "entities": [{"uuid": "u1", "properties": {"announced_on": {"value": "2024-01-01"}}}]}
                )
            },
            "a readable date",
        ),
        ("patstat", changed(changed(PATSTAT, "links", "901", "901.0"), "links", "902", "902.0"), "a person"),
        (
            "patentsview_tables",
            changed(changed(VIEW, "locations", "\nl", "\nz"), "pregrant_locations", "\nm", "\nz"),
            "an address",
        ),
    ],
)
def test_records_of_which_none_can_be_counted_are_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, reader: str, files: Files, lacking: str
) -> None:
    people = SOURCES[reader].people(con, {role: [path] for role, path in written(tmp_path, files).items()})
    with pytest.raises(InputError, match=f"x: no record has {lacking}, for instance '"):
        refuse_without(con, f"({people.sql_query()})", "x", joins=SOURCES[reader].joins)


def test_an_answer_of_rors_api_is_no_dump(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    paths = written(
        tmp_path, {"organizations": json.dumps({"number_of_results": 1, "items": [{"id": "https://ror.org/a"}]})}
    )
    with pytest.raises(InputError, match=r"organizations: it contains no ROR organization"):
        SOURCES["ror"].institutions(con, {role: [path] for role, path in paths.items()})
