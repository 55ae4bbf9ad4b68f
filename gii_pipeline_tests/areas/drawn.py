"""Files of areas, drawn as boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import shapely


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    geometry: dict[str, Any] = json.loads(shapely.to_geojson(shapely.box(west, south, east, north)))
    return geometry


def feature(name: object, geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {} if name is None else {"name": name}, "geometry": geometry}


def write_areas(path: Path, features: list[dict[str, Any]], **more: Any) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **more}), encoding="utf-8")
    return path
