"""The fields of every unit are kept, in whatever form it came, and two vintages of a source can be compared."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.extracts import Extracts, RawFile, units
from gii_pipeline.sources.fields import fields
from gii_pipeline.sources.gone_records import gone_people
from gii_pipeline.sources.vintages import differences, vintage
from gii_pipeline_tests.commands import Gii

OLD = "PCT_Nbr|Inv_name|Address|Reg_code|Ctry_code|Reg_share|Inv_share\nWO2019000001|Doe, A|Oslo|NO011|NO|1|1\n"
NEW = (
    "pct_nbr|person_id|inv_name|address|city|reg_code|ctry_code|reg_share|inv_share\n"
    "WO2019000001|1|Doe, A|Oslo|Oslo|NO011|NO|1|1\nWO2020000001|2|Roe, B|Rome|Rome|ITI43|IT|1|1\n"
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def extracts(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Path:
    return extracts_of_two_vintages(con, tmp_path)


def extracts_of_two_vintages(con: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    """The extracts of two vintages of REGPAT."""
    for name, text in (("202502", OLD), ("202602", NEW)):
        path = folder / f"{name}_PCT_Inv_reg.txt"
        path.write_text(text, encoding="utf-8")
        raw = RawFile(path, hashlib.sha256(path.read_bytes()).hexdigest(), f"file:{path.name}")
        [unit] = units("regpat", {"inventors": [raw]})
        Extracts(folder / "extracts").extract(con, unit, SOURCES["regpat"].parsed({}))
    return folder / "extracts"


def test_two_vintages_differ_in_fields_and_counts(extracts: Path) -> None:
    found = differences(vintage(extracts, "202502"), vintage(extracts, "202602"))
    assert [(row["what"], row["old"], row["new"]) for row in found.to_dict("records")] == [
        ("field inventors: city", "–", "text"),
        ("field inventors: person_id", "–", "text"),
        ("rows", "1", "2"),
        ("records of 2020", "0", "1"),
    ]


def test_a_vintage_that_nobody_read_is_answered_with_those_that_were(extracts: Path) -> None:
    with pytest.raises(InputError, match=r"has '202608' in its address\. There are 2:\n  file:202502_PCT"):
        vintage(extracts, "202608")


def test_the_command_prints_what_differs(extracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gii = Gii(Path("open"), extracts.parent, capsys)
    shown = gii("diff", "202502", "202602", "--sources", "--format", "json")
    assert shown.code == 0, shown.err
    assert {"reader": "regpat", "what": "rows", "old": "1", "new": "2"} in json.loads(shown.out)
    assert "have the same fields" in gii("diff", "202502", "202502", "--sources").out


def test_fields_are_listed_in_whatever_form_a_file_comes(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    work = {"id": "W1", "authorships": [{"institutions": [{"ror": "x"}]}]}
    texts = {
        "works.jsonl": json.dumps(work),
        "page.json": json.dumps({"meta": {"count": 1}, "results": [work]}),
        "records.txt": "FN Clarivate\nVR 1.0\nPT J\nAU Doe, A\n   Roe, B\nER\n",
        "wo.xml": "<?xml version='1.0'?><a:wo><b x='1'/></a:wo>",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    pq.write_table(pa.table({"id": ["W1"], "place": [{"city": "Oslo"}]}), tmp_path / "works.parquet")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("q1/OFFERING.tsv", "A\tB\n1\t2\n")
        archive.writestr("q1/ISSUERS.tsv", "C\n1\n")
    names = {path.name: sorted(fields(con, path)) for path in sorted(tmp_path.iterdir())}
    nested = ["authorships[].institutions[].ror", "id"]
    assert names == {
        "works.jsonl": nested,
        "page.json": nested,
        "records.txt": ["AU", "FN", "PT", "VR"],
        "wo.xml": ["b", "wo"],
        "works.parquet": ["id", "place.city"],
        "set.zip": ["ISSUERS.C", "OFFERING.A", "OFFERING.B"],
    }


def sha(folder: Path, vintage: str) -> str:
    return hashlib.sha256((folder / f"{vintage}_PCT_Inv_reg.txt").read_bytes()).hexdigest()


def test_records_that_only_the_old_files_have_are_gone_at_the_source(
    con: duckdb.DuckDBPyConnection, extracts: Path
) -> None:
    def gone(old: dict[int, set[str]], new: dict[int, set[str]]) -> list[dict[str, object]] | None:
        found = gone_people(con, extracts, old, new)
        return found if found is None else [each.told() for each in found]

    older, newer = (sha(extracts.parent, vintage) for vintage in ("202502", "202602"))
    then, now = {2019: {older}, 2020: {older}}, {2019: {newer}, 2020: {newer}}
    assert gone(then, now) == []
    left = {"source": "regpat", "data_year": 2020, "records": 1, "fraction": 1.0, "examples": ("WO2020000001",)}
    assert gone(now, then) == [left]
    assert gone(now, {2019: {older}}) == []  # the windows of the other end before 2020
    assert gone({2020: {newer}}, {2020: {older, newer}}) == []
    assert gone({2020: {"a file that nobody read"}}, now) is None
