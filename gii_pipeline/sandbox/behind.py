"""Who is behind the made-up records and what they are about: a part of the world's plan.

Belongs here: the firm and the field of each record, which follow from its home region and its number; how often each
occurs in a cluster. Does not: how a source writes them down.

A region has its own firms and fields, the first of which have most of its records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gii_pipeline.editions import Edition
from gii_pipeline.sandbox.institutions import PER_PLACE
from gii_pipeline.sandbox.records import Chunk, hash_unit
from gii_pipeline.sandbox.world import World

Integers = NDArray[np.int64]

APPLICANTS = 12
"""Of a region; the last stands for natural persons."""
COMPANIES = 40
TECHNICAL_FIELDS = 35
SCIENTIFIC_FIELDS = (
    "Medicine", "Engineering", "Computer Science", "Chemistry", "Materials Science", "Physics and Astronomy",
    "Neuroscience", "Environmental Science", "Immunology and Microbiology", "Mathematics", "Energy",
)  # fmt: skip
CATEGORIES = ("Biotechnology", "Software", "Payments", "Semiconductor", "Solar", "Robotics")

INDUSTRIES = (
    "Health and biotechnology", "Software, data and internet", "Financial services and insurance",
    "Hardware and electronics", "Energy and environment", "Hardware and electronics",
)  # fmt: skip
"""What the readers make of these."""


def _drawn(chunk: Chunk, salt: int, of: int) -> Integers:
    """0 to `of` - 1 for each record, small numbers more often."""
    return np.floor(of * hash_unit(chunk.number, salt + chunk.year) ** 2).astype(np.int64)


def applicants(chunk: Chunk) -> Integers:
    """The applicant of each patent; see `is_person` and `applicant_name`."""
    return chunk.home * APPLICANTS + _drawn(chunk, 900, APPLICANTS)


def is_person(applicant: Integers) -> NDArray[np.bool_]:
    person: NDArray[np.bool_] = applicant % APPLICANTS == APPLICANTS - 1
    return person


def applicant_name(world: World, applicant: int) -> str:
    return f"{_hub(world, applicant // APPLICANTS)} Works {applicant % APPLICANTS + 1} Ltd"


def applicant_place(world: World, applicant: Integers) -> Integers:
    """Where applicants sit: the first place of their region; -1 for those of nowhere."""
    region = applicant // APPLICANTS
    bounds = np.append(world.geography.bounds[: world.plan.nowhere], -1)
    places: Integers = np.asarray(bounds, dtype=np.int64)[np.minimum(region, world.plan.nowhere)]
    return places


def companies(chunk: Chunk) -> Integers:
    """The company of each deal."""
    return chunk.home * COMPANIES + _drawn(chunk, 960, COMPANIES)


def company_name(company: int) -> str:
    return f"made-up-firm-{company}"


def technical_fields(chunk: Chunk) -> Integers:
    """The number of the field of each patent, from 1."""
    return (chunk.home * 11 + _drawn(chunk, 920, TECHNICAL_FIELDS)) % TECHNICAL_FIELDS + 1


def scientific_fields(chunk: Chunk) -> Integers:
    """The position of each work's field in SCIENTIFIC_FIELDS."""
    return (chunk.home * 5 + _drawn(chunk, 940, len(SCIENTIFIC_FIELDS))) % len(SCIENTIFIC_FIELDS)


def categories(chunk: Chunk) -> Integers:
    """The position of each deal's category in CATEGORIES."""
    return (chunk.home * 3 + _drawn(chunk, 980, len(CATEGORIES))) % len(CATEGORIES)


def institution_of(chunk: Chunk) -> Integers:
    """The number of the institution of each row of a publication; -1 without a place."""
    at = chunk.place * PER_PLACE + (chunk.number[chunk.record] + chunk.person_seq + chunk.address_seq) % PER_PLACE
    return np.where(chunk.place < 0, -1, at)


def _hub(world: World, region: int) -> str:
    names = world.geography.clusters["name"]
    return str(names.iloc[region]).split("–")[0] if region < len(names) else "Made-up"


@dataclass(frozen=True)
class Behind:
    """What is true of the clusters of a world in an edition; a cluster by its number in the world.

    organisations: (metric, cluster, number of the organisation) -> count; persons are left out. fields: (metric,
    cluster, number of the field) -> count. shared: (metric, cluster, other cluster) -> records with people in both.
    alone: (metric, cluster) -> count of the records whose people are all in the cluster.
    """

    organisations: dict[tuple[str, int, int], float]
    fields: dict[tuple[str, int, int], float]
    shared: dict[tuple[str, int, int], int]
    alone: dict[tuple[str, int], float]


def behind(world: World, edition: Edition) -> Behind:
    """The known answers on organisations, fields and collaboration."""
    dense = {name: years for name, years in edition.data_years.items() if edition.metrics[name].in_density.value}
    cluster = np.append(world.plan.cluster_of(dense), -1)  # of the background
    region = np.append(world.geography.places["region"].to_numpy(), world.plan.nowhere)
    sums: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for metric, years in edition.data_years.items():
        for chunk in _chunks(world, metric, years):
            at = region[chunk.place]
            rows = pd.DataFrame(
                {
                    "metric": metric,
                    "record": chunk.record,
                    "cluster": np.where(at == world.plan.nowhere, -2, cluster[np.minimum(at, world.plan.background)]),
                    "organisation": _organisation(chunk),
                    "field": _field(chunk)[chunk.record],
                    "count": chunk.fraction,
                }
            )
            for name, found in _sums(rows).items():
                sums[name].append(found)
    return Behind(*(_added(sums[name]) for name in ("organisations", "fields", "shared", "alone")))


def _chunks(world: World, metric: str, years: tuple[int, ...]) -> Iterator[Chunk]:
    for year in years:
        yield from world.records(metric, year)


def _organisation(chunk: Chunk) -> Integers:
    if chunk.metric == "scientific_publications":
        return institution_of(chunk)
    numbers = companies(chunk) if chunk.metric == "vc_deals" else applicants(chunk)
    persons = is_person(numbers) & (chunk.metric == "pct_applications")
    return np.where(persons, -1, numbers)[chunk.record]


def _field(chunk: Chunk) -> Integers:
    of = {"pct_applications": technical_fields, "scientific_publications": scientific_fields, "vc_deals": categories}
    return of[chunk.metric](chunk)


def _sums(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    inside = rows[rows["cluster"] >= 0]
    parts = inside.groupby(["metric", "record", "cluster"])["count"].sum().reset_index()
    pairs = parts.merge(parts, on=["metric", "record"], suffixes=("", "_other"))
    pairs = pairs[pairs["cluster"] != pairs["cluster_other"]]
    alone = rows.groupby("record")["cluster"].agg(["min", "max"])
    whole = parts[parts["record"].isin(alone.index[(alone["min"] == alone["max"])])]
    known = inside[inside["organisation"] >= 0]
    return {
        "organisations": known.groupby(["metric", "cluster", "organisation"])["count"].sum().reset_index(),
        "fields": inside.groupby(["metric", "cluster", "field"])["count"].sum().reset_index(),
        "shared": pairs.groupby(["metric", "cluster", "cluster_other"]).size().rename("count").reset_index(),
        "alone": whole.groupby(["metric", "cluster"])["count"].sum().reset_index(),
    }


def _added(found: list[pd.DataFrame]) -> dict[Any, Any]:
    table = pd.concat(found)
    by = [name for name in table.columns if name != "count"]
    return dict(table.groupby(by)["count"].sum())
