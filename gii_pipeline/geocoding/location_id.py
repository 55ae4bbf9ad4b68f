"""A point as one integer: its latitude and longitude, rounded to four decimals and packed.

Belongs here: packing and unpacking of numpy arrays.
Does not: rounding a packed point further (see `counting.location`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ROW = 10_000_000
DEGREE = 10_000
FULL_TURN = 360 * DEGREE
PACKED_DECIMALS = 4


def pack(latitude: npt.ArrayLike, longitude: npt.ArrayLike, decimals: int = PACKED_DECIMALS) -> npt.NDArray[np.int64]:
    """Points in degrees → location ids, rounded to `decimals` (0 to 4), halves up; longitude 180 becomes -180.

    >>> pack([37.77493], [-122.41942])
    array([12777490575806])
    >>> pack([37.77493], [-122.41942], decimals=2)
    array([12777000575800])
    """
    step = 10 ** (PACKED_DECIMALS - decimals)
    rows = _nearest(np.rint((np.asarray(latitude, dtype=np.float64) + 90) * DEGREE).astype(np.int64), step)
    columns = _nearest(np.rint((np.asarray(longitude, dtype=np.float64) + 180) * DEGREE).astype(np.int64), step)
    return rows * ROW + columns % FULL_TURN


def unpack(location_id: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Location ids → latitude and longitude in degrees, longitude from -180 to below 180.

    >>> unpack([12777490575806])
    (array([37.7749]), array([-122.4194]))
    """
    rows, columns = np.divmod(np.asarray(location_id, dtype=np.int64), ROW)
    return (rows - 90 * DEGREE) / DEGREE, (columns - 180 * DEGREE) / DEGREE


def _nearest(value: npt.NDArray[np.int64], step: int) -> npt.NDArray[np.int64]:
    return (value + step // 2) // step * step
