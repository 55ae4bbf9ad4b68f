"""The records of the made-up world, as columns, in a stream.

Belongs here: drawing the records of one metric and data year from the plan: their people, and everyone's places.
Does not: how a source writes them down (see `openalex`, `patentsview`, `crunchbase`), or which do not count.

A region keeps exactly the count of its plan although many records are made in two regions: records of the same shape
form a ring, in which each gives a part of itself to the next one's region and gets the same part from the one before
(ADR 0061).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gii_pipeline.sandbox import shapes
from gii_pipeline.sandbox.geography import Geography
from gii_pipeline.sandbox.plan import FIRST_YEAR, METRICS, WINDOW_YEARS, Plan

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

CHUNK_RECORDS = 100_000
GOLDEN = (5**0.5 - 1) / 2  # steps of this along the unit interval give everyone their share, in any run of them
ALONE, SPLIT, TWO_REGIONS = 0, 1, 2


@dataclass(frozen=True)
class Chunk:
    """Some records of one metric and data year, and their rows: one person x address.

    By record: number (in the year), people, home and partner (regions).
    By row, in order: record (position in this chunk), person_seq (from 1), address_seq (from 1), addresses (of this
    person), place (row of Geography.places, -1 = nowhere). A record without people has no rows.
    """

    metric: str
    year: int
    number: Integers
    people: Integers
    home: Integers
    partner: Integers
    record: Integers
    person_seq: Integers
    address_seq: Integers
    addresses: Integers
    place: Integers

    @property
    def fraction(self) -> Floats:
        """The part of its record that each row gets."""
        return 1.0 / (self.people[self.record] * self.addresses)


class Placing:
    """Gives people of a region their places, each place its share, in order; remembers where it stopped."""

    def __init__(self, geography: Geography, plan: Plan, metric: str, year: int) -> None:
        self._geography, self._plan = geography, plan
        self._used = np.zeros(plan.nowhere + 1, dtype=np.int64)
        self._start = hash_unit(np.arange(plan.nowhere + 1), METRICS.index(metric) * 1000 + year)
        self._start[plan.background] = background_start(plan, metric, year)
        self._cumulated = _cumulated_shares(geography, year, deals=metric == "vc_deals")
        self._slots = background_slots(geography, metric == "vc_deals")

    @property
    def nowhere(self) -> int:
        """The region of those that no place is known for."""
        return self._plan.nowhere

    def place(self, region: Integers) -> Integers:
        """The place of each person, given their regions; -1 for nowhere."""
        turn = self._used[region] + _count_before(region)
        self._used += np.bincount(region, minlength=len(self._used))
        unit = (self._start[region] + turn * GOLDEN) % 1.0
        places = np.searchsorted(self._cumulated, region + unit, side="right")
        background = region == self._plan.background
        position = np.floor(self._start[self._plan.background] * len(self._slots)).astype(np.int64)
        places[background] = self._slots[(position + turn[background]) % len(self._slots)]
        places[region == self._plan.nowhere] = -1
        return places


def records(
    plan: Plan, geography: Geography, seed: int, metric: str, year: int, *, chunk_records: int = CHUNK_RECORDS
) -> Iterator[Chunk]:
    """The records of a metric and data year that count, chunk by chunk. The same arguments give the same records.

    Memory grows with the chunk and with the number of the year's records (4 bytes each), not with their people.
    """
    rng = np.random.default_rng([seed, 2, METRICS.index(metric), year])
    placing = Placing(geography, plan, metric, year)
    counts = plan.in_year(metric, year)
    homes = rng.permutation(np.repeat(np.arange(len(counts), dtype=np.int16), counts))
    for first in range(0, len(homes), chunk_records):
        home = homes[first : first + chunk_records].astype(np.int64)
        yield draw(rng, placing, metric, year, home=home, first=first)


def uncounted(
    plan: Plan, geography: Geography, seed: int, metric: str, year: int, *, kinds: Mapping[str, float]
) -> Iterator[tuple[Chunk, list[str]]]:
    """Records of a metric and data year that do not count, chunk by chunk, each with why.

    kinds: why -> how many there are for each record that counts. Their numbers follow those of the records that count.
    """
    rng = np.random.default_rng([seed, 4, METRICS.index(metric), year])
    placing = Placing(geography, plan, metric, year)
    counts = plan.in_year(metric, year)
    why = np.repeat(list(kinds), [round(counts.sum() * rate) for rate in kinds.values()])
    for first in range(0, len(why), CHUNK_RECORDS):
        part = why[first : first + CHUNK_RECORDS]
        home = rng.choice(len(counts), size=len(part), p=counts / counts.sum()).astype(np.int64)
        yield draw(rng, placing, metric, year, home=home, first=int(counts.sum()) + first), part.tolist()


def draw(rng: np.random.Generator, placing: Placing, metric: str, year: int, *, home: Integers, first: int) -> Chunk:
    """One chunk: people, partner regions and places for records of the given home regions."""
    numbers, probability = shapes.people_distribution(metric)
    people = rng.choice(numbers, size=len(home), p=probability).astype(np.int64)
    if metric == "scientific_publications":
        people[(home == placing.nowhere) & (rng.random(len(home)) < shapes.WITHOUT_AUTHORS)] = 0
    kind, away = _shapes(rng, people, home == placing.nowhere, metric)
    partner = _ring_partners(home, kind, people, away)
    record = np.repeat(np.arange(len(home)), people)
    person_seq = np.arange(len(record)) - np.repeat(np.cumsum(people) - people, people) + 1
    from_last = people[record] - person_seq
    region = np.where((kind[record] == SPLIT) & (from_last < away[record]), partner[record], home[record])
    second = np.where((kind[record] == TWO_REGIONS) & (from_last == 0), partner[record], -1)
    if metric == "scientific_publications":
        twice = (rng.random(len(record)) < shapes.TWO_AFFILIATIONS) & (second < 0) & (region != placing.nowhere)
        second = np.where(twice, region, second)
    addresses = 1 + (second >= 0)
    row = np.repeat(np.arange(len(record)), addresses)
    address_seq = np.arange(len(row)) - np.repeat(np.cumsum(addresses) - addresses, addresses) + 1
    place = placing.place(np.where(address_seq == 1, region[row], second[row]))
    return Chunk(
        metric, year, np.arange(first, first + len(home)), people, home, partner,
        record[row], person_seq[row], address_seq, addresses[row], place,
    )  # fmt: skip


def _shapes(
    rng: np.random.Generator, people: Integers, nowhere: NDArray[np.bool_], metric: str
) -> tuple[Integers, Integers]:
    """How each record is made (ALONE, SPLIT, TWO_REGIONS), and how many of its people are of the partner region."""
    shared = (rng.random(len(people)) < shapes.SPLIT) & (people > 0)
    by_person = rng.random(len(people)) < shapes.SPLIT_BY_PERSON
    by_person &= (metric == "scientific_publications") & ~nowhere
    kind = np.where(shared & by_person, TWO_REGIONS, np.where(shared & (people > 1), SPLIT, ALONE))
    away = 1 + np.floor(rng.random(len(people)) * np.maximum(people // 2, 1)).astype(np.int64)
    return kind, np.where(kind == SPLIT, away, 0)


def _ring_partners(home: Integers, kind: Integers, people: Integers, away: Integers) -> Integers:
    """The partner of each record: the home of the next record of the same shape; the last one's is the first."""
    shape = (kind * 1000 + people) * 1000 + away
    order = np.argsort(shape, kind="stable")
    starts = np.flatnonzero(np.diff(shape[order], prepend=-1))
    following = np.arange(1, len(order) + 1)
    ends = np.append(starts[1:], len(order))
    following[ends - 1] = starts
    partner = np.empty_like(home)
    partner[order] = home[order[following]]
    return np.where(kind == ALONE, home, partner)


