"""Tables of one small year that keep their contracts, to be broken one thing at a time."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from gii_pipeline import contracts
from gii_pipeline.releases import events

YEAR = 2024
PARAMETERS = {"data_year": YEAR, "retrieved_year": YEAR + 1}
CITIES = [
    ("CH", "Zurich", 47.3667, 8.55),
    ("CH", "Geneva", 46.2022, 6.1457),
    ("FR", "Paris", 48.8534, 2.3488),
    ("JP", "Tokyo", 35.6895, 139.6917),
    ("US", "Boston", 42.3584, -71.0598),
    ("US", "San Francisco", 37.7749, -122.4194),
    ("BR", "São Paulo", -23.5475, -46.6361),
    ("FJ", "Suva", -18.1416, 178.4415),
]
TEXAS = (33.6609, -95.5555)
"""Where a gazetteer without the economy finds Paris."""
PLACES = pa.table(
    {
        "economy": [city[0] for city in CITIES],
        "latitude": [city[2] for city in CITIES],
        "longitude": [city[3] for city in CITIES],
    }
)

Row = dict[str, Any]


def packed(latitude: float, longitude: float) -> int:
    return round((latitude + 90) * 1e4) * 10_000_000 + round((longitude + 180) * 1e4)


def record(number: int, year: int = YEAR, people: int | None = None) -> list[Row]:
    """The rows of one record: its people (one to three, unless told) at cities next to each other in the list."""
    count = people or number % 3 + 1
    rows, seen = [], set()
    for person in range(1, count + 1):
        economy, place, latitude, longitude = CITIES[(number + person // 2) % len(CITIES)]
        rows.append(
            {
                "record_id": f"WO{number:06}",
                "data_year": year,
                "record_type": "pct",
                "person_seq": person,
                "location_seq": 1,
                "people": count,
                "people_truncated": False,
                "fraction": 1 / count,
                "first_at_location": place not in seen,
                "address": f"{number} High Street, {place}",
                "location_id": packed(latitude, longitude),
                "place": place,
                "admin": None,
                "economy": economy,
                "precision": "city",
                "geocoding": "city",
                "organisations": '[{"id":null,"name":null,"economy":"CH","kind":"individual","weight":1.0}]',
                "fields": '[{"name":"Optics","weight":1.0}]',
            }
        )
        seen.add(place)
    return rows


def records(count: int = 60, year: int = YEAR) -> list[Row]:
    return [row for number in range(count) for row in record(number, year)]


def deals(count: int = 60, year: int = YEAR) -> list[Row]:
    return [{**row, "record_type": "seed"} for number in range(count) for row in record(number, year, people=1)]


def as_table(name: str, rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=contracts.load(name).arrow_schema)


def locations(rows: list[Row], year: int = YEAR) -> pa.Table:
    """The `locations` of these rows."""
    found: dict[int, Row] = {}
    for row in rows:
        if row["location_id"] is not None:
            found.setdefault(row["location_id"], {"people": 0, **row})["people"] = 1
    listed = [
        {
            "location_id": location_id,
            "data_year": year,
            "latitude": location_id // 10_000_000 / 1e4 - 90,
            "longitude": location_id % 10_000_000 / 1e4 - 180,
            "place": row["place"],
            "admin": row["admin"],
            "economy": row["economy"],
            "precision": row["precision"],
            "method": row["geocoding"],
            "people": sum(other["location_id"] == location_id for other in rows),
        }
        for location_id, row in sorted(found.items())
    ]
    return as_table("locations", listed)


def geocoding_quality() -> pa.Table:
    parts = [
        ("located", "city", "FR", "city", 57, 95.0),
        ("unlocated", "unknown_city", "FR", "none", 3, 5.0),
        ("dropped", "no_id", "XX", "none", 2, None),
    ]
    rows = [
        {
            "metric": metric,
            "data_year": YEAR,
            "status": status,
            "outcome": outcome,
            "economy": economy,
            "precision": precision,
            "records": records,
            "people": 2 * records,
            "fraction": float(records),
            "share_pct": share,
        }
        for metric in ("pct_applications", "vc_deals")
        for status, outcome, economy, precision, records, share in parts
    ]
    return as_table("geocoding_quality", rows)


def ingest_ledger() -> pa.Table:
    """60 records of one file: 2 are undated, 1 is superseded, 3 of another year, 4 dropped and 50 count."""
    lines = [
        (None, "people.csv", "read", "read", 130, None, None),
        (None, "people.csv", "read", "records", 127, 60, 60.0),
        (None, "people.csv", "read", "refused: no_id", 3, None, None),
        (None, "people.csv", "date", "dated", 125, 58, 58.0),
        (None, "people.csv", "date", "undated", 2, 2, 2.0),
        (YEAR, "all", "choose", "superseded: equal", None, 1, None),
        (YEAR, "all", "choose", "other_years", None, 3, None),
        (YEAR, "all", "choose", "dropped: retracted", None, 4, None),
        (YEAR, "all", "choose", "counted", None, 50, 50.0),
        (YEAR, "all", "locate", "located: city", None, 48, 47.5),
        (YEAR, "all", "locate", "unlocated: unknown_city", None, 3, 2.5),
    ]
    names = ("data_year", "file", "stage", "outcome", "rows", "records", "fraction")
    rows = [{"metric": "pct_applications", "source": "table", **dict(zip(names, line, strict=True))} for line in lines]
    return as_table("ingest_ledger", rows)


def rank_history() -> pa.Table:
    rows = [
        {
            "edition": edition,
            "method": 2025,
            "cluster_id": f"gii-{rank}",
            "name": f"Cluster {rank}",
            "rank": rank,
            "size_score": 10.0 / rank,
            "population": 1e6 * rank,
            "version": f"{edition}.1",
        }
        for edition in (2024, 2025)
        for rank in (1, 2, 3)
    ]
    return as_table("rank_history", rows)


def rank_events(edition: Mapping[str, pa.Table]) -> pa.Table:
    """The events of an edition after one in which its clusters stood the other way round."""
    ranking = edition["ranking_size"]
    before = {
        **edition,
        "ranking_size": ranking.set_column(
            ranking.column_names.index("rank"), "rank", pa.array(ranking["rank"].to_pylist()[::-1], pa.int32())
        ).set_column(0, ranking.field("edition"), pa.array([2024] * ranking.num_rows, pa.int32())),
    }
    return events.rank_events(edition.__getitem__, [before.__getitem__], own_method=True)


def core_tables() -> dict[str, pa.Table]:
    """A year's core tables, and the year before's patents as `previous`."""
    return {
        "patents": as_table("patents", records()),
        "publications": as_table("publications", records(45)),
        "vc_deals": as_table("vc_deals", deals()),
        "locations": locations([*records(), *records(45), *deals()]),
        "geocoding_quality": geocoding_quality(),
        "ingest_ledger": ingest_ledger(),
        "previous": as_table("patents", records(58, YEAR - 1)),
    }


def judge(
    name: str,
    table: pa.Table,
    references: Mapping[str, pa.Table] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> contracts.Verdict:
    """The verdict on a core table of the year, with all that its rules read."""
    given = {**core_tables(), "places": PLACES, **(references or {})}
    return contracts.validate(
        table, contracts.load(name), references=given, parameters={**PARAMETERS, **(parameters or {})}
    )


WRONG: dict[str, list[Callable[[random.Random], Any]]] = {
    "string": [lambda _: None, lambda _: "", lambda _: "Nowhere at all\n", lambda r: f"x{r.randrange(5)}"],
    "int32": [lambda _: None, lambda _: -1, lambda _: 0, lambda r: r.randrange(1, 5), lambda _: 2999],
    "int64": [lambda _: None, lambda _: -1, lambda _: 9_000_001_800_000, lambda _: 3, lambda r: r.randrange(2**52)],
    "double": [
        lambda _: None,
        lambda _: float("nan"),
        lambda _: float("inf"),
        lambda _: -0.5,
        lambda _: 0.0,
        lambda r: r.random() * 400,
    ],
    "bool": [lambda _: None, lambda r: r.random() < 0.5],
    "binary": [lambda _: None],
}


def corrupted(table: pa.Table, share: float, seed: int) -> pa.Table:
    """The table with this share of the values of every column replaced at random, a few rows repeated."""
    chance = random.Random(seed)
    rows = table.to_pylist()
    for row in rows:
        for field in table.schema:
            if chance.random() < share:
                row[field.name] = chance.choice(WRONG[str(field.type)])(chance)
    return pa.Table.from_pylist([*rows, *rows[:2]], schema=table.schema)
