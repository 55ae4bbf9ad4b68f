"""Intervals of size scores: how often they hold the truth, and how long a thousand replicates take.

    python benchmarks/stability.py [--samples 400] [--locations 200000] [--replicates 1000]

Coverage: records of a known world are drawn again and again, counted as the pipeline counts them, and resampled. Each
record has its people at 1, 3 or 5 locations, three in four of them in its home cluster. An interval covers if the
cluster's true size score is in it. Target: 94 to 96 % of all intervals.
Speed: 1,000 replicates, at 200,000 locations. Target: 10 seconds. Reading the records once is shown next to it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _world import points, totals

from gii_pipeline import clusters, counting
from gii_pipeline.counting import Total
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.metrics.cluster_metrics import cluster_metrics, count_by_cluster
from gii_pipeline.ranking import size_order
from gii_pipeline.ranking.bootstrap import bootstrap_scores, interval
from gii_pipeline.ranking.stability import SEED
from gii_pipeline.ranking.variants import grid_ranks

EDITION = wipo_book()[2025]
METRIC = "scientific_publications"
CLUSTERS, RECORDS = 20, 6_000
COVERAGE, SECONDS = (0.94, 0.96), 10.0
PEOPLE_AT = (1, 3, 5)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--locations", type=int, default=200_000)
    parser.add_argument("--replicates", type=int, default=1000)
    arguments = parser.parse_args()
    met = [covers(people, arguments.samples, arguments.replicates) for people in PEOPLE_AT]
    met.append(fast(arguments.locations, arguments.replicates))
    return 0 if all(met) else 1


def covers(people: int, samples: int, replicates: int) -> bool:
    """Whether the intervals of records with so many people, each elsewhere, hold the truth as often as they say."""
    world = _World(people)
    inside = []
    with tempfile.TemporaryDirectory(prefix="gii-stability-") as folder:
        for sample in range(samples):
            low, high = world.interval(Path(folder), sample, replicates)
            inside.append((low <= world.truth) & (world.truth <= high))
    share = float(np.mean(inside))
    error = float(np.std(np.mean(inside, axis=1), ddof=1) / np.sqrt(samples))
    met = COVERAGE[0] <= share <= COVERAGE[1]
    print(
        f"people at {people} locations: {share:.1%} of {samples * CLUSTERS:,} intervals hold the truth, standard error "
        f"{error:.1%} (target 94 to 96 %): {'met' if met else 'MISSED'}"
    )
    return met


class _World:
    """Records that fall on 20 clusters of ten locations each, and on locations outside, with known chances."""

    def __init__(self, people: int) -> None:
        self.people = people
        size = np.append(1 / np.arange(1, CLUSTERS + 1) ** 0.8, 2.0)
        self.home = size / size.sum()
        self.location = 10_000_000 * np.arange(900_000, 900_000 + 100 * 10 * (CLUSTERS + 1), 100)
        chance = 0.75 * self.home + 0.25 / (CLUSTERS + 1)
        self.truth = 100 * chance[:CLUSTERS]
        own = EDITION.metrics[METRIC]
        decimals = EDITION.location_decimals.model_copy(update={"value": 2})
        self.edition = EDITION.model_copy(update={"metrics": {METRIC: own}, "location_decimals": decimals})
        number = np.arange(10 * CLUSTERS) // 10
        self.members = pd.DataFrame({"location_id": self.location[: 10 * CLUSTERS], "cluster_id": number})
        self.year = own.window.value.first_year
        self.types = own.record_types.value or ("article",)

    def interval(self, folder: Path, sample: int, replicates: int) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the interval of each cluster's size score, from one sample of records."""
        rng = np.random.default_rng([sample, self.people])
        records = rng.poisson(RECORDS)
        home = np.repeat(rng.choice(CLUSTERS + 1, records, p=self.home), self.people)
        cluster = np.where(rng.random(home.size) < 0.75, home, rng.integers(0, CLUSTERS + 1, home.size))
        rows = pd.DataFrame(
            {
                "record_id": np.repeat(np.arange(records), self.people).astype(str),
                "data_year": self.year,
                "record_type": self.types[0],
                "fraction": 1 / self.people,
                "location_id": self.location[10 * cluster + rng.integers(0, 10, home.size)],
            }
        )
        rows.to_parquet(folder / "core.parquet")
        connection = counting.connect()
        core = {METRIC: connection.read_parquet(str(folder / "core.parquet"))}
        counts = rows.groupby("location_id")["fraction"].sum().rename("fractions").reset_index()
        inside = count_by_cluster(self.members, counts.assign(metric=METRIC), self.edition)
        together = counting.co_counts(core, self.edition, counting.numbered(self.members, inside.index))
        connection.disconnect()
        world = {METRIC: Total(records, records)}
        scores = bootstrap_scores(inside, world, together, self.edition, replicates=replicates, seed=sample)
        return interval(scores)


