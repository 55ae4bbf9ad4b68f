"""The density step against scikit-learn on the same points, its growth, and the clusters of an edition.

    python benchmarks/clusters.py [--compare 200000] [--sizes 200000 1000000 5000000] [--locations 300000]

Points are in cities of 10,000, most of them within a radius or two, and a tenth is scattered; a larger world has more
cities, at the same thresholds. Each job runs in a process of its own; its peak is that process's largest resident
memory, imports included. Compiling (once per machine) is left out. Targets: at least 10 times faster than scikit-learn
and at most a third of its memory with equal results, 1,000,000 points under 10 s, 5,000,000 under 60 s and 1.5 GiB; an
edition's clusters, footprints and population on 300,000 locations well within the edition stage's 30 s. Where other
work holds the cores, a job's own processor time stands for its seconds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import rasterio
from rasterio.windows import Window

from gii_pipeline import clusters
from gii_pipeline.clusters.density import Density, density
from gii_pipeline.clusters.rows import EARTH_RADIUS_KM
from gii_pipeline.editions import wipo_book
from gii_pipeline.geocoding.location_id import pack, unpack
from gii_pipeline.memory import peak_bytes
from gii_pipeline.metrics.population import population
from gii_pipeline.metrics.rasters import PopulationRaster

RADIUS_KM, MIN_WEIGHT = 15.0, 4500
CITY = 10_000
CITIES = 300
GLOBAL_30_SECONDS = (43_200, 21_600)


class Points(NamedTuple):
    """Degrees, and whole weights."""

    latitude: np.ndarray
    longitude: np.ndarray
    weight: np.ndarray


class Run(NamedTuple):
    """What a job took and gave."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    result: object

    @property
    def alone(self) -> float:
        """What it takes at most on a machine with nothing else to do: the seconds passed, or those of all its cores."""
        return min(self.seconds, self.cpu_seconds)


def world(size: int) -> Points:
    """Nine tenths in cities of 10,000 points with a spread of 6 to 14 km, one tenth anywhere on land latitudes."""
    rng = np.random.default_rng(size)
    cities = max(1, round(0.9 * size / CITY))
    city = rng.integers(0, cities, round(0.9 * size))
    spread = rng.uniform(6, 14, cities)[city] / 111.2
    middle_latitude, middle_longitude = rng.uniform(-50, 65, cities)[city], rng.uniform(-180, 180, cities)[city]
    latitude = middle_latitude + spread * rng.normal(size=city.size)
    longitude = middle_longitude + spread * rng.normal(size=city.size) / np.cos(np.radians(middle_latitude))
    scattered = size - city.size
    latitude = np.concatenate([latitude, rng.uniform(-60, 75, scattered)])
    longitude = np.concatenate([longitude, rng.uniform(-180, 180, scattered)])
    return Points(latitude, (longitude + 180) % 360 - 180, rng.integers(1, 6, size).astype("float64"))


def ours(size: int) -> Density:
    points = world(size)
    return density(*points, radius_km=RADIUS_KM, min_weight=MIN_WEIGHT)


def scikit_learn(size: int) -> Density:
    """DBSCAN by ball tree, which lists every neighbour; its border labels are not ours, which are by distance."""
    from sklearn.cluster import DBSCAN

    points = world(size)
    model = DBSCAN(eps=RADIUS_KM / EARTH_RADIUS_KM, min_samples=MIN_WEIGHT, metric="haversine", algorithm="ball_tree")
    model.fit(np.radians(np.stack([points.latitude, points.longitude], axis=1)), sample_weight=points.weight)
    core = np.zeros(size, dtype=bool)
    core[model.core_sample_indices_] = True
    return Density(model.labels_.astype("int64"), core, np.where(core, np.arange(size), -1))


def points_only(size: int) -> int:
    """What making the points takes, to be taken off the density step's time."""
    return len(world(size).weight)


def edition_clusters(size: int, folder: str) -> dict[str, object]:
    """Clusters, footprints and population of an edition with this many locations, and seconds by step."""
    edition = wipo_book()[2025]
    points = edition_points(size)
    start = time.perf_counter()
    found = clusters.build(points, edition)
    built = time.perf_counter()
    people = population(found.footprints, [PopulationRaster(Path(folder) / "world.tif", 2025)], 2025)
    return {
        "locations": points["location_id"].nunique(),
        "clusters": len(found.clusters),
        "build_s": built - start,
        "population_s": time.perf_counter() - built,
        "populated": int(people["population"].notna().sum()),
    }


