"""Areas that a user draws are ranked by the counting of the ranking, and a file that cannot serve is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from gii_pipeline.areas import rank, read_areas, write
from gii_pipeline.areas.ranked import Ranked
from gii_pipeline.counting import Total
from gii_pipeline.editions import wipo_book
from gii_pipeline.errors import InputError
from gii_pipeline.registry import shipped
from gii_pipeline_tests.areas.drawn import box, feature, write_areas

EDITION = wipo_book()[2024]
TOTALS = {"pct_applications": Total(1000.0, 1250.0), "scientific_publications": Total(2000.0, 2500.0)}
PLACES = {1: (5.0, 45.0), 2: (6.0, 45.0), 3: (7.0, 45.0), 4: (90.0, 45.0)}
"""location_id -> longitude, latitude."""
COUNTS = {1: 100.0, 2: 50.0, 3: 10.0, 4: 5.0}
"""location_id -> PCT applications there; twice as many publications."""
WEST, EAST = box(4, 44, 6, 46), box(6, 44, 8, 46)


def points() -> pd.DataFrame:
    return pd.DataFrame(
        {"location_id": at, "metric": metric, "longitude": x, "latitude": y, "fractions": factor * COUNTS[at]}
        for at, (x, y) in PLACES.items()
        for factor, metric in enumerate(TOTALS, 1)
    )


def inhabitants(footprints: pd.DataFrame) -> pd.DataFrame:
    return footprints[["cluster_id"]].assign(
        population=2e6, population_year="2020", population_cells=9.0, population_covered=1.0
    )


def ranked(path: Path, *areas: dict[str, Any], population_of: Callable[..., pd.DataFrame] | None = None) -> Ranked:
    found = read_areas(write_areas(path / "regions.geojson", list(areas)))
    return rank(found, points(), TOTALS, EDITION, registry=shipped(), population_of=population_of)


def test_areas_have_the_counts_shares_and_scores_of_the_ranking(tmp_path: Path) -> None:
    ours = ranked(tmp_path, feature("East", EAST), feature("West", WEST), population_of=inhabitants)
    assert ours.table["area"].tolist() == ["West", "East"]
    by_name = ours.table.set_index("area")
    # The location on the common border counts for East, which comes first in the file.
    assert by_name.loc["East", "pct_applications_count"] == 60
    assert by_name.loc["West", "pct_applications_count"] == 100
    assert by_name.loc["West", "rank"] == 1
    assert by_name.loc["West", "pct_applications_share_pct"] == pytest.approx(10)
    assert by_name.loc["West", "size_score"] == pytest.approx(10 + 10)
    assert by_name.loc["West", "scientific_publications_per_million"] == pytest.approx(100)
    assert by_name.loc["West", "area_km2"] == pytest.approx(35_000, rel=0.02)
    assert "cluster_id" not in ours.table.columns
    assert "not clusters" in ours.notes[0]
    assert "Outside all areas: 3.0 % of pct_applications" in " ".join(ours.notes)


def test_an_overlap_counts_in_each_of_its_areas_and_a_note_says_how_much(tmp_path: Path) -> None:
    both = box(5.5, 44, 8, 46)
    ours = ranked(tmp_path, feature("East", EAST), feature("Overlap", both), population_of=inhabitants)
    counts = ours.table.set_index("area")["pct_applications_count"]
    assert counts.to_dict() == {"Overlap": 60, "East": 10}
    [told] = [note for note in ours.notes if "overlap" in note]
    assert "East and Overlap" in told
    assert "10.0 pct_applications, 20.0 scientific_publications" in told
    assert ours.table["pct_applications_per_million"].tolist() == [30, 5]


def test_an_area_without_a_record_or_inhabitants_is_ranked_and_named(tmp_path: Path) -> None:
    ours = ranked(tmp_path, feature("West", WEST), feature("Sea", box(-40, 10, -30, 20)))
    assert ours.table["area"].tolist() == ["West", "Sea"]
    assert ours.table["pct_applications_count"].tolist() == [150, 0]
    notes = " ".join(ours.notes)
    assert "No record of the windows is in: Sea." in notes
    assert "No figures per million inhabitants" in notes


def test_areas_drawn_with_the_latitude_first_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="are they swapped"):
        ranked(tmp_path, feature("West", box(44, 4, 46, 6)))


def test_a_crossed_outline_is_repaired_and_named(tmp_path: Path) -> None:
    bow = {"type": "Polygon", "coordinates": [[[4, 44], [6, 46], [6, 44], [4, 46], [4, 44]]]}
    assert "Bow: its outline was repaired" in " ".join(ranked(tmp_path, feature("Bow", bow)).notes)


POINT = {"type": "Point", "coordinates": [5, 45]}


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ([], "has no features"),
        ([feature("A", POINT)], r"feature 1 \(A\): an area must be a Polygon or MultiPolygon, but this is Point"),
        ([feature("A", None)], "this is no geometry"),
        ([feature("A", {"type": "Polygon", "coordinates": []})], "has no coordinates"),
        ([feature("A", {"type": "Polygon", "coordinates": [[1, 2], [3, 4]]})], "are not those of a Polygon"),
        ([feature("A", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [0, 0]]]})], "encloses nothing"),
        ([feature(None, WEST)], "no name in the property 'name'. Its properties are: none"),
        ([feature("  ", WEST)], "no name in the property"),
        ([feature(True, WEST)], "no name in the property"),
        ([feature("A", WEST), feature("B", EAST), feature(" A ", EAST)], "features 1, 3 are all called 'A'"),
        ([feature("A", box(400000, 5000000, 500000, 5100000))], "transform the file to EPSG:4326"),
        ([feature("A", box(10, 80, 20, 95))], "latitude from -90 to 90"),
        ([feature("A", box(-179.5, 10, 179.5, 20))], "crosses the antimeridian"),
        ([{"type": "Polygon"}], "feature 1: it is not a GeoJSON Feature"),
        ([{**feature("A", WEST), "properties": ["A"]}], "`properties` are not an object"),
    ],
)
def test_what_is_not_an_area_is_refused_with_its_feature(
    tmp_path: Path, features: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        read_areas(write_areas(tmp_path / "regions.geojson", features))


@pytest.mark.parametrize("crs", ["urn:ogc:def:crs:EPSG::31370", None, {"type": "link"}])
def test_another_coordinate_system_is_refused(tmp_path: Path, crs: object) -> None:
    stated = crs if isinstance(crs, dict) else {"type": "name", "properties": {"name": crs}}
    with pytest.raises(InputError, match="in degrees"):
        read_areas(write_areas(tmp_path / "regions.geojson", [feature("A", WEST)], crs=stated))


def test_the_older_way_to_state_degrees_is_read(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    path = write_areas(tmp_path / "regions.geojson", [feature(11, WEST)], crs=crs)
    assert read_areas(path).shapes["name"].tolist() == ["11"]


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"type": "Feature"}', "Zürich".encode("latin-1"), b"PK\x03\x04"])
def test_a_file_that_is_no_collection_of_features_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "regions.geojson"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"regions\.geojson"):
        read_areas(path)


def test_a_ranking_of_areas_says_what_it_is_in_each_file(tmp_path: Path) -> None:
    ours = ranked(tmp_path, feature("West", WEST))
    about = {"title": "Areas, not clusters", "kind": "areas", "made_up": True, "notes": list(ours.notes)}
    for name in ("areas.parquet", "areas.csv"):
        write(ours.table, tmp_path / name, about, shipped())
    said = json.loads(pq.read_schema(tmp_path / "areas.parquet").metadata[b"gii_areas"])
    beside = json.loads((tmp_path / "areas.csv.metadata.json").read_text(encoding="utf-8"))
    assert said == about == beside["gii:release"]
    assert pd.read_csv(tmp_path / "areas.csv")["area"].tolist() == ["West"]
    assert pq.read_schema(tmp_path / "areas.parquet").field("size_score").metadata[b"unit"] == b"%"
    assert [path.name for path in tmp_path.glob(".areas-*")] == []
    with pytest.raises(InputError, match=r"\.parquet or \.csv"):
        write(ours.table, tmp_path / "areas.xlsx", about, shipped())
