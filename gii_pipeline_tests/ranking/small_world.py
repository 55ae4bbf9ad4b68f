"""A world of three clusters that can be counted by hand."""

from __future__ import annotations

import pandas as pd

from gii_pipeline.counting import Total
from gii_pipeline.editions import Edition, wipo_book

A, B, C = "gii-a", "gii-b", "gii-c"
TOTALS = {"pct_applications": Total(1000.0, 1250.0), "scientific_publications": Total(10000.0, 12000.0)}


def edition(year: int = 2024) -> Edition:
    return wipo_book()[year]


def points() -> pd.DataFrame:
    rows = [
        (1, "pct_applications", "Alba", "North", "AA", 200, 100.0, 120),
        (1, "scientific_publications", "Alba", "North", "AA", 900, 300.0, 400),
        (2, "pct_applications", "Borgo", "North", "AB", 60, 25.0, 30),
        (3, "scientific_publications", "Cala", None, "CC", 3000, 1000.0, 1100),
        (4, "pct_applications", "Dorf", "South", "DD", 50, 50.0, 50),
        (5, "pct_applications", None, None, "DD", 9, 4.5, 6),
    ]
    columns = ["location_id", "metric", "place", "admin", "economy", "people", "fractions", "records"]
    return pd.DataFrame(rows, columns=columns)


def members() -> pd.DataFrame:
    return pd.DataFrame({"location_id": [1, 2, 3, 4, 5], "cluster_id": [A, A, B, C, None]})


def clusters() -> pd.DataFrame:
    return pd.DataFrame(
        {"cluster_id": [A, B, C], "name": ["Alba–Borgo", "Cala", "Dorf"], "economies": ["AA/AB", "CC", "DD"]}
    )


def footprints(population: tuple[float | None, ...] = (2_000_000.0, 500_000.0, None)) -> pd.DataFrame:
    return pd.DataFrame({"cluster_id": [A, B, C], "area_km2": [900.0, 400.0, 300.0], "population": list(population)})
