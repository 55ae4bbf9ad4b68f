"""Patents: one row an inventor and address, whose parts of an application add up to one."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline_tests.sources.readers.conftest import Read


def zipped(path: Path, name: str, text: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return path


def test_the_flat_table_gives_every_inventor_an_equal_part(read: Read, real_data: Path) -> None:
    path = real_data / "patentsview_api_2026/inventors_flat.csv.gz"
    rows = read("patentsview_flat", {"inventors": path}, "record_id, year, people, fraction", {"undated_year": 2014})
    assert len(rows) == 5_909
    assert len({row[0] for row in rows}) == 2_200
    assert {row[1] for row in rows} == {2014}
    assert all(fraction == 1 / people for _, _, people, fraction in rows)
    assert {row[0] for row in read("patentsview_flat", {"inventors": path}, "dropped")} == {"no_date"}


def patentsview(folder: Path) -> dict[str, Path]:
    pct = (
        "patent_id\tpublished_or_filed_date\tpct_371_date\tpct_doc_number\tpct_doc_type\n"
        '"100"\t"2015-01-08"\t"2016-01-01"\t"WO2015/000001"\t"wo_grant"\n'
        '"100"\t"2014-06-30"\t\t"PCT/US2014/000001"\t"pct_application"\n'
        '"101"\t"2015-01-08"\t\t"WO2015/000001"\t"wo_grant"\n'
        '"102"\t"2015-02-08"\t\t"WO2015/000002"\t"wo_grant"\n'
    )
    inventors = (
        "patent_id\tinventor_sequence\tinventor_id\tdisambig_inventor_name_last\tlocation_id\n"
        '"100"\t"1"\t"i-b"\t"Secret"\t"l2"\n"100"\t"0"\t"i-a"\t"Secret"\t"l1"\n"101"\t"0"\t"i-c"\t"Secret"\t"l1"\n'
    )
    locations = (
        "location_id\tdisambig_city\tdisambig_state\tdisambig_country\tlatitude\tlongitude\tcounty\n"
        '"l1"\t"Graz"\t\t"AT"\t"47.07"\t"15.43"\t\n"l2"\t"Austin"\t"TX"\t"US"\t"30.27"\t"-97.74"\t"Travis"\n'
    )
    return {
        "pct": zipped(folder / "g_pct_data.tsv.zip", "g_pct_data.tsv", pct),
        "inventors": zipped(folder / "g_inventor.tsv.zip", "g_inventor_disambiguated.tsv", inventors),
        "locations": zipped(folder / "g_location.tsv.zip", "g_location_disambiguated.tsv", locations),
    }


def test_patentsviews_tables_give_a_pct_publication_once(read: Read, tmp_path: Path) -> None:
    columns = "record_id, year, dropped, person_seq, people, fraction, city, admin, economy, latitude"
    assert read("patentsview_tables", patentsview(tmp_path), columns) == [
        ("PCT/US2014/000001", 2014, "not_published", 0, 0, 1.0, None, None, None, None),
        ("WO2015/000001", 2015, None, 1, 2, 0.5, "Graz", None, "AT", 47.07),
        ("WO2015/000001", 2015, None, 2, 2, 0.5, "Austin", "TX", "US", 30.27),
        ("WO2015/000002", 2015, None, 0, 0, 1.0, None, None, None, None),
    ]


OLD_REGPAT = "PCT_Nbr|PCT_App|Appln_id|Inv_name|Address|Reg_code|Ctry_code|Reg_share|Inv_share\r\n"
NEW_REGPAT = (
    "pct_nbr|app_nbr|appln_id|person_id|inv_name|address|city|postal_code|reg_code|ctry_code|reg_share|inv_share\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_regpats_old_columns_weigh_inventors_by_regions(read: Read, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "201602_PCT_Inv_reg.txt"
    text = (
        f"{OLD_REGPAT}WO2010000001|a|1|Müller, A|Straße 1, 80331 München|DE212|DE|0.5|0.5\r\n"
        "WO2010000001|a|1|Müller, A|Straße 1, 80331 München|DE21H|DE|0.5|0.5\r\n"
        'WO2010000001|a|1|Lee, B|"1 Main St | 2, Austin, TX 78701"|US48453|US|1|0.5\r\n'
    )
    path.write_bytes(text.encode(encoding))
    columns = "record_id, year, person_seq, address_seq, people, people_truncated, fraction, economy, address"
    assert read("regpat", {"inventors": path}, columns) == [
        ("WO2010000001", 2010, 1, 1, 2, False, 0.5, "US", "1 Main St | 2, Austin, TX 78701, US"),
        ("WO2010000001", 2010, 2, 1, 2, False, 0.25, "DE", "Straße 1, 80331 München, DE"),
        ("WO2010000001", 2010, 2, 2, 2, False, 0.25, "DE", "Straße 1, 80331 München, DE"),
    ]


def test_regpats_new_columns_have_a_city_and_rounded_shares_add_up(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "202602_PCT_Inv_reg.txt"
    rows = "".join(f"WO2024000001|a|1|{person}|Same, Name||Lyon|69001|FRK26|FR|1|0.3333\r\n" for person in (11, 12, 13))
    path.write_bytes(f"{NEW_REGPAT}{rows}WO2024000002|b|2|14|X, Y||Oslo||NO081|NO|1|0.5\r\n".encode())
    columns = "record_id, person_seq, people, people_truncated, round(fraction, 9), city"
    assert read("regpat", {"inventors": path}, columns) == [
        ("WO2024000001", 1, 3, False, 0.333333333, "Lyon"),
        ("WO2024000001", 2, 3, False, 0.333333333, "Lyon"),
        ("WO2024000001", 3, 3, False, 0.333333333, "Lyon"),
        ("WO2024000002", 1, 2, True, 1.0, "Oslo"),
    ]


def test_a_number_of_regpat_from_before_the_pct_has_no_year_and_keeps_its_text(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "PCT_Inv_reg.txt"
    row = "|a|1|X, Y|Oslo|NO081|NO|1|1\r\n"
    path.write_text(f"{OLD_REGPAT}WO19000001{row}WO1978000001{row}", encoding="utf-8")
    assert read("regpat", {"inventors": path}, "record_id, year, year_text, dropped") == [
        ("WO19000001", None, "WO19000001", "no_date"),
        ("WO1978000001", 1978, None, None),
    ]


def test_regpats_years_can_be_those_of_the_application(read: Read, tmp_path: Path) -> None:
    path, years = tmp_path / "PCT_Inv_reg.txt", tmp_path / "PCT_IPC.txt"
    row = "|a|1|X, Y|Oslo|NO081|NO|1|1\r\n"
    path.write_text(f"{OLD_REGPAT}WO2010000001{row}WO2010000002{row}", encoding="utf-8")
    years.write_text(
        "PCT_Nbr|Prio_year|App_year|IPC\nWO2010000001|2008|2009|A01B\nWO2010000001|2008|2009|A01C\n", encoding="utf-8"
    )
    files = {"inventors": path, "years": years}
    assert read("regpat", files, "year, dropped", {"year": "app_year"}) == [(2009, None), (None, "no_date")]
    assert read("regpat", files, "year, dropped", {"year": "prio_year"}) == [(2008, None), (None, "no_date")]
    with pytest.raises(InputError, match="role 'years'"):
        read("regpat", {"inventors": path}, "year", {"year": "app_year"})


def patstat_table(folder: Path, sample: Path, *rows: Mapping[str, object]) -> Path:
    """A part of a table as the EPO delivers it, with the sample's real rows and ours."""
    document = json.loads(sample.read_text())
    name = document["table_name"]
    with duckdb.connect() as con:
        plain = folder / f"{name}.json"
        missing = dict.fromkeys(document["columns"], "")
        plain.write_text("\n".join(json.dumps({**missing, **row}) for row in [*document["rows"], *rows]))
        types = ", ".join(f"{column}: 'VARCHAR'" for column in document["columns"])
        con.sql(f"FROM read_json('{plain}', columns = {{{types}}})").write_csv(
            str(folder / f"{name}.csv"), quotechar='"'
        )
    return zipped(folder / f"{name}_part01.zip", f"{name}_part01.csv", (folder / f"{name}.csv").read_text())


