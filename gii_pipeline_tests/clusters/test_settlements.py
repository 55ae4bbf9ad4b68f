"""The area of a cluster by the other two rules: the settlements of a user's file, and the catchment of core points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from gii_pipeline import clusters
from gii_pipeline.clusters.settlements import read_settlements
from gii_pipeline.errors import InputError
from gii_pipeline_tests.clusters.small_points import At, city, edition, points

GRAZ, LYON = (47.07, 15.44), (45.76, 4.84)
TOWN, SUBURB, FIELDS = (
    shapely.box(15.3, 46.95, 15.6, 47.2),
    shapely.box(15.5, 47.15, 15.7, 47.3),
    shapely.box(0, 0, 1, 1),
)
WORLD = points(*city(*GRAZ, 9000, "Graz", "AT"), *city(*LYON, 9000, "Lyon", "FR"), At(47.21, 15.44, 50, "North", "AT"))


def built(rule: str, settlements: gpd.GeoSeries | None = None) -> dict[str, dict[Any, Any]]:
    found = clusters.build(WORLD, edition(footprint=rule, radius_km=15.0), settlements=settlements).footprints
    return {row["name"]: row for row in found.to_dict("records")}


def ellipsoid_km2(shape: shapely.Geometry) -> float:
    return abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) / 1e6


@pytest.mark.parametrize("name", ["towns.gpkg", "towns.parquet"])
def test_a_cluster_has_the_settlements_with_a_core_point_in_them_and_another_has_its_members(
    tmp_path: Path, name: str
) -> None:
    towns = gpd.GeoSeries([TOWN, SUBURB, FIELDS], crs="EPSG:4326")
    path = tmp_path / name
    if name.endswith("parquet"):
        towns.to_frame("geometry").to_parquet(path)
    else:
        (towns.to_crs("EPSG:3035") if name.endswith("gpkg") else towns).to_file(path)
    found = built("settlements", read_settlements(path))
    graz = found["Graz"]
    assert graz["footprint"] == "settlements"
    assert shapely.from_wkb(graz["geometry"]).symmetric_difference(TOWN).area < 1e-3 * TOWN.area
    assert graz["area_km2"] == pytest.approx(ellipsoid_km2(TOWN), rel=1e-3)
    assert found["Lyon"]["footprint"] == "members"


def test_settlements_that_touch_a_cluster_twice_count_once() -> None:
    both = gpd.GeoSeries([TOWN, shapely.box(15.43, 47.0, 15.9, 47.1)], crs="OGC:CRS84")
    graz = built("settlements", both)["Graz"]
    assert graz["area_km2"] == pytest.approx(ellipsoid_km2(shapely.union_all(both.to_numpy())), rel=1e-6)


def test_a_catchment_is_what_lies_within_the_radius_of_a_core_point() -> None:
    graz = built("catchment")["Graz"]
    outline = shapely.from_wkb(graz["geometry"])
    core = [(GRAZ[0] + 0.01 * north, GRAZ[1] + 0.01 * east) for north in (-1, 0, 1) for east in (-1, 0, 1)]
    geod = pyproj.Geod(ellps="WGS84")
    for azimuth in range(0, 360, 30):
        for km, inside in ((15.0, True), (17.5, False)):
            longitude, latitude, _ = geod.fwd(GRAZ[1], GRAZ[0], azimuth, 1000 * km)
            nearest = min(geod.inv(longitude, latitude, east, north)[2] for north, east in core)
            assert outline.contains(shapely.Point(longitude, latitude)) == inside == (nearest < 15_000)
    assert np.pi * 15**2 < graz["area_km2"] < np.pi * 16.5**2
    assert graz["footprint"] == "catchment"


def test_a_file_that_is_no_list_of_areas_is_named(tmp_path: Path) -> None:
    gpd.GeoSeries([shapely.Point(1, 1)], crs="EPSG:4326").to_file(tmp_path / "points.gpkg")
    with pytest.raises(InputError, match=r"points\.gpkg: settlement extents are polygons, and it has Point"):
        read_settlements(tmp_path / "points.gpkg")
    gpd.GeoSeries([TOWN]).to_frame("geometry").to_parquet(tmp_path / "nowhere.parquet")
    with pytest.raises(InputError, match=r"nowhere\.parquet: it has no coordinate reference system"):
        read_settlements(tmp_path / "nowhere.parquet")
    (tmp_path / "cut.gpkg").write_bytes(b"SQLite format 3\x00 and no more")
    with pytest.raises(InputError, match=r"cut\.gpkg is not a readable file of settlement extents"):
        read_settlements(tmp_path / "cut.gpkg")
    with pytest.raises(InputError, match="no settlement extents were given"):
        built("settlements")
