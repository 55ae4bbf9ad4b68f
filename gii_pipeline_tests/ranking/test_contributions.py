from __future__ import annotations

import pytest

from gii_pipeline.counting import Total
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.ranking import contributions
from gii_pipeline_tests.ranking import small_world as world


@pytest.mark.parametrize("times", [1, 20_000], ids=["small", "millions of records"])
def test_the_parts_of_a_cluster_add_up_to_it_at_each_level(times: int) -> None:
    points = world.points()
    points["fractions"] *= times
    totals = {name: Total(*(times * count for count in total)) for name, total in world.TOTALS.items()}
    parts = contributions(world.members(), points, world.edition())
    figures = cluster_metrics(world.members(), points, totals, None, world.edition())
    whole = figures[figures["count"] > 0].set_index(["cluster_id", "metric"])["count"]
    for level in ("place", "economy"):
        sums = parts[parts["level"] == level].groupby(["cluster_id", "metric"])[["count", "cluster_share_pct"]].sum()
        assert sums["count"].to_dict() == whole.to_dict()
        assert parts["cluster_share_pct"].between(0, 100).all()
        assert sums["cluster_share_pct"].tolist() == pytest.approx([100.0] * len(whole))


def test_places_keep_their_economy_and_economies_have_no_place() -> None:
    parts = contributions(world.members(), world.points(), world.edition())
    alba = parts.query("cluster_id == @world.A and metric == 'pct_applications'")
    assert alba[["level", "economy", "admin", "place", "count"]].to_numpy().tolist() == [
        ["economy", "AA", "", "", 100.0],
        ["economy", "AB", "", "", 25.0],
        ["place", "AA", "North", "Alba", 100.0],
        ["place", "AB", "North", "Borgo", 25.0],
    ]
