"""Points tables of a few places, and editions with other settings."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.geocoding.location_id import pack, unpack

PCT, PAPERS, DEALS = "pct_applications", "scientific_publications", "vc_deals"


class At(NamedTuple):
    """People of one metric somewhere."""

    latitude: float
    longitude: float
    people: float
    place: str | None = None
    economy: str | None = None
    metric: str = PCT


def edition(year: int = 2025, **settings: object) -> Edition:
    """A WIPO edition with some of its settings' values replaced."""
    whole = wipo_book()[year]
    changed: dict[str, Any] = {
        name: getattr(whole, name).model_copy(update={"value": value}) for name, value in settings.items()
    }
    return whole.model_copy(update=changed)


def points(*rows: At) -> pd.DataFrame:
    """A `points` table, sorted by its key."""
    table = pd.DataFrame(rows, columns=At._fields)
    location_id = pack(table["latitude"], table["longitude"])
    latitude, longitude = unpack(location_id)
    table = table.assign(edition=2025, method=2025, location_id=location_id, latitude=latitude, longitude=longitude)
    table = table.assign(admin=None, fractions=table["people"] / 4, records=np.maximum(1, table["people"] // 2))
    return table.astype({"records": "int64"}).sort_values(["location_id", "metric"], ignore_index=True)


def city(
    latitude: float, longitude: float, people: float, place: str | None = None, economy: str | None = None
) -> list[At]:
    """Nine places a kilometre apart that share the people, one more person in the middle."""
    return [
        At(latitude + 0.01 * north, longitude + 0.01 * east, people / 9 + (north == east == 0), place, economy)
        for north in (-1, 0, 1)
        for east in (-1, 0, 1)
    ]
