"""Intervals of the ranks of a world-scale edition: 1,000 bootstrap replicates, and the grid of other parameters.

    python benchmarks/stability.py [--locations 300000] [--replicates 1000]

The ratio is to drawing every location and metric on its own, as many times as a tenth of a second allows.
Target: 1,000 replicates in under 60 seconds.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from _world import points, totals

from gii_pipeline import clusters
from gii_pipeline.editions import wipo_book
from gii_pipeline.metrics import cluster_metrics
from gii_pipeline.ranking import size_order
from gii_pipeline.ranking.stability import SEED, bootstrap_ranks, grid_ranks

EDITION = wipo_book()[2025]
SECONDS = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locations", type=int, default=300_000)
    parser.add_argument("--replicates", type=int, default=1000)
    arguments = parser.parse_args()
    world = points(arguments.locations, EDITION)
    sums = totals(world)
    members = clusters.build(world, EDITION).members
    order = size_order(cluster_metrics(members, world, sums, None, EDITION), EDITION)["cluster_id"]

    begin = time.perf_counter()
    bootstrap_ranks(order, members, world, sums, EDITION, replicates=arguments.replicates, seed=SEED)
    bootstrap = time.perf_counter() - begin
    one_by_one = _seconds_of_one_draw(world["records"].to_numpy(np.float64)) * arguments.replicates
    begin = time.perf_counter()
    variants = len(grid_ranks(members, world, sums, EDITION))
    grid = time.perf_counter() - begin

    print(f"{world['location_id'].nunique():,} locations, {len(order)} clusters")
    ratio = one_by_one / bootstrap
    print(f"{arguments.replicates:,} replicates {bootstrap:6.1f} s; drawn one by one {ratio:.0f} times that")
    print(f"grid of {variants} methods {grid:6.1f} s")
    print(f"target (1,000 replicates under {SECONDS:.0f} s):", "met" if bootstrap < SECONDS else "MISSED")
    return 0 if bootstrap < SECONDS else 1


def _seconds_of_one_draw(records: np.ndarray) -> float:
    rng = np.random.default_rng(SEED)
    begin, draws = time.perf_counter(), 0
    while time.perf_counter() - begin < 0.1:
        rng.poisson(records)
        draws += 1
    return (time.perf_counter() - begin) / draws


if __name__ == "__main__":
    sys.exit(main())
