"""Distances on the sphere, for arrays and for search trees.

Belongs here: points as unit vectors, and chords between them as kilometres. Does not: places.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

EARTH_RADIUS_KM: Final = 6371.0088


def distance_km(
    latitude: npt.ArrayLike, longitude: npt.ArrayLike, other_latitude: npt.ArrayLike, other_longitude: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Great-circle distance between points pair by pair; NaN where one is."""
    chords = np.linalg.norm(on_sphere(latitude, longitude) - on_sphere(other_latitude, other_longitude), axis=1)
    return arc_km(chords)


def on_sphere(latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Points as unit vectors, one row each."""
    phi, theta = np.radians(np.asarray(latitude, dtype=float)), np.radians(np.asarray(longitude, dtype=float))
    return np.column_stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])


def arc_km(chords: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Kilometres along the sphere for chords between unit vectors."""
    half: npt.NDArray[np.float64] = np.arcsin(np.minimum(chords / 2, 1))
    return 2 * EARTH_RADIUS_KM * half


def chord(km: float) -> float:
    """The chord between unit vectors that lie so many kilometres apart."""
    return 2 * math.sin(km / (2 * EARTH_RADIUS_KM))
