"""The edition stage on 300,000 locations: points to clusters, footprints, population, rankings and contributions.

    PYTHONPATH=. python benchmarks/edition.py [--locations 300000]

The points and a population raster of 30 arc seconds are made first and not timed; compiled kernels are warmed up on a
small part. Each step is shown as its part of the stage. Target: under 30 seconds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from _world import points, population_raster, totals

from gii_pipeline import clusters
from gii_pipeline.editions import wipo_book
from gii_pipeline.memory import peak_bytes
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.metrics.population import INHABITED, population, with_population
from gii_pipeline.metrics.rasters import PopulationRaster
from gii_pipeline.ranking import contributions, rank_intensity, rank_size
from gii_pipeline_tests.ranking.chain import rank_edition

EDITION = wipo_book()[2025]
SECONDS = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locations", type=int, default=300_000)
    world = points(parser.parse_args().locations, EDITION)
    clusters.build(world.head(2000), EDITION)
    with tempfile.TemporaryDirectory(prefix="gii-edition-") as folder:
        raster = PopulationRaster(Path(folder) / "population.tif", EDITION.population_year.value)
        population_raster(raster.path, world)
        whole = _stages(world, raster)
    print(f"peak {peak_bytes() / (1 << 20):.0f} MiB, the making of the world included")
    print(f"target (under {SECONDS:.0f} s):", "met" if whole < SECONDS else "MISSED")
    return 0 if whole < SECONDS else 1


def _stages(world: pd.DataFrame, raster: PopulationRaster) -> float:
    """Seconds of the whole stage, and prints its steps and their parts in it."""

    def inhabitants(outlines: pd.DataFrame) -> pd.DataFrame:
        return population(outlines, [raster], raster.year)

    sums = totals(world)
    begin = time.perf_counter()
    tables = rank_edition(world, sums, EDITION, inhabitants)
    whole = time.perf_counter() - begin
    print(f"{world['location_id'].nunique():,} locations, {len(tables.clusters)} clusters: {whole:.1f} s")
    footprints = tables.cluster_footprints.drop(columns=list(INHABITED))
    steps: dict[str, Callable[[], object]] = {
        "clusters and footprints": lambda: clusters.build(world, EDITION),
        "population": lambda: with_population(footprints, inhabitants),
        "metrics": lambda: cluster_metrics(tables.cluster_members, world, sums, tables.cluster_footprints, EDITION),
        "rankings": lambda: rank_intensity(
            rank_size(tables.clusters, tables.cluster_footprints, tables.cluster_metrics, EDITION)
        ),
        "contributions": lambda: contributions(tables.cluster_members, world, EDITION),
    }
    for name, step in steps.items():
        begin = time.perf_counter()
        step()
        seconds = time.perf_counter() - begin
        print(f"  {name:24} {seconds:6.2f} s  {seconds / whole:4.0%} of the stage")
    return whole


if __name__ == "__main__":
    sys.exit(main())
