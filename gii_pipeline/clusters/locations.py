"""Locations: the points of an edition, checked, one row per place on the globe with its weight.

Belongs here: what the density step weighs, and what it refuses.
Does not: counting (`counting`), or the density step.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError

KEY = ["location_id", "metric"]
DESCRIPTION = ["latitude", "longitude", "place", "admin", "economy"]


def locations(points: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """The locations of an edition's points, one row each, sorted by location_id.

    points: `points` (location × metric).
    Returns location_id, latitude, longitude, place, admin, economy, people, records. people: of the edition's metrics
    with in_density, the weight in the density step; 0 at a location that only other metrics have. records: of all the
    edition's metrics.
    Raises InputError naming the first location whose coordinates are out of range or (0, 0), whose people are negative
    or not a number, or that exists twice for a metric.
    """
    rows = points[points["metric"].isin(edition.metrics)].sort_values(KEY, ignore_index=True)
    _check(rows, edition)
    dense = [name for name, metric in edition.metrics.items() if metric.in_density.value]
    rows = rows.assign(people=rows["people"].astype("float64").where(rows["metric"].isin(dense), 0.0))
    first = rows.drop_duplicates("location_id").set_index("location_id")[DESCRIPTION]
    sums = rows.groupby("location_id")[["people", "records"]].sum()
    return first.join(sums, validate="1:1").reset_index()


def _check(rows: pd.DataFrame, edition: Edition) -> None:
    latitude, longitude, people = (rows[name].to_numpy(np.float64) for name in ("latitude", "longitude", "people"))
    in_range = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    _refuse(rows, edition, ~in_range, "its latitude must be between -90 and 90, its longitude between -180 and 180")
    _refuse(rows, edition, (latitude == 0) & (longitude == 0), "sources use (0, 0) for an unknown place")
    _refuse(rows, edition, ~((people >= 0) & np.isfinite(people)), "its people must be a number of at least 0")
    _refuse(rows, edition, rows.duplicated(KEY).to_numpy(), "the table lists it twice for this metric")


def _refuse(rows: pd.DataFrame, edition: Edition, wrong: np.ndarray, why: str) -> None:
    if not wrong.any():
        return
    row = rows.iloc[int(wrong.argmax())]
    raise InputError(
        f"points of edition {edition.label}: location {row['location_id']}, {row['metric']}, at ({row['latitude']}, "
        f"{row['longitude']}) with people {row['people']}: {why}, and {int(wrong.sum()) - 1} more like it. "
        "Correct the core tables and run the edition's points again."
    )
