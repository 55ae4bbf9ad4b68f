"""The made-up records as core tables, for worlds whose raw records would not fit: 90 GB of JSON at scale 1.

Belongs here: the rows that reading and locating the raw records would give, as Parquet, chunk by chunk.
Does not: raw records (see `works`, `patents`, `deals`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gii_pipeline import contracts, verified
from gii_pipeline.geocoding import pack, unpack
from gii_pipeline.registry import shipped
from gii_pipeline.sandbox import behind, shapes
from gii_pipeline.sandbox.deals import company_uuid, country_name, deal_types, round_uuid
from gii_pipeline.sandbox.institutions import institutions
from gii_pipeline.sandbox.patents import publication_numbers
from gii_pipeline.sandbox.plan import METRICS, YEARS
from gii_pipeline.sandbox.records import Chunk
from gii_pipeline.sandbox.works import work_number
from gii_pipeline.sandbox.world import World, make_world
from gii_pipeline.sources.readers.deal_types import CRUNCHBASE
from gii_pipeline.sources.readers.technology import concordance
from gii_pipeline.store import Store, write_batches

Integers = NDArray[np.int64]
CHUNK_RECORDS = 50_000


def write_core(root: Path, seed: int, scale: float, years: Iterable[int] = YEARS) -> None:
    """Write the record tables and `locations` of some data years under a root, in the layout of the store.

    Records that do not count are left out. Memory does not grow with the scale, apart from 4 bytes a record of a year.
    The tables carry no lock: nothing was fetched.
    """
    world, store = make_world(seed, scale), Store(root)
    places = _Places(world)
    for year in years:
        people = np.zeros(len(world.geography.places), dtype=np.int64)
        for metric in METRICS:
            table = shipped()[metric].core_table
            batches = _batches(world, places, metric, year, people)
            write_batches(batches, store.core(table, year), contracts.load(table).arrow_schema)
            verified.record(store.core(table, year))
        locations = _locations(places, year, people)
        write_batches([locations], store.core("locations", year), contracts.load("locations").arrow_schema)
        verified.record(store.core("locations", year))


def _batches(world: World, places: _Places, metric: str, year: int, people: Integers) -> Iterator[pa.RecordBatch]:
    """The rows of a metric and year. people: rows at each place, added up here."""
    for chunk in world.records(metric, year, CHUNK_RECORDS):
        kept = _first_of_place(chunk, places.location_id)
        people += np.bincount(chunk.place[kept & (chunk.place >= 0)], minlength=len(people))
        yield _batch(chunk, kept, places)


class _Places:
    """What the rows say of each place; the last is nowhere."""

    def __init__(self, world: World) -> None:
        places = world.geography.places
        self.location_id: Integers = np.append(pack(places["latitude"], places["longitude"]), -1)
        self.world = world
        self.columns = {name: pa.array([*places[name], None], pa.string()) for name in ("place", "admin", "economy")}

    @cached_property
    def institutions(self) -> pa.Array:
        """The beginning of every institution as JSON."""
        listed = institutions(self.world)
        return pa.array([f"{_head(each.ror, each.name)}{_tail(each.economy)}" for each in listed])


def _first_of_place(chunk: Chunk, location_id: Integers) -> NDArray[np.bool_]:
    """Rows that stay: a person's second address at the same location joins the first."""
    location = location_id[chunk.place]
    stays: NDArray[np.bool_] = (chunk.address_seq == 1) | (location < 0) | (location != np.roll(location, 1))
    return stays


