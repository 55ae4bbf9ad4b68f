"""A made-up world of the size to design for (DESIGN.md, section 7): points, totals, and a population raster.

Belongs here: what several benchmarks need. It is not a benchmark itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from rasterio.windows import Window

from gii_pipeline.counting import Total
from gii_pipeline.editions import Edition
from gii_pipeline.geocoding.location_id import pack

CITIES = 4_000
PEOPLE = {"pct_applications": 4_000_000, "scientific_publications": 50_000_000, "vc_deals": 240_000}
MEAN_FRACTION = {"pct_applications": 0.35, "scientific_publications": 0.2, "vc_deals": 1.0}
CELLS_PER_DEGREE = 120


def points(locations: int, edition: Edition, seed: int = 1) -> pd.DataFrame:
    """`points` of an edition: round cities of Zipf's sizes, people thinning out from their middles."""
    rng = np.random.default_rng(seed)
    size = 1 / np.arange(1, CITIES + 1) ** 0.9
    middle = np.column_stack([rng.uniform(-45, 62, CITIES), rng.uniform(-179, 179, CITIES)])
    places = np.empty((0, 4))
    while len(places) < locations:
        city = rng.choice(CITIES, locations, p=size**0.6 / (size**0.6).sum())
        reach = 0.05 + 0.35 * (size[city] / size[0]) ** 0.3
        offset = rng.normal(0, 1, (locations, 2)) * reach[:, None]
        found = np.column_stack([np.round(middle[city] + offset, 2), city, np.exp(-0.5 * (offset**2).sum(axis=1))])
        places = np.concatenate([places, found])
        places = places[np.unique(places[:, :2], axis=0, return_index=True)[1]]
    places = places[rng.permutation(len(places))[:locations]]
    latitude, longitude, city = places[:, 0], (places[:, 1] + 180) % 360 - 180, places[:, 2].astype("int64")
    crowd = size[city] ** 0.85 * places[:, 3] * rng.lognormal(0, 1.5, locations)
    described = {
        "edition": edition.edition,
        "method": edition.method,
        "location_id": pack(latitude, longitude, 2),
        "latitude": latitude,
        "longitude": np.round(longitude, 2),
        "place": [f"City {number}" for number in city],
        "admin": None,
        "economy": [f"{chr(65 + number % 26)}{chr(65 + number // 26 % 26)}" for number in city],
    }
    metrics = []
    for name in edition.metrics:
        people = rng.poisson(PEOPLE[name] * crowd / crowd.sum()) + (name == "scientific_publications")
        fractions = people * np.clip(rng.normal(MEAN_FRACTION[name], 0.05, locations), 0.05, 1.0)
        records = np.maximum(np.ceil(fractions), np.round(people * 0.7))
        counts = {"metric": name, "people": people, "fractions": fractions, "records": records.astype("int64")}
        metrics.append(pd.DataFrame(described | counts)[people > 0])
    found = pd.concat(metrics).drop_duplicates(["location_id", "metric"])
    rows: pd.DataFrame = found.sort_values(["location_id", "metric"], ignore_index=True)
    return rows


def totals(points: pd.DataFrame) -> dict[str, Total]:
    located = points.groupby("metric")["fractions"].sum().to_dict()
    return {str(name): Total(float(total), 1.05 * float(total)) for name, total in located.items()}


def population_raster(path: Path, points: pd.DataFrame) -> None:
    """Inhabitants on 43,200 x 21,600 cells of 30 arc seconds, written only around the points; nodata elsewhere."""
    transform = rasterio.transform.from_origin(-180, 90, 1 / CELLS_PER_DEGREE, 1 / CELLS_PER_DEGREE)
    row = ((90 - points["latitude"]) * CELLS_PER_DEGREE // 512).astype(int)
    column = ((points["longitude"] + 180) * CELLS_PER_DEGREE // 512).astype(int)
    blocks = set(zip(row, column, strict=True))
    rng = np.random.default_rng(2)
    with rasterio.open(
        path, "w", driver="GTiff", width=43_200, height=21_600, count=1, dtype="float32", crs="EPSG:4326",
        transform=transform, nodata=-9999.0, tiled=True, blockxsize=512, blockysize=512, sparse_ok=True,
    ) as raster:  # fmt: skip
        for block_row, block_column in sorted(blocks):
            window = Window(block_column * 512, block_row * 512, 512, 512)
            window = window.intersection(Window(0, 0, 43_200, 21_600))
            cells = rng.exponential(200, (int(window.height), int(window.width))).astype("float32")
            raster.write(cells, 1, window=window)


def disk(root: Path) -> int:
    """Bytes on the disk; holes take none."""
    found = 0
    for path in root.rglob("*"):
        try:
            found += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:
            continue
    return found


@contextmanager
def peak_of(root: Path) -> Iterator[list[int]]:
    peak, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            peak[0] = max(peak[0], disk(root))

    watching = threading.Thread(target=look, daemon=True)
    watching.start()
    yield peak
    ended.set()
    watching.join()
