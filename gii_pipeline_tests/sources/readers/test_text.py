"""Delimited text comes in every encoding, with every line end and stray quotes, and loses no record for it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import delimited
from gii_pipeline.sources.readers import files as reading

Rows = list[tuple[str | None, ...]]
TABLE = "id,city,note\n1,Malmö,a\n2,Łódź,b\n"


def rows(con: duckdb.DuckDBPyConnection, path: Path, *columns: str) -> Rows:
    with reading.explained():
        return con.sql(delimited.table(con, [path], columns)).fetchall()


def written(folder: Path, content: bytes | str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1250"])
def test_every_encoding_and_line_end_gives_the_same_rows(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, encoding: str, ends: str
) -> None:
    path = written(tmp_path, TABLE.replace("\n", ends).encode(encoding))
    city = "£ódŸ" if encoding == "cp1250" else "Łódź"  # which no reader can know from Windows-1252
    assert rows(con, path, "id", "city", "note") == [("1", "Malmö", "a"), ("2", city, "b")]


def test_mixed_encodings_and_line_ends_lose_no_line_and_no_valid_character(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    lines = [b"name,n", b"S\xc3\xa3o Paulo,1\r", b"Z\xfcrich,2", b"\x81re\rst,3\r", b"\xe6\x9d\xb1\xe4\xba\xac,4"]
    assert rows(con, written(tmp_path, b"\n".join(lines)), "name") == [
        ("São Paulo",),
        ("Zürich",),
        ("\ufffdre st",),
        ("東京",),
    ]


def test_a_sound_file_is_read_as_it_lies(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = written(tmp_path, 'id,city,note\n1,"Zürich, ""Altstadt""",""\n2,pipe of 3,\n')
    assert rows(con, path, "id", "city", "note") == [("1", 'Zürich, "Altstadt"', None), ("2", "pipe of 3", None)]
    assert list(reading.scratch(con).iterdir()) == []


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (['1,x,"House 1', "2,y,x", '3,z,y"', "4,p,q"], [('"House 1',), ("x",), ('y"',), ("q",)]),
        (['1,x,"never closed', "2,y,x"], [('"never closed',), ("x",)]),
        (['1,"House "Eagle" 5",z', '2,12" pipe,x', '3,"A" quoted,x'], [("z",), ("x",), ("x",)]),
        (['1,"text', 'of, two ""lines""",z'], [("z",)]),
        (['1,x,"a line', "and, another one", 'of text"', "2,y,z"], [("a line\nand, another one\nof text",), ("z",)]),
    ],
)
def test_a_stray_quote_is_text_and_swallows_no_record(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, lines: list[str], fields: Rows
) -> None:
    assert rows(con, written(tmp_path, "\n".join(["id,house,note", *lines])), "note") == fields


def test_quotes_within_a_quoted_field_stay(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = written(tmp_path, 'id\tnote\n1\t"House "Eagle" 5"\n')
    assert rows(con, path, "note") == [('House "Eagle" 5',)]


def test_a_table_saved_again_with_quotes_is_read_as_before(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    once = written(tmp_path, 'UT\tC1\tTI\nW1\t[Doe, J; Roe, R] Univ Oslo, Oslo, Norway\tThe "late" shift\n', "a")
    again = written(
        tmp_path, '"UT"\t"C1"\t"TI"\nW1\t"[Doe, J; Roe, R] Univ Oslo, Oslo, Norway"\t"The ""late"" shift"\n', "b"
    )
    expected = [("W1", "[Doe, J; Roe, R] Univ Oslo, Oslo, Norway", 'The "late" shift')]
    assert rows(con, once, "UT", "C1", "TI") == expected
    assert rows(con, again, "UT", "C1", "TI") == expected


def test_a_line_that_no_reading_of_its_quotes_mends_is_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = written(tmp_path, 'id,house,note\n0,a,b\n1,"House "Eagle, 5" 7,z\n')
    with pytest.raises(
        InputError, match=r"table\.csv: line 3: 4 fields, but the header has 3, and there is an unclosed quote"
    ):
        rows(con, path, "id")
    path = written(tmp_path, 'id,note\n1,"House 1\n2,y"\n', "two.csv")
    with pytest.raises(InputError, match=r"two\.csv: line 2: a quote opens a field that spans lines"):
        rows(con, path, "id")


def test_a_wrong_line_of_a_mended_copy_is_named_as_in_the_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = written(tmp_path, "Title\rid,note\r1,a\r2\r")
    with (
        pytest.raises(InputError, match=r"table\.csv: .*on Line: 4; Original Line: 2; Expected Number of Columns: 2"),
        reading.explained(),
    ):
        con.sql(delimited.renamed(con, [path], {"id": ("id",), "note": ("note",)}, titled=True)).fetchall()


def test_blank_fields_are_missing_values(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = written(tmp_path, 'id,city,note\n1,  ,\u00a0\n2,\t,"  "\n3, Oslo ,x\n')
    assert rows(con, path, "id", "city", "note") == [("1", None, None), ("2", None, None), ("3", "Oslo", "x")]


def test_records_above_the_header_are_skipped_even_with_line_breaks(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for title in ('"Downloaded\nSearch ""VC"""\n', "A title\n\n,,\n", 'Search: "VC\n'):
        path = written(tmp_path, f"{title}id,city\n1,Oslo\n2,Bergen\n", f"{len(title)}.csv")
        table = delimited.renamed(con, [path], {"id": ("id",), "city": ("city", "town")}, titled=True)
        assert con.sql(table).fetchall() == [("1", "Oslo"), ("2", "Bergen")]


@pytest.mark.parametrize("folder", ["city=US", "it's [2020] *?{a,b}"])
def test_folders_are_neither_columns_nor_patterns(con: duckdb.DuckDBPyConnection, tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    path = written(tmp_path / folder, TABLE)
    assert rows(con, path, "city") == [("Malmö",), ("Łódź",)]
    whole = path.with_suffix(".parquet")
    con.sql(delimited.table(con, [path], ["city"])).write_parquet(str(whole))
    assert rows(con, whole, "city") == [("Malmö",), ("Łódź",)]


@pytest.mark.parametrize(
    ("encoding", "cities"),
    [
        ("cp1251", "Москва Казань"),
        ("cp1253", "Αθήνα Πάτρα"),
        ("shift_jis", "東京 大阪 名古屋"),
        ("cp1250", "Łódź Wrocław Białystok Rzeszów Częstochowa"),
    ],
)
def test_an_encoding_that_nobody_named_is_not_taken_for_windows_1252(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, encoding: str, cities: str
) -> None:
    table = "id,city\n" + "".join(f"{nth},{city}\n" for nth, city in enumerate(cities.split()))
    with pytest.raises(InputError, match=r"table\.csv: the text is neither UTF-8, UTF-16 nor Windows-1252"):
        rows(con, written(tmp_path, table.encode(encoding)), "id", "city")


def test_words_of_western_europe_are_windows_1252(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    cities = ["Ísafjörður", "Þórshöfn", "“Nîmes” – l’été", "Besançon n°3", "A Coruña", "Łódź", "Müßig & Söhne"]
    table = "".join(f"{nth},{city}\n" for nth, city in enumerate(cities)).encode("cp1252", errors="replace")
    found = rows(con, written(tmp_path, b"id,city\n" + table), "city")
    assert [city for (city,) in found] == [city.encode("cp1252", errors="replace").decode("cp1252") for city in cities]


def test_utf_32_is_read(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert rows(con, written(tmp_path, TABLE.encode("utf-32")), "id", "city") == [("1", "Malmö"), ("2", "Łódź")]
