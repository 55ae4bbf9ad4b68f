"""Any table of records is read through a map of its columns, and what the map or the table lacks is named."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES
from gii_pipeline_tests.sources.readers.conftest import Read

DEALS = (
    "Nr;Company;When;Round;Headquarters\n"
    "1;Acme;2021-03-04;Series A;Basel, Basel-Stadt, Switzerland, Europe\n"
    "2;Byte;2021-05-06;Debt Financing;Singapore\n"
)
DEALS_MAP = {
    "record_id": "Nr",
    "date": "When",
    "record_type": "Round",
    "address": "Headquarters",
    "organisation": "Company",
}
PLACE = "record_id, year, record_type, economy, address, organisations[1].name"
EXPECTED = [
    ("1", 2021, "early", "Switzerland", "Basel, Basel-Stadt, Switzerland", "Acme"),
    ("2", 2021, "debt", "Singapore", "Singapore", "Byte"),
]


def written(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def in_every_form(folder: Path) -> Iterator[Path]:
    """The deals as text with every separator, packed, as JSON, Parquet and a workbook."""
    rows = [line.split(";") for line in DEALS.splitlines()]
    objects = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    yield written(folder, DEALS)
    for sign, name in ((",", "commas"), ("\t", "tabs"), ("|", "bars")):
        yield written(folder, "\n".join(sign.join(f'"{cell}"' for cell in row) for row in rows), name)
    yield written(folder, "Deals\n\n" + DEALS, "titled.csv")
    yield written(folder, json.dumps(objects), "array.json")
    yield written(folder, "\n".join(map(json.dumps, objects)), "lines.jsonl")
    (folder / "packed.csv.gz").write_bytes(gzip.compress(DEALS.encode("utf-16")))
    yield folder / "packed.csv.gz"
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.writestr("deep/deals.csv", DEALS)
        archive.writestr("readme.md", "x")
    yield folder / "packed.zip"
    with duckdb.connect() as con:
        con.sql(f"FROM read_csv('{folder / 'table.csv'}', delim = ';')").write_parquet(str(folder / "deals.parquet"))
    yield folder / "deals.parquet"
    yield workbook(folder / "deals.xlsx", {"Notes": [["All deals"]], "Deals": [["Title"], *rows]})


def workbook(path: Path, sheets: dict[str, list[list[str]]]) -> Path:
    """A workbook with cells of text, as the format has it."""
    names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/officeDocument/2006/relationships/worksheet" '
        f'Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{OFFICE}/package/2006/content-types"/>')
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{OFFICE}/package/2006/relationships"><Relationship Id="r" Type="{OFFICE}/'
            'officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}/officeDocument/2006/relationships">'
            f"<sheets>{names}</sheets></workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{OFFICE}/package/2006/relationships">{links}</Relationships>',
        )
        for n, rows in enumerate(sheets.values(), 1):
            cells = "".join(
                f'<row r="{r}">'
                + "".join(
                    f'<c r="{chr(64 + c)}{r}" t="inlineStr"><is><t>{cell}</t></is></c>' for c, cell in enumerate(row, 1)
                )
                + "</row>"
                for r, row in enumerate(rows, 1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
            )
    return path


OFFICE = "http://schemas.openxmlformats.org"
MAIN = f"{OFFICE}/spreadsheetml/2006/main"


def test_a_table_reads_the_same_in_every_form(read: Read, tmp_path: Path) -> None:
    for path in in_every_form(tmp_path):
        assert read("table", {"people": path}, PLACE, {"columns": DEALS_MAP}) == EXPECTED, path.name


def test_a_workbook_with_two_such_sheets_waits_for_the_profiles_word(read: Read, tmp_path: Path) -> None:
    rows = [line.split(";") for line in DEALS.splitlines()]
    path = workbook(tmp_path / "deals.xlsx", {"2021": rows, "2022": rows[:2]})
    with pytest.raises(InputError, match=r"deals\.xlsx: the sheets '2021', '2022' all have the columns\. Choose one"):
        read("table", {"people": path}, PLACE, {"columns": DEALS_MAP})
    assert read("table", {"people": path}, PLACE, {"columns": DEALS_MAP, "sheet": "2022"}) == EXPECTED[:1]
    with pytest.raises(InputError, match=r"there is no sheet '2023'\. It has: 2021, 2022"):
        read("table", {"people": path}, PLACE, {"columns": DEALS_MAP, "sheet": "2023"})


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "record_id,year,city,country,lat,lon",
            r"unknown columns: 'country' \(did you mean 'economy'\?\), 'lat' .*'lon'",
        ),
        ("record_id,yaer,city", r"unknown columns: 'yaer' \(did you mean 'year'\?\)"),
        ("year,city", r"no column is mapped to record_id; an id may be made from columns"),
        ("record_id,city", r"no column is mapped to year; `year` is a year, `date` a date"),
    ],
)
def test_a_table_without_a_map_must_have_our_columns(read: Read, tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read("table", {"people": written(tmp_path, header + "\n" + "1" + "," * header.count(",") + "\n")})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"date": "Wen"}, r"the map takes date from 'Wen' \(did you mean 'When'\?\)"),
        ({"dat": "When"}, r"there is no column 'dat' \(did you mean 'date'\?\)\. Known: record_id"),
        ({"record_type": None, "admin": {"value": False}}, r"write the value in quotes"),
        ({"admin": {"any": ["Nr"], "row": True}}, r"use a column's name, several spellings, or one of"),
    ],
)
def test_a_map_that_does_not_fit_is_named(read: Read, tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read("table", {"people": written(tmp_path, DEALS)}, options={"columns": DEALS_MAP | columns})


def test_a_map_may_not_forget_a_column_that_seems_to_be_ours(read: Read, tmp_path: Path) -> None:
    path = written(tmp_path, "Nr,Year,Country,Colour\n1,2020,FR,red\n")
    with pytest.raises(
        InputError, match=r"look like ours: 'Country' may be economy\. Map them, or set `economy: null`"
    ):
        read("table", {"people": path}, options={"columns": {"record_id": "Nr"}})
    columns = {"record_id": "Nr", "economy": None}
    assert read("table", {"people": path}, "year, economy", {"columns": columns}) == [(2020, None)]


def test_columns_may_be_constants_joins_several_spellings_or_the_row(read: Read, tmp_path: Path) -> None:
    path = written(tmp_path, "Company,Town,Stadt,Date\nA,Pune,,2020\nA,,Delhi,2021\nA,,Delhi,2021\n,Goa,,2021\n")
    columns = {"year": "Date", "city": ["Town", "Stadt"], "economy": {"value": "IN"}}
    rows = read(
        "table", {"people": path}, "record_id, city, economy", {"columns": columns | {"record_id": ["Company", "Date"]}}
    )
    assert rows == [
        ("A|2020", "Pune", "IN"),
        ("A|2021", "Delhi", "IN"),
        ("A|2021", "Delhi", "IN"),
        ("|2021", "Goa", "IN"),
    ]
    rows = read(
        "table",
        {"people": path},
        "record_id, people",
        {"columns": columns | {"record_id": {"row": True}}, "rows": "records"},
    )
    assert len({record_id for record_id, _ in rows}) == 3  # equal rows are one record, which the union makes of them
    assert {people for _, people in rows} == {1}


def test_an_id_of_several_records_is_refused_with_their_rows(read: Read, tmp_path: Path) -> None:
    path = written(
        tmp_path, "record_id,date,record_type\nKuda,2020-01-05,Seed\nKuda,2021-01-05,Series A\n,2021-01-05,Seed\n"
    )
    message = r"1 id stands for different records, for instance\n.*Kuda, date=2020-01-05.*\n.*Series A\n1 row has no id"
    with pytest.raises(InputError, match=message):
        read("table", {"people": path})
    rows = read("table", {"people": path}, "record_id, year, dropped, source_rows", {"rows": "records"})
    assert rows == [("Kuda", 2020, None, 1), ("Kuda", 2021, None, 1), (None, 2021, "no_id", 1)]


def test_a_records_parts_go_to_its_people_then_to_their_addresses(read: Read, tmp_path: Path) -> None:
    columns = "person_seq, address_seq, people, fraction, city, source_rows"
    path = written(
        tmp_path, "record_id,year,person_seq,address_seq,city\nA,2019,1,1,Lyon\nA,2019,1,2,Paris\nA,2019,2,1,Oslo\n"
    )
    assert read("table", {"people": path}, columns) == [
        (1, 1, 2, 0.25, "Lyon", 3),
        (1, 2, 2, 0.25, "Paris", 0),
        (2, 1, 2, 0.5, "Oslo", 0),
    ]
    path = written(tmp_path, "record_id,year,city\nA,2019,Lyon\nA,2019,Lyon\n", "people.csv")
    assert read("table", {"people": path}, columns) == [(1, 1, 2, 0.5, "Lyon", 2), (2, 1, 2, 0.5, "Lyon", 0)]
    path = written(tmp_path, "record_id,year,fraction,city\nA,2019,0.33,Lyon\nA,2019,0.66,Oslo\n", "given.csv")
    given = read("table", {"people": path}, columns)
    assert [round(fraction, 4) for _, _, _, fraction, *_ in given] == [0.3333, 0.6667]
    path = written(tmp_path, "record_id,year,author_position,city\nA,2019,first,Lyon\nA,2019,last,Oslo\n", "named.csv")
    named = read("table", {"people": path}, columns, {"columns": {"person_seq": "author_position"}})
    assert [row[:4] for row in named] == [(1, 1, 2, 0.5), (2, 1, 2, 0.5)]


def test_types_are_ours_where_the_word_is_known(read: Read, tmp_path: Path) -> None:
    words = ("Series B", "Article", "Conference Paper", "Patent", "", "Early Stage VC", "My Own")
    text = "record_id,year,record_type\n" + "".join(f"{n},2020,{text}\n" for n, text in enumerate(words))
    types = [row[0] for row in read("table", {"people": written(tmp_path, text)}, "record_type")]
    assert types == ["early", "article", "proceedings_paper", "patent", "record", "early", "my_own"]


def test_dates_are_read_or_kept_as_text(read: Read, tmp_path: Path) -> None:
    dates = {
        "2020-05-01": 2020,
        "2020-05-01T00:00:00Z": 2020,
        "2020-05-01 00:00:00": 2020,
        "2020-05": 2020,
        "2020": 2020,
        "2020.0": 2020,
        "20200501": 2020,
        '"May 1, 2020"': 2020,
        "05-Jan-2024": 2024,
        "25/05/2020": 2020,
        "25/05/2020 10:00": 2020,
        "1-May-20": None,
        "5/1/20": None,
        "soon": None,
    }
    text = "record_id,date\n" + "".join(f"{n},{date}\n" for n, date in enumerate(dates, 10))
    rows = read("table", {"people": written(tmp_path, text)}, "year, dropped, year_text")
    assert [year for year, *_ in rows] == list(dates.values())
    assert rows[-3:] == [(None, "no_date", "1-May-20"), (None, "no_date", "5/1/20"), (None, "no_date", "soon")]
    formats = {"date_formats": ["%d-%b-%y", "%d/%m/%Y", "%m/%d/%y"]}
    named = read("table", {"people": tmp_path / "table.csv"}, "year", formats)
    assert [year for (year,) in named[-3:]] == [2020, 2020, None]


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (
            ("05/01/2020", "03/04/2020"),
            r"may have the day or the month first, for instance 0.*date_formats: \[.%d/%m/%Y",
        ),
        (("25/01/2020", "01/25/2020"), r"in two orders: 25/01/2020 has the day first, 01/25/2020 the month"),
    ],
)
def test_dates_in_an_order_that_nothing_proves_are_refused(
    read: Read, tmp_path: Path, dates: tuple[str, str], message: str
) -> None:
    path = written(tmp_path, "record_id,date\n" + "".join(f"{n},{date}\n" for n, date in enumerate(dates)))
    with pytest.raises(InputError, match=message):
        read("table", {"people": path})
    named = read("table", {"people": path}, "year", {"date_formats": ["%d/%m/%Y", "%m/%d/%Y"]})
    assert named == [(2020,), (2020,)]


def test_a_whole_people_table_is_read_as_it_is(read: Read, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = written(
        tmp_path, "record_id,year,industry,organisation,updated\nx,2020,Biotech,Acme,2021-01-01\ny,2021,,,\n"
    )
    whole = tmp_path / "people.parquet"
    options = {"columns": {"changed": "updated"}}
    SOURCES["table"].people(con, {"people": [path]}, options).write_parquet(str(whole))
    assert read("table", {"people": whole}) == read("table", {"people": path}, options=options)


def test_numbers_may_have_a_decimal_comma_and_nothing_else_is_one(read: Read, tmp_path: Path) -> None:
    path = written(tmp_path, "record_id;year;latitude;longitude\na;2020;48,1;11.6\nb;2020;;\n")
    assert read("table", {"people": path}, "latitude, longitude") == [(48.1, 11.6), (None, None)]
    path = written(tmp_path, "record_id,year,latitude,longitude\na,2020,48.1,11.6\nb,2020,47° N,8\n", "degrees.csv")
    with pytest.raises(
        InputError, match=r"degrees\.csv: latitude is not a number in 1 row, for instance '47° N' of record 'b'"
    ):
        read("table", {"people": path})


def test_a_column_that_the_header_has_twice_is_nobodys_guess(read: Read, tmp_path: Path) -> None:
    path = written(tmp_path, "Id,Year,Town,Town,Land\nA,2020,Paris,Lyon,FR\n")
    columns = {"record_id": "Id", "year": "Year", "city": "Town", "economy": "Land"}
    with pytest.raises(InputError, match="the header has the column 'Town' more than once"):
        read("table", {"people": path}, "city", {"columns": columns})


PEOPLE = "record_id,year,city,economy"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "1,2020,Graz,AT,0.5\n1,2020,Linz,AT,0.2\n",
            r"fractions of 1 record do not add up to 1: of record '1' .* to 0\.7\.",
        ),
        ("1,2020,Graz,AT,0\n", "of record '1' they add up to 0"),
        ("1,2020,Graz,AT,0.5\n1,2020,Linz,AT,\n", "of record '1' 1 are empty"),
        (
            "1,2020,Graz,AT,-0.5\n1,2020,Linz,AT,1.5\n",
            "fraction is not a number of at least 0 in 1 row, for instance '-0.5'",
        ),
        ("1,2020,Graz,AT,inf\n", "fraction is not a number"),
    ],
)
def test_fractions_that_are_not_the_parts_of_a_record_are_refused(
    read: Read, tmp_path: Path, rows: str, message: str
) -> None:
    path = written(tmp_path, f"{PEOPLE},fraction\n{rows}")
    with pytest.raises(InputError, match=message):
        read("table", {"people": path}, "fraction")


def test_fractions_add_up_but_for_rounding_or_are_weights_that_the_profile_scales(read: Read, tmp_path: Path) -> None:
    thirds = written(tmp_path, f"{PEOPLE},fraction\n" + "1,2020,Graz,AT,0.33\n" * 3, "thirds.csv")
    assert read("table", {"people": thirds}, "fraction") == [(pytest.approx(1 / 3),)] * 3
    weights = written(tmp_path, f"{PEOPLE},fraction\n1,2020,Graz,AT,3\n1,2020,Linz,AT,1\n", "weights.csv")
    assert read("table", {"people": weights}, "city, fraction", {"scale_fractions": True}) == [
        ("Graz", 0.75),
        ("Linz", 0.25),
    ]


def test_counts_may_have_their_thousands_apart_and_a_number_that_is_none_is_missing(read: Read, tmp_path: Path) -> None:
    path = written(tmp_path, f'{PEOPLE},people,latitude\n1,2020,Graz,AT,"1,234",nan\n2,2020,Graz,AT,2.0,"47,1"\n')
    assert read("table", {"people": path}, "record_id, people, latitude") == [("1", 1234, None), ("2", 2, 47.1)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1.23457E+12,2020,Graz,AT\n1.23457E+12,2020,Linz,AT\n", r"2 ids are rounded, for instance '1\.23457E\+12'"),
        ("1,43910,Graz,AT\n2,43911,Graz,AT\n", "no record has a readable date: '43910', '43911'"),
    ],
)
def test_what_a_spreadsheet_made_of_ids_and_dates_is_refused(
    read: Read, tmp_path: Path, rows: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read("table", {"people": written(tmp_path, f"{PEOPLE}\n{rows}")}, "record_id")


def test_json_in_utf_16_is_read(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "works.json"
    path.write_bytes(json.dumps([{"record_id": "1", "year": 2020, "city": "Łódź", "economy": "PL"}]).encode("utf-16"))
    assert read("table", {"people": path}, "record_id, year, city") == [("1", 2020, "Łódź")]


def test_another_encoding_is_refused_until_the_profile_names_it(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    path.write_bytes(f"{PEOPLE}\n1,2020,北京,CN\n2,2020,上海,CN\n".encode("gb18030"))
    with pytest.raises(InputError, match=r"neither UTF-8, UTF-16 nor Windows-1252.*`encoding: gb18030`"):
        read("table", {"people": path}, "city")
    assert read("table", {"people": path}, "city", {"encoding": "gb18030"}) == [("北京",), ("上海",)]
    with pytest.raises(InputError, match="the text is not in the encoding utf-8"):
        read("table", {"people": path}, "city", {"encoding": "utf-8"})


@pytest.mark.parametrize("name", ["deep.json", "deep.jsonl", "cut.csv.gz"])
def test_a_file_that_no_library_can_read_is_named(read: Read, tmp_path: Path, name: str) -> None:
    deep = "[" * 200_000 + "]" * 200_000
    content = gzip.compress(DEALS.encode())[:40] if name.endswith("gz") else f'{{"Nr": "1", "When": {deep}}}'.encode()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read("table", {"people": tmp_path / name}, options={"columns": DEALS_MAP})


def test_a_message_on_json_has_no_hint_that_a_profile_cannot_follow(read: Read, tmp_path: Path) -> None:
    twice = written(tmp_path, '[{"record_id": "1", "year": 2020, "economy": "AT", "economy": "DE"}]', "twice.json")
    with pytest.raises(InputError, match=r'twice\.json.* duplicate key "economy"') as told:
        read("table", {"people": twice}, "economy")
    assert "ignore_errors" not in str(told.value)
