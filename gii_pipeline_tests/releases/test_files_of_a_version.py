"""What lies in a version, and that others can read it without our package."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import shapely
import yaml
from frictionless import Package
from python_calamine import CalamineWorkbook

from gii_pipeline import contracts
from gii_pipeline.releases.files import write_csv, write_xlsx
from gii_pipeline.store import EDITION_TABLES
from gii_pipeline_tests.releases.small_edition import (
    SHENZHEN,
    info,
    lock,
    release,
    tables,
    write_and_release,
    write_edition,
)

TABLES = (*EDITION_TABLES, "rank_history", "rank_events")


@pytest.fixture
def version(published: Path) -> Path:
    return published / "releases" / "v2025.1"


@pytest.fixture
def package(version: Path) -> dict[str, Any]:
    return dict(json.loads((version / "datapackage.json").read_bytes()))


def test_a_version_holds_every_table_and_what_is_made_from_them(version: Path) -> None:
    texts = {"ranking_size.csv", "ranking_intensity.csv", "ranking.csv", "ranking_excel.csv"}
    others = texts | {f"{name}.metadata.json" for name in texts}
    others |= {"ranking.parquet", "ranking.xlsx", "ranking.sqlite", "footprints.geojson", "README.md", "CITATION.cff"}
    others |= {"datapackage.json", "sources.lock.json", "CHANGES.md"}
    others |= {f"{table}.odcs.yaml" for table in TABLES}
    assert {path.name for path in version.iterdir()} == {f"{table}.parquet" for table in TABLES} | others


def test_a_version_has_the_contract_of_every_table_beside_it(version: Path) -> None:
    for table in TABLES:
        assert contracts.read(version / f"{table}.odcs.yaml") == contracts.load(table)
        server, *_ = contracts.document(table)["servers"]
        assert (version / server["path"]).is_file()


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_a_table_says_what_it_is(version: Path, table: str) -> None:
    schema, contract = pq.read_schema(version / f"{table}.parquet"), contracts.load(table)
    assert schema.remove_metadata() == contract.arrow_schema.remove_metadata()
    for field, column in zip(schema, contract.columns, strict=True):
        assert field.metadata[b"description"].decode() == column.description
        assert (field.metadata.get(b"unit") or b"").decode() == str(column.unit or "")


@pytest.mark.parametrize("table", TABLES)
def test_every_reader_finds_the_same_rows(version: Path, table: str) -> None:
    path = version / f"{table}.parquet"
    first = pq.ParquetFile(path).read().column(2).to_pylist()
    column = pq.read_schema(path).names[2]
    assert first
    assert pd.read_parquet(path)[column].tolist() == first
    assert pl.read_parquet(path)[column].to_list() == first
    assert [row[0] for row in duckdb.connect().execute(f"select {column} from '{path}'").fetchall()] == first
    assert ds.dataset(path).to_table(columns=[column])[column].to_pylist() == first


@pytest.mark.parametrize("table", ["ranking_size", "ranking_intensity", "ranking"])
def test_the_csv_is_the_table_with_figures_that_people_can_read(version: Path, table: str) -> None:
    parquet = pd.read_parquet(version / f"{table}.parquet")
    text = pd.read_csv(version / f"{table}.csv", dtype=dict(parquet.dtypes), keep_default_na=False, na_values=[""])
    pd.testing.assert_frame_equal(text, parquet, atol=0.5, rtol=1e-3)
    with (version / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == list(parquet.columns)
    assert all(len(cell.partition(".")[2]) <= 4 for row in rows for cell in row if cell.replace(".", "").isdigit())


FACTS = {"version": "v2025.1", "edition": 2025, "method": 2025, "made_up": True, "maturity": "final"}


@pytest.mark.parametrize("table", [*TABLES, "ranking"])
def test_every_parquet_file_says_its_version_and_that_its_records_are_made_up(version: Path, table: str) -> None:
    told = json.loads(pq.read_schema(version / f"{table}.parquet").metadata[b"gii_release"])
    assert told == {**FACTS, "title": info().title}


def test_a_parquet_file_names_its_recipe_and_the_lock_lies_once_beside_it(tmp_path: Path) -> None:
    root = tmp_path / "gii_data"
    files = sorted(hashlib.sha256(str(number).encode()).hexdigest() for number in range(900))
    by = replace(lock(), sources={**lock().sources, "openalex": {**lock().sources["openalex"], "2020": tuple(files)}})
    write_edition(root, by=by)
    version = root / "releases" / str(release(root).release.version)
    kept = json.loads((version / "sources.lock.json").read_bytes())
    assert kept["recipe"] == by.recipe
    assert kept["sources"]["openalex"]["2020"] == files
    for path in version.glob("*.parquet"):
        described = pq.read_metadata(path)
        assert described.serialized_size <= 20_000, path.name
        assert described.metadata[b"gii_recipe"].decode() == by.recipe
        assert b"gii_lock" not in described.metadata
        assert b"gii_lock" not in (pq.read_schema(path).metadata or {})


def test_every_csv_and_the_geojson_say_it_too(version: Path) -> None:
    for path in version.glob("*.csv"):
        described = json.loads(path.with_name(f"{path.name}.metadata.json").read_text(encoding="utf-8"))
        assert described["url"] == path.name
        assert described["gii:release"] == {**FACTS, "title": info().title}
        with path.open(encoding="utf-8-sig", newline="") as file:
            assert [column["name"] for column in described["tableSchema"]["columns"]] == next(csv.reader(file))
    collection = json.loads((version / "footprints.geojson").read_bytes())
    assert collection["gii_release"]["made_up"] is True
    first = next(feature["properties"] for feature in collection["features"] if feature["id"] == SHENZHEN)
    assert (first["rank"], first["is_ranked"]) == (1, True)


def test_the_wide_table_has_names_places_and_both_ranks_before(version: Path) -> None:
    row = pd.read_parquet(version / "ranking.parquet").iloc[0]
    assert (row["rank"], row["name"], row["economy_names"]) == (1, "Shenzhen–Hong Kong", "China, Hong Kong")
    assert (row["latitude"], row["longitude"]) == (22.54, 114.06)
    assert {"previous_rank_own_method", "previous_rank_same_method", "rank_low", "rank_high"} <= set(row.index)


def test_the_spreadsheet_and_the_database_have_the_same_rows(version: Path) -> None:
    wide = pd.read_parquet(version / "ranking.parquet")
    header, *rows = CalamineWorkbook.from_path(str(version / "ranking.xlsx")).get_sheet_by_name("ranking").to_python()
    assert header == list(wide.columns)
    assert [row[header.index("name")] for row in rows] == wide["name"].tolist()
    assert rows[0][header.index("size_score")] == pytest.approx(wide["size_score"][0], abs=1e-4)
    with closing(sqlite3.connect(version / "ranking.sqlite")) as database:
        best = database.execute("select name, size_score from ranking order by rank limit 1").fetchone()
        assert best == (wide["name"][0], wide["size_score"][0])
        assert database.execute("select value from about where fact = 'made_up'").fetchone() == ("True",)


def test_a_name_that_begins_like_a_formula_is_text_in_a_spreadsheet(tmp_path: Path) -> None:
    table = pa.table({"name": ["=1+1", "@SUM(A1)", "Bern"]})
    write_csv(table, tmp_path / "names.csv", {"title": "Names"}, for_excel=True)
    write_xlsx(table, tmp_path / "names.xlsx", {"title": "Names"})
    assert (tmp_path / "names.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert pd.read_csv(tmp_path / "names.csv")["name"].tolist() == ["'=1+1", "'@SUM(A1)", "Bern"]
    with zipfile.ZipFile(tmp_path / "names.xlsx") as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_the_version_is_explained_and_cited(version: Path) -> None:
    readme = (version / "README.md").read_text(encoding="utf-8")
    assert "**All records are made up" in readme
    assert "| 1 | Shenzhen–Hong Kong | China, Hong Kong |" in readme
    assert {path.stem for path in version.glob("*.parquet")} - {"ranking"} <= set(
        re.findall(r"`(\w+)\.parquet`", readme)
    )
    cited = yaml.safe_load((version / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["cff-version"], cited["version"], cited["type"]) == ("1.2.0", "v2025.1", "dataset")
    assert [source["title"] for source in cited["references"]] == [source.title for source in info().sources.values()]


def test_footprints_are_geoparquet_and_geojson_of_the_same_shapes(version: Path) -> None:
    parquet = gpd.read_parquet(version / "cluster_footprints.parquet")
    text = gpd.read_file(version / "footprints.geojson")
    assert parquet.crs.to_authority() == ("OGC", "CRS84")
    assert text.crs.to_epsg() == 4326
    assert text["name"].tolist() == parquet["name"].tolist()
    drawn, read = (shapely.set_precision(side.geometry.to_numpy(), 1e-6) for side in (parquet, text))
    assert shapely.equals_exact(drawn, read, 1e-6, normalize=True).all()


def test_geojson_follows_its_standard(version: Path) -> None:
    collection = json.loads((version / "footprints.geojson").read_bytes())
    assert collection["type"] == "FeatureCollection"
    assert "crs" not in collection
    for feature in collection["features"]:
        assert feature["id"] == feature["properties"]["cluster_id"]
        polygons = feature["geometry"]["coordinates"]
        outer = polygons[0] if feature["geometry"]["type"] == "Polygon" else polygons[0][0]
        turns = sum((x1 - x0) * (y1 + y0) for (x0, y0), (x1, y1) in itertools.pairwise(outer))
        assert turns < 0, "outer rings go anticlockwise (RFC 7946, 3.1.6)"


def test_the_data_package_is_valid_with_every_file_in_it(version: Path, package: dict[str, Any]) -> None:
    report = Package(str(version / "datapackage.json")).validate()
    assert report.valid, report.flatten(["name", "type", "note"])
    listed = {resource["path"] for resource in package["resources"]}
    assert listed == {path.name for path in version.iterdir()} - {"datapackage.json"}
    for resource in package["resources"]:
        content = (version / resource["path"]).read_bytes()
        assert (resource["bytes"], resource["hash"]) == (len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")


@pytest.mark.parametrize("name", ["ranking_size.csv", "points.parquet"])
def test_frictionless_sees_a_changed_file(released: Path, name: str) -> None:
    path = released / "releases" / "v2025.1" / name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    report = Package(str(path.parent / "datapackage.json")).validate()
    assert [task.place for task in report.tasks if task.errors] == [name]


def test_the_data_package_describes_every_table(package: dict[str, Any]) -> None:
    by_path = {resource["path"]: resource for resource in package["resources"]}
    rows = tables()
    for table in EDITION_TABLES:
        resource, contract = by_path[f"{table}.parquet"], contracts.load(table)
        assert resource["row_count"] == rows[table].num_rows
        assert [field["name"] for field in resource["schema"]["fields"]] == contract.arrow_schema.names
        assert resource["contract_version"] == contract.version
    fields = {field["name"]: field for field in by_path["ranking_size.csv"]["schema"]["fields"]}
    assert fields["area_km2"]["unit"] == "km²"
    assert by_path["ranking_size.csv"]["rows"] == rows["ranking_size"].num_rows


def test_the_data_package_names_licences_and_citations(package: dict[str, Any]) -> None:
    assert [licence["title"] for licence in package["licenses"]] == ["CC0-1.0", "OECD terms, research use"]
    cited = {source["name"]: source["citation"] for source in package["sources"]}
    assert cited == {name: source.citation for name, source in info().sources.items()}
    assert package["made_up"] is True
    assert "Made up" in package["description"]


def test_the_lock_names_every_input_and_who_made_the_tables(version: Path) -> None:
    lock = json.loads((version / "sources.lock.json").read_bytes())
    assert lock["sources"]["openalex"]["2023"] == ["a" * 64]
    assert lock["sources"]["regpat"]["2024"] == ["b" * 64, "c" * 64]
    assert lock["code"] == {"ranking": "0.1.0"}
    assert lock["contracts"] == {table: contracts.load(table).version for table in EDITION_TABLES}
    assert {"python", "pyarrow", "duckdb"} <= set(lock["libraries"])
    assert lock["files"]["points.parquet"] == hashlib.sha256((version / "points.parquet").read_bytes()).hexdigest()


def test_changes_compare_with_the_version_before(published: Path) -> None:
    first, second = ((published / f"releases/v2025.{n}/CHANGES.md").read_text(encoding="utf-8") for n in (1, 2))
    assert first.startswith("# v2025.1\n\nThe first release")
    assert second.startswith("# v2025.2, compared with v2025.1")
    assert "| Shenzhen–Hong Kong | PCT applications | 680.0 | 884.0 | +30.00 |" in second
    assert "| source openalex 2023 | aaaaaaaaaaaa | eeeeeeeeeeee |" in second


def test_a_report_goes_into_the_version_and_its_package(root: Path) -> None:
    def report(folder: Path, version: object) -> None:
        ranked = pq.ParquetFile(folder / "ranking_size.parquet").read()["name"].to_pylist()
        (folder / "report").mkdir()
        (folder / "report" / "index.html").write_text(f"<p>{ranked[0]}, {version}</p>", encoding="utf-8")

    made = release(root, extras=report).release
    assert made.bytes("report/index.html").decode() == "<p>Shenzhen–Hong Kong, v2025.1</p>"
    listed = next(resource for resource in made.package["resources"] if resource["path"] == "report/index.html")
    assert listed["mediatype"] == "text/html"
    assert Package(str(made.folder / "datapackage.json")).validate().valid


def test_the_same_edition_gives_the_same_bytes_under_another_root(tmp_path: Path) -> None:
    folders = [write_and_release(tmp_path / name).release.folder for name in ("one", "two")]
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two


def test_rank_history_has_this_edition_and_the_earlier_ones_as_released(tmp_path: Path) -> None:
    write_and_release(tmp_path, "2023")
    write_and_release(tmp_path, "2024", grown={SHENZHEN: 1.1})
    rows = write_and_release(tmp_path, "2025").release.table("rank_history")
    assert rows.groupby("edition")["version"].unique().map(list).to_dict() == {
        2023: ["v2023.1"],
        2024: ["v2024.1"],
        2025: ["v2025.1"],
    }
    assert rows[rows["cluster_id"] == SHENZHEN]["rank"].tolist() == [1, 1, 1]