def _batch(chunk: Chunk, kept: NDArray[np.bool_], places: _Places) -> pa.RecordBatch:
    joined = np.append(~kept[1:], False)[kept] if len(kept) else kept
    record, person, place = chunk.record[kept], chunk.person_seq[kept], chunk.place[kept]
    fraction = chunk.fraction[kept] * (1 + joined)
    location = places.location_id[place]
    lonely = np.flatnonzero(chunk.people == 0)
    order = np.argsort(np.append(record, lonely), kind="stable")
    record = np.append(record, lonely)[order]
    place = np.append(place, np.full(len(lonely), -1))[order]
    location = np.append(location, np.full(len(lonely), -1))[order]
    person = np.append(person, np.zeros(len(lonely), dtype=np.int64))[order]
    located = location >= 0
    nowhere = np.where(person == 0, "no_people", "no_address")
    precision, method = _WAYS[chunk.metric]
    return pa.RecordBatch.from_pydict(
        {
            "record_id": _RECORD_IDS[chunk.metric](chunk).take(pa.array(record)),
            "data_year": np.full(len(record), chunk.year, dtype=np.int32),
            "record_type": _RECORD_TYPES[chunk.metric](chunk).take(pa.array(record)),
            "person_seq": person.astype(np.int32),
            "location_seq": _location_seq(record, person),
            "people": chunk.people[record].astype(np.int32),
            "people_truncated": chunk.people[record] >= shapes.MAX_LISTED_AUTHORS,
            "fraction": np.append(fraction, np.ones(len(lonely)))[order],
            "first_at_location": _first_of_record(record, location),
            "address": pa.nulls(len(record), pa.string()),
            "location_id": pa.array(location, mask=~located),
            **{name: column.take(pa.array(place % len(column))) for name, column in places.columns.items()},
            "precision": pa.array(np.where(located, precision, ""), mask=~located),
            "geocoding": pa.array(np.where(located, method, nowhere)),
            "organisations": _organisations(chunk, places, kept, joined).take(pa.array(order)),
            "fields": _fields(chunk).take(pa.array(record)),
        }
    )


def _organisations(chunk: Chunk, places: _Places, kept: NDArray[np.bool_], joined: NDArray[np.bool_]) -> pa.Array:
    """Who stands behind each row, as JSON; the records without rows come last and have nobody."""
    lonely = pa.nulls(int((chunk.people == 0).sum()), pa.string())
    if chunk.metric == "scientific_publications":
        # A person's second address at one place, which is the next row, is a second institution of theirs.
        at, second = behind.institution_of(chunk), np.roll(behind.institution_of(chunk), -1)
        first, other = (
            places.institutions.take(pa.array(number[kept], mask=number[kept] < 0)) for number in (at, second)
        )
        both = pc.binary_join_element_wise("[", first, "0.5},", other, "0.5}]", "")
        rows = pc.if_else(pa.array(joined), both, pc.binary_join_element_wise("[", first, "1.0}]", ""))
    else:
        rows = _one_organisation(chunk, places).take(pa.array(chunk.record[kept]))
        rows = rows if chunk.metric == "pct_applications" else _with_country(rows, chunk, places, kept)
    return pa.concat_arrays([rows, lonely])


def _one_organisation(chunk: Chunk, places: _Places) -> pa.Array:
    """The applicant of each patent, or the beginning of the company of each deal."""
    if chunk.metric == "vc_deals":
        numbers = behind.companies(chunk).tolist()
        return pa.array([_head(company_uuid(number), behind.company_name(number)) for number in numbers])
    numbers = behind.applicants(chunk)
    economies: list[str | None] = [*places.world.geography.places["economy"], None]
    sit = [economies[at] for at in behind.applicant_place(places.world, numbers)]
    person = behind.is_person(numbers)
    rows = zip(numbers.tolist(), sit, person, strict=True)
    return pa.array(
        [
            f"[{_head(None, None)}{_tail(economy, 'individual')}1.0}}]"
            if alone
            else f"[{_head(f'madeup-{number:05d}', behind.applicant_name(places.world, number))}{_tail(economy)}1.0}}]"
            for number, economy, alone in rows
        ]
    )


def _with_country(heads: pa.Array, chunk: Chunk, places: _Places, kept: NDArray[np.bool_]) -> pa.Array:
    countries = [f"{_tail(country_name(code))}1.0}}]" for code in places.world.geography.places["economy"]]
    tails = pa.array([*countries, f"{_tail(None)}1.0}}]"]).take(pa.array(chunk.place[kept] % (len(countries) + 1)))
    return pc.binary_join_element_wise("[", heads, tails, "")


