from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from gii_pipeline.clusters.footprint import footprint
from gii_pipeline.clusters.rows import EARTH_RADIUS_KM

GLOBE = shapely.box(-180, -90, 180, 90)
CIRCLE_5_KM = 0.9984 * np.pi * 25


def area_km2(geometry: BaseGeometry) -> float:
    """The area on the ellipsoid; long edges follow their parallels."""
    area, _ = pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shapely.segmentize(geometry, 0.02))
    return float(abs(area) / 1e6)


def draw(*points: tuple[float, float], distance_km: float = 5.0) -> tuple[BaseGeometry, float]:
    latitude, longitude = np.array(points, dtype="float64").T
    return footprint(latitude, longitude, distance_km)


@pytest.mark.parametrize("latitude", [0.0, 48.0, -33.9, 69.6, 89.0])
def test_one_location_has_a_circle_of_the_same_area_wherever_it_is(latitude: float) -> None:
    outline, area = draw((latitude, 2.35))
    assert outline.geom_type == "Polygon"
    assert area == pytest.approx(CIRCLE_5_KM, rel=1e-4)
    assert area_km2(outline) == pytest.approx(area, rel=1e-4)


def test_area_that_two_members_share_counts_once() -> None:
    _, one = draw((48.0, 2.0))
    _, same = draw((48.0, 2.0), (48.0, 2.0))
    _, near = draw((48.0, 2.0), (48.01, 2.0))
    _, far = draw((48.0, 2.0), (49.0, 2.0))
    assert same == pytest.approx(one)
    assert one < near < 1.2 * one
    assert far == pytest.approx(2 * one, rel=1e-4)


def test_a_hole_in_the_middle_is_kept() -> None:
    around = [(48 + 0.12 * np.sin(turn), 2 + 0.18 * np.cos(turn)) for turn in np.linspace(0, 2 * np.pi, 40)]
    outline, area = draw(*around)
    assert isinstance(outline, shapely.Polygon)
    assert len(outline.interiors) == 1
    assert not outline.contains(shapely.Point(2, 48))
    assert area_km2(outline) == pytest.approx(area, rel=1e-4)


def test_across_the_antimeridian_the_area_is_in_two_parts_that_meet_there() -> None:
    outline, area = draw((-17.0, 179.99), (-17.0, -179.98))
    assert isinstance(outline, shapely.MultiPolygon)
    west, east = sorted(outline.geoms, key=lambda part: part.bounds[0])
    assert west.bounds[0] == -180.0
    assert east.bounds[2] == 180.0
    assert east.bounds[0] > 179
    assert area_km2(outline) == pytest.approx(area, rel=1e-4)


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_a_pole_in_the_area_is_inside(pole: float) -> None:
    outline, area = draw((0.9998 * pole, 20.0))
    assert outline.covers(shapely.Point(-100, 0.99999 * pole))
    assert max(map(abs, outline.bounds)) == 180.0
    assert area_km2(outline) == pytest.approx(area, rel=5e-3)


def test_a_ring_around_the_pole_leaves_the_pole_out() -> None:
    outline, area = draw(*((89.8, float(longitude)) for longitude in range(-180, 180, 5)))
    assert not outline.covers(shapely.Point(0, 89.99))
    assert area_km2(outline) == pytest.approx(area, rel=1e-3)


@settings(max_examples=150, deadline=None)
@example((65.0, -179.9), [(1, 0), (1, 0), (1, 1), (4, -1)], 30.0)
@given(
    st.sampled_from([(0.0, 0.0), (51.5, 0.1), (-17.0, 180.0), (65.0, -179.9), (89.98, 30.0), (-89.95, -120.0)]),
    st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=1, max_size=25),
    st.sampled_from([0.5, 5.0, 30.0]),
)
def test_an_outline_is_valid_and_on_the_globe_and_holds_what_is_near_a_member(
    middle: tuple[float, float], steps: list[tuple[int, int]], distance_km: float
) -> None:
    latitude = np.clip([middle[0] + 0.02 * north for north, _ in steps], -90, 90)
    longitude = (np.array([middle[1] + 0.02 * east for _, east in steps]) + 180) % 360 - 180
    outline, area = footprint(latitude, longitude, distance_km)
    assert outline.is_valid
    assert outline.geom_type in {"Polygon", "MultiPolygon"}
    assert GLOBE.covers(outline)
    assert all(shapely.is_ccw(shapely.get_exterior_ring(shapely.get_parts(outline))))
    assert all(outline.covers(shapely.Point(*at)) for at in zip(longitude, latitude, strict=True))
    assert area_km2(outline) == pytest.approx(area, rel=0.02)
    north = latitude.max() + np.degrees(1.05 * distance_km / EARTH_RADIUS_KM)
    if north < 89:
        assert not outline.covers(shapely.Point(longitude[latitude.argmax()], north))


@pytest.mark.parametrize("longitude", [0.0, 60.0, 120.0, -150.0])
def test_every_edge_is_at_the_distance_from_a_member_wherever_on_the_globe_they_are(longitude: float) -> None:
    members = np.array([(60.0, longitude), (60.6, longitude + 1.2)])
    outline, _ = draw(*map(tuple, members))
    east, north = shapely.get_coordinates(outline).T
    geod = pyproj.Geod(ellps="WGS84")
    off = [geod.inv(east, north, np.full_like(east, at[1]), np.full_like(east, at[0]))[2] for at in members]
    assert np.min(off, axis=0) == pytest.approx(5000, rel=2e-3)
