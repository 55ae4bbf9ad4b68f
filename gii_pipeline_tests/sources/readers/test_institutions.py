"""Institutions: one row each, with its point, from ROR of either schema or from OpenAlex."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import duckdb

from gii_pipeline.sources import INSTITUTION_COLUMNS, SOURCES

V1 = {
    "id": "https://ror.org/v1",
    "name": "Old Schema",
    "addresses": [{"lat": 1.5, "lng": 2.5, "city": "Lyon", "state": "Rhône", "geonames_city": {"id": 2996944}}],
    "country": {"country_code": "FR"},
}


def rows(con: duckdb.DuckDBPyConnection, reader: str, role: str, *paths: Path) -> dict[str, tuple[object, ...]]:
    table = SOURCES[reader].institutions(con, {role: list(paths)})
    assert table.columns == list(INSTITUTION_COLUMNS)
    return {row[0]: row[1:] for row in table.fetchall()}


def test_the_real_ror_table_and_records_agree(con: duckdb.DuckDBPyConnection, real_data: Path) -> None:
    flat = rows(con, "ror", "organizations", real_data / "ror_records/ror_organizations_51370.csv.gz")
    raw = rows(con, "ror", "organizations", real_data / "ror_records/ror_v2_raw_sample.json.gz")
    assert len(flat) == 51_370
    assert len(raw) == 618
    same = [ror for ror in raw if ror in flat and raw[ror][1:3] + raw[ror][3:] == flat[ror][1:3] + flat[ror][3:]]
    assert len(same) >= 600


def test_a_zipped_dump_with_both_schemas_is_read(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    v2 = {
        "id": "https://ror.org/v2",
        "names": [
            {"value": "NS", "types": ["acronym"]},
            {"value": "New Schema", "types": ["label", "ror_display"]},
        ],
        "locations": [
            {
                "geonames_id": 2657896,
                "geonames_details": {"name": "Zürich", "lat": 47.4, "lng": 8.5, "country_code": "CH"},
            }
        ],
    }
    path = tmp_path / "v2.8-2026-06-02-ror-data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("v2.8-2026-06-02-ror-data.json", json.dumps([V1, v2]))
        archive.writestr("v2.8-2026-06-02-ror-data.csv", "id,name\n")
    assert rows(con, "ror", "organizations", path) == {
        "https://ror.org/v1": ("Old Schema", "Lyon", "Rhône", "FR", 1.5, 2.5, 2996944),
        "https://ror.org/v2": ("New Schema", "Zürich", None, "CH", 47.4, 8.5, 2657896),
    }


def test_openalex_institutions_are_read_from_the_api_and_the_snapshot(
    con: duckdb.DuckDBPyConnection, real_data: Path, tmp_path: Path
) -> None:
    michigan = json.loads((real_data / "openalex_works_2026/api_I27837315.json").read_text())
    older = {**michigan, "updated_date": "2000-01-01", "geo": {"city": "Detroit"}}
    no_ror = {"id": "https://openalex.org/I1", "ror": None, "display_name": "Lab", "geo": None}
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"meta": {}, "results": [michigan]}), encoding="utf-8")
    part = tmp_path / "part_0000.gz"
    part.write_bytes(gzip.compress("".join(json.dumps(item) + "\n" for item in (older, no_ror)).encode()))
    found = rows(con, "openalex_institutions", "institutions", page, part)
    assert set(found) == {"https://ror.org/00jmfr291", "https://openalex.org/I1"}
    name, city, _, economy, latitude, longitude, geonameid = found["https://ror.org/00jmfr291"]
    assert (name, city, economy, geonameid) == ("University of Michigan", "Ann Arbor", "US", 4984247)
    assert (round(float(str(latitude)), 1), round(float(str(longitude)), 1)) == (42.3, -83.7)


def test_the_dumps_own_csv_is_read_in_both_schemas(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    two = tmp_path / "v2.8-2026-06-02-ror-data_schema_v2.csv"
    two.write_text(
        "id,locations.geonames_details.country_code,locations.geonames_details.country_subdivision_name,"
        "locations.geonames_details.lat,locations.geonames_details.lng,locations.geonames_details.name,"
        "locations.geonames_id,names.types.ror_display,status\n"
        "https://ror.org/v2,CH; DE,Zurich; Baden,47.4; 48.0,8.5; 8.6,Zürich; Konstanz,2657896; 2885679,New Schema,"
        "active\n"
        "https://ror.org/v3,NO,,59.9,10.7,Oslo,3143244,No Region,active\n",
        encoding="utf-8",
    )
    one = tmp_path / "v1.34-2023-10-12-ror-data.csv"
    one.write_text(
        "id,name,types,country.country_code,addresses[0].lat,addresses[0].lng,addresses[0].city,addresses[0].state,"
        "addresses[0].geonames_city.id\nhttps://ror.org/v1,Old Schema,Education,FR,1.5,2.5,Lyon,Rhône,2996944\n",
        encoding="utf-8",
    )
    assert rows(con, "ror", "organizations", two, one) == {
        "https://ror.org/v2": ("New Schema", "Zürich", "Zurich", "CH", 47.4, 8.5, 2657896),
        "https://ror.org/v3": ("No Region", "Oslo", None, "NO", 59.9, 10.7, 3143244),
        "https://ror.org/v1": ("Old Schema", "Lyon", "Rhône", "FR", 1.5, 2.5, 2996944),
    }


def test_a_dump_that_has_its_organisations_in_two_schemas_gives_them_once(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    newer = {**V1, "name": None, "names": [{"value": "New Name", "types": ["ror_display"]}]}
    path = tmp_path / "v1.45-ror-data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("v1.45-ror-data.json", json.dumps([V1]))
        archive.writestr("v1.45-ror-data_schema_v2.json", json.dumps([newer]))
    table = SOURCES["ror"].institutions(con, {"organizations": [path]})
    assert table.select("institution_id, name").fetchall() == [("https://ror.org/v1", "New Name")]