def _head(identifier: str | None, name: str | None) -> str:
    return f'{{"id":{_json(identifier)},"name":{_json(name)},'


def _tail(economy: str | None, kind: str = "organisation") -> str:
    return f'"economy":{_json(economy)},"kind":"{kind}","weight":'


def _json(value: str | None) -> str:
    return json.dumps(value, ensure_ascii=False)


def _fields(chunk: Chunk) -> pa.Array:
    """The field of each record, as JSON."""
    names: Sequence[str]
    if chunk.metric == "pct_applications":
        names, at = technical_names(), behind.technical_fields(chunk) - 1
    elif chunk.metric == "scientific_publications":
        names, at = behind.SCIENTIFIC_FIELDS, behind.scientific_fields(chunk)
    else:
        names, at = behind.INDUSTRIES, behind.categories(chunk)
    return pa.array([f'[{{"name":{_json(name)},"weight":1.0}}]' for name in names]).take(pa.array(at))


@cache
def technical_names() -> list[str]:
    """The names of WIPO's fields in the order of their numbers."""
    with duckdb.connect() as connection:
        rows = connection.sql(f"SELECT DISTINCT number, field FROM {concordance()} ORDER BY number").fetchall()
    return [str(name) for _, name in rows]


def _location_seq(record: Integers, person: Integers) -> NDArray[np.int32]:
    """1, or 2 for the row after a person's first."""
    same = (record[1:] == record[:-1]) & (person[1:] == person[:-1])
    return 1 + np.append(False, same)[: len(record)].astype(np.int32)


def _first_of_record(record: Integers, location: Integers) -> NDArray[np.bool_]:
    first = np.zeros(len(record), dtype=bool)
    _, codes = np.unique(location, return_inverse=True)
    first[np.unique(record * (codes.max(initial=0) + 1) + codes, return_index=True)[1]] = True
    return first


def _locations(places: _Places, year: int, people: Integers) -> pa.RecordBatch:
    """The locations of a year that someone is at; of two places at one location, the first."""
    location, first, group = np.unique(places.location_id[:-1], return_index=True, return_inverse=True)
    total = np.bincount(group, weights=people).astype(np.int64)
    lived = total > 0
    latitude, longitude = unpack(location[lived])
    return pa.RecordBatch.from_pydict(
        {
            "location_id": location[lived],
            "data_year": np.full(lived.sum(), year, dtype=np.int32),
            "latitude": latitude,
            "longitude": longitude,
            **{name: column.take(pa.array(first[lived])) for name, column in places.columns.items()},
            "precision": np.full(lived.sum(), "city"),
            "method": np.full(lived.sum(), "city"),
            "people": total[lived],
        }
    )


def _texts(prefix: str, numbers: Integers) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


_WAYS = {
    "pct_applications": ("point", "coordinates"),
    "scientific_publications": ("city", "institution"),
    "vc_deals": ("city", "city"),
}
_RECORD_IDS: dict[str, Callable[[Chunk], pa.Array]] = {
    "pct_applications": lambda chunk: pa.array(publication_numbers(chunk)),
    "scientific_publications": lambda chunk: _texts(
        "https://openalex.org/W", work_number(chunk.year, 0) + chunk.number
    ),
    "vc_deals": lambda chunk: pa.array([round_uuid(chunk.year, number) for number in chunk.number.tolist()]),
}
_RECORD_TYPES: dict[str, Callable[[Chunk], pa.Array]] = {
    "pct_applications": lambda chunk: pa.array(["pct"] * len(chunk.number)),
    "scientific_publications": lambda chunk: pa.array(["article"] * len(chunk.number)),
    "vc_deals": lambda chunk: pa.array([CRUNCHBASE[word] for word in deal_types(chunk, shapes.VENTURE_TYPES)]),
}
