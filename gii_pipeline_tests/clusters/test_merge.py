from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gii_pipeline.clusters.kernels import haversine
from gii_pipeline.clusters.merge import close_pairs, merge
from gii_pipeline.clusters.rows import EARTH_RADIUS_KM
from gii_pipeline.errors import InputError

KM = 1 / 111.195
"""Degrees of latitude."""

# Four clusters on a meridian: 0 and 1 are 4 km apart, 1 and 2 also, 3 is 40 km off.
LATITUDE = np.array([0.0, 1.0, 5.0, 6.0, 10.0, 11.0, 51.0, 70.0]) * KM
LONGITUDE = np.zeros(8)
LABELS = np.array([0, 0, 1, 1, 2, 2, 3, -1])
LOCATIONS = np.arange(100, 108)


def _ties(*rows: tuple[int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["location_id_a", "location_id_b", "co_records"])


def _with_ties(ties: pd.DataFrame | None, distance_km: float = 5) -> list[int]:
    merged = merge(
        LABELS,
        LATITUDE,
        LONGITUDE,
        rule="distance_and_ties",
        distance_km=distance_km,
        location_id=LOCATIONS,
        ties=ties,
    )
    return [int(label) for label in merged]


def test_clusters_whose_borders_are_within_the_distance_merge_and_so_do_chains_of_them() -> None:
    merged = merge(LABELS, LATITUDE, LONGITUDE, rule="distance", distance_km=5)
    assert merged.tolist() == [0, 0, 0, 0, 0, 0, 1, -1]
    assert merge(LABELS, LATITUDE, LONGITUDE, rule="distance", distance_km=3.9).tolist() == LABELS.tolist()


def test_without_a_merge_rule_every_cluster_stays_itself() -> None:
    assert merge(LABELS, LATITUDE, LONGITUDE, rule="none", distance_km=500).tolist() == LABELS.tolist()


def test_borders_meet_across_the_antimeridian() -> None:
    labels, latitude, longitude = np.array([0, 1]), np.array([-17.0, -17.0]), np.array([179.99, -179.98])
    assert close_pairs(labels, latitude, longitude, 5) == [(0, 1)]
    assert close_pairs(labels, latitude, longitude, 3) == []


def test_with_ties_only_those_merge_that_share_most_with_each_other() -> None:
    # 0 and 1 share 9, 1 and 2 share 5: 1's first choice is 0, so 2 stays alone.
    ties = _ties((101, 102, 6), (103, 100, 3), (103, 104, 5), (106, 104, 1))
    assert _with_ties(ties) == [0, 0, 0, 0, 1, 1, 2, -1]


def test_ties_with_a_cluster_far_away_keep_neighbours_apart() -> None:
    ties = _ties((101, 102, 6), (101, 106, 7))
    assert _with_ties(ties) == LABELS.tolist()


def test_as_many_ties_with_a_third_cluster_is_not_more() -> None:
    assert _with_ties(_ties((101, 102, 6), (103, 104, 6))) == LABELS.tolist()


def test_ties_inside_a_cluster_or_with_noise_count_for_nothing() -> None:
    assert _with_ties(_ties((100, 101, 99), (101, 107, 99), (107, 999, 99), (101, 102, 1))) == [0, 0, 0, 0, 1, 1, 2, -1]
    assert _with_ties(_ties()) == LABELS.tolist()


def test_ties_that_are_demanded_and_missing_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(InputError, match="no ties between locations were given"):
        _with_ties(None)
    with pytest.raises(InputError, match="lacks co_records"):
        _with_ties(_ties((101, 102, 6)).drop(columns="co_records"))


def test_no_clusters_merge_to_none() -> None:
    nothing = np.zeros(0)
    assert merge(np.zeros(0, np.int64), nothing, nothing, rule="distance", distance_km=5).tolist() == []
    noise = np.array([-1, -1])
    assert merge(noise, np.zeros(2), np.zeros(2), rule="distance", distance_km=5).tolist() == [-1, -1]


def _nearest_km(labels: npt.NDArray[np.int64], latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> pd.Series:
    """Pair of clusters -> kilometres between their nearest members, every pair measured."""
    latitudes, longitudes = np.radians(latitude), np.radians(longitude)
    off: dict[tuple[int, int], float] = {}
    for i, a in enumerate(labels):
        for j, b in enumerate(labels):
            if -1 < a < b:
                angle = haversine(latitudes[i], longitudes[i], latitudes[j], longitudes[j])
                km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(min(angle, 1.0)))
                off[int(a), int(b)] = min(km, off.get((int(a), int(b)), np.inf))
    return pd.Series(off, dtype="float64")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=30), st.integers(0, 4))
def test_close_pairs_are_those_that_measuring_every_pair_finds(drawn: list[tuple[int, int]], around: int) -> None:
    middle = [(0, 0), (48, 180), (90, 0), (-89.9, 5), (60, -179.95)][around]
    latitude = np.clip([middle[0] + 0.03 * north for north, _ in drawn], -90, 90)
    longitude = (np.array([middle[1] + 0.05 * east for _, east in drawn]) + 180) % 360 - 180
    labels = np.arange(len(drawn)) % 5 - 1
    _, labels = np.unique(labels, return_inverse=True)
    labels = labels - 1
    measured = _nearest_km(labels, latitude, longitude)
    assert set(close_pairs(labels, latitude, longitude, 5.0)) == set(measured[measured <= 5.0].index)