def edition_points(size: int) -> pd.DataFrame:
    """A `points` table of this many distinct rounded locations, two metrics at each and deals at a tenth.

    Four in ten locations are in 300 cities, the others scattered, as towns are.
    """
    rng = np.random.default_rng(1)
    city = rng.integers(0, CITIES, size)
    spread = rng.uniform(5, 15, CITIES)[city] / 111.2
    latitude = rng.uniform(-45, 60, CITIES)[city] + spread * rng.normal(size=size)
    longitude = rng.uniform(-180, 180, CITIES)[city] + spread * rng.normal(size=size)
    cities = np.unique(pack(latitude, (longitude + 180) % 360 - 180, 2))
    towns = np.unique(pack(rng.uniform(-55, 70, 2 * size), rng.uniform(-180, 180, 2 * size), 2))
    in_cities = rng.choice(cities, min(cities.size, (4 * size) // 10), replace=False)
    scattered = rng.choice(np.setdiff1d(towns, in_cities), size - in_cities.size, replace=False)
    location = np.sort(np.concatenate([in_cities, scattered]))
    latitude, longitude = unpack(location)
    rows = pd.DataFrame({"edition": 2025, "method": 2025, "location_id": location, "latitude": latitude})
    rows = rows.assign(longitude=longitude, place=[f"Place {at // 100_000}" for at in location], admin=None)
    rows = rows.assign(economy=np.array(["FR", "DE", "JP"])[location // 10_000_000 % 3])
    metrics = []
    for metric, every in (("pct_applications", 1), ("scientific_publications", 1), ("vc_deals", 10)):
        part = rows.iloc[::every]
        people = rng.geometric(0.02, len(part))
        metrics.append(part.assign(metric=metric, people=people, fractions=people / 4, records=people))
    return pd.concat(metrics, ignore_index=True).sort_values(["location_id", "metric"], ignore_index=True)


def write_raster(path: Path) -> None:
    """A global raster at 30 arc-seconds, written strip by strip, tiled and compressed as such layers are."""
    width, height = GLOBAL_30_SECONDS
    transform = rasterio.transform.from_bounds(-180, -90, 180, 90, width, height)
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": "float32", "nodata": -9999}
    profile |= {"crs": "EPSG:4326", "transform": transform, "tiled": True, "compress": "deflate", "zlevel": 1}
    row = np.tile(np.arange(400, dtype="float32"), width // 400)
    with rasterio.open(path, "w", **profile) as raster:
        for top in range(0, height, 256):
            strip = np.broadcast_to(row, (min(256, height - top), width))
            raster.write(strip, 1, window=Window(0, top, width, strip.shape[0]))


def measured(job: Callable[..., object], *arguments: object) -> Run:
    """A job in a new process, imports and interpreter not timed."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (job, arguments))


def _run(job: Callable[..., object], arguments: tuple[object, ...]) -> Run:
    start, cpu_start = time.perf_counter(), time.process_time()
    result = job(*arguments)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    return Run(seconds, cpu_seconds, peak_bytes() / (1 << 20), result)


def same(a: Density, b: Density) -> bool:
    """Whether both have the same core points and the same partition of them."""
    if not np.array_equal(a.core, b.core):
        return False
    pairs = np.unique(np.stack([a.labels[a.core], b.labels[a.core]], axis=1), axis=0)
    return len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1]))


def compare(size: int) -> bool:
    """Ours against scikit-learn at one size."""
    making = measured(points_only, size).alone
    mine, theirs = measured(ours, size), measured(scikit_learn, size)
    seconds, other_seconds = mine.alone - making, theirs.alone - making
    faster, memory = other_seconds / seconds, mine.peak_mib / theirs.peak_mib
    assert isinstance(mine.result, Density)
    assert isinstance(theirs.result, Density)
    equal = same(mine.result, theirs.result)
    print(f"scikit-learn {size:>9,} points {other_seconds:7.2f} s  peak {theirs.peak_mib:6.0f} MiB")
    print(f"ours         {size:>9,} points {seconds:7.2f} s  peak {mine.peak_mib:6.0f} MiB")
    print(f"  {faster:.1f} times faster, {memory:.3f} of the memory, results {'equal' if equal else 'DIFFER'}")
    return faster >= 10 and memory <= 1 / 3 and equal


def grow(sizes: list[int]) -> bool:
    """Ours at growing sizes."""
    limits = {1_000_000: (10, np.inf), 5_000_000: (60, 1536)}
    met = True
    for size in sizes:
        making, mine = measured(points_only, size), measured(ours, size)
        seconds, mib = limits.get(size, (np.inf, np.inf))
        met &= mine.alone - making.alone <= seconds and mine.peak_mib <= mib
        cpu = mine.cpu_seconds - making.cpu_seconds
        print(
            f"ours         {size:>9,} points {mine.seconds - making.seconds:7.2f} s  peak {mine.peak_mib:6.0f} MiB"
            f"  {cpu:.1f} s of all cores, {cpu / size * 1e6:.1f} a million"
        )
    return met


def edition(size: int) -> bool:
    """Clusters, footprints and population of one edition."""
    with tempfile.TemporaryDirectory(prefix="gii-clusters-") as folder:
        write_raster(Path(folder) / "world.tif")
        run = measured(edition_clusters, size, folder)
    assert isinstance(run.result, dict)
    figures = run.result
    print(
        f"edition of {figures['locations']:,} locations: {figures['clusters']} clusters with footprints "
        f"{figures['build_s']:.1f} s, population of {figures['populated']} on a 43,200 x 21,600 raster "
        f"{figures['population_s']:.1f} s, {run.cpu_seconds:.1f} s of all cores, peak {run.peak_mib:.0f} MiB"
    )
    return bool(min(figures["build_s"] + figures["population_s"], run.cpu_seconds) < 30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", type=int, default=200_000, help="points for scikit-learn and ours; 0 for none")
    parser.add_argument("--sizes", type=int, nargs="*", default=[200_000, 1_000_000, 5_000_000])
    parser.add_argument("--locations", type=int, default=300_000, help="locations of an edition; 0 for none")
    options = parser.parse_args()
    measured(ours, 1000)
    met = compare(options.compare) if options.compare else True
    met &= grow(options.sizes)
    met &= edition(options.locations) if options.locations else True
    print("targets:", "met" if met else "MISSED")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
