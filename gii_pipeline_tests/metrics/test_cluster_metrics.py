from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gii_pipeline.counting import Total
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline_tests.ranking import small_world as world


def _figures(
    points: pd.DataFrame | None = None, edition: Edition | None = None, population: pd.DataFrame | None = None
) -> pd.DataFrame:
    points = world.points() if points is None else points
    return cluster_metrics(world.members(), points, world.TOTALS, population, edition or world.edition())


def test_a_cluster_counts_the_fractions_of_its_members() -> None:
    counts = _figures().pivot_table(index="cluster_id", columns="metric", values="count")
    assert list(counts.loc[world.A]) == [125.0, 300.0]
    assert list(counts.loc[world.B]) == [0.0, 1000.0]


def test_shares_are_of_the_located_world_or_of_all_records_as_the_edition_says() -> None:
    edition = world.edition()
    every = edition.model_copy(update={"share_base": edition.share_base.model_copy(update={"value": "all"})})
    assert _figures().iloc[0]["share_pct"] == 12.5
    assert _figures(edition=every).iloc[0]["share_pct"] == 10.0


def test_equal_counts_share_the_better_rank() -> None:
    figures = _figures(world.points().query("metric != 'scientific_publications'"))
    ranks = figures.query("metric == 'scientific_publications'")["metric_rank"]
    assert ranks.tolist() == [1, 1, 1]


def test_per_million_is_null_without_inhabitants() -> None:
    figures = _figures(population=world.footprints((2e6, 0.0, None)))
    assert figures["per_million"].tolist()[:2] == [62.5, 150.0]
    assert figures["per_million"][2:].isna().all()


def test_row_order_does_not_matter() -> None:
    mixed = world.points().sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(_figures(mixed), _figures())


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_fraction_that_is_no_count_is_refused_by_location(wrong: float) -> None:
    points = world.points()
    points.loc[2, "fractions"] = wrong
    with pytest.raises(InputError, match=r"location 2, pct_applications: fractions is"):
        _figures(points)


@pytest.mark.parametrize("total", [0.0, np.nan])
def test_a_zero_world_total_is_refused_by_metric_and_window(total: float) -> None:
    totals = world.TOTALS | {"pct_applications": Total(total, total)}
    with pytest.raises(InputError, match=r"pct_applications has a world total of .* in the window 2019–2023"):
        cluster_metrics(world.members(), world.points(), totals, None, world.edition())


@pytest.mark.parametrize("base", ["located", "all"])
def test_a_metric_without_a_world_total_is_refused(base: str) -> None:
    edition = world.edition()
    edition = edition.model_copy(update={"share_base": edition.share_base.model_copy(update={"value": base})})
    totals = {"pct_applications": world.TOTALS["pct_applications"]}
    with pytest.raises(InputError, match="scientific_publications has a world total of 0 in the window"):
        cluster_metrics(world.members(), world.points(), totals, None, edition)


def test_a_figure_names_its_edition_and_the_window_of_its_metric() -> None:
    years = ["edition", "method", "window_first_year", "window_last_year"]
    found = _figures().drop_duplicates("metric").set_index("metric")[years]
    assert found.T.to_dict("list") == {
        "pct_applications": [2024, 2024, 2019, 2023],
        "scientific_publications": [2024, 2024, 2018, 2022],
    }