def fast(locations: int, replicates: int) -> bool:
    """Whether the replicates of a world-scale edition are drawn in time."""
    world = points(locations, EDITION)
    sums = totals(world)
    members = clusters.build(world, EDITION).members
    order = size_order(cluster_metrics(members, world, sums, None, EDITION), EDITION)["cluster_id"]
    counts = count_by_cluster(members, world, EDITION).reindex(order)
    together, read = _co_counts(world, members, counts.index)
    begin = time.perf_counter()
    bootstrap_scores(counts, sums, together, EDITION, replicates=replicates, seed=SEED)
    drawn = time.perf_counter() - begin
    begin = time.perf_counter()
    variants = len(list(grid_ranks(members, world, sums, EDITION)))
    grid = time.perf_counter() - begin
    print(f"{locations:,} locations, {len(order)} clusters, {len(together):,} co-counts")
    print(f"{read}")
    print(f"{replicates:,} replicates {drawn:6.1f} s")
    print(f"grid of {variants} methods {grid:6.1f} s")
    print(f"target (1,000 replicates within {SECONDS:.0f} s):", "met" if drawn <= SECONDS else "MISSED")
    return drawn <= SECONDS


def _co_counts(world: pd.DataFrame, members: pd.DataFrame, order: pd.Index) -> tuple[pd.DataFrame, str]:
    """Co-counts of records of three people, the first two at one point and the third at any other, and their cost."""
    edition: Edition = EDITION
    with tempfile.TemporaryDirectory(prefix="gii-stability-") as folder:
        connection, core, rows = counting.connect(spill=Path(folder)), {}, 0
        for name in edition.metrics:
            here = world[world["metric"] == name]
            table = _records(here, edition, name)
            table.to_parquet(Path(folder) / f"{name}.parquet")
            rows += len(table)
            core[name] = connection.read_parquet(str(Path(folder) / f"{name}.parquet"))
        begin = time.perf_counter()
        together = counting.co_counts(core, edition, counting.numbered(members, order))
        seconds = time.perf_counter() - begin
        connection.disconnect()
    return together, f"{rows:,} rows of records, read once {seconds:6.1f} s"


def _records(here: pd.DataFrame, edition: Edition, metric: str, most: int = 3_000_000) -> pd.DataFrame:
    """Rows of a core table: records of one person (deals) or three."""
    rng = np.random.default_rng(7)
    people = 1 if metric == "vc_deals" else 3
    share = here["fractions"].to_numpy() / here["fractions"].sum()
    at = here["location_id"].to_numpy()
    records = min(most, round(here["fractions"].sum()))
    home = rng.choice(at, records, p=share)
    places = np.column_stack([home, home, rng.choice(at, records, p=share)])[:, :people]
    types = edition.metrics[metric].record_types.value
    return pd.DataFrame(
        {
            "record_id": np.repeat(np.arange(records), people).astype(str),
            "data_year": edition.metrics[metric].window.value.last_year,
            "record_type": types[0] if types else "",
            "fraction": 1 / people,
            "location_id": places.ravel(),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
