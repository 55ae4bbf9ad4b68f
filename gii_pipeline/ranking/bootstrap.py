"""The bootstrap: size scores and ranks under resampled records.

Belongs here: drawing the counts of clusters as complete records make them vary, and intervals.
Does not: reading records (see `counting.co_counts`), or other parameters (see `stability`).

What is resampled: complete records. Each gets a weight from Poisson(1) and takes all its parts along, in whatever
clusters they are in, as if the records had been collected again. What is not: borders, locations and inhabitants. The
count of a cluster then has a mean and a variance that follow from the records, and clusters that share records vary
together. Each count is drawn as a Poisson number of equal parts with that mean and variance; a normal copula with the
records' correlations joins the clusters and the rest of the world. Means, variances and correlations are therefore
those of the record-level bootstrap, without drawing a single record.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from gii_pipeline.counting import Total
from gii_pipeline.counting.co_counts import OUTSIDE
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.cluster_metrics import world_total

Floats = npt.NDArray[np.float64]
Ranks = npt.NDArray[np.int64]

INTERVAL = (0.025, 0.975)
SCORE_DECIMALS = 9
_NEARLY_NORMAL = 100.0


def bootstrap_scores(
    counts: pd.DataFrame,
    totals: Mapping[str, Total],
    co_counts: pd.DataFrame,
    edition: Edition,
    *,
    replicates: int,
    seed: int,
) -> Floats:
    """Size scores (replicates x clusters) under resampled records.

    counts: clusters (index) by the edition's metrics; co_counts: as `counting.co_counts`, clusters numbered as in
    counts. Raises InputError for a cluster that counts something and has no record behind it.
    """
    scores = np.zeros((replicates, len(counts)))
    rng = np.random.default_rng(seed)
    for name, metric in edition.metrics.items():
        mean = counts[name].to_numpy(np.float64)
        mean = np.append(mean, max(world_total(totals, edition, name) - mean.sum(), 0.0))
        products = _products(co_counts[co_counts["metric"] == name], len(counts))
        if (wrong := (mean[:-1] > 0) & ~(np.diag(products)[:-1] > 0)).any():
            at = int(wrong.argmax())
            raise InputError(
                f"{name}: cluster {counts.index[at]} counts {mean[at]:g} but the core tables have no record for "
                f"it. Run the edition's points again."
            )
        drawn = drawn_counts(mean, products, replicates, rng)
        world = drawn.sum(axis=1, keepdims=True)
        scores += metric.weight.value * np.divide(
            100 * drawn[:, :-1], world, out=np.zeros_like(scores), where=world > 0
        )
    return np.round(scores, SCORE_DECIMALS)


def ranks_of(scores: Floats) -> Ranks:
    """Ranks (replicates x clusters); equal scores keep the order of the clusters given."""
    best_first = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.empty_like(best_first)
    np.put_along_axis(ranks, best_first, np.arange(1, scores.shape[1] + 1)[None, :], axis=1)
    return ranks


def interval(values: Floats | Ranks) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The ends of the middle 95 % over the replicates, both of them values that were drawn."""
    low, high = np.quantile(values, INTERVAL, axis=0, method="inverted_cdf")
    return low, high


def drawn_counts(mean: Floats, products: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    """Counts (replicates x clusters) with these means, and with variances and correlations from the products.

    A count that no record is behind stays what it is.
    """
    variance = np.diag(products)
    known = np.flatnonzero((variance > 0) & (mean > 0))
    drawn = np.tile(mean, (replicates, 1))
    part = variance[known] / mean[known]
    normal = rng.standard_normal((replicates, known.size)) @ _factor(products[np.ix_(known, known)]).T
    drawn[:, known] = part * _poisson(normal, mean[known] / part)
    return drawn


def _products(co_counts: pd.DataFrame, clusters: int) -> Floats:
    """The symmetric matrix of sums of products; the last row and column are what is in no cluster."""
    a, b = (co_counts[end].replace(OUTSIDE, clusters).to_numpy() for end in ("a", "b"))
    products = np.zeros((clusters + 1, clusters + 1))
    products[a, b] = products[b, a] = co_counts["co_count"]
    return products


def _factor(products: Floats) -> Floats:
    """A root of the correlation matrix: what makes correlated normal numbers of independent ones."""
    deviation = np.sqrt(np.diag(products))
    values, vectors = np.linalg.eigh(products / np.outer(deviation, deviation))
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    return np.asarray(root / np.linalg.norm(root, axis=1, keepdims=True), dtype=np.float64)


def _poisson(normal: Floats, expected: Floats) -> Floats:
    """Standard normal numbers as Poisson numbers of the same quantile, column by column.

    From an expectation of 100 on the expansion of Cornish and Fisher, which is off by less than a third of one.
    """
    root = np.sqrt(expected)
    drawn = np.maximum(expected + root * normal + (normal**2 - 1) / 6, 0.0)
    few = np.flatnonzero(expected < _NEARLY_NORMAL)
    drawn[:, few] = np.ceil(np.maximum(special.pdtrik(special.ndtr(normal[:, few]), expected[few]), 0.0))
    return drawn
