"""A packed location as Ibis expressions: rounding it, and its latitude and longitude.

Belongs here: arithmetic on `location_id`, which packs a point rounded to four decimals.
Does not: packing coordinates; that is geocoding's.
"""

from __future__ import annotations

import ibis.expr.types as ir

ROW = 10_000_000
DEGREE = 10_000
FULL_TURN = 360 * DEGREE
PACKED_DECIMALS = 4


def rounded(location_id: ir.IntegerValue, decimals: int) -> ir.IntegerValue:
    """The location rounded to `decimals` (0 to 4), halves up, packed like the original; longitude 180 is -180."""
    step = 10 ** (PACKED_DECIMALS - decimals)
    latitude = _nearest(location_id // ROW, step)
    longitude = _nearest(location_id % ROW, step) % FULL_TURN
    return (latitude * ROW + longitude).cast("int64")


def latitude(location_id: ir.IntegerValue) -> ir.FloatingValue:
    """Degrees north."""
    return ((location_id // ROW) - 90 * DEGREE) / DEGREE


def longitude(location_id: ir.IntegerValue) -> ir.FloatingValue:
    """Degrees east, -180 to below 180."""
    return ((location_id % ROW) - 180 * DEGREE) / DEGREE


def _nearest(value: ir.IntegerValue, step: int) -> ir.IntegerValue:
    return (value + step // 2) // step * step