@pytest.fixture
def patstat(real_data: Path, tmp_path: Path) -> dict[str, Path]:
    def table(name: str, *rows: Mapping[str, object]) -> Path:
        return patstat_table(tmp_path, real_data / f"patstat_samples/{name}.sample.json", *rows)

    pct = {"appln_auth": "WO", "appln_kind": "W ", "earliest_publn_year": 2022}
    return {
        "applications": table(
            "tls201_appln",
            {**pct, "appln_id": 901, "nb_inventors": 2},
            {**pct, "appln_id": 902, "nb_inventors": 3, "earliest_publn_year": 9999},
            {**pct, "appln_id": 903, "nb_inventors": 0},
        ),
        "links": table(
            "tls207_pers_appln",
            {"person_id": 71, "appln_id": 901, "applt_seq_nr": 1, "invt_seq_nr": 2},
            {"person_id": 72, "appln_id": 901, "applt_seq_nr": 0, "invt_seq_nr": 1},
            {"person_id": 73, "appln_id": 901, "applt_seq_nr": 2, "invt_seq_nr": 0},
            {"person_id": 71, "appln_id": 902, "applt_seq_nr": 0, "invt_seq_nr": 1},
        ),
        "persons": table(
            "tls206_person",
            {
                "person_id": 71,
                "person_name": "Secret",
                "person_address": "1 Rue X, 69001 Lyon",
                "person_ctry_code": "FR",
            },
            {"person_id": 72, "person_name": "Secret", "person_address": "", "person_ctry_code": "  "},
            {"person_id": 73, "person_name": "ACME", "person_address": "Berlin", "person_ctry_code": "DE"},
        ),
        "publications": table(
            "tls211_pat_publn",
            {"appln_id": 901, "publn_auth": "WO", "publn_date": "2023-01-05"},
            {"appln_id": 901, "publn_auth": "WO", "publn_date": "2023-09-05"},
            {"appln_id": 903, "publn_auth": "WO", "publn_date": "9999-12-31"},
        ),
        "originals": table(
            "tls226_person_orig",
            {"person_orig_id": 1, "person_id": 72, "city": "", "state": "  "},
            {"person_orig_id": 2, "person_id": 72, "city": "Austin", "state": "TX", "zip_code": "78701"},
        ),
    }


