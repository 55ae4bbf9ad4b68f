"""Fractions as whole numbers, so that adding them up is exact.

Belongs here: the unit, and the way there and back.
Does not: what is added up.

Floating-point sums depend on the order of the rows, and engines with several threads do not keep one. Whole numbers
have one sum. The unit is 16 x lcm(1..24): a record split over up to 24 people adds up to exactly one, any other split
to within 6e-12 of a record a row, and a sum of 100 million records still fits 64 bits.

What a split over more people leaves is noise. Counts and world totals are therefore given to a millionth of a record:
two that differ by less are the same, wherever ranks or scores are compared.
"""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gii_pipeline.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

UNITS_PER_RECORD = 16 * lcm(*range(1, 25))
MOST_RECORDS = (2**63 - 1) // UNITS_PER_RECORD
DECIMALS = 6


def to_units(fractions: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Fractions of records as whole units.

    Raises InputError if together they are more than 64 bits can add up, about 107 million records.
    """
    values = np.asarray(fractions, dtype=np.float64)
    if values.sum() > MOST_RECORDS:
        raise InputError(f"{values.sum():,.0f} records exceed the limit of an exact sum ({MOST_RECORDS:,}).")
    return np.rint(values * UNITS_PER_RECORD).astype(np.int64)


def counted(units: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Whole units as a count of records, to the millionth.

    >>> of_31_people = 31 * to_units(1 / 31)
    >>> float(from_units(of_31_people)) == 1.0, float(counted(of_31_people))
    (False, 1.0)
    """
    return np.round(from_units(units), DECIMALS)


def percent(part: pd.Series, whole: pd.Series | npt.NDArray[np.int64]) -> pd.Series:
    """Units in percent of others. Multiplied as floats: 100 times the units of 1.1 million records exceed 64 bits."""
    return 100.0 * part / whole


def from_units(units: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Whole units as fractions of records."""
    return np.asarray(units, dtype=np.int64) / UNITS_PER_RECORD
