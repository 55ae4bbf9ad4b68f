"""Reading raw files into core rows, against the bare reading of the same columns and against decompression alone.

    python benchmarks/reading.py [--works 160000] [--rows 3000000] [--years 10] [--turns 2]

OpenAlex: JSONL.gz parts of the snapshot's shape (9 KB a work, several authors and affiliations, works of several
years) become the core table of publications of one year: read, located, merged and written as Parquet. Delimited
tables: one year's PEOPLE rows out of REGPAT's inventors. Each is compared with DuckDB's own `read_json` or `read_csv`,
aggregated so that every value is parsed: of the same columns whole, and of the nested fields alone that the reader
takes. Files are made in a temporary folder that is removed at the end; every measurement runs in a process of its own,
in turns, the best time of each counts, and memory is that process's peak.
Targets: a core table in the time of `read_json` of the same columns, under 1 GiB; delimited tables in that of
`read_csv`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline import contracts
from gii_pipeline.geocoding import Gazetteer, core_batches, core_rows, locate
from gii_pipeline.memory import peak_bytes
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.readers import openalex_works
from gii_pipeline.sources.readers.rows import institution_rows
from gii_pipeline.store import write_batches

PARTS = 4
YEAR = 2020
INSTITUTIONS = 50_000
THREADS = 2
MEMORY = "512MB"
CITIES = ("Lyon", "Oslo", "Austin, TX 78701", "München", "São Paulo", "Kyoto")
Result = tuple[float, float, int, int]
T = TypeVar("T")
Run = Callable[[list[Path], Path], int]


def work(number: int, year: int, rng: np.random.Generator) -> dict[str, object]:
    """One work of the snapshot's shape: 9 KB of JSON, of which a tenth is needed."""
    authors = []
    for nth in range(int(rng.geometric(0.2))):
        places = [int(n) for n in INSTITUTIONS * rng.random(int(rng.integers(0, 3))) ** 3]
        authors.append(
            {
                "author_position": "middle",
                "author": {
                    "id": f"https://openalex.org/A{number}{nth}",
                    "display_name": f"Author {nth}",
                    "orcid": None,
                },
                "institutions": [
                    {
                        "id": f"https://openalex.org/I{place}",
                        "display_name": f"University {place}",
                        "ror": f"https://ror.org/{place:09d}",
                        "country_code": "US",
                        "type": "education",
                        "lineage": [f"https://openalex.org/I{place}"],
                    }
                    for place in places
                ],
                "countries": ["US"] if places else [],
                "is_corresponding": False,
                "raw_author_name": f"Author {nth}",
                "raw_affiliation_strings": [f"Department, University {place}, Boston, MA, USA" for place in places],
            }
        )
    words = rng.integers(0, 30_000, 220)
    return {
        "id": f"https://openalex.org/W{number}",
        "doi": f"https://doi.org/10.1000/{number}",
        "title": f"On the reading of {number} records",
        "publication_year": year,
        "type": "article" if number % 5 else "review",
        "is_retracted": number % 997 == 0,
        "is_xpac": False,
        "updated_date": "2026-06-01",
        "primary_location": {"source": {"id": "https://openalex.org/S1", "is_core": number % 3 > 0}, "license": None},
        "primary_topic": {"id": "https://openalex.org/T1", "domain": {"display_name": "Physical Sciences"}},
        "authorships": authors,
        "referenced_works": [f"https://openalex.org/W{n}" for n in rng.integers(0, 4_000_000_000, 45)],
        "abstract_inverted_index": {f"word{n}": [int(n) % 300] for n in words},
    }


def make_gazetteer(folder: Path) -> None:
    Gazetteer.default(cache=folder / "gazetteer")


def make_works(folder: Path, works: int, years: int) -> list[Path]:
    paths = []
    for part in range(PARTS):
        rng = np.random.default_rng(part)
        paths.append(folder / f"part_{part:04d}.gz")
        with pa.CompressedOutputStream(str(paths[-1]), "gzip") as out:
            for number in range(part, works, PARTS):
                out.write(json.dumps(work(number, YEAR + number // PARTS % years, rng)).encode() + b"\n")
    return paths


def make_regpat(folder: Path, rows: int, years: int) -> list[Path]:
    path = folder / "202602_PCT_Inv_reg.txt"
    with duckdb.connect() as con:
        con.sql(
            f"""SELECT 'WO' || {YEAR} + range // 3 % {years} || lpad((range // 3)::VARCHAR, 7, '0') AS pct_nbr,
                range AS person_id,
                'Inventor ' || range AS inv_name, range || ' Main Street' AS address,
                {list(CITIES)}[range % {len(CITIES)} + 1] AS city, 'FR101' AS reg_code, 'FR' AS ctry_code,
                1 AS reg_share, 0.3333 AS inv_share FROM range({rows})"""
        ).write_csv(str(path), sep="|", header=True)
    return [path]


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY, "temp_directory": str(folder / "spilled")})
    con.execute("SET enable_progress_bar = false")
    return con


def decompress(paths: list[Path], _: Path) -> int:
    """Bytes out of all parts, two at a time."""

    def size(path: Path) -> int:
        with pa.input_stream(str(path), compression="gzip") as stream:
            return sum(len(chunk) for chunk in iter(partial(stream.read, 1 << 20), b""))

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(size, paths))


