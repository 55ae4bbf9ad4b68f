"""A source is read once, every record counts once, and the ledger says what became of the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest

from gii_pipeline.errors import DamagedError, InputError
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.examples import Examples, outcomes
from gii_pipeline.sources.extracts import Extracts, RawFile, units
from gii_pipeline.sources.ledger import ledger, told
from gii_pipeline.sources.readers.rows import Options, people_rows
from gii_pipeline.sources.union import Pinned, Union, union

HEADER = "record_id,year,city,changed\n"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A reader `lines` of CSV files with HEADER; what it was asked to read, by name."""
    asked: list[str] = []

    def people(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], _: Options) -> duckdb.DuckDBPyRelation:
        asked.extend(path.name for path in files["lines"])
        names = [str(path) for path in files["lines"]]
        return people_rows(
            con,
            f"read_csv({names}, all_varchar = true, header = true)",
            record_id="record_id",
            year="year",
            city="city",
            changed="changed",
            dropped="CASE WHEN record_id IS NULL THEN 'no_id' WHEN city = 'Nowhere' THEN 'retracted' END",
        )

    source = SOURCES["local"]
    lines = type(source)(read=people, options=Options, roles={"lines": "CSV"}, metric=None, licence="", citation="")
    monkeypatch.setitem(SOURCES, "lines", lines)
    return asked


@pytest.fixture
def extracted(con: duckdb.DuckDBPyConnection, tmp_path: Path, reads: list[str]) -> Extracted:
    return Extracted(con, tmp_path)


