from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.ranking import rank_stability, size_order
from gii_pipeline.ranking.variants import Grid, grid_ranks
from gii_pipeline_tests.ranking import towns as world
from gii_pipeline_tests.ranking.contracted import broken_rules
from gii_pipeline_tests.ranking.towns import DEALS, PAPERS, PCT, Town, counted, edition

ALBA = Town("Alba", 10.0, 10.0, {PCT: 60, PAPERS: 60, DEALS: 10})
BORGO = Town("Borgo", 20.0, 20.0, {PCT: 59, PAPERS: 59, DEALS: 10})
CALA = Town("Cala", 30.0, 30.0, {PCT: 10, PAPERS: 10, DEALS: 1})
TOWNS = [ALBA, BORGO, CALA]


def _stability(
    this: Edition, towns: list[Town] = TOWNS, grid: Grid | None = None, **given: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = counted(towns, this)
    tables = world.rank(found, this)
    points = given.pop("points", found.points.to_pandas())
    arguments = {"replicates": 200, "co_counts": world.co_counts(found), **given}
    if grid:
        arguments["variants"] = list(grid_ranks(tables.cluster_members, points, found.totals, this, grid=grid))
    ranking = tables.ranking_size
    return rank_stability(ranking, tables.cluster_members, points, found.totals, this, **arguments), ranking


def _of(table: pd.DataFrame, name: str, *columns: str) -> list[Any]:
    return table.loc[table["name"] == name, list(columns)].iloc[0].tolist()


def test_near_equals_change_places_and_others_do_not() -> None:
    stability, ranking = _stability(edition(2024), grid=Grid())
    assert _of(stability, "Alba", "rank", "rank_low", "rank_high") == [1, 1, 2]
    assert _of(stability, "Borgo", "rank", "rank_low", "rank_high") == [2, 1, 2]
    assert _of(stability, "Cala", "rank", "rank_low", "rank_high", "rank_median") == [3, 3, 3, 3.0]
    assert (stability[["top_10_share", "top_100_share"]] == 1.0).all(axis=None)
    assert broken_rules("rank_stability", stability, edition(2024), ranking_size=ranking) == []


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    first, second, other = (_stability(edition(2024), seed=seed, replicates=25)[0] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first["top_10_share"].isna().any()
    assert first["seed"].tolist() == [1, 1, 1]
    assert other["seed"].tolist() == [2, 2, 2]


def test_the_order_of_rows_does_not_matter() -> None:
    points = counted(TOWNS, edition(2024)).points.to_pandas()
    mixed = points.sample(frac=1.0, random_state=1)
    given = _stability(edition(2024))[0]
    pd.testing.assert_frame_equal(_stability(edition(2024), points=mixed)[0], given)


def test_shares_of_all_records_count_those_without_a_location() -> None:
    this = edition(2024, share_base="all")
    assert _stability(this)[0]["rank"].tolist() == _stability(edition(2024))[0]["rank"].tolist()


def test_the_grid_shows_what_the_weight_of_vc_decides() -> None:
    deals = CALA._replace(counts=CALA.counts | {DEALS: 60})
    wide = Grid(radius=(1.0,), min_weight=(1.0,), merge=(True,), vc_weight=(0.0, 5.0))
    stability, _ = _stability(edition(2025), [ALBA, BORGO, deals], grid=wide)
    assert _of(stability, "Cala", "grid_rank_low", "grid_rank_high") == [1, 3]


def test_without_a_grid_its_columns_are_null() -> None:
    stability, ranking = _stability(edition(2024))
    assert stability[["grid_rank_low", "grid_rank_high"]].isna().all(axis=None)
    assert broken_rules("rank_stability", stability, edition(2024), ranking_size=ranking) == []


def test_a_cluster_that_a_stricter_method_does_not_find_has_the_ranks_of_the_others() -> None:
    this = edition(2024, min_weight=550.0)
    found = counted(TOWNS, this)
    tables = world.rank(found, this)
    points = found.points.to_pandas()
    ranks = [variant.ranks for variant in grid_ranks(tables.cluster_members, points, found.totals, this)]
    (cala,) = _of(tables.ranking_size, "Cala", "cluster_id")
    assert len(ranks) == 18
    assert {len(rank) for rank in ranks} == {2, 3}
    assert {int(rank[cala]) for rank in ranks if cala in rank.index} == {3}


def test_the_grid_at_the_editions_own_parameters_is_its_ranking() -> None:
    this = edition(2025)
    found = counted(TOWNS, this)
    tables = world.rank(found, this)
    points = found.points.to_pandas()
    own = Grid(radius=(1.0,), min_weight=(1.0,), merge=(True,), vc_weight=(1.0,))
    [(_, ranks)] = grid_ranks(tables.cluster_members, points, found.totals, this, grid=own)
    order = size_order(cluster_metrics(tables.cluster_members, points, found.totals, None, this), this)
    assert ranks.sort_index().to_dict() == order.set_index("cluster_id")["rank"].sort_index().to_dict()


def test_no_replicates_are_refused() -> None:
    with pytest.raises(InputError, match="0 replicates give no interval"):
        _stability(edition(2024), replicates=0)


def test_a_count_without_a_record_behind_it_is_refused_by_cluster() -> None:
    nothing = pd.DataFrame({"metric": [], "a": [], "b": [], "co_count": []}).astype({"a": "int64", "b": "int64"})
    with pytest.raises(
        InputError, match=r"pct_applications: cluster gii-.* counts .* but the core tables have no record"
    ):
        _stability(edition(2024), co_counts=lambda _: nothing)


def test_clusters_whose_intervals_of_ranks_overlap_are_statistically_tied() -> None:
    stability, _ = _stability(edition(2024))
    assert _of(stability, "Alba", "tied_rank_low", "tied_rank_high") == [1, 2]
    assert _of(stability, "Borgo", "tied_rank_low", "tied_rank_high") == [1, 2]
    assert _of(stability, "Cala", "tied_rank_low", "tied_rank_high") == [3, 3]


def test_the_interval_of_the_score_is_around_it() -> None:
    stability, ranking = _stability(edition(2024))
    both = stability.merge(ranking[["cluster_id", "size_score"]], on="cluster_id")
    assert (both["size_score_low"] < both["size_score"]).all()
    assert (both["size_score"] < both["size_score_high"]).all()


def test_without_any_cluster_the_table_is_empty() -> None:
    hamlet = Town("Hamlet", 10.0, 10.0, {PCT: 1, PAPERS: 1})
    assert len(_stability(edition(2024), [hamlet])[0]) == 0


def test_the_chance_to_be_among_the_first_hundred_is_that_of_each_cluster() -> None:
    many = [Town(f"Town {n}", n - 50.0, 10.0, {PCT: 50.0, PAPERS: 50.0}, points=1) for n in range(100)]
    first = Town("First", 60.0, 10.0, {PCT: 200.0, PAPERS: 200.0}, points=1)
    stability, _ = _stability(edition(2024), [first, *many], replicates=50)
    assert _of(stability, "First", "top_100_share") == [1.0]
    others = stability.loc[stability["name"] != "First", "top_100_share"]
    assert (others < 1.0).any()
    assert stability["top_100_share"].sum() <= 100
