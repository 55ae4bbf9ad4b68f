"""Drawing counts by their moments against drawing each record."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gii_pipeline.counting import Total
from gii_pipeline.ranking.bootstrap import bootstrap_scores, drawn_counts, interval
from gii_pipeline_tests.ranking import towns

REPLICATES = 20_000


def matrix(records: int, people: int, clusters: int, seed: int) -> np.ndarray:
    """The parts of records (rows) in clusters (columns): each has so many people, three in four at its home."""
    rng = np.random.default_rng(seed)
    home = rng.integers(0, clusters, records)
    parts = np.zeros((records, clusters))
    for _ in range(people):
        at = np.where(rng.random(records) < 0.75, home, rng.integers(0, clusters, records))
        np.add.at(parts, (np.arange(records), at), 1 / people)
    return parts


@pytest.mark.parametrize("people", [1, 3, 5])
@pytest.mark.parametrize("records", [30, 3000])
def test_counts_vary_as_they_do_when_each_record_is_drawn(people: int, records: int) -> None:
    parts = matrix(records, people, 4, seed=people)
    rng = np.random.default_rng(1)
    one_by_one = rng.poisson(1, (REPLICATES, records)) @ parts
    drawn = drawn_counts(parts.sum(axis=0), parts.T @ parts, REPLICATES, np.random.default_rng(2))
    assert drawn.mean(axis=0) == pytest.approx(one_by_one.mean(axis=0), rel=0.01)
    assert drawn.std(axis=0) == pytest.approx(one_by_one.std(axis=0), rel=0.025)
    together = (np.corrcoef(drawn.T) - np.corrcoef(one_by_one.T)).ravel()
    assert np.abs(together).max() < 0.05
    for ours, theirs in zip(interval(drawn), interval(one_by_one), strict=True):
        assert ours == pytest.approx(theirs, abs=1 + 0.05 * one_by_one.std(axis=0).max())


def test_a_count_is_never_below_zero_and_without_a_record_stays_what_it_is() -> None:
    drawn = drawn_counts(np.array([0.5, 0.0]), np.diag([0.25, 0.0]), 1000, np.random.default_rng(1))
    assert (drawn >= 0).all()
    assert (drawn[:, 1] == 0).all()
    assert set(np.unique(drawn[:, 0])) <= {0.5 * number for number in range(12)}


def test_where_no_record_is_drawn_scores_are_zero() -> None:
    this = towns.edition(2024)
    counts = pd.DataFrame({name: [1.0] for name in this.metrics}, index=["gii-a"])
    together = pd.DataFrame({"metric": list(this.metrics), "a": 0, "b": 0, "co_count": 1.0})
    alone = {name: Total(1.0, 1.0) for name in this.metrics}
    scores = bootstrap_scores(counts, alone, together, this, replicates=500, seed=1)
    weight = 100 * this.metrics["pct_applications"].weight.value
    assert set(np.unique(scores)) == {0.0, weight, 2 * weight}
