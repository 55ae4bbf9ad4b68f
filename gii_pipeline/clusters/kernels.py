"""Compiled loops over latitude rows: weighing and linking neighbours on the sphere without listing a pair.

Belongs here: numba kernels. Does not: sorting points into rows (`rows`), searching the nearest point (`nearest`), or
what is a cluster (`density`).

Points are in rows (narrow bands of latitude), sorted by longitude in each. For one point and one row, the longitudes
within the radius are bracketed from inside and from outside: what is inside the inner bracket is a neighbour without a
test, what is outside the outer one is none, and only the few between are measured. Brackets are widened by more than
their rounding errors; a pair too close to the radius to call by its chord is decided by the haversine formula as
scikit-learn writes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from gii_pipeline.clusters.rows import ROUNDING, Floats, Ints, Radius, Rows

ALL_ROUND = 4.0
NOT_REACHED = -1.0

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class Weights(NamedTuple):
    """The weight of each slot, and their running sum, one longer, starting at 0."""

    each: Floats
    summed: Floats


class Links(NamedTuple):
    """Two union-finds: `parent` over points; `stretch` over slots, leading to the last of a stretch already joined.

    By `stretch` a range of neighbouring slots is joined once, however many circles cover it.
    """

    parent: npt.NDArray[np.int32]
    stretch: npt.NDArray[np.int32]

    @classmethod
    def among(cls, rows: Rows) -> Links:
        """None yet."""
        return cls(np.arange(rows.points.latitude.size, dtype=np.int32), np.arange(rows.point.size, dtype=np.int32))


def compiled(*, forceinline: bool = False, fastmath: bool | set[str] = False) -> Callable[[Kernel], Kernel]:
    """Compile with numba, stored on disk wherever the folder of the module or of the user can be written."""

    def compile_kernel(kernel: Kernel) -> Kernel:
        fast = partial(numba.njit, nogil=True, forceinline=forceinline, fastmath=fastmath)
        try:
            return cast("Kernel", fast(cache=True)(kernel))
        except RuntimeError:
            # numba raises RuntimeError if no cache folder is writable, as in a read-only image: compile once per
            # process.
            return cast("Kernel", fast()(kernel))

    return compile_kernel


@compiled(forceinline=True)
def haversine(latitude_a: float, longitude_a: float, latitude_b: float, longitude_b: float) -> float:
    """The haversine of the angle between two points in radians, in the order of operations of scikit-learn."""
    half_height = math.sin(0.5 * (latitude_a - latitude_b))
    half_width = math.sin(0.5 * (longitude_a - longitude_b))
    return half_height * half_height + math.cos(latitude_a) * math.cos(latitude_b) * half_width * half_width


@compiled(forceinline=True)
def half_width(squared_sine: float) -> float:
    if squared_sine < 0:
        return NOT_REACHED
    if squared_sine >= 1:
        return ALL_ROUND
    return 2 * math.asin(math.sqrt(squared_sine))


@compiled(forceinline=True)
def _edges(rows: Rows, row: int) -> tuple[float, float, float, float]:
    south, north = rows.south[row], rows.north[row]
    return math.sin(south), math.cos(south), math.sin(north), math.cos(north)


@compiled(forceinline=True)
def _brackets(
    sine: float, cosine: float, edges: tuple[float, float, float, float], margin: float, radius: Radius
) -> tuple[float, float]:
    """Half widths in longitude: every point of the row within the first is a neighbour, none beyond the second is.

    A circle meets a parallel at cos(difference) = (cos r - sin a sin b) / (cos a cos b), widest at
    sin b = sin a / cos r; between two parallels the width is least at one of them.
    """
    # From a quarter of the globe on, the formula below has no widest parallel to bracket: measure every point.
    if radius.angle >= 0.5 * math.pi:
        return NOT_REACHED, ALL_ROUND
    sine_south, cosine_south, sine_north, cosine_north = edges
    scale_south, scale_north = 0.5 / (cosine * cosine_south), 0.5 / (cosine * cosine_north)
    at_south = (cosine * cosine_south + sine * sine_south - radius.cosine) * scale_south
    at_north = (cosine * cosine_north + sine * sine_north - radius.cosine) * scale_north
    # Near the poles the scales are large and so is the rounding error of the cosine: scale the slack with them.
    slack_south, slack_north = 2 * ROUNDING * scale_south, 2 * ROUNDING * scale_north
    inner = half_width(min(at_south - slack_south, at_north - slack_north)) - ROUNDING
    outer = half_width(max(at_south + slack_south, at_north + slack_north))
    # The circle is widest inside the row, not at one of its edges, so the edges alone would bracket too little.
    if sine_south * radius.cosine <= sine + ROUNDING and sine <= sine_north * radius.cosine + ROUNDING:
        tangent = radius.sine / cosine
        outer = max(outer, math.asin(tangent) if tangent < 0.999 else ALL_ROUND)
    if outer < 0:
        return NOT_REACHED, NOT_REACHED
    # Beyond the margin a range would wrap around the antimeridian; such a row is measured all round instead.
    return inner, (ALL_ROUND if outer + 2 * ROUNDING > margin else outer + 2 * ROUNDING)


@compiled(forceinline=True)
def _not_before(longitude: Floats, value: float, slot: int, start: int, end: int) -> int:
    """The first slot of start:end with at least this longitude, by walking from a slot that is close."""
    # Points of a row are visited west to east, so the answer moves by few slots from one point to the next: walking
    # beats a binary search.
    while slot < end and longitude[slot] < value:
        slot += 1
    while slot > start and longitude[slot - 1] >= value:
        slot -= 1
    return slot


@compiled(forceinline=True)
def _within(rows: Rows, slot: int, point: int, at: tuple[float, float, float]) -> bool:
    """Whether a slot is within the radius of a point, which is at x, y, z."""
    x, y, z = at
    dx, dy, dz = rows.x[slot] - x, rows.y[slot] - y, rows.z[slot] - z
    chord2 = dx * dx + dy * dy + dz * dz
    if chord2 <= rows.radius.surely_within or chord2 > rows.radius.surely_beyond:
        return bool(chord2 <= rows.radius.surely_within)
    latitude, longitude, other = rows.points.latitude, rows.points.longitude, rows.point[slot]
    return haversine(latitude[point], longitude[point], latitude[other], longitude[other]) <= rows.radius.haversine


@compiled(forceinline=True, fastmath={"reassoc"})
def _weigh_by_chord(
    rows: Rows, weight: Floats, begin: int, end: int, at: tuple[float, float, float]
) -> tuple[float, int]:
    """The weight of the slots surely within the radius, and how many are too close to it to call.

    Unsigned slots and sums in any order let the compiler measure several at once.
    """
    x, y, z = at
    total, unclear = 0.0, 0
    for slot in range(np.uint64(begin), np.uint64(end)):
        dx, dy, dz = rows.x[slot] - x, rows.y[slot] - y, rows.z[slot] - z
        chord2 = dx * dx + dy * dy + dz * dz
        total += weight[slot] if chord2 <= rows.radius.surely_within else 0.0
        unclear += 1 if rows.radius.surely_within < chord2 <= rows.radius.surely_beyond else 0
    return total, unclear


@compiled(forceinline=True)
def _weigh(rows: Rows, weight: Floats, begin: int, end: int, slot: int) -> float:
    """The weight of those slots of begin:end that are within the radius of a slot."""
    at = (rows.x[slot], rows.y[slot], rows.z[slot])
    # Two passes: the fast one decides all but the pairs at the very edge of the radius, and these are rare.
    total, unclear = _weigh_by_chord(rows, weight, begin, end, at)
    if unclear == 0:
        return total
    point = rows.point[slot]
    total = 0.0
    for other in range(begin, end):
        if _within(rows, other, point, at):
            total += weight[other]
    return total


@compiled()
def weigh_neighbours(rows: Rows, weights: Weights, row_begin: int, row_end: int, total: Floats) -> None:
    """Add to total[point] the weight within the radius of every point of the rows row_begin:row_end."""
    lowest = 0
    for row in range(row_begin, row_end):
        # Rows are sorted by latitude, so the first row in reach only moves north.
        while rows.north[lowest] < rows.south[row] - rows.radius.angle - ROUNDING:
            lowest += 1
        other = lowest
        while other < rows.south.size and rows.south[other] <= rows.north[row] + rows.radius.angle + ROUNDING:
            _weigh_row(rows, weights, row, other, total)
            other += 1


@compiled()
def _weigh_row(rows: Rows, weights: Weights, row: int, other: int, total: Floats) -> None:
    edges, longitude = _edges(rows, other), rows.longitude
    weight, summed = weights
    start, first, last, end = rows.start[other], rows.first[other], rows.last[other], rows.end[other]
    outer_west = inner_west = inner_east = outer_east = start
    for slot in range(rows.first[row], rows.last[row]):
        sine, cosine = rows.z[slot], math.hypot(rows.x[slot], rows.y[slot])
        inner, outer = _brackets(sine, cosine, edges, rows.margin[other], rows.radius)
        if outer == NOT_REACHED:
            continue
        point, here = rows.point[slot], longitude[slot]
        if outer == ALL_ROUND:
            if inner > math.pi:
                total[point] += summed[last] - summed[first]
            else:
                total[point] += _weigh(rows, weight, first, last, slot)
            continue
        outer_west = _not_before(longitude, here - outer, outer_west, start, end)
        outer_east = _not_before(longitude, here + outer, outer_east, start, end)
        if inner < 0:
            total[point] += _weigh(rows, weight, outer_west, outer_east, slot)
            continue
        inner_west = _not_before(longitude, here - inner, inner_west, start, end)
        inner_east = _not_before(longitude, here + inner, inner_east, start, end)
        # The running sum weighs all slots inside the inner bracket at once, without a visit to any of them.
        surely = summed[inner_east] - summed[inner_west]
        west = _weigh(rows, weight, outer_west, inner_west, slot)
        total[point] += west + surely + _weigh(rows, weight, inner_east, outer_east, slot)


@compiled(forceinline=True)
def _root(parent: npt.NDArray[np.int32], point: int) -> int:
    while parent[point] != point:
        # Path halving keeps the trees flat without a second pass or a stack.
        parent[point] = parent[parent[point]]
        point = parent[point]
    return point


@compiled(forceinline=True)
def _join(parent: npt.NDArray[np.int32], a: int, b: int) -> None:
    a, b = _root(parent, a), _root(parent, b)
    # The smaller index becomes the root, so that components do not depend on the order of the joins.
    parent[max(a, b)] = min(a, b)


@compiled()
def link_neighbours(rows: Rows, links: Links) -> None:
    """Join in `links` all points of the rows that are within the radius of one another."""
    for row in range(rows.south.size):
        other = row
        while other < rows.south.size and rows.south[other] <= rows.north[row] + rows.radius.angle + ROUNDING:
            _link_row(rows, links, row, other)
            other += 1


@compiled()
def _link_row(rows: Rows, links: Links, row: int, other: int) -> None:
    edges, longitude = _edges(rows, other), rows.longitude
    start, end = rows.start[other], rows.end[other]
    outer_west = inner_west = inner_east = outer_east = start
    for slot in range(rows.first[row], rows.last[row]):
        sine, cosine = rows.z[slot], math.hypot(rows.x[slot], rows.y[slot])
        inner, outer = _brackets(sine, cosine, edges, rows.margin[other], rows.radius)
        if outer == NOT_REACHED:
            continue
        if outer == ALL_ROUND:
            _link_measured(rows, links, slot, rows.first[other], rows.last[other])
            continue
        here = longitude[slot]
        outer_west = _not_before(longitude, here - outer, outer_west, start, end)
        outer_east = _not_before(longitude, here + outer, outer_east, start, end)
        if outer_west == outer_east:
            continue
        inner_west = _not_before(longitude, here - inner, inner_west, start, end) if inner >= 0 else outer_east
        inner_east = _not_before(longitude, here + inner, inner_east, start, end) if inner >= 0 else outer_east
        if inner_west >= inner_east:
            _link_measured(rows, links, slot, outer_west, outer_east)
            continue
        # Slots inside the inner bracket are neighbours without a test, and joining a stretch once is enough for all
        # circles.
        _link_all(rows, links, slot, inner_west, inner_east)
        # If the stretch from the outer edge already reaches the inner bracket, everything between is joined.
        if _root(links.stretch, outer_west) < inner_west:
            _link_measured(rows, links, slot, outer_west, inner_west)
        _link_measured(rows, links, slot, _root(links.stretch, inner_east - 1) + 1, outer_east)


@compiled(forceinline=True)
def _link_all(rows: Rows, links: Links, slot: int, begin: int, end: int) -> None:
    _join(links.parent, rows.point[slot], rows.point[begin])
    joined_to = _root(links.stretch, begin)
    while joined_to < end - 1:
        _join(links.parent, rows.point[slot], rows.point[joined_to + 1])
        links.stretch[joined_to] = joined_to + 1
        joined_to = _root(links.stretch, joined_to + 1)


@compiled(forceinline=True)
def _link_measured(rows: Rows, links: Links, slot: int, begin: int, end: int) -> None:
    at, point = (rows.x[slot], rows.y[slot], rows.z[slot]), rows.point[slot]
    other = begin
    while other < end:
        if _within(rows, other, point, at):
            _join(links.parent, point, rows.point[other])
            # Skip to the end of the stretch: its slots share a component, and one join is enough.
            other = _root(links.stretch, other)
        other += 1


@compiled()
def number_components(rows: Rows, links: Links) -> Ints:
    """The number of each point's component, counted from 0 as the rows meet it; -1 outside the rows."""
    number = np.full(links.parent.size, -1)
    label = np.full(links.parent.size, -1)
    count = 0
    for row in range(rows.south.size):
        for slot in range(rows.first[row], rows.last[row]):
            root = _root(links.parent, rows.point[slot])
            if number[root] < 0:
                number[root] = count
                count += 1
            label[rows.point[slot]] = number[root]
    return label


@compiled()
def weigh_exactly(rows: Rows, weight: Floats, points: Ints, total: Floats) -> None:
    """Set total[point], for these points, to the weight within the radius, summed without loss (Neumaier)."""
    for point in points:
        latitude, longitude = rows.points.latitude[point], rows.points.longitude[point]
        cosine = math.cos(latitude)
        at = (cosine * math.cos(longitude), cosine * math.sin(longitude), math.sin(latitude))
        total[point], lost = 0.0, 0.0
        south, north = latitude - rows.radius.angle - ROUNDING, latitude + rows.radius.angle + ROUNDING
        for row in range(rows.south.size):
            if rows.south[row] > north or rows.north[row] < south:
                continue
            for slot in range(rows.first[row], rows.last[row]):
                if _within(rows, slot, point, at):
                    # Neumaier's sum collects what each addition rounds away. A plain sum near the threshold would
                    # depend on row order.
                    raised = total[point] + weight[slot]
                    more, less = max(total[point], weight[slot]), min(total[point], weight[slot])
                    lost += (more - raised) + less
                    total[point] = raised
        total[point] += lost
