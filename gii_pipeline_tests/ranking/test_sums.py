from __future__ import annotations

from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gii_pipeline.counting import Total
from gii_pipeline.counting.units import counted as counted_to_the_millionth
from gii_pipeline.counting.units import from_units, to_units
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.ranking import contributions, rank_intensity, rank_size
from gii_pipeline_tests.ranking import small_world as world

METRICS = ["pct_applications", "scientific_publications"]
CLUSTERS = ["gii-a", "gii-b", "gii-c"]
point = st.fixed_dictionaries(
    {
        "location_id": st.integers(1, 12),
        "metric": st.sampled_from(METRICS),
        "place": st.sampled_from(["Alba", "Borgo", None]),
        "admin": st.sampled_from(["North", None]),
        "economy": st.sampled_from(["AA", "BB", None]),
        "people": st.integers(1, 40),
    }
)
points = st.lists(point, min_size=1, max_size=40, unique_by=lambda row: (row["location_id"], row["metric"]))
inside = st.lists(st.sampled_from([*CLUSTERS, None]), min_size=12, max_size=12)
inhabitants = st.lists(st.sampled_from([None, 0.0, 1.0, 3e6]), min_size=3, max_size=3)


def _frames(rows: list[dict[str, object]], clusters: list[str | None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = pd.DataFrame(rows).assign(fractions=lambda found: found["people"] / 7)
    return frame, pd.DataFrame({"location_id": range(1, 13), "cluster_id": pd.Series(clusters, dtype="object")})


def _totals(frame: pd.DataFrame, unlocated: float) -> dict[str, Total]:
    located = {name: float(from_units(to_units(rows).sum())) for name, rows in frame.groupby("metric")["fractions"]}
    return {name: Total(located.get(name, 0.0) + 1.0, located.get(name, 0.0) + 1.0 + unlocated) for name in METRICS}


@settings(max_examples=40, deadline=None)
@given(points, inside)
def test_contributions_add_up_to_the_count_of_their_cluster(
    rows: list[dict[str, object]], clusters: list[str | None]
) -> None:
    frame, members = _frames(rows, clusters)
    parts = contributions(members, frame, world.edition())
    figures = cluster_metrics(members, frame, _totals(frame, 0), None, world.edition())
    whole = figures[figures["count"] > 0].set_index(["cluster_id", "metric"])["count"]
    for level in ("place", "economy"):
        of_level = parts[parts["level"] == level].groupby(["cluster_id", "metric"])
        summed = of_level["count"].agg(lambda counts: to_units(counts).sum())
        assert counted_to_the_millionth(summed).tolist() == whole.tolist()
        assert summed.index.tolist() == whole.index.tolist()


@settings(max_examples=40, deadline=None)
@given(points, inside, st.floats(0, 50))
def test_clusters_noise_and_unlocated_add_up_to_all_records(
    rows: list[dict[str, object]], clusters: list[str | None], unlocated: float
) -> None:
    frame, members = _frames(rows, clusters)
    totals = _totals(frame, unlocated)
    figures = cluster_metrics(members, frame, totals, None, world.edition())
    noise = set(members.loc[members["cluster_id"].isna(), "location_id"])
    for name in METRICS:
        mine = frame[frame["metric"] == name]
        outside = from_units(to_units(mine.loc[mine["location_id"].isin(noise), "fractions"]).sum())
        counted = figures.loc[figures["metric"] == name, "count"].sum() + outside
        assert counted + 1.0 + unlocated == pytest.approx(totals[name].all_records)


@settings(max_examples=40, deadline=None)
@given(points, inside, inhabitants)
def test_a_ranking_has_no_infinity_and_nulls_only_where_there_are_no_inhabitants(
    rows: list[dict[str, object]], clusters: list[str | None], population: list[float | None]
) -> None:
    frame, members = _frames(rows, clusters)
    footprints = world.footprints().assign(cluster_id=CLUSTERS, population=pd.array(population, dtype="Float64"))
    named = world.clusters().assign(cluster_id=CLUSTERS)
    figures = cluster_metrics(members, frame, _totals(frame, 0), footprints, world.edition())
    ranking = rank_size(named, footprints, figures, world.edition())
    assert ranking["rank"].tolist() == list(range(1, len(set(filter(None, clusters))) + 1))
    assert np.isfinite(ranking["size_score"]).all()
    nobody = ~(ranking["population"].fillna(0) > 0)
    for column in ("intensity_score", "intensity_rank", *(f"{name}_per_million" for name in METRICS)):
        assert (ranking[column].isna() == nobody).all()
        assert np.isfinite(ranking.loc[~nobody, column].astype("float64")).all()
    intensity = rank_intensity(ranking)
    assert intensity["rank"].tolist() == list(range(1, int((~nobody).sum()) + 1))
    assert not intensity[["rank", "intensity_score", "size_score", "size_rank", "population"]].isna().any(axis=None)


@given(st.lists(st.integers(1, 24), min_size=1, max_size=60), st.randoms())
def test_records_of_up_to_24_people_add_up_to_whole_records_in_any_order(people: list[int], random: Random) -> None:
    fractions = [1 / split for split in people for _ in range(split)]
    random.shuffle(fractions)
    assert from_units(to_units(fractions).sum()) == len(people)


def test_more_records_than_an_exact_sum_can_hold_are_refused() -> None:
    with pytest.raises(InputError, match="exceed the limit of an exact sum"):
        to_units([60e6, 60e6])
