"""Values that a slip of a number or of a sign would change without breaking anything else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gii_pipeline.clusters.identity import match
from gii_pipeline.clusters.naming import economies
from gii_pipeline.counting import Total
from gii_pipeline.counting.co_counts import OUTSIDE
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.ranking import rank_stability, size_order
from gii_pipeline.ranking.bootstrap import bootstrap_scores, interval
from gii_pipeline.ranking.variants import metric_changed
from gii_pipeline.releases import Tolerance, exceeds
from gii_pipeline.releases.comparison import Diff, RankChange
from gii_pipeline.wording import ordinal
from gii_pipeline_tests.ranking import small_world, towns
from gii_pipeline_tests.ranking.towns import PAPERS, PCT, Town, edition


def test_an_interval_holds_the_middle_95_percent() -> None:
    low, high = interval(np.arange(1.0, 1001.0)[:, None])
    assert (low[0], high[0]) == (25.0, 975.0)


def test_the_first_ten_are_ten() -> None:
    """Eleven towns whose counts are so far apart that no resampling changes their order."""
    this = edition(2024, min_weight=1.0)
    rows = [
        Town(f"Town {'ABCDEFGHIJK'[i - 1]}", 5.0 * i - 30, 10.0, {PCT: 12.0 * i * i, PAPERS: 12.0 * i * i})
        for i in range(1, 12)
    ]
    found = towns.counted(rows, this)
    tables = towns.rank(found, this)
    points = found.points.to_pandas()
    stability = rank_stability(
        tables.ranking_size,
        tables.cluster_members,
        points,
        found.totals,
        this,
        co_counts=towns.co_counts(found),
        replicates=50,
    )
    shares = stability.set_index("name")["top_10_share"]
    assert shares["Town B"] == 1.0
    assert shares["Town A"] == 0.0


def test_the_rest_of_the_world_is_resampled_with_the_clusters() -> None:
    """One cluster with half of 100 records of one person: the share of a resampled half varies by five per cent."""
    this = edition(2024).model_copy(update={"metrics": {PCT: edition(2024).metrics[PCT]}})
    counts = pd.DataFrame({PCT: [50.0]}, index=pd.Index(["gii-a"]))
    together = pd.DataFrame({"metric": PCT, "a": [0, OUTSIDE], "b": [0, OUTSIDE], "co_count": [50.0, 50.0]})
    totals = {PCT: Total(100.0, 100.0)}
    scores = bootstrap_scores(counts, totals, together, this, replicates=4000, seed=1)
    weight = this.metrics[PCT].weight.value
    assert scores.mean() == pytest.approx(50 * weight, rel=0.02)
    assert scores.std() == pytest.approx(5 * weight, rel=0.05)


def test_clusters_with_the_same_count_share_a_rank_and_the_next_rank_is_free() -> None:
    points = pd.DataFrame({"location_id": [1, 2, 3], "metric": PCT, "fractions": [10.0, 10.0, 5.0]})
    members = pd.DataFrame({"location_id": [1, 2, 3], "cluster_id": ["gii-a", "gii-b", "gii-c"]})
    this = small_world.edition()
    figures = cluster_metrics(members, points, small_world.TOTALS, None, this)
    of_patents = figures[figures["metric"] == PCT].set_index("cluster_id")["metric_rank"]
    assert of_patents.to_dict() == {"gii-a": 1, "gii-b": 1, "gii-c": 3}


def test_an_economy_is_named_from_its_share_on() -> None:
    def named(people: float) -> str:
        members = pd.DataFrame(
            {"cluster": 0, "place": ["Basel", "Lörrach"], "economy": ["CH", "DE"], "people": [100.0 - people, people]}
        )
        return str(economies(members, min_share=0.05)[0])

    assert named(4.9) == "CH"
    assert named(5.0) == "CH/DE"


@pytest.mark.parametrize(("shared", "identity"), [(49.0, "new"), (50.0, "kept")])
def test_a_cluster_descends_from_the_one_that_held_half_of_it(shared: float, identity: str) -> None:
    now = pd.DataFrame({"cluster_id": "x", "latitude": [1.0, 2.0], "longitude": 5.0, "people": [shared, 100 - shared]})
    before = now.assign(cluster_id="a", latitude=[1.0, 3.0])
    assert match(now, before)["identity"].tolist() == [identity]


def test_the_size_score_is_the_sum_of_weighted_shares() -> None:
    this = edition(2024)
    for name, weight in {PCT: 1.0, PAPERS: 0.25}.items():
        this = metric_changed(this, name, weight=weight)
    shares = {PCT: 0.5, PAPERS: 0.125}
    figures = pd.DataFrame(
        {"cluster_id": "gii-a", "metric": name, "count": 1000 * share, "world_total": 1000.0, "share_pct": 100 * share}
        for name, share in shares.items()
    )
    assert size_order(figures, this)["size_score"].tolist() == [100 * (0.5 + 0.25 * 0.125)]


@pytest.mark.parametrize(
    ("number", "said"), [(11, "11th"), (101, "101st"), (111, "111th"), (112, "112th"), (113, "113th"), (122, "122nd")]
)
def test_a_place_is_said_as_people_say_it(number: int, said: str) -> None:
    assert ordinal(number) == said


@pytest.mark.parametrize(("old", "new", "told"), [(100, 140, 1), (140, 100, 1), (101, 140, 0), (140, 101, 0)])
def test_a_move_counts_where_it_begins_or_ends_within_the_rank(old: int, new: int, told: int) -> None:
    move = RankChange("gii-a", "Alba", "Alba", old, new, old - new)
    found = Diff("v2024.1", "v2025.1", (move,), (), (), (), (), (), ())
    assert len(exceeds(found, Tolerance(rank_move=3, within_rank=100))) == told
    assert Tolerance().within_rank == 100
