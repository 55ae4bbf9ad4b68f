"""Ranks under other settings at world size: time and memory of the table `rank_variants`, variant by variant.

    PYTHONPATH=. python benchmarks/variants.py [--locations 300000]

The grid (radius, minimum weight, merging, weight of deals), VC deals in the density rule, locations rounded to one
decimal more (each location is then two and a half), and the footprints at half and twice the distance and as the
catchment, with a population raster of 30 arc seconds. Making the world and counting records are not timed: counting
once more per variant that counts otherwise costs what `counting.py` prints. Target: 180 seconds, 2 GiB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from _world import points, population_raster, totals

from gii_pipeline.counting import POINTS, Counted
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.geocoding.location_id import pack
from gii_pipeline.memory import peak_bytes
from gii_pipeline.metrics.population import population
from gii_pipeline.metrics.rasters import PopulationRaster
from gii_pipeline.ranking import intensity_variants, rank_variants
from gii_pipeline.ranking.variants import Grid, Ranked, grid_ranks, size_variants
from gii_pipeline_tests.ranking.chain import rank_edition

T = TypeVar("T")
EDITION = wipo_book()[2025]
OWN = Grid((1.0,), (1.0,), (True,), (1.0,))
"""A grid of nothing but the edition's own settings."""
SECONDS, GIB = 180.0, 2.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locations", type=int, default=300_000)
    world = points(parser.parse_args().locations, EDITION)
    with tempfile.TemporaryDirectory(prefix="gii-variants-") as folder:
        raster = PopulationRaster(Path(folder) / "population.tif", EDITION.population_year.value)
        population_raster(raster.path, world)
        seconds = _variants(world, raster)
    gib = peak_bytes() / (1 << 30)
    met = seconds <= SECONDS and gib <= GIB
    print(f"all {seconds:.0f} s, peak {gib:.1f} GiB, the making of the world included")
    print(f"target ({SECONDS:.0f} s, {GIB:.0f} GiB):", "met" if met else "MISSED")
    return 0 if met else 1


def _variants(world: pd.DataFrame, raster: PopulationRaster) -> float:
    """Seconds of all variants and of the table."""

    def inhabitants(outlines: pd.DataFrame) -> pd.DataFrame:
        return population(outlines, [raster], raster.year)

    sums, finer = totals(world), _finer(world)
    tables = rank_edition(world, sums, EDITION, inhabitants)
    members, size = tables.cluster_members, tables.ranking_size
    print(f"{len(members):,} locations, {len(tables.clusters)} clusters; {finer['location_id'].nunique():,} finer ones")

    def count(variant: Edition) -> Counted:
        same = variant.location_decimals == EDITION.location_decimals
        return Counted(_arrow(world if same else finer), sums, None)

    def others() -> list[Ranked]:
        return size_variants(members, world, sums, EDITION, count=count, grid=OWN)

    grid, first = _timed("grid", lambda: list(grid_ranks(members, world, sums, EDITION)))
    alone, second = _timed("settings alone", others)
    by_intensity, third = _timed("footprints", lambda: intensity_variants(size, members, EDITION, inhabitants))
    table, fourth = _timed("table", lambda: [rank_variants(size, [*grid, *alone], by_intensity, EDITION)])
    print(f"{len(table[0]):,} rows")
    return first + second + third + fourth


def _timed(name: str, work: Callable[[], T]) -> tuple[T, float]:
    begin = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - begin
    print(f"  {name:16} {seconds:6.1f} s, peak {peak_bytes() / (1 << 30):.1f} GiB until here", flush=True)
    return found, seconds


def _finer(world: pd.DataFrame) -> pd.DataFrame:
    """Points whose locations have one decimal more: the people of each at two or three of its hundred cells."""
    rng = np.random.default_rng(3)
    place = pd.Series(world["location_id"].unique())
    copies = pd.Series(rng.integers(2, 4, len(place)), index=place)
    number = copies.loc[world["location_id"]].to_numpy()
    rows = world.loc[world.index.repeat(number)].reset_index(drop=True)
    nth = rows.groupby(["location_id", "metric"]).cumcount().to_numpy()
    shift = np.random.default_rng(4).permutation(100)[:3]
    rows["latitude"] = np.round(rows["latitude"] + (shift[nth] % 10 - 5) / 1000, 3)
    rows["longitude"] = np.round(rows["longitude"] + (shift[nth] // 10 - 5) / 1000, 3)
    share = np.repeat(number, number)
    rows["people"] = np.maximum(rows["people"] // share, 1)
    rows["records"] = np.maximum(rows["records"] // share, 1)
    rows["fractions"] = rows["fractions"] / share
    rows["location_id"] = pack(rows["latitude"], rows["longitude"], 3)
    rows = rows.drop_duplicates(["location_id", "metric"])
    return rows.sort_values(["location_id", "metric"], ignore_index=True)


def _arrow(world: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(world, schema=POINTS, preserve_index=False)


if __name__ == "__main__":
    sys.exit(main())
