"""Points on the sphere sorted into rows of latitude, so that the neighbours of a point in a row are one range.

Belongs here: the order of the points, their copies beyond the antimeridian, and the radius in its several forms.
Does not: walking the rows; that is `kernels`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

EARTH_RADIUS_KM = 6371.0088
"""The mean radius of the Earth (IUGG), by which a great-circle angle is a distance."""

ROUNDING = 4e-15
"""More than the rounding error of a coordinate of the unit sphere, of a product of two, or of an angle in radians."""

_SAMPLE = 50_000
_PAIRS_PER_ROW = 120.0


class Radius(NamedTuple):
    """A radius as an angle (radians), and what pairs are compared with: haversine and squared chords around it."""

    angle: float
    cosine: float
    sine: float
    haversine: float
    surely_within: float
    surely_beyond: float

    @classmethod
    def of(cls, angle: float) -> Radius:
        if angle >= math.pi:
            return cls(math.pi, -1.0, 0.0, 1.0, 5.0, 5.0)
        haversine = math.sin(0.5 * angle) ** 2
        slack = 1e-13 * haversine + 5 * ROUNDING * math.sqrt(haversine)
        return cls(angle, math.cos(angle), math.sin(angle), haversine, 4 * haversine - slack, 4 * haversine + slack)


class Points(NamedTuple):
    """Latitudes and longitudes in radians, in the caller's order."""

    latitude: Floats
    longitude: Floats

    @classmethod
    def of_degrees(cls, latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> Points:
        return cls(np.radians(np.asarray(latitude, np.float64)), np.radians(np.asarray(longitude, np.float64)))

    def on_unit_sphere(self) -> tuple[Floats, Floats, Floats]:
        """x, y, z."""
        cosine = np.cos(self.latitude)
        return cosine * np.cos(self.longitude), cosine * np.sin(self.longitude), np.sin(self.latitude)


class Rows(NamedTuple):
    """Points sorted by row and longitude; a slot is a point, or its copy beyond the antimeridian.

    One value a slot: `x`, `y`, `z` (unit sphere), `longitude` (radians, running on across the antimeridian) and
    `point` (position in `points`, the caller's). One value a row: slots first:last are its points, start:end has the
    copies too, which reach `margin` radians beyond the antimeridian; `south` and `north` are its outermost latitudes.
    `radius`: what the rows are made for.
    """

    points: Points
    radius: Radius
    x: Floats
    y: Floats
    z: Floats
    longitude: Floats
    point: npt.NDArray[np.int32]
    start: Ints
    first: Ints
    last: Ints
    end: Ints
    south: Floats
    north: Floats
    margin: Floats

    @classmethod
    def of(cls, points: Points, radius: Radius) -> Rows:
        """Rows as high as serves the radius."""
        height = _row_height(points, radius)
        row = np.floor((points.latitude + math.pi / 2) / height)
        margin = _margin(np.abs((row + 0.5) * height - math.pi / 2) + 0.5 * height, radius)
        longitude = np.where(points.longitude >= math.pi, points.longitude - 2 * math.pi, points.longitude)
        eastern, western = np.flatnonzero(longitude > math.pi - margin), np.flatnonzero(longitude < margin - math.pi)
        point = np.concatenate([np.arange(row.size), eastern, western]).astype(np.int32)
        longitude = np.concatenate([longitude, longitude[eastern] - 2 * math.pi, longitude[western] + 2 * math.pi])
        order = np.lexsort((longitude, row[point]))
        point = point[order]
        return _bounded(points, radius, Slots(point, longitude[order], row[point], margin[point]))

    def only(self, kept: Flags) -> Rows:
        """The rows with only those points for which `kept` is true."""
        slots = np.flatnonzero(kept[self.point])
        row = np.repeat(np.arange(float(self.start.size)), self.end - self.start)[slots]
        margin = self.margin[row.astype(np.int64)]
        return _bounded(self.points, self.radius, Slots(self.point[slots], self.longitude[slots], row, margin))


class Slots(NamedTuple):
    """Slots sorted by row and longitude, each with the number and the margin of its row."""

    point: npt.NDArray[np.int32]
    longitude: Floats
    row: Floats
    margin: Floats


def _row_height(points: Points, radius: Radius) -> float:
    """The height (radians) at which following rows costs about as much as measuring the pairs that they leave open."""
    every = max(1, points.latitude.size // _SAMPLE)
    latitude, longitude = points.latitude[::every], points.longitude[::every]
    belt = np.floor(latitude / radius.angle)
    cell = belt * 1e9 + np.floor(longitude * np.cos(belt * radius.angle) / radius.angle)
    crowd = np.unique(cell, return_counts=True)[1].astype(np.float64)
    neighbours = math.pi * every * float(crowd @ crowd) / max(1, latitude.size)
    return radius.angle / min(max(math.sqrt(neighbours / _PAIRS_PER_ROW), 2), 64)


def _margin(outermost_latitude: Floats, radius: Radius) -> Floats:
    """How far (radians) circles that meet a row can reach beyond the antimeridian: half a turn if they hold a pole."""
    furthest = outermost_latitude + radius.angle
    clear = furthest + radius.angle < math.pi / 2 - 1e-9
    sine = np.divide(radius.sine, np.cos(furthest), out=np.ones_like(furthest), where=clear)
    return np.where(clear, np.arcsin(np.minimum(sine, 1)) + 1e-9, math.pi)


def _bounded(points: Points, radius: Radius, slots: Slots) -> Rows:
    """Slots with their places on the unit sphere and the bounds of their rows."""
    point, longitude, row, margin = slots
    latitude = points.latitude[point]
    x, y, z = Points(latitude, points.longitude[point]).on_unit_sphere()
    start = np.flatnonzero(np.diff(row, prepend=-1)).astype(np.int64)
    if not start.size:
        none = np.zeros(0)
        return Rows(points, radius, x, y, z, longitude, point, start, start, start, start, none, none, none)
    end = np.append(start[1:], row.size)
    first = start + np.add.reduceat((longitude < -math.pi).astype(np.int64), start)
    last = end - np.add.reduceat((longitude >= math.pi).astype(np.int64), start)
    south, north = np.minimum.reduceat(latitude, start), np.maximum.reduceat(latitude, start)
    return Rows(points, radius, x, y, z, longitude, point, start, first, last, end, south, north, margin[start])
