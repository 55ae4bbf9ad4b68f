"""Four towns, two years and three metrics in CSV files: the smallest input that a whole run can be made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
import yaml

TOWNS = {"Graz": (47.0667, 15.45), "Lyon": (45.7485, 4.8467), "Oslo": (59.9127, 10.7461), "Porto": (41.1496, -8.611)}
ECONOMIES = {"Graz": "AT", "Lyon": "FR", "Oslo": "NO", "Porto": "PT"}
YEARS = range(2013, 2015)
PEOPLE = {"Graz": 9, "Lyon": 7, "Oslo": 5, "Porto": 2}
"""People a town, year and metric. Three clusters reach the minimum weight of 25; Porto stays noise."""


def people(metric: str, towns: dict[str, int] = PEOPLE) -> pd.DataFrame:
    """PEOPLE rows: every record has one person in one town, so that counts can be read off `towns`."""
    return pd.DataFrame(
        {
            "record_id": f"{metric}-{year}-{town}-{number}",
            "year": year,
            "record_type": "article" if metric == "scientific_publications" else "seed",
            "city": town,
            "economy": ECONOMIES[town],
            "latitude": TOWNS[town][0],
            "longitude": TOWNS[town][1],
        }
        for year in YEARS
        for town, count in towns.items()
        for number in range(count)
    )


def write(folder: Path, **towns: dict[str, int]) -> Path:
    """Write the world's files and its profile, edition 2015; return the profile. towns: metric -> people a town."""
    folder.mkdir(parents=True, exist_ok=True)
    for metric in ("pct_applications", "scientific_publications", "vc_deals"):
        people(metric, towns.get(metric, PEOPLE)).to_csv(folder / f"{metric}.csv", index=False)
    _population(folder / "population.tif")
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(profile(), sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def profile() -> dict[str, Any]:
    metrics = ("pct_applications", "scientific_publications", "vc_deals")
    return {
        "name": "tiny",
        "title": "Four towns",
        "metrics": {name: {"reader": "local", "files": {"people": f"{name}.csv"}} for name in metrics},
        "population": {"rasters": {2015: "population.tif"}, "title": "One person a cell", "licence": "CC0-1.0"},
        "editions": {2015: _edition(metrics)},
        "approval": {"share_pct_points": 5.0},
    }


def _edition(metrics: tuple[str, ...]) -> dict[str, Any]:
    method = {
        "radius_km": 15,
        "min_weight": 25,
        "location_decimals": 2,
        "merge_rule": "distance",
        "merge_distance_km": 5,
        "noise_min_records": 5,
        "footprint": "members",
        "footprint_distance_km": 5,
        "economy_min_share": 0.05,
        "name_places": 3,
        "name_min_share": 0.1,
        "share_base": "located",
        "ranking_length": 100,
        "population_year": 2014,
    }
    each = {"window": [2013, 2014], "weight": 1.0, "in_density": True, "record_types": None}
    return _settings(method) | {"metrics": {name: _settings(each) for name in metrics}}


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value, "tag": "A", "source": "A test's world"} for name, value in values.items()}


def _population(path: Path) -> None:
    """One person in every cell of a hundredth of a square degree."""
    grid = {"driver": "GTiff", "width": 3600, "height": 1800, "count": 1, "dtype": "float32", "nodata": -200}
    transform = rasterio.Affine(0.1, 0, -180, 0, -0.1, 90)
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, compress="deflate", **grid) as raster:
        raster.write(np.ones((1800, 3600), "float32"), 1)
