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
