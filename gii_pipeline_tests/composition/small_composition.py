"""Two clusters, a village outside and a few hundred records of known people, organisations and fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gii_pipeline import composition, counting
from gii_pipeline.counting import connect, points, totals
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline_tests.counting.core_rows import LOCATIONS, packed

EDITION: Edition = wipo_book()[2025]
TOWNS = {
    "Paris": (packed(48.86, 2.34), "FR", "C1"),
    "Orsay": (packed(48.7, 2.19), "FR", "C1"),
    "Basel": (packed(47.56, 7.59), "CH", "C2"),
    "Mulhouse": (packed(47.75, 7.34), "FR", "C2"),
    "Guéret": (packed(46.17, 1.87), "FR", None),
}
CLUSTERS = pd.DataFrame({"cluster_id": ["C1", "C2"], "economies": ["FR", "CH/FR"], "name": ["Paris", "Basel"]})

BY_APPLICANT = frozenset({"pct_applications"})

Person = tuple[str | None, list[dict[str, Any]] | None]
"""The town of a person, and the organisations of the row."""
Record = tuple[str, int, list[Person], list[dict[str, Any]] | None]
"""Identifier, data year, people, fields."""


def licences(edition: Edition, unnamed: frozenset[str] = frozenset()) -> dict[str, composition.Licence]:
    """Of sources that let organisations be named, but for some metrics."""
    return {name: composition.Licence("CC0-1.0", name not in unnamed) for name in edition.metrics}


def org(name: str | None, *, id_: str | None = None, economy: str = "FR", weight: float = 1.0) -> dict[str, Any]:
    kind = "organisation" if name or id_ else "individual"
    return {"id": id_, "name": name, "economy": economy, "kind": kind, "weight": weight}


def field(name: str, weight: float = 1.0) -> dict[str, Any]:
    return {"name": name, "weight": weight}


def core(records: list[Record], metric: str) -> pd.DataFrame:
    """The rows of a core table, with what the composition reads of it."""
    rows = []
    for identifier, year, people, fields in records:
        seen: set[str | None] = set()
        for nth, (town, organisations) in enumerate(people, 1):
            location, economy, _ = TOWNS[town] if town else (None, None, None)
            rows.append(
                {
                    "record_id": identifier,
                    "data_year": np.int32(year),
                    "record_type": "seed" if metric == "vc_deals" else "article",
                    "person_seq": np.int32(nth),
                    "fraction": 1 / len(people),
                    "first_at_location": town not in seen,
                    "location_id": location,
                    "economy": economy,
                    "organisations": json.dumps(organisations, ensure_ascii=False) if organisations else None,
                    "fields": json.dumps(fields) if fields else None,
                }
            )
            seen.add(town)
    frame = pd.DataFrame(rows).astype({"location_id": "Int64"})
    return frame.astype(dict.fromkeys(("economy", "organisations", "fields"), "str"))


def random_records(metric: str, years: tuple[int, ...], count: int = 300) -> list[Record]:
    """Records of one to five people; towns, organisations and fields are missing here and there."""
    rng = np.random.default_rng(len(metric))
    towns: list[str | None] = [*TOWNS, None]
    names = ["Alpha Ltd", "ALPHA LTD.", "Beta S.A.", "Gamma GmbH", None]
    found: list[Record] = []
    for number in range(count):
        people: list[Person] = []
        applicants = [org(names[int(rng.integers(5))], weight=0.5), org(names[int(rng.integers(5))], weight=0.5)]
        for _ in range(int(rng.integers(1, 6)) if metric != "vc_deals" else 1):
            town = towns[int(rng.choice(len(towns), p=[0.3, 0.1, 0.3, 0.1, 0.1, 0.1]))]
            people.append((town, applicants if rng.random() < 0.9 else None))
        fields = [field("Optics", 0.25), field("Chemistry", 0.75)] if number % 3 else [field("Optics")]
        found.append((f"{metric}{number}", years[number % len(years)], people, fields if number % 7 else None))
    return found


class Made:
    """The tables of the composition of some records, and what they are made from.

    engine: as `counting.connect`. unnamed: metrics whose organisations may not be named.
    """

    def __init__(
        self,
        folder: Path,
        records: dict[str, list[Record]],
        names: pd.DataFrame | None = None,
        *,
        engine: Any = None,
        unnamed: frozenset[str] = frozenset(),
        by_applicant: frozenset[str] = BY_APPLICANT,
    ) -> None:
        connection = engine or connect()
        tables = {}
        for metric in EDITION.metrics:
            core(records[metric], metric).to_parquet(folder / f"{metric}.parquet")
            tables[metric] = connection.read_parquet(str(folder / f"{metric}.parquet"))
        where = [(at, 2020, name, None, economy, 1) for name, (at, economy, _) in TOWNS.items()]
        pd.DataFrame(where, columns=list(LOCATIONS)).astype(LOCATIONS).to_parquet(folder / "locations.parquet")
        self.core = {metric: core(records[metric], metric) for metric in EDITION.metrics}
        self.points = points(tables, connection.read_parquet(str(folder / "locations.parquet")), EDITION).to_pandas()
        self.members = pd.DataFrame(
            [(at, cluster) for at, _, cluster in TOWNS.values()], columns=["location_id", "cluster_id"]
        )
        self.figures = cluster_metrics(self.members, self.points, totals(tables, EDITION), None, EDITION)
        numbers = counting.numbered(self.members, composition.cluster_ids(CLUSTERS))
        self.makeup = counting.makeup(tables, EDITION, numbers)
        self.tables = composition.compose(
            composition.Inputs(
                EDITION,
                CLUSTERS,
                self.members,
                self.points,
                self.figures,
                self.makeup,
                licences=licences(EDITION, unnamed),
                by_applicant=by_applicant,
                names=names,
            )
        )


def years_of(metric: str) -> tuple[int, ...]:
    return tuple(EDITION.metrics[metric].window.value.years)


def random_world() -> dict[str, list[Record]]:
    return {metric: random_records(metric, years_of(metric)) for metric in EDITION.metrics}
