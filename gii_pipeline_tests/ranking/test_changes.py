from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gii_pipeline.counting import Counted
from gii_pipeline.editions import Edition
from gii_pipeline.ranking import rank_changes
from gii_pipeline.ranking.changes import within_borders
from gii_pipeline_tests.ranking.chain import EditionTables
from gii_pipeline_tests.ranking.contracted import broken_rules
from gii_pipeline_tests.ranking.towns import DEALS, PAPERS, PCT, Town, counted, edition, points, rank

ALBA = Town("Alba", 10.0, 10.0, {PCT: 30, PAPERS: 30, DEALS: 1})
BORGO = Town("Borgo", 20.0, 20.0, {PCT: 20, PAPERS: 20, DEALS: 1})
CALA = Town("Cala", 30.0, 30.0, {PCT: 15, PAPERS: 15, DEALS: 100})
PARTS = ["change_due_to_data", "change_due_to_borders", "change_due_to_method"]


def _with(town: Town, factor: float) -> Town:
    return town._replace(counts={metric: factor * count for metric, count in town.counts.items()})


def _changes(
    now: Sequence[Town], before: Sequence[Town], this: Edition, previous: Edition | None
) -> tuple[pd.DataFrame, EditionTables]:
    def count(asked: Edition) -> Counted:
        return counted(now if asked.edition == this.edition else before, asked)

    tables = rank(count(this), this)
    changes = rank_changes(
        tables.ranking_size, tables.cluster_members, count(this), this, previous=previous, count=count
    )
    return changes, tables


def _of(changes: pd.DataFrame, name: str) -> dict[str, int]:
    row = changes[changes["name"] == name].drop(columns=["edition", "method", "cluster_id", "name"])
    return {str(column): int(value) for column, value in row.iloc[0].dropna().to_dict().items()}


def test_without_a_previous_edition_every_cluster_is_new() -> None:
    this = edition(2024)
    changes, tables = _changes([ALBA, BORGO], [], this, None)
    assert _of(changes, "Alba") == {"rank": 1}
    assert _of(changes, "Borgo") == {"rank": 2}
    assert broken_rules("rank_changes", changes, this, ranking_size=tables.ranking_size) == []


def test_new_data_alone_moves_a_rank_by_the_part_due_to_data() -> None:
    changes, tables = _changes([ALBA, _with(BORGO, 3)], [ALBA, BORGO], edition(2024), edition(2023))
    assert _of(changes, "Borgo") == {
        "rank": 1,
        "previous_edition": 2023,
        "previous_rank": 2,
        "rank_change": 1,
        "previous_rank_own_method": 2,
        "rank_by_previous_method": 1,
        "change_due_to_data": 1,
        "change_due_to_borders": 0,
        "change_due_to_method": 0,
    }
    assert _of(changes, "Alba")["rank_change"] == -1
    assert broken_rules("rank_changes", changes, edition(2024), ranking_size=tables.ranking_size) == []


def test_a_new_metric_alone_moves_a_rank_by_the_part_due_to_method() -> None:
    towns = [ALBA, BORGO, CALA]
    changes, _ = _changes(towns, towns, edition(2025), edition(2024))
    cala = _of(changes, "Cala")
    assert (cala["rank"], cala["rank_by_previous_method"], cala["previous_rank_own_method"]) == (1, 3, 3)
    assert [cala[part] for part in PARTS] == [0, 0, 2]
    assert (cala["previous_rank"], cala["rank_change"]) == (1, 0)


def test_a_cluster_that_grows_beyond_its_borders_moves_by_the_part_due_to_borders() -> None:
    suburbs = Town("Suburbs of Borgo", 20.0, 20.15, {PCT: 40, PAPERS: 40})
    changes, _ = _changes([ALBA, BORGO, suburbs], [ALBA, BORGO], edition(2024), edition(2023))
    borgo = changes.sort_values("rank").iloc[0]
    assert "Borgo" in borgo["name"]
    assert borgo[PARTS].tolist() == [0, 1, 0]


def test_a_cluster_that_did_not_exist_is_new() -> None:
    changes, _ = _changes([ALBA, BORGO, CALA], [ALBA, BORGO], edition(2024), edition(2023))
    assert _of(changes, "Cala") == {"rank": 3, "previous_edition": 2023, "rank_by_previous_method": 3}


def test_a_previous_edition_without_a_single_cluster_makes_every_cluster_new() -> None:
    hamlet = _with(ALBA, 0.01)
    changes, tables = _changes([ALBA, BORGO], [hamlet], edition(2024), edition(2023))
    assert changes["previous_rank"].isna().all()
    assert changes[PARTS].isna().all(axis=None)
    assert broken_rules("rank_changes", changes, edition(2024), ranking_size=tables.ranking_size) == []


def test_ranks_of_the_previous_edition_go_beyond_the_length_of_the_ranking() -> None:
    towns = [ALBA, BORGO, CALA]
    this = edition(2024, ranking_length=2)
    changes, _ = _changes([ALBA, BORGO, _with(CALA, 3)], towns, this, edition(2023, ranking_length=2))
    assert changes["name"].tolist() == ["Alba", "Cala"]
    assert _of(changes, "Cala")["previous_rank"] == 3


def test_a_known_location_keeps_its_place_and_a_new_one_goes_to_the_nearest_border_within_reach() -> None:
    members = rank(counted([ALBA, BORGO], edition(2023)), edition(2023)).cluster_members
    lone = Town("Lone", 10.0, 10.18, {PCT: 1}, points=1)
    members = pd.concat([members, points([lone], edition(2023)).assign(cluster_id=None)])
    at_the_border = Town("Border", 10.04, 10.0, {PCT: 1}, points=1)
    far = Town("Far", 10.2, 10.0, {PCT: 1}, points=1)
    now = points([ALBA, lone, at_the_border, far], edition(2024))
    inside = within_borders(now, members, distance_km=5.0).set_index("location_id")["cluster_id"]
    found = now.assign(cluster_id=now["location_id"].map(inside)).groupby("place")["cluster_id"].first()
    assert found["Border"] == found["Alba"]
    assert found[["Lone", "Far"]].isna().all()


growth = st.lists(st.floats(0.3, 5.0), min_size=3, max_size=3)


@settings(max_examples=15, deadline=None)
@given(growth, growth, st.sampled_from([(2024, 2023), (2025, 2024)]))
def test_the_parts_add_up_to_the_whole_move(now: list[float], before: list[float], years: tuple[int, int]) -> None:
    towns = [ALBA, BORGO, CALA]
    this, previous = edition(years[0]), edition(years[1], min_weight=250.0)
    changes, _ = _changes(list(map(_with, towns, now)), list(map(_with, towns, before)), this, previous)
    whole = changes["previous_rank_own_method"] - changes["rank"]
    assert changes[PARTS].sum(axis=1).tolist() == pytest.approx(whole.fillna(0).tolist())
    assert (changes[PARTS].notna().all(axis=1) | changes[PARTS].isna().all(axis=1)).all()
    assert (changes["rank_change"].dropna() == (changes["previous_rank"] - changes["rank"]).dropna()).all()
