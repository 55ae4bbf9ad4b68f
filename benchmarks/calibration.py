"""What calibration repairs: a world sampled as PatentsView samples it, ranked from the sample, calibrated, and in full.

    python benchmarks/calibration.py [--records 400000] [--seed 1]

Records of 60 economies with 300 clusters. The sample has 85 % of the records with people in the US, and of other
economies a part that follows from how many of their applications lead to a US patent: 4 to 30 %, more in some clusters
than in others. Calibration weights records by economy and year, so that it repairs the first and not the second. It
prints rank correlations with the full world and the first ten of each. Target: calibration raises the rank correlation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from gii_pipeline import counting
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.metrics.coverage import weights

METRIC = "pct_applications"
ECONOMIES, CLUSTERS, YEARS = 60, 300, range(2019, 2024)
SHOWN = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    own = wipo_book()[2024]
    edition = own.model_copy(update={"metrics": {METRIC: own.metrics[METRIC]}})
    with tempfile.TemporaryDirectory(prefix="gii-calibration-") as folder:
        full, sample = _world(arguments.records, np.random.default_rng(arguments.seed))
        ranked = _rankings(Path(folder), full, sample, edition)
    correlations = {name: float(spearmanr(ranked["full world"], count).statistic) for name, count in ranked.items()}
    for name, count in ranked.items():
        first = count.sort_values(ascending=False).index[:SHOWN]
        print(f"{name:18} rank correlation {correlations[name]:.3f}, first {SHOWN}: {', '.join(first)}")
    met = correlations["calibrated sample"] > correlations["sample"]
    print("target (calibration raises the rank correlation):", "met" if met else "MISSED")
    return 0 if met else 1


def _world(records: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Core rows of the full world and of the sample; a cluster's location is its number, its economy in its name."""
    size = 1 / np.arange(1, ECONOMIES + 1) ** 1.1
    economy_of = np.concatenate(
        [np.arange(ECONOMIES), rng.choice(ECONOMIES, CLUSTERS - ECONOMIES, p=size / size.sum())]
    )
    codes = np.array(["US", *(f"{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(ECONOMIES - 1))])
    weight = rng.pareto(1.3, CLUSTERS) + 0.1
    weight *= (size / np.bincount(economy_of, weight))[economy_of]
    home = rng.choice(CLUSTERS, records, p=weight / weight.sum())
    partner = np.where(rng.random(records) < 0.85, home, rng.choice(CLUSTERS, records, p=weight / weight.sum()))
    in_us = rng.uniform(0.04, 0.30, ECONOMIES)
    in_us[0] = 0.85
    chance = np.clip(in_us[economy_of] * rng.lognormal(0, 0.25, CLUSTERS), 0, 1)
    cluster = np.column_stack([home, partner]).ravel()
    rows = pd.DataFrame(
        {
            "record_id": np.repeat(np.arange(records), 2).astype(str),
            "data_year": np.repeat(rng.choice(list(YEARS), records), 2).astype("int32"),
            "record_type": "pct",
            "fraction": 0.5,
            "location_id": (cluster + 1) * 100,
            "economy": codes[economy_of[cluster]],
            "cluster": [f"{codes[economy_of[number]]}{number}" for number in cluster],
        }
    )
    taken = rng.random(records) < np.maximum(chance[home], chance[partner])
    return rows, rows[np.repeat(taken, 2)]


def _rankings(folder: Path, full: pd.DataFrame, sample: pd.DataFrame, edition: Edition) -> dict[str, pd.Series]:
    """Name of a ranking -> counts by cluster, in the order of the full world's clusters."""
    connection, tables = counting.connect(), {}
    for name, rows in (("full", full), ("sample", sample)):
        rows.drop(columns="cluster").to_parquet(folder / f"{name}.parquet")
        tables[name] = connection.read_parquet(str(folder / f"{name}.parquet"))
    official, seen = (counting.by_economy({METRIC: tables[name]}, edition).drop(columns="metric") for name in tables)
    weighted = weights(seen, official.rename(columns={"count": "total"}))
    print(f"{sample['record_id'].nunique():,} of {full['record_id'].nunique():,} records; weights", end=" ")
    print(f"{weighted['weight'].min():.1f} to {weighted['weight'].max():.1f}")
    lacking = set(official["economy"]) - set(seen["economy"])
    print(f"economies without a record: {', '.join(sorted(lacking)) or 'none'}")
    names = full.drop_duplicates("location_id").set_index("location_id")["cluster"]
    given = {
        "full world": tables["full"],
        "sample": tables["sample"],
        "calibrated sample": counting.calibrated(tables["sample"], weighted),
    }
    found = {}
    for name, table in given.items():
        counts = table.group_by("location_id").aggregate(count=table.fraction.sum()).to_pandas()
        found[name] = counts.set_index("location_id")["count"].reindex(names.index).fillna(0).set_axis(names.to_list())
    return found


if __name__ == "__main__":
    sys.exit(main())
