"""Fractional counts of author rows (50 million in the target), against the bare scan of the same columns.

    python benchmarks/counting.py [--rows 10000000]

Rows are made in a stream into a temporary folder that is removed at the end. Scan and count each run in a process of
their own, in turns, after one run on a few rows; the best time of each is compared, and the largest memory of a
counting process is its peak.
Targets: at most 3 times the scan, under 1 GiB.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.counting.counts import points, totals
from gii_pipeline.counting.engine import connect, read_core
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.memory import peak_bytes

EDITION = wipo_book()[2025]
METRIC = "scientific_publications"
YEARS = EDITION.metrics[METRIC].window.value.years
PLACES = 300_000
CHUNK = 1_000_000
FEW = "few"
TURNS = 4
COLUMNS = "data_year, record_type, location_id, fraction, first_at_location"


def author_rows(year: int, rows: int, seed: int) -> Iterator[pa.Table]:
    """Author x location rows of one year in record order, five to a record; places have Zipf's sizes, as cities."""
    world = np.random.default_rng(0)
    places = world.integers(300_000, 1_600_000, PLACES) * 10_000_000 + world.integers(0, 3_600_000, PLACES)
    rng = np.random.default_rng(seed)
    for start in range(0, rows, CHUNK):
        authors = rng.geometric(0.2, CHUNK // 3)
        authors = authors[np.cumsum(authors) <= min(CHUNK, rows - start)]
        record = np.repeat(np.arange(len(authors)), authors)
        first = np.cumsum(authors) - authors
        seq = np.arange(len(record)) - first[record] + 1
        where = places[(PLACES ** rng.random(len(record))).astype("int64")]
        yield pa.table(
            {
                "record_id": pa.array(np.char.add(f"W{year}{start:010d}", record.astype("U7"))),
                "data_year": pa.array(np.full(len(record), year, dtype="int32")),
                "record_type": pa.array(np.where(record % 5 == 0, "review", "article")),
                "person_seq": pa.array(seq.astype("int32")),
                "people": pa.array(authors[record].astype("int32")),
                "fraction": pa.array(1.0 / authors[record]),
                "first_at_location": pa.array(seq == 1),
                "location_id": pa.array(where, mask=rng.random(len(record)) < 0.003),
            }
        )


def write(folder: Path, rows: int) -> None:
    """One file per year, and the locations."""
    for year in YEARS:
        path = folder / f"publications-{year}.parquet"
        tables = author_rows(year, rows // len(YEARS), seed=year)
        table = next(tables)
        with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
            writer.write_table(table)
            for more in tables:
                writer.write_table(more)
    write_locations(folder)


def write_locations(folder: Path) -> None:
    """The core `locations` of the rows written."""
    where = folder / "locations.parquet"
    duckdb.execute("set enable_progress_bar = false")
    duckdb.execute(
        f"""copy (select location_id, {YEARS[-1]}::int as data_year, 'Place ' || location_id % 9999 as place,
        null::varchar as admin, 'XX' as economy, count(*) as people from read_parquet('{folder}/publications-*.parquet')
        where location_id is not null group by location_id) to '{where}'"""
    )


def scan(folder: Path) -> object:
    """Read every value that the count needs."""
    duckdb.execute("set enable_progress_bar = false")
    sums = "sum(data_year), count(record_type), sum(location_id), sum(fraction), sum(first_at_location::int)"
    return duckdb.execute(f"select {sums} from (select {COLUMNS} from '{folder}/publications-*.parquet')").fetchall()


def count(folder: Path) -> object:
    """The `points` table of one metric."""
    connection = connect(spill=folder)
    core = {METRIC: read_core(connection, sorted(folder.glob("publications-*.parquet")))}
    return points(core, read_core(connection, [folder / "locations.parquet"]), only_publications()).num_rows


def world(folder: Path) -> object:
    """The world totals of one metric."""
    connection = connect(spill=folder)
    core = {METRIC: read_core(connection, sorted(folder.glob("publications-*.parquet")))}
    return totals(core, only_publications())


def only_publications() -> Edition:
    return EDITION.model_copy(update={"metrics": {METRIC: EDITION.metrics[METRIC]}})


def measured(job: Callable[[Path], object], folder: Path) -> tuple[float, float, object]:
    """Seconds, peak MiB and result of a job in a new process that has done it once with a few rows."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_run, (job, folder))


def _run(job: Callable[[Path], object], folder: Path) -> tuple[float, float, object]:
    job(folder / FEW)
    start = time.perf_counter()
    result = job(folder)
    seconds = time.perf_counter() - start
    return seconds, peak_bytes() / (1 << 20), result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="gii-counting-") as name:
        folder = Path(name)
        write(folder, rows)
        (folder / FEW).mkdir()
        write(folder / FEW, 100 * len(YEARS))
        runs: dict[str, list[tuple[float, float, object]]] = {"scan": [], "count": [], "world": []}
        for _ in range(TURNS):
            for job in (scan, count, world):
                runs[job.__name__].append(measured(job, folder))
    best = {name: min(seconds for seconds, _, _ in run) for name, run in runs.items()}
    peak = {name: max(mib for _, mib, _ in run) for name, run in runs.items()}
    for name in runs:
        ratio = best[name] / best["scan"]
        print(f"{name:6} {best[name]:6.2f} s  {ratio:4.1f} x scan  peak {peak[name]:5.0f} MiB  {runs[name][0][2]}")
    good = best["count"] <= 3 * best["scan"] and peak["count"] < 1024
    print("target (count at most 3 x scan, under 1024 MiB):", "met" if good else "MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