class Extracted:
    """Lists of CSV files as they are extracted."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.con, self.folder = con, folder

    def pinned(self, metric: str = "vc_deals", at: str = "2024-05-01", **files: str) -> Pinned:
        raw = []
        for name, lines in files.items():
            path = self.folder / f"{name}.csv"
            path.write_text(HEADER + lines, encoding="utf-8")
            raw.append(RawFile(path, hashlib.sha256(path.read_bytes()).hexdigest(), f"file:{name}.csv"))
        kept = Extracts(self.folder / "extracts")
        found = [kept.extract(self.con, unit, Options()) for unit in units("lines", {"lines": raw})]
        return Pinned(metric, tuple(found), int(at[:4]), at, self.folder / "extracts")

    def cities(self, pinned: Pinned, year: int = 2020, **others: Pinned) -> dict[str, str]:
        rows = self.united(pinned, year, **others).rows
        return dict(rows.select("record_id, city").order("record_id").fetchall())

    def united(self, pinned: Pinned, year: int = 2020, **others: Pinned) -> Union:
        return union(self.con, pinned, year, {int(name[1:]): other for name, other in others.items()})


def test_a_file_is_read_once_whatever_list_names_it(extracted: Extracted, reads: list[str]) -> None:
    extracted.pinned(a="1,2020,Graz,\n", b="2,2020,Lyon,\n")
    extracted.pinned(a="1,2020,Graz,\n", b="2,2020,Lyon,\n", c="3,2021,Oslo,\n")
    assert reads == ["a.csv", "b.csv", "c.csv"]


def test_a_damaged_extract_is_refused(extracted: Extracted) -> None:
    pinned = extracted.pinned(a="1,2020,Graz,\n")
    path = pinned.extracts[0].path
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=path.name):
        extracted.united(pinned)


def test_the_version_that_the_source_changed_last_counts_whatever_the_order(extracted: Extracted) -> None:
    pinned = extracted.pinned(a="1,2020,Bergen,2025-03-01 10:00\n", b="1,2020,Oslo,2024-12-31\n", c="1,2020,Graz,\n")
    assert extracted.cities(pinned) == {"1": "Bergen"}


def test_equal_rows_are_one_record_and_a_later_file_counts_where_they_differ(extracted: Extracted) -> None:
    pinned = extracted.pinned(a="1,2020,Graz,\n1,2020,Graz,\n2,2020,Lyon,\n", b="1,2020,Graz,\n2,2020,Porto,\n")
    assert extracted.cities(pinned) == {"1": "Graz", "2": "Porto"}
    outcomes = extracted.con.sql(
        f"SELECT record_id, outcome, copies FROM '{extracted.united(pinned).losers}'"
    ).fetchall()
    assert outcomes == [("1", "equal", 2), ("2", "later_file", 1)]


def test_an_id_of_two_different_records_in_one_file_is_refused_with_its_rows(extracted: Extracted) -> None:
    pinned = extracted.pinned(a="1,2020,Graz,\n1,2020,Lyon,\n2,2020,Oslo,\n2,2021,Oslo,\n")
    with pytest.raises(InputError, match="2 ids stand for different records") as refused:
        extracted.united(pinned)
    assert "'1' stands for 2 different records in file:a.csv" in str(refused.value)
    assert "city=Graz" in str(refused.value)
    assert "city=Lyon" in str(refused.value)


def test_a_patent_counts_at_its_first_publication(extracted: Extracted) -> None:
    files = {"a": "1,2021,Graz,2024-01-01\n", "b": "1,2020,Lyon,2020-01-01\n"}
    pinned = extracted.pinned("pct_applications", **files)
    assert extracted.cities(pinned, 2020) == {"1": "Lyon"}
    assert extracted.cities(pinned, 2021) == {}


def test_of_data_years_that_were_fetched_apart_one_counts_a_record(extracted: Extracted) -> None:
    early = extracted.pinned(at="2021-06-01", a="1,2021,Graz,2021-01-01\n2,2021,Lyon,\n3,2021,Oslo,\n")
    late = extracted.pinned(at="2022-06-01", b="1,2022,Graz,2022-01-01\n2,2022,Lyon,\n4,2022,Oslo,\n")
    assert extracted.cities(early, 2021, _2022=late) == {"3": "Oslo"}
    assert extracted.cities(late, 2022, _2021=early) == {"1": "Graz", "2": "Lyon", "4": "Oslo"}
    assert extracted.united(late, 2022, _2021=early).supersedes == {2021: 2}


@pytest.mark.parametrize("year", ["20", "1899", "2025"])
def test_a_year_out_of_range_is_undated_and_keeps_its_text(extracted: Extracted, year: str) -> None:
    pinned = extracted.pinned(at="2024-01-01", a=f"1,{year},Graz,\n")
    assert extracted.con.sql(f"SELECT year, year_text FROM {pinned.rows()}").fetchall() == [(None, year)]
    assert extracted.cities(pinned, int(year)) == {}


def test_the_ledger_accounts_for_every_row(extracted: Extracted, tmp_path: Path) -> None:
    pinned = extracted.pinned(
        a="1,2020,Graz,\n2,20,Lyon,\n3,2019,Oslo,\n4,2020,Nowhere,\n,2020,Oslo,\n", b="1,2020,Graz,\n5,2020,Oslo,\n"
    )
    united = extracted.united(pinned)
    core = tmp_path / "core.parquet"
    united.rows.filter("dropped IS NULL").write_parquet(str(core))
    quality = [
        {"status": "dropped", "outcome": "retracted", "records": 1, "fraction": 1.0},
        {"status": "located", "outcome": "city", "records": 2, "fraction": 2.0},
    ]
    lines = ledger(extracted.con, pinned, united, 2020, core=core, quality=quality)
    found = {
        (line["file"], line["outcome"]): line["rows"] if line["stage"] == "read" else line["records"] for line in lines
    }
    assert found == {
        ("file:a.csv", "read"): 5,
        ("file:a.csv", "records"): 4,
        ("file:a.csv", "refused: no_id"): 1,
        ("file:a.csv", "dated"): 3,
        ("file:a.csv", "undated"): 1,
        ("file:b.csv", "read"): 2,
        ("file:b.csv", "records"): 2,
        ("file:b.csv", "dated"): 2,
        ("file:b.csv", "undated"): 0,
        ("all", "superseded: equal"): 1,
        ("all", "other_years"): 1,
        ("all", "dropped: retracted"): 1,
        ("all", "counted"): 2,
        ("all", "located: city"): 2,
    }
    assert told(lines)[0] == ("vc_deals 2020: 7 rows read from 2 files, 6 records; refused rows: no_id 1; undated: 1")


@pytest.mark.parametrize(
    ("asked", "records"),
    [
        ("undated", [("file:a.csv", "2", "20")]),
        ("superseded: equal", [("file:a.csv", "1", "2020")]),
        ("no_id", [("file:a.csv", None, "2020")]),
        ("dropped: retracted", [(None, "4", "2020")]),
        ("other_years", [("file:a.csv", "3", "2019")]),
        ("data_year_2022", [("file:b.csv", "5", "2020")]),
    ],
)
def test_every_outcome_of_the_ledger_has_its_rows(
    extracted: Extracted, tmp_path: Path, asked: str, records: list[tuple[str | None, str | None, str]]
) -> None:
    pinned = extracted.pinned(
        a="1,2020,Graz,\n2,20,Lyon,\n3,2019,Oslo,\n4,2020,Nowhere,\n,2020,Oslo,\n", b="1,2020,Graz,\n5,2020,Oslo,\n"
    )
    others = {2022: extracted.pinned(at="2025-05-01", c="5,2022,Oslo,\n")}
    united = union(extracted.con, pinned, 2020, others)
    core = tmp_path / "core.parquet"
    united.rows.filter("dropped IS NULL").write_parquet(str(core))
    quality = [{"status": "dropped", "outcome": "retracted", "records": 1, "fraction": 1.0}]
    lines = ledger(extracted.con, pinned, united, 2020, core=core, quality=quality)
    [(stage, outcome, count)] = outcomes(lines, asked)
    rows = Examples(extracted.con, pinned, others, 2020, Options(), core).of(stage, outcome, 10)
    assert count == len(rows) == len(records)
    for row, (file, record_id, year) in zip(rows.to_dict("records"), records, strict=True):
        assert row.get("file") == file
        assert row.get("record_id") == record_id
        assert year in (str(row.get("year")), row.get("year_text"))


def test_an_outcome_that_never_occurs_is_refused_with_those_that_do() -> None:
    lines = [
        {"stage": "date", "outcome": "undated", "rows": 0, "records": 0},
        {"stage": "read", "outcome": "refused: no_id", "rows": 2, "records": None},
    ]
    assert outcomes(lines, "refused") == [("read", "refused: no_id", 2)]
    with pytest.raises(InputError, match="no outcome 'unlocated'\\. Known outcomes: refused: no_id"):
        outcomes(lines, "unlocated")