def background_slots(geography: Geography, first_of_name: bool) -> Integers:
    """Places of the background in a fixed random order, each as often as its weight; for deals those a name finds."""
    region = len(geography.clusters)
    rows = np.arange(geography.bounds[region], geography.bounds[region + 1])
    shares = geography.places["share"].to_numpy()[rows]
    slots = np.repeat(rows, np.round(shares / shares.min()).astype(np.int64))
    if first_of_name:
        slots = slots[geography.places["first_of_name"].to_numpy()[slots]]
    return np.random.default_rng(3).permutation(slots)


def background_start(plan: Plan, metric: str, year: int) -> float:
    """Where on the ring of background slots a metric's year begins: each after the one before.

    So no place gets more than its share in any window, however small the world (ADR 0060). Years five apart begin at
    the same slot, since they are never in one window.
    """
    sizes = [
        shapes.mean_people(name) * plan.records[name][plan.background, phase::WINDOW_YEARS].max()
        for name in METRICS
        for phase in range(WINDOW_YEARS)
    ]
    mine = METRICS.index(metric) * WINDOW_YEARS + (year - FIRST_YEAR) % WINDOW_YEARS
    return float(sum(sizes[:mine]) / sum(sizes))


def _cumulated_shares(geography: Geography, year: int, *, deals: bool) -> Floats:
    """Ends of each place's part of its region's unit interval in a year, region after region.

    Deals go where a name leads, and not to links, since only people make these a part of a cluster.
    """
    shares = geography.places["share"].to_numpy(copy=True)
    shares[geography.places["since"].to_numpy() > year] = 0.0
    if deals:
        shares[~geography.places["first_of_name"].to_numpy()] = 0.0
        shares[(geography.places["role"] == "link").to_numpy()] = 0.0
    region = geography.places["region"].to_numpy()
    total = np.cumsum(shares)
    before = np.append(0.0, total)[geography.bounds[:-1]]
    whole = np.append(0.0, total)[geography.bounds[1:]] - before
    ends: Floats = region + np.minimum((total - before[region]) / whole[region], 1.0)
    return ends


def _count_before(region: Integers) -> Integers:
    """For each person, how many before them are of the same region."""
    order = np.argsort(region, kind="stable")
    sorted_region = region[order]
    starts = np.flatnonzero(np.diff(sorted_region, prepend=-1))
    sizes = np.diff(np.append(starts, len(region)))
    before = np.empty(len(region), dtype=np.int64)
    before[order] = np.arange(len(region)) - np.repeat(starts, sizes)
    return before


def hash_unit(values: Integers, salt: int) -> Floats:
    """A fixed pseudo-random number in [0, 1) for each value."""
    mixed = (values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(salt * 2_654_435_761)
    mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return ((mixed >> np.uint64(11)).astype(np.float64)) / float(1 << 53)
