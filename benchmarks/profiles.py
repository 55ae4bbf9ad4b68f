"""What clusters' counts are made of, against counting alone: organisations, fields, years and partners of author rows.

    python benchmarks/profiles.py [--rows 10000000]

The rows are those of `counting.py` (50 million in the target), each with an institution and a field. Both jobs run in a
process of their own, in turns; the best time of each is compared.
Target: at most 2 times counting alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import counting
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.counting import connect, location, makeup
from gii_pipeline.counting.engine import read_core

INSTITUTIONS, FIELDS, CLUSTERS, TURNS = 30_000, 26, 300, 3
FACTOR = 2


def rows(year: int, count: int) -> Iterator[pa.Table]:
    """Author rows with one of three institutions of their place, for a tenth none, and a field per record."""
    named = pa.array(json.dumps([_institution(number)]) for number in range(INSTITUTIONS))
    fields = pa.array(json.dumps([{"name": f"Field {number}", "weight": 1.0}]) for number in range(FIELDS))
    rng = np.random.default_rng(year)
    for table in counting.author_rows(year, count, seed=year):
        place = table["location_id"].fill_null(0).to_numpy() % INSTITUTIONS
        institution = (place + rng.integers(0, 3, table.num_rows)) % INSTITUTIONS
        unknown = rng.random(table.num_rows) < 0.1
        field = np.char.count(np.asarray(table["record_id"].to_pylist(), dtype="U24"), "7") % FIELDS
        yield (
            table.append_column("economy", pa.array(np.full(table.num_rows, "XX")))
            .append_column("organisations", named.take(pa.array(institution, mask=unknown)))
            .append_column("fields", fields.take(pa.array(field)))
        )


def _institution(number: int) -> dict[str, object]:
    name = {"id": f"https://ror.org/{number:09d}", "name": f"University {number}"}
    return {**name, "economy": "XX", "kind": "organisation", "weight": 1.0}


def write(folder: Path, count: int) -> None:
    """One file per year, the locations, and which of them are in clusters."""
    for year in counting.YEARS:
        tables = rows(year, count // len(counting.YEARS))
        first = next(tables)
        with pq.ParquetWriter(folder / f"publications-{year}.parquet", first.schema, compression="zstd") as writer:
            writer.write_table(first)
            for table in tables:
                writer.write_table(table)
    counting.write_locations(folder)
    locations = connect().read_parquet(folder / "locations.parquet")
    point = location.rounded(locations.location_id, counting.EDITION.location_decimals.value)
    inside = np.sort(locations.select(point=point).distinct().to_pandas()["point"].to_numpy())[::7]
    numbers = pd.DataFrame({"location_id": inside, "cluster": (np.arange(len(inside)) % CLUSTERS).astype("int32")})
    numbers.to_parquet(folder / "clusters.parquet")


def profile(folder: Path) -> object:
    """The sums behind every table of the composition."""
    connection = connect(spill=folder)
    core = {counting.METRIC: read_core(connection, sorted(folder.glob("publications-*.parquet")))}
    found = makeup(core, counting.only_publications(), pd.read_parquet(folder / "clusters.parquet"))
    return [len(table) for table in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    asked = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="gii-profiles-") as name:
        folder = Path(name)
        write(folder, asked)
        (folder / counting.FEW).mkdir()
        write(folder / counting.FEW, 1_000 * len(counting.YEARS))
        runs: dict[str, list[tuple[float, float, object]]] = {"count": [], "profile": []}
        for _ in range(TURNS):
            for job in (counting.count, profile):
                runs[job.__name__].append(counting.measured(job, folder))
    best = {name: min(seconds for seconds, _, _ in run) for name, run in runs.items()}
    for name, run in runs.items():
        ratio, peak = best[name] / best["count"], max(mib for _, mib, _ in run)
        print(f"{name:8} {best[name]:6.2f} s  {ratio:4.1f} x counting alone  peak {peak:5.0f} MiB  {run[0][2]}")
    good = best["profile"] <= FACTOR * best["count"]
    print(f"target (at most {FACTOR} x counting alone, {asked:,} rows):", "met" if good else "MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
