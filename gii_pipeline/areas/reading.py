"""A user's regions from GeoJSON, checked.

Belongs here: what a file of areas must be (RFC 7946: polygons in degrees, longitude first), and names that are unique.
Does not: which records are in an area (see `ranked`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from gii_pipeline.errors import InputError
from gii_pipeline.verified import sha256_of

WGS84 = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326")
"""The names of coordinate systems that older GeoJSON may state; all others are refused."""
POLYGONS = ("Polygon", "MultiPolygon")
HALF_TURN = 180


class Areas(NamedTuple):
    """The areas of a file, in its order. shapes: name, geometry. notes: what was made of the file, in sentences."""

    shapes: pd.DataFrame
    file: str
    sha256: str
    notes: tuple[str, ...] = ()


def read_areas(path: Path, name_property: str = "name") -> Areas:
    """The polygons of a GeoJSON file, each with the name that a property of it gives.

    An outline that crosses itself is repaired, and a note names it.
    Raises InputError naming the file and the feature where one is not an area in degrees with a name of its own.
    """
    rows, notes = [], []
    for where, feature in _features(path):
        name = _name(feature, name_property, where)
        shape = _shape(feature.get("geometry"), f"{where} ({name})")
        if not shapely.is_valid(shape):
            notes.append(f"{name}: its outline was repaired ({shapely.is_valid_reason(shape)}).")
            shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
        if not shapely.area(shape):
            raise InputError(f"{where} ({name}): its outline encloses nothing.")
        rows.append((name, shape))
    shapes = pd.DataFrame(rows, columns=["name", "geometry"])
    _refuse_twice(shapes["name"], path)
    return Areas(shapes, path.name, sha256_of(path), tuple(notes))


def _features(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What each feature is called in a message, and the feature."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:  # JSON and UTF-8 that is broken are ValueErrors
        raise InputError(f"{path} is not a readable GeoJSON file: {error}") from error
    if not isinstance(content, dict) or content.get("type") != "FeatureCollection":
        found = content.get("type") if isinstance(content, dict) else None
        raise InputError(
            f"{path}: areas must be a GeoJSON FeatureCollection, but this is {found or 'something else'!r}."
        )
    _refuse_projected(content.get("crs"), path)
    features = content.get("features")
    if not isinstance(features, list) or not features:
        raise InputError(f"{path}: it has no features. Give each area as a Feature with a polygon and a name.")
    for number, feature in enumerate(features, 1):
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise InputError(f"{path}, feature {number}: it is not a GeoJSON Feature.")
        yield f"{path}, feature {number}", feature


def _refuse_projected(crs: object, path: Path) -> None:
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if name not in WGS84:
        raise InputError(
            f"{path}: its coordinate reference system is {name or crs!r}; areas are in degrees (WGS 84, RFC 7946). "
            f"`ogr2ogr -t_srs EPSG:4326 -lco RFC7946=YES areas.geojson {path.name}` transforms it."
        )


def _name(feature: Mapping[str, Any], name_property: str, where: str) -> str:
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise InputError(f"{where}: its `properties` are not an object.")
    value = properties.get(name_property)
    name = " ".join(str(value).split()) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not name:
        there = ", ".join(sorted(properties)) or "none"
        raise InputError(
            f"{where}: it has no name in the property {name_property!r}. Its properties are: {there}. "
            "Choose another one with --name-property."
        )
    return name


def _shape(geometry: object, where: str) -> shapely.Geometry:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in POLYGONS:
        raise InputError(f"{where}: an area must be a Polygon or MultiPolygon, but this is {kind or 'no geometry'}.")
    try:
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(geometry)))
    except shapely.errors.GEOSException as error:
        raise InputError(f"{where}: its coordinates are not those of a {kind}: {error}") from error
    if shape.is_empty:
        raise InputError(f"{where}: its {kind} has no coordinates.")
    at = shapely.get_coordinates(shape)
    wrong = at[~(np.isfinite(at).all(axis=1) & (np.abs(at) <= (HALF_TURN, HALF_TURN / 2)).all(axis=1))]
    if len(wrong):
        raise InputError(
            f"{where}: the coordinates ({wrong[0][0]:g}, {wrong[0][1]:g}) are not a longitude from -180 to 180 and a "
            "latitude from -90 to 90, in this order. If they are metres, transform the file to EPSG:4326."
        )
    for ring in _rings(shape):
        if (np.abs(np.diff(shapely.get_coordinates(ring)[:, 0])) > HALF_TURN).any():
            raise InputError(
                f"{where}: its outline crosses the antimeridian. Cut it there (RFC 7946): `ogr2ogr -wrapdateline` does."
            )
    return shape


def _rings(shape: shapely.Geometry) -> Iterator[shapely.Geometry]:
    for polygon in shapely.get_parts(shape):
        yield from (polygon.exterior, *polygon.interiors)


def _refuse_twice(names: pd.Series, path: Path) -> None:
    twice = names[names.duplicated(keep=False)]
    if len(twice):
        name = twice.iloc[0]
        numbers = ", ".join(str(at + 1) for at in twice.index[twice == name])
        raise InputError(
            f"{path}: the features {numbers} are all called {name!r}. Areas need unique names; put the parts of "
            f"one area into one MultiPolygon."
        )
