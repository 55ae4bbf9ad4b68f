"""Validation of a core partition of ten million rows, against DuckDB's own SQL for the same rules.

    python benchmarks/validation.py [--rows 10000000] [--wrong 0] [--turns 3]

A sound `publications` partition, its year before and its places are made into a temporary folder; `--wrong` rows get a
negative fraction. The SQL is handwritten: every rule that one row can break counted in one statement, one
statement for each way of grouping the rows, DuckDB with all its memory. Each runs in a process of its own, in turns,
after its imports; the least of each is compared. Targets: at most 1.5 times the SQL's processor time, which does not
change with what else the machine does, and at most 1.5 GiB. Great Expectations judges the counts in a process next to,
in a tenth of a second whatever the table.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from gii_pipeline import contracts
from gii_pipeline.memory import peak_bytes

YEAR = 2024
PEOPLE = 5
TARGET_RATIO, TARGET_MIB = 1.5, 1536

RECORDS = """
copy (
    select
        'https://openalex.org/W' || lpad((7919 * r % 10000000000)::varchar, 10, '0') as record_id,
        {year}::int as data_year, 'article' as record_type, p::int as person_seq, 1::int as location_seq,
        n::int as people, false as people_truncated, 1.0::double / n as fraction,
        row_number() over (partition by r, place order by p) = 1 as first_at_location,
        'Department ' || place % 977 || ', Institute of Science ' || place as address,
        (place * 37 % 1700 + 50) * 10000000000 + place * 101 % 3600000 as location_id,
        'Place ' || place as place, null::varchar as admin, chr((65 + place % 26)::int) || 'X' as economy,
        'city' as precision, 'city_admin' as geocoding
    from (
        select r, p, n, (hash(r * 64 + p // 2) % 200000)::bigint as place
        from (
            select range as r, 1 + (hash(range) % (2 * {people} - 1))::bigint as n from range({records})
        ), lateral (select unnest(range(1, n + 1)) as p)
    )
    order by record_id, person_seq
) to '{file}' (format parquet, compression zstd, row_group_size 1048576)
"""
PLACES = """
copy (
    select distinct
        economy, location_id // 10000000 / 1e4 - 90 as latitude, location_id % 10000000 / 1e4 - 180 as longitude
    from '{folder}/table.parquet'
) to '{folder}/places.parquet'
"""
ONE_ROW = """
select
    count(*),
    count(*) filter (where record_id is null), count(*) filter (where not regexp_matches(record_id, '.')),
    count(*) filter (where data_year is null), count(*) filter (where data_year not between 1900 and 2100),
    count(*) filter (where record_type is null),
    count(*) filter (where not regexp_matches(record_type, '^[a-z0-9][a-z0-9_ /.-]*$')),
    count(*) filter (where person_seq is null), count(*) filter (where person_seq < 0),
    count(*) filter (where location_seq is null), count(*) filter (where location_seq < 1),
    count(*) filter (where people is null), count(*) filter (where people < 0),
    count(*) filter (where people_truncated is null),
    count(*) filter (where fraction is null), count(*) filter (where fraction <= 0 or fraction > 1),
    count(*) filter (where first_at_location is null),
    count(*) filter (where location_id not between 0 and 18000003599999),
    count(*) filter (where not regexp_matches(economy, '^[A-Z]{2}$')),
    count(*) filter (where precision not in ('point', 'institution', 'city', 'admin', 'economy')),
    count(*) filter (where geocoding is null),
    count(*) filter (where not regexp_matches(geocoding, '^[a-z][a-z0-9_]*$')),
    count(*) filter (where data_year <> 2024), count(*) filter (where data_year > 2025),
    count(*) filter (where person_seq > people), count(*) filter (where people_truncated),
    sum(fraction) filter (where people_truncated) / sum(fraction),
    count(*) filter (where people = 100 and person_seq = 100 and location_seq = 1),
    count(*) filter (where people between 90 and 100 and person_seq = people and location_seq = 1),
    count(*) filter (where location_id % 10000000 >= 3600000), count(*) filter (where location_id = 9000001800000),
    count(*) filter (where (location_id is null) <> (precision is null)),
    count(*) filter (where location_id is not null and economy is not null
        and (economy, location_id // 100000000000 - 90, location_id % 10000000 // 10000 - 180) not in (from cells)),
    sum(fraction) filter (where location_id is not null) / sum(fraction),
    sum(fraction) / (select sum(fraction) from previous)
from rows
"""
CELLS = """
create table cells as
select distinct economy, floor(latitude)::int + dy, (floor(longitude)::int + dx + 540) % 360 - 180
from places, (values (-1), (0), (1)) y (dy), (values (-1), (0), (1)) x (dx)
"""
GROUPED = {
    "key_unique": """
        select coalesce(sum(n) filter (where n > 1), 0)
        from (select count(*) as n from rows group by record_id, person_seq, location_seq)""",
    "record_fractions_add_up_to_one, people_all_listed": """
        select
            coalesce(sum(n) filter (where f not between 0.999999999 and 1.000000001), 0),
            coalesce(sum(n) filter (where not listed), 0)
        from (
            select
                count(*) as n, sum(fraction) as f,
                bool_or(people_truncated) or max(person_seq) = max(people) as listed
            from rows group by record_id
        )""",
    "record_id_not_repeated_in_another_case": """
        select coalesce(sum(n) filter (where a <> b), 0)
        from (
            select count(*) as n, min(record_id) as a, max(record_id) as b from rows group by lower(trim(record_id))
        )""",
    "first_at_location_once": """
        select coalesce(sum(n) filter (where firsts <> 1), 0)
        from (
            select count(*) as n, count(*) filter (where first_at_location) as firsts
            from rows where location_id is not null group by record_id, location_id
        )""",
}


def make(folder: Path, rows: int, wrong: int) -> None:
    """The partition, the year before and the places of its economies, as Parquet files."""
    with duckdb.connect(config={"memory_limit": "6GB", "temp_directory": str(folder / "spill")}) as con:
        con.execute("set enable_progress_bar = false")
        for name, year in (("table", YEAR), ("previous", YEAR - 1)):
            file = folder / f"{name}.parquet"
            con.execute(RECORDS.format(year=year, people=PEOPLE, records=rows // PEOPLE, file=file))
        con.execute(PLACES.format(folder=folder))
        if wrong:
            columns = f"* replace (case when file_row_number < {wrong} then -fraction else fraction end as fraction)"
            source = f"read_parquet('{folder}/table.parquet', file_row_number = true)"
            made = f"select {columns} from {source}"
            con.execute(f"copy (select * exclude (file_row_number) from ({made})) to '{folder}/wrong.parquet'")
            (folder / "wrong.parquet").replace(folder / "table.parquet")


def sql(folder: Path) -> tuple[float, str]:
    """Every rule as DuckDB counts it by handwritten SQL."""
    start = time.perf_counter()
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        for view, name in (("rows", "table"), ("previous", "previous"), ("places", "places")):
            con.execute(f"create view {view} as from '{folder}/{name}.parquet'")
        con.execute(CELLS)
        counted = [con.execute(query).fetchall()[0] for query in (ONE_ROW, *GROUPED.values())]
    return time.perf_counter() - start, f"{counted[0][0]:,} rows, {counted[0][15]:,} bad fractions"


def validation(folder: Path) -> tuple[float, str]:
    """The contract's verdict."""
    start = time.perf_counter()
    references = {name: folder / f"{name}.parquet" for name in ("previous", "places")}
    contract, file = contracts.load("publications"), folder / "table.parquet"
    given = {"retrieved_year": YEAR + 1}
    verdict = contracts.validate(file, contract, references=references, parameters=given, partition=str(YEAR))
    bad = next(r.failing_count for r in verdict.results if r.rule == "fraction_in_bounds")
    unjudged = [r.rule for r in verdict.skipped]
    return time.perf_counter() - start, f"{verdict.rows:,} rows, {bad:,} bad fractions, unjudged: {unjudged}"


def measured(job: Callable[[Path], tuple[float, str]], folder: Path) -> tuple[float, float, float, str]:
    """Seconds by the clock and of the processor, peak MiB and what was found, of a job in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (job, folder))


def _run(job: Callable[[Path], tuple[float, str]], folder: Path) -> tuple[float, float, float, str]:
    contracts.prepare()  # Great Expectations' import is not what is measured
    busy = time.process_time()
    seconds, found = job(folder)
    busy = time.process_time() - busy
    return seconds, busy, peak_bytes() / (1 << 20), found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--wrong", type=int, default=0)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gii-validation-") as name:
        make(Path(name), given.rows, given.wrong)
        runs = [(measured(sql, Path(name)), measured(validation, Path(name))) for _ in range(given.turns)]
    best = [min(run[i][0] for run in runs) for i in (0, 1)]
    busy = [min(run[i][1] for run in runs) for i in (0, 1)]
    peak = [max(run[i][2] for run in runs) for i in (0, 1)]
    for i, what in enumerate(("SQL", "validation")):
        clock = f"{best[i]:6.2f} s ({best[i] / best[0]:4.2f} x SQL)"
        processor = f"{busy[i]:6.2f} s of processor ({busy[i] / busy[0]:4.2f} x)"
        print(f"{what:10} {clock}, {processor}, peak {peak[i]:5.0f} MiB: {runs[0][i][3]}")
    good = busy[1] <= TARGET_RATIO * busy[0] and peak[1] <= TARGET_MIB
    print(f"target (at most {TARGET_RATIO} x processor time of SQL, {TARGET_MIB} MiB):", "met" if good else "MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
