"""Deals: every round is read once, at the company that received it, and what does not count is said."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import files as reading
from gii_pipeline_tests.sources.readers.conftest import Read

PLACE = "record_id, year, record_type, dropped, city, admin, economy"


def test_the_export_of_2015_is_read_whole(read: Read, real_data: Path) -> None:
    folder = real_data / "crunchbase_2015_global"
    rows = read(
        "crunchbase_export_2015",
        {"rounds": folder / "rounds2.csv.gz", "companies": folder / "companies.csv.gz"},
        "dropped, year, economy",
    )
    assert Counter(row[0] for row in rows) == {None: 114_902, "no_company": 47}
    assert all(year is not None for dropped, year, _ in rows if dropped is None)
    assert {"ROM", "TAN", "BAH"} <= {economy for _, _, economy in rows}
    years = Counter(year for dropped, year, _ in rows if dropped is None)
    assert [years[year] for year in range(2010, 2015)] == [8945, 10925, 13343, 17592, 21592]


def test_the_companies_of_2015_are_66368(con: duckdb.DuckDBPyConnection, real_data: Path) -> None:
    path = real_data / "crunchbase_2015_global/companies.csv.gz"
    companies = reading.table(con, [path], ["permalink", "country_code"])
    assert con.sql(f"SELECT count(*) FROM ({companies})").fetchall() == [(66_368,)]


def test_permalinks_join_in_any_case_and_days_come_first(read: Read, tmp_path: Path) -> None:
    rounds, companies = tmp_path / "rounds2.csv", tmp_path / "companies.csv"
    rounds.write_bytes(
        b"company_permalink,funding_round_permalink,funding_round_type,funded_at\n"
        b"/Organization/Caf\xc3\xa9,r1,venture,02-12-2014\n"
        b"/organization/caf\xe9-latin,r2,seed,31-12-2013\n"
        b"/organization/nobody,r3,seed,01-01-2013\n"
        b"/ORGANIZATION/CAF\xc3\x89,r4,angel,2014\n"
    )
    companies.write_text(
        "permalink,country_code,state_code,city\n/organization/café,FRA,A8,Paris\n/organization/café-latin,GBR,H9,London\n",
        encoding="utf-8",
    )
    assert read("crunchbase_export_2015", {"rounds": rounds, "companies": companies}, PLACE) == [
        ("r1", 2014, "venture", None, "Paris", "A8", "FRA"),
        ("r2", 2013, "seed", None, "London", "H9", "GBR"),
        ("r3", 2013, "seed", "no_company", None, None, None),
        ("r4", None, "angel", "no_date", "Paris", "A8", "FRA"),
    ]


def test_the_export_of_2016_is_read_by_its_header(read: Read, real_data: Path) -> None:
    sample = real_data / "crunchbase_api_samples/crunchbase_csv_export_2016_funding_rounds.csv"
    rows = read("crunchbase_export", {"rounds": sample}, PLACE)
    assert len(rows) == 50
    assert ("1637e281-e23d-cca8-0552-1c5588360bf2", 2013, "venture", None, "Boston", "MA", "USA") in rows


def test_todays_export_counts_a_round_once_as_updated_last(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "funding_rounds.csv"
    path.write_text(
        "uuid,name,updated_at,country_code,state_code,region,city,investment_type,announced_on,org_uuid\n"
        "u1,Seed,2024-01-01,USA,CA,California,Oakland,seed,2024-01-01,o1\n"
        "u1,Seed,2024-03-01,USA,CA,California,San Jose,seed,2024-01-02,o1\n"
        "u2,B,2024-03-01,GBR,,England,London,series_b,,o2\n"
        "u3,?,2024-03-01,,,,,,2024-05-05,o3\n",
        encoding="utf-8",
    )
    assert read("crunchbase_export", {"rounds": path}, PLACE) == [
        ("u1", 2024, "seed", None, "San Jose", "CA", "USA"),
        ("u2", None, "series_b", "no_date", "London", None, "GBR"),
        ("u3", 2024, "undisclosed", None, None, None, None),
    ]


def test_the_export_of_2013_has_no_id_of_a_round(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "rounds.csv"
    path.write_text(
        "company_permalink,company_name,company_country_code,company_state_code,company_region,company_city,"
        "funding_round_type,funded_at,raised_amount_usd\n"
        "/company/a,A,USA,NY,New York,New York,venture,2013-05-01,1\n"
        "/company/a,A,USA,NY,New York,New York,venture,2013-05-01,2\n"
        "/company/b,B,DEU,,Berlin,Berlin,angel,5/20/2013,\n",
        encoding="utf-8",
    )
    rows = read("crunchbase_export", {"rounds": path}, "record_id, year, record_type, city")
    assert rows == [
        ("/company/a|2013-05-01|venture|1", 2013, "venture", "New York"),
        ("/company/a|2013-05-01|venture|2", 2013, "venture", "New York"),
        ("/company/b|5/20/2013|angel|1", 2013, "angel", "Berlin"),
    ]


def test_pages_of_the_api_give_each_round_once(read: Read, real_data: Path, tmp_path: Path) -> None:
    sample = json.loads((real_data / "crunchbase_api_samples/searches_funding_rounds_100.response.json").read_text())
    page, again = tmp_path / "1.json", tmp_path / "2.json.gz"
    page.write_text(json.dumps(sample["body"]), encoding="utf-8")
    located = sample["body"]["entities"][0]
    located["properties"]["funded_organization_location"] = [
        {"value": "San Francisco", "location_type": "city", "permalink": "san-francisco"},
        {"value": "California", "location_type": "region"},
        {"value": "United States", "location_type": "country"},
        {"value": "North America", "location_type": "continent"},
    ]
    new = {"uuid": "new", "properties": located["properties"]}
    again.write_bytes(
        gzip.compress(json.dumps({"count": 2, "entities": [sample["body"]["entities"][5], new]}).encode())
    )
    empty = tmp_path / "3.json"
    empty.write_text('{"count":0,"entities":[]}', encoding="utf-8")
    rows = read("crunchbase_api", {"rounds": [page, again, empty]}, PLACE)
    assert len(rows) == 101
    assert rows[-1] == ("new", 2020, "debt_financing", None, "San Francisco", "California", "United States")
    assert {row[3] for row in rows} == {None}


SUBMISSIONS = "ACCESSIONNUMBER\tFILE_NUM\tFILING_DATE\tSUBMISSIONTYPE\tTESTORLIVE\n"
ISSUERS = "ACCESSIONNUMBER\tIS_PRIMARYISSUER_FLAG\tENTITYNAME\tCITY\tSTATEORCOUNTRY\tSTATEORCOUNTRYDESCRIPTION\n"
OFFERINGS = "ACCESSIONNUMBER\tINDUSTRYGROUPTYPE\tISPOOLEDINVESTMENTFUNDTYPE\tISEQUITYTYPE\tISDEBTTYPE\n"


def form_d(path: Path, *notices: tuple[str, str, str, str, str, str, str, str, str]) -> Path:
    """A quarterly set: accession, file, date, type, city, code, description, industry, live or test."""
    submissions, issuers, offerings = SUBMISSIONS, ISSUERS, OFFERINGS
    for accession, file, date, kind, city, code, described, industry, live in notices:
        submissions += f"{accession}\t{file}\t{date}\t{kind}\t{live}\n"
        issuers += f"{accession}\tNO\tOther\tNowhere\tNV\tNEVADA\n"
        issuers += f'{accession}\tYES\t"A" quoted name\t{city}\t{code}\t{described}\n'
        offerings += f"{accession}\t{industry}\t\ttrue\t\n"
    with zipfile.ZipFile(path, "w") as archive:
        folder = path.stem.upper()
        archive.writestr(f"{folder}/FORMDSUBMISSION.tsv", submissions)
        archive.writestr(f"{folder}/ISSUERS.tsv", issuers)
        archive.writestr(f"{folder}/OFFERING.tsv", offerings)
        archive.writestr(f"{folder}/RELATEDPERSONS.tsv", "ACCESSIONNUMBER\tLASTNAME\n")
    return path


def test_form_d_collapses_amendments_and_drops_pooled_funds(read: Read, tmp_path: Path) -> None:
    first = form_d(
        tmp_path / "2022Q1_d.zip",
        ("a1", "021-1", "29-MAR-2022", "D", "AUSTIN", "TX", "TEXAS", "Other Technology", "LIVE"),
        ("a2", "021-2", "30-MAR-2022", "D", "NEW YORK", "NY", "NEW YORK", "Pooled Investment Fund", "LIVE"),
        ("a3", "021-3", "31-MAR-2022", "D", "LONDON", "X0", "UNITED KINGDOM", "Biotechnology", "LIVE"),
        ("a4", "021-4", "31-MAR-2022", "D", "TORONTO", "A6", "ONTARIO, CANADA", "Biotechnology", "LIVE"),
        ("a5", "021-5", "31-MAR-2022", "D", "BOSTON", "MA", "MASSACHUSETTS", "Biotechnology", "TEST"),
    )
    second = form_d(
        tmp_path / "2022Q2_d.zip",
        ("b1", "021-1", "02-MAY-2022", "D/A", "DALLAS", "TX", "TEXAS", "Other Technology", "LIVE"),
        ("b2", "021-0", "03-MAY-2022", "D/A", "RENO", "NV", "NEVADA", "Other Technology", "LIVE"),
    )
    assert read("sec_form_d", {"sets": [first, second]}, PLACE) == [
        ("021-0", 2022, "equity", "amendment", "RENO", "NV", "US"),
        ("021-1", 2022, "equity", None, "DALLAS", "TX", "US"),
        ("021-2", 2022, "equity", "pooled_fund", "NEW YORK", "NY", "US"),
        ("021-3", 2022, "equity", None, "LONDON", None, "UNITED KINGDOM"),
        ("021-4", 2022, "equity", None, "TORONTO", "ONTARIO", "CA"),
        ("021-5", 2022, "equity", "test", "BOSTON", "MA", "US"),
    ]


def test_a_form_d_set_without_a_table_is_refused(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "2022Q1_d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("2022Q1_d/ISSUERS.tsv", ISSUERS)
    with pytest.raises(InputError, match=r"2022Q1_d.zip: no FORMDSUBMISSION.tsv, OFFERING.tsv in it"):
        read("sec_form_d", {"sets": path})


def test_a_table_of_deals_has_title_rows_above_its_header(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "pitchbook.csv"
    path.write_text(
        "PitchBook,,,,,,\nSearch: VC deals,,,,,,\n\n"
        "Deal ID,Companies,Deal Date,Deal Type,Company City,Company State/Province,Company Country/Territory/Region\n"
        '1-1T,"A, Inc.",05-Jan-2024,Early Stage VC,Palo Alto,California,United States\n'
        "2-2T,B,,Seed Round,Berlin,,Germany\n"
        "2-2T,B,,Seed Round,Berlin,,Germany\n",
        encoding="utf-8",
    )
    assert read("deals_table", {"deals": path}, PLACE) == [
        ("1-1T", 2024, "early stage vc", None, "Palo Alto", "California", "United States"),
        ("2-2T", None, "seed round", "no_date", "Berlin", None, "Germany"),
    ]


def test_a_table_of_deals_is_read_through_the_profiles_column_map(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    path.write_text("id;when;lat;lon\nx;31.12.2021;48.1;11.6\n", encoding="utf-8")
    named = {"record_id": "ID", "date": "When", "latitude": "lat", "longitude": "lon"}
    options = {
        "columns": {**named, "record_type": None, "city": None, "admin": None, "economy": None},
        "delimiter": ";",
        "date_formats": ["%d.%m.%Y"],
    }
    rows = read("deals_table", {"deals": path}, "record_id, year, record_type, latitude, longitude", options)
    assert rows == [("x", 2021, "deal", 48.1, 11.6)]
    with pytest.raises(
        InputError, match=r"deals.csv: the columns Deal ID, Deal Date, .* are missing; the header has: id;when;lat;lon"
    ):
        read("deals_table", {"deals": path})
