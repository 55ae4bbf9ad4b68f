from __future__ import annotations

import math

import pandas as pd
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.metrics.footprint_fit import RADII_KM, Known, fit, printed_populations

DENSITY = 10_000
MEMBERS = pd.DataFrame(
    {
        "location_id": [1, 2, 3],
        "cluster_id": ["a", "b", None],
        "latitude": [22.5, 19.4, 0.0],
        "longitude": [114.0, -99.1, 10.0],
    }
)
CLUSTERS = pd.DataFrame(
    {"cluster_id": ["a", "b"], "name": ["Shenzhen–Hong Kong–Guangzhou", "Mexico City"], "people": [9, 5]}
)


def evenly(footprints: pd.DataFrame) -> pd.DataFrame:
    return footprints[["cluster_id"]].assign(population=DENSITY * footprints["area_km2"])


def millions(radius_km: float) -> float:
    return math.pi * radius_km**2 * DENSITY / 1e6


def test_the_radius_that_gives_a_known_population_is_found_and_tested_on_another() -> None:
    known = [Known("Shenzhen–Hong Kong–Guangzhou", millions(6), millions(6)), Known("Mexico City", 1.0, 1.2)]
    found = fit(MEMBERS, CLUSTERS, known, evenly)
    assert found.radius_km == pytest.approx(6, abs=0.1)
    assert found.tests["agrees"].tolist() == [True]
    assert found.by_radius["Mexico City"].is_monotonic_increasing
    wrong = [known[0], Known("Mexico City", 2.0, 2.1)]
    assert fit(MEMBERS, CLUSTERS, wrong, evenly).tests["agrees"].tolist() == [False]


def test_where_nobody_lives_further_out_the_least_radius_counts() -> None:
    def within_6_km(footprints: pd.DataFrame) -> pd.DataFrame:
        people = DENSITY * footprints["area_km2"].clip(upper=math.pi * 36)
        return footprints[["cluster_id"]].assign(population=people)

    known = [Known("Shenzhen–Hong Kong–Guangzhou", millions(6), millions(6)), Known("Mexico City", 1.0, 1.2)]
    assert fit(MEMBERS, CLUSTERS, known, within_6_km).radius_km == pytest.approx(7.5, abs=0.1)


def test_a_population_that_no_radius_gives_has_no_fit() -> None:
    found = fit(MEMBERS, CLUSTERS, [Known("Shenzhen", 500, 500), Known("Mexico City", 1, 2)], evenly)
    assert found.radius_km is None
    assert "agrees" not in found.tests


def test_a_known_cluster_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="0 clusters are called Atlantis"):
        fit(MEMBERS, CLUSTERS, [Known("Atlantis", 1, 1)], evenly)


def test_the_printed_populations_are_one_to_fit_and_one_to_test() -> None:
    assert [one.cluster for one in printed_populations()] == ["Shenzhen–Hong Kong–Guangzhou", "Mexico City"]


def test_where_everybody_lives_in_the_least_circle_its_radius_fits() -> None:
    known = [Known("Shenzhen–Hong Kong–Guangzhou", 2, 2), Known("Mexico City", 2, 2)]
    found = fit(MEMBERS, CLUSTERS, known, lambda drawn: drawn[["cluster_id"]].assign(population=2e6))
    assert found.radius_km == pytest.approx(RADII_KM[0])
    assert found.tests["agrees"].tolist() == [True]
