"""The world as SVG paths: a projection, coasts and borders, and footprints in outline.

Belongs here: coordinates of the page's maps. Does not: colours, words, or what is done with a map.

Maps are equirectangular and true to scale at 40 degrees of latitude: one unit is a degree of latitude, x grows to the
east, y to the south. Coasts and borders are Natural Earth's at 1:110 million (public domain), without Antarctica.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import shapely

from gii_pipeline.report.frame import resource

SQUEEZE = 0.766
"""Units of x a degree of longitude: the cosine of 40 degrees."""
VIEW = (-180 * SQUEEZE, -84.0, 360 * SQUEEZE, 144.0)
"""x, y, width and height of the world without Antarctica."""
SIMPLIFY_DEGREES = 0.002
STEP_X, STEP_Y = 30, 20


def project(longitude: float, latitude: float) -> tuple[float, float]:
    return round(longitude * SQUEEZE, 3), round(-latitude, 3)


def graticule() -> str:
    """Path data of meridians every 30 and parallels every 20 degrees."""
    left, top, width, height = VIEW
    meridians = [
        f"M{_number(degrees * SQUEEZE)} {_number(top)}v{_number(height)}" for degrees in range(-150, 180, STEP_X)
    ]
    parallels = [f"M{_number(left)} {-degrees}h{_number(width)}" for degrees in range(-40, 81, STEP_Y)]
    return "".join(meridians + parallels)


@cache
def land() -> str:
    """Path data of the continents and islands."""
    return "".join(f"{_line(ring)}Z" for ring in _natural_earth()["land"])


@cache
def borders() -> str:
    """Path data of the borders between economies."""
    return "".join(map(_line, _natural_earth()["borders"]))


@cache
def _natural_earth() -> dict[str, list[list[int]]]:
    """Lines as longitude and latitude in turn, in tenths of a degree."""
    return dict(json.loads(resource("natural_earth.json")))


def _line(tenths: Sequence[int]) -> str:
    """A line with relative steps, which takes half the bytes of absolute positions."""
    x = np.round(np.asarray(tenths[0::2]) / 10 * SQUEEZE, 2)
    y = np.asarray(tenths[1::2]) / -10
    steps = " ".join(f"{_number(dx)} {_number(dy)}" for dx, dy in zip(np.diff(x), np.diff(y), strict=True))
    return f"M{_number(x[0])} {_number(y[0])}l{steps}"


def outlines(geometries: Iterable[bytes]) -> list[str]:
    """Path data of each footprint (well-known binary, degrees), simplified to about 200 m."""
    shapes = shapely.from_wkb(list(geometries))
    return [_outline(shape) for shape in shapely.simplify(shapes, SIMPLIFY_DEGREES)]


def _outline(shape: shapely.Geometry) -> str:
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
    rings = [ring for part in parts for ring in [part.exterior, *part.interiors]]
    return "".join(_ring(shapely.get_coordinates(ring)) for ring in rings)


def _ring(degrees: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> str:
    points = [f"{_number(x)} {_number(y)}" for x, y in (project(*point) for point in degrees[:-1])]
    return f"M{'L'.join(points)}Z" if points else ""


def _number(value: float) -> str:
    """At most three decimals, no zeros that say nothing."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
