"""What is wrong with a file is said once, with the file, the column and what to do."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.readers import files as reading
from gii_pipeline_tests.sources.readers.conftest import Read

TEXT = "patent_id,inventor_sequence,city,state,country\n" + "".join(f"{n},0,Graz,,AT\n" for n in range(5000))


def flat(read: Read, path: Path) -> int:
    return len(read("patentsview_flat", {"inventors": path}, options={"undated_year": 2020}))


def test_compression_is_told_by_content_not_by_name(read: Read, tmp_path: Path) -> None:
    for name, content in {
        "plain.gz": TEXT.encode(),
        "packed.csv": gzip.compress(TEXT.encode()),
        "zstd.txt": pa.compress(TEXT.encode(), codec="zstd", asbytes=True),
        "bom.csv": b"\xef\xbb\xbf" + TEXT.encode(),
        "crlf.csv": TEXT.replace("\n", "\r\n").encode(),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert flat(read, path) == 5000, name


def test_parquet_may_stand_in_for_a_delimited_table(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "inventors"
    columns = {"PATENT_ID": [1, 1], "inventor_sequence": [0, 1], "city": ["Graz"] * 2, "state": [None] * 2}
    pq.write_table(pa.table({**columns, "country": ["AT"] * 2}), path)
    assert flat(read, path) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "empty.csv: the file is empty"),
        ("few.csv", b"patent_id,city\n1,Graz\n", "few.csv: the columns inventor_sequence, state, country are missing"),
        ("short.csv", TEXT.encode() + b"9,0\n", "short.csv"),
        ("long.csv", TEXT.encode() + b"9,0,Graz,,AT,more\n", "long.csv"),
        ("cut.csv.gz", gzip.compress(TEXT.encode(), mtime=0)[:-2000], "cut.csv.gz"),
        ("packed.7z", b"7z\xbc\xaf\x27\x1c\x00", "packed.7z: a 7z archive cannot be read as a stream. Unpack it"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.xls: a workbook of Excel before 2007 (.xls)"),
        ("wos.csv", b"FN Clarivate Analytics Web of Science\nVR 1.0\n", "It looks like Web of Science as tagged plain"),
        ("page.csv", b"<!DOCTYPE html>\n<html>", "It looks like an HTML page"),
        ("works.csv", b'{"id":"https://openalex.org/W1","title":"x"}\n', "It looks like objects of OpenAlex as JSON"),
        ("deals.csv", b"Deal ID,Companies,Deal Date,Deal Type\n", "It looks like PitchBook's deals (reader `table`"),
        ("few_bytes.csv.gz", gzip.compress(TEXT.encode(), mtime=0)[:40], "few_bytes.csv.gz"),
        ("broken.parquet", b"PAR1 but no more", "broken.parquet: the Parquet file is truncated or damaged"),
    ],
)
def test_a_bad_file_is_an_input_error_with_its_name(
    read: Read, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)):
        flat(read, path)


def test_a_missing_file_role_or_option_is_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    source = SOURCES["patentsview_flat"]
    with pytest.raises(InputError, match=r"gone.csv: no such file \(role 'inventors'\)"):
        source.people(con, {"inventors": [tmp_path / "gone.csv"]})
    with pytest.raises(InputError, match="needs files for the role 'inventors'"):
        source.people(con, {})
    with pytest.raises(InputError, match=r"no such role: inventor\. The reader takes: inventors"):
        source.people(con, {"inventor": []})
    with pytest.raises(InputError, match=r"undated_yer: Extra inputs are not permitted\. Known"):
        source.people(con, {"inventors": []}, {"undated_yer": 2020})


def zipped(path: Path, *names: str, content: bytes = TEXT.encode()) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return path


def test_a_broken_zip_or_one_without_a_table_is_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = zipped(tmp_path / "g_pct_data.tsv.zip", "readme.md", "folder.tsv/")
    with pytest.raises(InputError, match=r"g_pct_data.tsv.zip: the zip archive contains no file ending in .tsv"):
        reading.unpacked(con, [path], (".tsv",))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"g_pct_data.tsv.zip: the zip archive is truncated or damaged"):
        reading.unpacked(con, [path], (".tsv",))


@pytest.mark.parametrize("name", ["/elsewhere/people.csv", "../../people.csv", "in/../../people.csv"])
def test_a_zip_gives_no_file_outside_its_folder(read: Read, tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "x.zip", name)
    with pytest.raises(InputError, match=r"x\.zip: its member '.*people\.csv' is outside"):
        flat(read, path)


def test_a_zip_is_read_whole_without_what_a_mac_adds(read: Read, tmp_path: Path) -> None:
    assert flat(read, zipped(tmp_path / "x.zip", "b/a.csv", "__MACOSX/a.csv", "readme.pdf")) == 5000


def test_a_member_that_cannot_be_unpacked_is_named(read: Read, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", "a.csv")
    whole = path.read_bytes()
    entry = whole.index(b"PK\x01\x02")
    for offset, value, message in ((8, 1, "encrypted"), (10, 97, "compression method")):
        broken = bytearray(whole)
        broken[offset - 2] = broken[entry + offset] = value
        path.write_bytes(broken)
        with pytest.raises(InputError, match=rf"x\.zip: its member a\.csv cannot be unpacked: .*{message}"):
            flat(read, path)


def test_paths_with_signs_of_patterns_and_quotes_are_taken_literally(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "it's [2020] *?.csv"
    path.write_text(TEXT, encoding="utf-8")
    assert flat(read, path) == 5000


def test_the_scratch_folder_goes_with_its_connection(tmp_path: Path) -> None:
    connection = duckdb.connect()
    folder = reading.scratch(connection)
    assert folder.is_dir()
    del connection
    assert not folder.exists()


def test_the_reader_table_is_also_called_local(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("record_id,year,city,economy\na,2020,Lyon,FR\na,2020,Oslo,NO\nb,,Rome,IT\n", encoding="utf-8")
    columns = "record_id, year, record_type, dropped, person_seq, people, fraction, address"
    assert read("local", {"people": path}, columns) == [
        ("a", 2020, "record", None, 1, 2, 0.5, "Lyon, FR"),
        ("a", 2020, "record", None, 2, 2, 0.5, "Oslo, NO"),
        ("b", None, "record", "no_date", 1, 1, 1.0, "Rome, IT"),
    ]


def test_what_a_killed_process_unpacked_is_removed_and_what_a_living_one_did_is_not(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    killed = [tmp_path / f"gii-{what}-{ended.pid}-a" for what in ("reading", "spill", "taking")]
    living, others = tmp_path / f"gii-spill-{os.getpid()}-a", tmp_path / f"gii-faults-{ended.pid}"
    for folder in (*killed, living, others):
        folder.mkdir()
    mine = reading.scratch(con)
    assert set(tmp_path.iterdir()) == {mine, living, others}