def read_json(paths: list[Path], folder: Path) -> int:
    """DuckDB's own reading of the fields that the reader needs."""
    return _read_json(paths, folder, openalex_works.COLUMNS)


def read_whole_json(paths: list[Path], folder: Path) -> int:
    """DuckDB's own reading of the same columns with everything that is nested in them."""
    with connect(folder) as con:
        listed = [str(path) for path in paths[:1]]
        found = con.sql(f"SELECT * FROM read_json({listed}, format = 'newline_delimited', compression = 'gzip')")
        whole = {name: str(kind) for name, kind in zip(found.columns, found.types, strict=True)}
    return _read_json(paths, folder, {name: whole[name] for name in openalex_works.COLUMNS if name in whole})


def _read_json(paths: list[Path], folder: Path, fields: Mapping[str, str]) -> int:
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in fields.items())
    listed = [str(path) for path in paths]
    with connect(folder) as con:
        scan = f"read_json({listed}, format = 'newline_delimited', columns = {{{columns}}}, compression = 'gzip')"
        values = ", ".join(f"bit_xor(hash({name}))" for name in fields)
        [(works, *_)] = con.sql(f"SELECT count(*), {values} FROM {scan}").fetchall()
    return int(works)


def core_table(paths: list[Path], folder: Path) -> int:
    """The core table of publications of one data year, written as Parquet."""
    with connect(folder) as con:
        institutions = institution_rows(
            con,
            f"(SELECT range AS n FROM range({INSTITUTIONS}))",
            institution_id="printf('https://ror.org/%09d', n)",
            economy="'US'",
            latitude="30 + (n % 1500) / 100",
            longitude="-120 + (n % 4000) / 100",
        )
        people = SOURCES["openalex_works"].people(con, {"works": paths}).filter(f"year = {YEAR} OR year IS NULL")
        located = locate(con, people, Gazetteer.default(cache=folder / "gazetteer"), institutions)
        rows = core_batches(core_rows(con, located, YEAR))
        write_batches(rows, folder / "core.parquet", contracts.load("publications").arrow_schema)
    return int(pq.read_metadata(folder / "core.parquet").num_rows)


def read_csv(paths: list[Path], folder: Path) -> int:
    """DuckDB's own reading of all columns."""
    with connect(folder) as con:
        rows = con.read_csv(str(paths[0]), sep="|", all_varchar=True)
        values = ", ".join(f"bit_xor(hash({name}))" for name in rows.columns)
        [(count, *_)] = rows.aggregate(f"count(*), {values}").fetchall()
    return int(count)


def people_rows(paths: list[Path], folder: Path) -> int:
    """PEOPLE rows of REGPAT, every column of them."""
    with connect(folder) as con:
        rows = SOURCES["regpat"].people(con, {"inventors": paths}).filter(f"year = {YEAR} OR year IS NULL")
        values = ", ".join(f"bit_xor(hash({name}))" for name in rows.columns)
        [(count, *_)] = rows.aggregate(f"count(*), {values}").fetchall()
    return int(count)


def measured(run: Run, paths: list[Path], folder: Path) -> Result:
    start = time.perf_counter()
    done = run(paths, folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, peak_bytes() >> 20, done


def apart(run: Callable[..., T], *given: object) -> T:
    """Run in a process of its own, so that its peak of memory is its own too."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run, *given).result()


def compare(runs: Mapping[str, Run], paths: list[Path], folder: Path, turns: int, of: tuple[float, str]) -> None:
    """Print the best turn of each run, and how many times as long the last of them takes as the others."""
    results: dict[str, list[Result]] = {title: [] for title in runs}
    for _ in range(turns):
        for title, run in runs.items():
            results[title].append(apart(measured, run, paths, folder))
    best = {title: min(found) for title, found in results.items()}
    for title, (seconds, cpu, mebibytes, done) in best.items():
        print(
            f"  {title:<22} {seconds:6.2f} s {cpu:6.2f} s of CPU {of[0] / seconds:9.2f} {of[1]}/s {mebibytes:5} MiB"
            f"  ({done:,} read)"
        )
    last, (seconds, cpu, *_) = list(best.items())[-1]
    for title, (others, cpu_of_other, *_) in list(best.items())[:-1]:
        print(f"  {last} / {title} = {seconds / others:.2f} of time, {cpu / cpu_of_other:.2f} of CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", type=int, default=160_000)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--years", type=int, default=10, help="years that the files hold, of which one is read")
    parser.add_argument("--turns", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gii-reading-") as name:
        folder = Path(name)
        apart(make_gazetteer, folder)
        paths = apart(make_works, folder, given.works, given.years)
        size = apart(decompress, paths, folder) / 1e6
        print(f"OpenAlex: {given.works:,} works of {given.years} years, {size:,.0f} MB of JSON")
        runs = {"decompress": decompress, "read_json, whole": read_whole_json, "read_json": read_json}
        compare({**runs, "core table of a year": core_table}, paths, folder, given.turns, (size, "MB"))
        print(f"REGPAT: {given.rows:,} rows of {given.years} years")
        regpat = apart(make_regpat, folder, given.rows, given.years)
        runs = {"read_csv": read_csv, "PEOPLE rows of a year": people_rows}
        compare(runs, regpat, folder, given.turns, (given.rows / 1e6, "M rows"))


if __name__ == "__main__":
    main()
