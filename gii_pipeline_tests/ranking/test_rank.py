from __future__ import annotations

import pandas as pd
import pytest

from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.ranking import rank_intensity, rank_size
from gii_pipeline_tests.ranking import small_world as world


def _ranking(**changes: pd.DataFrame) -> pd.DataFrame:
    tables = {"members": world.members(), "points": world.points(), "population": world.footprints()} | changes
    figures = cluster_metrics(tables["members"], tables["points"], world.TOTALS, tables["population"], world.edition())
    return rank_size(world.clusters(), tables["population"], figures, world.edition())


def test_the_size_score_is_the_sum_of_the_shares_and_the_largest_comes_first() -> None:
    ranking = _ranking()
    assert ranking["cluster_id"].tolist() == [world.A, world.B, world.C]
    assert ranking["size_score"].tolist() == pytest.approx([12.5 + 3.0, 10.0, 5.0])


def test_the_intensity_score_is_the_size_score_per_million_inhabitants() -> None:
    ranking = _ranking()
    assert ranking["intensity_score"].tolist()[:2] == pytest.approx([15.5 / 2, 10.0 / 0.5])
    intensity = rank_intensity(ranking)
    assert intensity["cluster_id"].tolist() == [world.B, world.A]
    assert intensity["size_rank"].tolist() == [2, 1]
    assert intensity["rank"].tolist() == [1, 2]


@pytest.mark.parametrize("nobody", [None, 0.0])
def test_a_cluster_without_inhabitants_is_ranked_by_size_only(nobody: float | None) -> None:
    ranking = _ranking(population=world.footprints((2e6, 5e5, nobody)))
    last = ranking.iloc[-1]
    assert last["cluster_id"] == world.C
    assert pd.isna(last["intensity_rank"])
    assert pd.isna(last["intensity_score"])
    assert pd.isna(last["pct_applications_per_million"])
    assert world.C not in set(rank_intensity(ranking)["cluster_id"])


def test_a_metric_that_the_edition_lacks_is_empty_and_not_zero() -> None:
    assert _ranking()[["vc_deals_count", "vc_deals_share_pct", "vc_deals_rank"]].isna().all(axis=None)


def test_a_ranking_is_as_long_as_there_are_clusters() -> None:
    assert _ranking()["rank"].tolist() == [1, 2, 3]


def test_equal_scores_go_by_the_first_metric_then_by_id() -> None:
    points = pd.DataFrame(
        {
            "location_id": [1, 2, 3, 4],
            "metric": ["scientific_publications", "pct_applications", "pct_applications", "scientific_publications"],
            "fractions": [100.0, 10.0, 10.0, 100.0],
        }
    )
    members = pd.DataFrame({"location_id": [1, 2, 3, 4], "cluster_id": [world.A, world.C, world.B, world.A]})
    points.loc[3, "fractions"] = 0.0
    assert _ranking(points=points, members=members)["cluster_id"].tolist() == [world.B, world.C, world.A]