def test_patstat_gives_the_inventors_of_international_applications(read: Read, patstat: dict[str, Path]) -> None:
    columns = "record_id, year, dropped, person_seq, people, people_truncated, fraction, city, admin, economy, address"
    lyon = "1 Rue X, 69001 Lyon, FR"
    assert read("patstat", patstat, columns) == [
        ("901", 2023, None, 1, 2, False, 0.5, "Austin", "TX", None, "78701, TX"),
        ("901", 2023, None, 2, 2, False, 0.5, None, None, "FR", lyon),
        ("902", None, "no_date", 1, 3, True, 1.0, None, None, "FR", lyon),
        ("903", 2022, None, 0, 0, False, 1.0, None, None, None, None),
        (None, None, "not_international", 0, 0, False, 1.0, None, None, None, None),
    ]
    rows = read("patstat", patstat, "dropped, source_rows")
    assert sum(rows[-1][1:]) == 10
    assert sum(count for _, count in rows) == 13


def test_patstat_without_publications_takes_the_earliest_year_of_publication(
    read: Read, patstat: dict[str, Path]
) -> None:
    needed = {role: patstat[role] for role in ("applications", "links", "persons")}
    rows = read("patstat", needed, "record_id, year")
    assert set(rows) == {("901", 2022), ("902", None), ("903", 2022), (None, None)}


def pct_xml(number: str, applicants: str = "", inventors: str = "", prolog: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<wo-published-application><wo-bibliographic-data>'
        f"<publication-reference><document-id><country>WO</country><doc-number>{number}</doc-number><kind>A1</kind>"
        "<date>20260108</date></document-id></publication-reference>"
        '<application-reference appl-type="international"><document-id><doc-number>PCT/X</doc-number></document-id>'
        f"</application-reference><parties><applicants>{applicants}</applicants><inventors>{inventors}</inventors>"
        "</parties></wo-bibliographic-data></wo-published-application>"
    )


def book(last: str, city: str, country: str, state: str = "") -> str:
    return (
        f"<addressbook><last-name>{last}</last-name><first-name>Ann</first-name><address><street>1 Way</street>"
        f"<city>{city}</city><state>{state}</state><country>{country}</country></address></addressbook>"
    )


