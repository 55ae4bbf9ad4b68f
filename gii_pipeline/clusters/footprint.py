"""Footprints: the area within a set distance of a cluster's members.

Belongs here: the outline of one cluster on the globe, valid, and its area.
Does not: which locations are members, or how many people live there (`metrics.population`).
"""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from gii_pipeline.clusters.rows import Floats

GLOBE = shapely.box(-180, -90, 180, 90)
QUARTER_SEGMENTS = 16
_COORDINATE_STEP_DEG = 1e-7


def footprint(latitude: Floats, longitude: Floats, distance_km: float) -> tuple[BaseGeometry, float]:
    """The area within distance_km of the locations (degrees): its outline in EPSG:4326, longitude first, and km².

    Drawn in a Lambert equal-area projection centred on the locations, with circles of 64 corners (0.16 % less than the
    circle). Holes are kept. Where the area crosses the antimeridian it is split there; a pole in it is inside.
    """
    plane = _plane_around(latitude, longitude)
    x, y = plane.transform(longitude, latitude)
    area = shapely.union_all(shapely.buffer(shapely.points(x, y), 1000 * distance_km, quad_segs=QUARTER_SEGMENTS))
    return _on_globe(area, plane), area.area / 1e6


def _plane_around(latitude: Floats, longitude: Floats) -> pyproj.Transformer:
    """Metres in an equal-area plane around the middle of the locations."""
    latitudes, longitudes = np.radians(latitude), np.radians(longitude)
    x = (np.cos(latitudes) * np.cos(longitudes)).mean()
    y = (np.cos(latitudes) * np.sin(longitudes)).mean()
    middle_latitude = np.degrees(np.arctan2(np.sin(latitudes).mean(), np.hypot(x, y)))
    middle_longitude = np.degrees(np.arctan2(y, x))
    return pyproj.Transformer.from_crs(
        "OGC:CRS84",
        f"+proj=laea +lat_0={middle_latitude:.4f} +lon_0={middle_longitude:.4f} +datum=WGS84",
        always_xy=True,
    )


def _on_globe(area: BaseGeometry, plane: pyproj.Transformer) -> BaseGeometry:
    """An area of the plane in degrees, split at the antimeridian."""
    outlines = []
    for polygon in shapely.get_parts(area):
        holes = shapely.union_all([_ring_on_globe(hole, plane) for hole in polygon.interiors])
        outlines.append(shapely.difference(_ring_on_globe(polygon.exterior, plane), holes))
    # Most parts lie apart, and a union that looks for those that do not takes a fifteenth of the time.
    whole = shapely.disjoint_subset_union_all(np.array(outlines))
    valid = shapely.make_valid(shapely.set_precision(whole, _COORDINATE_STEP_DEG))
    # At the antimeridian a corner of the outline can be left as a point or a line of its own, which encloses nothing.
    pieces = shapely.get_parts(valid)
    return shapely.orient_polygons(shapely.disjoint_subset_union_all(pieces[shapely.get_dimensions(pieces) == 2]))


def _ring_on_globe(ring: BaseGeometry, plane: pyproj.Transformer) -> BaseGeometry:
    """What a ring of the plane encloses, in degrees: over the pole when it goes once around it."""
    x, y = shapely.get_coordinates(ring).T
    longitude, latitude = plane.transform(x, y, direction="INVERSE")
    longitude = np.unwrap(longitude, period=360)
    around = longitude[-1] - longitude[0]
    if abs(around) > 180:
        pole = 90.0 if latitude.mean() > 0 else -90.0
        longitude = np.concatenate([longitude, [longitude[-1], longitude[0]]])
        latitude = np.concatenate([latitude, [pole, pole]])
    polygon: BaseGeometry = shapely.make_valid(shapely.Polygon(np.stack([longitude, latitude], axis=1)))
    first_turn, last_turn = (int(np.floor((edge + 180) / 360)) for edge in (longitude.min(), longitude.max()))
    if first_turn == last_turn == 0:
        return polygon
    turns = [translate(polygon, xoff=-360.0 * turn) for turn in range(first_turn, last_turn + 1)]
    return shapely.union_all([shapely.intersection(turned, GLOBE) for turned in turns])
