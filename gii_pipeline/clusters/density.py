"""Density: weighted DBSCAN on the sphere, exact, in memory that grows with the points and not with their neighbours.

Belongs here: the rule (core, border, noise), the order of points that makes it fast, and checks of what comes in.
Does not: the compiled loops (`kernels`, `nearest`), merging, or anything that knows of an edition.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gii_pipeline.clusters import kernels
from gii_pipeline.clusters.nearest import find_nearest
from gii_pipeline.clusters.rows import EARTH_RADIUS_KM, Flags, Floats, Ints, Points, Radius, Rows
from gii_pipeline.errors import InputError

NOISE = -1
_PARTS = 64


@dataclass(frozen=True)
class Density:
    """What the density step finds, one value a point, in the order of the points given.

    labels: the cluster's number from 0, south to north; -1 is noise.
    core: the weight within the radius, the point itself included, is at least the minimum.
    nearest_core: position of the core point that decides the label: itself, the nearest one (border), or -1 (noise).
    """

    labels: Ints
    core: Flags
    nearest_core: Ints

    @property
    def role(self) -> npt.NDArray[np.str_]:
        """`core`, `border` or `noise`."""
        return np.where(self.core, "core", np.where(self.labels == NOISE, "noise", "border"))


@dataclass(frozen=True)
class Weighed:
    """Points with the weight within a radius of each, which any minimum can be held against (see `weigh`)."""

    rows: Rows
    points: Points
    within: Floats

    def clusters(self, min_weight: float) -> Density:
        """The clusters of one minimum; exact for those that were given to `weigh`."""
        _check_positive(min_weight=min_weight)
        core = self.within >= min_weight
        rows = self.rows.only(core)
        clusters = _components(rows)
        nearest = np.where(core, np.arange(core.size), NOISE)
        others = np.flatnonzero(~core)
        nearest[others] = _nearest(rows, Points(self.points.latitude[others], self.points.longitude[others]))
        return Density(np.append(clusters, NOISE)[nearest], core, nearest)


def density(
    latitude: npt.ArrayLike, longitude: npt.ArrayLike, weight: npt.ArrayLike, *, radius_km: float, min_weight: float
) -> Density:
    """Clusters of points by weighted density (METHOD.md, section 2).

    latitude, longitude: degrees, -90..90 and -180..180; weight: at least 0; one value a point each.
    Core points, and which of them belong together, are those of scikit-learn's
    `DBSCAN(eps=radius_km / EARTH_RADIUS_KM, min_samples=min_weight, metric="haversine", algorithm="ball_tree")`.
    A border point belongs to the nearest core point, to the millimetre; of several equally near to the southernmost,
    then the westernmost. Nothing depends on the order of the points.
    Raises InputError naming the first point that is not finite, out of range or of negative weight.
    """
    return weigh(latitude, longitude, weight, radius_km=radius_km, min_weights=(min_weight,)).clusters(min_weight)


def weigh(
    latitude: npt.ArrayLike,
    longitude: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    radius_km: float,
    min_weights: Sequence[float],
) -> Weighed:
    """The first half of `density`, for several minima: the weight within the radius of each point."""
    check_points(latitude, longitude, weight)
    _check_positive(radius_km=radius_km)
    for min_weight in min_weights:
        _check_positive(min_weight=min_weight)
    points, weights = Points.of_degrees(latitude, longitude), np.asarray(weight, np.float64)
    rows = Rows.of(points, Radius.of(radius_km / EARTH_RADIUS_KM))
    return Weighed(rows, points, _weight_within(rows, weights, min_weights))


def nearest_within(
    latitude: npt.ArrayLike,
    longitude: npt.ArrayLike,
    to_latitude: npt.ArrayLike,
    to_longitude: npt.ArrayLike,
    *,
    radius_km: float,
) -> Ints:
    """For each point the position of the nearest of the others within the radius, or -1; ties as in `density`."""
    check_points(latitude, longitude, np.zeros(np.size(latitude)))
    check_points(to_latitude, to_longitude, np.zeros(np.size(to_latitude)))
    _check_positive(radius_km=radius_km)
    rows = Rows.of(Points.of_degrees(to_latitude, to_longitude), Radius.of(radius_km / EARTH_RADIUS_KM))
    return _nearest(rows, Points.of_degrees(latitude, longitude))


def check_points(latitude: npt.ArrayLike, longitude: npt.ArrayLike, weight: npt.ArrayLike) -> None:
    """Raise InputError naming the first point that is not finite, out of range or of negative weight."""
    latitudes, longitudes, weights = (np.asarray(values, np.float64) for values in (latitude, longitude, weight))
    if not latitudes.shape == longitudes.shape == weights.shape == (latitudes.size,):
        shapes = f"{latitudes.shape}, {longitudes.shape}, {weights.shape}"
        raise InputError(f"Latitudes, longitudes and weights differ in number: {shapes}. Give one of each per point.")
    for name, values, least, most in (
        ("latitude", latitudes, -90, 90),
        ("longitude", longitudes, -180, 180),
        ("weight", weights, 0, np.inf),
    ):
        wrong = ~((values >= least) & (values <= most) & np.isfinite(values))
        if wrong.any():
            at = int(wrong.argmax())
            limits = f"between {least} and {most}" if most < np.inf else f"finite and at least {least}"
            raise InputError(
                f"Point {at} at ({latitudes[at]}, {longitudes[at]}): its {name} {values[at]} must be {limits} "
                f"({int(wrong.sum())} points are wrong). Correct or drop it before clustering."
            )


def _check_positive(**settings: float) -> None:
    for name, value in settings.items():
        if not (value > 0 and math.isfinite(value)):
            raise InputError(f"{name} is {value}; it must be a positive number.")


def _weight_within(rows: Rows, weights: Floats, min_weights: Sequence[float]) -> Floats:
    """The weight within the radius of each point; exact where it matters, next to a minimum."""
    total = np.zeros(weights.size)
    of_slots = kernels.Weights(weights[rows.point], np.concatenate([[0.0], np.cumsum(weights[rows.point])]))
    everything = float(of_slots.summed[-1])

    def weigh(begin: int, end: int) -> None:
        kernels.weigh_neighbours(rows, of_slots, begin, end, total)

    _share_out(weigh, rows.first)
    if np.all(weights == np.rint(weights)) and everything < 2**53:
        return total
    close = [np.abs(total - minimum) <= 1e-9 * (everything + minimum) for minimum in min_weights]
    unclear = np.flatnonzero(np.any(close, axis=0))
    kernels.weigh_exactly(rows, of_slots.each, unclear, total)
    return total


def _components(rows: Rows) -> Ints:
    """The cluster's number of each point of the rows, from 0 by the southernmost point of each; -1 for other points."""
    links = kernels.Links.among(rows)
    kernels.link_neighbours(rows, links)
    numbers = kernels.number_components(rows, links)
    inside = np.flatnonzero(numbers != NOISE)
    inside = inside[np.lexsort((rows.points.longitude[inside], rows.points.latitude[inside]))]
    _, first = np.unique(numbers[inside], return_index=True)
    numbers[inside] = np.argsort(np.argsort(first))[numbers[inside]]
    return numbers


def _nearest(rows: Rows, queries: Points) -> Ints:
    nearest = np.full(queries.latitude.size, NOISE)

    def search(begin: int, end: int) -> None:
        find_nearest(rows, queries, begin, end, nearest)

    _share_out(search, np.arange(queries.latitude.size))
    return nearest


def _share_out(work: Callable[[int, int], None], first: Ints) -> None:
    """Do begin:end of a list in parts of about equal numbers of points; first: where each item's points begin."""
    if not first.size:
        return
    bounds = np.unique(np.searchsorted(first, np.linspace(0, first[-1], _PARTS + 1)[:-1]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, bounds, [*bounds[1:], first.size]))
