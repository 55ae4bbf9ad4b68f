"""Deals: every round is read once, at the company that received it, and what does not count is said."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import delimited
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
    companies = delimited.table(con, [path], ["permalink", "country_code"])
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
        ("r4", 2014, "angel", None, "Paris", "A8", "FRA"),
    ]


def test_the_export_of_2016_is_read_by_its_header(read: Read, real_data: Path) -> None:
    sample = real_data / "crunchbase_api_samples/crunchbase_csv_export_2016_funding_rounds.csv"
    rows = read("crunchbase_export", {"rounds": sample}, PLACE)
    assert len(rows) == 50
    assert ("1637e281-e23d-cca8-0552-1c5588360bf2", 2013, "late", None, "Boston", "MA", "USA") in rows


def test_the_bulk_export_says_when_a_round_was_changed_last(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "funding_rounds.csv"
    path.write_text(
        "uuid,name,updated_at,country_code,state_code,region,city,investment_type,announced_on,org_uuid,org_name\n"
        "u1,Seed,2024-01-01 08:00:00,USA,CA,California,Oakland,seed,2024-01-01,o1,Acme\n"
        "u1,Seed,2024-03-01 08:00:00,USA,CA,California,San Jose,seed,2024-01-02,o1,Acme\n"
        "u2,B,2024-03-01 08:00:00,GBR,,England,London,series_b,,o2,Byte\n"
        "u3,?,,,,,,,2024-05-05,o3,\n"
        ",?,,,,,,,2024-05-05,,\n",
        encoding="utf-8",
    )
    assert sorted(read("crunchbase_export", {"rounds": path}, PLACE), key=str) == [
        ("u1", 2024, "seed", None, "Oakland", "CA", "USA"),
        ("u1", 2024, "seed", None, "San Jose", "CA", "USA"),
        ("u2", None, "early", "no_date", "London", None, "GBR"),
        ("u3", 2024, "undisclosed", None, None, None, None),
        (None, 2024, "undisclosed", "no_id", None, None, None),
    ]
    rows = read("crunchbase_export", {"rounds": path}, "changed::VARCHAR, source_rows, address, organisations")
    company = [{"id": "o1", "name": "Acme", "economy": "USA", "kind": "organisation", "weight": 1.0}]
    assert ("2024-03-01 08:00:00", 1, "San Jose, California, USA", company) in rows
    assert sum(row[1] for row in rows) == 5


def test_a_search_of_crunchbase_pro_has_its_place_in_one_column(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "rounds.csv"
    path.write_text(
        "Transaction Name,Transaction Name URL,Organization Name,Organization Name URL,Organization Industries,"
        "Funding Type,Announced Date,Organization Location\n"
        'B - A,/r/a,A,/o/a,"Biotechnology, Software",Series B,2025-08-11,"Basel, Basel-Stadt, Switzerland, Europe"\n'
        'X - B,/r/b,B,/o/b,,Venture - Series Unknown,"Aug 12, 2025",Singapore\n'
        'X - C,/r/c,C,/o/c,,Grant,2025-08-13,"Paris, Île-de-France, France"\n',
        encoding="utf-8",
    )
    assert read("crunchbase_export", {"rounds": path}, PLACE) == [
        ("/r/a", 2025, "early", None, "Basel", "Basel-Stadt", "Switzerland"),
        ("/r/b", 2025, "venture", None, None, None, "Singapore"),
        ("/r/c", 2025, "grant", None, "Paris", "Île-de-France", "France"),
    ]
    rows = read("crunchbase_export", {"rounds": path}, "address, source_type, list_transform(fields, lambda f: f.name)")
    fields = ["Health and biotechnology", "Software, data and internet"]
    assert rows[0] == ("Basel, Basel-Stadt, Switzerland", "Series B", fields)


@pytest.mark.parametrize("reader", ["crunchbase_export", "crunchbase_api"])
def test_types_that_a_profile_chooses_are_in_our_words_or_the_sources(read: Read, tmp_path: Path, reader: str) -> None:
    path = tmp_path / "rounds"
    types = ("seed", "pre_seed", "series_c", "debt_financing", "post_ipo_equity", "Never Seen")
    if reader == "crunchbase_export":
        lines = "".join(f"u{n},{type_},2024-01-01,o\n" for n, type_ in enumerate(types))
        path.write_text("uuid,investment_type,announced_on,org_uuid\n" + lines, encoding="utf-8")
    else:
        entities = [
            {"uuid": f"u{n}", "properties": {"investment_type": type_, "announced_on": "2024-01-01"}}
            for n, type_ in enumerate(types)
        ]
        path.write_text(json.dumps({"count": len(types), "entities": entities}), encoding="utf-8")
    rows = read(reader, {"rounds": path}, "record_type, dropped", {"types": ["seed", "Debt Financing"]})
    assert rows == [
        ("seed", None),
        ("seed", None),
        ("late", "other_type"),
        ("debt", None),
        ("post_ipo", "other_type"),
        ("other", "other_type"),
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


def test_pages_of_the_api_are_read_with_their_company_and_place(read: Read, real_data: Path, tmp_path: Path) -> None:
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
    assert len(rows) == 102  # one of them came on two pages
    assert len(set(rows)) == 101
    assert rows[-1] == ("new", 2020, "debt", None, "San Francisco", "California", "United States")
    assert {row[3] for row in rows} == {None}


SUBMISSIONS = "ACCESSIONNUMBER\tFILE_NUM\tFILING_DATE\tSUBMISSIONTYPE\tTESTORLIVE\n"
ISSUERS = (
    "ACCESSIONNUMBER\tIS_PRIMARYISSUER_FLAG\tCIK\tENTITYNAME\tSTREET1\tCITY\tSTATEORCOUNTRY\t"
    "STATEORCOUNTRYDESCRIPTION\tZIPCODE\n"
)
FLAGS = (
    "ISEQUITYTYPE",
    "ISDEBTTYPE",
    "ISPOOLEDINVESTMENTFUNDTYPE",
    "ISTENANTINCOMMONTYPE",
    "ISMINERALPROPERTYTYPE",
    "ISOPTIONTOACQUIRETYPE",
    "ISBUSINESSCOMBINATIONTRANS",
)
OFFERINGS = "\t".join(["ACCESSIONNUMBER", "INDUSTRYGROUPTYPE", *FLAGS]) + "\n"


@dataclass(frozen=True)
class Notice:
    """One notice of Form D."""

    accession: str
    file: str = ""
    date: str = "29-MAR-2022"
    kind: str = "D"
    city: str = "AUSTIN"
    place: tuple[str, str] = ("TX", "TEXAS")
    industry: str = "Other Technology"
    flags: tuple[str, ...] = ("ISEQUITYTYPE",)
    live: str = "LIVE"


def form_d(path: Path, *notices: Notice) -> Path:
    """A quarterly set."""
    submissions, issuers, offerings = SUBMISSIONS, ISSUERS, OFFERINGS
    for given in notices:
        submissions += f"{given.accession}\t{given.file}\t{given.date}\t{given.kind}\t{given.live}\n"
        issuers += f"{given.accession}\tNO\t9\tOther\t\tNowhere\tNV\tNEVADA\t\n"
        code, described = given.place
        issuers += f'{given.accession}\tYES\t7\t"A" quoted\t1 "Main\t{given.city}\t{code}\t{described}\t78701\n'
        flags = "\t".join("true" if flag in given.flags else "" for flag in FLAGS)
        offerings += f"{given.accession}\t{given.industry}\t{flags}\n"
    with zipfile.ZipFile(path, "w") as archive:
        folder = path.stem.upper()
        archive.writestr(f"{folder}/FORMDSUBMISSION.tsv", submissions)
        archive.writestr(f"{folder}/ISSUERS.tsv", issuers)
        archive.writestr(f"{folder}/OFFERING.tsv", offerings)
        archive.writestr(f"{folder}/RELATEDPERSONS.tsv", "ACCESSIONNUMBER\tLASTNAME\n")
    return path


def test_form_d_collapses_amendments_and_says_what_is_no_offering(read: Read, tmp_path: Path) -> None:
    first = form_d(
        tmp_path / "2022Q1_d.zip",
        Notice("a1", "021-1"),
        Notice("a2", "021-2", industry="Pooled Investment Fund"),
        Notice("a5", "021-5", live="TEST"),
        Notice("a6", flags=("ISEQUITYTYPE", "ISBUSINESSCOMBINATIONTRANS")),
        Notice("a7"),
        Notice("a8", kind="D/A"),
        Notice("a9", date="soon"),
        Notice(""),
    )
    second = form_d(
        tmp_path / "2022Q2_d.zip",
        Notice("b1", "021-1", "02-may-2022", "D/A", city="DALLAS"),
        Notice("b2", "021-0", "03-MAY-2022", "D/A", city="RENO", place=("NV", "NEVADA")),
    )
    rows = read("sec_form_d", {"sets": [first, second]}, "record_id, year, dropped, city, source_rows, year_text")
    assert rows == [
        ("021-0", 2022, "amendment", "RENO", 1, None),
        ("021-1", 2022, None, "DALLAS", 2, None),
        ("021-2", 2022, "pooled_fund", "AUSTIN", 1, None),
        ("021-5", 2022, "test", "AUSTIN", 1, None),
        ("a6", 2022, "business_combination", "AUSTIN", 1, None),
        ("a7", 2022, None, "AUSTIN", 1, None),
        ("a8", 2022, "amendment", "AUSTIN", 1, None),
        ("a9", None, "no_date", "AUSTIN", 1, "soon"),
        (None, 2022, "no_id", None, 1, None),
    ]


def test_the_type_of_an_offering_is_its_industrys_then_its_securities(read: Read, tmp_path: Path) -> None:
    path = form_d(
        tmp_path / "2022Q1_d.zip",
        Notice("1", industry="Biotechnology", flags=("ISEQUITYTYPE", "ISDEBTTYPE")),
        Notice("2", flags=("ISDEBTTYPE",)),
        Notice("3", flags=("ISDEBTTYPE", "ISOPTIONTOACQUIRETYPE")),
        Notice("4", industry="Oil and Gas"),
        Notice("5", industry="REITS and Finance"),
        Notice("6", flags=("ISTENANTINCOMMONTYPE",)),
        Notice("7", flags=("ISMINERALPROPERTYTYPE",)),
        Notice("8", flags=("ISEQUITYTYPE", "ISPOOLEDINVESTMENTFUNDTYPE")),
        Notice("9", flags=()),
    )
    types = [row[0] for row in read("sec_form_d", {"sets": path}, "record_type")]
    assert types == [
        "equity",
        "debt",
        "convertible",
        "natural_resources",
        "real_estate",
        "real_estate",
        "natural_resources",
        "pooled_fund",
        "undisclosed",
    ]
    printed = read("sec_form_d", {"sets": path}, "source_type, fields[1].name, organisations[1].name, address")
    assert printed[0] == (
        "Equity; Debt; Biotechnology",
        "Health and biotechnology",
        '"A" quoted',
        '1 "Main, AUSTIN, TEXAS, 78701',
    )


def test_edgars_codes_are_states_territories_provinces_or_economies(read: Read, tmp_path: Path) -> None:
    places = {
        ("GA", "GEORGIA"): ("GA", "US"),
        ("2Q", "GEORGIA"): (None, "GEORGIA"),
        ("PR", "PUERTO RICO"): (None, "PR"),
        ("VI", "VIRGIN ISLANDS, U.S."): (None, "VI"),
        ("A6", "ONTARIO, CANADA"): ("ONTARIO", "CA"),
        ("Z4", "CANADA (FEDERAL LEVEL)"): (None, "CA"),
        ("B2", "AFGHANISTAN"): (None, "AFGHANISTAN"),
        ("X1", "UNITED STATES"): (None, "US"),
        ("XX", "UNKNOWN"): (None, None),
    }
    notices = [Notice(f"{number}", place=place) for number, place in enumerate(places)]
    rows = read("sec_form_d", {"sets": form_d(tmp_path / "q.zip", *notices)}, "admin, economy")
    assert rows == list(places.values())


def test_a_form_d_set_without_a_table_is_refused(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "2022Q1_d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("2022Q1_d/ISSUERS.tsv", ISSUERS)
    with pytest.raises(InputError, match=r"2022Q1_d.zip: it has no FORMDSUBMISSION.tsv, OFFERING.tsv"):
        read("sec_form_d", {"sets": path})


def test_a_table_of_deals_has_title_rows_above_its_header(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "pitchbook.csv"
    path.write_text(
        "PitchBook,,,,,,\nSearch: VC deals,,,,,,\n\n"
        "Deal ID,Companies,Deal Date,Deal Type,Company City,Company State/Province,Company Country/Territory/Region\n"
        '1-1T,"A, Inc.",05-Jan-2024,Early Stage VC,Palo Alto,California,United States\n'
        "2-2T,B,,Seed Round,Berlin,,Germany\n",
        encoding="utf-8",
    )
    assert read("deals_table", {"deals": path}, PLACE) == [
        ("1-1T", 2024, "early", None, "Palo Alto", "California", "United States"),
        ("2-2T", None, "seed", "no_date", "Berlin", None, "Germany"),
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
    assert rows == [("x", 2021, "venture", 48.1, 11.6)]
    with pytest.raises(
        InputError, match=r"deals.csv: the map takes record_id from 'Deal ID'.*Its columns: id, when, lat, lon"
    ):
        read("deals_table", {"deals": path})
