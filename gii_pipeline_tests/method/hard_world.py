"""A small world of hard cases, record by record, and what is true of it by other means than the pipeline's.

Belongs here: the records, and a computation of clusters, counts and ranks by numpy and scikit-learn alone.
Does not: anything imported from the pipeline's counting, clusters, metrics or ranking.

Towns lie on one meridian, in steps of 0.01 degrees, 1.11 km. At 20 people within 15 km (13 steps) a location is a core
point. Most towns are two places, 11 steps apart, that are dense together and not alone:

    Alba, Alto      two dense places 8 steps apart: one cluster by density
    Borgo, Brezza   two clusters whose border points are 4 steps (4.4 km) apart: merged by distance
    Cala, Corvo     two clusters whose border points are 6 steps (6.7 km) apart: not merged
    Dosso           9 steps from Dune: a border point; the far hamlet, 14 steps from Dune, is noise
    Egna, Elba      two clusters with the same counts: a tie
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.cluster import DBSCAN
from sklearn.metrics.pairwise import haversine_distances

EARTH_RADIUS_KM = 6371.0088
RADIUS_KM, MIN_WEIGHT, MERGE_KM = 15.0, 20, 5.0
PCT, PAPERS = "pct_applications", "scientific_publications"
FIRST, LAST = {PCT: 2019, PAPERS: 2018}, {PCT: 2023, PAPERS: 2022}


class Place(NamedTuple):
    """A point on the globe, and its economy."""

    name: str
    latitude: float
    longitude: float
    economy: str


class Record(NamedTuple):
    """A record: each person's places (several for an author with several affiliations; none if not located)."""

    metric: str
    year: int
    people: tuple[tuple[str, ...], ...]
    record_type: str = "article"


def _at(name: str, steps_north: int, economy: str = "AA") -> Place:
    return Place(name, round(10 + steps_north / 100, 2), 10.0, economy)


PLACES = {
    place.name: place
    for place in (
        _at("Alba", 0),
        _at("Alto", 8),
        _at("Borgo south", 289),
        _at("Borgo", 300),
        _at("Borgo north", 309),
        _at("Brezza south", 313),
        _at("Brezza", 322, "BB"),
        _at("Brezza north", 333, "BB"),
        _at("Cala south", 589),
        _at("Cala", 600),
        _at("Cala north", 609),
        _at("Corvo south", 615),
        _at("Corvo", 624, "BB"),
        _at("Corvo north", 635, "BB"),
        _at("Dune south", 889),
        _at("Dune", 900),
        _at("Dosso", 909),
        _at("Far hamlet", 914),
        _at("Egna", 1200),
        _at("Elba", 1500),
        _at("Lonely", 1800, "CC"),
    )
}


def records(edition: int = 2024) -> list[Record]:
    """The records; in 2023's data people between Cala and Corvo make them one cluster."""
    year = 2020
    found = [
        *_many(22, PCT, year, (("Alba",), ("Alba",), ("Alto",))),
        *_many(10, PAPERS, year, (("Alto",), ("Alba", "Borgo"))),
        *_many(12, PAPERS, year, (("Borgo south",),)),
        *_many(3, PCT, year, (("Borgo north",), ("Borgo",))),
        *_many(12, PAPERS, year, (("Brezza",), ("Brezza north",))),
        *_many(2, PCT, year, (("Brezza south",),)),
        *_many(12, PAPERS, year, (("Cala",), ("Cala south",))),
        *_many(2, PCT, year, (("Cala north",),)),
        *_many(13, PAPERS, year, (("Corvo",), ("Corvo north",))),
        *_many(2, PCT, year, (("Corvo south",),)),
        *_many(12, PCT, year, (("Dune",), ("Dune south",), ())),
        *_many(3, PAPERS, year, (("Dosso",), ("Far hamlet",))),
        *_many(20, PCT, year, (("Egna",), ("Lonely",))),
        *_many(20, PCT, year, (("Elba",), ("Lonely",))),
        *_many(31, PAPERS, year, (("Egna",), ("Elba",))),
        Record(PCT, FIRST[PCT], (("Dune south",),)),
        Record(PCT, FIRST[PCT] - 1, (("Dune south",),)),
        Record(PCT, LAST[PCT], (("Dune south",),)),
        Record(PCT, LAST[PCT] + 1, (("Dune south",),)),
        Record(PAPERS, year, (("Dune south",),), "review"),
        Record(PAPERS, year, ()),
    ]
    return found if edition == 2024 else [*found, *_many(25, PAPERS, year, (("Corvo south",), ("Cala north",)))]


def _many(number: int, metric: str, year: int, people: tuple[tuple[str, ...], ...]) -> Iterator[Record]:
    return (Record(metric, year, people) for _ in range(number))


class Truth(NamedTuple):
    """What is true: each place's cluster (-1 outside), and by cluster the counts of each metric and the rank."""

    cluster: pd.Series
    counts: pd.DataFrame
    totals: pd.Series
    rank: pd.Series


def truth(given: Iterable[Record]) -> Truth:
    """Clusters by scikit-learn, merged by all pairs of members; counts and ranks by adding up each record in turn."""
    counted = [r for r in given if FIRST[r.metric] <= r.year <= LAST[r.metric]]
    counted = [r for r in counted if r.metric == PCT or r.record_type == "article"]
    people = dict.fromkeys(PLACES, 0.0)
    parts = {metric: dict.fromkeys(PLACES, 0.0) for metric in (PCT, PAPERS)}
    for record in counted:
        for person in record.people:
            for place in person:
                people[place] += 1
                parts[record.metric][place] += 1 / len(record.people) / len(person)
    cluster = _clusters(pd.Series({place: number for place, number in people.items() if number}))
    counts = pd.DataFrame(parts)
    inside = counts.loc[cluster.index].groupby(cluster).sum().drop(index=-1, errors="ignore")
    totals = counts.sum()
    score = (inside / totals).sum(axis=1)
    order = pd.DataFrame({"score": score.round(12), "first": inside[PCT].round(9)})
    rank = order.apply(lambda row: 1 + (order["score"] > row["score"]).sum(), axis=1)
    return Truth(cluster, inside, totals, rank)


def _clusters(people: pd.Series) -> pd.Series:
    at = np.radians([[PLACES[name].latitude, PLACES[name].longitude] for name in people.index])
    found = DBSCAN(
        eps=RADIUS_KM / EARTH_RADIUS_KM, min_samples=MIN_WEIGHT, metric="haversine", algorithm="ball_tree"
    ).fit(at, sample_weight=people.to_numpy())
    labels = found.labels_.copy()
    km = EARTH_RADIUS_KM * haversine_distances(at)
    for a, b in np.argwhere(km <= MERGE_KM):
        if labels[a] >= 0 and labels[b] >= 0:
            labels[labels == labels[b]] = labels[a]
    return pd.Series(labels, index=people.index)
