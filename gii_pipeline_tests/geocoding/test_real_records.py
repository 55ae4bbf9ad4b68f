"""The real files, read and located: every record is accounted for, and lies where it is known to lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from gii_pipeline import contracts
from gii_pipeline.geocoding import Gazetteer, core_table, geocoding_quality, locate, locations
from gii_pipeline.sources import SOURCES

READERS = {
    "patents": (
        "patentsview_flat",
        {"inventors": "patentsview_api_2026/inventors_flat.csv.gz"},
        {"undated_year": 2014},
    ),
    "publications": ("openalex_works", {"works": "openalex_works_2026/works_trimmed.jsonl.gz"}, {}),
    "vc_deals": (
        "crunchbase_export_2015",
        {"rounds": "crunchbase_2015_global/rounds2.csv.gz", "companies": "crunchbase_2015_global/companies.csv.gz"},
        {},
    ),
}
_VENTURE = "('angel', 'seed', 'early', 'late', 'venture')"
DEALS_OF_THE_WINDOW = f"year BETWEEN 2010 AND 2014 AND record_type IN {_VENTURE} AND dropped IS NULL"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def located(
    con: duckdb.DuckDBPyConnection, real_data: Path, gazetteer: Gazetteer
) -> dict[str, duckdb.DuckDBPyRelation]:
    """Core table -> its located rows of all years."""
    tables = {}
    for table, (reader, files, options) in READERS.items():
        organizations = [real_data / "ror_records/ror_organizations_51370.csv.gz"]
        institutions = SOURCES["ror"].institutions(con, {"organizations": organizations})
        paths = {role: [real_data / name] for role, name in files.items()}
        people = SOURCES[reader].people(con, paths, options)
        tables[table] = locate(con, people, gazetteer, institutions, source=reader)
    return tables


def test_no_round_is_lost_in_silence(located: dict[str, duckdb.DuckDBPyRelation]) -> None:
    deals = located["vc_deals"]
    assert deals.count("*").fetchall() == [(114_949,)]
    assert deals.aggregate("count(DISTINCT record_id)").fetchall() == [(114_949,)]
    reasons = deals.aggregate("dropped, count(*)", "dropped").order("dropped NULLS FIRST").fetchall()
    assert reasons == [(None, 114_902), ("no_company", 47)]
    assert not deals.filter("year IS NULL").fetchall()


def test_nearly_all_deals_that_name_a_city_are_located(
    con: duckdb.DuckDBPyConnection, real_data: Path, located: dict[str, duckdb.DuckDBPyRelation]
) -> None:
    reader, files, options = READERS["vc_deals"]
    people = SOURCES[reader].people(con, {role: [real_data / name] for role, name in files.items()}, options)
    named = people.filter(f"{DEALS_OF_THE_WINDOW} AND city IS NOT NULL").select("record_id AS named_id")
    deals = located["vc_deals"].join(named, "record_id = named_id")
    [(share, count)] = deals.aggregate("count(location_id) / count(*), count(*)").fetchall()
    assert count == 51_359
    assert share >= 0.99


@pytest.mark.parametrize(
    ("place", "at", "least"),
    [
        ("San Francisco, CA", (37.77, -122.42), 4_000),
        ("San Jose, CA", (37.34, -121.89), 400),
        ("New York City, NY", (40.71, -74.01), 3_000),
        ("Boston, MA", (42.36, -71.06), 700),
        ("London, England", (51.51, -0.13), 1_500),
        ("Los Angeles, CA", (34.05, -118.24), 600),
    ],
)
def test_the_places_of_the_first_clusters_lie_where_they_are(
    con: duckdb.DuckDBPyConnection,
    located: dict[str, duckdb.DuckDBPyRelation],
    place: str,
    at: tuple[float, float],
    least: int,
) -> None:
    there = (
        located["vc_deals"]
        .filter(DEALS_OF_THE_WINDOW)
        .filter(f"place || ', ' || admin = '{place}'")
        .aggregate(
            "count(*), count(DISTINCT location_id), max(location_id // 10000000) / 1e4 - 90, "
            "max(location_id % 10000000) / 1e4 - 180"
        )
    )
    [(deals, points, latitude, longitude)] = there.fetchall()
    assert deals >= least
    assert points == 1
    assert (latitude, longitude) == pytest.approx(at, abs=0.03)


@pytest.mark.parametrize("table", list(READERS))
def test_fractions_of_every_record_add_up_to_one(
    con: duckdb.DuckDBPyConnection, located: dict[str, duckdb.DuckDBPyRelation], table: str
) -> None:
    core = core_table(con, located[table], 2014)
    assert core.schema.equals(contracts.load(table).arrow_schema)
    sums = con.from_arrow(core).aggregate("record_id, sum(fraction) AS total", "record_id")
    assert core.num_rows > 500
    assert sums.filter("abs(total - 1) > 1e-9").fetchall() == []


@pytest.mark.parametrize("table", list(READERS))
def test_quality_accounts_for_every_record_of_the_year(
    con: duckdb.DuckDBPyConnection, located: dict[str, duckdb.DuckDBPyRelation], table: str
) -> None:
    quality = geocoding_quality(con, table, located[table], 2014)
    [(records,)] = located[table].filter("year = 2014").aggregate("count(DISTINCT record_id)").fetchall()
    assert sum(quality["fraction"].to_pylist()) == pytest.approx(records, abs=1e-6)


def test_locations_hold_every_location_of_the_core_tables(
    con: duckdb.DuckDBPyConnection, located: dict[str, duckdb.DuckDBPyRelation]
) -> None:
    tables = [con.from_arrow(core_table(con, rows, 2014)) for rows in located.values()]
    found = locations(con, tables, 2014)
    distinct = set().union(*({row[0] for row in table.select("location_id").fetchall()} for table in tables)) - {None}
    assert set(found["location_id"].to_pylist()) == distinct
    assert found.num_rows == len(distinct)
