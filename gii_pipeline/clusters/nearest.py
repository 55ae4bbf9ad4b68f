"""A compiled loop over latitude rows: the nearest point on the sphere, without listing a pair.

Belongs here: the numba kernel. Does not: the other loops over rows, and what they share (`kernels`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gii_pipeline.clusters.kernels import compiled, half_width, haversine
from gii_pipeline.clusters.rows import EARTH_RADIUS_KM, ROUNDING, Ints, Points, Rows

MILLIMETRES_PER_RADIAN = EARTH_RADIUS_KM * 1e6


class Nearest(NamedTuple):
    """The nearest point so far (-1: none), how many millimetres off, and up to which haversine others matter."""

    point: np.int64
    steps: float
    limit: float


@compiled()
def find_nearest(rows: Rows, queries: Points, begin: int, end: int, nearest: Ints) -> None:
    """For the queries begin:end, the nearest point of the rows within the radius, or -1, into `nearest`.

    Distances are compared in whole millimetres; of several equally near, the southernmost counts, then the westernmost.
    """
    for query in range(begin, end):
        latitude, longitude = queries.latitude[query], queries.longitude[query]
        best = Nearest(np.int64(-1), math.inf, rows.radius.haversine)
        north = np.searchsorted(rows.north, latitude)
        south = north - 1
        while True:
            to_north = max(rows.south[north] - latitude, 0.0) if north < rows.south.size else math.inf
            to_south = max(latitude - rows.north[south], 0.0) if south >= 0 else math.inf
            # Search rows outwards from the query and stop as soon as no row can contain a nearer point.
            gap = min(to_north, to_south)
            if gap > math.pi or math.sin(0.5 * gap) ** 2 > best.limit + ROUNDING:
                break
            row = north if to_north <= to_south else south
            best = _nearest_of_row(rows, row, gap, (latitude, longitude), best)
            if row == north:
                north += 1
            else:
                south -= 1
        nearest[query] = best.point


@compiled()
def _nearest_of_row(rows: Rows, row: int, gap: float, query: tuple[float, float], best: Nearest) -> Nearest:
    """The better of the best so far and the nearest point of one row, whose latitudes are `gap` radians off."""
    latitude, longitude = query
    # The least product of cosines in the row gives the widest longitudes, so that no candidate is missed.
    narrowest = math.cos(latitude) * min(math.cos(rows.south[row]), math.cos(rows.north[row]))
    beyond_gap = math.sin(0.5 * gap) ** 2
    reach = half_width((best.limit - beyond_gap + ROUNDING) / narrowest) + ROUNDING
    here = longitude - 2 * math.pi if longitude >= math.pi else longitude
    all_round = reach > rows.margin[row]
    begin, end = (rows.first[row], rows.last[row]) if all_round else (rows.start[row], rows.end[row])
    middle = begin + np.searchsorted(rows.longitude[begin:end], here)
    # Walk east and west from the query. Each better point shrinks the reach, so most slots are never measured.
    for step in (1, -1):
        slot = middle if step == 1 else middle - 1
        while begin <= slot < end and (all_round or abs(rows.longitude[slot] - here) <= reach):
            point = np.int64(rows.point[slot])
            off = haversine(latitude, longitude, rows.points.latitude[point], rows.points.longitude[point])
            if off <= best.limit:
                steps = np.rint(2 * math.asin(math.sqrt(min(off, 1.0))) * MILLIMETRES_PER_RADIAN)
                if steps < best.steps or (steps == best.steps and _is_before(rows.points, point, best.point)):
                    # Keep points that round to the same millimetre as candidates: among them the tie rule decides.
                    further = math.sin(0.5 * min((steps + 1) / MILLIMETRES_PER_RADIAN, math.pi)) ** 2
                    best = Nearest(point, steps, min(rows.radius.haversine, further))
                    reach = half_width((best.limit - beyond_gap + ROUNDING) / narrowest) + ROUNDING
            slot += step
    return best


@compiled(forceinline=True)
def _is_before(points: Points, a: np.int64, b: np.int64) -> bool:
    """Further south, or as far and further west."""
    south, south_of = points.latitude[a], points.latitude[b]
    return bool(south < south_of or (south == south_of and points.longitude[a] < points.longitude[b]))