def gazette(path: Path, *documents: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for number, text in enumerate(documents):
            info = tarfile.TarInfo(f"{number}_20260108/wo-published-application.xml")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


DOCTYPE = '<!DOCTYPE wo-published-application SYSTEM "wo-published-application-v1-7.dtd">'


def test_applicants_who_are_inventors_are_counted_once(read: Read, tmp_path: Path) -> None:
    both = f'<applicant app-type="applicant-inventor">{book("DOE", "Austin", "US", "TX")}</applicant>'
    firm = f'<applicant app-type="applicant">{book("ACME", "Paris", "FR")}</applicant>'
    path = gazette(
        tmp_path / "PCT_2026-02_xml.tar.gz",
        pct_xml("2026/000001", both + firm, f"<inventor>{book('Ödön', 'Wien', 'AT')}</inventor>", DOCTYPE),
        pct_xml("2026/000002", both, f"<inventor>{book('Doe', 'Austin', 'US', 'TX')}</inventor>"),
        pct_xml("2026/000003", firm),
    )
    columns = "record_id, year, person_seq, people, fraction, city, admin, economy, address"
    assert read("wipo_pct_xml", {"gazettes": path}, columns) == [
        ("WO2026000001", 2026, 1, 2, 0.5, "Austin", "TX", "US", "1 Way, Austin, TX, US"),
        ("WO2026000001", 2026, 2, 2, 0.5, "Wien", None, "AT", "1 Way, Wien, AT"),
        ("WO2026000002", 2026, 1, 1, 1.0, "Austin", "TX", "US", "1 Way, Austin, TX, US"),
        ("WO2026000003", 2026, 0, 0, 1.0, None, None, None, None),
    ]


def test_single_files_and_zips_are_read_too(read: Read, tmp_path: Path) -> None:
    inventor = f"<inventor>{book('Doe', 'Oslo', 'NO')}</inventor>"
    single = tmp_path / "one.xml"
    single.write_text(pct_xml("2026/000001", inventors=inventor), encoding="utf-8")
    archive = zipped(tmp_path / "two.zip", "2/wo-published-application.xml", pct_xml("2026/000002", inventors=inventor))
    rows = read("wipo_pct_xml", {"gazettes": [single, archive]}, "record_id, city")
    assert rows == [("WO2026000001", "Oslo"), ("WO2026000002", "Oslo")]


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;">]>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>',
    ],
    ids=["external", "billion laughs", "parameter"],
)
def test_hostile_xml_is_refused_by_name(read: Read, tmp_path: Path, prolog: str) -> None:
    path = gazette(tmp_path / "PCT.tar.gz", pct_xml("2026/000001", prolog=prolog))
    with pytest.raises(
        InputError, match=r"PCT.tar.gz, 0_20260108/wo-published-application.xml: the XML declares entit"
    ):
        read("wipo_pct_xml", {"gazettes": path})


def test_xml_that_is_broken_or_of_another_kind_is_refused_by_name(read: Read, tmp_path: Path) -> None:
    for text, message in (("<a>", "not well-formed XML"), ("<a/>", "a document of another office .`a`., not of WO")):
        path = gazette(tmp_path / "PCT.tar.gz", text)
        with pytest.raises(InputError, match=message):
            read("wipo_pct_xml", {"gazettes": path})
    whole = gazette(tmp_path / "PCT.tar.gz", *(pct_xml(f"2026/{number:06d}") for number in range(300)))
    whole.write_bytes(whole.read_bytes()[:-900])
    with pytest.raises(InputError, match=r"PCT.tar.gz: the archive is cut short"):
        read("wipo_pct_xml", {"gazettes": whole})


def test_names_of_inventors_never_leave_a_reader(read: Read, tmp_path: Path, patstat: dict[str, Path]) -> None:
    rows = [*read("patstat", patstat), *read("patentsview_tables", patentsview(tmp_path))]
    assert not [value for row in rows for value in row if "Secret" in str(value)]


def test_gzipped_parts_of_a_table_are_read_together(read: Read, tmp_path: Path) -> None:
    parts = []
    for number in (1, 2):
        part = tmp_path / f"part{number}.csv.gz"
        part.write_bytes(
            gzip.compress(f"STATE,patent_id,inventor_sequence,city,country\n,{number},0,Graz,AT\n".encode())
        )
        parts.append(part)
    rows = read("patentsview_flat", {"inventors": parts}, "record_id, year, city", {"undated_year": 2020})
    assert rows == [("1", 2020, "Graz"), ("2", 2020, "Graz")]
