"""The world as SVG paths: a projection, where people live, and footprints in outline.

Belongs here: coordinates of the page's maps. Does not: colours, words, or what is done with a map.

Maps are equirectangular and true to scale at 40 degrees of latitude: one unit is a degree of latitude, x grows to the
east, y to the south. The ground is dots where a city or town of GeoNames lies, one a cell of 1.5 degrees.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import numpy as np
import shapely

SQUEEZE = 0.766
"""Units of x a degree of longitude: the cosine of 40 degrees."""
CELL = 1.5
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
def ground() -> str:
    """Path data of the dots: a line a run of inhabited cells, to be stroked with dashes of no length, CELL apart."""
    with files("gii_pipeline.report").joinpath("inhabited_cells.csv").open(encoding="utf-8") as lines:
        runs = [(float(row["latitude"]), float(row["west"]), int(row["cells"])) for row in csv.DictReader(lines)]
    return "".join(
        f"M{_number((west + CELL / 2) * SQUEEZE)} {_number(-(latitude + CELL / 2))}"
        f"h{_number((cells - 1) * CELL * SQUEEZE + 0.01)}"
        for latitude, west, cells in runs
    )


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
